// Philox4x32-10 (Salmon et al., SC'11): random bits as a pure function of key and counter.
#pragma once

#include <array>
#include <cstdint>

namespace nnseq {

using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(p0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// The order of `n` samples in `epoch`: out[i] is the i-th sample. A pure function of its arguments.
void shuffle_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n, std::int64_t* out);

}  // namespace nnseq
