// One table of kernels per ISA, chosen once at start. Nothing else knows which ISA it runs on.
#pragma once

#include <string_view>
#include <vector>

#include "cpu/conv_kernels.h"
#include "cpu/gemm_kernels.h"
#include "cpu/pool_kernels.h"
#include "cpu/recurrent_kernels.h"
#include "cpu/vector_kernels.h"
#include "cpu/winograd_kernels.h"

namespace nnseq::cpu {

struct KernelTable {
  const char* isa;
  GemmKernels gemm;
  ConvKernels conv;
  PoolKernels pool;
  RecurrentKernels recurrent;
  VectorKernels vector;
  WinogradKernels winograd;
};

// ISAs that this build has and this machine runs, best first: "avx512", "avx2", "neon", "scalar".
std::vector<std::string_view> available_isas();
const KernelTable& best_kernel_table();
// By name; "" is the best. Throws Error(kValue) that lists the available names.
const KernelTable& kernel_table(std::string_view isa = {});

}  // namespace nnseq::cpu
