#include "cpu/conv.h"

#include <algorithm>
#include <numeric>

#include "cpu/conv_core.h"
#include "cpu/conv_weights.h"
#include "cpu/kernel_table.h"
#include "cpu/winograd.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

bool is_empty(const Conv2D& p) { return p.n <= 0 || p.c <= 0 || p.o <= 0; }

// One pixel per window, each pixel once: conv2d is a matrix product over all pixels.
bool is_pointwise(const Conv2D& p) {
  return p.kh == 1 && p.kw == 1 && p.groups == 1 && p.stride_h == 1 && p.stride_w == 1 &&
         p.pad_top == 0 && p.pad_left == 0 && p.oh == p.h && p.ow == p.w;
}

// (pixels, c) . (c, o), dy (pixels, o) . w^T and x^T . dy.
Gemm pointwise(const Conv2D& p, ConvPart part) {
  const int64_t pixels = p.n * p.h * p.w;
  switch (part) {
    case ConvPart::kForward:
      return {false, false, pixels, p.o, p.c, p.c, p.o, p.o};
    case ConvPart::kByData:
      return {false, true, pixels, p.c, p.o, p.o, p.o, p.c};
    case ConvPart::kByWeights:
      return {true, false, p.c, p.o, pixels, p.c, p.o, p.o};
  }
  return {};
}

ConvCore forward_core(const Conv2D& p) {
  ConvCore q{};
  q.n = p.n;
  q.h = p.h;
  q.w = p.w;
  q.groups = p.groups;
  q.c = p.c / p.groups;
  q.o = p.o / p.groups;
  q.kh = p.kh;
  q.kw = p.kw;
  q.oh = p.oh;
  q.ow = p.ow;
  q.stride_h = p.stride_h;
  q.stride_w = p.stride_w;
  q.dilation_h = p.dilation_h;
  q.dilation_w = p.dilation_w;
  q.pad_top = p.pad_top;
  q.pad_left = p.pad_left;
  q.y_pixel = p.o;
  q.y_row = p.ow * p.o;
  q.y_image = p.oh * q.y_row;
  return q;
}

// Along one axis, pixel x of dx with (x + pad) = u * stride + phase meets the taps
// k = first + t * step, t < taps, at row u + offset - t * dilation of dy.
struct Phase {
  int64_t first, step, taps, dilation;
  int64_t begin, count;  // the pixels are begin + v * stride, v < count
  int64_t pad;           // of the stride-1 convolution of dy with the taps in falling order
};

Phase make_phase(int64_t phase, int64_t size, int64_t k, int64_t stride, int64_t dilation,
                 int64_t pad) {
  Phase f{};
  const int64_t common = std::gcd(stride, dilation);
  f.step = stride / common;
  f.dilation = dilation / common;
  f.first = 0;
  while (f.first < f.step && (f.first * dilation - phase) % stride != 0) ++f.first;
  f.taps = f.first < f.step && f.first < k ? ceil_div(k - f.first, f.step) : 0;
  const int64_t u = pad > phase ? ceil_div(pad - phase, stride) : 0;
  f.begin = u * stride + phase - pad;
  f.count = f.begin < size ? ceil_div(size - f.begin, stride) : 0;
  if (f.taps > 0) {
    const int64_t offset = (phase - f.first * dilation) / stride;
    f.pad = (f.taps - 1) * f.dilation - u - offset;
  }
  return f;
}

// The stride-1 convolution of dy that gives the pixels of dx of one phase of both axes.
ConvCore phase_core(const Conv2D& p, const Phase& fh, const Phase& fw) {
  ConvCore q{};
  q.n = p.n;
  q.h = p.oh;
  q.w = p.ow;
  q.groups = p.groups;
  q.c = p.o / p.groups;
  q.o = p.c / p.groups;
  q.oh = fh.count;
  q.ow = fw.count;
  q.stride_h = q.stride_w = q.dilation_h = q.dilation_w = 1;
  q.y_pixel = p.stride_w * p.c;
  q.y_row = p.stride_h * p.w * p.c;
  q.y_image = p.h * p.w * p.c;
  if (fh.taps == 0 || fw.taps == 0) return q;  // no window meets these pixels
  q.kh = fh.taps;
  q.kw = fw.taps;
  q.dilation_h = fh.dilation;
  q.dilation_w = fw.dilation;
  q.pad_top = fh.pad;
  q.pad_left = fw.pad;
  return q;
}

// fn(phase of rows, phase of columns) over the stride_h x stride_w phases.
template <class F>
void for_each_phase(const Conv2D& p, F&& fn) {
  for (int64_t i = 0; i < p.stride_h; ++i) {
    const Phase fh = make_phase(i, p.h, p.kh, p.stride_h, p.dilation_h, p.pad_top);
    for (int64_t j = 0; j < p.stride_w; ++j) {
      fn(fh, make_phase(j, p.w, p.kw, p.stride_w, p.dilation_w, p.pad_left));
    }
  }
}

int64_t weight_floats(const ConvCore& q) {
  return round_up(q.depthwise() ? q.kh * q.kw * q.groups : panel_floats(q), kLanes);
}

void pack_forward(const Exec& exec, const ConvCore& q, const float* w, float* out) {
  const Panels panels = plan_panels(exec.kernels->gemm, q);
  const int64_t rows = q.kh * q.kw * q.c, width = panels.tile.columns(), o = q.groups * q.o;
  exec.parallel_for(q.groups * panels.count, panels.floats / 16, [&](int64_t panel, int) {
    const int64_t group = panel / panels.count, column = panel % panels.count * width;
    exec.kernels->gemm.pack_rows(w + group * q.o + column, o, rows, std::min(width, q.o - column),
                                 width, out + panel * panels.floats);
  });
}

// Row ((a, b), o) of a panel is w[kh, kw, panel's c, o] with the taps of the phase in falling
// order.
void pack_by_data(const Exec& exec, const Conv2D& p, const ConvCore& q, const Phase& fh,
                  const Phase& fw, const float* w, float* out) {
  const Panels panels = plan_panels(exec.kernels->gemm, q);
  const int64_t width = panels.tile.columns();
  exec.parallel_for(q.groups * panels.count, panels.floats / 8, [&](int64_t panel, int) {
    const int64_t group = panel / panels.count, c = panel % panels.count * width;
    float* to = out + panel * panels.floats;
    for (int64_t a = 0; a < q.kh; ++a) {
      for (int64_t b = 0; b < q.kw; ++b, to += q.c * width) {
        const int64_t kh = fh.first + (q.kh - 1 - a) * fh.step;
        const int64_t kw = fw.first + (q.kw - 1 - b) * fw.step;
        const float* const from = w + ((kh * p.kw + kw) * q.o + c) * p.o + group * q.c;
        exec.kernels->gemm.pack_transposed(from, p.o, std::min(width, q.o - c), q.c, width, width,
                                           to);
      }
    }
  });
}

void copy_depthwise_taps(const Conv2D& p, const ConvCore& q, const Phase& fh, const Phase& fw,
                         const float* w, float* out) {
  for (int64_t a = 0; a < q.kh; ++a) {
    for (int64_t b = 0; b < q.kw; ++b, out += p.c) {
      const int64_t kh = fh.first + (q.kh - 1 - a) * fh.step;
      const int64_t kw = fw.first + (q.kw - 1 - b) * fw.step;
      std::copy_n(w + (kh * p.kw + kw) * p.c, p.c, out);
    }
  }
}

}  // namespace

KernelChoice conv2d_choice(const KernelTable& kernels, const Conv2D& p, ConvPart part) {
  if (is_empty(p)) return {"nothing to do", ""};
  if (is_pointwise(p)) {
    KernelChoice choice = gemm_choice(kernels.gemm, pointwise(p, part));
    choice.kernel = "1x1: " + choice.kernel;
    return choice;
  }
  const char* const refusal = winograd_refusal(p, part);
  if (refusal == nullptr) return {"Winograd F(2x2, 3x3)", ""};
  ConvCore q = forward_core(p);
  const int64_t phases = part == ConvPart::kByData ? p.stride_h * p.stride_w : 1;
  if (part == ConvPart::kByData) {  // the phase with the first tap is the largest
    const Phase fh = make_phase(0, p.h, p.kh, p.stride_h, p.dilation_h, p.pad_top);
    q = phase_core(p, fh, make_phase(0, p.w, p.kw, p.stride_w, p.dilation_w, p.pad_left));
  }
  KernelChoice choice;
  if (q.depthwise()) {
    choice.kernel = "depthwise rows";
    refuse_idle_lanes(choice, q.groups);
  } else {
    const TileShape tile = part == ConvPart::kByWeights ? conv_by_weights_tile(kernels.gemm, q)
                                                        : plan_panels(kernels.gemm, q).tile;
    choice.kernel = "direct, " + tile_text(tile);
    choice.refuse(std::string("no Winograd: ") + refusal);
    refuse_idle_lanes(choice, q.o);
  }
  if (phases > 1) choice.kernel += ", " + std::to_string(phases) + " phases of the stride";
  if (q.needs_copy()) choice.refuse("copies rows: padding");
  if (q.groups > 1 && !q.depthwise()) choice.refuse("a product per tap: groups");
  if (q.dilation_w > 1) choice.refuse("a product per tap: dilation");
  return choice;
}

std::size_t conv2d_scratch(const Conv2D& p, ConvPart part, int workers) noexcept {
  if (is_empty(p)) return 0;
  if (is_pointwise(p)) return gemm_scratch(pointwise(p, part), workers);
  int64_t floats = 0;
  if (winograd_wins(p, part)) {
    const Winograd q = winograd_problem(p, part);
    floats = part == ConvPart::kByWeights ? winograd_by_weights_scratch(q, workers)
                                          : winograd_scratch(q, workers);
  } else if (part == ConvPart::kForward) {
    const ConvCore q = forward_core(p);
    floats = (q.depthwise() ? 0 : weight_floats(q)) + conv_core_scratch(q, workers);
  } else if (part == ConvPart::kByData) {
    for_each_phase(p, [&](const Phase& fh, const Phase& fw) {
      const ConvCore q = phase_core(p, fh, fw);
      floats = std::max(floats, weight_floats(q) + conv_core_scratch(q, workers));
    });
  } else {
    floats = conv_by_weights_scratch(forward_core(p));
  }
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void conv2d(const Exec& exec, const Conv2D& p, const float* x, const float* w, float* y,
            const Epilogue& epilogue, void* scratch) noexcept {
  if (p.n <= 0 || p.o <= 0) return;
  if (is_pointwise(p)) {
    return gemm(exec, pointwise(p, ConvPart::kForward), x, w, y, epilogue, scratch);
  }
  if (winograd_wins(p, ConvPart::kForward)) {
    return winograd(exec, winograd_problem(p, ConvPart::kForward), x, w, false, y, epilogue,
                    static_cast<float*>(scratch));
  }
  const ConvCore q = forward_core(p);
  if (q.depthwise()) {
    return conv_core(exec, q, x, w, y, epilogue, static_cast<float*>(scratch));
  }
  float* const packed = static_cast<float*>(scratch);
  pack_forward(exec, q, w, packed);
  conv_core(exec, q, x, packed, y, epilogue, packed + weight_floats(q));
}

void conv2d_by_data(const Exec& exec, const Conv2D& p, const float* dy, const float* w, float* dx,
                    void* scratch) noexcept {
  if (p.n <= 0 || p.c <= 0) return;
  if (is_pointwise(p)) {
    return gemm(exec, pointwise(p, ConvPart::kByData), dy, w, dx, {}, scratch);
  }
  if (winograd_wins(p, ConvPart::kByData)) {
    return winograd(exec, winograd_problem(p, ConvPart::kByData), dy, w, true, dx, {},
                    static_cast<float*>(scratch));
  }
  float* const packed = static_cast<float*>(scratch);
  for_each_phase(p, [&](const Phase& fh, const Phase& fw) {
    const ConvCore q = phase_core(p, fh, fw);
    if (q.depthwise()) {
      copy_depthwise_taps(p, q, fh, fw, w, packed);
    } else {
      pack_by_data(exec, p, q, fh, fw, w, packed);
    }
    conv_core(exec, q, dy, packed, dx + (fh.begin * p.w + fw.begin) * p.c, {},
              packed + weight_floats(q));
  });
}

void conv2d_by_weights(const Exec& exec, const Conv2D& p, const float* x, const float* dy,
                       float* dw, void* scratch) noexcept {
  if (p.c <= 0 || p.o <= 0) return;
  if (is_pointwise(p)) {
    return gemm(exec, pointwise(p, ConvPart::kByWeights), x, dy, dw, {}, scratch);
  }
  if (p.n > 0 && winograd_wins(p, ConvPart::kByWeights)) {
    return winograd_by_weights(exec, winograd_problem(p, ConvPart::kByWeights), x, dy, dw,
                               static_cast<float*>(scratch));
  }
  conv_by_weights(exec, forward_core(p), x, dy, dw, static_cast<float*>(scratch));
}

}  // namespace nnseq::cpu
