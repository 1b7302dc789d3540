// The transforms of Winograd's F(2x2, 3x3), vectorised over channels. Sums are taken in the order
// of the matrices' columns; the factors are +-1 and 1/2, so each fma below is an exact product.
//
//         1  0 -1  0         1    0   0
//   B^T = 0  1  1  0     G = 1/2  1/2 1/2    A^T = 1  1  1  0
//         0 -1  1  0         1/2 -1/2 1/2          0  1 -1 -1
//         0  1  0 -1         0    0   1
#include "cpu/isa/fill.h"
#include "cpu/isa/simd.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

template <bool kFull>
NNSEQ_INLINE F16 load_some(const float* p, int64_t lanes) {
  return kFull ? load(p) : load_n(p, lanes);
}
template <bool kFull>
NNSEQ_INLINE void store_some(float* p, F16 a, int64_t lanes) {
  if (kFull) {
    store(p, a);
  } else {
    store_n(p, a, lanes);
  }
}

// fn(first channel, how many of 16, whether all 16 as a type) for each vector of channels. The last
// one begins so early that it is full, unless there are not so many channels or `once` asks for
// each channel once; masks are slow on avx2.
struct Full {
  static constexpr bool kValue = true;
};
struct Partial {
  static constexpr bool kValue = false;
};
template <class F>
NNSEQ_INLINE void for_each_vector(int64_t channels, bool once, F&& fn) {
  int64_t c = 0;
  for (; c + 16 <= channels; c += 16) fn(c, int64_t{16}, Full{});
  if (c == channels) return;
  if (c > 0 && !once) {
    fn(channels - 16, int64_t{16}, Full{});
  } else {
    fn(c, channels - c, Partial{});
  }
}

// out[j] = d . B and d . A^T.
NNSEQ_INLINE void transform_row(const F16 (&d)[4], float* out, int64_t matrix) {
  store(out, d[0] - d[2]);
  store(out + matrix, d[1] + d[2]);
  store(out + 2 * matrix, d[2] - d[1]);
  store(out + 3 * matrix, d[1] - d[3]);
}
NNSEQ_INLINE void transform_row(const F16 (&d)[2], float* out, int64_t matrix) {
  store(out, d[0]);
  store(out + matrix, d[0] + d[1]);
  store(out + 2 * matrix, d[0] - d[1]);
  store(out + 3 * matrix, -d[1]);
}

// One tile of N columns that lie all in the image.
template <int N>
NNSEQ_INLINE void inner_tile(const WinogradRun& r, int64_t column, float* out) {
  const F16 sign = set1(r.sign);
  const float* const first = r.first + column * r.pixel;
  const float* const second = r.second + column * r.pixel;
  const int64_t pixel = r.pixel, matrix = r.matrix;
  for_each_vector(r.channels, false, [&](int64_t c, int64_t lanes, auto full) {
    constexpr bool kFull = decltype(full)::kValue;
    F16 d[N];
    NNSEQ_UNROLL
    for (int j = 0; j < N; ++j) {
      d[j] = fma(sign, load_some<kFull>(second + j * pixel + c, lanes),
                 load_some<kFull>(first + j * pixel + c, lanes));
    }
    transform_row(d, out + c, matrix);
  });
}

// One tile of which rows or columns are outside of the image, where they are zero.
template <int N>
void edge_tile(const WinogradRun& r, int64_t column, float* out) {
  const F16 sign = set1(r.sign);
  for_each_vector(r.channels, false, [&](int64_t c, int64_t lanes, auto full) {
    constexpr bool kFull = decltype(full)::kValue;
    F16 d[N];
    for (int j = 0; j < N; ++j) {
      const int64_t at = column + j;
      const bool inside = at >= 0 && at < r.width;
      const auto pixel = [&](const float* row) {
        return inside && row ? load_some<kFull>(row + at * r.pixel + c, lanes) : zero();
      };
      d[j] = fma(sign, pixel(r.second), pixel(r.first));
    }
    transform_row(d, out + c, r.matrix);
  });
}

template <int N>
void transform_run(const WinogradRun& r, float* out) {
  const bool rows = r.first != nullptr && r.second != nullptr;
  for (int64_t t = 0; t < r.count; ++t, out += r.pitch) {
    const int64_t column = r.column + 2 * t;
    if (rows && column >= 0 && column + N <= r.width) {
      inner_tile<N>(r, column, out);
    } else {
      edge_tile<N>(r, column, out);
    }
  }
}

template <bool kFull>
NNSEQ_INLINE void finish_pixel(const WinogradOutput& o, F16 value, F16 bias, float* y,
                               int64_t lanes) {
  if (o.accumulate) value = load_some<kFull>(y, lanes) + value;
  if (o.bias) value = value + bias;
  store_some<kFull>(y, value, lanes);
}

void output(const WinogradOutput& o, const float* products, float* y) {
  const int64_t matrix = o.matrix, pixel = o.pixel, row = o.row;
  for (int64_t t = 0; t < o.count; ++t, products += o.pitch, y += 2 * pixel) {
    const bool second_row = o.rows > 1, second_column = 2 * t + 1 < o.columns;
    for_each_vector(o.channels, o.accumulate, [&](int64_t c, int64_t lanes, auto full) {
      constexpr bool kFull = decltype(full)::kValue;
      F16 out[2][2];
      NNSEQ_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float* const m = products + j * matrix + c;
        const F16 m1 = load(m + 4 * matrix), m2 = load(m + 8 * matrix);
        const F16 s[2] = {load(m) + m1 + m2, m1 - m2 - load(m + 12 * matrix)};
        NNSEQ_UNROLL
        for (int i = 0; i < 2; ++i) {
          if (j < 3) out[i][0] = j == 0 ? s[i] : out[i][0] + s[i];
          if (j > 0) out[i][1] = j == 1 ? s[i] : out[i][1] - s[i];
        }
      }
      const F16 bias = o.bias ? load_some<kFull>(o.bias + c, lanes) : zero();
      NNSEQ_UNROLL
      for (int i = 0; i < 2; ++i) {
        if (i > 0 && !second_row) break;
        float* const to = y + i * row + c;
        finish_pixel<kFull>(o, out[i][0], bias, to, lanes);
        if (second_column) finish_pixel<kFull>(o, out[i][1], bias, to + pixel, lanes);
      }
    });
  }
}

// out = G g for one column or row of three.
NNSEQ_INLINE void transform_taps(F16 a, F16 b, F16 c, F16 (&out)[4]) {
  const F16 half = set1(0.5f), outer = half * (a + c);
  out[0] = a;
  out[1] = fma(half, b, outer);
  out[2] = fnma(half, b, outer);
  out[3] = c;
}

void weights(const float* w, int64_t tap, int64_t ldw, int64_t rows, int64_t columns, int64_t width,
             float* out, int64_t matrix) {
  for (int64_t k = 0; k < rows; ++k, w += ldw, out += width) {
    for (int64_t j = 0; j < width; j += 16) {
      const int64_t left = columns - j, lanes = left < 0 ? 0 : left < 16 ? left : 16;
      F16 g[9], t[3][4];
      NNSEQ_UNROLL
      for (int i = 0; i < 9; ++i) {
        g[i] = lanes == 16 ? load(w + i * tap + j)
               : lanes     ? load_n(w + i * tap + j, lanes)
                           : zero();
      }
      NNSEQ_UNROLL
      for (int b = 0; b < 3; ++b) transform_taps(g[b], g[3 + b], g[6 + b], t[b]);
      NNSEQ_UNROLL
      for (int i = 0; i < 4; ++i) {
        F16 u[4];
        transform_taps(t[0][i], t[1][i], t[2][i], u);
        NNSEQ_UNROLL
        for (int e = 0; e < 4; ++e) store(out + (4 * i + e) * matrix + j, u[e]);
      }
    }
  }
}

// out = G^T u for one column or row of four.
NNSEQ_INLINE void gather_taps(F16 a, F16 b, F16 c, F16 d, F16 (&out)[3]) {
  const F16 half = set1(0.5f), sum = half * (b + c);
  out[0] = a + sum;
  out[1] = half * (b - c);
  out[2] = sum + d;
}

void weights_grad(const float* u, int64_t matrix, int64_t pitch, int64_t rows, int64_t columns,
                  float* dw, int64_t tap, int64_t ldw) {
  for (int64_t k = 0; k < rows; ++k, u += pitch, dw += ldw) {
    for_each_vector(columns, false, [&](int64_t j, int64_t lanes, auto full) {
      F16 t[4][3];
      NNSEQ_UNROLL
      for (int b = 0; b < 4; ++b) {
        const float* const at = u + b * matrix + j;
        gather_taps(load(at), load(at + 4 * matrix), load(at + 8 * matrix), load(at + 12 * matrix),
                    t[b]);
      }
      NNSEQ_UNROLL
      for (int i = 0; i < 3; ++i) {
        F16 g[3];
        gather_taps(t[0][i], t[1][i], t[2][i], t[3][i], g);
        NNSEQ_UNROLL
        for (int b = 0; b < 3; ++b) {
          store_some<decltype(full)::kValue>(dw + (3 * i + b) * tap + j, g[b], lanes);
        }
      }
    });
  }
}

}  // namespace

void fill_winograd(KernelTable& table) noexcept {
  table.winograd = {transform_run<4>, transform_run<2>, output, weights, weights_grad};
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
