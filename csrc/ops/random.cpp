// Random tensors and dropout: pure functions of a state (2,) int64 [seed, step] and a stream.
#include "cpu/random.h"

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

void expect_state(const InferArgs& a, std::size_t i) {
  if (!(a.in[i] == TensorType{DType::kInt64, {2}})) {
    fail_type("the random state must be int64 (2,), got " + to_string(a.in[i]));
  }
}

void infer_random(InferArgs& a) {
  const RandomAttrs& r = a.as<RandomAttrs>();
  expect_operands(a, 1);
  expect_state(a, 0);
  Shape out;
  for (std::int64_t s : r.sizes) out.push_back(size_or_unknown(s));
  a.out = {{DType::kFloat32, out}};
}

void infer_dropout(InferArgs& a) {
  expect_operands(a, 2);
  expect_float(a, 0);
  expect_state(a, 1);
  const float rate = a.as<DropoutAttrs>().rate;
  if (!(rate >= 0 && rate <= 1)) fail("the rate must be in [0, 1], got " + std::to_string(rate));
  a.out = {a.in[0]};
}

// Linear with a mask that depends on (state, stream) alone: its own gradient.
void vjp_dropout(VjpArgs& a) {
  a.din[0] = a.g.add(Op::dropout, {a.dy(), a.in(1)}, a.node.as<DropoutAttrs>());
}

cpu::RandomKey key_of(const TensorRef& state, std::int64_t stream) {
  const auto* s = state.as<std::int64_t>();
  return {static_cast<std::uint64_t>(s[0]), static_cast<std::uint64_t>(s[1]),
          static_cast<std::uint32_t>(stream), 0};
}

// The first axis counts samples; a scalar is one sample of one element.
struct Samples {
  std::int64_t count, elements;
  explicit Samples(const Shape& s) : count(s.rank() ? s[0] : 1), elements(1) {
    for (int i = 1; i < s.rank(); ++i) elements *= s[i];
  }
};

void body_random(const KernelArgs& k) noexcept {
  const RandomAttrs& r = attrs_of<RandomAttrs>(k);
  const Samples s(k.out[0].shape());
  cpu::random_fill(*k.exec, key_of(k.in[0], r.stream), r.dist, r.a, r.b, s.count, s.elements,
                   k.out[0].f32());
}

void body_dropout(const KernelArgs& k) noexcept {
  const DropoutAttrs& d = attrs_of<DropoutAttrs>(k);
  const Samples s(k.out[0].shape());
  cpu::dropout(*k.exec, key_of(k.in[1], d.stream), d.rate, s.count, s.elements, k.in[0].f32(),
               k.out[0].f32());
}

}  // namespace

extern const OpInfo op_random{infer_random, nullptr, body_random, nullptr, 0};
extern const OpInfo op_dropout{infer_dropout, vjp_dropout, body_dropout, nullptr, 0};

}  // namespace nnseq
