// What a Context holds.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "nnseq/context.h"
#include "runtime/device.h"
#include "runtime/parallel.h"
#include "runtime/state_lock.h"

namespace nnseq {

namespace cpu {
struct KernelTable;
}

struct Context::Impl {
  ThreadPool pool;
  const cpu::KernelTable* kernels = nullptr;
  std::mutex mutex;  // guards device
  std::shared_ptr<Device> device;
  // Grows when a Variable is re-pointed; Functions then look up storages and locks again.
  std::atomic<std::uint64_t> layout{1};
  std::function<void(const std::string&)> log;  // set once, before any run
  AllocatorHook allocator;
  std::uint64_t seed = 0;
  std::atomic<bool> cancelled{false};
  // Held shared by every run: the number of threads does not change under it.
  StateLock running;

  Impl(int threads, ThreadBackend backend) : pool(threads, backend) {}
  std::shared_ptr<Device> current_device() {
    std::lock_guard guard(mutex);
    return device;
  }
};

}  // namespace nnseq
