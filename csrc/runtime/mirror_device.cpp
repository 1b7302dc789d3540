#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "nnseq/error.h"
#include "runtime/device.h"

namespace nnseq {
namespace {

// First fit over the blocks that tile [0, capacity); two free neighbours are never left apart.
class Blocks {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  explicit Blocks(std::size_t capacity) { blocks_[0] = {capacity, false}; }

  std::size_t take(std::size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [offset, block] : blocks_) {
      if (block.used || block.size < size) continue;
      if (block.size > size) blocks_[offset + size] = {block.size - size, false};
      block = {size, true};
      return offset;
    }
    return kNone;
  }

  void give_back(std::size_t offset) noexcept {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto it = blocks_.find(offset);
    if (it == blocks_.end()) return;
    it->second.used = false;
    absorb_next(it);
    if (it != blocks_.begin() && !std::prev(it)->second.used) absorb_next(std::prev(it));
  }

 private:
  struct Block {
    std::size_t size;
    bool used;
  };
  using Map = std::map<std::size_t, Block>;

  void absorb_next(Map::iterator it) noexcept {
    const auto next = std::next(it);
    if (next == blocks_.end() || next->second.used) return;
    it->second.size += next->second.size;
    blocks_.erase(next);
  }

  std::mutex mutex_;
  Map blocks_;
};

// The same pages twice: `device` traps on access, `host` does not.
class TwoViews {
 public:
  explicit TwoViews(std::size_t bytes) : bytes_(bytes) {
    const int file = ::memfd_create("nnseq-mirror", MFD_CLOEXEC);
    if (file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0) {
      device_ = map(file, PROT_NONE);
      host_ = map(file, PROT_READ | PROT_WRITE);
    }
    if (file >= 0) ::close(file);
    if (device_ != nullptr && host_ != nullptr) return;
    unmap();
    throw Error(ErrorKind::kMemory, "device mirror: the system refuses the mapping");
  }
  ~TwoViews() { unmap(); }
  TwoViews(const TwoViews&) = delete;
  TwoViews& operator=(const TwoViews&) = delete;

  std::byte* device() const noexcept { return device_; }
  std::size_t offset_of(const void* device_data) const {
    const std::size_t offset = static_cast<std::size_t>(
        reinterpret_cast<std::uintptr_t>(device_data) - reinterpret_cast<std::uintptr_t>(device_));
    if (offset >= bytes_) {
      throw Error(ErrorKind::kInternal, "device mirror: an operand is not memory of this device");
    }
    return offset;
  }
  std::byte* to_host(const void* device_data) const {
    return device_data == nullptr ? nullptr : host_ + offset_of(device_data);
  }

 private:
  std::byte* map(int file, int protection) const {
    void* view = ::mmap(nullptr, bytes_, protection, MAP_SHARED | MAP_NORESERVE, file, 0);
    return view == MAP_FAILED ? nullptr : static_cast<std::byte*>(view);
  }
  void unmap() noexcept {
    if (device_ != nullptr) ::munmap(device_, bytes_);
    if (host_ != nullptr) ::munmap(host_, bytes_);
  }

  const std::size_t bytes_;
  std::byte* device_ = nullptr;
  std::byte* host_ = nullptr;
};

class MirrorDevice final : public Device {
 public:
  explicit MirrorDevice(std::size_t capacity) : views_(capacity), blocks_(capacity) {}

  const char* name() const noexcept override { return "mirror"; }

  void* allocate(std::size_t bytes) override {
    const std::size_t offset = blocks_.take(padded_size(bytes));
    if (offset == Blocks::kNone) throw_no_memory(bytes);
    count_allocation();
    return views_.device() + offset;
  }
  void deallocate(void* data, std::size_t) noexcept override {
    if (data == nullptr) return;
    blocks_.give_back(static_cast<std::size_t>(static_cast<std::byte*>(data) - views_.device()));
  }

  void copy_in(void* dst, const void* src, std::size_t bytes) override {
    if (bytes != 0) std::memcpy(views_.to_host(dst), src, bytes);
  }
  void copy_out(void* dst, const void* src, std::size_t bytes) override {
    if (bytes != 0) std::memcpy(dst, views_.to_host(src), bytes);
  }
  void copy(void* dst, const void* src, std::size_t bytes) override {
    if (bytes != 0) std::memcpy(views_.to_host(dst), views_.to_host(src), bytes);
  }
  void fill_zero(void* dst, std::size_t bytes) override {
    if (bytes != 0) std::memset(views_.to_host(dst), 0, bytes);
  }
  void sync() override {}

  void launch(KernelBody body, const KernelArgs& args) override {
    const std::vector<TensorRef> in = to_host(args.in, args.num_in);
    const std::vector<TensorRef> out = to_host(args.out, args.num_out);
    KernelArgs host = args;
    host.in = in.data();
    host.out = out.data();
    host.scratch = views_.to_host(args.scratch);
    body(host);
  }
  void* host_view(void*) const noexcept override { return nullptr; }

 private:
  std::vector<TensorRef> to_host(const TensorRef* refs, int count) const {
    std::vector<TensorRef> host(refs, refs + count);
    for (TensorRef& ref : host) ref.data = views_.to_host(ref.data);
    return host;
  }

  TwoViews views_;
  Blocks blocks_;
};

}  // namespace

std::shared_ptr<Device> make_mirror_device(std::size_t capacity_bytes) {
  constexpr std::size_t kPage = 4096;
  return std::make_shared<MirrorDevice>((capacity_bytes + kPage - 1) / kPage * kPage);
}

}  // namespace nnseq
