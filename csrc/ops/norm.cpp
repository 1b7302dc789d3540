// Batch normalisation (training) and layer normalisation, over the last axis' channels.
#include "cpu/norm.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

std::int64_t rows_of(const Shape& x) { return x.back() ? x.count() / x.back() : 0; }

void expect_channels(const InferArgs& a, std::size_t i) {
  expect_float(a, i);
  const Shape& x = a.in[0].shape;
  if (a.in[i].shape.rank() != 1 || !agree(a.in[i].shape[0], x.back())) {
    fail("operand " + std::to_string(i) + " is " + to_string(a.in[i].shape) + ", expected (" +
         std::to_string(x.back()) + ",) for x " + to_string(x));
  }
}
void expect_mask(const InferArgs& a, std::size_t i) {
  const Shape& x = a.in[0].shape;
  bool fits = a.in[i].dtype == DType::kBool && a.in[i].shape.rank() == x.rank() - 1;
  for (int d = 0; fits && d < x.rank() - 1; ++d) fits = agree(a.in[i].shape[d], x[d]);
  if (!fits)
    fail("the mask is " + to_string(a.in[i]) + ", expected bool, one axis less than " +
         to_string(x));
}
void expect_input(const InferArgs& a, std::size_t least, std::size_t most) {
  if (a.in.size() < least || a.in.size() > most)
    fail("takes " + std::to_string(least) + " to " + std::to_string(most) + " tensors");
  expect_float(a, 0);
  if (a.in[0].shape.rank() < 2) fail("x needs at least two axes, got " + to_string(a.in[0].shape));
}

// x, gamma, beta [, mask] -> y, mean, var
void infer_batch_norm(InferArgs& a) {
  expect_input(a, 3, 4);
  expect_channels(a, 1);
  expect_channels(a, 2);
  if (a.in.size() == 4) expect_mask(a, 3);
  const TensorType channels{DType::kFloat32, {a.in[0].shape.back()}};
  a.out = {a.in[0], channels, channels};
}

// x, gamma, mean, var, dy [, mask] -> dx, dgamma, dbeta
void infer_batch_norm_grad(InferArgs& a) {
  expect_input(a, 5, 6);
  for (std::size_t i : {1u, 2u, 3u}) expect_channels(a, i);
  if (!(a.in[4] == a.in[0])) fail("x and dy differ");
  if (a.in.size() == 6) expect_mask(a, 5);
  a.out = {a.in[0], a.in[1], a.in[1]};
}

// The statistics are read by the moving averages only; a loss that uses them directly would need
// their own rule.
void refuse_statistics(const VjpArgs& a) {
  if (a.dout[1] || a.dout[2]) {
    throw Error(ErrorKind::kUnsupported, std::string(name_of(a.node.op)) +
                                             ": the gradient through its statistics is not "
                                             "available; compute them with mean and variance ops");
  }
}

void vjp_batch_norm(VjpArgs& a) {
  refuse_statistics(a);
  if (!a.dout[0]) return;
  std::vector<Value> in{a.in(0), a.in(1), a.y(1), a.y(2), a.dout[0]};
  if (a.node.inputs.size() == 4) in.push_back(a.in(3));
  const Value d = a.g.add(Op::batch_norm_grad, std::move(in), a.node.as<NormAttrs>());
  for (int i = 0; i < 3; ++i) a.din[static_cast<std::size_t>(i)] = {d.node, i};
}

std::size_t scratch_batch_norm(const ScratchArgs& s) {
  const Shape& x = s.in[0].shape;
  return cpu::batch_norm_scratch(rows_of(x), x.back());
}

void body_batch_norm(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  const auto* mask = k.num_in == 4 ? k.in[3].as<std::uint8_t>() : nullptr;
  cpu::batch_norm(*k.exec, rows_of(x), x.back(), k.in[0].f32(), k.in[1].f32(), k.in[2].f32(), mask,
                  attrs_of<NormAttrs>(k).epsilon, k.out[0].f32(), k.out[1].f32(), k.out[2].f32(),
                  k.scratch);
}

void body_batch_norm_grad(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  const auto* mask = k.num_in == 6 ? k.in[5].as<std::uint8_t>() : nullptr;
  cpu::batch_norm_grad(*k.exec, rows_of(x), x.back(), k.in[0].f32(), k.in[1].f32(), k.in[2].f32(),
                       k.in[3].f32(), mask, attrs_of<NormAttrs>(k).epsilon, k.in[4].f32(),
                       k.out[0].f32(), k.out[1].f32(), k.out[2].f32(), k.scratch);
}

// x, gamma, beta -> y, mean, rstd
void infer_layer_norm(InferArgs& a) {
  expect_input(a, 3, 3);
  expect_channels(a, 1);
  expect_channels(a, 2);
  const Shape& x = a.in[0].shape;
  const TensorType rows{DType::kFloat32, Shape(x.begin(), x.end() - 1)};
  a.out = {a.in[0], rows, rows};
}

// x, gamma, mean, rstd, dy -> dx, dgamma, dbeta
void infer_layer_norm_grad(InferArgs& a) {
  expect_input(a, 5, 5);
  expect_channels(a, 1);
  if (!(a.in[4] == a.in[0])) fail("x and dy differ");
  const Shape& x = a.in[0].shape;
  for (std::size_t i : {2u, 3u}) {
    expect_float(a, i);
    expect_rank(a, i, x.rank() - 1);
    for (int d = 0; d < x.rank() - 1; ++d) {
      if (agree(a.in[i].shape[d], x[d])) continue;
      fail("operand " + std::to_string(i) + " is " + to_string(a.in[i].shape) +
           ", expected one axis less than " + to_string(x));
    }
  }
  a.out = {a.in[0], a.in[1], a.in[1]};
}

void vjp_layer_norm(VjpArgs& a) {
  refuse_statistics(a);
  if (!a.dout[0]) return;
  const Value d = a.g.add(Op::layer_norm_grad, {a.in(0), a.in(1), a.y(1), a.y(2), a.dout[0]},
                          a.node.as<NormAttrs>());
  for (int i = 0; i < 3; ++i) a.din[static_cast<std::size_t>(i)] = {d.node, i};
}

void body_layer_norm(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  cpu::layer_norm(*k.exec, rows_of(x), x.back(), k.in[0].f32(), k.in[1].f32(), k.in[2].f32(),
                  attrs_of<NormAttrs>(k).epsilon, k.out[0].f32(), k.out[1].f32(), k.out[2].f32());
}

std::size_t scratch_layer_norm_grad(const ScratchArgs& s) {
  const Shape& x = s.in[0].shape;
  return cpu::layer_norm_grad_scratch(rows_of(x), x.back());
}

void body_layer_norm_grad(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  cpu::layer_norm_grad(*k.exec, rows_of(x), x.back(), k.in[0].f32(), k.in[1].f32(), k.in[2].f32(),
                       k.in[3].f32(), k.in[4].f32(), k.out[0].f32(), k.out[1].f32(), k.out[2].f32(),
                       k.scratch);
}

}  // namespace

extern const OpInfo op_batch_norm{infer_batch_norm, vjp_batch_norm, body_batch_norm,
                                  scratch_batch_norm, 0};
extern const OpInfo op_batch_norm_grad{infer_batch_norm_grad, nullptr, body_batch_norm_grad,
                                       scratch_batch_norm, 0};
extern const OpInfo op_layer_norm{infer_layer_norm, vjp_layer_norm, body_layer_norm, nullptr, 0};
extern const OpInfo op_layer_norm_grad{infer_layer_norm_grad, nullptr, body_layer_norm_grad,
                                       scratch_layer_norm_grad, 0};

}  // namespace nnseq
