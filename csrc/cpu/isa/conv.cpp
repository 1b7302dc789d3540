// Depthwise convolution, one row at a time, vectorised over channels.
#include "cpu/isa/fill.h"
#include "cpu/isa/simd.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// Pixels, or taps, that share one loaded vector.
#if defined(__AVX512F__)
constexpr int kPixels = 8;
#else
constexpr int kPixels = 4;
#endif
constexpr int kTaps = 4;

template <bool kFull>
NNSEQ_INLINE F16 load_some(const float* p, int64_t lanes) {
  return kFull ? load(p) : load_n(p, lanes);
}

template <int N, bool kFull>
NNSEQ_INLINE void depthwise_pixels(const DepthwiseRow& r, const float* x, const float* w,
                                   const float* bias, float* y, int64_t lanes) {
  F16 acc[N];
  NNSEQ_UNROLL
  for (int i = 0; i < N; ++i) acc[i] = zero();
  for (int64_t kh = 0; kh < r.taps_h; ++kh) {
    for (int64_t kw = 0; kw < r.taps_w; ++kw) {
      const F16 tap = load_some<kFull>(w + (kh * r.taps_w + kw) * r.ldw, lanes);
      const float* const from = x + kh * r.tap_h + kw * r.tap_w;
      NNSEQ_UNROLL
      for (int i = 0; i < N; ++i) {
        acc[i] = fma(load_some<kFull>(from + i * r.step, lanes), tap, acc[i]);
      }
    }
  }
  const F16 b = bias ? load_some<kFull>(bias, lanes) : zero();
  NNSEQ_UNROLL
  for (int i = 0; i < N; ++i) {
    if (r.accumulate) acc[i] = load_some<kFull>(y + i * r.ldy, lanes) + acc[i];
    if (bias) acc[i] = acc[i] + b;
    if (kFull) {
      store(y + i * r.ldy, acc[i]);
    } else {
      store_n(y + i * r.ldy, acc[i], lanes);
    }
  }
}

template <bool kFull>
NNSEQ_INLINE void depthwise_block(const DepthwiseRow& r, const float* x, const float* w,
                                  const float* bias, float* y, int64_t lanes) {
  int64_t i = 0;
  for (; i + kPixels <= r.count; i += kPixels) {
    depthwise_pixels<kPixels, kFull>(r, x + i * r.step, w, bias, y + i * r.ldy, lanes);
  }
  for (; i < r.count; ++i) {
    depthwise_pixels<1, kFull>(r, x + i * r.step, w, bias, y + i * r.ldy, lanes);
  }
}

void depthwise_row(const DepthwiseRow& r, const float* x, const float* w, float* y) {
  for (int64_t c = 0; c < r.channels; c += 16) {
    const float* const bias = r.bias ? r.bias + c : nullptr;
    if (c + 16 <= r.channels) {
      depthwise_block<true>(r, x + c, w + c, bias, y + c, 16);
    } else {
      depthwise_block<false>(r, x + c, w + c, bias, y + c, r.channels - c);
    }
  }
}

// N neighbouring taps of one row of the window, over all pixels.
template <int N, bool kFull>
NNSEQ_INLINE void weight_taps(const DepthwiseRow& r, const float* x, const float* dy, float* dw,
                              int64_t lanes) {
  F16 acc[N];
  NNSEQ_UNROLL
  for (int t = 0; t < N; ++t) acc[t] = zero();
  for (int64_t i = 0; i < r.count; ++i) {
    const F16 g = load_some<kFull>(dy + i * r.ldy, lanes);
    NNSEQ_UNROLL
    for (int t = 0; t < N; ++t) {
      acc[t] = fma(load_some<kFull>(x + i * r.step + t * r.tap_w, lanes), g, acc[t]);
    }
  }
  NNSEQ_UNROLL
  for (int t = 0; t < N; ++t) {
    float* const to = dw + t * r.ldw;
    const F16 sum = load_some<kFull>(to, lanes) + acc[t];
    if (kFull) {
      store(to, sum);
    } else {
      store_n(to, sum, lanes);
    }
  }
}

template <bool kFull>
NNSEQ_INLINE void weights_block(const DepthwiseRow& r, const float* x, const float* dy, float* dw,
                                int64_t lanes) {
  for (int64_t kh = 0; kh < r.taps_h; ++kh) {
    const float* const row = x + kh * r.tap_h;
    float* const to = dw + kh * r.taps_w * r.ldw;
    int64_t kw = 0;
    for (; kw + kTaps <= r.taps_w; kw += kTaps) {
      weight_taps<kTaps, kFull>(r, row + kw * r.tap_w, dy, to + kw * r.ldw, lanes);
    }
    const float* const rest = row + kw * r.tap_w;
    switch (r.taps_w - kw) {
      case 1:
        weight_taps<1, kFull>(r, rest, dy, to + kw * r.ldw, lanes);
        break;
      case 2:
        weight_taps<2, kFull>(r, rest, dy, to + kw * r.ldw, lanes);
        break;
      case 3:
        weight_taps<3, kFull>(r, rest, dy, to + kw * r.ldw, lanes);
        break;
      default:
        break;
    }
  }
}

void depthwise_weights_row(const DepthwiseRow& r, const float* x, const float* dy, float* dw) {
  for (int64_t c = 0; c < r.channels; c += 16) {
    if (c + 16 <= r.channels) {
      weights_block<true>(r, x + c, dy + c, dw + c, 16);
    } else {
      weights_block<false>(r, x + c, dy + c, dw + c, r.channels - c);
    }
  }
}

}  // namespace

void fill_conv(KernelTable& table) noexcept {
  table.conv.depthwise_row = depthwise_row;
  table.conv.depthwise_weights_row = depthwise_weights_row;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
