// Gradients: what is built, what is not, and numbers.
#include "graphs.h"
#include "passes/passes.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::add;
using ops::mul;
using ops::unary;

Graph differentiated(const Graph& g, std::vector<TensorType> types) {
  Graph d = passes::drop_unused(passes::autodiff(passes::concretise(g, types, {})));
  d.verify();
  return d;
}

// x . w1 -> relu -> . w2 -> mean, with the gradients of some weights as outputs.
Graph two_layers(Builder& b, const std::vector<int>& trainable) {
  const Value x = b.g.input("x", f32({4, 5}));
  const std::vector<Value> w{b.g.read(b.weight("w1", {5, 6})), b.g.read(b.weight("w2", {6, 3}))};
  Value h = unary(b.g, UnaryFn::kRelu, b.g.add(Op::matmul, {x, w[0]}, MatmulAttrs{}));
  h = b.g.add(Op::matmul, {h, w[1]}, MatmulAttrs{});
  std::vector<Value> sources;
  for (int i : trainable) sources.push_back(w[static_cast<std::size_t>(i)]);
  for (Value d : b.gradients(mean_of(b.g, h), sources)) b.g.add_output(d);
  return differentiated(b.g, {f32({4, 5})});
}

TEST(Autodiff, BuildsOnlyTheGradientsThatAreAskedFor) {
  const auto context = make_context();
  Builder both{context, {}, {}}, first{context, {}, {}}, second{context, {}, {}};
  // h, dW2, dH, dW1; no dX, and no y, which the gradient of a mean does not read.
  EXPECT_EQ(count_ops(two_layers(both, {0, 1}), Op::matmul), 4);
  EXPECT_EQ(count_ops(two_layers(first, {0}), Op::matmul), 3) << "no dW2";
  const Graph frozen = two_layers(second, {1});
  EXPECT_EQ(count_ops(frozen, Op::matmul), 2) << "forward to h, dW2";
  EXPECT_EQ(count_ops(frozen, Op::unary_grad), 0);
}

TEST(Autodiff, SharedSubexpressionsAreSummed) {
  Graph g;
  const Value x = g.input("x", f32({2}));
  const Value s = unary(g, UnaryFn::kSquare, x);       // x^2
  const Value y = add(g, mul(g, s, s), mul(g, s, x));  // x^4 + x^3
  const Value d = g.add(Op::gradient, {y, x, x});      // the same source twice
  g.add_output(d);
  g.add_output({d.node, 1});
  const auto out = run(Function(make_context(), g, {}), {{{2}, {2, -1}}});
  EXPECT_EQ(out[0], (std::vector<float>{4 * 8 + 3 * 4, -4 + 3}));
  EXPECT_EQ(out[1], out[0]);
}

TEST(Autodiff, IndependentSourcesGetZerosAndTheTargetItselfOnes) {
  Graph g;
  const Value x = g.input("x", f32({3})), z = g.input("z", f32({2, 2}));
  const Value y = unary(g, UnaryFn::kExp, x);
  const Value stopped = mul(g, x, g.add(Op::stop_gradient, {y}));
  const Value d = g.add(Op::gradient, {y, z, y});
  g.add_output(d);
  g.add_output({d.node, 1});
  g.add_output(g.add(Op::gradient, {stopped, x}));
  const auto out = run(Function(make_context(), g, {}), {{{3}, {0, 0, 0}}, {{2, 2}, {1, 2, 3, 4}}});
  EXPECT_EQ(out[0], (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(out[1], (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(out[2], (std::vector<float>{1, 1, 1})) << "exp(0), without the path through y";
}

TEST(Autodiff, GradientNodesExpandInsideOut) {
  Graph g;
  const Value x = g.input("x", f32({2}));
  Value y = mul(g, x, unary(g, UnaryFn::kSquare, x));  // x^3
  for (int order = 1; order <= 3; ++order) {           // 3 x^2, 6 x, 6
    y = g.add(Op::gradient, {y, x});
    g.add_output(y);
  }
  const Graph d = differentiated(g, {f32({2})});
  EXPECT_EQ(count_ops(d, Op::gradient), 0);
  const auto out = run(Function(make_context(), g, {}), {{{2}, {2, -3}}});
  EXPECT_EQ(out[0], (std::vector<float>{12, 27}));
  EXPECT_EQ(out[1], (std::vector<float>{12, -18}));
  EXPECT_EQ(out[2], (std::vector<float>{6, 6}));
}

TEST(Autodiff, GradientPenaltyThroughAProduct) {
  // f = mean((d sum(tanh(x . w)) / dx)^2) / dw against central differences.
  Graph g;
  const Value x = g.input("x", f32({2, 3})), w = g.input("w", f32({3, 2}));
  const Value y = unary(g, UnaryFn::kTanh, g.add(Op::matmul, {x, w}, MatmulAttrs{}));
  const Value dx = g.add(Op::gradient, {y, x});
  const Value penalty = mean_of(g, mul(g, dx, dx));
  g.add_output(penalty);
  g.add_output(g.add(Op::gradient, {penalty, w}));
  const Function f(make_context(), g, {});
  const std::vector<float> xs = randoms(6, 1, 0.5f), ws = randoms(6, 2, 0.5f);
  const std::vector<float> analytic = run(f, {{{2, 3}, xs}, {{3, 2}, ws}})[1];
  for (std::size_t i = 0; i < ws.size(); ++i) {
    std::vector<float> up = ws, down = ws;
    up[i] += 1e-2f;
    down[i] -= 1e-2f;
    const float high = run(f, {{{2, 3}, xs}, {{3, 2}, up}})[0][0];
    const float low = run(f, {{{2, 3}, xs}, {{3, 2}, down}})[0][0];
    EXPECT_NEAR(analytic[i], (high - low) / 2e-2f, 1e-3f) << i;
  }
}

TEST(Autodiff, AnOpWithoutGradientIsNamed) {
  Graph g;
  const Value x = g.input("x", f32({2, 3})), labels = g.input("labels", i32({2}));
  const Value loss = mean_of(g, g.add(Op::softmax_cross_entropy, {x, labels}));
  const Value once = g.add(Op::gradient, {loss, x});
  g.set_scope("penalty");
  g.add_output(g.add(Op::gradient, {once, x}));
  expect_error(
      [&] {
        differentiated(g, {f32({2, 3}), i32({2})});
      },
      ErrorKind::kUnsupported, "softmax_cross_entropy_grad has no gradient");
}

TEST(Autodiff, ThroughScanAgreesWithTheLoopWrittenOut) {
  const auto context = make_context();
  const std::int64_t n = 2, steps = 3;
  auto gradients = [&](bool scan) {
    Builder b{context, {}, {}};
    const Value x = b.g.input("x", f32({steps, n, 3}));
    const Value w = b.g.read(b.weight("w", {3, 4})), u = b.g.read(b.weight("u", {4, 4}));
    Value h = ops::zeros(b.g, f32({n, 4}));
    if (scan) {
      h = b.g.add(Op::scan, {h, x, w, u}, ScanAttrs{rnn_body(3, 4), 1, 1, false});
    } else {
      for (std::int64_t t = 0; t < steps; ++t) {
        const Value row = ops::reshape(
            b.g, b.g.add(Op::slice, {x}, SliceAttrs{{t, 0, 0}, {1, n, 3}, {1, 1, 1}}), {n, 3});
        h = unary(b.g, UnaryFn::kTanh,
                  add(b.g, b.g.add(Op::matmul, {row, w}, MatmulAttrs{}),
                      b.g.add(Op::matmul, {h, u}, MatmulAttrs{})));
      }
    }
    for (Value d : b.gradients(mean_of(b.g, mul(b.g, h, h)), {w, u, x})) b.g.add_output(d);
    return run(*b.function(), {{{steps, n, 3}, randoms(steps * n * 3, 9)}});
  };
  const auto a = gradients(true), b = gradients(false);
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (std::size_t i = 0; i < a[k].size(); ++i) EXPECT_NEAR(a[k][i], b[k][i], 1e-6f) << k;
  }
}

}  // namespace
}  // namespace nnseq
