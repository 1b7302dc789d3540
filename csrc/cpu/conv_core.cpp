#include "cpu/conv_core.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kBandFloats = 1 << 15;  // of input and output that a parallel block should touch
constexpr int64_t kFewImages = 16;        // with fewer, images are cut to keep many cores busy

int64_t band_rows(const ConvCore& p) {
  const int64_t row = p.ow * p.o * p.groups + p.w * p.channels() * p.stride_h + 1;
  const int64_t rows = std::min(kBandFloats / row, p.oh * std::max(p.n, int64_t{1}) / kFewImages);
  return std::clamp<int64_t>(rows, 1, std::max(p.oh, int64_t{1}));
}

int64_t band_input_rows(const ConvCore& p) {
  return (band_rows(p) - 1) * p.stride_h + (p.kh - 1) * p.dilation_h + 1;
}

int64_t padded_floats(const ConvCore& p) {
  if (!p.needs_copy() || p.kh == 0) return 0;
  const int64_t rows = std::min(band_input_rows(p), p.h);
  return round_up(rows * p.columns() * p.channels(), kLanes);
}

struct Band {
  const ConvCore& p;
  const KernelTable& kernels;
  const Epilogue& epilogue;
  const float* x;      // such that x[row * row_pitch + column * channels] is input of window 0
  int64_t first_row;   // of x that is there
  int64_t row_pitch;   // floats
  float* y;            // the image
  int64_t begin, end;  // rows of y
  const float* weights;

  // The first valid input of window row `i`; any address when there is none.
  const float* input(int64_t i, const Taps& taps) const {
    const int64_t row = i * p.stride_h - p.pad_top + taps.begin * p.dilation_h;
    return taps.begin < taps.end ? x + (row - first_row) * row_pitch : x;
  }
};

void depthwise_band(const Band& s) {
  const ConvCore& p = s.p;
  DepthwiseRow r{};
  r.count = p.ow;
  r.channels = p.groups;
  r.taps_w = p.kw;
  r.step = p.stride_w * p.groups;
  r.tap_h = p.dilation_h * s.row_pitch;
  r.tap_w = p.dilation_w * p.groups;
  r.ldw = p.groups;
  r.ldy = p.y_pixel;
  r.accumulate = s.epilogue.accumulate;
  r.bias = s.epilogue.bias;
  for (int64_t i = s.begin; i < s.end; ++i) {
    const Taps taps = valid_taps(p, i);
    r.taps_h = taps.end - taps.begin;
    s.kernels.conv.depthwise_row(r, s.input(i, taps), s.weights + taps.begin * p.kw * p.groups,
                                 s.y + i * p.y_row);
  }
}

void tile_band(const Band& s, const Panels& panels) {
  const ConvCore& p = s.p;
  const bool one_run = p.groups == 1 && p.dilation_w == 1;
  Tile t{};
  t.stride_a = p.stride_w * p.channels();
  t.k = one_run ? p.kw * p.c : p.c;
  t.runs = one_run ? 1 : p.kw;
  t.run_stride = p.dilation_w * p.channels();
  t.block_stride = p.dilation_h * s.row_pitch;
  t.ldb = panels.tile.columns();
  t.ldc = p.y_pixel;
  t.accumulate = s.epilogue.accumulate;
  for (int64_t panel = 0; panel < p.groups * panels.count; ++panel) {
    const int64_t group = panel / panels.count, o = panel % panels.count * t.ldb;
    const int64_t columns = std::min(t.ldb, p.o - o), vectors = ceil_div(columns, kLanes);
    t.last = columns - (vectors - 1) * kLanes;
    t.bias = s.epilogue.bias ? s.epilogue.bias + group * p.o + o : nullptr;
    for (int64_t i = s.begin; i < s.end; ++i) {
      const Taps taps = valid_taps(p, i);
      t.blocks = taps.end - taps.begin;
      t.b = s.weights + panel * panels.floats + taps.begin * p.kw * p.c * t.ldb;
      const float* const a = s.input(i, taps) + group * p.c;
      float* const c = s.y + i * p.y_row + group * p.o + o;
      for (int64_t j = 0; j < p.ow; j += panels.tile.rows) {
        const int64_t rows = std::min<int64_t>(panels.tile.rows, p.ow - j);
        t.a = a + j * t.stride_a;
        t.c = c + j * p.y_pixel;
        s.kernels.gemm.tile[0][vectors][rows](t);
      }
    }
  }
}

// The epilogue's function over finished rows; the output has no gaps.
void apply(const Band& s) {
  const auto fn = s.kernels.vector.unary[static_cast<int>(*s.epilogue.fn)];
  float* const y = s.y + s.begin * s.p.y_row;
  fn((s.end - s.begin) * s.p.y_row, y, y, s.epilogue.alpha);
}

}  // namespace

Taps valid_taps(const ConvCore& p, int64_t i) noexcept {
  const int64_t top = i * p.stride_h - p.pad_top;
  const int64_t begin = top < 0 ? ceil_div(-top, p.dilation_h) : 0;
  const int64_t end = top < p.h ? std::min(p.kh, ceil_div(p.h - top, p.dilation_h)) : 0;
  return begin < end ? Taps{begin, end} : Taps{0, 0};
}

void copy_padded(const ConvCore& p, const float* x, int64_t row, int64_t rows,
                 float* out) noexcept {
  const int64_t c = p.channels(), columns = p.columns();
  const int64_t left = std::clamp<int64_t>(p.pad_left, 0, columns);
  const int64_t from = std::max<int64_t>(-p.pad_left, 0);  // first column of x that is used
  const int64_t used = std::clamp<int64_t>(p.w - from, 0, columns - left);
  const auto bytes = [&](int64_t pixels) {
    return static_cast<std::size_t>(pixels * c) * sizeof(float);
  };
  for (int64_t i = 0; i < rows; ++i, out += columns * c) {
    std::memset(out, 0, bytes(left));
    if (used) std::memcpy(out + left * c, x + ((row + i) * p.w + from) * c, bytes(used));
    std::memset(out + (left + used) * c, 0, bytes(columns - left - used));
  }
}

Panels plan_panels(const GemmKernels& kernels, const ConvCore& p) noexcept {
  Panels panels;
  panels.tile = choose_tile(kernels, std::max(p.ow, int64_t{1}), std::max(p.o, int64_t{1}));
  panels.count = ceil_div(p.o, panels.tile.columns());
  panels.floats = p.kh * p.kw * p.c * panels.tile.columns();
  return panels;
}

int64_t panel_floats(const ConvCore& p) noexcept {
  const int64_t columns = round_up(p.o, kLanes);
  const int64_t spare = std::min<int64_t>((kMaxTileVectors - 1) * kLanes, columns);
  return p.groups * p.kh * p.kw * p.c * (columns + spare);
}

int64_t conv_core_scratch(const ConvCore& p, int workers) noexcept {
  return padded_floats(p) * workers;
}

void conv_core(const Exec& exec, const ConvCore& p, const float* x, const float* weights, float* y,
               const Epilogue& epilogue, float* scratch) noexcept {
  if (p.n <= 0 || p.oh <= 0 || p.ow <= 0 || p.o <= 0) return;
  const Panels panels = plan_panels(exec.kernels->gemm, p);
  const int64_t rows = band_rows(p), bands = ceil_div(p.oh, rows), padded = padded_floats(p);
  const int64_t cost = rows * p.ow * p.groups * p.o * (p.kh * p.kw * p.c / 100 + 1);
  exec.parallel_for(p.n * bands, cost, [&](int64_t block, int worker) {
    const int64_t image = block / bands, begin = block % bands * rows;
    const int64_t end = std::min(begin + rows, p.oh);
    const int64_t top = begin * p.stride_h - p.pad_top;
    const int64_t bottom = (end - 1) * p.stride_h - p.pad_top + (p.kh - 1) * p.dilation_h + 1;
    const int64_t first = std::clamp<int64_t>(top, 0, p.h);
    const float* const in = x + image * p.h * p.w * p.channels();
    Band band{p, *exec.kernels,         epilogue, nullptr, first,
              0, y + image * p.y_image, begin,    end,     weights};
    if (padded) {
      float* const copy = scratch + worker * padded;
      copy_padded(p, in, first, std::clamp<int64_t>(bottom, first, p.h) - first, copy);
      band.x = copy;
      band.row_pitch = p.columns() * p.channels();
    } else {
      band.row_pitch = p.w * p.channels();
      band.x = in + first * band.row_pitch - p.pad_left * p.channels();
    }
    if (p.depthwise()) {
      depthwise_band(band);
    } else {
      tile_band(band, panels);
    }
    if (epilogue.fn) apply(band);
  });
}

}  // namespace nnseq::cpu
