// Philox4x32-10 for sixteen counters at once, and the distributions made of it.
#include "cpu/isa/interleave.h"
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// w[k]: word k of the counters `first` + interleaved_iota().
NNSEQ_INLINE void philox16(const RandomRow& row, uint32_t first, I16 (&w)[4]) {
  const I16 mul0 = set1_i32(static_cast<int32_t>(0xD2511F53u));
  const I16 mul1 = set1_i32(static_cast<int32_t>(0xCD9E8D57u));
  I16 c0 = set1_i32(static_cast<int32_t>(first)) + interleaved_iota();
  I16 c1 = set1_i32(static_cast<int32_t>(row.sample));
  I16 c2 = set1_i32(static_cast<int32_t>(row.step));
  I16 c3 = set1_i32(static_cast<int32_t>(row.stream));
  uint32_t key0 = row.key[0], key1 = row.key[1];
  NNSEQ_UNROLL
  for (int round = 0; round < 10; ++round) {
    const I16 high0 = mul_hi_u32(c0, mul0), low0 = c0 * mul0;
    const I16 high1 = mul_hi_u32(c2, mul1), low1 = c2 * mul1;
    c0 = high1 ^ c1 ^ set1_i32(static_cast<int32_t>(key0));
    c2 = high0 ^ c3 ^ set1_i32(static_cast<int32_t>(key1));
    c1 = low1;
    c3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  w[0] = c0;
  w[1] = c1;
  w[2] = c2;
  w[3] = c3;
}

// Calls body(i, whole, lanes, words) for sixteen elements at a time. `Prepare` maps the words of a
// counter before they are put in order.
template <class Prepare, class F>
NNSEQ_INLINE void for_words(const RandomRow& row, int64_t n, Prepare prepare, F body) {
  for (int64_t i = 0; i < n; i += 64) {
    I16 w[4];
    philox16(row, static_cast<uint32_t>((row.element + i) / 4), w);
    prepare(w);
    interleave(w);
    NNSEQ_UNROLL
    for (int q = 0; q < 4; ++q) {
      const int64_t left = n - i - 16 * q;
      if (left >= 16) {
        body(i + 16 * q, Whole{}, int64_t{16}, w[q]);
      } else if (left > 0) {
        body(i + 16 * q, Part{}, left, w[q]);
      }
    }
  }
}

struct Nothing {
  NNSEQ_INLINE void operator()(I16 (&)[4]) const {}
};

NNSEQ_INLINE F16 unit_interval(I16 word) {  // [0, 1), 24 bits
  return to_float(shift_right(word, 8)) * set1(5.9604644775390625e-08f);
}

void uniform(const RandomRow& row, int64_t n, float a, float b, float* out) noexcept {
  const F16 low = set1(a), high = set1(b), width = set1(b - a);
  for_words(row, n, Nothing{}, [=](int64_t i, auto whole, int64_t m, I16 w) NNSEQ_LAMBDA {
    const F16 y = fma(unit_interval(w), width, low);
    store(out + i, select(y < high, y, low), whole, m);  // rounding may reach b
  });
}

// Box-Muller: sqrt(-2 log u) times the sine and cosine of a random angle.
struct BoxMuller {
  NNSEQ_INLINE static void pair(I16& a, I16& b) {
    const F16 u = unit_interval(a) + set1(5.9604644775390625e-08f);  // (0, 1]
    const F16 radius = sqrt(math::log(u) * set1(-2));
    const F16 quarters = unit_interval(b) * set1(4);
    const F16 rounded = round(quarters);
    const I16 quadrant = to_int(rounded);
    const F16 angle = (quarters - rounded) * set1(1.57079633f);
    a = bits(radius * math::sin_quadrant(angle, quadrant + set1_i32(1)));
    b = bits(radius * math::sin_quadrant(angle, quadrant));
  }
  NNSEQ_INLINE void operator()(I16 (&w)[4]) const {
    pair(w[0], w[1]);
    pair(w[2], w[3]);
  }
};

void normal(const RandomRow& row, int64_t n, float a, float b, float* out) noexcept {
  const F16 mean = set1(a), stddev = set1(b);
  for_words(row, n, BoxMuller{}, [=](int64_t i, auto whole, int64_t m, I16 w) NNSEQ_LAMBDA {
    store(out + i, fma(floats(w), stddev, mean), whole, m);
  });
}

// The inverse of the normal distribution between -2 and 2: x P(-log(1 - x^2)), x in
// (-erf(sqrt 2), erf(sqrt 2)); relative error 1e-7.
NNSEQ_INLINE F16 inverse_normal(F16 x) {
  const F16 w = -math::log(fnma(x, x, set1(1)));
  F16 p = fma(w, set1(-5.24275379e-07f), set1(-2.05779816e-06f));
  p = fma(p, w, set1(7.68803875e-05f));
  p = fma(p, w, set1(-0.000193794054f));
  p = fma(p, w, set1(-0.00329454616f));
  p = fma(p, w, set1(0.0163309351f));
  p = fma(p, w, set1(0.328117132f));
  p = fma(p, w, set1(1.25331414f));
  return p * x;
}

void truncated_normal(const RandomRow& row, int64_t n, float a, float b, float* out) noexcept {
  const F16 mean = set1(a), stddev = set1(b);
  for_words(row, n, Nothing{}, [=](int64_t i, auto whole, int64_t m, I16 w) NNSEQ_LAMBDA {
    // Centres of 2^23 equal cells of (-1, 1), times erf(sqrt 2).
    const F16 x = fma(to_float(shift_right(w, 9)), set1(2.384185791015625e-07f),
                      set1(1.1920928955078125e-07f - 1.0f));
    const F16 z = inverse_normal(x * set1(0.954499736f));
    store(out + i, fma(max(set1(-2), min(set1(2), z)), stddev, mean), whole, m);
  });
}

void dropout(const RandomRow& row, int64_t n, float rate, float scale, const float* x,
             float* y) noexcept {
  const F16 threshold = set1(rate), factor = set1(scale);
  for_words(row, n, Nothing{}, [=](int64_t i, auto whole, int64_t m, I16 w) NNSEQ_LAMBDA {
    const F16 kept = load(x + i, whole, m) * factor;
    store(y + i, select(unit_interval(w) < threshold, zero(), kept), whole, m);
  });
}

}  // namespace

void fill_random(VectorKernels& v) noexcept {
  v.random[static_cast<int>(RandomDist::kUniform)] = uniform;
  v.random[static_cast<int>(RandomDist::kNormal)] = normal;
  v.random[static_cast<int>(RandomDist::kTruncatedNormal)] = truncated_normal;
  v.dropout = dropout;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
