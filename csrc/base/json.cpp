#include "base/json.h"

#include <cmath>

#include "base/strings.h"
#include "base/utf8.h"
#include "nnseq/error.h"

namespace nnseq {
namespace {

void dump_double(double value, std::string& out) {
  if (!std::isfinite(value)) throw Error(ErrorKind::kValue, "JSON has no NaN and no infinity");
  const std::size_t start = out.size();
  append(out, value);
  if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

void dump_string(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) throw Error(ErrorKind::kValue, "JSON: a string is not UTF-8");
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  out += '"';
}

void dump_value(const Json& json, int depth, std::string& out) {
  if (json.is_array() || json.is_object()) {
    if (depth == Json::kMaxDepth) throw Error(ErrorKind::kValue, "JSON: nested deeper than 64");
  }
  if (json.is_null()) {
    out += "null";
  } else if (json.is_bool()) {
    append(out, json.as_bool());
  } else if (json.is_int()) {
    append(out, json.as_int());
  } else if (json.is_double()) {
    dump_double(json.as_double(), out);
  } else if (json.is_string()) {
    dump_string(json.as_string(), out);
  } else if (json.is_array()) {
    out += '[';
    for (const Json& item : json.items()) {
      if (&item != json.items().data()) out += ',';
      dump_value(item, depth + 1, out);
    }
    out += ']';
  } else {
    out += '{';
    for (const Json::Member& member : json.members()) {
      if (&member != json.members().data()) out += ',';
      dump_string(member.key, out);
      out += ':';
      dump_value(member.value, depth + 1, out);
    }
    out += '}';
  }
}

[[noreturn]] void throw_kind(const char* expected, const char* got) {
  throw Error(ErrorKind::kFile, concat("JSON: expected ", expected, ", got ", got));
}

}  // namespace

Json Json::object() { return from_members({}); }

Json Json::from_members(Object members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

const char* Json::kind() const {
  constexpr const char* kNames[] = {"null",     "a bool",   "an integer", "a number",
                                    "a string", "an array", "an object"};
  return kNames[value_.index()];
}

bool Json::as_bool() const {
  if (!is_bool()) throw_kind("a bool", kind());
  return std::get<bool>(value_);
}

std::int64_t Json::as_int() const {
  if (!is_int()) throw_kind("an integer", kind());
  return std::get<std::int64_t>(value_);
}

double Json::as_double() const {
  if (is_int()) return static_cast<double>(std::get<std::int64_t>(value_));
  if (!is_double()) throw_kind("a number", kind());
  return std::get<double>(value_);
}

const std::string& Json::as_string() const {
  if (!is_string()) throw_kind("a string", kind());
  return std::get<std::string>(value_);
}

const Json::Array& Json::items() const {
  if (!is_array()) throw_kind("an array", kind());
  return std::get<Array>(value_);
}

const Json::Object& Json::members() const {
  if (!is_object()) throw_kind("an object", kind());
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  for (const Member& member : members()) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) throw Error(ErrorKind::kFile, concat("JSON: no member \"", key, "\""));
  return *value;
}

Json& Json::set(std::string_view key, Json value) {
  if (const Json* old = find(key)) {
    *const_cast<Json*>(old) = std::move(value);
  } else {
    std::get<Object>(value_).push_back({std::string(key), std::move(value)});
  }
  return *this;
}

void Json::push_back(Json value) {
  if (!is_array()) throw_kind("an array", kind());
  std::get<Array>(value_).push_back(std::move(value));
}

std::string Json::dump() const {
  std::string out;
  dump_value(*this, 0, out);
  return out;
}

bool Json::operator==(const Json& other) const { return value_ == other.value_; }

}  // namespace nnseq
