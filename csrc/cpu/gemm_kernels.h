// The matrix kernels of one ISA: register tiles for every (rows, vectors), and packing.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

inline constexpr int kLanes = 16;
inline constexpr int kMaxTileRows = 16;
inline constexpr int kMaxTileVectors = 8;
inline constexpr int kMaxTileFloats = 28 * kLanes;  // the accumulators of the largest tile

// One register tile: C (rows, 16 * vectors) = A . B (+ C) (+ bias). The reduction runs, in this
// order, over blocks x runs x k; A jumps by block_stride and run_stride, B is read row after row.
struct Tile {
  const float* a;
  int64_t stride_a;  // A by rows: from row to row (k contiguous); A by k: from k to k
  int64_t k;
  int64_t runs, run_stride;
  int64_t blocks, block_stride;
  const float* b;  // rows of 16 * vectors floats, of which the last vector has `last`
  int64_t ldb;
  float* c;
  int64_t ldc;
  int64_t last;        // 1..16 columns in the last vector; the others are not touched
  const float* bias;   // (columns,) or null; added last
  bool accumulate;     // add to C
  const float* start;  // (rows, 16 * vectors) of an interrupted sum to go on from, or null: zeros
};

using TileFn = void (*)(const Tile&);

struct GemmKernels {
  // [A by k][vectors][rows]; null where max_rows[vectors] < rows.
  TileFn tile[2][kMaxTileVectors + 1][kMaxTileRows + 1];
  int max_rows[kMaxTileVectors + 1];  // 0: no tile with so many vectors
  int max_vectors;
  int best_vectors;  // of the tile with the highest rate on large problems

  // out[k * width + j] = B[k * ldb + j] for k < rows, j < cols; zeros in cols <= j < width.
  void (*pack_rows)(const float* b, int64_t ldb, int64_t rows, int64_t cols, int64_t width,
                    float* out);
  // out[j * pitch + i] = A[i * lda + j] for i < rows, j < cols; zeros in rows <= i < width.
  void (*pack_transposed)(const float* a, int64_t lda, int64_t rows, int64_t cols, int64_t width,
                          int64_t pitch, float* out);
};

}  // namespace nnseq::cpu
