#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "nnseq/error.h"

namespace nnseq {
namespace {

// Keeps the open arrays and objects on a stack of its own, so that no text can exhaust the
// process's.
class Parser {
 public:
  Parser(std::string_view text, std::size_t most) : text_(text), left_(most) {}

  Json run() {
    Json done;
    for (;;) {
      bool complete = open_or_read(done);
      while (complete) {
        if (open_.empty()) return finish(std::move(done));
        complete = add_to_parent(done);
      }
    }
  }

 private:
  struct Open {
    Json value;  // an array, or null while `members` collects an object
    Json::Object members;
    std::string key;  // of the member that is being read
    bool is_object;
  };

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorKind::kFile, concat("JSON at byte ", at_, ": ", what));
  }

  // 0 at the end; a NUL byte in the text is no JSON character either.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char next_token() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos) ++at_;
    return peek();
  }
  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  // Reads a whole value into `out` (true), or opens a container that has members (false).
  bool open_or_read(Json& out) {
    if (left_-- == 0) fail("more values than a text of this purpose may have");
    const char c = next_token();
    if (c == '[' || c == '{') return open(c == '{', out);
    out = c == '"' ? Json(string()) : c == '-' || (c >= '0' && c <= '9') ? number() : word();
    return true;
  }

  bool open(bool is_object, Json& out) {
    if (open_.size() == static_cast<std::size_t>(Json::kMaxDepth)) fail("nested deeper than 64");
    ++at_;
    if (next_token() == (is_object ? '}' : ']')) {
      ++at_;
      out = is_object ? Json::object() : Json::array();
      return true;
    }
    open_.push_back({Json::array(), {}, {}, is_object});
    if (is_object) read_key();
    return false;
  }

  // Gives `done` to the innermost container; when that is complete in turn, moves it to `done`.
  bool add_to_parent(Json& done) {
    Open& parent = open_.back();
    if (parent.is_object) {
      parent.members.push_back({std::move(parent.key), std::move(done)});
    } else {
      parent.value.push_back(std::move(done));
    }
    next_token();
    if (take(',')) {
      if (parent.is_object) read_key();
      return false;
    }
    if (!take(parent.is_object ? '}' : ']')) {
      fail(parent.is_object ? "expected ',' or '}'" : "expected ',' or ']'");
    }
    if (parent.is_object) check_keys(parent.members);
    done =
        parent.is_object ? Json::from_members(std::move(parent.members)) : std::move(parent.value);
    open_.pop_back();
    return true;
  }

  void read_key() {
    if (next_token() != '"') fail("expected a key in quotes");
    open_.back().key = string();
    next_token();
    if (!take(':')) fail("expected ':'");
  }

  void check_keys(const Json::Object& members) const {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const Json::Member& member : members) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) {
      fail("the object that ends here has a key twice");
    }
  }

  Json finish(Json value) {
    next_token();
    if (at_ != text_.size()) fail("more text after the value");
    return value;
  }

  Json word() {
    const std::string_view rest = text_.substr(at_);
    for (const auto& [name, value] :
         {std::pair<std::string_view, Json>{"true", true}, {"false", false}, {"null", Json()}}) {
      if (!rest.starts_with(name)) continue;
      at_ += name.size();
      return value;
    }
    fail(rest.empty() ? "the text ends too early" : "expected a value");
  }

  std::size_t digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ - start;
  }

  Json number() {
    const std::size_t start = at_;
    take('-');
    const bool zero = peek() == '0';
    if (const std::size_t n = digits(); n == 0 || (zero && n > 1)) fail("not a number");
    bool integer = true;
    if (take('.')) {
      integer = false;
      if (digits() == 0) fail("not a number");
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      ++at_;
      if (!take('-')) take('+');
      if (digits() == 0) fail("not a number");
    }
    return integer ? convert<std::int64_t>(start) : convert<double>(start);
  }

  template <class T>
  Json convert(std::size_t start) const {
    T value{};
    if (std::from_chars(text_.data() + start, text_.data() + at_, value).ec != std::errc()) {
      fail("the number before is out of range");
    }
    return Json(value);
  }

  std::string string() {
    ++at_;  // the opening quote
    std::string out;
    for (;;) {
      if (at_ == text_.size()) fail("a string without an end");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20) fail("a control character in a string");
      if (take('"')) return out;
      if (take('\\')) {
        escape(out);
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) fail("not UTF-8");
      out += text_.substr(at_, length);
      at_ += length;
    }
  }

  void escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    if (take('u')) return append_utf8(out, escaped_code_point());
    const std::size_t i = at_ < text_.size() ? kNames.find(text_[at_]) : kNames.npos;
    if (i == kNames.npos) fail("an unknown escape");
    ++at_;
    out += kValues[i];
  }

  std::uint32_t escaped_code_point() {
    const std::uint32_t high = hex4();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || !take('\\') || !take('u')) fail("a lone surrogate");
    const std::uint32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail("a lone surrogate");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  std::uint32_t hex4() {
    std::uint32_t value = 0;
    const char* start = text_.data() + at_;
    const bool room = text_.size() - at_ >= 4;
    if (!room || std::from_chars(start, start + 4, value, 16).ptr != start + 4 || *start == '-') {
      fail("\\u without four hexadecimal digits");
    }
    at_ += 4;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t left_;  // how many values may come
  std::vector<Open> open_;
};

}  // namespace

Json Json::parse(std::string_view text, std::size_t most) { return Parser(text, most).run(); }

}  // namespace nnseq
