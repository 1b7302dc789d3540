// A Program: steps over planned memory. A run leases a Session, which holds the memory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "nnseq/profile.h"
#include "nnseq/program.h"
#include "passes/passes.h"
#include "passes/plan.h"
#include "program/context_impl.h"

namespace nnseq {

// What runs took, summed.
struct StepTimes {
  std::vector<std::int64_t> ns;  // per step
  std::int64_t total_ns = 0;     // with what is between the steps
  std::int64_t runs = 0;

  void add(const StepTimes& other);
};

// The workspace of one run at a time, and its operands with addresses filled in.
struct Session {
  std::shared_ptr<Device> device;
  std::unique_ptr<Buffer> workspace;  // arena, then scratch
  std::vector<TensorRef> refs;        // all operands of all steps
  std::vector<Tensor> staging;        // inputs gathered from the caller's arrays
  std::uint64_t layout = 0;           // of the Context when slots were last bound
  int workers = 0;
  StepTimes times;  // of the last run, where it was timed
};

// Addresses that change from run to run.
struct Bindings {
  std::span<void* const> inputs;
  std::span<void* const> outputs;
  std::span<void* const> slots;
};

class ProgramImpl final : public Program {
 public:
  ProgramImpl(const Context::Impl& context, std::shared_ptr<Device> device, const Graph& traced,
              std::span<const TensorType> inputs, const passes::Options& options);

  const Graph& graph() const override { return graph_; }
  int num_steps() const override { return static_cast<int>(steps_.size()); }
  std::int64_t arena_bytes() const override { return plan_.arena_bytes; }
  std::int64_t scratch_bytes() const override { return scratch_; }
  double specialise_seconds() const override { return seconds_; }
  std::string to_string() const override;

  std::unique_ptr<Session> lease(Context::Impl& context) const;
  void give_back(std::unique_ptr<Session> session) const noexcept;

  // Runs the steps. Throws Error for a bad index and kCancelled, before the first write. `timed`
  // fills session.times.
  void run(Context::Impl& context, Session& session, const Bindings& bindings, const PollHook& poll,
           bool timed) const;
  Profile profile(const StepTimes& times) const;
  // Adds the times of the session's run to those before; the log is told after the first run, the
  // tenth, the hundredth and so on.
  void tell(const std::function<void(const std::string&)>& log, Session& session) const;

  const std::shared_ptr<Device>& device() const { return device_; }
  bool device_sees_host() const { return sees_host_; }
  const TensorType& input_type(std::size_t i) const { return graph_.type(graph_.inputs()[i]); }
  const TensorType& output_type(std::size_t i) const {
    return graph_.type(graph_.outputs()[i].value);
  }

 private:
  struct Step {
    KernelBody body = nullptr;  // null: copy in[0] to out[0]
    const Attrs* attrs = nullptr;
    std::int32_t first = 0;  // of the operands: inputs, then outputs
    std::int32_t num_in = 0, num_out = 0;
    std::int32_t node = -1;  // -1: a copy
    bool writes = false;     // to the storage of Variables
  };
  struct Patch {
    std::int32_t operand;
    passes::Place place;
  };

  template <bool kTimed>
  void run_steps(Context::Impl& context, Session& session, const PollHook& poll) const;
  Profile::Row describe(const Step& step) const;
  void lower();
  void add_operand(const TensorType& type, const passes::Place& place);
  void add_copies(std::int32_t before);
  void upload_constants(const std::shared_ptr<Device>& device);
  std::int64_t scratch_for(int workers) const;
  std::unique_ptr<Session> make_session(int workers) const;
  void* resolve(const Session& s, const Bindings& b, const passes::Place& place) const;
  void check(const Exec& exec, const std::atomic<bool>& cancelled) const;
  [[noreturn]] void throw_bad_data(const RunStatus& status) const;

  const cpu::KernelTable& kernels_;
  Graph graph_;
  passes::Plan plan_;
  std::shared_ptr<Device> device_;
  std::vector<Step> steps_;
  std::vector<TensorType> types_;      // of operands
  std::vector<passes::Place> places_;  // of operands
  std::vector<Patch> patches_;         // operands bound anew by each run
  std::vector<Tensor> constants_;
  std::int64_t scratch_ = 0;
  double seconds_ = 0;
  bool sees_host_ = true;

  static constexpr std::size_t kStepsPerPoll = 64;
  static constexpr std::size_t kIdleSessions = 4;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Session>> idle_;
  mutable StepTimes times_;
};

// Thrown by ProgramImpl::run; Function turns the row into the caller's sample.
class BadIndexError : public Error {
 public:
  BadIndexError(std::string where, std::int64_t row, std::int64_t value, std::int64_t bound);
  const std::string where;
  const std::int64_t row, value, bound;
};

std::string bad_index_message(const std::string& where, std::int64_t sample, std::int64_t value,
                              std::int64_t bound);

}  // namespace nnseq
