#include "cpu/update.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

constexpr int64_t kPiece = 8192;  // floats of one task

int64_t padded(int64_t floats) { return (floats + 15) / 16 * 16; }

bool follows(const float* p, const float* q, int64_t distance) {
  return p ? q == p + distance : q == nullptr;
}

// Whether `next` goes on where a run of `length` (padded) floats from `first` ends.
bool continues(const UpdateSegment& first, int64_t length, const UpdateSegment& next) {
  return first.decay == next.decay && follows(first.w, next.w, length) &&
         follows(first.g, next.g, length) && follows(first.slot[0], next.slot[0], length) &&
         follows(first.slot[1], next.slot[1], length) &&
         follows(first.slot[2], next.slot[2], length);
}

// Calls fn(segment, begin, n) for pieces of the merged segments. Elements do not depend on each
// other, so how they are cut does not matter.
template <class F>
void for_pieces(const Exec& exec, const UpdateSegment* segments, int num_segments, F&& fn) {
  for (int i = 0; i < num_segments;) {
    const UpdateSegment& run = segments[i];
    int64_t length = run.count;
    for (++i; i < num_segments && continues(run, padded(length), segments[i]); ++i) {
      length = padded(length) + segments[i].count;
    }
    exec.parallel_for((length + kPiece - 1) / kPiece, 1600, [&](int64_t task, int) {
      const int64_t begin = task * kPiece;
      fn(run, begin, std::min(kPiece, length - begin));
    });
  }
}

float* at(float* p, int64_t i) { return p ? p + i : nullptr; }

}  // namespace

void update_sgd(const Exec& exec, const SgdParams& p, const UpdateSegment* segments,
                int num_segments) noexcept {
  for_pieces(exec, segments, num_segments, [&](const UpdateSegment& s, int64_t i, int64_t n) {
    const SgdStep step{p.lr, p.momentum, s.decay * p.lr, p.nesterov};
    float* velocity = p.momentum != 0 ? at(s.slot[0], i) : nullptr;
    exec.kernels->vector.sgd(n, step, s.g + i, s.w + i, velocity);
  });
}

void update_adam(const Exec& exec, const AdamParams& p, const UpdateSegment* segments,
                 int num_segments) noexcept {
  const auto t = static_cast<double>(p.t);
  const double correction1 = 1 - std::pow(p.beta1, t);
  const double correction2 = 1 - std::pow(p.beta2, t);
  const auto alpha = static_cast<float>(p.lr * std::sqrt(correction2) / correction1);
  for_pieces(exec, segments, num_segments, [&](const UpdateSegment& s, int64_t i, int64_t n) {
    const AdamStep step{alpha, static_cast<float>(1 - p.beta1), static_cast<float>(1 - p.beta2),
                        p.epsilon, s.decay * p.lr};
    exec.kernels->vector.adam(n, step, s.g + i, s.w + i, s.slot[0] + i, s.slot[1] + i,
                              p.amsgrad ? s.slot[2] + i : nullptr);
  });
}

}  // namespace nnseq::cpu
