// A run whose memory is all there before it begins.
#include <algorithm>
#include <mutex>
#include <utility>

#include "program/function_impl.h"

namespace nnseq {

struct PreparedFunction::Impl {
  std::shared_ptr<const Function> function;
  Function::Impl& f;
  Context::Impl& context;
  std::shared_ptr<const ProgramImpl> program;
  std::unique_ptr<Session> session;
  StateBinding state;
  std::vector<TensorType> input_types, output_types;
  std::vector<void*> inputs, outputs;
  std::vector<Tensor> staged_inputs, staged_outputs;  // where the device does not see host memory

  Impl(std::shared_ptr<const Function> fn, Function::Impl& own, std::span<const TensorType> types)
      : function(std::move(fn)),
        f(own),
        context(own.context->impl()),
        program(own.specialised(types)),
        session(program->lease(context)),
        state(context, own),
        input_types(types.begin(), types.end()),
        inputs(types.size()),
        outputs(program->graph().outputs().size()) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      output_types.push_back(program->output_type(i));
    }
    if (!program->device_sees_host()) {
      for (const TensorType& t : input_types) staged_inputs.emplace_back(program->device(), t);
      for (const TensorType& t : output_types) staged_outputs.emplace_back(program->device(), t);
    }
    std::lock_guard held(state);  // looks locks and addresses up, so that run() need not
  }
  ~Impl() { program->give_back(std::move(session)); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void run(RunHook hook) {
    if (session->workers != context.pool.threads()) {          // set_threads() was called meanwhile
      std::unique_ptr<Session> now = program->lease(context);  // may find no memory
      program->give_back(std::exchange(session, std::move(now)));
    }
    RunPoll poll(context, hook);
    {
      std::lock_guard held(state);
      program->run(context, *session, {inputs, outputs, state.addresses()}, poll.hook(),
                   context.log != nullptr);
      state.commit();
    }
    if (context.log) program->tell(context.log, *session);
  }
};

PreparedFunction::PreparedFunction(std::shared_ptr<const Function> function,
                                   std::span<const TensorType> inputs) {
  Function::Impl& own = *function->impl_;
  impl_ = std::make_unique<Impl>(std::move(function), own, inputs);
}

PreparedFunction::~PreparedFunction() = default;

const std::vector<TensorType>& PreparedFunction::inputs() const { return impl_->input_types; }
const std::vector<TensorType>& PreparedFunction::outputs() const { return impl_->output_types; }

void PreparedFunction::run(std::span<const void* const> inputs, std::span<void* const> outputs,
                           RunHook hook) {
  Impl& p = *impl_;
  if (inputs.size() != p.inputs.size() || outputs.size() != p.outputs.size()) {
    throw Error(ErrorKind::kValue, "takes " + std::to_string(p.inputs.size()) + " inputs and " +
                                       std::to_string(p.outputs.size()) + " outputs, got " +
                                       std::to_string(inputs.size()) + " and " +
                                       std::to_string(outputs.size()));
  }
  const auto given = [](const void* data) { return data != nullptr; };
  if (!std::all_of(inputs.begin(), inputs.end(), given) ||
      !std::all_of(outputs.begin(), outputs.end(), given)) {
    throw Error(ErrorKind::kValue, "an input or output is a null pointer");
  }
  const bool staged = !p.program->device_sees_host();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (staged) p.staged_inputs[i].copy_from_host(inputs[i]);
    p.inputs[i] = staged ? p.staged_inputs[i].data() : const_cast<void*>(inputs[i]);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    p.outputs[i] = staged ? p.staged_outputs[i].data() : outputs[i];
  }
  p.run(hook);
  for (std::size_t i = 0; staged && i < outputs.size(); ++i) {
    p.staged_outputs[i].copy_to_host(outputs[i]);
  }
}

}  // namespace nnseq
