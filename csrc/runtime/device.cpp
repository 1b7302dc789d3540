#include "runtime/device.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "nnseq/error.h"

namespace nnseq {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeFrom = std::size_t{4} << 20;

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(const AllocatorHook& allocator) : allocator_(allocator) {}
  const char* name() const noexcept override { return "cpu"; }

  void* allocate(std::size_t bytes) override {
    const std::size_t size = padded_size(bytes);
    const bool huge = size >= kHugeFrom;
    const std::size_t alignment = huge ? kHugePage : kAlignment;
    const std::size_t whole = (size + alignment - 1) / alignment * alignment;
    void* data = allocator_.allocate != nullptr
                     ? allocator_.allocate(whole, alignment, allocator_.user)
                     : std::aligned_alloc(alignment, whole);
    if (data == nullptr) throw_no_memory(bytes);
    if (huge && allocator_.allocate == nullptr)
      ::madvise(data, whole, MADV_HUGEPAGE);  // a wish: refusal costs speed only
    count_allocation();
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override {
    if (allocator_.allocate == nullptr) return std::free(data);
    if (data != nullptr) allocator_.deallocate(data, bytes, allocator_.user);
  }

  void copy_in(void* dst, const void* src, std::size_t bytes) override { copy(dst, src, bytes); }
  void copy_out(void* dst, const void* src, std::size_t bytes) override { copy(dst, src, bytes); }
  void copy(void* dst, const void* src, std::size_t bytes) override {
    if (bytes != 0) std::memcpy(dst, src, bytes);
  }
  void fill_zero(void* dst, std::size_t bytes) override {
    if (bytes != 0) std::memset(dst, 0, bytes);
  }
  void sync() override {}
  void launch(KernelBody body, const KernelArgs& args) override { body(args); }
  void* host_view(void* device_data) const noexcept override { return device_data; }

 private:
  const AllocatorHook allocator_;
};

}  // namespace

std::size_t Device::padded_size(std::size_t bytes) const {
  constexpr std::size_t kLimit = std::numeric_limits<std::ptrdiff_t>::max() - kHugePage;
  if (bytes > kLimit) throw_no_memory(bytes);
  return bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void Device::throw_no_memory(std::size_t bytes) const {
  throw Error(ErrorKind::kMemory, "cannot allocate " + std::to_string(bytes) + " bytes on device " +
                                      std::string(name()));
}

std::shared_ptr<Device> make_cpu_device(const AllocatorHook& allocator) {
  return std::make_shared<CpuDevice>(allocator);
}

Buffer::Buffer(std::shared_ptr<Device> device, std::size_t bytes)
    : device_(std::move(device)), size_(bytes), data_(device_->allocate(bytes)) {}

Buffer::~Buffer() { device_->deallocate(data_, size_); }

}  // namespace nnseq
