#include "base/checksum.h"

#include <array>
#include <cstring>

namespace nnseq {
namespace {

constexpr std::uint64_t kPolynomial = 0xC96C5795D7870F42;  // reflected
constexpr std::size_t kSlices = 8;                         // bytes per step

using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

// tables[k][b]: what the byte b adds when k more bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint64_t b = 0; b < 256; ++b) {
    std::uint64_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint64_t crc = tables[k - 1][b];
      tables[k][b] = (crc >> 8) ^ tables[0][crc & 255];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint64_t crc64(std::string_view bytes, std::uint64_t before) noexcept {
  std::uint64_t crc = ~before;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; at += kSlices, left -= kSlices) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, kSlices);  // little-endian, as the file format is
    word ^= crc;
    crc = 0;
    for (std::size_t k = 0; k < kSlices; ++k) {
      crc ^= kTables[kSlices - 1 - k][(word >> (8 * k)) & 255];
    }
  }
  for (; left != 0; ++at, --left) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 255];
  }
  return ~crc;
}

}  // namespace nnseq
