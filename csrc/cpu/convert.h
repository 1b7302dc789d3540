// Conversion of single values and contiguous pieces between the element types.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "nnseq/dtype.h"

namespace nnseq::cpu {

// To integers: toward zero, the nearest value where it does not fit, NaN to 0.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
    constexpr From high = static_cast<From>(std::numeric_limits<To>::max());  // may round up
    if (x != x) return 0;
    if (x <= low) return std::numeric_limits<To>::min();
    return x >= high ? std::numeric_limits<To>::max() : static_cast<To>(x);
  } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
    constexpr std::int64_t low = std::numeric_limits<To>::min();
    constexpr std::int64_t high = std::numeric_limits<To>::max();
    const std::int64_t v = x;
    return static_cast<To>(v < low ? low : v > high ? high : v);
  } else {
    return static_cast<To>(x);
  }
}

// Calls f(T{}) with the C++ type of `dtype`; bool and uint8 are one byte.
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kInt32:
      return f(std::int32_t{});
    case DType::kInt64:
      return f(std::int64_t{});
    case DType::kUInt8:
    case DType::kBool:
      break;
  }
  return f(std::uint8_t{});
}

template <class R>
void store_as(DType dtype, void* data, std::int64_t offset, std::int64_t n, const R* x) {
  with_type(dtype, [&]<class T>(T) {
    T* y = static_cast<T*>(data) + offset;
    if (dtype == DType::kBool) {
      for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(x[i] != 0);
    } else {
      for (std::int64_t i = 0; i < n; ++i) y[i] = convert<T>(x[i]);
    }
  });
}

template <class R>
void load_as(DType dtype, const void* data, std::int64_t offset, std::int64_t n, R* y) {
  with_type(dtype, [&]<class T>(T) {
    const T* x = static_cast<const T*>(data) + offset;
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<R>(x[i]);
  });
}

}  // namespace nnseq::cpu
