// The graph itself: construction, errors, state, printing, the verifier.
#include "graphs.h"
#include "ir/rewriter.h"
#include "runtime/device.h"

namespace nnseq {
namespace {

using namespace testing;

Value dense(Graph& g, Value x, Value w) { return g.add(Op::matmul, {x, w}, MatmulAttrs{}); }

TEST(Graph, ErrorNamesScopeOpAndShapes) {
  Graph g;
  const Value x = g.input("x", f32({32, 700})), w = g.input("w", f32({784, 64}));
  g.set_scope("dense_1");
  expect_error([&] { dense(g, x, w); }, ErrorKind::kValue,
               "dense_1: matmul: x (32, 700) . kernel (784, 64): inner dimensions differ "
               "(700, 784)");
  EXPECT_EQ(g.nodes().size(), 2u) << "a refused node must not stay";
  g.set_scope("");
  expect_error([&] { g.add(Op::read, {}, ReadAttrs{0}); }, ErrorKind::kValue, "read: ");
  expect_error(
      [&] {
        g.add(Op::softmax, {g.input("i", i32({2, 2}))});
      },
      ErrorKind::kType, "softmax: operand 0 must be float32, got int32 (2, 2)");
}

TEST(Graph, UnknownDimsPassThrough) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown, 7})), w = g.input("w", f32({7, 3}));
  EXPECT_EQ(to_string(g.type(dense(g, x, w)).shape), "(None, 3)");
  const Value b = g.input("b", f32({3}));
  EXPECT_EQ(to_string(g.type(ops::add(g, dense(g, x, w), b)).shape), "(None, 3)");
  // An unknown dim against a known one takes the known one; two unknown dims are taken as equal.
  const Value y = g.input("y", f32({5, 7})), z = g.input("z", f32({kUnknown, 7}));
  EXPECT_EQ(to_string(g.type(ops::add(g, x, y)).shape), "(5, 7)");
  EXPECT_EQ(to_string(g.type(ops::add(g, x, z)).shape), "(None, 7)");
}

TEST(Graph, ReadGivesTheLastAssignedValue) {
  Graph g;
  const int a = g.add_slot({"a", f32({2})});
  const Value first = g.read(a);
  EXPECT_EQ(g.read(a), first) << "one read per slot";
  const Value second = ops::add(g, first, first);
  g.assign(a, second);
  EXPECT_EQ(g.read(a), second);
  const Value third = ops::neg(g, second);
  g.assign(a, third);
  ASSERT_EQ(g.assignments().size(), 1u) << "only the final value is committed";
  EXPECT_EQ(g.assignments()[0].second, third);
}

TEST(Graph, AssignChecksTheType) {
  Graph g;
  const int a = g.add_slot({"a", f32({2, 3})});
  const Value bad = g.input("x", f32({3, 2})), open = g.input("y", f32({kUnknown, 3}));
  expect_error([&] { g.assign(a, bad); }, ErrorKind::kValue,
               "cannot assign float32 (3, 2) to variable 'a' of float32 (2, 3)");
  expect_error([&] { g.assign(a, g.input("z", i32({2, 3}))); }, ErrorKind::kValue, "int32 (2, 3)");
  g.assign(a, open);
  EXPECT_EQ(g.assignments().size(), 1u);
}

TEST(Graph, DependsOnStopsAtStopGradientAndIntegers) {
  Graph g;
  const Value x = g.input("x", f32({2})), y = g.input("y", f32({2}));
  const Value stopped = g.add(Op::stop_gradient, {x});
  const Value both = ops::add(g, stopped, y);
  EXPECT_TRUE(g.depends_on(both, y));
  EXPECT_TRUE(g.depends_on(both, stopped));
  EXPECT_FALSE(g.depends_on(both, x));
  EXPECT_FALSE(g.depends_on(x, both));
  EXPECT_TRUE(g.depends_on(x, x));
  const Value through_int = ops::cast(g, ops::cast(g, x, DType::kInt32), DType::kFloat32);
  EXPECT_FALSE(g.depends_on(through_int, x));
}

TEST(Graph, Printing) {
  Graph g;
  const int w = g.add_slot({"dense/kernel", f32({3, 2})});
  const Value x = g.input("x", f32({kUnknown, 3}));
  g.set_scope("dense");
  const Value y = ops::unary(g, UnaryFn::kLeakyRelu, dense(g, x, g.read(w)), 0.2f);
  g.assign(w, ops::mul(g, g.read(w), g.scalar(0.5, DType::kFloat32)));
  g.add_output(y, "y");
  EXPECT_EQ(to_string(g),
            "slot 0 'dense/kernel' : float32 (3, 2)\n"
            "%0 = input() [name='x'] : float32 (None, 3)\n"
            "%1 = read() : float32 (3, 2)  # dense\n"
            "%2 = matmul(%0, %1) : float32 (None, 2)  # dense\n"
            "%3 = unary(%2) [fn=leaky_relu, alpha=0.2] : float32 (None, 2)  # dense\n"
            "%4 = constant() [value=0.5] : float32 ()  # dense\n"
            "%5 = binary(%1, %4) [fn=multiply] : float32 (3, 2)  # dense\n"
            "assign slot 0 = %5\n"
            "output 'y' = %3\n");
}

TEST(Graph, PrintedAttributesTellNodesApart) {
  MatmulAttrs a, b;
  a.epilogue = {true, UnaryFn::kLeakyRelu, 0.1f};
  b.epilogue = {true, UnaryFn::kLeakyRelu, 0.2f};
  EXPECT_EQ(attrs_text(a), "epilogue=bias+leaky_relu(0.1)");
  EXPECT_NE(attrs_text(a), attrs_text(b));
  ChainInstr instr;
  instr.fn = static_cast<std::uint8_t>(UnaryFn::kElu);
  instr.alpha = 0.5f;
  EXPECT_EQ(attrs_text(ChainAttrs{{instr}}), "code={elu(0.5) r0}");
  EXPECT_EQ(attrs_text(SizesAttrs{{kHostSize - 1, -1, 3}}), "sizes=[host1, -1, 3]");
}

void expect_broken(const Graph& g, const std::string& part) {
  expect_error([&] { g.verify(); }, ErrorKind::kInternal, part);
}

TEST(Verifier, FindsEachBrokenInvariant) {
  auto with = [](Node node) {
    Graph g;
    g.input("x", f32({2}));
    g.add_slot({"a", f32({2})});
    g.add_typed(std::move(node));
    return g;
  };
  const UnaryAttrs neg{};
  const TensorType t = f32({2});
  with({Op::unary, 0, {{0, 0}}, {t}, neg}).verify();  // the well-formed one
  expect_broken(with({Op::unary, 0, {{1, 0}}, {t}, neg}), "unary %1 uses a value that does not");
  expect_broken(with({Op::unary, 0, {{-1, 0}}, {t}, neg}), "does not precede");
  expect_broken(with({Op::unary, 0, {{0, 1}}, {t}, neg}), "uses output 1 of a node that has fewer");
  expect_broken(with({Op::unary, 0, {{0, 0}}, {t}, CastAttrs{}}), "foreign attributes");
  expect_broken(with({Op::unary, 0, {{0, 0}}, {}, neg}), "has no output");
  expect_broken(with({Op::unary, 3, {{0, 0}}, {t}, neg}), "has no scope");
  expect_broken(with({Op::read, 0, {}, {t}, ReadAttrs{1}}), "reads a slot that does not exist");
  expect_broken(with({Op::read, 0, {}, {t}, ReadAttrs{-1}}), "reads a slot that does not exist");
  expect_broken(with({Op::read, 0, {}, {f32({3})}, ReadAttrs{0}}), "differs from its slot");
  expect_broken(with({Op::input, 0, {}, {t}, InputAttrs{"y", 1}}), "is not among the inputs");
  expect_broken(with({Op::constant, 0, {}, {t}, ConstantAttrs{}}), "has no value");
}

TEST(Verifier, ChecksOutputsInputsAndAssignments) {
  Graph g;
  g.input("x", f32({2}));
  g.add_output({3, 0}, "y");
  expect_broken(g, "output y uses a value that does not precede it");

  Graph whole;
  const int a = whole.add_slot({"a", f32({2})});
  const Value x = whole.input("x", f32({2}));
  const Value wrong = whole.input("wrong", f32({3}));
  whole.assign(a, x);
  whole.add_output(x);
  Rewriter lost(whole);  // the inputs are never put
  lost.map(x, lost.to.add_typed({Op::read, 0, {}, {f32({2})}, ReadAttrs{0}}));
  expect_broken(lost.finish(), "input 0");

  Rewriter retyped(whole);
  retyped.copy(x.node);
  retyped.copy(wrong.node);
  retyped.map(x, retyped(wrong));
  expect_broken(retyped.finish(), "differs from its slot in type");
}

}  // namespace
}  // namespace nnseq
