// The vector kernels of one ISA.
#pragma once

namespace nnseq::cpu {

struct VectorKernels {};

}  // namespace nnseq::cpu
