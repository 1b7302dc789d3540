#include "runtime/philox.h"

#include <utility>

#include "nnseq/error.h"

namespace nnseq {
namespace {

// The 32-bit words of Philox blocks (b, kShuffle, epoch), b = 0, 1, 2, ...
class ShuffleBits {
 public:
  ShuffleBits(std::uint64_t seed, std::uint64_t epoch)
      : key0_(static_cast<std::uint32_t>(seed)),
        key1_(static_cast<std::uint32_t>(seed >> 32)),
        epoch0_(static_cast<std::uint32_t>(epoch)),
        epoch1_(static_cast<std::uint32_t>(epoch >> 32)) {}

  std::uint32_t next() {
    if (used_ == kWords) refill();
    return words_[used_++];
  }

  // Uniform in [0, bound), exactly: Lemire, "Fast random integer generation in an interval", 2019.
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t rejected = (0u - bound) % bound;
      while (static_cast<std::uint32_t>(product) < rejected) {
        product = std::uint64_t{next()} * bound;
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  static constexpr std::uint32_t kShuffle = 0x53485546u;  // apart from the streams of random ops
  static constexpr int kBlocks = 32;
  static constexpr int kWords = 4 * kBlocks;

  void refill() {
    for (int i = 0; i < kBlocks; ++i) {
      const std::uint64_t b = block_ + static_cast<std::uint64_t>(i);
      const PhiloxBlock counter = {static_cast<std::uint32_t>(b),
                                   static_cast<std::uint32_t>(b >> 32) ^ kShuffle, epoch0_,
                                   epoch1_};
      const PhiloxBlock bits = philox4x32(counter, key0_, key1_);
      for (int w = 0; w < 4; ++w) words_[4 * i + w] = bits[static_cast<std::size_t>(w)];
    }
    block_ += kBlocks;
    used_ = 0;
  }

  const std::uint32_t key0_, key1_, epoch0_, epoch1_;
  std::uint64_t block_ = 0;
  int used_ = kWords;
  std::uint32_t words_[kWords];
};

}  // namespace

void shuffle_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n, std::int64_t* out) {
  if (n > std::int64_t{0xFFFFFFFF}) {
    throw Error(ErrorKind::kUnsupported, "cannot shuffle more than 4294967295 samples");
  }
  for (std::int64_t i = 0; i < n; ++i) out[i] = i;
  ShuffleBits bits(seed, epoch);
  for (std::int64_t i = n - 1; i > 0; --i) {
    std::swap(out[i], out[bits.below(static_cast<std::uint32_t>(i) + 1)]);
  }
}

}  // namespace nnseq
