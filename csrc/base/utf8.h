#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nnseq {

// The length of the well-formed UTF-8 sequence at the start of `text` (no overlong forms, no
// surrogates, at most U+10FFFF); 0 where there is none.
std::size_t utf8_length(std::string_view text);

void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace nnseq
