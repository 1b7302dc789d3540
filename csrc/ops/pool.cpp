// 2-D pooling and its gradients.
#include "cpu/pool.h"

#include "ops/attrs_of.h"
#include "ops/window.h"

namespace nnseq {

using namespace ops;

namespace {

Shape pool_shape(const Shape& x, const PoolAttrs& p) {
  const Window h = window(x[1], p.window[0], p.strides[0], 1, p.padding, p.pads, 0);
  const Window w = window(x[2], p.window[1], p.strides[1], 1, p.padding, p.pads, 1);
  return {x[0], h.out, w.out, x[3]};
}

void expect_pool(const InferArgs& a, std::size_t operands) {
  const PoolAttrs& p = a.as<PoolAttrs>();
  expect_operands(a, operands);
  for (std::size_t i = 0; i < operands; ++i) {
    expect_float(a, i);
    expect_rank(a, i, 4);
  }
  expect_pair(p.window, "window");
  expect_pair(p.strides, "strides");
  expect_pads(p.padding, p.pads);
}

// dy must be the gradient of what pooling x gives.
void expect_pooled(const Shape& dy, const Shape& x, const PoolAttrs& p) {
  const Shape want = pool_shape(x, p);
  for (int i = 0; i < 4; ++i) {
    if (!agree(want[i], dy[i])) fail("dy is " + to_string(dy) + ", expected " + to_string(want));
  }
}

void infer_pool(InferArgs& a) {
  expect_pool(a, 1);
  a.out = {{DType::kFloat32, pool_shape(a.in[0].shape, a.as<PoolAttrs>())}};
}

// x, y, dy -> dx
void infer_max_pool_grad(InferArgs& a) {
  expect_pool(a, 3);
  if (!(a.in[1] == a.in[2])) fail("y and dy differ");
  expect_pooled(a.in[2].shape, a.in[0].shape, a.as<PoolAttrs>());
  a.out = {a.in[0]};
}

// dy -> dx (n, sizes..., c)
void infer_avg_pool_grad(InferArgs& a) {
  expect_pool(a, 1);
  const PoolAttrs& p = a.as<PoolAttrs>();
  if (p.sizes.size() != 2) fail("sizes must be two integers");
  const Shape& dy = a.in[0].shape;
  const Shape dx{dy[0], size_or_unknown(p.sizes[0]), size_or_unknown(p.sizes[1]), dy[3]};
  expect_pooled(dy, dx, p);
  a.out = {{DType::kFloat32, dx}};
}

void vjp_max_pool(VjpArgs& a) {
  a.din[0] = a.g.add(Op::max_pool_grad, {a.in(0), a.y(), a.dy()}, a.node.as<PoolAttrs>());
}
void vjp_avg_pool(VjpArgs& a) {
  PoolAttrs p = a.node.as<PoolAttrs>();
  p.sizes = {a.shape(0)[1], a.shape(0)[2]};
  a.din[0] = a.g.add(Op::avg_pool_grad, {a.dy()}, std::move(p));
}
void vjp_avg_pool_grad(VjpArgs& a) {
  a.din[0] = a.g.add(Op::avg_pool, {a.dy()}, a.node.as<PoolAttrs>());
}

cpu::Pool2D geometry(const Shape& x, const Shape& y, const PoolAttrs& p) {
  cpu::Pool2D g;
  g.n = x[0], g.h = x[1], g.w = x[2], g.c = x[3];
  g.kh = p.window[0], g.kw = p.window[1], g.oh = y[1], g.ow = y[2];
  g.stride_h = p.strides[0], g.stride_w = p.strides[1];
  g.pad_top = window(x[1], p.window[0], p.strides[0], 1, p.padding, p.pads, 0).before;
  g.pad_left = window(x[2], p.window[1], p.strides[1], 1, p.padding, p.pads, 1).before;
  return g;
}

void body_max_pool(const KernelArgs& k) noexcept {
  cpu::max_pool(*k.exec, geometry(k.in[0].shape(), k.out[0].shape(), attrs_of<PoolAttrs>(k)),
                k.in[0].f32(), k.out[0].f32());
}
void body_max_pool_grad(const KernelArgs& k) noexcept {
  cpu::max_pool_grad(*k.exec, geometry(k.in[0].shape(), k.in[1].shape(), attrs_of<PoolAttrs>(k)),
                     k.in[0].f32(), k.in[1].f32(), k.in[2].f32(), k.out[0].f32());
}
void body_avg_pool(const KernelArgs& k) noexcept {
  cpu::avg_pool(*k.exec, geometry(k.in[0].shape(), k.out[0].shape(), attrs_of<PoolAttrs>(k)),
                k.in[0].f32(), k.out[0].f32());
}
void body_avg_pool_grad(const KernelArgs& k) noexcept {
  cpu::avg_pool_grad(*k.exec, geometry(k.out[0].shape(), k.in[0].shape(), attrs_of<PoolAttrs>(k)),
                     k.in[0].f32(), k.out[0].f32());
}

}  // namespace

extern const OpInfo op_max_pool{infer_pool, vjp_max_pool, body_max_pool, nullptr, 0};
extern const OpInfo op_max_pool_grad{infer_max_pool_grad, nullptr, body_max_pool_grad, nullptr, 0};
extern const OpInfo op_avg_pool{infer_pool, vjp_avg_pool, body_avg_pool, nullptr, 0};
extern const OpInfo op_avg_pool_grad{infer_avg_pool_grad, vjp_avg_pool_grad, body_avg_pool_grad,
                                     nullptr, 0};

}  // namespace nnseq
