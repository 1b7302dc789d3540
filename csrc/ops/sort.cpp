// Order and running sums along an axis: arg_sort, cumsum.
#include "cpu/sort.h"

#include <limits>

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

// arg_sort: the indices that sort the last axis, int32; a sorted tensor is a gather by them

void infer_arg_sort(InferArgs& a) {
  expect_operands(a, 1);
  const Shape& x = a.in[0].shape;
  if (x.rank() == 0) fail("needs at least one axis");
  if (x[-1] > std::numeric_limits<std::int32_t>::max()) fail("the axis of " + to_string(x));
  a.out = {{DType::kInt32, x}};
}

void body_arg_sort(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  if (k.in[0].count() == 0) return;
  cpu::arg_sort(*k.exec, k.in[0].count() / x[-1], x[-1], attrs_of<SortAttrs>(k).descending, k.in[0],
                k.out[0]);
}

// cumsum: the sum of each element and all before it along an axis

void infer_cumsum(InferArgs& a) {
  expect_operands(a, 1);
  const TensorType& x = a.in[0];
  normal_axis(a.as<AxisAttrs>().axis, x.shape.rank());
  if (x.dtype == DType::kBool || x.dtype == DType::kUInt8) {
    fail_type("cumsum of " + std::string(name_of(x.dtype)) + "; cast it first");
  }
  a.out = {x};
}

// An element is in the sums of all places from its own on.
void vjp_cumsum(VjpArgs& a) {
  Graph& g = a.g;
  const AxesAttrs axis{{normal_axis(a.node.as<AxisAttrs>().axis, a.shape(0).rank())}};
  const Value back = g.add(Op::reverse, {a.dy()}, axis);
  a.din[0] = g.add(Op::reverse, {g.add(Op::cumsum, {back}, AxisAttrs{axis.axes[0]})}, axis);
}

void body_cumsum(const KernelArgs& k) noexcept {
  const Shape& x = k.in[0].shape();
  const std::int64_t given = attrs_of<AxisAttrs>(k).axis;
  const int axis = static_cast<int>(given < 0 ? given + x.rank() : given);
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= x[i];
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  if (k.in[0].count() > 0) cpu::cumsum(*k.exec, outer, x[axis], inner, k.in[0], k.out[0]);
}

}  // namespace

extern const OpInfo op_arg_sort{infer_arg_sort, nullptr, body_arg_sort, nullptr, 0};
extern const OpInfo op_cumsum{infer_cumsum, vjp_cumsum, body_cumsum, nullptr, 0};

}  // namespace nnseq
