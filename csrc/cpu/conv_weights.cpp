#include "cpu/conv_weights.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kUnitFloats = 12 << 10;  // of x and dy that stay in L1 while tiles run over them
constexpr int64_t kChunkFloats = 192 << 10;  // of x and dy that stay in L2
constexpr int64_t kMaxBlocks = 16;

// The reduction over images and rows of windows is cut into units of some rows of one image; a
// chunk of units is added to all of dw before the next one is looked at.
struct Units {
  int64_t rows;  // of windows
  int64_t per_image;
  int64_t per_chunk;
  int64_t x_rows;  // rows of x under the windows of one unit
  int64_t copy;    // floats of one unit's padded copy, or 0
};

Units plan_units(const ConvCore& p) {
  Units u{};
  const int64_t row = p.ow * std::min<int64_t>(p.groups * p.o, 64) +
                      p.stride_h * p.w * std::min<int64_t>(p.channels(), 64) + 1;
  u.rows = std::clamp<int64_t>(kUnitFloats / row, 1, p.oh);
  u.per_image = ceil_div(p.oh, u.rows);
  const int64_t unit = u.rows * (p.ow * p.groups * p.o + p.stride_h * p.w * p.channels()) + 1;
  u.per_chunk = std::clamp<int64_t>(kChunkFloats / unit, 1, p.n * u.per_image);
  u.x_rows = std::min((u.rows - 1) * p.stride_h + (p.kh - 1) * p.dilation_h + 1, p.h);
  u.copy = p.needs_copy() ? round_up(u.x_rows * p.columns() * p.channels(), kLanes) : 0;
  return u;
}

// The input and output of one unit.
struct Unit {
  const float* x;      // such that x[(row - first_row) * row_pitch] is input of window column 0
  int64_t first_row;   // of x
  int64_t row_pitch;   // floats
  const float* dy;     // of the image
  int64_t begin, end;  // rows of windows
};

// The rows of windows for which tap `kh` meets a row of x.
struct Rows {
  int64_t begin, end;
};
Rows valid_rows(const ConvCore& p, int64_t kh, int64_t first, int64_t last) {
  const int64_t shift = kh * p.dilation_h - p.pad_top;  // of the input row of window row 0
  const int64_t begin = shift < 0 ? ceil_div(-shift, p.stride_h) : 0;
  const int64_t end = shift < p.h ? ceil_div(p.h - shift, p.stride_h) : 0;
  return {std::max(begin, first), std::min(end, last)};
}

// One block of dw: `rows` of a tap row's (kw, c) or of one tap's c, times `columns` of o.
struct Grid {
  TileShape tile;
  int64_t taps_w;  // taps whose rows are separate matrices: kw, or 1 when (kw, c) is one run
  int64_t m;       // rows of one matrix
  int64_t tiles_m, tiles_n, tiles;
};

Grid make_grid(const GemmKernels& kernels, const ConvCore& p) {
  Grid g{};
  const bool one_run = p.groups == 1 && p.dilation_w == 1;
  g.taps_w = one_run ? 1 : p.kw;
  g.m = one_run ? p.kw * p.c : p.c;
  g.tile = choose_tile(kernels, std::max(g.m, int64_t{1}), p.o);
  g.tiles_m = ceil_div(g.m, g.tile.rows);
  g.tiles_n = ceil_div(p.o, g.tile.columns());
  g.tiles = p.groups * p.kh * g.taps_w * g.tiles_m * g.tiles_n;
  return g;
}

// Adds the product of one unit to tile `index`, or sets the tile to it.
void add_tile(const KernelTable& kernels, const ConvCore& p, const Grid& g, int64_t index,
              const Unit& unit, bool set, float* dw) {
  const int64_t n = index % g.tiles_n * g.tile.columns();
  index /= g.tiles_n;
  const int64_t m = index % g.tiles_m * g.tile.rows;
  index /= g.tiles_m;
  const int64_t kw = index % g.taps_w;
  index /= g.taps_w;
  const int64_t kh = index % p.kh, group = index / p.kh;
  const int64_t total_o = p.groups * p.o;
  const Rows rows = valid_rows(p, kh, unit.begin, unit.end);
  const int64_t columns = std::min<int64_t>(g.tile.columns(), p.o - n);
  const int64_t vectors = ceil_div(columns, kLanes);
  Tile t{};
  t.stride_a = p.stride_w * p.channels();
  t.k = p.ow;
  t.runs = 1;
  t.blocks = std::max<int64_t>(rows.end - rows.begin, 0);
  t.block_stride = p.stride_h * unit.row_pitch;
  if (t.blocks > 0) {
    const int64_t row = rows.begin * p.stride_h - p.pad_top + kh * p.dilation_h;
    t.a = unit.x + (row - unit.first_row) * unit.row_pitch + kw * p.dilation_w * p.channels() +
          group * p.c + m;
    t.b = unit.dy + rows.begin * p.ow * total_o + group * p.o + n;
  } else if (!set) {
    return;
  }
  t.ldb = t.ldc = total_o;
  t.c = dw + ((kh * p.kw + kw) * p.c + m) * total_o + group * p.o + n;
  t.last = columns - (vectors - 1) * kLanes;
  t.accumulate = !set;
  kernels.gemm.tile[1][vectors][std::min<int64_t>(g.tile.rows, g.m - m)](t);
}

void add_depthwise(const KernelTable& kernels, const ConvCore& p, int64_t from, int64_t channels,
                   const Unit& unit, bool set, float* dw) {
  const int64_t c = p.groups;
  DepthwiseRow r{};
  r.count = p.ow;
  r.channels = channels;
  r.taps_h = 1;
  r.taps_w = p.kw;
  r.step = p.stride_w * c;
  r.tap_w = p.dilation_w * c;
  r.ldw = r.ldy = c;
  for (int64_t tap = 0; set && tap < p.kh * p.kw; ++tap) {
    std::memset(dw + tap * c + from, 0, static_cast<std::size_t>(channels) * sizeof(float));
  }
  for (int64_t i = unit.begin; i < unit.end; ++i) {
    const Taps taps = valid_taps(p, i);
    for (int64_t kh = taps.begin; kh < taps.end; ++kh) {
      const int64_t row = i * p.stride_h - p.pad_top + kh * p.dilation_h - unit.first_row;
      kernels.conv.depthwise_weights_row(r, unit.x + row * unit.row_pitch + from,
                                         unit.dy + i * p.ow * c + from, dw + kh * p.kw * c + from);
    }
  }
}

// dw cut into `count` parallel blocks of `size` tiles or channels.
struct Blocks {
  int64_t count, size;
};

Blocks cut(int64_t items, int64_t size) {
  size = std::max(size, ceil_div(items, kMaxBlocks));
  return {ceil_div(items, size), size};
}

}  // namespace

TileShape conv_by_weights_tile(const GemmKernels& kernels, const ConvCore& p) noexcept {
  return make_grid(kernels, p).tile;
}

int64_t conv_by_weights_scratch(const ConvCore& p) noexcept {
  if (!p.needs_copy() || p.n <= 0 || p.oh <= 0 || p.ow <= 0) return 0;
  const Units u = plan_units(p);
  return u.per_chunk * u.copy;
}

void conv_by_weights(const Exec& exec, const ConvCore& p, const float* x, const float* dy,
                     float* dw, float* scratch) noexcept {
  if (p.n <= 0 || p.oh <= 0 || p.ow <= 0) {
    const int64_t count = p.kh * p.kw * p.c * p.groups * p.o;
    std::memset(dw, 0, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const Units u = plan_units(p);
  const int64_t image = p.h * p.w * p.channels(), dy_image = p.oh * p.ow * p.groups * p.o;
  const auto unit_at = [&](int64_t index, int64_t chunk) {
    const int64_t n = index / u.per_image;
    Unit unit{};
    unit.begin = index % u.per_image * u.rows;
    unit.end = std::min(unit.begin + u.rows, p.oh);
    unit.first_row = std::clamp<int64_t>(unit.begin * p.stride_h - p.pad_top, 0, p.h);
    unit.dy = dy + n * dy_image;
    if (u.copy) {
      unit.row_pitch = p.columns() * p.channels();
      unit.x = scratch + (index - chunk) * u.copy;
    } else {
      unit.row_pitch = p.w * p.channels();
      unit.x = x + n * image + unit.first_row * unit.row_pitch - p.pad_left * p.channels();
    }
    return unit;
  };
  const Grid g = make_grid(exec.kernels->gemm, p);
  const bool depthwise = p.depthwise();
  const Blocks blocks = depthwise ? cut(p.groups, 64) : cut(g.tiles, 1);
  const int64_t units = p.n * u.per_image;
  const int64_t unit_work = u.rows * p.ow * p.o * p.groups * p.kh * p.kw * p.c;
  for (int64_t chunk = 0; chunk < units; chunk += u.per_chunk) {
    const int64_t end = std::min(chunk + u.per_chunk, units);
    if (u.copy) {
      exec.parallel_for(end - chunk, u.copy / 16, [&](int64_t i, int) {
        const Unit unit = unit_at(chunk + i, chunk);
        const int64_t rows = std::min(u.x_rows, p.h - unit.first_row);
        copy_padded(p, x + (chunk + i) / u.per_image * image, unit.first_row, rows,
                    scratch + i * u.copy);
      });
    }
    const int64_t cost = (end - chunk) * unit_work / (blocks.count * (depthwise ? 20 : 100));
    exec.parallel_for(blocks.count, cost, [&](int64_t block, int) {
      const int64_t first = block * blocks.size;
      for (int64_t i = chunk; i < end; ++i) {
        const Unit unit = unit_at(i, chunk);
        if (depthwise) {
          const int64_t channels = std::min(blocks.size, p.groups - first);
          add_depthwise(*exec.kernels, p, first, channels, unit, i == 0, dw);
          continue;
        }
        for (int64_t tile = first; tile < std::min(first + blocks.size, g.tiles); ++tile) {
          add_tile(*exec.kernels, p, g, tile, unit, i == 0, dw);
        }
      }
    });
  }
}

}  // namespace nnseq::cpu
