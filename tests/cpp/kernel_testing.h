// What tests of the CPU kernels share: guarded buffers, random numbers, ISAs and threads to run on.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cpu/kernel_table.h"
#include "runtime/kernel_args.h"

namespace nnseq::testing {

// Floats between two guards. `offset` moves the data off its alignment; fresh data is NaN.
class Guarded {
 public:
  explicit Guarded(std::int64_t count, int offset = 0)
      : count_(count), begin_(kGuard + offset), memory_(count + 2 * kGuard + 16, guard_value()) {
    for (std::int64_t i = 0; i < count; ++i) data()[i] = std::nanf("");
  }
  float* data() { return memory_.data() + begin_; }
  const float* data() const { return memory_.data() + begin_; }
  std::int64_t size() const { return count_; }
  float& operator[](std::int64_t i) { return data()[i]; }
  float operator[](std::int64_t i) const { return data()[i]; }
  std::vector<float> values() const { return {data(), data() + count_}; }

  bool guards_hold() const {
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(memory_.size()); ++i) {
      if ((i < begin_ || i >= begin_ + count_) && !same(memory_[i], guard_value())) return false;
    }
    return true;
  }

 private:
  static constexpr std::int64_t kGuard = 64;
  static float guard_value() { return -7.25e33f; }
  static bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  std::int64_t count_, begin_;
  std::vector<float> memory_;
};

inline bool bits_equal(const Guarded& a, const Guarded& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

// Uniform in [-1, 1), or small integers, whose products and sums are exact in float32.
inline void fill_random(Guarded& x, std::uint32_t seed, bool integers = false) {
  std::mt19937 random(seed);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const auto r = static_cast<std::int32_t>(random() >> 8);
    x[i] = integers ? static_cast<float>(r % 9 - 4) : static_cast<float>(r) * 0x1p-23f - 1.0f;
  }
}

// Scratch of exactly the bytes that a kernel asked for, between guards.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes)
      : bytes_(bytes), memory_(new (std::align_val_t{64}) unsigned char[bytes + 2 * kGuard]) {
    std::memset(memory_.get(), kByte, bytes + 2 * kGuard);
  }
  void* data() { return memory_.get() + kGuard; }
  bool guards_hold() const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (memory_[i] != kByte || memory_[kGuard + bytes_ + i] != kByte) return false;
    }
    return true;
  }

 private:
  struct Free {
    void operator()(unsigned char* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  static constexpr std::size_t kGuard = 4096;
  static constexpr unsigned char kByte = 0xff;  // floats of this are NaN: scratch starts undefined
  std::size_t bytes_;
  std::unique_ptr<unsigned char[], Free> memory_;
};

inline Exec exec_on(std::string_view isa, ThreadPool* pool = nullptr) {
  Exec exec;
  exec.kernels = &cpu::kernel_table(isa);
  exec.pool = pool;
  return exec;
}

// How many random cases a family of kernels is tested with: real numbers, then integers, which must
// be exact. `--long` on the command line asks for the large counts.
inline bool long_run = false;
inline int random_shapes() { return long_run ? 1000 : 100; }
inline int random_integers() { return long_run ? 5000 : 100; }

// Cases of a random test: pick(low, high), both included.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint32_t>(high - low + 1));
  }

 private:
  std::mt19937 engine_;
};

// How far sums of products of numbers of mean zero may be from exact, where `magnitude` is the sum
// of the products' absolute values (or what else the test says): 4 * 2^-24 * magnitude but for one
// element in 10,000, and 8 * 2^-24 * magnitude for all. Integers must be exact.
class ErrorBound {
 public:
  explicit ErrorBound(bool integers) : integers_(integers) {}
  bool holds(double error, double magnitude) {
    const double relative = std::abs(error) * 0x1p24;
    if (integers_) return error == 0;
    ++elements_;
    large_ += !(relative <= 4 * magnitude);
    return relative <= 8 * magnitude && large_ <= 1 + elements_ / 10000;
  }

 private:
  bool integers_;
  std::int64_t elements_ = 0, large_ = 0;
};

// A test suite that runs once per ISA of this machine.
class IsaTest : public ::testing::TestWithParam<std::string_view> {};
inline std::string isa_name(const ::testing::TestParamInfo<std::string_view>& info) {
  return std::string(info.param);
}
#define NNSEQ_FOR_EACH_ISA(Suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(Isa, Suite, ::testing::ValuesIn(::nnseq::cpu::available_isas()), \
                           ::nnseq::testing::isa_name)

}  // namespace nnseq::testing
