// Reductions over axes, and the index of an extreme.
#include "cpu/reduce.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

std::uint32_t axes_mask(const Dims& axes, int rank) {
  std::uint32_t mask = 0;
  for (std::int64_t axis : axes) mask |= 1u << (axis < 0 ? axis + rank : axis);
  return mask;
}

void infer_reduce(InferArgs& a) {
  expect_operands(a, 1);
  const ReduceAttrs& r = a.as<ReduceAttrs>();
  const Shape& in = a.in[0].shape;
  for (std::int64_t axis : r.axes) normal_axis(axis, in.rank());
  const bool extreme = r.fn == ReduceFn::kMax || r.fn == ReduceFn::kMin;
  const bool small = a.in[0].dtype == DType::kBool || a.in[0].dtype == DType::kUInt8;
  if (small && !extreme) {
    fail_type(std::string(kReduceNames[static_cast<int>(r.fn)]) + " of " +
              std::string(name_of(a.in[0].dtype)) + "; cast it first");
  }
  const std::uint32_t mask = axes_mask(r.axes, in.rank());
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (!(mask >> i & 1)) {
      out.push_back(in[i]);
    } else if (r.keepdims) {
      out.push_back(1);
    }
  }
  a.out = {{a.in[0].dtype, out}};
}

// y or dy with the reduced axes put back as 1, so that it broadcasts against x.
Value with_axes(VjpArgs& a, Value v) {
  const std::uint32_t mask = axes_mask(a.node.as<ReduceAttrs>().axes, a.shape(0).rank());
  Shape kept;
  for (int i = 0; i < a.shape(0).rank(); ++i) kept.push_back(mask >> i & 1 ? 1 : a.shape(0)[i]);
  return reshape(a.g, v, kept);
}

// For each element the product of the other ones it is multiplied with; any of them may be zero.
Value product_of_others(VjpArgs& a) {
  Graph& g = a.g;
  const Dims& axes = a.node.as<ReduceAttrs>().axes;
  const Value x = a.in(0), zero = g.scalar(0, DType::kFloat32), one = g.scalar(1, DType::kFloat32);
  Value is_zero = binary(g, BinaryFn::kEqual, x, zero);
  Value filled = select(g, is_zero, one, x);
  Value count = cast(g, is_zero, DType::kFloat32);
  Value zeros_among_others = sub(g, reduce(g, ReduceFn::kSum, count, axes, true), count);
  Value others = div(g, reduce(g, ReduceFn::kProd, filled, axes, true), filled);
  return select(g, binary(g, BinaryFn::kEqual, zeros_among_others, zero), others, zero);
}

void vjp_reduce(VjpArgs& a) {
  Graph& g = a.g;
  const ReduceAttrs attrs = a.node.as<ReduceAttrs>();
  const Shape x = a.shape(0);
  const double n = static_cast<double>(x.count()) /
                   static_cast<double>(std::max<std::int64_t>(1, g.type(a.y()).count()));
  // Scaled before it is reshaped, so that a constant stays a scalar.
  Value dy = with_axes(a, attrs.fn == ReduceFn::kMean ? scale(g, a.dy(), 1 / n) : a.dy());
  switch (attrs.fn) {
    case ReduceFn::kSum:
    case ReduceFn::kMean:
      a.din[0] = broadcast(g, dy, x);
      break;
    case ReduceFn::kMax:
    case ReduceFn::kMin: {  // ties share the gradient equally
      Value hit =
          cast(g, binary(g, BinaryFn::kEqual, a.in(0), with_axes(a, a.y())), DType::kFloat32);
      Value hits = reduce(g, ReduceFn::kSum, hit, attrs.axes, true);
      a.din[0] = mul(g, hit, div(g, dy, hits));
      break;
    }
    case ReduceFn::kProd:
      a.din[0] = mul(g, dy, product_of_others(a));
      break;
  }
}

std::size_t scratch_reduce(const ScratchArgs& s) {
  const ReduceAttrs& r = s.node.as<ReduceAttrs>();
  return cpu::reduce_scratch(s.in[0], axes_mask(r.axes, s.in[0].shape.rank()), r.fn);
}

void body_reduce(const KernelArgs& k) noexcept {
  const ReduceAttrs& r = attrs_of<ReduceAttrs>(k);
  cpu::reduce(*k.exec, k.in[0], axes_mask(r.axes, k.in[0].shape().rank()), r.fn, k.out[0],
              k.scratch);
}

void infer_arg_reduce(InferArgs& a) {
  expect_operands(a, 1);
  const Shape& in = a.in[0].shape;
  const int axis = normal_axis(a.as<ArgReduceAttrs>().axis, in.rank());
  if (in[axis] == 0) fail("axis " + std::to_string(axis) + " of " + to_string(in) + " is empty");
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (i != axis) out.push_back(in[i]);
  }
  a.out = {{DType::kInt32, out}};
}

void body_arg_reduce(const KernelArgs& k) noexcept {
  const ArgReduceAttrs& r = attrs_of<ArgReduceAttrs>(k);
  const int rank = k.in[0].shape().rank();
  cpu::arg_reduce(*k.exec, k.in[0], static_cast<int>(r.axis < 0 ? r.axis + rank : r.axis), r.max,
                  k.out[0]);
}

}  // namespace

extern const OpInfo op_reduce{infer_reduce, vjp_reduce, body_reduce, scratch_reduce, 0};
extern const OpInfo op_arg_reduce{infer_arg_reduce, nullptr, body_arg_reduce, nullptr, 0};

}  // namespace nnseq
