// softmax over the last axis and the cross-entropy of logits.
#include "cpu/softmax.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

struct Rows {
  std::int64_t rows, cols;
  explicit Rows(const Shape& s) : cols(s.back()) {
    rows = 1;
    for (int i = 0; i < s.rank() - 1; ++i) rows *= s[i];
  }
};

void infer_softmax(InferArgs& a) {
  expect_operands(a, 1);
  expect_float(a, 0);
  if (a.in[0].shape.rank() < 1) fail("needs at least one axis");
  a.out = {a.in[0]};
}

void infer_softmax_grad(InferArgs& a) {
  expect_operands(a, 2);
  expect_float(a, 0);
  if (!(a.in[0] == a.in[1]))
    fail("y and dy differ: " + to_string(a.in[0]) + ", " + to_string(a.in[1]));
  a.out = {a.in[0]};
}

void vjp_softmax(VjpArgs& a) { a.din[0] = a.g.add(Op::softmax_grad, {a.y(), a.dy()}); }
void vjp_log_softmax(VjpArgs& a) { a.din[0] = a.g.add(Op::log_softmax_grad, {a.y(), a.dy()}); }

Value row_sum(Graph& g, Value x) { return reduce(g, ReduceFn::kSum, x, {-1}, true); }

// dx = y (dy - sum(y dy)): by dy it is itself; by y it is dy' (dy - s) - y' ... with s = sum(y dy).
void vjp_softmax_grad(VjpArgs& a) {
  Graph& g = a.g;
  const Value y = a.in(0), dy = a.in(1), d = a.dy();
  if (a.needs[1]) a.din[1] = g.add(Op::softmax_grad, {y, d});
  if (a.needs[0]) {
    Value s = row_sum(g, mul(g, y, dy));
    Value t = row_sum(g, mul(g, y, d));
    Value first = mul(g, d, sub(g, dy, s));
    a.din[0] = sub(g, first, mul(g, dy, t));
  }
}

// dx = dy - exp(y) sum(dy)
void vjp_log_softmax_grad(VjpArgs& a) {
  Graph& g = a.g;
  const Value dy = a.in(1), d = a.dy();
  Value p = unary(g, UnaryFn::kExp, a.in(0));
  Value t = mul(g, p, d);
  if (a.needs[0]) a.din[0] = neg(g, mul(g, t, row_sum(g, dy)));
  if (a.needs[1]) a.din[1] = sub(g, d, broadcast(g, row_sum(g, t), g.type(d).shape));
}

// logits (..., classes); target the same shape float32, or labels of shape (...)
void expect_target(const InferArgs& a) {
  expect_float(a, 0);
  const TensorType &x = a.in[0], &t = a.in[1];
  if (x.shape.rank() < 1) fail("logits need at least one axis");
  const bool dense = t.dtype == DType::kFloat32;
  const int rank = dense ? x.shape.rank() : x.shape.rank() - 1;
  bool fits = t.shape.rank() == rank;
  for (int i = 0; fits && i < rank; ++i) fits = agree(t.shape[i], x.shape[i]);
  if (!dense) expect_index(t);
  if (!fits) {
    fail("logits " + to_string(x.shape) + " and " + (dense ? "targets " : "labels ") +
         to_string(t.shape) + " do not fit; expected " +
         (dense ? to_string(x.shape) : to_string(Shape(x.shape.begin(), x.shape.end() - 1))));
  }
}

void infer_cross_entropy(InferArgs& a) {
  expect_operands(a, 2);
  expect_target(a);
  const Shape& x = a.in[0].shape;
  a.out = {{DType::kFloat32, Shape(x.begin(), x.end() - 1)}};
}

void infer_cross_entropy_grad(InferArgs& a) {
  expect_operands(a, 3);
  expect_target(a);
  expect_float(a, 2);
  const Shape& x = a.in[0].shape;
  const Shape& dy = a.in[2].shape;
  bool fits = dy.rank() == x.rank() - 1;
  for (int i = 0; fits && i < dy.rank(); ++i) fits = agree(dy[i], x[i]);
  if (!fits) fail("dy is " + to_string(dy) + ", expected one axis less than " + to_string(x));
  a.out = {a.in[0]};
}

void vjp_cross_entropy(VjpArgs& a) {
  Graph& g = a.g;
  if (a.needs[0]) {
    a.din[0] = g.add(Op::softmax_cross_entropy_grad, {a.in(0), a.in(1), a.dy()});
  }
  if (a.needs[1]) {  // d/dt = logsumexp(x) - x = -log_softmax(x)
    Shape column = g.type(a.dy()).shape;
    column.push_back(1);
    Value log = g.add(Op::log_softmax, {a.in(0)});
    a.din[1] = neg(g, mul(g, log, reshape(g, a.dy(), column)));
  }
}

void body_softmax(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::softmax(*k.exec, r.rows, r.cols, k.in[0].f32(), k.out[0].f32());
}
void body_log_softmax(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::log_softmax(*k.exec, r.rows, r.cols, k.in[0].f32(), k.out[0].f32());
}
void body_softmax_grad(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::softmax_grad(*k.exec, r.rows, r.cols, k.in[0].f32(), k.in[1].f32(), k.out[0].f32());
}
void body_log_softmax_grad(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::log_softmax_grad(*k.exec, r.rows, r.cols, k.in[0].f32(), k.in[1].f32(), k.out[0].f32());
}
void body_cross_entropy(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::softmax_cross_entropy(*k.exec, r.rows, r.cols, k.in[0].f32(), k.in[1], k.out[0].f32());
}
void body_cross_entropy_grad(const KernelArgs& k) noexcept {
  const Rows r(k.in[0].shape());
  cpu::softmax_cross_entropy_grad(*k.exec, r.rows, r.cols, k.in[0].f32(), k.in[1], k.in[2].f32(),
                                  k.out[0].f32());
}

}  // namespace

extern const OpInfo op_softmax{infer_softmax, vjp_softmax, body_softmax, nullptr, 0};
extern const OpInfo op_softmax_grad{infer_softmax_grad, vjp_softmax_grad, body_softmax_grad,
                                    nullptr, 0};
extern const OpInfo op_log_softmax{infer_softmax, vjp_log_softmax, body_log_softmax, nullptr, 0};
extern const OpInfo op_log_softmax_grad{infer_softmax_grad, vjp_log_softmax_grad,
                                        body_log_softmax_grad, nullptr, 0};
extern const OpInfo op_softmax_cross_entropy{infer_cross_entropy, vjp_cross_entropy,
                                             body_cross_entropy, nullptr, kChecksValues};
extern const OpInfo op_softmax_cross_entropy_grad{infer_cross_entropy_grad, nullptr,
                                                  body_cross_entropy_grad, nullptr, kChecksValues};

}  // namespace nnseq
