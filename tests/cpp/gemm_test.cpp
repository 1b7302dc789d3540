#include "cpu/gemm.h"

#include <cmath>
#include <limits>

#include "kernel_testing.h"

namespace nnseq::cpu {
namespace {

using nnseq::testing::bits_equal;
using nnseq::testing::ErrorBound;
using nnseq::testing::exec_on;
using nnseq::testing::fill_random;
using nnseq::testing::Guarded;
using nnseq::testing::Random;
using nnseq::testing::random_integers;
using nnseq::testing::random_shapes;
using nnseq::testing::Scratch;
using std::int64_t;

struct Case {
  bool ta, tb;
  int64_t m, n, k, pad = 0;  // pad: floats between stored rows
};

Gemm problem(const Case& s) {
  Gemm p;
  p.trans_a = s.ta;
  p.trans_b = s.tb;
  p.m = s.m;
  p.n = s.n;
  p.k = s.k;
  p.lda = (s.ta ? s.m : s.k) + s.pad;
  p.ldb = (s.tb ? s.k : s.n) + s.pad;
  p.ldc = s.n + s.pad;
  return p;
}

int64_t stored(int64_t rows, int64_t pitch) { return rows * pitch; }

struct Operands {
  explicit Operands(const Gemm& p, bool integers = false, int seed = 0)
      : a(stored(p.trans_a ? p.k : p.m, p.lda), 1),
        b(stored(p.trans_b ? p.n : p.k, p.ldb), 3),
        c(stored(p.m, p.ldc), 5),
        bias(p.n, 7) {
    fill_random(a, 1 + 4 * seed, integers);
    fill_random(b, 2 + 4 * seed, integers);
    fill_random(c, 3 + 4 * seed, integers);
    fill_random(bias, 4 + 4 * seed, integers);
  }
  Guarded a, b, c, bias;
};

void run(const Exec& exec, const Gemm& p, Operands& o, const Epilogue& e) {
  Scratch scratch(gemm_scratch(p, exec.workers()));
  gemm(exec, p, o.a.data(), o.b.data(), o.c.data(), e, scratch.data());
  ASSERT_TRUE(scratch.guards_hold());
  ASSERT_TRUE(o.a.guards_hold() && o.b.guards_hold() && o.c.guards_hold());
}

double exact(const Gemm& p, const Operands& o, int64_t i, int64_t j, double* magnitude) {
  double sum = 0;
  *magnitude = 0;
  for (int64_t k = 0; k < p.k; ++k) {
    const double a = o.a[p.trans_a ? k * p.lda + i : i * p.lda + k];
    const double b = o.b[p.trans_b ? j * p.ldb + k : k * p.ldb + j];
    sum += a * b;
    *magnitude += std::abs(a * b);
  }
  return sum;
}

// Integer operands: every ISA must give the exact value; others, ErrorBound.
void check_on(const std::vector<std::string_view>& isas, const Case& s, bool integers, bool bias,
              bool accumulate, std::optional<UnaryFn> fn = {}, int seed = 0) {
  const Gemm p = problem(s);
  const Operands before(p, integers, seed);
  Epilogue e;
  e.bias = bias ? before.bias.data() : nullptr;
  e.accumulate = accumulate;
  e.fn = fn;
  std::vector<Operands> got(isas.size(), before);
  std::vector<ErrorBound> bounds(isas.size(), ErrorBound(integers));
  for (std::size_t i = 0; i < isas.size(); ++i) run(exec_on(isas[i]), p, got[i], e);
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      const int64_t at = i * p.ldc + j;
      double magnitude;
      double want = exact(p, before, i, j, &magnitude);
      for (const double more : {accumulate ? before.c[at] : 0.0f, bias ? before.bias[j] : 0.0f}) {
        want += more;
        magnitude += std::abs(more);
      }
      if (fn) want = std::max(want, 0.0);
      for (std::size_t q = 0; q < isas.size(); ++q) {
        ASSERT_TRUE(bounds[q].holds(got[q].c[at] - want, magnitude))
            << isas[q] << " ta " << s.ta << " tb " << s.tb << " " << p.m << "x" << p.n << "x" << p.k
            << " at " << i << ", " << j << ": " << got[q].c[at] << " is " << want;
      }
    }
    for (int64_t at = i * p.ldc + p.n; at < (i + 1) * p.ldc; ++at) {
      for (const Operands& o : got) ASSERT_EQ(o.c[at], before.c[at]) << "between rows of C " << i;
    }
  }
}

void check(std::string_view isa, const Case& s, bool integers, bool bias, bool accumulate,
           std::optional<UnaryFn> fn = {}) {
  check_on({isa}, s, integers, bias, accumulate, fn);
}

class GemmTest : public nnseq::testing::IsaTest {};
NNSEQ_FOR_EACH_ISA(GemmTest);

TEST_P(GemmTest, SizesAroundTheVectorAndTheTile) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const int64_t m : {1, 2, 5, 7, 14, 15, 17, 29}) {
        for (const int64_t n : {1, 3, 15, 16, 17, 31, 33, 64, 70, 130}) {
          for (const int64_t k : {1, 2, 17}) {
            check(GetParam(), {ta, tb, m, n, k, (m + n) % 4}, true, n % 2, m % 2);
          }
        }
      }
    }
  }
}

TEST_P(GemmTest, EveryNumberOfRowsAndVectors) {
  for (int64_t m = 1; m <= 17; ++m) {
    for (int64_t n = 16; n <= 144; n += 16) {
      check(GetParam(), {false, false, m, n, 5}, true, true, false);
      check(GetParam(), {true, false, m, n - 5, 5}, true, false, true);
    }
  }
}

TEST_P(GemmTest, ReductionsLongerThanABlock) {
  for (const int64_t k : {383, 384, 385, 769, 1000}) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        check(GetParam(), {ta, tb, 19, 37, k}, true, true, true);
        check(GetParam(), {ta, tb, 33, 10, k}, false, true, false);
        check(GetParam(), {ta, tb, 19, 300, k}, true, true, true);  // in parts that stay in L1
      }
    }
  }
}

// Many rows take B in parts, one row does not: the parts continue a sum, so the bits are the same.
TEST_P(GemmTest, BitsOfARowDoNotDependOnTheOthers) {
  const Case all{false, false, 40, 300, 500, 3};
  const Gemm p = problem(all);
  Operands together(p, false, 1), alone = together;
  const Exec exec = exec_on(GetParam());
  run(exec, p, together, {});
  Gemm row = p;
  row.m = 1;
  for (int64_t i = 0; i < p.m; ++i) {
    gemm(exec, row, &alone.a[i * p.lda], &alone.b[0], &alone.c[i * p.ldc], {}, nullptr);
  }
  for (int64_t i = 0; i < p.m * p.ldc; ++i) ASSERT_EQ(together.c[i], alone.c[i]) << "at " << i;
}

TEST_P(GemmTest, PackedOperands) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      check(GetParam(), {ta, tb, 131, 203, 401}, true, true, true);     // B
      check(GetParam(), {ta, tb, 101, 513, 700, 3}, true, true, true);  // A and B
      check(GetParam(), {ta, tb, 37, 90, 1024}, true, false, true);     // row pitches of 4096 bytes
      check(GetParam(), {ta, tb, 1024, 70, 40}, true, false, false);
    }
  }
  check(GetParam(), {false, false, 2100, 520, 40}, true, true, false);  // two blocks of A
  check(GetParam(), {false, false, 97, 4200, 17}, true, true, false);
  check(GetParam(), {false, false, 97, 4200, 400}, true, true, true);  // two blocks of B
}

TEST_P(GemmTest, TheFunctionIsAppliedOnceToTheFinishedSum) {
  check(GetParam(), {false, false, 30, 40, 800}, true, true, true, UnaryFn::kRelu);
  check(GetParam(), {false, false, 130, 300, 800, 3}, true, true, true, UnaryFn::kRelu);
  check(GetParam(), {false, true, 9, 530, 31}, true, true, false, UnaryFn::kRelu);
}

void random_products(bool ta, bool tb) {
  Random r(ta ? 3 : tb ? 2 : 1);
  const auto size = [&](int64_t large) { return r.pick(0, 3) ? r.pick(1, 40) : r.pick(1, large); };
  for (int i = 0; i < random_shapes() + random_integers(); ++i) {
    const Case s{ta, tb, size(150), size(150), size(900), r.pick(0, 3)};
    const std::optional<UnaryFn> fn = r.pick(0, 1) ? std::optional(UnaryFn::kRelu) : std::nullopt;
    check_on(available_isas(), s, i >= random_shapes(), r.pick(0, 1), r.pick(0, 1), fn, i);
    if (::testing::Test::HasFatalFailure()) return;
  }
}
TEST(GemmRandomTest, NN) { random_products(false, false); }
TEST(GemmRandomTest, NT) { random_products(false, true); }
TEST(GemmRandomTest, TN) { random_products(true, false); }

TEST_P(GemmTest, EmptyProblems) {
  check(GetParam(), {false, false, 0, 5, 3}, true, true, false);
  check(GetParam(), {false, true, 5, 0, 3}, true, false, false);
  check(GetParam(), {false, false, 5, 7, 0}, true, true, false);
  check(GetParam(), {true, true, 5, 37, 0}, true, true, true, UnaryFn::kRelu);
  check(GetParam(), {false, false, 200, 600, 0}, true, false, false);
}

TEST_P(GemmTest, NanAndInfinitySpread) {
  const float inf = std::numeric_limits<float>::infinity();
  const Gemm p = problem({false, false, 9, 21, 40});
  Operands o(p, true);
  o.a[2 * p.lda + 3] = std::nanf("");
  o.a[4 * p.lda + 3] = inf;
  for (int64_t k = 0; k < p.k; ++k) o.b[k * p.ldb + 6] = 0;
  run(exec_on(GetParam()), p, o, {});
  for (int64_t j = 0; j < p.n; ++j) {
    EXPECT_TRUE(std::isnan(o.c[2 * p.ldc + j]));
    EXPECT_TRUE(std::isfinite(o.c[3 * p.ldc + j]));
  }
  EXPECT_TRUE(std::isnan(o.c[4 * p.ldc + 6]));  // inf * 0
}

TEST_P(GemmTest, ABatchIsItsProblemsOneByOne) {
  for (const Case& s : {Case{false, false, 7, 19, 33}, Case{true, true, 64, 40, 1024},
                        Case{false, true, 170, 190, 200}}) {
    const Gemm p = problem(s);
    const int64_t batch = 5;
    Guarded a(batch * p.lda * (p.trans_a ? p.k : p.m)), b(p.ldb * (p.trans_b ? p.n : p.k));
    Guarded c(batch * p.m * p.ldc), want(batch * p.m * p.ldc);
    fill_random(a, 1);
    fill_random(b, 2);
    ThreadPool pool(3);
    const Exec exec = exec_on(GetParam(), &pool);
    Scratch scratch(gemm_scratch(p, exec.workers()));
    const int64_t stride_a = a.size() / batch, stride_c = c.size() / batch;
    gemm_batched(exec, p, batch, a.data(), stride_a, b.data(), 0, c.data(), stride_c, {},
                 scratch.data());
    for (int64_t i = 0; i < batch; ++i) {
      gemm(exec, p, a.data() + i * stride_a, b.data(), want.data() + i * stride_c, {},
           scratch.data());
    }
    EXPECT_TRUE(bits_equal(c, want));
    EXPECT_TRUE(scratch.guards_hold() && c.guards_hold());
  }
}

const Case kHashed[] = {{false, false, 33, 500, 800},  {false, true, 32, 784, 512},
                        {true, false, 300, 200, 130},  {false, false, 260, 530, 900},
                        {false, false, 500, 40, 1024}, {true, true, 150, 260, 390}};

TEST_P(GemmTest, BitsDoNotDependOnTheThreads) {
  for (const Case& s : kHashed) {
    const Gemm p = problem(s);
    Operands one(p);
    Epilogue e;
    e.bias = one.bias.data();
    run(exec_on(GetParam()), p, one, e);
    for (const int threads : {1, 2, 3, 7}) {
      ThreadPool pool(threads);
      Operands many(p);
      run(exec_on(GetParam(), &pool), p, many, e);
      EXPECT_TRUE(bits_equal(one.c, many.c)) << threads << " threads, " << p.m << "x" << p.n;
    }
  }
}

TEST(GemmIsaTest, FusedIsasGiveEqualBits) {
  std::vector<std::string_view> isas = available_isas();
  std::erase(isas, "scalar");
  if (isas.size() < 2) GTEST_SKIP() << "this machine has one ISA with fma";
  for (const Case& s : kHashed) {
    const Gemm p = problem(s);
    Operands first(p), second(p);
    run(exec_on(isas[0]), p, first, {});
    run(exec_on(isas[1]), p, second, {});
    EXPECT_TRUE(bits_equal(first.c, second.c)) << p.m << "x" << p.n << "x" << p.k;
  }
}

TEST(GemmIsaTest, RowsDoNotDependOnTheirNumber) {
  const Gemm all = problem({false, false, 40, 70, 500});
  Operands whole(all);
  run(exec_on(""), all, whole, {});
  Gemm one = all;
  one.m = 1;
  Scratch scratch(gemm_scratch(one, 1));
  Guarded row(all.n);
  for (int64_t i = 0; i < all.m; ++i) {
    gemm(exec_on(""), one, whole.a.data() + i * all.lda, whole.b.data(), row.data(), {},
         scratch.data());
    EXPECT_EQ(std::memcmp(row.data(), whole.c.data() + i * all.ldc, all.n * sizeof(float)), 0);
  }
}

TEST(KernelTableTest, NamesItsIsas) {
  EXPECT_EQ(kernel_table("scalar").isa, std::string("scalar"));
  EXPECT_EQ(best_kernel_table().isa, available_isas().front());
  try {
    kernel_table("mmx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kValue);
    EXPECT_NE(std::string(e.what()).find("scalar"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace nnseq::cpu
