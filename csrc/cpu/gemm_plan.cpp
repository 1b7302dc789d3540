#include "cpu/gemm_plan.h"

#include <algorithm>

namespace nnseq::cpu {
namespace {

constexpr std::int64_t kBlockM = 2016, kBlockN = 4096;
// Row pitches at multiples of 4096 bytes put all rows of a tile into one set of the L1 cache.
constexpr std::int64_t kBadPitch = 1024;

// Multiplications of one parallel block: small ones up to a number of blocks that keeps many cores
// busy, then large ones. A row of B is used for at least kReuse tiles where M has as many.
constexpr std::int64_t kSmallBlock = 1 << 20, kFewBlocks = 24, kLargeBlock = 1 << 24, kReuse = 4;

// Of a B that is read in place and whose rows lie far apart, tiles run along kHotFloats at a time:
// they and their pages (64 entries in the L1 TLB) stay while all rows of A pass. Measured at
// (32, 512, 512): 13 % faster.
constexpr std::int64_t kHotFloats = 3072, kWidePitch = 256;
// From kManyRows on B is packed; below, a B larger than the caches is read from memory.
constexpr std::int64_t kManyRows = 96, kLargeB = 1 << 20;

// As many blocks of equal size as there are, at most `blocks`.
std::int64_t even_blocks(std::int64_t tiles, std::int64_t blocks) {
  return ceil_div(tiles, ceil_div(tiles, std::max<std::int64_t>(blocks, 1)));
}

// About the cycles per k, times two, of one tile: multiplications, loads, or the latency of the
// shortest chain.
std::int64_t tile_cost(std::int64_t rows, std::int64_t vectors) {
  return std::max({rows * vectors, rows + vectors + 1, std::int64_t{8}});
}

// Why A and B are packed, or null.
const char* packs_a(const Gemm& p) {
  const bool bad_pitch = p.lda % kBadPitch == 0 && p.n > 64 && (p.trans_a ? p.k > 16 : p.m > 4);
  if (bad_pitch) return "pitch a multiple of 4096 B";
  const bool is_reread = p.n >= 512 || (p.n >= 192 && p.lda % 256 == 0);
  const bool is_large = p.m >= 64 && p.m * p.k > 65536;
  return !p.trans_a && is_large && is_reread ? "beyond L2 and read for many columns" : nullptr;
}

const char* packs_b(const Gemm& p) {
  if (p.trans_b) return "transposed";
  if (p.m >= kManyRows && p.k * p.n > 65536) return "beyond L2 and read for many rows";
  // Rows of 8 KiB and more cost a page-table walk each when they are read a few columns at a time.
  return p.m >= 16 && p.ldb >= 2048 && p.k * p.n > kLargeB ? "rows of 8 KiB and more" : nullptr;
}

}  // namespace

TileShape choose_tile(const GemmKernels& kernels, std::int64_t m, std::int64_t n) noexcept {
  const std::int64_t vectors = ceil_div(n, kLanes);
  const int most = static_cast<int>(std::min<std::int64_t>(vectors, kernels.max_vectors));
  TileShape best;
  std::int64_t best_cost = 0;
  for (int v = 1; v <= most; ++v) {
    const std::int64_t tiles_m = ceil_div(m, kernels.max_rows[v]);
    const std::int64_t rows = ceil_div(m, tiles_m);
    const std::int64_t rest = vectors % v;
    const std::int64_t cost =
        tiles_m * (vectors / v * tile_cost(rows, v) + (rest ? tile_cost(rows, rest) : 0));
    const std::int64_t weighed = cost * (v == kernels.best_vectors ? 15 : 16);
    if (v == 1 || weighed < best_cost) {
      best = {static_cast<int>(rows), v};
      best_cost = weighed;
    }
  }
  return best;
}

GemmPlan plan_gemm(const GemmKernels& kernels, const Gemm& p) noexcept {
  GemmPlan plan;
  // The narrowest tile, where B comes from memory, has the fewest of its pages in use.
  const bool from_memory = p.m > 1 && p.m < kManyRows && p.k * p.n > kLargeB;
  plan.tile = choose_tile(kernels, p.m, from_memory ? std::min<std::int64_t>(kLanes, p.n) : p.n);
  plan.block_k = block_k(p.k);
  plan.pack_a = packs_a(p);
  plan.pack_b = packs_b(p);
  const bool strides_b = !plan.pack_b && p.ldb >= kWidePitch && p.m > plan.tile.rows;
  plan.hot_k = strides_b ? kHotFloats / plan.tile.columns() : plan.block_k;
  const std::int64_t rows = plan.tile.rows, columns = plan.tile.columns();
  plan.block_m = plan.pack_a ? std::min(p.m, kBlockM / rows * rows) : p.m;
  plan.block_n = plan.pack_b ? std::min(p.n, kBlockN / columns * columns) : p.n;

  const bool packs = plan.pack_a || plan.pack_b;
  const std::int64_t work = plan.block_m * plan.block_n * (packs ? plan.block_k : p.k);
  const std::int64_t blocks =
      std::max(std::min(work / kSmallBlock, kFewBlocks), work / kLargeBlock);
  if (blocks > 1) {
    const std::int64_t tiles_m = ceil_div(plan.block_m, rows);
    const std::int64_t tiles_n = ceil_div(plan.block_n, columns);
    plan.grid_m = even_blocks(tiles_m, std::min(blocks, tiles_m / kReuse));
    plan.grid_n = even_blocks(tiles_n, ceil_div(blocks, plan.grid_m));
    plan.grid_m = std::max(plan.grid_m, even_blocks(tiles_m, ceil_div(blocks, plan.grid_n)));
  }
  return plan;
}

bool is_better_transposed(const Gemm& p) noexcept {
  return p.trans_b && !p.trans_a && p.k * p.n >= 16384 && 3 * p.m * (p.k + p.n) < p.k * p.n;
}

Gemm transposed(const Gemm& p) noexcept {
  Gemm q = p;
  q.m = p.n;
  q.n = p.m;
  q.lda = p.ldb;
  q.ldb = p.lda;
  q.ldc = p.m;
  return q;
}

std::string tile_text(const TileShape& tile) {
  return "tile " + std::to_string(tile.rows) + "x" + std::to_string(tile.columns());
}

void refuse_idle_lanes(KernelChoice& choice, std::int64_t columns) {
  const std::int64_t lanes = round_up(columns, kLanes);
  if (columns * 5 > lanes * 4) return;
  choice.refuse(std::to_string(columns) + " columns on " + std::to_string(lanes) + " lanes");
}

KernelChoice gemm_choice(const GemmKernels& kernels, const Gemm& p) {
  const bool swaps = is_better_transposed(p);
  const Gemm q = swaps ? transposed(p) : p;
  const GemmPlan plan = plan_gemm(kernels, q);
  KernelChoice choice{"GEMM, " + tile_text(plan.tile) + (swaps ? ", C^T = B A^T" : ""), ""};
  if (plan.pack_a) choice.refuse(std::string("packs A: ") + plan.pack_a);
  if (plan.pack_b) choice.refuse(std::string("packs B: ") + plan.pack_b);
  refuse_idle_lanes(choice, q.n);
  return choice;
}

std::int64_t packed_floats_a(const Gemm& p) noexcept {
  if (!packs_a(p)) return 0;
  return round_up((std::min(p.m, kBlockM) + kMaxTileRows) * block_k(p.k), kLanes);
}

std::int64_t packed_floats_b(const Gemm& p) noexcept {
  if (!packs_b(p)) return 0;
  constexpr std::int64_t widest = kMaxTileVectors * kLanes;
  return (round_up(std::min(p.n, kBlockN), kLanes) + widest) * block_k(p.k);
}

}  // namespace nnseq::cpu
