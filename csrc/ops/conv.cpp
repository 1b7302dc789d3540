// conv2d, NHWC x HWIO, and its two gradients, each differentiable through the other two.
#include "cpu/conv.h"

#include "ops/attrs_of.h"
#include "ops/epilogue.h"
#include "ops/window.h"

namespace nnseq {

using namespace ops;

namespace {

void expect_conv_attrs(const ConvAttrs& c, bool sizes) {
  expect_pair(c.strides, "strides");
  expect_pair(c.dilation, "dilation");
  expect_pads(c.padding, c.pads);
  if (c.groups < 1 || c.groups > kMaxStep) fail("groups must be positive, at most 2^20");
  if (sizes && c.sizes.size() != 2) fail("sizes must be two integers");
}

// x (n, h, w, c) with kernel (kh, kw, c / groups, o).
Shape conv_shape(const Shape& x, const Shape& w, const ConvAttrs& c) {
  if (!agree(x[3], w[2] * c.groups) || w[3] % c.groups != 0) {
    fail("x " + to_string(x) + ", kernel " + to_string(w) + ": " + std::to_string(x[3]) +
         " input channels, the kernel takes " + std::to_string(w[2] * c.groups) +
         (c.groups > 1 ? " in " + std::to_string(c.groups) + " groups" : ""));
  }
  const Window h = window(x[1], w[0], c.strides[0], c.dilation[0], c.padding, c.pads, 0);
  const Window v = window(x[2], w[1], c.strides[1], c.dilation[1], c.padding, c.pads, 1);
  return {x[0], h.out, v.out, w[3]};
}

void infer_conv(InferArgs& a) {
  const ConvAttrs& c = a.as<ConvAttrs>();
  expect_operands(a, c.epilogue.bias ? 3 : 2);
  for (std::size_t i : {0u, 1u}) {
    expect_float(a, i);
    expect_rank(a, i, 4);
  }
  expect_conv_attrs(c, false);
  a.out = {{DType::kFloat32, conv_shape(a.in[0].shape, a.in[1].shape, c)}};
}

// dy (n, oh, ow, o), w -> dx (n, sizes..., c)
void infer_by_data(InferArgs& a) {
  const ConvAttrs& c = a.as<ConvAttrs>();
  expect_operands(a, 2);
  for (std::size_t i : {0u, 1u}) {
    expect_float(a, i);
    expect_rank(a, i, 4);
  }
  expect_conv_attrs(c, true);
  const Shape &dy = a.in[0].shape, &w = a.in[1].shape;
  const Shape dx{dy[0], size_or_unknown(c.sizes[0]), size_or_unknown(c.sizes[1]), w[2] * c.groups};
  const Shape want = conv_shape(dx, w, c);
  for (int i = 0; i < 4; ++i) {
    if (!agree(want[i], dy[i])) fail("dy is " + to_string(dy) + ", expected " + to_string(want));
  }
  a.out = {{DType::kFloat32, dx}};
}

// x, dy -> dw (sizes..., c / groups, o)
void infer_by_weights(InferArgs& a) {
  const ConvAttrs& c = a.as<ConvAttrs>();
  expect_operands(a, 2);
  for (std::size_t i : {0u, 1u}) {
    expect_float(a, i);
    expect_rank(a, i, 4);
  }
  expect_conv_attrs(c, true);
  const Shape &x = a.in[0].shape, &dy = a.in[1].shape;
  if (x[3] % c.groups != 0) fail("groups do not divide the channels of " + to_string(x));
  const Shape dw{c.sizes[0], c.sizes[1], x[3] / c.groups, dy[3]};
  const Shape want = conv_shape(x, dw, c);
  for (int i = 0; i < 4; ++i) {
    if (!agree(want[i], dy[i])) fail("dy is " + to_string(dy) + ", expected " + to_string(want));
  }
  a.out = {{DType::kFloat32, dw}};
}

ConvAttrs with_sizes(ConvAttrs c, std::int64_t h, std::int64_t w) {
  c.sizes = {h, w};
  return c;
}

Value by_data(Graph& g, Value dy, Value w, const ConvAttrs& c, const Shape& x) {
  return g.add(Op::conv2d_by_data, {dy, w}, with_sizes(c, x[1], x[2]));
}
Value by_weights(Graph& g, Value x, Value dy, const ConvAttrs& c, const Shape& w) {
  return g.add(Op::conv2d_by_weights, {x, dy}, with_sizes(c, w[0], w[1]));
}

void vjp_conv(VjpArgs& a) {
  const ConvAttrs& c = a.node.as<ConvAttrs>();
  if (a.needs[0]) a.din[0] = by_data(a.g, a.dy(), a.in(1), c, a.shape(0));
  if (a.needs[1]) a.din[1] = by_weights(a.g, a.in(0), a.dy(), c, a.shape(1));
}
// All three are one trilinear form in (x, w, dy): the gradient of each is the others.
void vjp_by_data(VjpArgs& a) {
  const ConvAttrs& c = a.node.as<ConvAttrs>();
  if (a.needs[0]) a.din[0] = a.g.add(Op::conv2d, {a.dy(), a.in(1)}, c);
  if (a.needs[1]) a.din[1] = by_weights(a.g, a.dy(), a.in(0), c, a.shape(1));
}
void vjp_by_weights(VjpArgs& a) {
  const ConvAttrs& c = a.node.as<ConvAttrs>();
  if (a.needs[0]) a.din[0] = by_data(a.g, a.in(1), a.dy(), c, a.shape(0));
  if (a.needs[1]) a.din[1] = a.g.add(Op::conv2d, {a.in(0), a.dy()}, c);
}

cpu::Conv2D geometry(const Shape& x, const Shape& w, const Shape& y, const ConvAttrs& c) {
  cpu::Conv2D p;
  p.n = x[0], p.h = x[1], p.w = x[2], p.c = x[3];
  p.kh = w[0], p.kw = w[1], p.o = w[3];
  p.oh = y[1], p.ow = y[2];
  p.stride_h = c.strides[0], p.stride_w = c.strides[1];
  p.dilation_h = c.dilation[0], p.dilation_w = c.dilation[1];
  p.pad_top = window(x[1], w[0], c.strides[0], c.dilation[0], c.padding, c.pads, 0).before;
  p.pad_left = window(x[2], w[1], c.strides[1], c.dilation[1], c.padding, c.pads, 1).before;
  p.groups = c.groups;
  return p;
}

// The problem of one of the three nodes.
struct Problem {
  cpu::Conv2D p;
  cpu::ConvPart part = cpu::ConvPart::kForward;

  Problem(const Node& node, std::span<const TensorType> in) {
    const Shape &a = in[0].shape, &b = in[1].shape, &out = node.outputs[0].shape;
    const ConvAttrs& c = node.as<ConvAttrs>();
    if (node.op == Op::conv2d_by_data) {
      p = geometry(out, b, a, c);
      part = cpu::ConvPart::kByData;
    } else if (node.op == Op::conv2d_by_weights) {
      p = geometry(a, out, b, c);
      part = cpu::ConvPart::kByWeights;
    } else {
      p = geometry(a, b, out, c);
    }
  }
};

std::size_t scratch_conv(const ScratchArgs& s) {
  const Problem problem(s.node, s.in);
  return cpu::conv2d_scratch(problem.p, problem.part, s.workers);
}

Work work_conv(const WorkArgs& w) {
  const Problem problem(w.node, w.in);
  const cpu::Conv2D& p = problem.p;
  const cpu::KernelChoice choice = cpu::conv2d_choice(w.kernels, p, problem.part);
  Work work;
  work.flops = 2.0 * static_cast<double>(p.n * p.oh * p.ow) *
               static_cast<double>(p.o * p.kh * p.kw * p.c / p.groups);
  work.kernel = with_attrs(choice.kernel, w.node);
  work.refused = choice.refused;
  return work;
}

void body_conv(const KernelArgs& k) noexcept {
  const ConvAttrs& c = attrs_of<ConvAttrs>(k);
  cpu::conv2d(*k.exec, geometry(k.in[0].shape(), k.in[1].shape(), k.out[0].shape(), c),
              k.in[0].f32(), k.in[1].f32(), k.out[0].f32(), epilogue_of(c.epilogue, k), k.scratch);
}
void body_by_data(const KernelArgs& k) noexcept {
  const ConvAttrs& c = attrs_of<ConvAttrs>(k);
  cpu::conv2d_by_data(*k.exec, geometry(k.out[0].shape(), k.in[1].shape(), k.in[0].shape(), c),
                      k.in[0].f32(), k.in[1].f32(), k.out[0].f32(), k.scratch);
}
void body_by_weights(const KernelArgs& k) noexcept {
  const ConvAttrs& c = attrs_of<ConvAttrs>(k);
  cpu::conv2d_by_weights(*k.exec, geometry(k.in[0].shape(), k.out[0].shape(), k.in[1].shape(), c),
                         k.in[0].f32(), k.in[1].f32(), k.out[0].f32(), k.scratch);
}

}  // namespace

extern const OpInfo op_conv2d{infer_conv, vjp_conv, body_conv, scratch_conv, 0, work_conv};
extern const OpInfo op_conv2d_by_data{infer_by_data, vjp_by_data, body_by_data,
                                      scratch_conv,  0,           work_conv};
extern const OpInfo op_conv2d_by_weights{
    infer_by_weights, vjp_by_weights, body_by_weights, scratch_conv, 0, work_conv};

}  // namespace nnseq
