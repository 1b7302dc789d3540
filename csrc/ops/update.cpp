// The optimizers that the kernel table overrides: one pass over a segment table.
#include "cpu/update.h"

#include <algorithm>

#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

int num_slots(const UpdateAttrs& u) {
  if (u.kind == UpdateKind::kSgd) return u.momentum != 0 ? 1 : 0;
  return u.amsgrad ? 3 : 2;
}

// lr, t, n weights, n gradients, n of each slot -> n weights, n of each slot
void infer_update(InferArgs& a) {
  const UpdateAttrs& u = a.as<UpdateAttrs>();
  const auto n = static_cast<std::size_t>(u.count);
  if (n > a.in.size()) fail("has " + std::to_string(u.count) + " weights, but fewer operands");
  const std::size_t slots = static_cast<std::size_t>(num_slots(u));
  expect_operands(a, 2 + n * (2 + slots));
  if (!(a.in[0] == TensorType{DType::kFloat32, {}}))
    fail_type("the learning rate must be a float32 scalar");
  if (!(a.in[1] == TensorType{DType::kInt64, {}})) fail_type("t must be an int64 scalar");
  if (!u.decay.empty() && u.decay.size() != n) fail("decay must have one entry per variable");
  for (std::size_t i = 0; i < n * (1 + slots); ++i) {
    const TensorType& other = a.in[2 + n + i];
    if (!(other == a.in[2 + i % n])) {
      fail((i < n ? "gradient " : "slot ") + std::to_string(i % n) + " is " + to_string(other) +
           ", its weight is " + to_string(a.in[2 + i % n]));
    }
    expect_float(a, 2 + n + i);
  }
  for (std::size_t i = 0; i < n; ++i) a.out.push_back(a.in[2 + i]);
  for (std::size_t i = 0; i < n * slots; ++i) a.out.push_back(a.in[2 + 2 * n + i]);
}

std::size_t scratch_update(const ScratchArgs& s) {
  return static_cast<std::size_t>(s.node.as<UpdateAttrs>().count) * sizeof(cpu::UpdateSegment);
}

// Outputs are the operands' memory unless the planner had to keep the old values: then copy first.
float* in_place(const KernelArgs& k, std::int64_t in, std::int64_t out) noexcept {
  const TensorRef &from = k.in[in], &to = k.out[out];
  if (from.data != to.data) std::copy_n(from.f32(), from.count(), to.f32());
  return to.f32();
}

void body_update(const KernelArgs& k) noexcept {
  const UpdateAttrs& u = attrs_of<UpdateAttrs>(k);
  const std::int64_t n = u.count;
  const int slots = num_slots(u);
  auto* segments = static_cast<cpu::UpdateSegment*>(k.scratch);
  for (std::int64_t i = 0; i < n; ++i) {
    cpu::UpdateSegment s;
    s.w = in_place(k, 2 + i, i);
    s.g = k.in[2 + n + i].f32();
    for (int j = 0; j < slots; ++j) s.slot[j] = in_place(k, 2 + (2 + j) * n + i, (1 + j) * n + i);
    s.count = k.in[2 + i].count();
    s.decay = u.decay.empty() ? 0 : u.decay[static_cast<std::size_t>(i)];
    segments[i] = s;
  }
  const float lr = *k.in[0].f32();
  if (u.kind == UpdateKind::kSgd) {
    cpu::update_sgd(*k.exec, {lr, u.momentum, u.nesterov}, segments, static_cast<int>(n));
  } else {
    const std::int64_t t = *k.in[1].as<std::int64_t>();
    cpu::update_adam(*k.exec, {lr, u.beta1, u.beta2, u.epsilon, t, u.amsgrad}, segments,
                     static_cast<int>(n));
  }
}

}  // namespace

extern const OpInfo op_update{infer_update, nullptr, body_update, scratch_update, kInPlace};

}  // namespace nnseq
