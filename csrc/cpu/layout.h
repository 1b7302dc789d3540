// Moving elements of any dtype: transpose, slice, pad, concat, reverse, iota.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// out.shape[i] == in.shape[perm[i]]
void transpose(const Exec& exec, const TensorRef& in, const int* perm,
               const TensorRef& out) noexcept;
// out[i...] = in[begin + i * step ...]; step >= 1, per axis.
void slice(const Exec& exec, const TensorRef& in, const std::int64_t* begin,
           const std::int64_t* step, const TensorRef& out) noexcept;
// out[low + i * (interior + 1)] = in[i], elsewhere `value`; low may be negative (crops).
void pad(const Exec& exec, const TensorRef& in, const std::int64_t* low,
         const std::int64_t* interior, double value, const TensorRef& out) noexcept;
void concat(const Exec& exec, const TensorRef* in, int num_in, int axis,
            const TensorRef& out) noexcept;
// Bit i of `axes`: axis i runs backwards.
void reverse(const Exec& exec, const TensorRef& in, std::uint32_t axes,
             const TensorRef& out) noexcept;
// out[i] = start + i * step, one dimension, any numeric dtype.
void iota(const Exec& exec, double start, double step, const TensorRef& out) noexcept;

}  // namespace nnseq::cpu
