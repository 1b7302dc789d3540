#include "nnseq/program.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "program/function_impl.h"
#include "program/variable_access.h"
#include "runtime/parallel.h"

namespace nnseq {

using Access = Variable::Access;

Function::Function(std::shared_ptr<Context> context, Graph graph,
                   std::vector<std::shared_ptr<Variable>> variables)
    : impl_(std::make_unique<Impl>()) {
  graph.verify();
  if (graph.slots().size() != variables.size()) {
    throw Error(ErrorKind::kValue, "the graph has " + std::to_string(graph.slots().size()) +
                                       " slots, got " + std::to_string(variables.size()) +
                                       " variables");
  }
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (!(graph.slots()[i].type == variables[i]->type())) {
      throw Error(ErrorKind::kValue,
                  "slot '" + graph.slots()[i].name + "' and its variable differ in type");
    }
  }
  impl_->context = std::move(context);
  impl_->graph = std::move(graph);
  impl_->variables = std::move(variables);
  if (!impl_->variables.empty()) {
    std::lock_guard guard(impl_->context->impl().mutex);  // a Variable may be moving to an arena
    impl_->home = Access::storage(*impl_->variables.front()).buffer()->device_ptr();
  }
  impl_->written.assign(impl_->variables.size(), false);
  for (const auto& [slot, v] : impl_->graph.assignments()) {
    impl_->written[static_cast<std::size_t>(slot)] = true;
  }
}

Function::~Function() = default;

const Graph& Function::graph() const { return impl_->graph; }
const std::vector<std::shared_ptr<Variable>>& Function::variables() const {
  return impl_->variables;
}

std::shared_ptr<const Program> Function::program(std::span<const TensorType> inputs) const {
  return impl_->specialised(inputs);
}

std::shared_ptr<const ProgramImpl> Function::Impl::specialised(std::span<const TensorType> types) {
  std::lock_guard guard(mutex);
  const std::shared_ptr<Device> on = device();
  for (std::size_t i = 0; i < programs.size(); ++i) {
    if (programs[i].program->device() == on &&
        std::equal(types.begin(), types.end(), programs[i].types.begin(),
                   programs[i].types.end())) {
      std::rotate(programs.begin(), programs.begin() + static_cast<std::ptrdiff_t>(i),
                  programs.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      return programs.front().program;
    }
  }
  auto program =
      std::make_shared<const ProgramImpl>(context->impl(), on, graph, types, passes::Options{});
  if (programs.size() == kCachedPrograms) programs.pop_back();
  programs.insert(programs.begin(), {{types.begin(), types.end()}, program});
  return program;
}

std::shared_ptr<Device> Function::Impl::device() const {
  return home ? home : context->impl().current_device();
}

RunPoll::RunPoll(const Context::Impl& context, RunHook hook)
    : context_(context), hook_(hook), last_ns_(steady_ns()) {
  if (context.cancelled.load(std::memory_order_relaxed)) {
    throw Error(ErrorKind::kCancelled, "the Context is cancelled");
  }
}

bool RunPoll::call(void* self) {
  const auto& p = *static_cast<const RunPoll*>(self);
  return p.context_.cancelled.load(std::memory_order_relaxed) ||
         (p.hook_.poll != nullptr && p.hook_.poll(p.hook_.user));
}

void StateBinding::lock() {
  for (;;) {
    if (context_.layout.load() != layout_) collect();
    take();
    if (context_.layout.load() == layout_) return;
    unlock();
  }
}

void StateBinding::take() {
  std::size_t taken = 0;
  try {
    for (; taken < locks_.size(); ++taken) {
      const auto& [lock, exclusive] = locks_[taken];
      exclusive ? lock->lock() : lock->lock_shared();
    }
  } catch (...) {  // this thread holds one of them already: give the others back
    locks_.resize(taken);
    unlock();
    layout_ = 0;
    throw;
  }
}

void StateBinding::unlock() noexcept {
  for (const auto& [lock, exclusive] : locks_) exclusive ? lock->unlock() : lock->unlock_shared();
}

void StateBinding::collect() {
  std::lock_guard guard(context_.mutex);
  locks_.clear();
  addresses_.clear();
  for (std::size_t i = 0; i < f_.variables.size(); ++i) {
    Variable& v = *f_.variables[i];
    const auto& lock = Access::lock(v);
    auto it = std::find_if(locks_.begin(), locks_.end(),
                           [&lock](const auto& held) { return held.first == lock; });
    if (it == locks_.end()) it = locks_.insert(it, {lock, false});
    it->second = it->second || f_.written[i];
    addresses_.push_back(Access::storage(v).data());
  }
  std::sort(locks_.begin(), locks_.end());
  layout_ = context_.layout.load();
}

void StateBinding::commit() {
  for (std::size_t i = 0; i < f_.variables.size(); ++i) {
    if (f_.written[i]) ++Access::version(*f_.variables[i]);
  }
}

namespace {

// Returns the session to its Program also when the run throws.
class Leased {
 public:
  Leased(const ProgramImpl& program, Context::Impl& context)
      : program_(program), session_(program.lease(context)) {}
  ~Leased() { program_.give_back(std::move(session_)); }
  Leased(const Leased&) = delete;
  Leased& operator=(const Leased&) = delete;
  Session& operator*() { return *session_; }

 private:
  const ProgramImpl& program_;
  std::unique_ptr<Session> session_;
};

}  // namespace

std::vector<Tensor> Function::Impl::run_once(const ProgramImpl& program,
                                             std::span<void* const> inputs, RunHook hook,
                                             StepTimes* times) {
  std::vector<Tensor> outputs;
  std::vector<void*> addresses;
  for (std::size_t i = 0; i < program.graph().outputs().size(); ++i) {
    outputs.emplace_back(program.device(), program.output_type(i));
    addresses.push_back(outputs.back().data());
  }
  const auto& log = context->impl().log;
  Leased session(program, context->impl());
  StateBinding state(context->impl(), *this);
  RunPoll poll(context->impl(), hook);
  {
    std::lock_guard held(state);
    program.run(context->impl(), *session, {inputs, addresses, state.addresses()}, poll.hook(),
                times != nullptr || log);
    state.commit();
  }
  if (times != nullptr) times->add((*session).times);
  if (log) program.tell(log, *session);
  return outputs;
}

namespace {

// The Program for some inputs, and the inputs where it can read them.
struct Call {
  std::shared_ptr<const ProgramImpl> program;
  std::vector<Tensor> copies;
  std::vector<void*> addresses;

  Call(Function::Impl& f, std::span<const Function::HostInput> inputs) {
    std::vector<TensorType> types;
    for (const Function::HostInput& in : inputs) types.push_back(in.type);
    program = f.specialised(types);
    for (const Function::HostInput& in : inputs) {
      if (program->device_sees_host()) {
        addresses.push_back(const_cast<void*>(in.data));
      } else {
        copies.emplace_back(program->device(), in.type);
        copies.back().copy_from_host(in.data);
        addresses.push_back(copies.back().data());
      }
    }
  }
};

}  // namespace

std::vector<Tensor> Function::run(std::span<const HostInput> inputs, RunHook hook) const {
  const Call call(*impl_, inputs);
  return impl_->run_once(*call.program, call.addresses, hook);
}

Profile Function::profile(std::span<const HostInput> inputs, int runs, RunHook hook) const {
  if (runs < 1) {
    throw Error(ErrorKind::kValue, "runs must be at least 1, got " + std::to_string(runs));
  }
  const Call call(*impl_, inputs);
  impl_->run_once(*call.program, call.addresses, hook);  // touches the memory
  StepTimes times;
  for (int i = 0; i < runs; ++i) {
    impl_->run_once(*call.program, call.addresses, hook, &times);
  }
  return call.program->profile(times);
}

std::vector<Tensor> Function::run(std::span<const Tensor> inputs, RunHook hook) const {
  std::vector<TensorType> types;
  for (const Tensor& in : inputs) types.push_back(in.type());
  const auto program = impl_->specialised(types);
  std::vector<Tensor> copies;  // of inputs that live on another device
  std::vector<void*> addresses;
  for (const Tensor& in : inputs) {
    if (in.buffer()->device_ptr() == program->device()) {
      addresses.push_back(in.data());
      continue;
    }
    std::vector<char> host(in.bytes());
    in.copy_to_host(host.data());
    copies.emplace_back(program->device(), in.type());
    copies.back().copy_from_host(host.data());
    addresses.push_back(copies.back().data());
  }
  return impl_->run_once(*program, addresses, hook);
}

}  // namespace nnseq
