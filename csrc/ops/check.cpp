// Checks of values while a step runs. Like a bad index, what they find ends the run before its
// first write.
#include "cpu/finite.h"

#include "ops/common.h"

namespace nnseq {

using namespace ops;

namespace {

// check_finite: any number of float32 tensors -> 1, the number of steps that may be taken. What
// must not happen on bad values takes this as an operand.

void infer_check_finite(InferArgs& a) {
  if (a.in.empty()) fail("takes at least one tensor");
  for (std::size_t i = 0; i < a.in.size(); ++i) expect_float(a, i);
  a.out = {{DType::kInt64, {}}};
}

void body_check_finite(const KernelArgs& k) noexcept {
  for (int i = 0; i < k.num_in; ++i) {
    if (!cpu::all_finite(*k.exec, k.in[i].count(), k.in[i].f32()) && k.exec->status) {
      k.exec->status->report(k.exec->step, {i, 0, 0});
    }
  }
  *k.out[0].as<std::int64_t>() = 1;
}

}  // namespace

extern const OpInfo op_check_finite{infer_check_finite, nullptr, body_check_finite, nullptr,
                                    kChecksValues};

}  // namespace nnseq
