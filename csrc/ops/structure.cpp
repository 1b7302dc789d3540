// The graph's own ops: inputs, constants, state, host integers, gradient, scan.
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

void made_by_graph(InferArgs&) { fail("is made by Graph's own methods, not by add"); }

void infer_dim(InferArgs& a) {
  expect_operands(a, 1);
  normal_axis(a.as<AxisAttrs>().axis, a.in[0].shape.rank());
  a.out = {{DType::kInt64, {}}};
}

void infer_host(InferArgs& a) {
  expect_operands(a, 2);
  for (const TensorType& t : a.in) {
    if (!(t == TensorType{DType::kInt64, {}}))
      fail_type("takes int64 scalars, got " + to_string(t));
  }
  switch (a.as<BinaryAttrs>().fn) {
    case BinaryFn::kAdd:
    case BinaryFn::kSubtract:
    case BinaryFn::kMultiply:
    case BinaryFn::kFloorDivide:
    case BinaryFn::kMod:
      break;
    default:
      fail("only + - * // % can be applied to sizes");
  }
  a.out = {{DType::kInt64, {}}};
}

void infer_stop_gradient(InferArgs& a) {
  expect_operands(a, 1);
  a.out = {a.in[0]};
}

// (target, sources...) -> one gradient per source
void infer_gradient(InferArgs& a) {
  if (a.in.empty()) fail("takes a target and its sources");
  for (std::size_t i = 0; i < a.in.size(); ++i) {
    expect_float(a, i);
    if (i) a.out.push_back(a.in[i]);
  }
}

void expect_body_input(const Graph& body, std::size_t i, const TensorType& got) {
  const TensorType& want = body.type(body.inputs()[i]);
  bool fits = want.dtype == got.dtype && want.shape.rank() == got.shape.rank();
  for (int d = 0; fits && d < want.shape.rank(); ++d) fits = agree(want.shape[d], got.shape[d]);
  if (!fits) {
    fail("operand " + std::to_string(i) + " is " + to_string(got) + ", the body takes " +
         to_string(want));
  }
}

void infer_scan(InferArgs& a) {
  const ScanAttrs& s = a.as<ScanAttrs>();
  if (s.body == nullptr) fail("has no body");
  const auto most = static_cast<std::int64_t>(a.in.size());
  if (s.num_states < 0 || s.num_states > most || s.num_sequences > most) {
    fail("names " + std::to_string(s.num_states) + " states and " +
         std::to_string(s.num_sequences) + " sequences among " + std::to_string(most) +
         " operands");
  }
  const auto states = static_cast<std::size_t>(s.num_states);
  const auto inputs = states + static_cast<std::size_t>(s.num_sequences);
  if (s.num_sequences < 1) fail("needs at least one sequence to know its length");
  if (a.in.size() != s.body->inputs().size() || s.body->outputs().size() < states) {
    fail("the body takes " + std::to_string(s.body->inputs().size()) + " values, got " +
         std::to_string(a.in.size()));
  }
  std::int64_t length = kUnknown;
  for (std::size_t i = 0; i < a.in.size(); ++i) {
    TensorType t = a.in[i];
    if (i >= states && i < inputs) {
      if (t.shape.rank() == 0) fail("a sequence needs a leading time axis");
      if (!agree(length, t.shape[0])) fail("sequences differ in length");
      length = known(length, t.shape[0]);
      t.shape = Shape(t.shape.begin() + 1, t.shape.end());
    }
    expect_body_input(*s.body, i, t);
  }
  for (std::size_t i = 0; i < s.body->outputs().size(); ++i) {
    TensorType t = s.body->type(s.body->outputs()[i].value);
    if (i < states) {
      if (t.dtype != a.in[i].dtype || t.shape.rank() != a.in[i].shape.rank()) {
        fail("state " + std::to_string(i) + " changes from " + to_string(a.in[i]) + " to " +
             to_string(t));
      }
      a.out.push_back(a.in[i]);
    } else {
      Shape stacked{length};
      for (std::int64_t d : t.shape) stacked.push_back(d);
      a.out.push_back({t.dtype, stacked});
    }
  }
}

}  // namespace

extern const OpInfo op_input{made_by_graph, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_constant{made_by_graph, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_read{made_by_graph, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_dim{infer_dim, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_host{infer_host, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_stop_gradient{infer_stop_gradient, nullptr, nullptr, nullptr,
                                     kStructural | kAlias};
extern const OpInfo op_gradient{infer_gradient, nullptr, nullptr, nullptr, kStructural};
extern const OpInfo op_scan{infer_scan, nullptr, nullptr, nullptr, kStructural};

}  // namespace nnseq
