// Reductions over any set of axes; a fixed tree of 16 lanes and 64-row blocks, whatever the
// threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nnseq/functions.h"
#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Bit i of `axes`: axis i of `in` is reduced. out has in's dtype (float32, float64, int32, int64;
// bool and uint8 for max and min) and, up to dims of 1, the remaining shape. An empty sum is 0, an
// empty product 1, max/min of nothing the lowest/highest value, a mean of nothing NaN. NaN spreads.
std::size_t reduce_scratch(const TensorType& in, std::uint32_t axes, ReduceFn fn) noexcept;
void reduce(const Exec& exec, const TensorRef& in, std::uint32_t axes, ReduceFn fn,
            const TensorRef& out, void* scratch) noexcept;

// Index (int32) of the first maximum (or minimum) along one axis; NaN counts as the extreme.
void arg_reduce(const Exec& exec, const TensorRef& in, int axis, bool max,
                const TensorRef& out) noexcept;

}  // namespace nnseq::cpu
