// Graphs that no trace would give: refused in one line when they are built or given shapes, before
// a size overflows or memory is taken for it.
#include "graphs.h"
#include "passes/passes.h"

namespace nnseq::testing {
namespace {

constexpr std::int64_t kBig = std::int64_t{1} << 40;

template <class F>
void expect_refused(F&& f, const std::string& part = "") {
  expect_error(f, ErrorKind::kValue, part);
}

Graph specialised(const Graph& g, std::vector<TensorType> types) {
  return passes::specialise(g, types, {});
}

TEST(HostileGraph, SizesThatOverflow) {
  Graph g;
  expect_refused([&] { g.input("x", f32({kBig, 2})); }, "impossible");
  expect_refused([&] { g.input("x", f32({0, kBig, kBig})); }, "impossible");
  expect_refused([&] { g.add_slot({"w", f32({kBig, kBig})}); }, "impossible");
  const Value x = g.input("x", f32({4, 4})), n = g.input("n", i32({kBig}));
  expect_refused([&] { g.add(Op::one_hot, {n}, OneHotAttrs{kBig}); }, "impossible");
  expect_refused([&] { g.add(Op::reshape, {x}, SizesAttrs{{kBig, kBig, kBig}}); }, "too large");
  expect_refused([&] { g.add(Op::concat, {n, n}, AxisAttrs{0}); }, "impossible");
  expect_refused([&] { g.add(Op::broadcast, {x}, SizesAttrs{{kBig, 4, 4}}); }, "impossible");
  for (std::int64_t size : {INT64_MIN, INT64_MAX, kHostSize - 100}) {
    expect_refused([&] { g.add(Op::broadcast, {x}, SizesAttrs{{size, 4, 4}}); }, "out of range");
  }
}

TEST(HostileGraph, AttributesOutOfRange) {
  Graph g;
  const Value x = g.input("x", f32({4, 4}));
  expect_refused([&] { g.add(Op::slice, {x}, SliceAttrs{{0, 0}, {4, 4}, {1, kBig}}); }, "outside");
  expect_refused([&] { g.add(Op::slice, {x}, SliceAttrs{{kBig, 0}, {1, 4}, {1, 1}}); }, "outside");
  for (std::int64_t interior : {std::int64_t{-2}, kBig}) {
    PadAttrs p{{0, 0}, {0, 0}, {interior, 0}, 0};
    expect_refused([&] { g.add(Op::pad, {x}, p); }, "interior");
  }
  const Value image = g.input("i", f32({1, 8, 8, 2})), kernel = g.input("k", f32({3, 3, 2, 4}));
  ConvAttrs c;
  c.dilation = {kBig, 1};
  expect_refused([&] { g.add(Op::conv2d, {image, kernel}, c); }, "dilation");
  c = {};
  c.groups = kBig;
  expect_refused([&] { g.add(Op::conv2d, {image, kernel}, c); }, "groups");
  const Value empty = g.input("e", f32({0, 3, 2, 4}));
  expect_refused([&] { g.add(Op::conv2d, {image, empty}, ConvAttrs{}); }, "empty");
}

// A file may hold ops that are made for gradients, with operands that no gradient has.
TEST(HostileGraph, OperandsThatDoNotBelongTogether) {
  Graph g;
  const Value image = g.input("i", f32({1, 3, 3, 2})), large = g.input("l", f32({1, 9, 9, 2}));
  PoolAttrs p;
  p.window = {2, 2};
  p.strides = {1, 1};
  expect_refused([&] { g.add(Op::max_pool_grad, {image, large, large}, p); }, "expected");
  p.sizes = {3, 3};
  expect_refused([&] { g.add(Op::avg_pool_grad, {large}, p); }, "expected");
  const Value x = g.input("x", f32({4, 3})), channels = g.input("c", f32({3}));
  expect_refused(
      [&] {
        g.add(Op::layer_norm_grad, {x, channels, channels, channels, x}, NormAttrs{});
      },
      "one axis less");
  const Value labels = g.input("y", i32({4}));
  expect_refused(
      [&] {
        g.add(Op::softmax_cross_entropy_grad, {x, labels, channels});
      },
      "one axis less");
  expect_refused([&] { g.add(Op::scatter_add, {x, labels}, ScatterAttrs{0, -5}); }, "size");
}

// What shapes make of a graph: host integers from data of the file, scans over nothing but length.
TEST(HostileGraph, ShapesThatComeLate) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown}));
  const Value size = g.add(Op::dim, {x}, AxisAttrs{0});
  const Value large = g.scalar(1e15, DType::kInt64);
  Value product = g.add(Op::host, {size, large}, BinaryAttrs{BinaryFn::kMultiply});
  g.add_output(
      g.add(Op::broadcast, {g.scalar(0, DType::kFloat32), product}, SizesAttrs{{kHostSize}}), "y");
  expect_refused([&] { specialised(g, {f32({1000})}); });
  expect_refused([&] { specialised(g, {f32({kBig * 2})}); });
  expect_refused([&] { specialised(g, {f32({-5})}); }, "expected");

  Graph body;
  const Value state = body.input("s", f32({2}));
  body.input("x", f32({}));
  body.add_output(state, "s");
  Graph scan;
  const Value start = scan.input("s", f32({2})), sequence = scan.input("x", f32({kUnknown}));
  const ScanAttrs attrs{std::make_shared<const Graph>(body), 1, 1, false};
  scan.add_output(scan.add(Op::scan, {start, sequence}, attrs), "y");
  EXPECT_NO_THROW(specialised(scan, {f32({2}), f32({50})}));
  expect_refused([&] { specialised(scan, {f32({2}), f32({kBig})}); }, "unrolling");
}

// Each gradient of a gradient is several times as long as the one before.
TEST(HostileGraph, GradientsOfGradientsEnd) {
  Graph g;
  const Value x = g.input("x", f32({2, 2}));
  Value y = x;
  for (int i = 0; i < 12; ++i) {
    y = g.add(Op::unary, {g.add(Op::matmul, {y, x}, MatmulAttrs{})},
              UnaryAttrs{UnaryFn::kSigmoid, 0});
    y = g.add(Op::gradient, {y, x});
  }
  g.add_output(y, "y");
  passes::Options options;
  options.max_nodes = 2000;
  const std::vector<TensorType> types{f32({2, 2})};
  expect_refused([&] { passes::specialise(g, types, options); }, "with its gradients");
}

}  // namespace
}  // namespace nnseq::testing
