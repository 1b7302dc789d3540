// A Context holds everything that would otherwise be global: threads, device, kernel table. Several
// may live in one process; Variables and Functions belong to one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nnseq/export.h"

namespace nnseq {

struct ContextOptions {
  int threads = 0;             // 0: affinity, cgroup quota, NNSEQ_NUM_THREADS, OMP_NUM_THREADS
  std::string isa;             // empty: NNSEQ_ISA, else the best of this machine
  std::string device = "cpu";  // "cpu", or "mirror" for tests
  std::string thread_backend;  // "std" (also if empty), or "openmp" where the build has it
  // Is told what the steps of each Program are and took, as text; empty: nothing is timed.
  std::function<void(const std::string&)> log = {};
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
  std::string device() const;
  // For tensors and Variables made afterwards.
  void set_device(const std::string& name);

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nnseq
