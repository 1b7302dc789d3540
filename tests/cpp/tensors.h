// Tensors of any dtype for kernel tests, with guard bytes around the data.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernel_testing.h"

namespace nnseq::testing {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::kInt32;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::kInt64;
  return DType::kUInt8;
}

class TestTensor {
 public:
  TestTensor(DType dtype, Shape shape)
      : type_{dtype, shape}, memory_(static_cast<std::size_t>(type_.bytes()) + 2 * kGuard, kByte) {}

  // Small integers, which every dtype and every order of additions gets exact.
  static TestTensor integers(DType dtype, Shape shape, std::uint32_t seed) {
    TestTensor t(dtype, shape);
    std::mt19937 random(seed);
    for (std::int64_t i = 0; i < t.count(); ++i) {
      const int v = static_cast<int>(random() % 9);
      t.set(i, dtype == DType::kBool ? v % 2 : dtype == DType::kUInt8 ? v : v - 4);
    }
    return t;
  }
  static TestTensor normal(Shape shape, std::uint32_t seed, float scale = 1) {
    TestTensor t(DType::kFloat32, shape);
    std::mt19937 random(seed);
    std::normal_distribution<float> draw(0, scale);
    for (std::int64_t i = 0; i < t.count(); ++i) t.f32()[i] = draw(random);
    return t;
  }
  template <class T>
  static TestTensor of(Shape shape, const std::vector<T>& values) {
    TestTensor t(dtype_of<T>(), shape);
    EXPECT_EQ(t.count(), static_cast<std::int64_t>(values.size()));
    for (std::int64_t i = 0; i < t.count(); ++i) t.as<T>()[i] = values[static_cast<std::size_t>(i)];
    return t;
  }

  void* data() { return memory_.data() + kGuard; }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(memory_.data() + kGuard);
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(memory_.data() + kGuard);
  }
  float* f32() { return as<float>(); }
  const float* f32() const { return as<float>(); }
  TensorRef ref() { return {data(), &type_}; }
  const Shape& shape() const { return type_.shape; }
  DType dtype() const { return type_.dtype; }
  std::int64_t count() const { return type_.count(); }

  double at(std::int64_t i) const {
    switch (type_.dtype) {
      case DType::kFloat32:
        return as<float>()[i];
      case DType::kFloat64:
        return as<double>()[i];
      case DType::kInt32:
        return as<std::int32_t>()[i];
      case DType::kInt64:
        return static_cast<double>(as<std::int64_t>()[i]);
      default:
        return as<std::uint8_t>()[i];
    }
  }
  void set(std::int64_t i, double v) {
    switch (type_.dtype) {
      case DType::kFloat32:
        as<float>()[i] = static_cast<float>(v);
        break;
      case DType::kFloat64:
        as<double>()[i] = v;
        break;
      case DType::kInt32:
        as<std::int32_t>()[i] = static_cast<std::int32_t>(v);
        break;
      case DType::kInt64:
        as<std::int64_t>()[i] = static_cast<std::int64_t>(v);
        break;
      default:
        as<std::uint8_t>()[i] = static_cast<std::uint8_t>(v);
    }
  }
  bool guards_hold() const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (memory_[i] != kByte || memory_[memory_.size() - 1 - i] != kByte) return false;
    }
    return true;
  }
  bool same_bits(const TestTensor& o) const { return memory_ == o.memory_; }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr unsigned char kByte = 0xc5;
  TensorType type_;
  std::vector<unsigned char> memory_;
};

// The index of a flat position in `shape`, and the position of an index.
inline std::vector<std::int64_t> unravel(std::int64_t i, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int d = shape.rank() - 1; d >= 0; --d) {
    index[static_cast<std::size_t>(d)] = i % shape[d];
    i /= shape[d];
  }
  return index;
}
inline std::int64_t ravel(const std::vector<std::int64_t>& index, const Shape& shape) {
  std::int64_t i = 0;
  for (int d = 0; d < shape.rank(); ++d) i = i * shape[d] + index[static_cast<std::size_t>(d)];
  return i;
}

// Runs body(exec) with no pool and with 1, 2, 3 and 7 threads on the best ISA, and on the other
// FMA ISAs: body returns the bits to compare, which must be equal each time.
template <class F>
void expect_equal_bits(F&& body) {
  const Exec plain = exec_on({});
  const auto expected = body(plain);
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    Exec exec = plain;
    exec.pool = &pool;
    EXPECT_TRUE(body(exec).same_bits(expected)) << threads << " threads";
  }
  if (std::string(plain.kernels->isa) == "scalar") return;
  for (std::string_view isa : cpu::available_isas()) {
    if (isa == "scalar") continue;
    EXPECT_TRUE(body(exec_on(isa)).same_bits(expected)) << isa;
  }
}

}  // namespace nnseq::testing
