// Order and running sums along an axis.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// out (rows, n) int32: for each row of x the indices that sort it, equal elements in their order.
// NaN is the largest number.
void arg_sort(const Exec& exec, std::int64_t rows, std::int64_t n, bool descending,
              const TensorRef& x, const TensorRef& out) noexcept;
// x and out (outer, n, inner): out[:, k] = x[:, 0] + ... + x[:, k], float32 summed in double.
void cumsum(const Exec& exec, std::int64_t outer, std::int64_t n, std::int64_t inner,
            const TensorRef& x, const TensorRef& out) noexcept;

}  // namespace nnseq::cpu
