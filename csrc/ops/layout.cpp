// Moving elements: reshape, transpose, concat, slice, pad, reverse, iota.
#include "cpu/layout.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

// reshape: at most one size of -1

void infer_reshape(InferArgs& a) {
  expect_operands(a, 1);
  Shape out;
  int inferred = -1;
  std::int64_t rest = 1;
  bool exact = a.in[0].shape.is_known();
  for (std::int64_t s : a.as<SizesAttrs>().sizes) {
    if (s == -1 && inferred >= 0) fail("more than one size is -1");
    if (s == -1) inferred = out.rank();
    if (s < -1 && s > kHostSize) fail("size " + std::to_string(s) + " is negative");
    if (s <= kHostSize) exact = false;
    if (s >= 0 && __builtin_mul_overflow(rest, s, &rest)) fail("the sizes are too large");
    out.push_back(size_or_unknown(s));
  }
  if (exact) {
    const std::int64_t n = a.in[0].shape.count();
    if (inferred >= 0 && rest != 0 && n % rest == 0) out[inferred] = n / rest;
    if (!out.is_known() || (inferred < 0 && rest != n)) {
      fail("cannot turn " + to_string(a.in[0].shape) + " (" + std::to_string(n) +
           " elements) into " + to_string(out));
    }
  }
  a.out = {{a.in[0].dtype, out}};
}

void vjp_reshape(VjpArgs& a) { a.din[0] = reshape(a.g, a.dy(), a.shape(0)); }

// transpose: out.shape[i] = in.shape[axes[i]]

void infer_transpose(InferArgs& a) {
  expect_operands(a, 1);
  const Dims& axes = a.as<AxesAttrs>().axes;
  const Shape& in = a.in[0].shape;
  unsigned seen = 0;
  Shape out;
  for (std::int64_t axis : axes) {
    if (axis < 0 || axis >= in.rank())
      fail("axis " + std::to_string(axis) + " is out of range for " + to_string(in));
    seen |= 1u << axis;
    out.push_back(in[static_cast<int>(axis)]);
  }
  if (out.rank() != in.rank() || seen != (1u << in.rank()) - 1) {
    fail("axes must name each axis of " + to_string(in) + " once");
  }
  a.out = {{a.in[0].dtype, out}};
}

void vjp_transpose(VjpArgs& a) {
  const Dims& axes = a.node.as<AxesAttrs>().axes;
  Dims inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    inverse[static_cast<std::size_t>(axes[i])] = static_cast<std::int64_t>(i);
  }
  a.din[0] = a.g.add(Op::transpose, {a.dy()}, AxesAttrs{std::move(inverse)});
}

void body_transpose(const KernelArgs& k) noexcept {
  int perm[kMaxRank];
  int i = 0;
  for (std::int64_t axis : attrs_of<AxesAttrs>(k).axes) perm[i++] = static_cast<int>(axis);
  cpu::transpose(*k.exec, k.in[0], perm, k.out[0]);
}

// concat

void infer_concat(InferArgs& a) {
  if (a.in.empty()) fail("takes at least one tensor");
  Shape out = a.in[0].shape;
  const int axis = normal_axis(a.as<AxisAttrs>().axis, out.rank());
  for (std::size_t i = 1; i < a.in.size(); ++i) {
    const Shape& s = a.in[i].shape;
    bool fits = s.rank() == out.rank() && a.in[i].dtype == a.in[0].dtype;
    for (int d = 0; fits && d < s.rank(); ++d) {
      if (d == axis) {
        out[d] = s[d] < 0 || out[d] < 0 ? kUnknown : out[d] + s[d];
      } else {
        fits = agree(s[d], out[d]);
        out[d] = known(out[d], s[d]);
      }
    }
    if (!fits) {
      fail("operand " + std::to_string(i) + " " + to_string(a.in[i]) + " does not fit " +
           to_string(a.in[0]) + " along axis " + std::to_string(axis));
    }
  }
  a.out = {{a.in[0].dtype, out}};
}

Value part(Graph& g, Value x, int axis, std::int64_t begin, std::int64_t size) {
  const Shape s = g.type(x).shape;
  SliceAttrs attrs{Dims(static_cast<std::size_t>(s.rank()), 0), dims_of(s),
                   Dims(static_cast<std::size_t>(s.rank()), 1)};
  attrs.begin[static_cast<std::size_t>(axis)] = begin;
  attrs.sizes[static_cast<std::size_t>(axis)] = size;
  return g.add(Op::slice, {x}, std::move(attrs));
}

void vjp_concat(VjpArgs& a) {
  const int axis = normal_axis(a.node.as<AxisAttrs>().axis, a.shape(0).rank());
  std::int64_t begin = 0;
  for (int i = 0; i < static_cast<int>(a.node.inputs.size()); ++i) {
    const std::int64_t size = a.shape(i)[axis];
    if (a.needs[static_cast<std::size_t>(i)]) {
      a.din[static_cast<std::size_t>(i)] = part(a.g, a.dy(), axis, begin, size);
    }
    begin += size;
  }
}

void body_concat(const KernelArgs& k) noexcept {
  const std::int64_t axis = attrs_of<AxisAttrs>(k).axis;
  cpu::concat(*k.exec, k.in, k.num_in,
              static_cast<int>(axis < 0 ? axis + k.out[0].shape().rank() : axis), k.out[0]);
}

// unstack: x (T, ...) -> T values (...), made where a scan is unrolled; always the operand's memory

void infer_unstack(InferArgs& a) {
  expect_operands(a, 1);
  const Shape& in = a.in[0].shape;
  if (in.rank() < 1 || in[0] < 0) fail("needs a known leading axis, got " + to_string(in));
  a.out.assign(static_cast<std::size_t>(in[0]), {a.in[0].dtype, Shape(in.begin() + 1, in.end())});
}

void vjp_unstack(VjpArgs& a) {
  std::vector<Value> rows;
  for (Value d : a.dout) {
    Shape row{1};
    for (int i = 1; i < a.shape(0).rank(); ++i) row.push_back(a.shape(0)[i]);
    rows.push_back(d ? reshape(a.g, d, row) : zeros(a.g, {DType::kFloat32, row}));
  }
  a.din[0] = a.g.add(Op::concat, std::move(rows), AxisAttrs{0});
}

// slice: out[i] = in[begin + i * step]

void infer_slice(InferArgs& a) {
  expect_operands(a, 1);
  const SliceAttrs& s = a.as<SliceAttrs>();
  const Shape& in = a.in[0].shape;
  const auto rank = static_cast<std::size_t>(in.rank());
  if (s.begin.size() != rank || s.sizes.size() != rank || s.step.size() != rank) {
    fail("begin, sizes and step must have one entry for each axis of " + to_string(in));
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    const std::int64_t size = size_or_unknown(s.sizes[d]);
    if (s.step[d] < 1) fail("a step must be at least 1");
    if (in[i] >= 0 && size > 0 && s.begin[d] > kHostSize &&
        (s.begin[d] < 0 || s.begin[d] >= in[i] ||
         size - 1 > (in[i] - 1 - s.begin[d]) / s.step[d])) {
      fail("slice of " + std::to_string(size) + " from " + std::to_string(s.begin[d]) +
           " on axis " + std::to_string(i) + " is outside " + to_string(in));
    }
    out.push_back(size);
  }
  a.out = {{a.in[0].dtype, out}};
}

void vjp_slice(VjpArgs& a) {
  const SliceAttrs& s = a.node.as<SliceAttrs>();
  const Shape& in = a.shape(0);
  PadAttrs p;
  for (int i = 0; i < in.rank(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    const std::int64_t span = s.sizes[d] ? (s.sizes[d] - 1) * s.step[d] + 1 : 0;
    p.low.push_back(s.begin[d]);
    p.high.push_back(in[i] - s.begin[d] - span);
    p.interior.push_back(s.sizes[d] > 1 ? s.step[d] - 1 : 0);
  }
  a.din[0] = a.g.add(Op::pad, {a.dy()}, std::move(p));
}

// Only what is kept is read.
Work work_slice(const WorkArgs& w) {
  Work work;
  work.bytes = 2.0 * static_cast<double>(w.node.outputs[0].bytes());
  return work;
}

void body_slice(const KernelArgs& k) noexcept {
  const SliceAttrs& s = attrs_of<SliceAttrs>(k);
  cpu::slice(*k.exec, k.in[0], s.begin.data(), s.step.data(), k.out[0]);
}

// pad: out[low + i * (interior + 1)] = in[i]; negative low or high crop

constexpr std::int64_t kMaxInterior = std::int64_t{1} << 20;

void infer_pad(InferArgs& a) {
  expect_operands(a, 1);
  const PadAttrs& p = a.as<PadAttrs>();
  const Shape& in = a.in[0].shape;
  const auto rank = static_cast<std::size_t>(in.rank());
  if (p.low.size() != rank || p.high.size() != rank || p.interior.size() != rank) {
    fail("low, high and interior must have one entry for each axis of " + to_string(in));
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    if (p.interior[d] < 0 || p.interior[d] > kMaxInterior) {
      fail("interior must be in [0, 2^20], got " + std::to_string(p.interior[d]));
    }
    if (in[i] < 0 || p.low[d] <= kHostSize || p.high[d] <= kHostSize) {
      out.push_back(kUnknown);
      continue;
    }
    const std::int64_t body = in[i] ? (in[i] - 1) * (p.interior[d] + 1) + 1 : 0;
    if (p.low[d] + body + p.high[d] < 0)
      fail("padding makes axis " + std::to_string(i) + " of " + to_string(in) + " negative");
    out.push_back(p.low[d] + body + p.high[d]);
  }
  a.out = {{a.in[0].dtype, out}};
}

// The kept part of the operand's gradient: strided slice, itself padded where the forward cropped.
void vjp_pad(VjpArgs& a) {
  const PadAttrs& p = a.node.as<PadAttrs>();
  const Shape& in = a.shape(0);
  Value dy = a.dy();
  PadAttrs uncrop;
  bool crops = false;
  for (int i = 0; i < in.rank(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    uncrop.low.push_back(std::max<std::int64_t>(0, -p.low[d]));
    uncrop.high.push_back(std::max<std::int64_t>(0, -p.high[d]));
    uncrop.interior.push_back(0);
    crops = crops || p.low[d] < 0 || p.high[d] < 0;
  }
  if (crops) dy = a.g.add(Op::pad, {dy}, std::move(uncrop));
  SliceAttrs s;
  for (int i = 0; i < in.rank(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    s.begin.push_back(std::max<std::int64_t>(0, p.low[d]));
    s.sizes.push_back(in[i]);
    s.step.push_back(p.interior[d] + 1);
  }
  a.din[0] = a.g.add(Op::slice, {dy}, std::move(s));
}

void body_pad(const KernelArgs& k) noexcept {
  const PadAttrs& p = attrs_of<PadAttrs>(k);
  cpu::pad(*k.exec, k.in[0], p.low.data(), p.interior.data(), p.value, k.out[0]);
}

// reverse

void infer_reverse(InferArgs& a) {
  expect_operands(a, 1);
  for (std::int64_t axis : a.as<AxesAttrs>().axes) normal_axis(axis, a.in[0].shape.rank());
  a.out = {a.in[0]};
}

void vjp_reverse(VjpArgs& a) { a.din[0] = a.g.add(Op::reverse, {a.dy()}, a.node.as<AxesAttrs>()); }

void body_reverse(const KernelArgs& k) noexcept {
  std::uint32_t axes = 0;
  const int rank = k.out[0].shape().rank();
  for (std::int64_t axis : attrs_of<AxesAttrs>(k).axes)
    axes |= 1u << (axis < 0 ? axis + rank : axis);
  cpu::reverse(*k.exec, k.in[0], axes, k.out[0]);
}

// iota: start + i * step

void infer_iota(InferArgs& a) {
  expect_operands(a, 0);
  const IotaAttrs& i = a.as<IotaAttrs>();
  if (i.sizes.size() != 1) fail("sizes must have one entry");
  if (i.dtype == DType::kBool) fail_type("iota of bool");
  a.out = {{i.dtype, {size_or_unknown(i.sizes[0])}}};
}

void body_iota(const KernelArgs& k) noexcept {
  const IotaAttrs& i = attrs_of<IotaAttrs>(k);
  cpu::iota(*k.exec, i.start, i.step, k.out[0]);
}

}  // namespace

extern const OpInfo op_reshape{infer_reshape, vjp_reshape, nullptr, nullptr, kAlias};
extern const OpInfo op_transpose{infer_transpose, vjp_transpose, body_transpose, nullptr, 0};
extern const OpInfo op_concat{infer_concat, vjp_concat, body_concat, nullptr, 0};
extern const OpInfo op_unstack{infer_unstack, vjp_unstack, nullptr, nullptr, kAlias};
extern const OpInfo op_slice{infer_slice, vjp_slice, body_slice, nullptr, 0, work_slice};
extern const OpInfo op_pad{infer_pad, vjp_pad, body_pad, nullptr, 0};
extern const OpInfo op_reverse{infer_reverse, vjp_reverse, body_reverse, nullptr, 0};
extern const OpInfo op_iota{infer_iota, nullptr, body_iota, nullptr, 0};

}  // namespace nnseq
