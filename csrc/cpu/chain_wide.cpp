#include "cpu/chain_wide.h"

#include <limits>

#include "cpu/chain.h"
#include "cpu/convert.h"
#include "math/elementwise.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

// --- the functions on one value ---

template <class Fn>
double unary_value(double x, float alpha) {
  return Fn::f(x, alpha);
}

int64_t wrap(std::uint64_t x) { return static_cast<int64_t>(x); }
std::uint64_t bits(int64_t x) { return static_cast<std::uint64_t>(x); }

template <class Fn>
int64_t unary_value(int64_t x, float alpha) {
  using namespace math;  // NOLINT: the names of functions.def
  if constexpr (std::is_same_v<Fn, Negative>) {
    return wrap(0 - bits(x));
  } else if constexpr (std::is_same_v<Fn, Abs>) {
    return x < 0 ? wrap(0 - bits(x)) : x;
  } else if constexpr (std::is_same_v<Fn, Square>) {
    return wrap(bits(x) * bits(x));
  } else if constexpr (std::is_same_v<Fn, Relu>) {
    return x > 0 ? x : 0;
  } else if constexpr (std::is_same_v<Fn, Floor> || std::is_same_v<Fn, Ceil> ||
                       std::is_same_v<Fn, Round>) {
    return x;
  } else {
    return convert<int64_t>(Fn::f(static_cast<double>(x), alpha));
  }
}

template <class Fn>
double binary_value(double a, double b) {
  return Fn::f(a, b);
}

int64_t floor_quotient(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return wrap(0 - bits(a));
  return a / b - ((a % b != 0) && ((a % b < 0) != (b < 0)));
}

int64_t integer_power(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
  std::uint64_t y = 1;
  for (std::uint64_t base = bits(a); b; b >>= 1, base *= base) {
    if (b & 1) y *= base;
  }
  return wrap(y);
}

template <class Fn>
int64_t binary_value(int64_t a, int64_t b) {
  using namespace math;  // NOLINT
  if constexpr (std::is_same_v<Fn, Add>) {
    return wrap(bits(a) + bits(b));
  } else if constexpr (std::is_same_v<Fn, Subtract>) {
    return wrap(bits(a) - bits(b));
  } else if constexpr (std::is_same_v<Fn, Multiply>) {
    return wrap(bits(a) * bits(b));
  } else if constexpr (std::is_same_v<Fn, Divide>) {
    if (b == 0) return 0;
    return b == -1 ? wrap(0 - bits(a)) : a / b;
  } else if constexpr (std::is_same_v<Fn, FloorDivide>) {
    return floor_quotient(a, b);
  } else if constexpr (std::is_same_v<Fn, Mod>) {
    return b == 0 ? 0 : wrap(bits(a) - bits(floor_quotient(a, b)) * bits(b));
  } else if constexpr (std::is_same_v<Fn, Power>) {
    return integer_power(a, b);
  } else if constexpr (std::is_same_v<Fn, Maximum>) {
    return a > b ? a : b;
  } else if constexpr (std::is_same_v<Fn, Minimum>) {
    return a < b ? a : b;
  } else if constexpr (std::is_same_v<Fn, Equal>) {
    return a == b;
  } else if constexpr (std::is_same_v<Fn, NotEqual>) {
    return a != b;
  } else if constexpr (std::is_same_v<Fn, Less>) {
    return a < b;
  } else if constexpr (std::is_same_v<Fn, LessEqual>) {
    return a <= b;
  } else if constexpr (std::is_same_v<Fn, Greater>) {
    return a > b;
  } else if constexpr (std::is_same_v<Fn, GreaterEqual>) {
    return a >= b;
  } else if constexpr (std::is_same_v<Fn, LogicalAnd>) {
    return a != 0 && b != 0;
  } else {
    static_assert(std::is_same_v<Fn, LogicalOr>, "give the new function its integer form");
    return a != 0 || b != 0;
  }
}

// --- the functions on rows; constant operands are read before y, which may be one of them ---

template <class R>
struct Stream {
  Stream(const R* p, int64_t step) : p_(p), step_(step), first_(*p) {}
  R operator[](int64_t i) const { return step_ ? p_[i] : first_; }

 private:
  const R* p_;
  int64_t step_;
  R first_;
};

template <class Fn, class R>
void unary_row(int64_t n, const R* x, R* y, float alpha) {
  for (int64_t i = 0; i < n; ++i) y[i] = unary_value<Fn>(x[i], alpha);
}

template <class Fn, class R>
void unary_grad_row(int64_t n, Stream<R> saved, Stream<R> g, R* y, float alpha) {
  for (int64_t i = 0; i < n; ++i) {
    const double d = Fn::d(static_cast<double>(saved[i]), alpha);
    y[i] = convert<R>(static_cast<double>(g[i]) * d);
  }
}

template <class Fn, class R>
void binary_row(int64_t n, Stream<R> a, Stream<R> b, R* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = binary_value<Fn>(a[i], b[i]);
}

template <class Register>
struct WideOps {
  using R = Register;
  static void load(DType dtype, const void* data, int64_t offset, int64_t n, R* y) {
    load_as(dtype, data, offset, n, y);
  }
  static void store(DType dtype, void* data, int64_t offset, int64_t n, const R* x) {
    store_as(dtype, data, offset, n, x);
  }
  static void unary(int fn, int64_t n, const R* x, R* y, float alpha) {
    static constexpr void (*table[])(int64_t, const R*, R*, float) = {
#define NNSEQ_UNARY(name, Struct) unary_row<math::Struct, R>,
#include "nnseq/functions.def"
    };
    table[fn](n, x, y, alpha);
  }
  static void unary_grad(int fn, int64_t n, const R* saved, int64_t saved_step, const R* g,
                         int64_t g_step, R* y, float alpha) {
    static constexpr void (*table[])(int64_t, Stream<R>, Stream<R>, R*, float) = {
#define NNSEQ_UNARY(name, Struct) unary_grad_row<math::Struct, R>,
#include "nnseq/functions.def"
    };
    table[fn](n, {saved, saved_step}, {g, g_step}, y, alpha);
  }
  static void binary(int fn, int64_t n, const R* a, int64_t a_step, const R* b, int64_t b_step,
                     R* y) {
    static constexpr void (*table[])(int64_t, Stream<R>, Stream<R>, R*) = {
#define NNSEQ_BINARY(name, Struct) binary_row<math::Struct, R>,
#include "nnseq/functions.def"
    };
    table[fn](n, {a, a_step}, {b, b_step}, y);
  }
  static void select(int64_t n, const R* c, int64_t c_step, const R* a, int64_t a_step, const R* b,
                     int64_t b_step, R* y) {
    const Stream<R> vc(c, c_step), va(a, a_step), vb(b, b_step);
    for (int64_t i = 0; i < n; ++i) y[i] = vc[i] != 0 ? va[i] : vb[i];
  }
};

template <class R>
void run_wide(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
              int num_in, const TensorRef& out) {
  const WideOps<R> ops;
  Chain<WideOps<R>>(ops, code, num_code, in, num_in, out).run(exec, 2.0 + 5.0 * num_code);
}

}  // namespace

void run_double_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
                      int num_in, const TensorRef& out) {
  run_wide<double>(exec, code, num_code, in, num_in, out);
}

void run_int64_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
                     int num_in, const TensorRef& out) {
  run_wide<int64_t>(exec, code, num_code, in, num_in, out);
}

}  // namespace nnseq::cpu
