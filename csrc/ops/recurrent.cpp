// Recurrent layers over whole sequences: SimpleRNN, LSTM and GRU (reset after the product), with
// tanh, and sigmoid for gates.
//
// N sequences, T steps, U units, G gates (1, 4, 3). The input's product is a matmul of its own.
#include "cpu/recurrent.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

bool has_cell(const RecurrentAttrs& r) { return r.cell == RecurrentCell::kLstm; }
bool has_bias(const RecurrentAttrs& r) { return r.cell == RecurrentCell::kGru; }
bool has_extra(const RecurrentAttrs& r) { return r.cell != RecurrentCell::kSimple; }

// Where the operands and results of the two ops stand; -1: not there.
struct Places {
  explicit Places(const RecurrentAttrs& r) {
    const auto next_if = [](bool there, int& n) { return there ? n++ : -1; };
    int n = 2;  // x, kernel
    bias = next_if(has_bias(r), n);
    h0 = n++;
    c0 = next_if(has_cell(r), n);
    mask = next_if(r.masked, n);
    num_in = n;
    n = 2;  // y, h
    c = next_if(has_cell(r), n);
    gates = n++;
    h_prev = n++;
    extra = next_if(has_extra(r), n);
    num_out = n;
    n = 2;  // kernel, gates
    grad.extra = next_if(has_extra(r), n);
    grad.h_prev = next_if(has_bias(r), n);
    grad.mask = next_if(r.masked, n);
    grad.dh = n++;
    grad.dc = next_if(has_cell(r), n);
    grad.num_in = n;  // and dy, which may be missing
    n = 1;            // dx
    grad.ds = next_if(has_bias(r), n);
    grad.dh0 = n++;
    grad.dc0 = next_if(has_cell(r), n);
    grad.num_out = n;
  }
  int bias, h0, c0, mask, num_in;
  int c, gates, h_prev, extra, num_out;
  struct {
    int extra, h_prev, mask, dh, dc, num_in;
    int ds, dh0, dc0, num_out;
  } grad;
};

std::size_t at(int i) { return static_cast<std::size_t>(i); }

struct Sizes {
  std::int64_t n, steps, units, columns;
  TensorType gates() const { return {DType::kFloat32, {n, steps, columns}}; }
  TensorType sequence() const { return {DType::kFloat32, {n, steps, units}}; }
  TensorType state() const { return {DType::kFloat32, {n, units}}; }
};

void expect_like(const InferArgs& a, int i, const TensorType& want, const char* name) {
  const TensorType& got = a.in[at(i)];
  bool fits = got.dtype == want.dtype && got.shape.rank() == want.shape.rank();
  for (int d = 0; fits && d < want.shape.rank(); ++d) fits = agree(got.shape[d], want.shape[d]);
  if (!fits) fail(std::string(name) + " is " + to_string(got) + ", expected " + to_string(want));
}

// The kernel says how many units there are; sizes of x fill in what is not known.
Sizes sizes_of(const InferArgs& a, int kernel, int x) {
  const std::int64_t gates = cpu::gates_of(a.as<RecurrentAttrs>().cell);
  expect_float(a, at(kernel));
  expect_float(a, at(x));
  expect_rank(a, at(kernel), 2);
  expect_rank(a, at(x), 3);
  const Shape &u = a.in[at(kernel)].shape, &s = a.in[at(x)].shape;
  const std::int64_t columns = known(u[1], u[0] < 0 ? kUnknown : gates * u[0]);
  const std::int64_t units = columns < 0 ? kUnknown : columns / gates;
  if (columns >= 0 && (columns != gates * units || !agree(u[0], units))) {
    fail("the recurrent kernel is " + to_string(u) + ", expected (units, " + std::to_string(gates) +
         " * units)");
  }
  const Sizes z{s[0], s[1], units, columns};
  expect_like(a, x, z.gates(), "the projected input");
  return z;
}

// x (N, T, G U), kernel (U, G U) [, bias (G U,)], h0 (N, U) [, c0] [, mask (N, T)]
// -> y (N, T, U), h (N, U) [, c] and, for the gradient, gates like x, h_prev like y [, extra]
void infer_recurrent(InferArgs& a) {
  const RecurrentAttrs& r = a.as<RecurrentAttrs>();
  const Places p(r);
  expect_operands(a, at(p.num_in));
  Sizes z = sizes_of(a, 1, 0);
  if (p.bias > 0) expect_like(a, p.bias, {DType::kFloat32, {z.columns}}, "the recurrent bias");
  expect_like(a, p.h0, z.state(), "the initial state");
  if (p.c0 > 0) expect_like(a, p.c0, z.state(), "the initial cell state");
  if (p.mask > 0) expect_like(a, p.mask, {DType::kBool, {z.n, z.steps}}, "the mask");
  a.out = {z.sequence(), z.state()};
  if (p.c > 0) a.out.push_back(z.state());
  a.out.push_back(z.gates());
  a.out.push_back(z.sequence());
  if (p.extra > 0) a.out.push_back(z.sequence());
}

// kernel, gates [, extra] [, h_prev] [, mask], dh [, dc] [, dy] -> dx [, ds], dh0 [, dc0]
void infer_recurrent_grad(InferArgs& a) {
  const RecurrentAttrs& r = a.as<RecurrentAttrs>();
  const auto p = Places(r).grad;
  const bool has_dy = a.in.size() > at(p.num_in);
  expect_operands(a, at(p.num_in) + (has_dy ? 1 : 0));
  const Sizes z = sizes_of(a, 0, 1);
  for (int i : {p.extra, p.h_prev, has_dy ? p.num_in : -1}) {
    if (i > 0) expect_like(a, i, z.sequence(), "an operand of all steps");
  }
  if (p.mask > 0) expect_like(a, p.mask, {DType::kBool, {z.n, z.steps}}, "the mask");
  for (int i : {p.dh, p.dc}) {
    if (i > 0) expect_like(a, i, z.state(), "the gradient of a state");
  }
  a.out = {z.gates()};
  if (p.ds > 0) a.out.push_back(z.gates());
  a.out.push_back(z.state());
  if (p.dc0 > 0) a.out.push_back(z.state());
}

Value flat(Graph& g, Value x) {
  const Shape s = g.type(x).shape;
  return reshape(g, x, {s[0] * s[1], s[2]});
}

// The kernel's gradient is one product over all sequences and steps.
void vjp_recurrent(VjpArgs& a) {
  const RecurrentAttrs& r = a.node.as<RecurrentAttrs>();
  const Places p(r);
  Graph& g = a.g;
  for (std::size_t k = at(p.gates); k < a.dout.size(); ++k) {
    if (a.dout[k]) {
      throw Error(ErrorKind::kUnsupported,
                  "recurrent: the gradient through what it keeps for its own is not available");
    }
  }
  const auto given = [&](int k) { return a.dout[at(k)] ? a.dout[at(k)] : zeros(g, a.type(p.h0)); };
  std::vector<Value> in{a.in(1), a.y(p.gates)};
  if (p.extra > 0) in.push_back(a.y(p.extra));
  if (p.grad.h_prev > 0) in.push_back(a.y(p.h_prev));
  if (p.mask > 0) in.push_back(a.in(p.mask));
  in.push_back(given(1));
  if (p.c > 0) in.push_back(given(p.c));
  if (a.dout[0]) in.push_back(a.dout[0]);
  const Value d = g.add(Op::recurrent_grad, std::move(in), r);
  const Value ds{d.node, std::max(p.grad.ds, 0)};
  a.din[0] = d;
  if (a.needs[1]) {
    a.din[1] =
        g.add(Op::matmul, {flat(g, a.y(p.h_prev)), flat(g, ds)}, MatmulAttrs{true, false, {}});
  }
  if (p.bias > 0 && a.needs[at(p.bias)]) a.din[at(p.bias)] = reduce(g, ReduceFn::kSum, ds, {0, 1});
  a.din[at(p.h0)] = {d.node, p.grad.dh0};
  if (p.c0 > 0) a.din[at(p.c0)] = {d.node, p.grad.dc0};
}

cpu::Recurrence recurrence(const Shape& kernel, const Shape& gates, const RecurrentAttrs& r) {
  return {r.cell, gates[0], gates[1], kernel[0], r.reverse, r.zero_output};
}

float* operand(const TensorRef* refs, int i) { return i < 0 ? nullptr : refs[i].f32(); }
const std::uint8_t* mask_of(const KernelArgs& k, int i) {
  return i < 0 ? nullptr : k.in[i].as<std::uint8_t>();
}

std::size_t scratch_recurrent(const ScratchArgs& s) {
  const auto& r = s.node.as<RecurrentAttrs>();
  return cpu::recurrent_scratch(recurrence(s.in[1].shape, s.in[0].shape, r), s.workers);
}
std::size_t scratch_recurrent_grad(const ScratchArgs& s) {
  const auto& r = s.node.as<RecurrentAttrs>();
  return cpu::recurrent_scratch(recurrence(s.in[0].shape, s.in[1].shape, r), s.workers);
}

// Of the recurrent product alone.
Work work_of(const TensorType& kernel, const TensorType& gates) {
  Work w;
  w.flops = 2.0 * static_cast<double>(gates.count()) * static_cast<double>(kernel.shape[0]);
  return w;
}
Work work_recurrent(const WorkArgs& s) { return work_of(s.in[1], s.in[0]); }
Work work_recurrent_grad(const WorkArgs& s) { return work_of(s.in[0], s.in[1]); }

void body_recurrent(const KernelArgs& k) noexcept {
  const auto& r = attrs_of<RecurrentAttrs>(k);
  const Places p(r);
  cpu::RecurrentForward a{};
  a.x = k.in[0].f32();
  a.kernel = k.in[1].f32();
  a.bias = operand(k.in, p.bias);
  a.h0 = operand(k.in, p.h0);
  a.c0 = operand(k.in, p.c0);
  a.mask = mask_of(k, p.mask);
  a.y = k.out[0].f32();
  a.h = k.out[1].f32();
  a.c = operand(k.out, p.c);
  a.gates = operand(k.out, p.gates);
  a.h_prev = operand(k.out, p.h_prev);
  a.extra = operand(k.out, p.extra);
  cpu::recurrent(*k.exec, recurrence(k.in[1].shape(), k.in[0].shape(), r), a, k.scratch);
}

void body_recurrent_grad(const KernelArgs& k) noexcept {
  const auto& r = attrs_of<RecurrentAttrs>(k);
  const auto p = Places(r).grad;
  cpu::RecurrentBackward a{};
  a.kernel = k.in[0].f32();
  a.gates = k.in[1].f32();
  a.extra = operand(k.in, p.extra);
  a.h_prev = operand(k.in, p.h_prev);
  a.mask = mask_of(k, p.mask);
  a.dh = operand(k.in, p.dh);
  a.dc = operand(k.in, p.dc);
  a.dy = k.num_in > p.num_in ? k.in[p.num_in].f32() : nullptr;
  a.dx = k.out[0].f32();
  a.ds = operand(k.out, p.ds);
  a.dh0 = operand(k.out, p.dh0);
  a.dc0 = operand(k.out, p.dc0);
  cpu::recurrent_grad(*k.exec, recurrence(k.in[0].shape(), k.in[1].shape(), r), a, k.scratch);
}

}  // namespace

extern const OpInfo op_recurrent{infer_recurrent,          vjp_recurrent,
                                 body_recurrent,           scratch_recurrent,
                                 kInPlace | kSpareOutputs, work_recurrent};
extern const OpInfo op_recurrent_grad{infer_recurrent_grad,   nullptr,  body_recurrent_grad,
                                      scratch_recurrent_grad, kInPlace, work_recurrent_grad};

}  // namespace nnseq
