// The attributes of a running kernel.
#pragma once

#include "nnseq/attrs.h"
#include "runtime/kernel_args.h"

namespace nnseq::ops {

template <class T>
const T& attrs_of(const KernelArgs& k) noexcept {
  return *std::get_if<T>(static_cast<const Attrs*>(k.attrs));
}

}  // namespace nnseq::ops
