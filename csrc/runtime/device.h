// A device is a table: allocate, copy, sync and launch. The planner, the run loop and the parameter
// store know nothing else of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "nnseq/context.h"
#include "runtime/kernel_args.h"

namespace nnseq {

// Thread-safe.
class Device {
 public:
  virtual ~Device() = default;
  virtual const char* name() const noexcept = 0;
  // 64-byte aligned; size rounded up to 64, so that the pad may be read and written. Blocks of
  // 4 MiB and more come on 2 MiB pages where the system has them. Throws Error(kMemory).
  virtual void* allocate(std::size_t bytes) = 0;
  // `bytes` as given to allocate(). Null is allowed.
  virtual void deallocate(void* data, std::size_t bytes) noexcept = 0;
  virtual void copy_in(void* device_dst, const void* host_src, std::size_t bytes) = 0;
  virtual void copy_out(void* host_dst, const void* device_src, std::size_t bytes) = 0;
  virtual void copy(void* device_dst, const void* device_src, std::size_t bytes) = 0;
  virtual void fill_zero(void* device_dst, std::size_t bytes) = 0;
  virtual void sync() = 0;
  // Runs a kernel body whose operands are memory of this device.
  virtual void launch(KernelBody body, const KernelArgs& args) = 0;
  // The host's view of device memory, or null where the host cannot see it.
  virtual void* host_view(void* device_data) const noexcept = 0;

  // How many times allocate() succeeded: a run in steady state leaves it as it is.
  std::uint64_t allocations() const noexcept {
    return allocations_.load(std::memory_order_relaxed);
  }

 protected:
  void count_allocation() noexcept { allocations_.fetch_add(1, std::memory_order_relaxed); }
  // The size that allocate(bytes) takes: a positive multiple of 64. Throws Error(kMemory).
  std::size_t padded_size(std::size_t bytes) const;
  [[noreturn]] void throw_no_memory(std::size_t bytes) const;

 private:
  std::atomic<std::uint64_t> allocations_{0};
};

std::shared_ptr<Device> make_cpu_device(const AllocatorHook& allocator = {});

// "mirror": host memory whose device addresses trap on direct access (a second, PROT_NONE mapping
// of the same pages); launch() translates them. It proves that nothing bypasses the table.
// Pages are taken from the system when they are first touched.
std::shared_ptr<Device> make_mirror_device(std::size_t capacity_bytes = std::size_t{1} << 34);

// Memory of one device, held by one owner (share it by shared_ptr). Not zeroed.
class Buffer {
 public:
  Buffer(std::shared_ptr<Device> device, std::size_t bytes);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  Device& device() const noexcept { return *device_; }
  const std::shared_ptr<Device>& device_ptr() const noexcept { return device_; }

 private:
  std::shared_ptr<Device> device_;
  std::size_t size_;
  void* data_;
};

}  // namespace nnseq
