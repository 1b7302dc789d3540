// Attributes of the ops: plain data, each field named once in `visit`. Printing, comparison, files
// and the Python binding are visitors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nnseq/functions.h"
#include "nnseq/tensor.h"

namespace nnseq {

class Graph;

// Sizes, axes and so on. An entry <= kHostSize stands for host operand number kHostSize - entry
// (an int64 scalar known when the graph is specialised), passed after the op's tensors.
using Dims = std::vector<std::int64_t>;
inline constexpr std::int64_t kHostSize = -1'000'000;

enum class Padding : std::uint8_t { kValid, kSame, kExplicit };
enum class UpdateKind : std::uint8_t { kSgd, kAdam };

#define NNSEQ_ATTRS(Type, ...)                                                   \
  template <class V>                                                             \
  void visit(V&& v) {                                                            \
    visit_fields(*this, v);                                                      \
  }                                                                              \
  template <class V>                                                             \
  void visit(V&& v) const {                                                      \
    visit_fields(*this, v);                                                      \
  }                                                                              \
  template <class Self, class V>                                                 \
  static void visit_fields([[maybe_unused]] Self& self, [[maybe_unused]] V& v) { \
    __VA_ARGS__                                                                  \
  }                                                                              \
  bool operator==(const Type&) const = default;

#define NNSEQ_FIELD(name) v(#name, self.name);

struct NoAttrs {
  NNSEQ_ATTRS(NoAttrs)
};
struct InputAttrs {
  std::string name;
  std::int64_t index = 0;
  NNSEQ_ATTRS(InputAttrs, NNSEQ_FIELD(name) NNSEQ_FIELD(index))
};
struct ConstantAttrs {
  std::shared_ptr<const Tensor> value;  // host memory
  NNSEQ_ATTRS(ConstantAttrs, NNSEQ_FIELD(value))
};
struct ReadAttrs {
  std::int64_t slot = 0;
  NNSEQ_ATTRS(ReadAttrs, NNSEQ_FIELD(slot))
};
struct AxisAttrs {
  std::int64_t axis = 0;
  NNSEQ_ATTRS(AxisAttrs, NNSEQ_FIELD(axis))
};
struct AxesAttrs {
  Dims axes;
  NNSEQ_ATTRS(AxesAttrs, NNSEQ_FIELD(axes))
};
struct SizesAttrs {
  Dims sizes;
  NNSEQ_ATTRS(SizesAttrs, NNSEQ_FIELD(sizes))
};
// body: inputs (states..., one step of each sequence..., captured...) -> outputs (states...,
// one step of each result...). scan: inputs (initial states..., sequences (T, ...)..., captured...)
// -> (final states..., results (T, ...)...). reverse runs from the last step to the first.
struct ScanAttrs {
  std::shared_ptr<const Graph> body;
  std::int64_t num_states = 0;
  std::int64_t num_sequences = 0;
  bool reverse = false;
  NNSEQ_ATTRS(ScanAttrs, NNSEQ_FIELD(body) NNSEQ_FIELD(num_states) NNSEQ_FIELD(num_sequences)
                             NNSEQ_FIELD(reverse))
};
struct UnaryAttrs {
  UnaryFn fn = UnaryFn::kNegative;
  float alpha = 0;
  NNSEQ_ATTRS(UnaryAttrs, NNSEQ_FIELD(fn) NNSEQ_FIELD(alpha))
};
struct BinaryAttrs {
  BinaryFn fn = BinaryFn::kAdd;
  NNSEQ_ATTRS(BinaryAttrs, NNSEQ_FIELD(fn))
};
struct CastAttrs {
  DType dtype = DType::kFloat32;
  NNSEQ_ATTRS(CastAttrs, NNSEQ_FIELD(dtype))
};
struct ChainAttrs {
  std::vector<ChainInstr> code;
  DType dtype = DType::kFloat32;
  NNSEQ_ATTRS(ChainAttrs, NNSEQ_FIELD(code) NNSEQ_FIELD(dtype))
};
struct SliceAttrs {
  Dims begin, sizes, step;
  NNSEQ_ATTRS(SliceAttrs, NNSEQ_FIELD(begin) NNSEQ_FIELD(sizes) NNSEQ_FIELD(step))
};
struct PadAttrs {
  Dims low, high, interior;
  double value = 0;
  NNSEQ_ATTRS(PadAttrs, NNSEQ_FIELD(low) NNSEQ_FIELD(high) NNSEQ_FIELD(interior) NNSEQ_FIELD(value))
};
struct IotaAttrs {
  Dims sizes;  // one entry
  double start = 0, step = 1;
  DType dtype = DType::kInt32;
  NNSEQ_ATTRS(IotaAttrs, NNSEQ_FIELD(sizes) NNSEQ_FIELD(start) NNSEQ_FIELD(step) NNSEQ_FIELD(dtype))
};
struct ScatterAttrs {
  std::int64_t axis = 0;
  std::int64_t size = 0;
  NNSEQ_ATTRS(ScatterAttrs, NNSEQ_FIELD(axis) NNSEQ_FIELD(size))
};
struct OneHotAttrs {
  std::int64_t depth = 0;
  NNSEQ_ATTRS(OneHotAttrs, NNSEQ_FIELD(depth))
};
struct ReduceAttrs {
  ReduceFn fn = ReduceFn::kSum;
  Dims axes;
  bool keepdims = false;
  NNSEQ_ATTRS(ReduceAttrs, NNSEQ_FIELD(fn) NNSEQ_FIELD(axes) NNSEQ_FIELD(keepdims))
};
struct ArgReduceAttrs {
  std::int64_t axis = -1;
  bool max = true;
  NNSEQ_ATTRS(ArgReduceAttrs, NNSEQ_FIELD(axis) NNSEQ_FIELD(max))
};
struct SortAttrs {
  bool descending = false;
  NNSEQ_ATTRS(SortAttrs, NNSEQ_FIELD(descending))
};
// What a product does to each finished element: add the last operand, then apply fn (passes only).
struct EpilogueAttrs {
  bool bias = false;
  std::optional<UnaryFn> fn;
  float alpha = 0;
  bool operator==(const EpilogueAttrs&) const = default;
};
struct MatmulAttrs {
  bool trans_a = false, trans_b = false;
  EpilogueAttrs epilogue;
  NNSEQ_ATTRS(MatmulAttrs, NNSEQ_FIELD(trans_a) NNSEQ_FIELD(trans_b) NNSEQ_FIELD(epilogue))
};
struct ConvAttrs {
  Dims strides = {1, 1}, dilation = {1, 1};
  Padding padding = Padding::kValid;
  Dims pads;  // kExplicit: top, bottom, left, right
  std::int64_t groups = 1;
  Dims sizes;  // by_data: input height, width; by_weights: kernel height, width
  EpilogueAttrs epilogue;
  NNSEQ_ATTRS(ConvAttrs,
              NNSEQ_FIELD(strides) NNSEQ_FIELD(dilation) NNSEQ_FIELD(padding) NNSEQ_FIELD(pads)
                  NNSEQ_FIELD(groups) NNSEQ_FIELD(sizes) NNSEQ_FIELD(epilogue))
};
struct PoolAttrs {
  Dims window, strides;
  Padding padding = Padding::kValid;
  Dims pads;
  Dims sizes;  // avg_pool_grad: input height, width
  NNSEQ_ATTRS(PoolAttrs, NNSEQ_FIELD(window) NNSEQ_FIELD(strides) NNSEQ_FIELD(padding)
                             NNSEQ_FIELD(pads) NNSEQ_FIELD(sizes))
};
struct NormAttrs {
  float epsilon = 1e-3f;
  NNSEQ_ATTRS(NormAttrs, NNSEQ_FIELD(epsilon))
};
// masked: an operand (N, T) says which steps count. zero_output: the output of a step that does not
// count is 0, else that of the step before. reverse goes from the last step to the first.
struct RecurrentAttrs {
  RecurrentCell cell = RecurrentCell::kSimple;
  bool masked = false, zero_output = false, reverse = false;
  NNSEQ_ATTRS(RecurrentAttrs,
              NNSEQ_FIELD(cell) NNSEQ_FIELD(masked) NNSEQ_FIELD(zero_output) NNSEQ_FIELD(reverse))
};
struct RandomAttrs {
  RandomDist dist = RandomDist::kUniform;
  Dims sizes;
  float a = 0, b = 1;
  std::int64_t stream = 0;
  NNSEQ_ATTRS(RandomAttrs, NNSEQ_FIELD(dist) NNSEQ_FIELD(sizes) NNSEQ_FIELD(a) NNSEQ_FIELD(b)
                               NNSEQ_FIELD(stream))
};
struct DropoutAttrs {
  float rate = 0.5f;
  std::int64_t stream = 0;
  NNSEQ_ATTRS(DropoutAttrs, NNSEQ_FIELD(rate) NNSEQ_FIELD(stream))
};
// inputs: learning rate (float32 scalar), t (int64 scalar, 1 at the first step), n weights,
// n gradients, then n of each slot -> n weights, n of each slot.
struct UpdateAttrs {
  UpdateKind kind = UpdateKind::kSgd;
  std::int64_t count = 0;  // n
  float momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999;
  float epsilon = 1e-7f;
  bool amsgrad = false;
  std::vector<float> decay;  // per variable; empty: none
  NNSEQ_ATTRS(UpdateAttrs, NNSEQ_FIELD(kind) NNSEQ_FIELD(count) NNSEQ_FIELD(momentum)
                               NNSEQ_FIELD(nesterov) NNSEQ_FIELD(beta1) NNSEQ_FIELD(beta2)
                                   NNSEQ_FIELD(epsilon) NNSEQ_FIELD(amsgrad) NNSEQ_FIELD(decay))
};

#undef NNSEQ_FIELD
#undef NNSEQ_ATTRS

using Attrs = std::variant<NoAttrs, InputAttrs, ConstantAttrs, ReadAttrs, AxisAttrs, AxesAttrs,
                           SizesAttrs, ScanAttrs, UnaryAttrs, BinaryAttrs, CastAttrs, ChainAttrs,
                           SliceAttrs, PadAttrs, IotaAttrs, ScatterAttrs, OneHotAttrs, ReduceAttrs,
                           ArgReduceAttrs, SortAttrs, MatmulAttrs, ConvAttrs, PoolAttrs, NormAttrs,
                           RecurrentAttrs, RandomAttrs, DropoutAttrs, UpdateAttrs>;

}  // namespace nnseq
