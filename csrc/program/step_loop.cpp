// Many steps over the caller's arrays: gather, run, commit, without Python.
#include <algorithm>

#include "program/function_impl.h"
#include "program/gather.h"
#include "runtime/parallel.h"
#include "runtime/philox.h"

namespace nnseq {

namespace {

std::int64_t rows_of(std::span<const HostArray> arrays) {
  for (const HostArray& a : arrays) {
    if (a.shape.rank() == 0 || a.shape[0] != arrays[0].shape[0]) {
      throw Error(ErrorKind::kValue, "the arrays differ in their number of rows: " +
                                         to_string(arrays[0].shape) + ", " + to_string(a.shape));
    }
  }
  return arrays.empty() ? 0 : arrays[0].shape[0];
}

// The loop over steps of one call. Programs, sessions and buffers are set up when the number of
// rows changes (the last, partial batch); a steady step allocates nothing.
class StepLoop {
 public:
  StepLoop(Function::Impl& f, std::span<const HostArray> arrays, const StepRange& range,
           std::span<void* const> outputs, RunHook hook)
      : f_(f),
        context_(f.context->impl()),
        arrays_(arrays),
        range_(range),
        outputs_(outputs),
        poll_(context_, hook),
        rows_(rows_of(arrays)),
        state_(context_, f) {
    if (range.batch_size < 1) {
      throw Error(ErrorKind::kValue,
                  "the batch size must be at least 1, got " + std::to_string(range.batch_size));
    }
    const auto& inputs = f.graph.inputs();
    if (arrays.size() != inputs.size()) {
      throw Error(ErrorKind::kValue, "takes " + std::to_string(inputs.size()) + " arrays, got " +
                                         std::to_string(arrays.size()));
    }
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const Node& n = f.graph.node(inputs[i]);
      expect_feedable(arrays[i], n.outputs[0], n.as<InputAttrs>().name);
    }
    if (range.shuffle) shuffle(*range.shuffle);
  }

  ~StepLoop() { release(); }
  StepLoop(const StepLoop&) = delete;
  StepLoop& operator=(const StepLoop&) = delete;

  std::vector<Tensor> run() {
    for (std::int64_t s = range_.first_step; s < range_.first_step + range_.num_steps; ++s) {
      const std::int64_t first = s * range_.batch_size;
      const std::int64_t count = std::min(range_.batch_size, rows_ - first);
      if (first < 0 || count < 1) {
        throw Error(ErrorKind::kValue, "step " + std::to_string(s) + " is beyond the data");
      }
      prepare(count);
      try {
        step(first, count);
      } catch (NotFiniteError& e) {
        e.step = s;
        throw;
      }
    }
    return std::move(results_);
  }

 private:
  void shuffle(const Shuffle& by) {
    std::lock_guard guard(f_.mutex);
    if (static_cast<std::int64_t>(f_.order.size()) != rows_ || f_.order_seed != by.seed ||
        f_.order_epoch != by.epoch) {
      f_.order.resize(static_cast<std::size_t>(rows_));
      shuffle_order(by.seed, by.epoch, rows_, f_.order.data());
      f_.order_seed = by.seed;
      f_.order_epoch = by.epoch;
    }
    order_ = f_.order;
  }

  void release() {
    if (session_ != nullptr) program_->give_back(std::move(session_));
  }

  // A Program and buffers for batches of `count` rows.
  void prepare(std::int64_t count) {
    if (program_ != nullptr && prepared_ == count) return;
    release();
    std::vector<TensorType> types;
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      TensorType t = f_.graph.type(f_.graph.inputs()[i]);
      t.shape = arrays_[i].shape;
      t.shape[0] = count;
      types.push_back(t);
    }
    program_ = f_.specialised(types);
    session_ = program_->lease(context_);
    prepared_ = count;
    if (session_->staging.empty()) {  // all or none: the session outlives this loop
      std::vector<Tensor> staging;
      for (const TensorType& t : types) staging.emplace_back(program_->device(), t);
      session_->staging = std::move(staging);
    }
    inputs_.assign(arrays_.size(), nullptr);
    results_.clear();
    for (std::size_t o = 0; o < program_->graph().outputs().size(); ++o) {
      const TensorType& t = program_->output_type(o);
      if (!outputs_.empty() && (t.shape.rank() == 0 || t.shape[0] != count)) {
        throw Error(ErrorKind::kValue, "output " + std::to_string(o) + " has shape " +
                                           to_string(t.shape) + ", expected one row per sample");
      }
      results_.emplace_back(program_->device(), t);
    }
  }

  void feed(std::int64_t first, std::int64_t count) {
    const bool sees_host = program_->device_sees_host();
    const std::int64_t* rows = order_.empty() ? nullptr : order_.data() + first;
    Exec exec{&context_.pool, context_.kernels, nullptr, nullptr, {}, 0};
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      const HostArray& a = arrays_[i];
      const Tensor& staging = session_->staging[i];
      if (rows == nullptr && sees_host && is_direct(a, staging.dtype())) {
        inputs_[i] = const_cast<char*>(static_cast<const char*>(a.data)) + first * a.strides[0];
        continue;
      }
      inputs_[i] = staging.data();
      if (sees_host) {
        gather_rows(exec, a, rows, first, count, staging.dtype(), staging.data());
      } else {
        host_.resize(staging.bytes());
        gather_rows(exec, a, rows, first, count, staging.dtype(), host_.data());
        staging.copy_from_host(host_.data());
      }
    }
  }

  void step(std::int64_t first, std::int64_t count) {
    feed(first, count);
    targets_.clear();
    const bool direct = !outputs_.empty() && program_->device_sees_host();
    for (std::size_t o = 0; o < results_.size(); ++o) {
      targets_.push_back(direct ? row_address(o, first) : results_[o].data());
    }
    try {
      std::lock_guard held(state_);
      program_->run(context_, *session_, {inputs_, targets_, state_.addresses()}, poll_.hook(),
                    context_.log != nullptr);
      state_.commit();
    } catch (const BadIndexError& e) {
      const std::int64_t at = first + e.row;
      throw Error(
          ErrorKind::kValue,
          bad_index_message(e.where, order_.empty() ? at : order_[static_cast<std::size_t>(at)],
                            e.value, e.bound));
    }
    if (context_.log) program_->tell(context_.log, *session_);
    if (!outputs_.empty() && !direct) {
      for (std::size_t o = 0; o < results_.size(); ++o) {
        results_[o].copy_to_host(row_address(o, first));
      }
    }
  }

  void* row_address(std::size_t o, std::int64_t first) const {
    const auto row = static_cast<std::int64_t>(results_[o].bytes()) / prepared_;
    return static_cast<char*>(outputs_[o]) + first * row;
  }

  Function::Impl& f_;
  Context::Impl& context_;
  std::span<const HostArray> arrays_;
  const StepRange& range_;
  std::span<void* const> outputs_;
  RunPoll poll_;
  std::int64_t rows_;
  StateBinding state_;
  std::vector<std::int64_t> order_;
  std::shared_ptr<const ProgramImpl> program_;
  std::unique_ptr<Session> session_;
  std::int64_t prepared_ = 0;
  std::vector<void*> inputs_, targets_;
  std::vector<Tensor> results_;
  std::vector<char> host_;  // where the device cannot see host memory
};

}  // namespace

std::vector<Tensor> Function::run_steps(std::span<const HostArray> arrays, const StepRange& range,
                                        std::span<void* const> outputs, RunHook hook) const {
  std::vector<Tensor> results = StepLoop(*impl_, arrays, range, outputs, hook).run();
  if (!outputs.empty()) results.clear();
  return results;
}

}  // namespace nnseq
