// CRC-64/XZ: finds every change of up to three bits in files of any size we meet, and every burst
// of up to 64 bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace nnseq {

// Of `bytes` that follow those whose checksum is `before`.
std::uint64_t crc64(std::string_view bytes, std::uint64_t before = 0) noexcept;

}  // namespace nnseq
