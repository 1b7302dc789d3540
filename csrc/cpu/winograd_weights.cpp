#include <cstring>

#include "cpu/winograd.h"
#include "cpu/winograd_tiles.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kChunkFloats = 64 << 10;          // of transformed x and dy that stay in L2
constexpr int64_t kMinChunk = 48, kMaxChunk = 192;  // tiles
constexpr int64_t kGroupColumns = 64;               // of o, for which transforming x again pays
constexpr int64_t kHotRows = 48;                    // of the transformed x, about, that stay in L1

// Each of the 4 rows of the 4x4 matrices is computed by itself, in groups of columns of o: these
// are the parallel blocks. All but the register tile must be the same on every ISA.
struct Plan {
  TileShape tile;
  int64_t chunk;                      // tiles that are transformed and multiplied at one time
  int64_t columns, groups;            // of o
  int64_t pitch_v, pitch_w, pitch_u;  // floats from row to row: transformed x, dy; sums
  int64_t matrix_v, matrix_w, matrix_u;
};

Plan plan_by_weights(const Winograd& p) {
  Plan q{};
  q.pitch_v = odd_lines(p.c);
  q.columns = std::min(p.o, kGroupColumns);
  q.groups = ceil_div(p.o, q.columns);
  q.pitch_w = odd_lines(q.columns);
  q.pitch_u = odd_lines(p.o);
  q.chunk = std::clamp(kChunkFloats / (4 * (q.pitch_v + q.pitch_w)), kMinChunk, kMaxChunk);
  q.matrix_v = odd_lines(q.chunk * q.pitch_v);
  q.matrix_w = odd_lines(q.chunk * q.pitch_w);
  q.matrix_u = odd_lines(p.c * q.pitch_u);
  return q;
}

struct Chunk {
  const Winograd& p;
  const Plan& plan;
  const WinogradTiles& tiles;
  const KernelTable& kernels;
  int row;             // of the 4x4 matrices
  int64_t o, columns;  // of dy
  int64_t begin, end;  // tiles
};

void transform(const Chunk& b, const float* x, const float* dy, float* v, float* w) {
  const Winograd& p = b.p;
  WinogradRun in{}, grad{};
  in.channels = in.pixel = p.c;
  in.width = p.w;
  in.pitch = b.plan.pitch_v;
  in.matrix = b.plan.matrix_v;
  grad.channels = b.columns;
  grad.pixel = p.o;
  grad.width = p.ow;
  grad.pitch = b.plan.pitch_w;
  grad.matrix = b.plan.matrix_w;
  b.tiles.for_each_run(
      b.begin, b.end, [&](int64_t n, int64_t row, int64_t column, int64_t count, int64_t t) {
        in.count = grad.count = count;
        in.column = 2 * column - p.pad_left;
        grad.column = 2 * column;
        set_rows(in, kInputRows[b.row], x + n * p.h * p.w * p.c, 2 * row - p.pad_top, p.h);
        set_rows(grad, kOutputRows[b.row], dy + n * p.oh * p.ow * p.o + b.o, 2 * row, p.oh);
        b.kernels.winograd.input(in, v + (t - b.begin) * in.pitch);
        b.kernels.winograd.output_grad(grad, w + (t - b.begin) * grad.pitch);
      });
}

// u[j] (c, columns) += v[j]^T . w[j] over the tiles of the chunk.
void multiply(const Chunk& b, const float* v, const float* w, float* u) {
  const Plan& q = b.plan;
  Tile t{};
  t.stride_a = q.pitch_v;
  t.k = b.end - b.begin;
  t.runs = t.blocks = 1;
  t.ldb = q.pitch_w;
  t.ldc = q.pitch_u;
  t.last = kLanes;
  t.accumulate = b.begin > 0;
  const int64_t hot = std::max<int64_t>(kHotRows / q.tile.rows, 1) * q.tile.rows;
  for (int j = 0; j < 4; ++j) {
    for (int64_t c0 = 0; c0 < b.p.c; c0 += hot) {
      const int64_t end = std::min(c0 + hot, b.p.c);
      for (int64_t o = 0; o < b.columns; o += q.tile.columns()) {
        const int64_t vectors =
            ceil_div(std::min<int64_t>(q.tile.columns(), b.columns - o), kLanes);
        t.b = w + j * q.matrix_w + o;
        for (int64_t c = c0; c < end; c += q.tile.rows) {
          t.a = v + j * q.matrix_v + c;
          t.c = u + j * q.matrix_u + c * q.pitch_u + o;
          b.kernels.gemm.tile[1][vectors][std::min<int64_t>(q.tile.rows, end - c)](t);
        }
      }
    }
  }
}

}  // namespace

int64_t winograd_by_weights_scratch(const Winograd& p, int workers) noexcept {
  const Plan q = plan_by_weights(p);
  return 16 * q.matrix_u + 4 * (q.matrix_v + q.matrix_w) * workers;
}

void winograd_by_weights(const Exec& exec, const Winograd& p, const float* x, const float* dy,
                         float* dw, float* scratch) noexcept {
  const WinogradTiles tiles(p);
  Plan q = plan_by_weights(p);
  q.tile = choose_tile(exec.kernels->gemm, p.c, q.columns);
  float* const sums = scratch;
  float* const workers = scratch + 16 * q.matrix_u;
  const int64_t cost = tiles.count * p.c * q.columns * 4 / 100;
  exec.parallel_for(4 * q.groups, cost, [&](int64_t index, int worker) {
    const int row = static_cast<int>(index % 4);
    const int64_t o = index / 4 * q.columns;
    float* const v = workers + worker * 4 * (q.matrix_v + q.matrix_w);
    float* const w = v + 4 * q.matrix_v;
    for (int64_t t = 0; t < tiles.count; t += q.chunk) {
      const Chunk chunk{p,
                        q,
                        tiles,
                        *exec.kernels,
                        row,
                        o,
                        std::min(q.columns, p.o - o),
                        t,
                        std::min(t + q.chunk, tiles.count)};
      transform(chunk, x, dy, v, w);
      multiply(chunk, v, w, sums + 4 * row * q.matrix_u + o);
    }
  });
  constexpr int64_t kRows = 8;
  exec.parallel_for(ceil_div(p.c, kRows), kRows * p.o * 2, [&](int64_t block, int) {
    const int64_t c = block * kRows;
    exec.kernels->winograd.weights_grad(sums + c * q.pitch_u, q.matrix_u, q.pitch_u,
                                        std::min(kRows, p.c - c), p.o, dw + c * p.o, p.c * p.o,
                                        p.o);
  });
}

}  // namespace nnseq::cpu
