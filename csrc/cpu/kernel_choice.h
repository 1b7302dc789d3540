// What a driver runs for a problem, in words: for profiles. Written where the choice is made.
#pragma once

#include <string>

namespace nnseq::cpu {

struct KernelChoice {
  std::string kernel;   // "GEMM, tile 6x16"
  std::string refused;  // why nothing faster runs; empty: nothing was refused

  void refuse(const std::string& why) { refused += (refused.empty() ? "" : "; ") + why; }
};

}  // namespace nnseq::cpu
