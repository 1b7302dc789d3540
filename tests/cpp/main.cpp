// The test binary. `--regenerate_golden` writes the files under golden/ instead of comparing them.
#include <gtest/gtest.h>

#include <cstring>

#include "golden.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--regenerate_golden") == 0) nnseq::testing::regenerate_golden = true;
  }
  return RUN_ALL_TESTS();
}
