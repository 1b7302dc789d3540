// The inside of a Function, shared by single runs and the step loop.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "program/program_impl.h"
#include "runtime/state_lock.h"

namespace nnseq {

struct Function::Impl {
  static constexpr std::size_t kCachedPrograms = 8;
  struct Cached {
    std::vector<TensorType> types;
    std::shared_ptr<const ProgramImpl> program;
  };

  std::shared_ptr<Context> context;
  Graph graph;
  std::vector<std::shared_ptr<Variable>> variables;
  std::vector<bool> written;        // per slot
  std::shared_ptr<Device> home;     // of the Variables, which never leave it; null: there are none
  std::mutex mutex;                 // guards what follows
  std::vector<Cached> programs;     // most recent first
  std::vector<std::int64_t> order;  // of the last shuffle
  std::uint64_t order_seed = 0, order_epoch = 0;

  std::shared_ptr<const ProgramImpl> specialised(std::span<const TensorType> types);
  std::shared_ptr<Device> device() const;
  // `times`: where not null, the run is timed and added to it.
  std::vector<Tensor> run_once(const ProgramImpl& program, std::span<void* const> inputs,
                               RunHook hook, StepTimes* times = nullptr);
};

// What is asked whether a run goes on: the Context's flag and the caller's hook. Throws
// Error(kCancelled) where the flag is set from the start.
class RunPoll {
 public:
  RunPoll(const Context::Impl& context, RunHook hook);
  PollHook hook() { return {&call, this, &last_ns_}; }

 private:
  static bool call(void* self);
  const Context::Impl& context_;
  const RunHook hook_;
  std::int64_t last_ns_;
};

// The parameter locks of a Function's Variables, and where the Variables are while they are held:
// exclusive where the Function writes, else shared. Taken in one order by everybody. Keeps its
// memory, so that a steady step allocates nothing.
class StateBinding {
 public:
  StateBinding(Context::Impl& context, const Function::Impl& f) : context_(context), f_(f) {}
  void lock();
  void unlock() noexcept;
  std::span<void* const> addresses() const { return addresses_; }
  void commit();  // counts the writes of this run; the locks are held

 private:
  void collect();
  void take();

  Context::Impl& context_;
  const Function::Impl& f_;
  std::uint64_t layout_ = 0;  // of the Context when the locks were looked up
  std::vector<std::pair<std::shared_ptr<StateLock>, bool>> locks_;
  std::vector<void*> addresses_;
};

}  // namespace nnseq
