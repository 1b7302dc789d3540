// Binary functions, select and conversions over contiguous or repeated operands.
#include "cpu/isa/transpose.h"
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// An operand that is read in place, or one value for every position.
struct Stream {
  const float* p;
  template <class P>
  NNSEQ_INLINE F16 at(int64_t i, P whole, int64_t n) const {
    return load(p + i, whole, n);
  }
};
struct Constant {
  F16 value;
  template <class P>
  NNSEQ_INLINE F16 at(int64_t, P, int64_t) const {
    return value;
  }
};

template <class Fn, class A, class B>
NNSEQ_INLINE void loop(int64_t n, A a, B b, float* y) {
  for_vectors(n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    store(y + i, Fn::f(a.at(i, whole, m), b.at(i, whole, m)), whole, m);
  });
}

template <class Fn>
void binary(int64_t n, const float* a, int64_t a_step, const float* b, int64_t b_step,
            float* y) noexcept {
  if (n <= 0) return;
  if (a_step && b_step) {
    loop<Fn>(n, Stream{a}, Stream{b}, y);
  } else if (a_step) {
    loop<Fn>(n, Stream{a}, Constant{set1(*b)}, y);
  } else if (b_step) {
    loop<Fn>(n, Constant{set1(*a)}, Stream{b}, y);
  } else {
    const F16 value = Fn::f(set1(*a), set1(*b));
    for_vectors(
        n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA { store(y + i, value, whole, m); });
  }
}

void select_rows(int64_t n, const float* c, int64_t c_step, const float* a, int64_t a_step,
                 const float* b, int64_t b_step, float* y) noexcept {
  if (n <= 0) return;
  const F16 c0 = set1(*c), a0 = set1(*a), b0 = set1(*b);  // before y, which may be one of them
  for_vectors(n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 vc = c_step ? load(c + i, whole, m) : c0;
    const F16 va = a_step ? load(a + i, whole, m) : a0;
    const F16 vb = b_step ? load(b + i, whole, m) : b0;
    store(y + i, select(vc != zero(), va, vb), whole, m);
  });
}

void from_u8(int64_t n, const uint8_t* x, float* y) noexcept {
  for_vectors(n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    if constexpr (decltype(whole)::value) {
      store(y + i, load_u8(x + i));
    } else {
      store_n(y + i, load_u8_n(x + i, m), m);
    }
  });
}

void to_bool(int64_t n, const float* x, uint8_t* y) noexcept {
  for_vectors(n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    const M16 set = load(x + i, whole, m) != zero();
    if constexpr (decltype(whole)::value) {
      store_u8(y + i, set);
    } else {
      store_u8_n(y + i, set, m);
    }
  });
}

void transpose_rows(int64_t rows, int64_t cols, const float* src, int64_t src_ld, float* dst,
                    int64_t dst_ld) noexcept {
  for (int64_t r = 0; r < rows; r += 16) {
    const int64_t height = rows - r < 16 ? rows - r : 16;
    for (int64_t c = 0; c < cols; c += 16) {
      const int64_t width = cols - c < 16 ? cols - c : 16;
      F16 tile[16];
      if (height == 16 && width == 16) {
        NNSEQ_UNROLL
        for (int i = 0; i < 16; ++i) tile[i] = load(src + (r + i) * src_ld + c);
        transpose16(tile);
        NNSEQ_UNROLL
        for (int i = 0; i < 16; ++i) store(dst + (c + i) * dst_ld + r, tile[i]);
      } else {
        for (int64_t i = 0; i < height; ++i) {
          for (int64_t j = 0; j < width; ++j) {
            dst[(c + j) * dst_ld + r + i] = src[(r + i) * src_ld + c + j];
          }
        }
      }
    }
  }
}

}  // namespace

void fill_vector(KernelTable& t) noexcept {
  VectorKernels& v = t.vector;
#define NNSEQ_BINARY(name, Struct) \
  v.binary[static_cast<int>(BinaryFn::k##Struct)] = binary<math::Struct>;
#include "nnseq/functions.def"
  v.select = select_rows;
  v.from_u8 = from_u8;
  v.to_bool = to_bool;
  v.transpose = transpose_rows;
  fill_unary(v);
  fill_unary_grad(v);
  fill_reduce(v);
  fill_softmax(v);
  fill_norm(v);
  fill_random(v);
  fill_update(v);
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
