// Text for error messages and file headers.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>

namespace nnseq {

// Text as it is, numbers as short as they can be read back exactly, and anything with a to_string()
// beside it (Shape, for one).
template <class T>
void append(std::string& out, const T& item) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    out += std::string_view(item);
  } else if constexpr (std::is_same_v<T, char>) {
    out += item;
  } else if constexpr (std::is_same_v<T, bool>) {
    out += item ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    char text[64];
    out.append(text, std::to_chars(text, text + sizeof text, item).ptr);
  } else {
    out += to_string(item);
  }
}

// concat("step ", 3, ": ", 0.1) == "step 3: 0.1"
template <class... Args>
std::string concat(const Args&... args) {
  std::string out;
  (append(out, args), ...);
  return out;
}

// join({1, 2, 3}, ", ") == "1, 2, 3"
template <class Range>
std::string join(const Range& items, std::string_view separator) {
  std::string out;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += separator;
    first = false;
    append(out, item);
  }
  return out;
}

// Text from a file as part of a message: control characters become blanks, and what is longer than
// `limit` bytes is cut in the middle.
inline std::string one_line(std::string_view text, std::size_t limit = 380) {
  std::string out(text);
  if (text.size() > limit) {
    const auto inside = [text](std::size_t i) { return (text[i] & 0xC0) == 0x80; };  // a character
    std::size_t head = limit / 2, tail = text.size() - limit / 2;
    while (head > 0 && inside(head)) --head;
    while (tail < text.size() && inside(tail)) ++tail;
    out = std::string(text.substr(0, head)).append("...").append(text.substr(tail));
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace nnseq
