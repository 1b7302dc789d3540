// How one matrix product is cut: register tile, packing, cache blocks and parallel blocks. A
// function of the problem's shape and the ISA, never of the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/gemm.h"
#include "cpu/gemm_kernels.h"
#include "cpu/kernel_choice.h"

namespace nnseq::cpu {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

// The reduction over k is cut into equal blocks, by k alone, that are added to C one after the
// other.
inline constexpr std::int64_t kMaxBlockK = 384;
constexpr std::int64_t block_k(std::int64_t k) {
  return k <= kMaxBlockK ? (k > 0 ? k : 1) : round_up(ceil_div(k, ceil_div(k, kMaxBlockK)), 8);
}

struct TileShape {
  int rows = 1;     // of each tile but the last ones, which may have fewer
  int vectors = 1;  // of 16 columns
  int columns() const { return vectors * kLanes; }
};

// The tile that covers (m, n) in the least time.
TileShape choose_tile(const GemmKernels& kernels, std::int64_t m, std::int64_t n) noexcept;

struct GemmPlan {
  TileShape tile;
  // Why the operand is packed; null: it is read in place.
  const char *pack_a = nullptr, *pack_b = nullptr;
  std::int64_t block_k = 0;
  std::int64_t hot_k = 0;  // rows of B that a block's tiles run along while they are in L1
  std::int64_t block_m = 0, block_n = 0;  // rows of A, columns of B packed at one time
  // The grid of parallel blocks, each some whole tiles, inside one (block_m, block_n) block.
  std::int64_t grid_m = 1, grid_n = 1;
};

GemmPlan plan_gemm(const GemmKernels& kernels, const Gemm& p) noexcept;
// C = A . B^T with few rows is computed as C^T = B . A^T, which packs A instead of the larger B.
bool is_better_transposed(const Gemm& p) noexcept;
// The problem C^T = B . A^T of a problem with trans_b.
Gemm transposed(const Gemm& p) noexcept;
KernelChoice gemm_choice(const GemmKernels& kernels, const Gemm& p);
std::string tile_text(const TileShape& tile);
// A tile computes all lanes of its last vector: what that costs narrow results.
void refuse_idle_lanes(KernelChoice& choice, std::int64_t columns);
// Floats of packed A and B that no ISA's plan exceeds; 0 where nothing is packed.
std::int64_t packed_floats_a(const Gemm& p) noexcept;
std::int64_t packed_floats_b(const Gemm& p) noexcept;

}  // namespace nnseq::cpu
