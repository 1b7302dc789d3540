#include <algorithm>
#include <chrono>
#include <shared_mutex>

#include "ir/op_table.h"
#include "ir/print.h"
#include "program/program_impl.h"

namespace nnseq {

using passes::Home;
using passes::Place;

std::string bad_index_message(const std::string& where, std::int64_t sample, std::int64_t value,
                              std::int64_t bound) {
  return where + ": index " + std::to_string(value) + " of sample " + std::to_string(sample) +
         " is outside [0, " + std::to_string(bound) + "); give indices or labels below " +
         std::to_string(bound);
}

BadIndexError::BadIndexError(std::string where_, std::int64_t row_, std::int64_t value_,
                             std::int64_t bound_)
    : Error(ErrorKind::kValue, bad_index_message(where_, row_, value_, bound_)),
      where(std::move(where_)),
      row(row_),
      value(value_),
      bound(bound_) {}

ProgramImpl::ProgramImpl(const Context::Impl& context, std::shared_ptr<Device> device,
                         const Graph& traced, std::span<const TensorType> inputs,
                         const passes::Options& options)
    : kernels_(*context.kernels),
      device_(std::move(device)),
      sees_host_(std::string_view(device_->name()) == "cpu") {
  const auto start = std::chrono::steady_clock::now();
  graph_ = passes::specialise(traced, inputs, options);
  plan_ = passes::make_plan(graph_);
  upload_constants(device_);
  lower();
  scratch_ = scratch_for(context.pool.threads());
  idle_.reserve(kIdleSessions);  // give_back() cannot fail
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  seconds_ = took.count();
}

void ProgramImpl::upload_constants(const std::shared_ptr<Device>& device) {
  for (std::int32_t node : plan_.constants) {
    const Tensor& host = *graph_.nodes()[static_cast<std::size_t>(node)].as<ConstantAttrs>().value;
    if (&host.buffer()->device() == device.get()) {
      constants_.push_back(host);
      continue;
    }
    Tensor t(device, host.type());
    const void* data = host.buffer()->device().host_view(host.data());
    if (data == nullptr) throw Error(ErrorKind::kInternal, "a constant is not in host memory");
    t.copy_from_host(data);
    constants_.push_back(std::move(t));
  }
}

void ProgramImpl::add_operand(const TensorType& type, const Place& place) {
  types_.push_back(type);
  places_.push_back(place);
  if (place.home == Home::kInput || place.home == Home::kOutput || place.home == Home::kSlot) {
    patches_.push_back({static_cast<std::int32_t>(places_.size()) - 1, place});
  }
}

void ProgramImpl::add_copies(std::int32_t before) {
  for (const passes::Copy& c : plan_.copies) {
    if (c.before_node != before) continue;
    Step step;
    step.first = static_cast<std::int32_t>(places_.size());
    step.num_in = step.num_out = 1;
    step.writes = c.to.home == Home::kSlot;
    add_operand(c.type, c.from);
    add_operand(c.type, c.to);
    steps_.push_back(step);
  }
}

void ProgramImpl::lower() {
  const auto count = static_cast<std::int32_t>(graph_.nodes().size());
  add_copies(0);
  for (std::int32_t i = 0; i < count; ++i) {
    const Node& n = graph_.nodes()[static_cast<std::size_t>(i)];
    const OpInfo& info = op_info(n.op);
    if (info.body == nullptr || plan_.views[static_cast<std::size_t>(i)]) continue;
    Step step;
    step.body = info.body;
    step.attrs = &n.attrs;
    step.node = i;
    step.first = static_cast<std::int32_t>(places_.size());
    step.num_in = static_cast<std::int32_t>(n.inputs.size());
    step.num_out = static_cast<std::int32_t>(n.outputs.size());
    std::vector<Place> from;
    for (Value v : n.inputs) {
      from.push_back(
          plan_.reads[static_cast<std::size_t>(v.node)][static_cast<std::size_t>(v.out)]);
    }
    if (n.op == Op::update) {  // it works on what it replaces, not on a kept copy
      for (int k = 0; k < step.num_out; ++k) {
        const auto own = static_cast<std::size_t>(passes::replaced_operand(n, k));
        const Value v = n.inputs[own];
        const Place& place =
            plan_.places[static_cast<std::size_t>(v.node)][static_cast<std::size_t>(v.out)];
        if (place == plan_.places[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)]) {
          from[own] = place;
        }
      }
    }
    for (std::size_t k = 0; k < from.size(); ++k) add_operand(graph_.type(n.inputs[k]), from[k]);
    for (std::size_t k = 0; k < n.outputs.size(); ++k) {
      const Place& place = plan_.places[static_cast<std::size_t>(i)][k];
      step.writes = step.writes || place.home == Home::kSlot;
      add_operand(n.outputs[k], place);
    }
    steps_.push_back(step);
  }
  if (count > 0) add_copies(count);
}

std::int64_t ProgramImpl::scratch_for(int workers) const {
  std::size_t most = 0;
  for (const Step& s : steps_) {
    if (s.node < 0) continue;
    const Node& n = graph_.nodes()[static_cast<std::size_t>(s.node)];
    const OpInfo& info = op_info(n.op);
    if (info.scratch == nullptr) continue;
    const std::span<const TensorType> in(types_.data() + s.first,
                                         static_cast<std::size_t>(s.num_in));
    most = std::max(most, info.scratch({n, in, workers}));
  }
  return static_cast<std::int64_t>(most);
}

std::unique_ptr<Session> ProgramImpl::make_session(int workers) const {
  auto s = std::make_unique<Session>();
  s->device = device_;
  s->workers = workers;
  const std::int64_t bytes = plan_.arena_bytes + scratch_for(workers);
  s->workspace = std::make_unique<Buffer>(device_, static_cast<std::size_t>(bytes));
  // Padding between gradients is read by the update and must hold numbers.
  device_->fill_zero(s->workspace->data(), s->workspace->size());
  s->refs.resize(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    s->refs[i] = {resolve(*s, {}, places_[i]), &types_[i]};
  }
  return s;
}

void* ProgramImpl::resolve(const Session& s, const Bindings& b, const Place& place) const {
  const auto i = static_cast<std::size_t>(place.index);
  char* base = nullptr;
  switch (place.home) {
    case Home::kNone:
      return nullptr;
    case Home::kArena:
      base = static_cast<char*>(s.workspace->data());
      break;
    case Home::kConstant:
      base = static_cast<char*>(constants_[i].data());
      break;
    case Home::kInput:
      base = i < b.inputs.size() ? static_cast<char*>(b.inputs[i]) : nullptr;
      break;
    case Home::kOutput:
      base = i < b.outputs.size() ? static_cast<char*>(b.outputs[i]) : nullptr;
      break;
    case Home::kSlot:
      base = i < b.slots.size() ? static_cast<char*>(b.slots[i]) : nullptr;
      break;
  }
  return base == nullptr ? nullptr : base + place.offset;
}

std::unique_ptr<Session> ProgramImpl::lease(Context::Impl& context) const {
  const int workers = context.pool.threads();
  {
    std::lock_guard guard(mutex_);
    while (!idle_.empty()) {
      std::unique_ptr<Session> s = std::move(idle_.back());
      idle_.pop_back();
      if (s->workers == workers) return s;
    }
  }
  return make_session(workers);
}

void ProgramImpl::give_back(std::unique_ptr<Session> session) const noexcept {
  std::lock_guard guard(mutex_);
  if (idle_.size() < kIdleSessions) idle_.push_back(std::move(session));
}

void ProgramImpl::throw_bad_data(const RunStatus& status) const {
  const Step& step = steps_[static_cast<std::size_t>(status.step())];
  const Node& n = graph_.nodes()[static_cast<std::size_t>(step.node)];
  const std::string& scope = graph_.scope_of(n);
  const std::string where = (scope.empty() ? "" : scope + ": ") + std::string(name_of(n.op));
  const DataError& e = status.error();
  if (n.op == Op::check_finite) throw NotFiniteError(where, e.element);
  const TensorType& indices = types_[static_cast<std::size_t>(step.first) + 1];
  const std::int64_t rows = indices.shape.rank() ? indices.shape[0] : 1;
  const std::int64_t per_row =
      std::max<std::int64_t>(1, indices.count() / std::max<std::int64_t>(1, rows));
  throw BadIndexError(where, e.element / per_row, e.value, e.bound);
}

void ProgramImpl::check(const Exec& exec, const std::atomic<bool>& cancelled) const {
  if (exec.status->failed()) throw_bad_data(*exec.status);
  if (cancelled.load(std::memory_order_relaxed)) {
    throw Error(ErrorKind::kCancelled, "the run was cancelled");
  }
}

void ProgramImpl::run(Context::Impl& context, Session& session, const Bindings& bindings,
                      const PollHook& poll, bool timed) const {
  std::shared_lock running(context.running);
  for (const Patch& p : patches_) {
    session.refs[static_cast<std::size_t>(p.operand)].data = resolve(session, bindings, p.place);
  }
  timed ? run_steps<true>(context, session, poll) : run_steps<false>(context, session, poll);
}

template <bool kTimed>
void ProgramImpl::run_steps(Context::Impl& context, Session& session, const PollHook& poll) const {
  [[maybe_unused]] StepTimes& times = session.times;
  [[maybe_unused]] std::int64_t begin = 0, last = 0;
  if constexpr (kTimed) {
    times.ns.assign(steps_.size(), 0);
    begin = last = steady_ns();
  }
  RunStatus status;
  status.reset();
  std::atomic<bool> cancelled{false};
  // A session planned for another number of threads has no scratch for them: it runs on one.
  ThreadPool* pool = session.workers == context.pool.threads() ? &context.pool : nullptr;
  Exec exec{pool, context.kernels, &status, &cancelled, poll, 0};
  void* scratch = static_cast<char*>(session.workspace->data()) + plan_.arena_bytes;
  const TensorRef* refs = session.refs.data();
  bool written = false;  // cancel is honoured until the first write, then the step is completed
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& s = steps_[i];
    const bool polls = !written && i % kStepsPerPoll == 0 && poll.call != nullptr;
    if (polls && poll_if_due(poll)) cancelled = true;
    if (s.writes) check(exec, cancelled);
    written = written || s.writes;
    const TensorRef* in = refs + s.first;
    const TensorRef* out = in + s.num_in;
    if (s.body == nullptr) {
      device_->copy(out->data, in->data, static_cast<std::size_t>(in->type->bytes()));
    } else {
      exec.step = static_cast<int>(i);
      exec.cancel = written ? nullptr : &cancelled;
      exec.poll = written ? PollHook{} : poll;
      const KernelArgs args{in, out, s.num_in, s.num_out, s.attrs, scratch, &exec};
      device_->launch(s.body, args);
    }
    if constexpr (kTimed) {
      device_->sync();
      const std::int64_t now = steady_ns();
      times.ns[i] = now - last;
      last = now;
    }
  }
  device_->sync();
  check(exec, cancelled);
  if constexpr (kTimed) {
    times.total_ns = steady_ns() - begin;
    times.runs = 1;
  }
}

std::string ProgramImpl::to_string() const {
  auto place_text = [](const Place& p) {
    static constexpr const char* kNames[] = {"none", "arena", "input", "slot", "output", "const"};
    std::string s = kNames[static_cast<int>(p.home)];
    if (p.home != Home::kArena) s += std::to_string(p.index);
    if (p.home == Home::kArena || p.offset != 0) s += "+" + std::to_string(p.offset);
    return s;
  };
  std::string text;
  for (const Step& s : steps_) {
    text += s.node < 0 ? "copy : " + nnseq::to_string(types_[static_cast<std::size_t>(s.first)])
                       : node_text(graph_, s.node);
    text += "\n    ";
    for (int k = 0; k < s.num_in + s.num_out; ++k) {
      text += k == s.num_in ? " -> " : k ? ", " : "";
      text += place_text(places_[static_cast<std::size_t>(s.first + k)]);
    }
    text += "\n";
  }
  return text + "arena: " + std::to_string(plan_.arena_bytes) + " bytes\n";
}

}  // namespace nnseq
