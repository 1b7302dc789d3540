#include "runtime/fork_safe.h"

#include <sys/mman.h>

#include <new>

namespace nnseq {
namespace {

constexpr std::size_t kPage = 4096;

std::atomic<int>* page_wiped_on_fork() noexcept {
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, kPage, MADV_WIPEONFORK) == 0) return new (page) std::atomic<int>(0);
  ::munmap(page, kPage);
  return nullptr;
}

}  // namespace

ForkMark::ForkMark() noexcept : page_(page_wiped_on_fork()), pid_(0) { renew(); }

ForkMark::~ForkMark() {
  if (page_ != nullptr) ::munmap(page_, kPage);
}

void ForkMark::renew() noexcept {
  pid_.store(::getpid(), std::memory_order_release);
  if (page_ != nullptr) page_->store(1, std::memory_order_release);
}

}  // namespace nnseq
