// Builders: each appends a node to a graph and returns its output.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "nnseq/graph.h"

namespace nnseq::ops {

inline Dims dims_of(const Shape& s) { return {s.begin(), s.end()}; }

inline Value binary(Graph& g, BinaryFn fn, Value a, Value b) {
  return g.add(Op::binary, {a, b}, BinaryAttrs{fn});
}
inline Value add(Graph& g, Value a, Value b) { return binary(g, BinaryFn::kAdd, a, b); }
inline Value sub(Graph& g, Value a, Value b) { return binary(g, BinaryFn::kSubtract, a, b); }
inline Value mul(Graph& g, Value a, Value b) { return binary(g, BinaryFn::kMultiply, a, b); }
inline Value div(Graph& g, Value a, Value b) { return binary(g, BinaryFn::kDivide, a, b); }
inline Value unary(Graph& g, UnaryFn fn, Value x, float alpha = 0) {
  return g.add(Op::unary, {x}, UnaryAttrs{fn, alpha});
}
inline Value neg(Graph& g, Value x) { return unary(g, UnaryFn::kNegative, x); }
inline Value scale(Graph& g, Value x, double by) {
  return mul(g, x, g.scalar(by, g.type(x).dtype));
}
inline Value select(Graph& g, Value c, Value a, Value b) { return g.add(Op::select, {c, a, b}); }
inline Value cast(Graph& g, Value x, DType dtype) {
  return g.type(x).dtype == dtype ? x : g.add(Op::cast, {x}, CastAttrs{dtype});
}
inline Value reshape(Graph& g, Value x, const Shape& shape) {
  return g.type(x).shape == shape ? x : g.add(Op::reshape, {x}, SizesAttrs{dims_of(shape)});
}
inline Value broadcast(Graph& g, Value x, const Shape& shape) {
  return g.type(x).shape == shape ? x : g.add(Op::broadcast, {x}, SizesAttrs{dims_of(shape)});
}
inline Value zeros(Graph& g, const TensorType& type) {
  return broadcast(g, g.scalar(0, type.dtype), type.shape);
}
inline Value reduce(Graph& g, ReduceFn fn, Value x, Dims axes, bool keepdims = false) {
  return g.add(Op::reduce, {x}, ReduceAttrs{fn, std::move(axes), keepdims});
}
inline Value mean(Graph& g, Value x) {
  Dims axes;
  for (int i = 0; i < g.type(x).shape.rank(); ++i) axes.push_back(i);
  return reduce(g, ReduceFn::kMean, x, std::move(axes));
}

// (..., M, K) x (..., K, N)
inline Value matmul(Graph& g, Value a, Value b) { return g.add(Op::matmul, {a, b}, MatmulAttrs{}); }
// (N, H, W, C) and a kernel (h, w, C / groups, filters)
inline Value conv2d(Graph& g, Value x, Value kernel, ConvAttrs attrs = {}) {
  return g.add(Op::conv2d, {x, kernel}, std::move(attrs));
}
inline Value max_pool(Graph& g, Value x, PoolAttrs attrs) {
  return g.add(Op::max_pool, {x}, std::move(attrs));
}
inline Value avg_pool(Graph& g, Value x, PoolAttrs attrs) {
  return g.add(Op::avg_pool, {x}, std::move(attrs));
}
inline Value softmax(Graph& g, Value x) { return g.add(Op::softmax, {x}); }
inline Value relu(Graph& g, Value x) { return unary(g, UnaryFn::kRelu, x); }
// Of logits (..., classes) and labels (...) or probabilities of the same shape, per sample.
inline Value softmax_cross_entropy(Graph& g, Value logits, Value target) {
  return g.add(Op::softmax_cross_entropy, {logits, target});
}

// The gradients of a scalar, one value per source.
inline std::vector<Value> gradients(Graph& g, Value target, const std::vector<Value>& sources) {
  std::vector<Value> in{target};
  in.insert(in.end(), sources.begin(), sources.end());
  const Value first = g.add(Op::gradient, std::move(in));
  std::vector<Value> found;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    found.push_back({first.node, static_cast<std::int32_t>(i)});
  }
  return found;
}

}  // namespace nnseq::ops
