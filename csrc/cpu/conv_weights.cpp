#include "cpu/conv_weights.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kChunkFloats = 1 << 20;  // of padded images held at one time
constexpr int64_t kBandFloats = 1 << 13;   // of x and dy that stay in L1 while tiles run over them
constexpr int64_t kMaxBlocks = 16;

struct Images {
  const float* x;     // such that x[row * row_pitch + column * channels] is input of window 0
  int64_t row_pitch;  // floats
  int64_t image_pitch;
  const float* dy;
  int64_t count;
};

int64_t padded_image(const ConvCore& p) { return p.h * p.columns() * p.channels(); }

int64_t chunk_images(const ConvCore& p) {
  if (!p.needs_copy()) return p.n;
  return std::clamp<int64_t>(kChunkFloats / std::max(padded_image(p), int64_t{1}), 1, p.n);
}

// The rows of windows for which tap `kh` meets a row of x.
struct Rows {
  int64_t begin, end;
};
Rows valid_rows(const ConvCore& p, int64_t kh, Rows among) {
  const int64_t shift = kh * p.dilation_h - p.pad_top;  // of the input row of window row 0
  const int64_t begin = shift < 0 ? ceil_div(-shift, p.stride_h) : 0;
  const int64_t end = shift < p.h ? ceil_div(p.h - shift, p.stride_h) : 0;
  return {std::max(begin, among.begin), std::min(end, among.end)};
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

// Adds the product of one band of one image to tile `index`.
void add_tile(const KernelTable& kernels, const ConvCore& p, const Grid& g, int64_t index,
              const Images& images, int64_t image, Rows band, bool first, float* dw) {
  const int64_t n = index % g.tiles_n * g.tile.columns();
  index /= g.tiles_n;
  const int64_t m = index % g.tiles_m * g.tile.rows;
  index /= g.tiles_m;
  const int64_t kw = index % g.taps_w;
  index /= g.taps_w;
  const int64_t kh = index % p.kh, group = index / p.kh;
  const int64_t total_o = p.groups * p.o;
  const Rows rows = valid_rows(p, kh, band);
  const int64_t columns = std::min<int64_t>(g.tile.columns(), p.o - n);
  const int64_t vectors = ceil_div(columns, kLanes);
  Tile t{};
  t.stride_a = p.stride_w * p.channels();
  t.k = p.ow;
  t.runs = 1;
  t.blocks = std::max<int64_t>(rows.end - rows.begin, 0);
  t.block_stride = p.stride_h * images.row_pitch;
  if (t.blocks > 0) {
    const int64_t row = rows.begin * p.stride_h - p.pad_top + kh * p.dilation_h;
    t.a = images.x + image * images.image_pitch + row * images.row_pitch +
          kw * p.dilation_w * p.channels() + group * p.c + m;
    t.b = images.dy + ((image * p.oh + rows.begin) * p.ow) * total_o + group * p.o + n;
  } else if (!first) {
    return;
  }
  t.ldb = t.ldc = total_o;
  t.c = dw + ((kh * p.kw + kw) * p.c + m) * total_o + group * p.o + n;
  t.last = columns - (vectors - 1) * kLanes;
  t.accumulate = !first;
  kernels.gemm.tile[1][vectors][std::min<int64_t>(g.tile.rows, g.m - m)](t);
}

void add_images(const Exec& exec, const ConvCore& p, const Images& images, bool first, float* dw) {
  const Grid g = make_grid(exec.kernels->gemm, p);
  const int64_t row = p.ow * (std::min<int64_t>(p.o, 64) + p.stride_w * p.c);
  const int64_t band = std::clamp<int64_t>(2 * kBandFloats / (row + 1), 1, p.oh);
  const int64_t per_block = ceil_div(g.tiles, std::min(g.tiles, kMaxBlocks));
  const int64_t blocks = ceil_div(g.tiles, per_block);
  const int64_t cost =
      images.count * p.oh * p.ow * p.o * p.groups * p.kh * p.kw * p.c / blocks / 100;
  exec.parallel_for(blocks, cost, [&](int64_t block, int) {
    const int64_t last = std::min((block + 1) * per_block, g.tiles);
    for (int64_t image = 0; image < images.count; ++image) {
      for (int64_t i = 0; i < p.oh; i += band) {
        const Rows rows{i, std::min(i + band, p.oh)};
        for (int64_t tile = block * per_block; tile < last; ++tile) {
          add_tile(*exec.kernels, p, g, tile, images, image, rows, first && image + i == 0, dw);
        }
      }
    }
  });
}

void add_depthwise(const Exec& exec, const ConvCore& p, const Images& images, bool first,
                   float* dw) {
  constexpr int64_t kChannels = 64;
  const int64_t c = p.groups;
  DepthwiseRow r{};
  r.count = p.ow;
  r.taps_h = 1;
  r.taps_w = p.kw;
  r.step = p.stride_w * c;
  r.tap_w = p.dilation_w * c;
  r.ldw = r.ldy = c;
  const int64_t cost = images.count * p.oh * p.ow * p.kh * p.kw * kChannels / 20;
  exec.parallel_for(ceil_div(c, kChannels), cost, [&, r](int64_t block, int) mutable {
    const int64_t from = block * kChannels;
    r.channels = std::min(kChannels, c - from);
    for (int64_t tap = 0; first && tap < p.kh * p.kw; ++tap) {
      std::memset(dw + tap * c + from, 0, static_cast<std::size_t>(r.channels) * sizeof(float));
    }
    for (int64_t image = 0; image < images.count; ++image) {
      for (int64_t i = 0; i < p.oh; ++i) {
        const Taps taps = valid_taps(p, i);
        for (int64_t kh = taps.begin; kh < taps.end; ++kh) {
          const int64_t row = i * p.stride_h - p.pad_top + kh * p.dilation_h;
          exec.kernels->conv.depthwise_weights_row(
              r, images.x + image * images.image_pitch + row * images.row_pitch + from,
              images.dy + (image * p.oh + i) * p.ow * c + from, dw + kh * p.kw * c + from);
        }
      }
    }
  });
}

}  // namespace

int64_t conv_by_weights_scratch(const ConvCore& p) noexcept {
  if (!p.needs_copy() || p.n <= 0 || p.oh <= 0 || p.ow <= 0) return 0;
  return chunk_images(p) * padded_image(p);
}

void conv_by_weights(const Exec& exec, const ConvCore& p, const float* x, const float* dy,
                     float* dw, float* scratch) noexcept {
  if (p.n <= 0 || p.oh <= 0 || p.ow <= 0) {
    const int64_t count = p.kh * p.kw * p.c * p.groups * p.o;
    std::memset(dw, 0, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const int64_t chunk = chunk_images(p), image = p.h * p.w * p.channels();
  for (int64_t n = 0; n < p.n; n += chunk) {
    Images images{};
    images.count = std::min(chunk, p.n - n);
    images.dy = dy + n * p.oh * p.ow * p.groups * p.o;
    const float* const from = x + n * image;
    if (p.needs_copy()) {
      images.row_pitch = p.columns() * p.channels();
      images.image_pitch = padded_image(p);
      images.x = scratch;
      exec.parallel_for(images.count, images.image_pitch / 16, [&](int64_t i, int) {
        copy_padded(p, from + i * image, 0, p.h, scratch + i * images.image_pitch);
      });
    } else {
      images.row_pitch = p.w * p.channels();
      images.image_pitch = image;
      images.x = from - p.pad_left * p.channels();
    }
    if (p.depthwise()) {
      add_depthwise(exec, p, images, n == 0, dw);
    } else {
      add_images(exec, p, images, n == 0, dw);
    }
  }
}

}  // namespace nnseq::cpu
