// The epilogue of a product node as its kernel takes it.
#pragma once

#include "cpu/gemm.h"
#include "nnseq/attrs.h"

namespace nnseq::ops {

inline cpu::Epilogue epilogue_of(const EpilogueAttrs& e, const KernelArgs& k) noexcept {
  return {e.bias ? k.in[k.num_in - 1].f32() : nullptr, e.fn, e.alpha, false};
}

}  // namespace nnseq::ops
