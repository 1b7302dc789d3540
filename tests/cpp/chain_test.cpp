// run_chain against an interpreter in double.
#include "cpu/elementwise.h"
#include "function_cases.h"
#include "tensors.h"

namespace nnseq::testing {
namespace {

constexpr float (*kDerivative[])(float, float) = {
#define NNSEQ_UNARY(name, Struct) [](float s, float alpha) { return math::Struct::d(s, alpha); },
#include "nnseq/functions.def"
};

ChainInstr unary(UnaryFn fn, int a, float alpha = 0) {
  return {ChainInstr::Kind::kUnary,
          static_cast<std::uint8_t>(fn),
          static_cast<std::int16_t>(a),
          0,
          0,
          alpha};
}
ChainInstr unary_grad(UnaryFn fn, int saved, int g) {
  return {ChainInstr::Kind::kUnaryGrad,
          static_cast<std::uint8_t>(fn),
          static_cast<std::int16_t>(saved),
          static_cast<std::int16_t>(g),
          0,
          0};
}
ChainInstr binary(BinaryFn fn, int a, int b) {
  return {ChainInstr::Kind::kBinary,
          static_cast<std::uint8_t>(fn),
          static_cast<std::int16_t>(a),
          static_cast<std::int16_t>(b),
          0,
          0};
}
ChainInstr choose(int c, int a, int b) {
  return {ChainInstr::Kind::kSelect,    0,
          static_cast<std::int16_t>(c), static_cast<std::int16_t>(a),
          static_cast<std::int16_t>(b), 0};
}

// Position in an operand that covers position i of the output.
std::int64_t source(std::int64_t i, const Shape& out, const Shape& in) {
  const auto index = unravel(i, out);
  std::int64_t at = 0;
  for (int d = 0; d < in.rank(); ++d) {
    if (in[d] == 1) continue;
    at = at * in[d] + index[static_cast<std::size_t>(d + out.rank() - in.rank())];
  }
  return at;
}

double interpret(const std::vector<ChainInstr>& code, std::vector<double> regs) {
  for (const ChainInstr& c : code) {
    const auto a = regs[static_cast<std::size_t>(c.a)], b = regs[static_cast<std::size_t>(c.b)];
    switch (c.kind) {
      case ChainInstr::Kind::kUnary:
        regs.push_back(unary_cases()[c.fn].f(a, c.alpha));
        break;
      case ChainInstr::Kind::kUnaryGrad:
        regs.push_back(b * kDerivative[c.fn](static_cast<float>(a), c.alpha));
        break;
      case ChainInstr::Kind::kBinary:
        regs.push_back(binary_cases()[c.fn].f(a, b));
        break;
      case ChainInstr::Kind::kSelect:
        regs.push_back(a != 0 ? b : regs[static_cast<std::size_t>(c.c)]);
    }
  }
  return code.empty() ? regs[0] : regs.back();
}

void expect_chain(const Exec& exec, const std::vector<ChainInstr>& code, std::vector<TestTensor> in,
                  DType dtype, const Shape& shape) {
  TestTensor out(dtype, shape);
  std::vector<TensorRef> refs;
  for (TestTensor& t : in) refs.push_back(t.ref());
  cpu::run_chain(exec, code.data(), static_cast<int>(code.size()), refs.data(),
                 static_cast<int>(refs.size()), out.ref());
  ASSERT_TRUE(out.guards_hold());
  for (std::int64_t i = 0; i < out.count(); ++i) {
    std::vector<double> regs;
    for (const TestTensor& t : in) regs.push_back(t.at(source(i, shape, t.shape())));
    double expected = interpret(code, regs);
    if (dtype == DType::kBool) expected = expected != 0;
    if (dtype == DType::kUInt8) expected = std::min(255.0, std::max(0.0, std::trunc(expected)));
    if (dtype == DType::kInt32 || dtype == DType::kInt64) expected = std::trunc(expected);
    ASSERT_EQ(out.at(i), expected)
        << to_string(shape) << " element " << i << " on " << exec.kernels->isa;
  }
}

// ((a * b + c) > 0 ? a - c : b * b) over integers: exact in every type.
std::vector<ChainInstr> integer_program() {
  return {binary(BinaryFn::kMultiply, 0, 1), binary(BinaryFn::kAdd, 3, 2),
          unary(UnaryFn::kRelu, 4),          binary(BinaryFn::kSubtract, 0, 2),
          binary(BinaryFn::kMultiply, 1, 1), choose(5, 6, 7)};
}

TEST(RunChain, BroadcastsAsNumPy) {
  struct Case {
    Shape out, a, b, c;
  };
  const Case cases[] = {
      {{}, {}, {}, {}},
      {{0}, {0}, {1}, {}},
      {{1}, {1}, {}, {1}},
      {{17}, {17}, {17}, {}},
      {{1000}, {1000}, {1}, {1000}},
      {{20001}, {20001}, {20001}, {20001}},
      {{65, 10}, {65, 10}, {10}, {65, 1}},
      {{65, 784}, {65, 784}, {784}, {65, 1}},
      {{3, 513}, {513}, {3, 1}, {1, 513}},
      {{64, 300}, {300}, {64, 1}, {}},
      {{5, 7, 3, 16}, {7, 1, 16}, {5, 1, 3, 1}, {16}},
      {{4, 1, 9, 5}, {4, 1, 9, 5}, {9, 1}, {4, 1, 1, 5}},
      {{2, 3, 700}, {2, 1, 700}, {3, 700}, {2, 3, 1}},
      {{128, 2, 130}, {128, 1, 1}, {2, 130}, {130}},
      {{3, 0, 4}, {0, 4}, {3, 1, 1}, {4}},
  };
  ThreadPool pool(3);
  for (std::string_view isa : cpu::available_isas()) {
    for (const Case& c : cases) {
      for (DType t : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64}) {
        expect_chain(exec_on(isa, &pool), integer_program(),
                     {TestTensor::integers(t, c.a, 1), TestTensor::integers(t, c.b, 2),
                      TestTensor::integers(t, c.c, 3)},
                     t, c.out);
      }
    }
  }
}

TEST(RunChain, ConvertsBetweenAllTypes) {
  for (DType from : kAllDTypes) {
    for (DType to : kAllDTypes) {
      for (const Shape& shape : {Shape{0}, Shape{1}, Shape{65}, Shape{3, 1000}}) {
        expect_chain(exec_on({}), {}, {TestTensor::integers(from, shape, 1)}, to, shape);
        expect_chain(exec_on({}), {unary(UnaryFn::kRelu, 0)},
                     {TestTensor::integers(from, shape, 1)}, to, shape);
      }
      expect_chain(exec_on({}), {}, {TestTensor::integers(from, {1, 5}, 1)}, to, {300, 5});
      expect_chain(exec_on({}), {}, {TestTensor::integers(from, {7, 1}, 1)}, to, {7, 1000});
      expect_chain(exec_on({}), {}, {TestTensor::integers(from, {}, 1)}, to, {1001});
    }
  }
}

TEST(RunChain, MixesTypes) {
  for (DType a : kAllDTypes) {
    for (DType b : kAllDTypes) {
      expect_chain(exec_on({}), integer_program(),
                   {TestTensor::integers(a, {50, 6}, 1), TestTensor::integers(b, {6}, 2),
                    TestTensor::integers(DType::kBool, {50, 1}, 3)},
                   DType::kFloat64, {50, 6});
      expect_chain(exec_on({}), {binary(BinaryFn::kLess, 0, 1)},
                   {TestTensor::integers(a, {700}, 1), TestTensor::integers(b, {700}, 2)},
                   DType::kBool, {700});
    }
  }
}

TEST(RunChain, StoresSaturateAndDropTheFraction) {
  TestTensor x = TestTensor::of<float>({7}, {2.9f, -2.9f, 3e9f, -3e9f, std::nanf(""), 300, -0.5f});
  const std::pair<DType, std::vector<double>> cases[] = {
      {DType::kInt32, {2, -2, 2147483647, -2147483648.0, 0, 300, 0}},
      {DType::kUInt8, {2, 0, 255, 0, 0, 255, 0}},
      {DType::kBool, {1, 1, 1, 1, 1, 1, 1}}};
  for (const auto& [dtype, expected] : cases) {
    TestTensor out(dtype, {7});
    const TensorRef in = x.ref();
    cpu::run_chain(exec_on({}), nullptr, 0, &in, 1, out.ref());
    for (int i = 0; i < 7; ++i) EXPECT_EQ(out.at(i), expected[static_cast<std::size_t>(i)]);
  }
}

TEST(RunChain, IntegerFunctions) {
  const auto run = [](std::vector<ChainInstr> code, std::vector<std::int64_t> a,
                      std::vector<std::int64_t> b) {
    const auto n = static_cast<std::int64_t>(a.size());
    TestTensor x = TestTensor::of(Shape{n}, a), y = TestTensor::of(Shape{n}, b);
    TestTensor out(DType::kInt64, {n});
    const TensorRef in[] = {x.ref(), y.ref()};
    cpu::run_chain(exec_on({}), code.data(), static_cast<int>(code.size()), in, 2, out.ref());
    return std::vector<std::int64_t>(out.as<std::int64_t>(), out.as<std::int64_t>() + n);
  };
  using V = std::vector<std::int64_t>;
  const std::int64_t low = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(
      run({binary(BinaryFn::kFloorDivide, 0, 1)}, {7, -7, 7, -7, 5, low}, {2, 2, -2, -2, 0, -1}),
      (V{3, -4, -4, 3, 0, low}));
  EXPECT_EQ(run({binary(BinaryFn::kMod, 0, 1)}, {7, -7, 7, -7, 5, low}, {2, 2, -2, -2, 0, -1}),
            (V{1, 1, -1, -1, 0, 0}));
  EXPECT_EQ(run({binary(BinaryFn::kPower, 0, 1)}, {2, -3, 5, -1, 0}, {40, 3, -1, -3, 0}),
            (V{1LL << 40, -27, 0, -1, 1}));
  EXPECT_EQ(run({unary(UnaryFn::kNegative, 0)}, {low, (1LL << 60) + 1}, {0, 0}),
            (V{low, -(1LL << 60) - 1}));
  EXPECT_EQ(run({unary(UnaryFn::kSqrt, 0)}, {49, 2}, {0, 0}), (V{7, 1}));
}

// x -> relu(tanh(x) * scale + bias) / 3, and a gradient, with many live registers.
std::vector<ChainInstr> long_program() {
  std::vector<ChainInstr> code = {unary(UnaryFn::kTanh, 0), binary(BinaryFn::kMultiply, 3, 1),
                                  binary(BinaryFn::kAdd, 4, 2), unary(UnaryFn::kGelu, 5)};
  for (int i = 0; i < 25; ++i) code.push_back(unary(UnaryFn::kSigmoid, 6 + i));
  for (int i = 0; i < 25; ++i) code.push_back(binary(BinaryFn::kAdd, 31 + i, 30 - i));
  code.push_back(unary_grad(UnaryFn::kTanh, 3, 55));
  return code;
}

TEST(RunChain, LongProgramsHaveEqualBits) {
  const auto code = long_program();
  ASSERT_EQ(3 + static_cast<int>(code.size()), 58);
  for (const Shape& shape : {Shape{3, 40000}, Shape{4000, 20}}) {
    expect_equal_bits([&](const Exec& exec) {
      TestTensor x = TestTensor::normal(shape, 1), scale = TestTensor::normal({shape[1]}, 2);
      TestTensor bias = TestTensor::normal({shape[0], 1}, 3), out(DType::kFloat32, shape);
      const TensorRef in[] = {x.ref(), scale.ref(), bias.ref()};
      cpu::run_chain(exec, code.data(), static_cast<int>(code.size()), in, 3, out.ref());
      EXPECT_TRUE(out.guards_hold());
      return out;
    });
  }
}

TEST(RunChain, AChainHasTheBitsOfItsParts) {
  const Shape shape{70, 130};
  TestTensor x = TestTensor::normal(shape, 1), bias = TestTensor::normal({130}, 2);
  TestTensor fused(DType::kFloat32, shape), step(DType::kFloat32, shape);
  const ChainInstr add = binary(BinaryFn::kAdd, 0, 1);
  const ChainInstr code[] = {add, unary(UnaryFn::kSilu, 2)};
  const TensorRef in[] = {x.ref(), bias.ref()};
  cpu::run_chain(exec_on({}), code, 2, in, 2, fused.ref());
  cpu::run_chain(exec_on({}), &add, 1, in, 2, step.ref());
  const ChainInstr silu = unary(UnaryFn::kSilu, 0);
  const TensorRef middle = step.ref();
  cpu::run_chain(exec_on({}), &silu, 1, &middle, 1, step.ref());  // in place
  EXPECT_TRUE(fused.same_bits(step));
}

TEST(RunChain, WorksInPlace) {
  for (DType t : {DType::kFloat32, DType::kInt32, DType::kFloat64, DType::kBool}) {
    for (const Shape& shape : {Shape{5}, Shape{30, 20}, Shape{9000}}) {
      TestTensor x = TestTensor::integers(t, shape, 1), y = x, out(t, shape);
      TestTensor row = TestTensor::integers(t, {shape.back()}, 2);
      const auto code = integer_program();
      const TensorRef separate[] = {x.ref(), row.ref(), x.ref()};
      const TensorRef in_place[] = {y.ref(), row.ref(), y.ref()};
      const int n = static_cast<int>(code.size());
      cpu::run_chain(exec_on({}), code.data(), n, separate, 3, out.ref());
      cpu::run_chain(exec_on({}), code.data(), n, in_place, 3, y.ref());
      EXPECT_TRUE(out.same_bits(y)) << name_of(t) << to_string(shape);
    }
  }
}

TEST(RunChain, CopiesNaNBitForBit) {
  TestTensor x(DType::kFloat32, {40}), out(DType::kFloat32, {40});
  const std::uint32_t pattern = 0x7fc12345;
  for (int i = 0; i < 40; ++i) std::memcpy(x.f32() + i, &pattern, 4);
  const TensorRef in = x.ref();
  cpu::run_chain(exec_on({}), nullptr, 0, &in, 1, out.ref());
  EXPECT_TRUE(out.same_bits(x));
}

}  // namespace
}  // namespace nnseq::testing
