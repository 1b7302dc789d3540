// Changes JSON as JSON: bytes changed at random hardly ever give a graph that is worth checking.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace nnseq::fuzz {

// A copy of a value with one of the values in it changed.
class Mutation {
 public:
  explicit Mutation(std::uint32_t seed) : random_(seed) {}

  Json of(const Json& json) { return of(json, json); }
  // What replaces a value may come from another document.
  Json of(const Json& json, const Json& donor) {
    all_.clear();
    collect(json);
    next_ = 0;
    target_ = below(all_.size());
    collect(donor);
    return copy(json);
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  void collect(const Json& json) {
    all_.push_back(&json);
    if (json.is_array()) {
      for (const Json& item : json.items()) collect(item);
    } else if (json.is_object()) {
      for (const Json::Member& m : json.members()) collect(m.value);
    }
  }

  Json copy(const Json& json) {
    if (next_++ == target_) return changed(json);
    if (json.is_array()) {
      Json list = Json::array();
      for (const Json& item : json.items()) list.push_back(copy(item));
      return list;
    }
    if (!json.is_object()) return json;
    Json object = Json::object();
    for (const Json::Member& m : json.members()) object.set(m.key, copy(m.value));
    return object;
  }

  // Another value of the documents, of the same kind if one is soon found.
  const Json& other(const Json& json) {
    const Json* found = all_[below(all_.size())];
    for (int i = 0; i < 30 && !same_kind(*found, json); ++i) found = all_[below(all_.size())];
    return *found;
  }
  static bool same_kind(const Json& a, const Json& b) {
    return (a.is_int() && b.is_int()) || (a.is_string() && b.is_string()) ||
           (a.is_array() && b.is_array()) || (a.is_object() && b.is_object()) ||
           (a.is_double() && b.is_double());
  }

  Json changed(const Json& json) {
    if (json.is_bool()) return !json.as_bool();
    if (json.is_int() && below(4) != 0) return number(json.as_int());
    if (json.is_double()) {
      static constexpr double kNumbers[] = {0, 1, -1, 0.5, 1e-30, 1e30, -1e300, 1e300};
      return below(4) ? Json(kNumbers[below(std::size(kNumbers))])
                      : Json(below(2) ? "nan" : "-inf");
    }
    if (json.is_array() && below(4) != 0) return list(json.items());
    return other(json);
  }

  Json number(std::int64_t now) {
    constexpr std::int64_t kBig = std::int64_t{1} << 40;
    static constexpr std::int64_t kNumbers[] = {
        0,        1,     2,          3,          -1,        -2,        7,         8,
        16,       64,    1000,       65536,      1 << 20,   1 << 24,   kBig,      kBig + 1,
        kBig / 2, -kBig, -1'000'000, -1'000'001, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    switch (below(4)) {
      case 0:
        return now < INT64_MAX ? now + 1 : now;
      case 1:
        return now > INT64_MIN ? now - 1 : now;
      default:
        return kNumbers[below(std::size(kNumbers))];
    }
  }

  Json list(Json::Array items) {
    const std::size_t at = below(items.size() + 1);
    const auto place = items.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t kind = below(3);
    if (at < items.size() && kind == 0) {
      items.erase(place);
    } else if (!items.empty() && kind == 1) {
      std::swap(items[at % items.size()], items[below(items.size())]);
    } else {
      const Json like = items.empty() ? Json(0) : items[below(items.size())];
      items.insert(place, below(2) ? like : other(like));
    }
    return Json(std::move(items));
  }

  std::minstd_rand random_;
  std::vector<const Json*> all_;
  std::size_t next_ = 0, target_ = 0;
};

}  // namespace nnseq::fuzz
