// What tests of convolutions share: problems, tensors, the sum of products by its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "cpu/conv.h"
#include "cpu/winograd.h"
#include "kernel_testing.h"

namespace nnseq::testing {

using cpu::Conv2D;
using std::int64_t;

struct Axis {
  int64_t size, k, stride = 1, dilation = 1, before = 0, after = 0;
  int64_t out() const {
    return std::max<int64_t>((size + before + after - (k - 1) * dilation - 1) / stride + 1, 0);
  }
};

inline Conv2D problem(int64_t n, Axis h, Axis w, int64_t c, int64_t o, int64_t groups = 1) {
  Conv2D p;
  p.n = n;
  p.h = h.size;
  p.w = w.size;
  p.c = c;
  p.kh = h.k;
  p.kw = w.k;
  p.o = o;
  p.oh = h.out();
  p.ow = w.out();
  p.stride_h = h.stride;
  p.stride_w = w.stride;
  p.dilation_h = h.dilation;
  p.dilation_w = w.dilation;
  p.pad_top = h.before;
  p.pad_left = w.before;
  p.groups = groups;
  return p;
}

struct Tensors {
  explicit Tensors(const Conv2D& p, bool integers, int seed = 0)
      : x(p.n * p.h * p.w * p.c, 1),
        w(p.kh * p.kw * (p.c / p.groups) * p.o, 2),
        y(p.n * p.oh * p.ow * p.o, 3),
        bias(p.o, 1) {
    fill_random(x, 1 + 4 * seed, integers);
    fill_random(w, 2 + 4 * seed, integers);
    fill_random(y, 3 + 4 * seed, integers);
    fill_random(bias, 4 + 4 * seed, integers);
  }
  bool guards_hold() const { return x.guards_hold() && w.guards_hold() && y.guards_hold(); }
  Guarded x, w, y, bias;
};

// fn(index of x, index of w, index of y) for every product of the convolution.
template <class F>
void for_each_product(const Conv2D& p, F&& fn) {
  const int64_t cg = p.c / p.groups, og = p.o / p.groups;
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t i = 0; i < p.oh; ++i)
      for (int64_t j = 0; j < p.ow; ++j)
        for (int64_t a = 0; a < p.kh; ++a)
          for (int64_t b = 0; b < p.kw; ++b) {
            const int64_t row = i * p.stride_h - p.pad_top + a * p.dilation_h;
            const int64_t col = j * p.stride_w - p.pad_left + b * p.dilation_w;
            if (row < 0 || row >= p.h || col < 0 || col >= p.w) continue;
            for (int64_t o = 0; o < p.o; ++o)
              for (int64_t c = 0; c < cg; ++c)
                fn(((n * p.h + row) * p.w + col) * p.c + o / og * cg + c,
                   ((a * p.kw + b) * cg + c) * p.o + o, ((n * p.oh + i) * p.ow + j) * p.o + o);
          }
}

// One element by its definition, and what its error is measured in.
struct Sum {
  double value = 0, magnitude = 0;
  void add(double a) {
    value += a;
    magnitude += std::abs(a);
  }
};

inline void expect_sums(const Guarded& got, const std::vector<Sum>& want, bool integers,
                        const char* what) {
  ErrorBound bound(integers);
  for (int64_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(bound.holds(got[i] - want[i].value, want[i].magnitude))
        << what << " at " << i << ": " << got[i] << " is " << want[i].value << ", magnitude "
        << want[i].magnitude;
  }
}

struct Sums {
  explicit Sums(const Conv2D& p, const Tensors& t) : dx(zeros(t.x)), dw(zeros(t.w)), y(zeros(t.y)) {
    for_each_product(p, [&](int64_t xi, int64_t wi, int64_t yi) {
      y[yi].add(static_cast<double>(t.x[xi]) * t.w[wi]);
      dx[xi].add(static_cast<double>(t.y[yi]) * t.w[wi]);
      dw[wi].add(static_cast<double>(t.x[xi]) * t.y[yi]);
    });
  }
  // y = relu(y + bias + accumulated).
  void finish(const Tensors& t, bool accumulate) {
    for (int64_t i = 0; i < t.y.size(); ++i) {
      if (accumulate) y[i].add(t.y[i]);
      y[i].add(t.bias[i % t.bias.size()]);
      y[i].value = std::max(y[i].value, 0.0);
    }
  }
  std::vector<Sum> dx, dw, y;

 private:
  static std::vector<Sum> zeros(const Guarded& x) {
    return std::vector<Sum>(static_cast<std::size_t>(x.size()));
  }
};

// The magnitudes for Winograd's method: the norm of the input of the element's 2x2 tile (4x4 pixels
// of all channels) times that of its filter.
inline void set_winograd_magnitudes(const cpu::Winograd& p, const Guarded& x, const Guarded& w,
                                    bool flipped, std::vector<Sum>& y) {
  std::vector<double> filters(static_cast<std::size_t>(p.o));
  for (int64_t t = 0; t < 9; ++t)
    for (int64_t c = 0; c < p.c; ++c)
      for (int64_t o = 0; o < p.o; ++o) {
        const double a = flipped ? w[(t * p.o + o) * p.c + c] : w[(t * p.c + c) * p.o + o];
        filters[o] += a * a;
      }
  for (int64_t pixel = 0; pixel < p.n * p.oh * p.ow; ++pixel) {
    const int64_t top = pixel / p.ow % p.oh / 2 * 2 - p.pad_top, n = pixel / p.ow / p.oh;
    const int64_t left = pixel % p.ow / 2 * 2 - p.pad_left;
    double tile = 0;
    for (int64_t i = std::max<int64_t>(top, 0); i < std::min(top + 4, p.h); ++i)
      for (int64_t j = std::max<int64_t>(left, 0); j < std::min(left + 4, p.w); ++j)
        for (int64_t c = 0; c < p.c; ++c) {
          const double a = x[((n * p.h + i) * p.w + j) * p.c + c];
          tile += a * a;
        }
    for (int64_t o = 0; o < p.o; ++o) y[pixel * p.o + o].magnitude = std::sqrt(tile * filters[o]);
  }
}

// For its gradient by weights: the norm of the channel of x times that of the channel of dy.
inline void set_winograd_magnitudes(const cpu::Winograd& p, const Guarded& x, const Guarded& dy,
                                    std::vector<Sum>& dw) {
  const auto squares = [](const Guarded& a, int64_t channels) {
    std::vector<double> sums(static_cast<std::size_t>(channels));
    for (int64_t i = 0; i < a.size(); ++i) sums[i % channels] += static_cast<double>(a[i]) * a[i];
    return sums;
  };
  const auto xs = squares(x, p.c), ys = squares(dy, p.o);
  for (int64_t i = 0; i < 9 * p.c * p.o; ++i) {
    dw[i].magnitude = std::sqrt(xs[i / p.o % p.c] * ys[i % p.o]);
  }
}

inline std::string describe(std::string_view isa, const Conv2D& p) {
  std::ostringstream s;
  s << isa << " (" << p.n << "," << p.h << "," << p.w << "," << p.c << ") k " << p.kh << "x" << p.kw
    << " -> (" << p.oh << "," << p.ow << "," << p.o << ") stride " << p.stride_h << ","
    << p.stride_w << " dilation " << p.dilation_h << "," << p.dilation_w << " pad " << p.pad_top
    << "," << p.pad_left << " groups " << p.groups;
  return s.str();
}

inline void run_forward(const Exec& exec, const Conv2D& p, Tensors& t, const cpu::Epilogue& e) {
  Scratch scratch(conv2d_scratch(p, cpu::ConvPart::kForward, exec.workers()));
  conv2d(exec, p, t.x.data(), t.w.data(), t.y.data(), e, scratch.data());
  ASSERT_TRUE(scratch.guards_hold());
  ASSERT_TRUE(t.guards_hold());
}

inline Guarded run_by_data(const Exec& exec, const Conv2D& p, const Tensors& t) {
  Guarded dx(t.x.size(), 5);
  Scratch scratch(conv2d_scratch(p, cpu::ConvPart::kByData, exec.workers()));
  conv2d_by_data(exec, p, t.y.data(), t.w.data(), dx.data(), scratch.data());
  EXPECT_TRUE(scratch.guards_hold() && dx.guards_hold());
  return dx;
}

inline Guarded run_by_weights(const Exec& exec, const Conv2D& p, const Tensors& t) {
  Guarded dw(t.w.size(), 7);
  Scratch scratch(conv2d_scratch(p, cpu::ConvPart::kByWeights, exec.workers()));
  conv2d_by_weights(exec, p, t.x.data(), t.y.data(), dw.data(), scratch.data());
  EXPECT_TRUE(scratch.guards_hold() && dw.guards_hold());
  return dw;
}

}  // namespace nnseq::testing
