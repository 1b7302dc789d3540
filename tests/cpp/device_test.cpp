#include "runtime/device.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "nnseq/error.h"

namespace nnseq {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

class AnyDevice : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<Device> device_ =
      std::string(GetParam()) == "cpu" ? make_cpu_device() : make_mirror_device(256 * kMiB);
};
INSTANTIATE_TEST_SUITE_P(All, AnyDevice, testing::Values("cpu", "mirror"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(AnyDevice, AlignsAndPads) {
  EXPECT_STREQ(device_->name(), GetParam());
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65}, 5 * kMiB + 1}) {
    const Buffer buffer(device_, bytes);
    EXPECT_EQ(buffer.size(), bytes);
    ASSERT_NE(buffer.data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    const std::vector<char> in((bytes + 63) / 64 * 64, 'x');  // the pad may be written
    std::vector<char> out(in.size());
    device_->copy_in(buffer.data(), in.data(), in.size());
    device_->copy_out(out.data(), buffer.data(), out.size());
    EXPECT_EQ(in, out);
  }
}

TEST_P(AnyDevice, CopiesAndClears) {
  Buffer a(device_, 4000), b(device_, 4000);
  std::vector<std::int32_t> in(1000), out(1000);
  std::iota(in.begin(), in.end(), 1);
  device_->copy_in(a.data(), in.data(), 4000);
  device_->copy(b.data(), a.data(), 4000);
  device_->fill_zero(a.data(), 4000);
  device_->sync();
  device_->copy_out(out.data(), b.data(), 4000);
  EXPECT_EQ(out, in);
  device_->copy_out(out.data(), a.data(), 4000);
  EXPECT_EQ(out, std::vector<std::int32_t>(1000, 0));
  device_->copy_in(a.data(), nullptr, 0);
  device_->copy_out(nullptr, a.data(), 0);
}

TEST_P(AnyDevice, CountsAllocations) {
  const std::uint64_t before = device_->allocations();
  { const Buffer a(device_, 10), b(device_, 20); }
  EXPECT_EQ(device_->allocations(), before + 2);
}

TEST_P(AnyDevice, RefusesWhatDoesNotFit) {
  const std::uint64_t before = device_->allocations();
  for (std::size_t bytes :
       {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 2}) {
    try {
      const Buffer buffer(device_, bytes);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kMemory);
      EXPECT_NE(std::string(e.what()).find(GetParam()), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(device_->allocations(), before);
}

// scratch and out become in + 1; a null operand stays null.
void add_one(const KernelArgs& args) noexcept {
  const bool right = args.num_in == 2 && args.num_out == 1 && args.in[1].data == nullptr &&
                     args.exec == nullptr && *static_cast<const int*>(args.attrs) == 7;
  auto* scratch = static_cast<float*>(args.scratch);
  for (std::int64_t i = 0; i < args.in[0].count(); ++i) {
    scratch[i] = right ? args.in[0].f32()[i] + 1 : -1;
    args.out[0].f32()[i] = scratch[i];
  }
}

TEST_P(AnyDevice, LaunchesKernels) {
  const TensorType type{DType::kFloat32, {100}};
  Buffer x(device_, 400), y(device_, 400), scratch(device_, 400);
  std::vector<float> host(100);
  std::iota(host.begin(), host.end(), 0.0f);
  device_->copy_in(x.data(), host.data(), 400);
  const TensorRef in[] = {{x.data(), &type}, {nullptr, &type}};
  const TensorRef out[] = {{y.data(), &type}};
  const int attrs = 7;
  device_->launch(add_one, {in, out, 2, 1, &attrs, scratch.data(), nullptr});
  device_->sync();
  device_->copy_out(host.data(), y.data(), 400);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(host[static_cast<std::size_t>(i)], i + 1);
}

TEST_P(AnyDevice, AllocatesFromManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        const std::size_t bytes = 64 * (1 + (i * 37 + static_cast<std::size_t>(t)) % 50);
        Buffer buffer(device_, bytes);
        const std::vector<int> in(bytes / 4, t);
        std::vector<int> out(bytes / 4);
        device_->copy_in(buffer.data(), in.data(), bytes);
        device_->copy_out(out.data(), buffer.data(), bytes);
        wrong += in != out;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(CpuDevice, PutsLargeBlocksOnHugePageBoundaries) {
  const auto device = make_cpu_device();
  const Buffer buffer(device, 4 * kMiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % (2 * kMiB), 0u);
  EXPECT_EQ(device->host_view(buffer.data()), buffer.data());
}

TEST(MirrorDevice, ReusesAndJoinsFreedBlocks) {
  const auto device = make_mirror_device(kMiB);
  for (int repeat = 0; repeat < 10; ++repeat) {
    std::vector<std::unique_ptr<Buffer>> parts;
    for (int i = 0; i < 16; ++i) parts.push_back(std::make_unique<Buffer>(device, kMiB / 16));
    EXPECT_THROW(Buffer(device, 1), Error);
    for (std::size_t i : {3, 1, 2, 0, 15, 13, 14, 4, 12, 5, 11, 6, 10, 7, 9, 8}) parts[i].reset();
    EXPECT_NO_THROW(Buffer(device, kMiB));
  }
}

TEST(MirrorDevice, RefusesOtherMemory) {
  const auto device = make_mirror_device(kMiB);
  Buffer buffer(device, 64);
  EXPECT_EQ(device->host_view(buffer.data()), nullptr);
  std::vector<float> host(16);
  try {
    device->copy(buffer.data(), host.data(), 64);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInternal);
  }
  const TensorType type{DType::kFloat32, {16}};
  const TensorRef in[] = {{host.data(), &type}};
  EXPECT_THROW(device->launch(add_one, {in, in, 1, 1, nullptr, nullptr, nullptr}), Error);
}

TEST(MirrorDeviceDeathTest, TrapsOnDirectAccess) {
  const auto device = make_mirror_device(kMiB);
  Buffer buffer(device, 64);
  auto* direct = static_cast<volatile float*>(buffer.data());
  EXPECT_DEATH(*direct = 1, "");
  EXPECT_DEATH((void)*direct, "");
}

}  // namespace
}  // namespace nnseq
