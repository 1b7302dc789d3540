// Concrete shapes: host integers fold, scans unroll.
#include "graphs.h"
#include "passes/passes.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::add;
using passes::Options;

Graph concretise(const Graph& g, std::vector<TensorType> types, int max_nodes = 100'000) {
  Options options;
  options.max_nodes = max_nodes;
  Graph concrete = passes::concretise(g, types, options);
  concrete.verify();
  return concrete;
}

// Value of an op on two sizes, as the size of a result.
std::int64_t folded(BinaryFn fn, std::int64_t a, std::int64_t b) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown}));
  // a = dim - 100, so that sizes of both signs come from a shape
  const Value dim = g.add(Op::dim, {x}, AxisAttrs{0});
  const Value hundred = g.scalar(100, DType::kInt64);
  const Value left = g.add(Op::host, {dim, hundred}, BinaryAttrs{BinaryFn::kSubtract});
  const Value y =
      g.add(Op::host, {left, g.scalar(static_cast<double>(b), DType::kInt64)}, BinaryAttrs{fn});
  g.add_output(y);
  const Graph c = concretise(g, {f32({100 + a})});
  return c.node(c.outputs()[0].value).as<ConstantAttrs>().value->item<std::int64_t>();
}

TEST(Concretise, HostIntegersFoldAsInPython) {
  EXPECT_EQ(folded(BinaryFn::kAdd, 7, -9), -2);
  EXPECT_EQ(folded(BinaryFn::kMultiply, 7, -9), -63);
  EXPECT_EQ(folded(BinaryFn::kFloorDivide, 7, 2), 3);
  EXPECT_EQ(folded(BinaryFn::kFloorDivide, -7, 2), -4);
  EXPECT_EQ(folded(BinaryFn::kFloorDivide, 7, -2), -4);
  EXPECT_EQ(folded(BinaryFn::kFloorDivide, -8, 2), -4);
  EXPECT_EQ(folded(BinaryFn::kMod, 7, 3), 1);
  EXPECT_EQ(folded(BinaryFn::kMod, -7, 3), 2);
  EXPECT_EQ(folded(BinaryFn::kMod, 7, -3), -2);
  EXPECT_EQ(folded(BinaryFn::kMod, -6, 3), 0);
  expect_error([] { folded(BinaryFn::kMod, 1, 0); }, ErrorKind::kValue, "host: a size is divided");
}

TEST(Concretise, HostSizesFillAttributes) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown, kUnknown, 4}));
  const Value n = g.add(Op::dim, {x}, AxisAttrs{0}), m = g.add(Op::dim, {x}, AxisAttrs{-2});
  const Value rows = g.add(Op::host, {n, m}, BinaryAttrs{BinaryFn::kMultiply});
  g.add_output(g.add(Op::reshape, {x, rows}, SizesAttrs{{kHostSize, 4}}));
  const Graph c = concretise(g, {f32({3, 5, 4})});
  EXPECT_EQ(c.type(c.outputs()[0].value), f32({15, 4}));
  EXPECT_EQ(count_ops(c, Op::host) + count_ops(c, Op::dim), 0);
}

TEST(Concretise, SizesMustNotComeFromData) {
  Graph g;
  const Value n = g.input("n", i64({})), zero = g.scalar(0, DType::kFloat32);
  g.set_scope("model/pad");
  g.add_output(g.add(Op::broadcast, {zero, n}, SizesAttrs{{kHostSize}}));
  expect_error([&] { concretise(g, {i64({})}); }, ErrorKind::kValue,
               "model/pad: broadcast: a size must come from shapes, not from data");
}

TEST(Concretise, InputsMustFit) {
  Graph g;
  g.add_output(g.input("x", f32({kUnknown, 7})));
  const auto kind = ErrorKind::kValue;
  expect_error([&] { concretise(g, {}); }, kind, "takes 1 inputs, got 0");
  expect_error(
      [&] {
        concretise(g, {f32({3, 8})});
      },
      kind, "input 'x': expected float32 (None, 7), got float32 (3, 8)");
  expect_error([&] { concretise(g, {f32({7})}); }, kind, "got float32 (7,)");
  expect_error([&] { concretise(g, {i32({3, 7})}); }, kind, "got int32 (3, 7)");
}

TEST(Concretise, UnknownDimsThatDifferAreFound) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown, 3})), y = g.input("y", f32({kUnknown, 3}));
  g.set_scope("add");
  g.add_output(add(g, x, y));
  expect_error(
      [&] {
        concretise(g, {f32({4, 3}), f32({5, 3})});
      },
      ErrorKind::kValue, "add: binary: shapes (4, 3) and (5, 3) do not broadcast");
}

TEST(Concretise, AssignedUnknownDimsAreChecked) {
  Graph g;
  const int a = g.add_slot({"a", f32({4})});
  g.assign(a, g.input("x", f32({kUnknown})));
  concretise(g, {f32({4})});
  expect_error([&] { concretise(g, {f32({5})}); }, ErrorKind::kValue,
               "cannot assign float32 (5,) to variable 'a' of float32 (4,)");
}

// state' = 2 * state + x, out state'
Graph doubling(bool reverse) {
  auto body = std::make_shared<Graph>();
  const Value s = body->input("s", f32({2})), x = body->input("x", f32({2}));
  const Value next = add(*body, ops::mul(*body, s, body->scalar(2, DType::kFloat32)), x);
  body->add_output(next);
  body->add_output(next);
  Graph g;
  const Value init = g.input("init", f32({2})), xs = g.input("xs", f32({kUnknown, 2}));
  g.set_scope("rnn");
  const Value scan = g.add(Op::scan, {init, xs}, ScanAttrs{body, 1, 1, reverse});
  g.add_output(scan);
  g.add_output({scan.node, 1});
  return g;
}

TEST(Scan, UnrollsForwardAndReverse) {
  const auto context = make_context();
  const std::vector<std::pair<Shape, std::vector<float>>> in{{{2}, {1, 0}},
                                                             {{3, 2}, {1, 2, 3, 4, 5, 6}}};
  auto out = run(Function(context, doubling(false), {}), in);
  EXPECT_EQ(out[0], (std::vector<float>{23, 22}));  // ((1*2+1)*2+3)*2+5
  EXPECT_EQ(out[1], (std::vector<float>{3, 2, 9, 8, 23, 22}));
  out = run(Function(context, doubling(true), {}), in);
  EXPECT_EQ(out[0], (std::vector<float>{35, 34}));  // ((1*2+5)*2+3)*2+1
  EXPECT_EQ(out[1], (std::vector<float>{35, 34, 17, 16, 7, 6}));
}

TEST(Scan, OfNoStepsGivesTheInitialStateAndNoRows) {
  const auto context = make_context();
  const auto out = run(Function(context, doubling(false), {}), {{{2}, {1, 5}}, {{0, 2}, {}}});
  EXPECT_EQ(out[0], (std::vector<float>{1, 5}));
  EXPECT_TRUE(out[1].empty());
  // The rows that are not there still have the batch's size.
  Builder b = rnn(context);
  const Graph c = concretise(b.g, {f32({5, 0, 3})});
  EXPECT_EQ(c.type({c.outputs()[1].value.node, 0}), f32({5, 4}));
  bool found = false;
  for (const Node& n : c.nodes()) {
    found = found || (!n.outputs.empty() && n.outputs[0] == f32({0, 5, 4}));
  }
  EXPECT_TRUE(found) << to_string(c);
}

TEST(Scan, ChecksItsOperandsAgainWhenShapesAreKnown) {
  auto body = std::make_shared<Graph>();
  const Value s = body->input("s", f32({kUnknown}));
  const Value x = body->input("x", f32({3})), y = body->input("y", f32({3}));
  body->add_output(add(*body, s, add(*body, x, y)));
  Graph g;
  const Value init = g.input("init", f32({kUnknown}));
  const Value xs = g.input("xs", f32({kUnknown, kUnknown}));
  const Value ys = g.input("ys", f32({kUnknown, kUnknown}));
  g.set_scope("rnn");
  g.add_output(g.add(Op::scan, {init, xs, ys}, ScanAttrs{body, 1, 2, false}));
  concretise(g, {f32({3}), f32({4, 3}), f32({4, 3})});
  const auto kind = ErrorKind::kValue;
  expect_error(
      [&] {
        concretise(g, {f32({3}), f32({4, 3}), f32({5, 3})});
      },
      kind, "rnn: scan: sequences differ in length");
  expect_error(
      [&] {
        concretise(g, {f32({3}), f32({4, 5}), f32({4, 3})});
      },
      kind, "rnn: scan: operand 1 is float32 (5,), the body takes float32 (3,)");
  expect_error(
      [&] {
        concretise(g, {f32({1}), f32({4, 3}), f32({4, 3})});
      },
      kind, "rnn: scan: state 0 changes from float32 (1,) to float32 (3,)");
}

TEST(Scan, NodeLimitIsAClearError) {
  const auto kind = ErrorKind::kValue;
  const Graph g = doubling(false);
  concretise(g, {f32({2}), f32({10, 2})}, 100);
  expect_error(
      [&] {
        concretise(g, {f32({2}), f32({1000, 2})}, 100);
      },
      kind, "more than 100 nodes after unrolling its scans");
  // Also when the limit is met in a scan within a scan.
  auto outer = std::make_shared<Graph>();
  const Value s = outer->input("s", f32({2})), xs = outer->input("xs", f32({kUnknown, 2}));
  const Node& inner = g.nodes()[2];
  outer->add_output(outer->add(Op::scan, {s, xs}, inner.as<ScanAttrs>()));
  Graph nested;
  const Value init = nested.input("s", f32({2}));
  const Value all = nested.input("xs", f32({kUnknown, kUnknown, 2}));
  nested.add_output(nested.add(Op::scan, {init, all}, ScanAttrs{outer, 1, 1, false}));
  concretise(nested, {f32({2}), f32({2, 3, 2})}, 100);
  expect_error(
      [&] {
        concretise(nested, {f32({2}), f32({2, 1000, 2})}, 100);
      },
      kind, "more than 100 nodes");
}

}  // namespace
}  // namespace nnseq
