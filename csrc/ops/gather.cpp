// Rows by index: gather, its gradient scatter_add, one_hot.
#include "cpu/gather.h"

#include <algorithm>

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

// A tensor seen as (outer, size, inner) around one axis.
struct View {
  std::int64_t outer = 1, size = 0, inner = 1;
  View(const Shape& shape, std::int64_t axis) {
    const int a = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
    for (int i = 0; i < a; ++i) outer *= shape[i];
    for (int i = a + 1; i < shape.rank(); ++i) inner *= shape[i];
    size = shape[a];
  }
};

// gather: table.shape[:axis] + indices.shape + table.shape[axis + 1:]

void infer_gather(InferArgs& a) {
  expect_operands(a, 2);
  expect_index(a.in[1]);
  const Shape& table = a.in[0].shape;
  const int axis = normal_axis(a.as<AxisAttrs>().axis, table.rank());
  Shape out(table.begin(), table.begin() + axis);
  for (std::int64_t d : a.in[1].shape) out.push_back(d);
  for (int i = axis + 1; i < table.rank(); ++i) out.push_back(table[i]);
  a.out = {{a.in[0].dtype, out}};
}

void vjp_gather(VjpArgs& a) {
  const int axis = normal_axis(a.node.as<AxisAttrs>().axis, a.shape(0).rank());
  a.din[0] = a.g.add(Op::scatter_add, {a.dy(), a.in(1)}, ScatterAttrs{axis, a.shape(0)[axis]});
}

void body_gather(const KernelArgs& k) noexcept {
  const View v(k.in[0].shape(), attrs_of<AxisAttrs>(k).axis);
  cpu::gather(*k.exec, v.outer, v.size, v.inner, k.in[0], k.in[1], k.out[0]);
}

// Only the rows that are asked for are read.
Work work_gather(const WorkArgs& w) {
  Work work;
  work.bytes =
      2.0 * static_cast<double>(w.node.outputs[0].bytes()) + static_cast<double>(w.in[1].bytes());
  return work;
}

// scatter_add: the sum of x's rows at their indices, in a table of `size` along `axis`. Where the
// last axes of the indices are 1 in x, a row of x is added at all of their indices.

// The axes of the indices in x, without those at the end that are 1.
int own_axes(const Shape& x, const Shape& indices, int axis) {
  int n = indices.rank();
  while (n > 0 && x[axis + n - 1] == 1) --n;
  return n;
}

void infer_scatter(InferArgs& a) {
  expect_operands(a, 2);
  expect_float(a, 0);
  expect_index(a.in[1]);
  const ScatterAttrs& s = a.as<ScatterAttrs>();
  if (s.size < 0) fail("size must not be negative");
  const Shape& x = a.in[0].shape;
  const int index_rank = a.in[1].shape.rank();
  const int rank = x.rank() - index_rank + 1;
  if (rank < 1) fail(to_string(x) + " has fewer axes than its indices " + to_string(a.in[1].shape));
  const int axis = normal_axis(s.axis, rank);
  for (int i = 0; i < own_axes(x, a.in[1].shape, axis); ++i) {
    if (agree(x[axis + i], a.in[1].shape[i])) continue;
    fail("the axes of " + to_string(x) + " from " + std::to_string(axis) +
         " on are not those of its indices " + to_string(a.in[1].shape));
  }
  Shape out(x.begin(), x.begin() + axis);
  out.push_back(s.size);
  for (int i = axis + index_rank; i < x.rank(); ++i) out.push_back(x[i]);
  a.out = {{DType::kFloat32, out}};
}

void vjp_scatter(VjpArgs& a) {
  const Value rows =
      a.g.add(Op::gather, {a.dy(), a.in(1)}, AxisAttrs{a.node.as<ScatterAttrs>().axis});
  a.din[0] = sum_to(a.g, rows, a.shape(0));
}

void body_scatter(const KernelArgs& k) noexcept {
  const View v(k.out[0].shape(), attrs_of<ScatterAttrs>(k).axis);
  const std::int64_t rows = k.in[0].count() / std::max<std::int64_t>(v.outer * v.inner, 1);
  cpu::scatter_add(*k.exec, v.outer, v.size, v.inner, k.in[0].f32(), rows, k.in[1], k.out[0].f32());
}

// one_hot: indices.shape + (depth,)

void infer_one_hot(InferArgs& a) {
  expect_operands(a, 1);
  expect_index(a.in[0]);
  Shape out = a.in[0].shape;
  if (a.as<OneHotAttrs>().depth < 0) fail("depth must not be negative");
  out.push_back(a.as<OneHotAttrs>().depth);
  a.out = {{DType::kFloat32, out}};
}

void body_one_hot(const KernelArgs& k) noexcept {
  cpu::one_hot(*k.exec, attrs_of<OneHotAttrs>(k).depth, k.in[0], k.out[0].f32());
}

}  // namespace

extern const OpInfo op_gather{infer_gather, vjp_gather,    body_gather,
                              nullptr,      kChecksValues, work_gather};
extern const OpInfo op_scatter_add{infer_scatter, vjp_scatter, body_scatter, nullptr,
                                   kChecksValues};
extern const OpInfo op_one_hot{infer_one_hot, nullptr, body_one_hot, nullptr, 0};

}  // namespace nnseq
