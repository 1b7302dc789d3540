// Optimizer updates: one pass over a segment table. Keras' formulas (not PyTorch's).
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// One variable's part of the update, in place. Segments whose arrays follow each other at 64-byte
// rounded distances and whose decay is equal are run as one (buffers own their padding).
struct UpdateSegment {
  float* w = nullptr;
  const float* g = nullptr;
  float* slot[3] = {};  // sgd: velocity; adam: m, v, (amsgrad) v_hat
  std::int64_t count = 0;
  float decay = 0;  // w -= w * decay * lr before the step
};

struct SgdParams {
  float lr = 0.01f, momentum = 0;
  bool nesterov = false;
};
// v = momentum * v - lr * g; w += v, or with nesterov w += momentum * v - lr * g.
void update_sgd(const Exec& exec, const SgdParams& p, const UpdateSegment* segments,
                int num_segments) noexcept;

struct AdamParams {
  float lr = 0.001f;
  double beta1 = 0.9, beta2 = 0.999;  // 1 - beta is rounded once
  float epsilon = 1e-7f;
  std::int64_t t = 1;  // 1 at the first step
  bool amsgrad = false;
};
// alpha = lr * sqrt(1 - beta2^t) / (1 - beta1^t); m += (g - m) * (1 - beta1);
// v += (g * g - v) * (1 - beta2); w -= alpha * m / (sqrt(v or max v) + epsilon).
void update_adam(const Exec& exec, const AdamParams& p, const UpdateSegment* segments,
                 int num_segments) noexcept;

}  // namespace nnseq::cpu
