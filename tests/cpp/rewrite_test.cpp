// Rewrites of concrete graphs: compose, simplify, fuse, writes_last.
#include "graphs.h"
#include "passes/passes.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::add;
using ops::mul;
using ops::unary;
using passes::Options;

// Values of the outputs with some passes switched off.
std::vector<std::vector<float>> evaluate(
    const Graph& g, const std::vector<std::pair<Shape, std::vector<float>>>& inputs,
    const Options& options) {
  std::vector<TensorType> types;
  for (const auto& in : inputs) types.push_back(f32(in.first));
  const Graph special = passes::specialise(g, types, options);
  // A specialised graph is a traced one that needs no further pass.
  return run(Function(make_context(), special, {}), inputs);
}

Graph simplified(const Graph& g) {
  Graph s = passes::drop_unused(passes::simplify(g));
  s.verify();
  return s;
}
// Is output 0 after simplification the input itself?
bool is_input(const Graph& g) {
  const Graph s = simplified(g);
  return s.node(s.outputs()[0].value).op == Op::input;
}

TEST(Simplify, DropsWhatChangesNothing) {
  auto with = [](auto make) {
    Graph g;
    const Value x = g.input("x", f32({2, 3}));
    g.add_output(make(g, x));
    return g;
  };
  const Dims one{1, 1}, zero{0, 0};
  auto scalar = [](Graph& g, double v) { return g.scalar(v, DType::kFloat32); };
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return add(g, x, scalar(g, 0)); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return add(g, scalar(g, 0), x); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return mul(g, scalar(g, 1), x); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return ops::div(g, x, scalar(g, 1)); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return ops::sub(g, x, scalar(g, 0)); })));
  EXPECT_FALSE(is_input(with([&](Graph& g, Value x) { return ops::sub(g, scalar(g, 0), x); })));
  EXPECT_FALSE(is_input(with([&](Graph& g, Value x) { return ops::div(g, scalar(g, 1), x); })));
  EXPECT_FALSE(is_input(with([&](Graph& g, Value x) { return mul(g, x, scalar(g, 0)); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) { return g.add(Op::stop_gradient, {x}); })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) {
    return g.add(Op::transpose, {g.add(Op::transpose, {x}, AxesAttrs{{1, 0}})}, AxesAttrs{{1, 0}});
  })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) {
    return ops::reshape(g, ops::reshape(g, x, {3, 2}), {2, 3});
  })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) {
    return g.add(Op::slice, {x}, SliceAttrs{zero, {2, 3}, one});
  })));
  EXPECT_TRUE(is_input(with([&](Graph& g, Value x) {
    return g.add(Op::pad, {x}, PadAttrs{zero, zero, zero, 0});
  })));
  EXPECT_TRUE(
      is_input(with([&](Graph& g, Value x) { return g.add(Op::concat, {x}, AxisAttrs{1}); })));
  EXPECT_TRUE(is_input(
      with([&](Graph& g, Value x) { return g.add(Op::cast, {x}, CastAttrs{DType::kFloat32}); })));
  // Same shape, other elements.
  EXPECT_FALSE(is_input(with([&](Graph& g, Value x) {
    return g.add(Op::pad, {x}, PadAttrs{{1, 0}, {-1, 0}, zero, 0});
  })));
  EXPECT_FALSE(is_input(with([&](Graph& g, Value x) {
    return g.add(Op::pad, {x}, PadAttrs{zero, {-1, 0}, {1, 0}, 0});
  })));
  EXPECT_FALSE(
      is_input(with([&](Graph& g, Value x) { return g.add(Op::reverse, {x}, AxesAttrs{{0}}); })));
}

TEST(Simplify, FoldsConstantsAndMergesEqualNodes) {
  Graph g;
  const Value x = g.input("x", f32({4}));
  auto half = [&g] { return g.scalar(0.5, DType::kFloat32); };
  g.add_output(mul(g, x, add(g, half(), half())));  // 0.5 + 0.5 = 1: x
  g.add_output(add(g, unary(g, UnaryFn::kExp, mul(g, x, half())),
                   unary(g, UnaryFn::kExp, mul(g, x, half()))));
  const Graph s = simplified(g);
  EXPECT_EQ(s.outputs()[0].value, s.inputs()[0]);
  EXPECT_EQ(count_ops(s, Op::unary), 1);
  EXPECT_EQ(count_ops(s, Op::constant), 1);
}

TEST(Simplify, KeepsApartWhatDiffersOnlyInAttributes) {
  Graph g;
  const Value x = g.input("x", f32({4})), state = g.input("s", i64({2}));
  g.add_output(unary(g, UnaryFn::kElu, x, 1));
  g.add_output(unary(g, UnaryFn::kElu, x, 2));
  g.add_output(g.add(Op::dropout, {x, state}, DropoutAttrs{0.5f, 0}));
  g.add_output(g.add(Op::dropout, {x, state}, DropoutAttrs{0.5f, 1}));
  const Graph s = simplified(g);
  EXPECT_EQ(count_ops(s, Op::unary), 2);
  EXPECT_EQ(count_ops(s, Op::dropout), 2);
}

TEST(Simplify, TransposesBecomeFlagsOfProducts) {
  Graph g;
  const Value x = g.input("x", f32({3, 2})), w = g.input("w", f32({4, 3}));
  const Value xt = g.add(Op::transpose, {x}, AxesAttrs{{1, 0}});
  const Value wt = g.add(Op::transpose, {w}, AxesAttrs{{1, 0}});
  g.add_output(g.add(Op::matmul, {xt, wt}, MatmulAttrs{}));
  const Graph s = simplified(g);
  EXPECT_EQ(count_ops(s, Op::transpose), 0);
  const MatmulAttrs m = s.node(s.outputs()[0].value).as<MatmulAttrs>();
  EXPECT_TRUE(m.trans_a && m.trans_b);
}

TEST(Simplify, ReductionOfOneElementIsAReshapeAndBroadcastsAreDropped) {
  Graph g;
  const Value x = g.input("x", f32({4, 1})), b = g.input("b", f32({}));
  g.add_output(ops::reduce(g, ReduceFn::kMean, x, {1}));
  g.add_output(mul(g, x, ops::broadcast(g, b, {4, 1})));
  g.add_output(mul(g, ops::broadcast(g, b, {4, 1}), ops::broadcast(g, b, {4, 1})));
  const Graph s = simplified(g);
  EXPECT_EQ(count_ops(s, Op::reduce), 0);
  EXPECT_EQ(count_ops(s, Op::broadcast), 1) << "one of two must still give the shape";
  EXPECT_EQ(s.type(s.outputs()[2].value), f32({4, 1}));
}

// Rows that scatter_add repeats over the last axes of its indices, not over the first ones.
TEST(Simplify, ScatteredRowsAreNotRepeatedBefore) {
  for (const bool last : {true, false}) {
    Graph g;
    const Value x = g.input("x", last ? f32({4, 1, 3}) : f32({1, 7, 3}));
    const Value i = g.input("i", {DType::kInt32, {4, 7}});
    g.add_output(g.add(Op::scatter_add, {ops::broadcast(g, x, {4, 7, 3}), i}, ScatterAttrs{0, 9}));
    const Graph s = simplified(g);
    EXPECT_EQ(count_ops(s, Op::broadcast), last ? 0 : 1);
    EXPECT_EQ(s.type(s.outputs()[0].value), f32({9, 3}));
  }
}

TEST(Compose, MovesReluBehindMaxPool) {
  PoolAttrs pool;
  pool.window = pool.strides = {2, 2};
  Graph g;
  const Value x = g.input("x", f32({2, 4, 4, 3}));
  const Value y = g.add(Op::max_pool, {unary(g, UnaryFn::kRelu, x)}, pool);
  g.add_output(y);
  g.add_output(g.add(Op::gradient, {y, x}));
  const Graph c = passes::compose(passes::concretise(g, std::vector{f32({2, 4, 4, 3})}, {}));
  EXPECT_EQ(c.node(c.outputs()[0].value).op, Op::unary);
  EXPECT_EQ(c.type(c.outputs()[0].value), f32({2, 2, 2, 3}));
  Options off;
  off.compose = false;
  const std::vector<std::pair<Shape, std::vector<float>>> in{{{2, 4, 4, 3}, randoms(96, 3)}};
  const auto composed = evaluate(g, in, {}), plain = evaluate(g, in, off);
  EXPECT_TRUE(same_bits(composed[0], plain[0]));
  EXPECT_TRUE(same_bits(composed[1], plain[1]));
  // Another reader of the activation stops it.
  Graph shared;
  const Value z = shared.input("x", f32({2, 4, 4, 3}));
  const Value act = unary(shared, UnaryFn::kRelu, z);
  shared.add_output(shared.add(Op::max_pool, {act}, pool));
  shared.add_output(act);
  const Graph kept = passes::compose(shared);
  EXPECT_EQ(kept.node(kept.outputs()[0].value).op, Op::max_pool);
}

Graph fused(const Graph& g) {
  Graph f = passes::drop_unused(passes::fuse(g));
  f.verify();
  return f;
}

TEST(Fuse, BiasAndActivationGoIntoTheProduct) {
  for (bool bias : {false, true}) {
    for (bool swapped : {false, true}) {
      Graph g;
      const Value x = g.input("x", f32({4, 5})), w = g.input("w", f32({5, 3}));
      const Value b = g.input("b", f32({3}));
      Value y = g.add(Op::matmul, {x, w}, MatmulAttrs{});
      if (bias) y = swapped ? add(g, b, y) : add(g, y, b);
      g.add_output(unary(g, UnaryFn::kLeakyRelu, y, 0.25f));
      const Graph f = fused(g);
      EXPECT_EQ(f.nodes().size(), 4u) << to_string(f);
      const EpilogueAttrs e = f.node(f.outputs()[0].value).as<MatmulAttrs>().epilogue;
      EXPECT_EQ(e, (EpilogueAttrs{bias, UnaryFn::kLeakyRelu, 0.25f}));
    }
  }
}

TEST(Fuse, ProductsThatOthersReadKeepTheirValue) {
  auto products = [](auto use) {
    Graph g;
    const Value x = g.input("x", f32({4, 5})), w = g.input("w", f32({5, 3}));
    const Value b = g.input("b", f32({3}));
    const Value y = g.add(Op::matmul, {x, w}, MatmulAttrs{});
    const Value z = add(g, y, b);
    use(g, y, z);
    return fused(g);
  };
  auto epilogue = [](const Graph& f) {
    for (const Node& n : f.nodes()) {
      if (n.op == Op::matmul) return n.as<MatmulAttrs>().epilogue;
    }
    return EpilogueAttrs{};
  };
  auto relu = [](Graph& g, Value v) { return unary(g, UnaryFn::kRelu, v); };
  // The product itself is an output.
  EXPECT_EQ(epilogue(products([&](Graph& g, Value y, Value z) {
              g.add_output(y);
              g.add_output(relu(g, z));
            })),
            EpilogueAttrs{});
  // The biased product is read twice: bias goes in, the activation does not.
  EXPECT_EQ(epilogue(products([&](Graph& g, Value, Value z) {
              g.add_output(relu(g, z));
              g.add_output(z);
            })),
            (EpilogueAttrs{true, {}, 0}));
  // An assignment is a reader.
  EXPECT_EQ(epilogue(products([&](Graph& g, Value y, Value z) {
              g.assign(g.add_slot({"s", f32({4, 3})}), y);
              g.add_output(z);
            })),
            EpilogueAttrs{});
}

TEST(Fuse, OnlyABiasOfTheLastAxisIsTaken) {
  Graph g;
  const Value x = g.input("x", f32({3, 5})), w = g.input("w", f32({5, 3}));
  const Value column = g.input("c", f32({3, 1})), full = g.input("f", f32({3, 3}));
  g.add_output(add(g, g.add(Op::matmul, {x, w}, MatmulAttrs{}), column));
  g.add_output(add(g, g.add(Op::matmul, {x, w}, MatmulAttrs{}), full));
  const Graph f = fused(g);
  EXPECT_EQ(count_ops(f, Op::binary), 2);
  for (const Node& n : f.nodes()) {
    if (n.op == Op::matmul) {
      EXPECT_EQ(n.as<MatmulAttrs>().epilogue, EpilogueAttrs{});
    }
  }
}

TEST(Fuse, ChainsJoinElementwiseNodesOfOneShape) {
  Graph g;
  const Value x = g.input("x", f32({4, 5})), row = g.input("row", f32({5}));
  const Value small = unary(g, UnaryFn::kExp, unary(g, UnaryFn::kTanh, row));
  const Value y = mul(g, unary(g, UnaryFn::kSquare, add(g, x, small)), x);
  g.add_output(y);
  const Graph f = fused(g);
  EXPECT_EQ(count_ops(f, Op::chain), 2) << "the broadcast operand is a chain of its own shape";
  const Node& last = f.node(f.outputs()[0].value);
  EXPECT_EQ(last.as<ChainAttrs>().code.size(), 3u);
  EXPECT_EQ(last.inputs.size(), 2u);
  EXPECT_EQ(attrs_text(last.attrs), "code={add r0 r1; square r2; multiply r3 r0}");
}

TEST(Fuse, ChainsTakeComparisonsSelectAndCasts) {
  Graph g;
  const Value x = g.input("x", f32({6})), zero = g.scalar(0, DType::kFloat32);
  const Value positive = ops::binary(g, BinaryFn::kGreater, x, zero);
  const Value count = ops::cast(g, ops::binary(g, BinaryFn::kLess, x, zero), DType::kFloat32);
  g.add_output(ops::select(g, positive, mul(g, x, x), ops::sub(g, count, x)));
  g.add_output(ops::cast(g, ops::cast(g, ops::cast(g, positive, DType::kUInt8), DType::kFloat32),
                         DType::kFloat32));
  const std::vector<std::pair<Shape, std::vector<float>>> in{{{6}, {-2, -1, 0, 1, 2, 3}}};
  Options only_fuse, none;
  only_fuse.simplify = only_fuse.compose = false;
  none = only_fuse;
  none.fuse = false;
  const auto plain = evaluate(g, in, none);
  EXPECT_EQ(plain[0], (std::vector<float>{3, 2, 0, 1, 4, 9}));
  EXPECT_EQ(plain[1], (std::vector<float>{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(evaluate(g, in, only_fuse), plain);
  EXPECT_EQ(evaluate(g, in, {}), plain);
}

TEST(Fuse, ChainsStayWithinTheirRegisters) {
  const auto context = make_context();
  Graph g;
  std::vector<std::pair<Shape, std::vector<float>>> in;
  Value sum;
  for (std::uint32_t i = 0; i < 40; ++i) {
    const Value x = g.input("x", f32({3}));
    in.push_back({{3}, randoms(3, i)});
    const Value term = unary(g, UnaryFn::kSquare, unary(g, UnaryFn::kTanh, x));
    sum = sum ? add(g, sum, term) : term;
  }
  g.add_output(sum);
  const Graph f = fused(g);
  EXPECT_GT(count_ops(f, Op::chain), 1);
  for (const Node& n : f.nodes()) {
    if (n.op != Op::chain) continue;
    EXPECT_LE(n.inputs.size(), 8u);
    EXPECT_LE(n.as<ChainAttrs>().code.size(), 16u);
  }
  Options none;
  none.fuse = none.simplify = none.compose = false;
  EXPECT_TRUE(same_bits(evaluate(g, in, {})[0], evaluate(g, in, none)[0]));
}

TEST(Passes, AllOffGiveTheSameTraining) {
  // The gradients of a small net with every kind of rewrite in it.
  Graph g;
  const Value x = g.input("x", f32({6, 7})), w1 = g.input("w1", f32({7, 8}));
  const Value b1 = g.input("b1", f32({8})), w2 = g.input("w2", f32({8, 3}));
  Value h = add(g, g.add(Op::matmul, {x, w1}, MatmulAttrs{}), b1);
  h = unary(g, UnaryFn::kGelu, h);
  h = ops::sub(g, h, ops::reduce(g, ReduceFn::kMean, h, {1}, true));
  const Value y = g.add(Op::log_softmax, {g.add(Op::matmul, {h, w2}, MatmulAttrs{})});
  const Value loss = mean_of(g, mul(g, y, g.add(Op::stop_gradient, {y})));
  const Value d = g.add(Op::gradient, {loss, w1, b1, w2});
  for (std::int32_t k = 0; k < 3; ++k) g.add_output({d.node, k});
  const std::vector<std::pair<Shape, std::vector<float>>> in{{{6, 7}, randoms(42, 1)},
                                                             {{7, 8}, randoms(56, 2)},
                                                             {{8}, randoms(8, 3)},
                                                             {{8, 3}, randoms(24, 4)}};
  Options none;
  none.fuse = none.simplify = none.compose = false;
  const auto a = evaluate(g, in, {}), b = evaluate(g, in, none);
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (std::size_t i = 0; i < a[k].size(); ++i) EXPECT_NEAR(a[k][i], b[k][i], 2e-5f) << k;
  }
}

// Position of each update, and of the last node that is no update, in the specialised order.
TEST(WritesLast, OneUpdateComesAfterEveryNodeThatCanFail) {
  Builder b = mlp(make_context());
  // A metric with index checks, traced after the update.
  const Value table = b.g.scalar(1, DType::kFloat32);
  const Value rows = ops::broadcast(b.g, table, {3, 2});
  b.g.add_output(b.g.add(Op::gather, {rows, b.g.inputs()[1]}, AxisAttrs{0}), "metric");
  const Graph s = passes::specialise(b.g, std::vector{f32({4, 7}), i32({4})}, {});
  EXPECT_EQ(count_ops(s, Op::update), 1);
  EXPECT_EQ(s.nodes().back().op, Op::update) << to_string(s);
}

TEST(WritesLast, ASecondUpdateSeesTheFirst) {
  // A GAN's step: D is updated, then G through the new D.
  Builder b{make_context(), {}, {}};
  const Value x = b.g.input("x", f32({2}));
  const int d = b.variable("d", {2}, {1, 1}), gen = b.variable("g", {2}, {1, 1});
  const Value fake = mul(b.g, x, b.g.read(gen));
  b.sgd(mean_of(b.g, mul(b.g, fake, b.g.read(d))), {d}, 1);
  // No gradient flows through an assignment.
  const Value now = b.g.add(Op::stop_gradient, {b.g.read(d)});
  const Value judged = mean_of(b.g, mul(b.g, fake, now));
  b.sgd(judged, {gen}, 1);
  b.g.add_output(judged);
  const Graph s = passes::specialise(b.g, std::vector{f32({2})}, {});
  std::vector<std::int32_t> updates;
  for (std::size_t i = 0; i < s.nodes().size(); ++i) {
    if (s.nodes()[i].op == Op::update) updates.push_back(static_cast<std::int32_t>(i));
  }
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(s.assignments()[0].second.node, updates[0]) << "D first";
  EXPECT_EQ(updates[1], static_cast<std::int32_t>(s.nodes().size()) - 1);
  const auto f = b.function();
  const float judge = run(*f, {{{2}, {2, 4}}})[0][0];
  // d = 1 - x g / 2 = (0, -1); mean(x g d) = -2; g = 1 - x d / 2 = (1, 3)
  EXPECT_EQ(value_of(*b.variables[0]), (std::vector<float>{0, -1}));
  EXPECT_EQ(judge, -2);
  EXPECT_EQ(value_of(*b.variables[1]), (std::vector<float>{1, 3}));
}

}  // namespace
}  // namespace nnseq
