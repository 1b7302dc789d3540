// Random numbers as a pure function of (seed, step, stream, sample, element); nothing advances.
#pragma once

#include <cstdint>

#include "nnseq/functions.h"
#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Philox key = seed; counter = (element / 4, sample, step, stream) truncated to 32 bits each.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint32_t stream = 0;
  std::uint64_t first_sample = 0;  // the sample of row 0 in the global batch
};

// out is (samples, elements) float32. uniform: [a, b), 24 bits; normal: mean a, stddev b
// (Box-Muller on own log, sin, cos); truncated normal: the inverse of the distribution between
// -2 and 2 standard deviations.
void random_fill(const Exec& exec, const RandomKey& key, RandomDist dist, float a, float b,
                 std::int64_t samples, std::int64_t elements, float* out) noexcept;

// y = x / (1 - rate) where a uniform bit says keep, else 0 (never x * 0: NaN is dropped too).
// The gradient is the same call on dy. 0 <= rate <= 1.
void dropout(const Exec& exec, const RandomKey& key, float rate, std::int64_t samples,
             std::int64_t elements, const float* x, float* y) noexcept;

}  // namespace nnseq::cpu
