#include "cpu/random.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

constexpr int64_t kPiece = 4096;  // elements of a row in one task; a multiple of 64

// Calls fn(row, n, at) for pieces of the samples: `at` is the place in (samples, elements).
template <class F>
void for_pieces(const Exec& exec, const RandomKey& key, int64_t samples, int64_t elements,
                double element_cost, F&& fn) {
  if (samples == 0 || elements == 0) return;
  const int64_t pieces = (elements + kPiece - 1) / kPiece;
  const int64_t wide = (elements + 63) / 64 * 64;
  const int64_t height = std::max<int64_t>(1, kPiece / wide);  // samples of one task
  const int64_t groups = (samples + height - 1) / height;
  const auto cost = static_cast<int64_t>(
      element_cost * static_cast<double>(std::min(samples, height) * std::min(wide, kPiece)));
  exec.parallel_for(groups * pieces, cost, [&](int64_t task, int) {
    const int64_t first = task / pieces * height, end = std::min(samples, first + height);
    const int64_t begin = task % pieces * kPiece;
    for (int64_t s = first; s < end; ++s) {
      RandomRow row;
      row.key[0] = static_cast<std::uint32_t>(key.seed);
      row.key[1] = static_cast<std::uint32_t>(key.seed >> 32);
      row.sample = static_cast<std::uint32_t>(key.first_sample + static_cast<std::uint64_t>(s));
      row.step = static_cast<std::uint32_t>(key.step);
      row.stream = key.stream;
      row.element = begin;
      fn(row, std::min(kPiece, elements - begin), s * elements + begin);
    }
  });
}

}  // namespace

void random_fill(const Exec& exec, const RandomKey& key, RandomDist dist, float a, float b,
                 int64_t samples, int64_t elements, float* out) noexcept {
  const auto kernel = exec.kernels->vector.random[static_cast<int>(dist)];
  for_pieces(exec, key, samples, elements, 1.0,
             [&](const RandomRow& row, int64_t n, int64_t at) { kernel(row, n, a, b, out + at); });
}

void dropout(const Exec& exec, const RandomKey& key, float rate, int64_t samples, int64_t elements,
             const float* x, float* y) noexcept {
  if (rate <= 0) {
    if (x != y) {
      std::memcpy(y, x, static_cast<std::size_t>(samples * elements) * sizeof(float));
    }
    return;
  }
  const float scale = rate < 1 ? 1.0f / (1.0f - rate) : 0.0f;
  for_pieces(exec, key, samples, elements, 0.5, [&](const RandomRow& row, int64_t n, int64_t at) {
    exec.kernels->vector.dropout(row, n, rate, scale, x + at, y + at);
  });
}

}  // namespace nnseq::cpu
