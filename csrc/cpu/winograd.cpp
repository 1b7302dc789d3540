#include "cpu/winograd.h"

#include "cpu/winograd_tiles.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kMatrices = 16;
constexpr int64_t kBlockFloats = 80 << 10;  // of transformed input and products that stay in L2
constexpr int64_t kFewBlocks = 16;          // with fewer, columns of o are cut to keep cores busy
constexpr int64_t kGroupColumns = 64;       // for which transforming the input again pays

// A parallel block is `block` tiles times `group` panels of o.
struct Plan {
  TileShape tile;
  int64_t panels, panel;     // of the weights; floats of one
  int64_t weights;           // floats of one matrix of transformed weights
  int64_t block, blocks;     // tiles
  int64_t group, groups;     // panels
  int64_t pitch_v, pitch_m;  // floats from tile to tile: of the transformed input, of products
  int64_t matrix_v, matrix_m;
};

int64_t tile_floats(const Winograd& p) { return kMatrices * (odd_lines(p.c) + odd_lines(p.o)); }

Plan plan_winograd(const GemmKernels& kernels, const Winograd& p, int64_t tiles) {
  Plan q{};
  q.tile = choose_tile(kernels, kMaxTileRows * kMaxTileRows, p.o);
  q.panels = ceil_div(p.o, q.tile.columns());
  q.panel = p.c * q.tile.columns();
  q.weights = odd_lines(q.panels * q.panel);
  const int64_t rows = q.tile.rows;
  const int64_t most = std::max<int64_t>(kBlockFloats / tile_floats(p) / rows, 2) * rows;
  q.block = std::min(most, round_up(ceil_div(tiles, kFewBlocks), rows));
  q.blocks = ceil_div(tiles, q.block);
  const int64_t least = ceil_div(kGroupColumns, q.tile.columns());
  q.group = std::max(ceil_div(q.panels, ceil_div(kFewBlocks, q.blocks)), least);
  q.group = std::min(q.group, q.panels);
  q.groups = ceil_div(q.panels, q.group);
  q.pitch_v = odd_lines(p.c);
  q.pitch_m = odd_lines(std::min(p.o, q.group * q.tile.columns()));
  q.matrix_v = odd_lines(q.block * q.pitch_v);
  q.matrix_m = odd_lines(q.block * q.pitch_m);
  return q;
}

// No less than any ISA's plan has.
int64_t weight_floats(const Winograd& p) {
  const int64_t columns = round_up(p.o, kLanes);
  const int64_t spare = std::min<int64_t>((kMaxTileVectors - 1) * kLanes, columns);
  return kMatrices * odd_lines(p.c * (columns + spare));
}
int64_t worker_floats(const Winograd& p) {
  const int64_t block = std::max<int64_t>(kBlockFloats / tile_floats(p), 2 * kMaxTileRows);
  const int64_t taps = 9 * p.c * kMaxTileVectors * kLanes;
  return std::max(block * tile_floats(p) + 4 * kMatrices * kLanes, taps);
}

// Transformed weights: 16 matrices of panels (c, columns of the tile).
void transform_weights(const Exec& exec, const Winograd& p, const Plan& q, const float* w,
                       bool flipped, float* out, float* scratch) {
  const int64_t width = q.tile.columns(), worker_size = worker_floats(p);
  exec.parallel_for(q.panels, q.panel * 2, [&](int64_t panel, int worker) {
    const int64_t j = panel * width, columns = std::min(width, p.o - j);
    float* const to = out + panel * q.panel;
    const auto& kernels = *exec.kernels;
    if (!flipped) {
      kernels.winograd.weights(w + j, p.c * p.o, p.o, p.c, columns, width, to, q.weights);
      return;
    }
    float* const taps = scratch + worker * worker_size;  // (9, c, width)
    for (int64_t t = 0; t < 9; ++t) {
      kernels.gemm.pack_transposed(w + ((8 - t) * p.o + j) * p.c, p.c, columns, p.c, width, width,
                                   taps + t * q.panel);
    }
    kernels.winograd.weights(taps, q.panel, width, p.c, width, width, to, q.weights);
  });
}

struct Block {
  const Winograd& p;
  const Plan& plan;
  const WinogradTiles& tiles;
  const KernelTable& kernels;
  int64_t begin, end;     // tiles
  int64_t panel, panels;  // the first one, and how many
};

void transform_input(const Block& b, const float* x, float* v) {
  const Winograd& p = b.p;
  WinogradRun run{};
  run.channels = run.pixel = p.c;
  run.width = p.w;
  run.pitch = b.plan.pitch_v;
  run.matrix = b.plan.matrix_v;
  b.tiles.for_each_run(
      b.begin, b.end, [&](int64_t n, int64_t row, int64_t column, int64_t count, int64_t t) {
        run.count = count;
        run.column = 2 * column - p.pad_left;
        for (int i = 0; i < 4; ++i) {
          set_rows(run, kInputRows[i], x + n * p.h * p.w * p.c, 2 * row - p.pad_top, p.h);
          b.kernels.winograd.input(run, v + 4 * i * run.matrix + (t - b.begin) * run.pitch);
        }
      });
}

void multiply(const Block& b, const float* v, const float* weights, float* m) {
  const Plan& q = b.plan;
  Tile t{};
  t.stride_a = q.pitch_v;
  t.k = b.p.c;
  t.runs = t.blocks = 1;
  t.ldb = q.tile.columns();
  t.ldc = q.pitch_m;
  t.last = kLanes;
  const int64_t count = b.end - b.begin;
  for (int64_t e = 0; e < kMatrices; ++e) {
    for (int64_t panel = 0; panel < b.panels; ++panel) {
      const int64_t columns = std::min(t.ldb, b.p.o - (b.panel + panel) * t.ldb);
      const int64_t vectors = ceil_div(columns, kLanes);
      t.b = weights + e * q.weights + (b.panel + panel) * q.panel;
      for (int64_t i = 0; i < count; i += q.tile.rows) {
        t.a = v + e * q.matrix_v + i * q.pitch_v;
        t.c = m + e * q.matrix_m + i * q.pitch_m + panel * t.ldb;
        b.kernels.gemm.tile[0][vectors][std::min<int64_t>(q.tile.rows, count - i)](t);
      }
    }
  }
}

// The function over the block's columns of finished pixels.
void apply(const Block& b, const Epilogue& epilogue, int64_t pixels, int64_t channels, float* y) {
  const auto fn = b.kernels.vector.unary[static_cast<int>(*epilogue.fn)];
  if (channels == b.p.o) return fn(pixels * channels, y, y, epilogue.alpha);
  for (int64_t i = 0; i < pixels; ++i, y += b.p.o) fn(channels, y, y, epilogue.alpha);
}

void transform_output(const Block& b, const float* m, const Epilogue& epilogue, float* y) {
  const Winograd& p = b.p;
  const int64_t o = b.panel * b.plan.tile.columns();
  WinogradOutput out{};
  out.channels = std::min(b.panels * b.plan.tile.columns(), p.o - o);
  out.pitch = b.plan.pitch_m;
  out.matrix = b.plan.matrix_m;
  out.pixel = p.o;
  out.row = p.ow * p.o;
  out.bias = epilogue.bias ? epilogue.bias + o : nullptr;
  out.accumulate = epilogue.accumulate;
  b.tiles.for_each_run(b.begin, b.end,
                       [&](int64_t n, int64_t row, int64_t column, int64_t count, int64_t t) {
                         out.count = count;
                         out.rows = std::min<int64_t>(2, p.oh - 2 * row);
                         out.columns = std::min(2 * count, p.ow - 2 * column);
                         float* const to = y + ((n * p.oh + 2 * row) * p.ow + 2 * column) * p.o + o;
                         b.kernels.winograd.output(out, m + (t - b.begin) * out.pitch, to);
                         for (int64_t i = 0; epilogue.fn && i < out.rows; ++i) {
                           apply(b, epilogue, out.columns, out.channels, to + i * out.row);
                         }
                       });
}

}  // namespace

const char* winograd_refusal(const Conv2D& p, ConvPart part) noexcept {
  if (p.kh != 3 || p.kw != 3) return "the window is not 3x3";
  if (p.groups != 1) return "groups";
  if (p.stride_h != 1 || p.stride_w != 1) return "strides";
  if (p.dilation_h != 1 || p.dilation_w != 1) return "dilation";
  const Winograd q = winograd_problem(p, part);
  const int64_t tiles = ceil_div(q.oh, 2) * ceil_div(q.ow, 2);
  // Products, and the transforms, which cost about as much as 8 products per channel and side.
  const int64_t work = 16 * tiles * (q.c * q.o + 8 * q.c + 8 * q.o);
  if (q.c < 16 || q.o < 16) return "fewer than 16 channels";
  if (tiles < 4) return "a small image";
  return work < 9 * q.oh * q.ow * q.c * q.o ? nullptr : "the transforms cost more";
}

Winograd winograd_problem(const Conv2D& p, ConvPart part) noexcept {
  if (part == ConvPart::kByData) {
    return {p.n, p.oh, p.ow, p.o, p.h, p.w, p.c, 2 - p.pad_top, 2 - p.pad_left};
  }
  return {p.n, p.h, p.w, p.c, p.oh, p.ow, p.o, p.pad_top, p.pad_left};
}

int64_t winograd_scratch(const Winograd& p, int workers) noexcept {
  return weight_floats(p) + worker_floats(p) * workers;
}

void winograd(const Exec& exec, const Winograd& p, const float* x, const float* w, bool flipped,
              float* y, const Epilogue& epilogue, float* scratch) noexcept {
  const WinogradTiles tiles(p);
  const Plan q = plan_winograd(exec.kernels->gemm, p, tiles.count);
  float* const workers = scratch + weight_floats(p);
  const int64_t worker_size = worker_floats(p);
  transform_weights(exec, p, q, w, flipped, scratch, workers);
  const int64_t cost = q.block * q.group * q.panel * kMatrices / 100;
  exec.parallel_for(q.blocks * q.groups, cost, [&](int64_t index, int worker) {
    const int64_t begin = index / q.groups * q.block, panel = index % q.groups * q.group;
    const Block b{p,     q,
                  tiles, *exec.kernels,
                  begin, std::min(begin + q.block, tiles.count),
                  panel, std::min(q.group, q.panels - panel)};
    float* const v = workers + worker * worker_size;
    float* const m = v + kMatrices * q.matrix_v;
    transform_input(b, x, v);
    multiply(b, v, scratch, m);
    transform_output(b, m, epilogue, y);
  });
}

}  // namespace nnseq::cpu
