#include "cpu/finite.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace nnseq::cpu {

namespace {

// By bits, so that no compiler flag decides: an exponent of ones is infinity or NaN.
bool finite_block(std::int64_t n, const float* x) noexcept {
  constexpr std::uint32_t kExponent = 0x7f800000;
  std::uint32_t bad = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    bad |= (std::bit_cast<std::uint32_t>(x[i]) & kExponent) == kExponent ? 1u : 0u;
  }
  return bad == 0;
}

}  // namespace

bool all_finite(const Exec& exec, std::int64_t n, const float* x) noexcept {
  constexpr std::int64_t kBlock = 1 << 14;
  std::atomic<bool> bad{false};
  exec.parallel_for((n + kBlock - 1) / kBlock, kBlock / 8, [&](std::int64_t b, int) {
    const std::int64_t first = b * kBlock;
    if (!finite_block(std::min(kBlock, n - first), x + first)) {
      bad.store(true, std::memory_order_relaxed);
    }
  });
  return !bad.load(std::memory_order_relaxed);
}

}  // namespace nnseq::cpu
