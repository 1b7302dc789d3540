// The test binary. `--regenerate_golden` writes the files under golden/ instead of comparing them;
// `--long` runs random tests of kernels with large counts.
#include <gtest/gtest.h>

#include <cstring>

#include "golden.h"
#include "kernel_testing.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--regenerate_golden") == 0) nnseq::testing::regenerate_golden = true;
    if (std::strcmp(argv[i], "--long") == 0) nnseq::testing::long_run = true;
  }
  return RUN_ALL_TESTS();
}
