// A device is a table: allocate, copy, sync and launch. The planner, the run loop and the parameter
// store know nothing else of it.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/kernel_args.h"

namespace nnseq {

class Device {
 public:
  virtual ~Device() = default;
  virtual const char* name() const noexcept = 0;
  // 64-byte aligned; size rounded up to 64, so that the pad may be read and written. Blocks of
  // 4 MiB and more come on 2 MiB pages where the system has them. Throws Error(kMemory).
  virtual void* allocate(std::size_t bytes) = 0;
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
};

Device& cpu_device();  // stateless

// "mirror": host memory whose device addresses trap on direct access (a second, PROT_NONE mapping
// of the same pages); launch() translates them. It proves that nothing bypasses the table.
std::unique_ptr<Device> make_mirror_device(std::size_t capacity_bytes = std::size_t{1} << 34);

// Ref-counted memory of one device.
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
