// A small strict JSON value for file headers (RFC 8259, and stricter: UTF-8 only, no duplicate
// keys, integers are int64, every other number a finite double, depth at most 64).
//
//   Json h = Json::object();
//   h.set("version", 1).set("shape", Json::Array{3, 4});
//   Json::parse(h.dump()) == h
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace nnseq {

class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // in the order in which the keys were set or read
  static constexpr int kMaxDepth = 64;

  Json();  // null
  Json(bool value);
  template <std::integral T>
  requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::signed_integral<T>)) Json(T value);
  Json(double value);
  Json(const char* value);
  Json(std::string_view value);
  Json(std::string value);
  Json(Array items);
  Json(const void*) = delete;  // no pointer is a bool
  static Json array();
  static Json object();
  static Json from_members(Object members);  // the keys must differ

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Each throws Error(kFile) that names both kinds when the value is of another kind.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  // of an int too
  const std::string& as_string() const;
  const Array& items() const;
  const Object& members() const;

  // Objects. Lookup is linear: keep long lists in arrays.
  const Json* find(std::string_view key) const;  // null where there is no such member
  const Json& at(std::string_view key) const;    // throws Error(kFile) where there is none
  Json& set(std::string_view key, Json value);   // adds or replaces; returns *this
  // Arrays.
  void push_back(Json value);

  // Without white space; a double always has '.' or 'e'. Throws Error(kValue) for a NaN, an
  // infinity, text that is not UTF-8 and a depth of more than 64.
  std::string dump() const;
  // Throws Error(kFile) of one line that gives the byte; also for more than `most` values.
  static Json parse(std::string_view text, std::size_t most = std::size_t(-1));

  bool operator==(const Json& other) const;

 private:
  const char* kind() const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string key;
  Json value;
  bool operator==(const Member&) const = default;
};

// Defined here, where Member is complete.
inline Json::Json() = default;
inline Json::Json(bool value) : value_(value) {}
template <std::integral T>
requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::signed_integral<T>)) Json::Json(T value)
    : value_(static_cast<std::int64_t>(value)) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(Array items) : value_(std::move(items)) {}
inline Json Json::array() { return Json(Array()); }

}  // namespace nnseq
