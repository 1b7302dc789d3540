// The functions, one set per ISA, that fill a KernelTable; each is in a source file of this folder.
#pragma once

namespace nnseq::cpu {

struct KernelTable;

#define NNSEQ_DECLARE_FILL(isa)               \
  namespace isa {                             \
  void fill_gemm(KernelTable&) noexcept;      \
  void fill_conv(KernelTable&) noexcept;      \
  void fill_winograd(KernelTable&) noexcept;  \
  void fill_pool(KernelTable&) noexcept;      \
  void fill_recurrent(KernelTable&) noexcept; \
  void fill_vector(KernelTable&) noexcept;    \
  }
NNSEQ_DECLARE_FILL(scalar)
NNSEQ_DECLARE_FILL(avx2)
NNSEQ_DECLARE_FILL(avx512)
NNSEQ_DECLARE_FILL(neon)
#undef NNSEQ_DECLARE_FILL

}  // namespace nnseq::cpu
