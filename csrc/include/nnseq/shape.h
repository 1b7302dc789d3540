// Shape: up to eight dims held inline. A dim is -1 (kUnknown) only while a model is traced.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "nnseq/dtype.h"
#include "nnseq/error.h"

namespace nnseq {

inline constexpr std::int64_t kUnknown = -1;
inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(dims.begin(), dims.end()) {}
  template <class It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(*first);
  }

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return dims_[axis < 0 ? axis + rank_ : axis]; }
  std::int64_t& operator[](int axis) { return dims_[axis < 0 ? axis + rank_ : axis]; }
  std::int64_t back() const { return dims_[rank_ - 1]; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  void push_back(std::int64_t dim) {
    if (rank_ == kMaxRank) throw Error(ErrorKind::kValue, "a shape has more than 8 dimensions");
    dims_[rank_++] = dim;
  }

  bool is_known() const {
    for (std::int64_t d : *this) {
      if (d < 0) return false;
    }
    return true;
  }
  // Number of elements; the shape must be known.
  std::int64_t count() const {
    std::int64_t n = 1;
    for (std::int64_t d : *this) n *= d;
    return n;
  }
  bool operator==(const Shape& o) const {
    if (rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i) {
      if (dims_[i] != o.dims_[i]) return false;
    }
    return true;
  }

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

// "(32, None, 3)"
inline std::string to_string(const Shape& shape) {
  std::string s = "(";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i) s += ", ";
    s += shape[i] < 0 ? "None" : std::to_string(shape[i]);
  }
  return s + (shape.rank() == 1 ? ",)" : ")");
}

struct TensorType {
  DType dtype = DType::kFloat32;
  Shape shape;
  bool operator==(const TensorType&) const = default;
  std::int64_t count() const { return shape.count(); }
  std::int64_t bytes() const { return shape.count() * static_cast<std::int64_t>(size_of(dtype)); }
};

}  // namespace nnseq
