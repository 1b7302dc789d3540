// Cutting (rows, cols) into tasks of whole rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Calls fn(first_row, num_rows) for blocks of rows of about 8192 elements in all.
template <class F>
void for_row_blocks(const Exec& exec, std::int64_t rows, std::int64_t cols, double element_cost,
                    F&& fn) {
  if (rows <= 0) return;
  const std::int64_t wide = std::max<std::int64_t>(cols, 16);  // a vector is the least
  const std::int64_t height = std::min(rows, std::max<std::int64_t>(1, 8192 / wide));
  const auto cost = static_cast<std::int64_t>(element_cost * static_cast<double>(height * wide));
  exec.parallel_for((rows + height - 1) / height, cost, [&](std::int64_t block, int) {
    const std::int64_t first = block * height;
    fn(first, std::min(height, rows - first));
  });
}

}  // namespace nnseq::cpu
