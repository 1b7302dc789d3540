// What both Winograd drivers know of tiles: their order, their rows of the image, their memory.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/gemm_plan.h"
#include "cpu/kernel_table.h"
#include "cpu/winograd.h"

namespace nnseq::cpu {

// A pitch of at least `floats`: an odd number of cache lines, so that rows that are used together
// lie in different sets of the L1 cache.
constexpr std::int64_t odd_lines(std::int64_t floats) {
  return (ceil_div(floats, kLanes) | 1) * kLanes;
}

// Tiles of 2x2 outputs, counted row by row, image by image.
struct WinogradTiles {
  explicit WinogradTiles(const Winograd& p)
      : rows(ceil_div(p.oh, 2)), columns(ceil_div(p.ow, 2)), count(p.n * rows * columns) {}
  std::int64_t rows, columns, count;

  // fn(image, row, column, how many, index of the first) for each part of [begin, end) in one row.
  template <class F>
  void for_each_run(std::int64_t begin, std::int64_t end, F&& fn) const {
    for (std::int64_t t = begin; t < end;) {
      const std::int64_t column = t % columns, row = t / columns % rows;
      const std::int64_t run = std::min(columns - column, end - t);
      fn(t / columns / rows, row, column, run, t);
      t += run;
    }
  }
};

// Row `i` of B^T or A as first + sign * second of the rows of a tile; -1 is a row of zeros.
struct RowPair {
  int first, second;
  float sign;
};
inline constexpr RowPair kInputRows[4] = {{0, 2, -1}, {1, 2, 1}, {2, 1, -1}, {1, 3, -1}};
inline constexpr RowPair kOutputRows[4] = {{0, -1, 1}, {0, 1, 1}, {0, 1, -1}, {-1, 1, -1}};

// Points `run` at the rows of `pair` of the tiles whose first row is `top` of an image of `rows`.
inline void set_rows(WinogradRun& run, RowPair pair, const float* image, std::int64_t top,
                     std::int64_t rows) {
  const auto at = [&](int row) {
    const bool inside = row >= 0 && top + row >= 0 && top + row < rows;
    return inside ? image + (top + row) * run.width * run.pixel : nullptr;
  };
  run.first = at(pair.first);
  run.second = at(pair.second);
  run.sign = pair.sign;
}

}  // namespace nnseq::cpu
