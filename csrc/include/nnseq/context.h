// A Context holds everything that would otherwise be global: threads, device, kernel table. Several
// may live in one process; Variables and Functions belong to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nnseq/export.h"

namespace nnseq {

// Where tensors, workspaces and Variables get their memory; any thread may call.
struct AllocatorHook {
  // Null: there is none left. `alignment` is a power of two.
  void* (*allocate)(std::size_t bytes, std::size_t alignment, void* user) = nullptr;
  void (*deallocate)(void* data, std::size_t bytes, void* user) = nullptr;
  void* user = nullptr;
};

// The application's own threads: calls task(arg, i) once for each i in [0, tasks), at one time or
// one after the other, and returns when all are done. No task throws.
struct ParallelHook {
  void (*run)(int tasks, void (*task)(void* arg, int i), void* arg, void* user) = nullptr;
  void* user = nullptr;
};

struct ContextOptions {
  int threads = 0;             // 0: affinity, cgroup quota, NNSEQ_NUM_THREADS, OMP_NUM_THREADS
  std::string isa;             // empty: NNSEQ_ISA, else the best of this machine
  std::string device = "cpu";  // "cpu", or "mirror" for tests
  std::string thread_backend;  // "std" (also if empty), or "openmp" where the build has it
  // Is told what the steps of each Program are and took, as text; empty: nothing is timed.
  std::function<void(const std::string&)> log = {};
  std::uint64_t seed = 0;          // of orders and initial values where a call gives none
  AllocatorHook allocator = {};    // of the device "cpu"; empty: the C library's
  ParallelHook parallel_for = {};  // takes `threads` tasks at most; empty: thread_backend
};

class NNSEQ_API Context {
 public:
  explicit Context(const ContextOptions& options = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  int threads() const;
  void set_threads(int threads);
  void set_thread_backend(const std::string& name);
  std::string isa() const;
  static std::vector<std::string> available_isas();
  std::uint64_t seed() const;
  std::string device() const;
  // For tensors and Variables made afterwards.
  void set_device(const std::string& name);
  // While it is true, runs end with Error(kCancelled): those under way within about 50 ms, before
  // they write anything. From any thread or signal handler.
  void set_cancelled(bool cancelled) noexcept;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nnseq
