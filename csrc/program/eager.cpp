#include "nnseq/eager.h"

#include <mutex>
#include <string>
#include <unordered_map>

#include "ir/op_table.h"
#include "ir/print.h"
#include "nnseq/program.h"
#include "program/context_impl.h"
#include "runtime/philox.h"

namespace nnseq {

struct EagerOps::Impl {
  // A program that calls ops with ever new attributes would fill memory without a bound.
  static constexpr std::size_t kMaxFunctions = 4096;
  std::shared_ptr<Context> context;
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const Function>> functions;

  std::shared_ptr<const Function> find(Op op, std::span<const Tensor> inputs, const Attrs& attrs);
};

EagerOps::EagerOps(std::shared_ptr<Context> context) : impl_(std::make_unique<Impl>()) {
  impl_->context = std::move(context);
}
EagerOps::~EagerOps() = default;

std::shared_ptr<const Function> EagerOps::Impl::find(Op op, std::span<const Tensor> inputs,
                                                     const Attrs& attrs) {
  std::string key(name_of(op));
  key += attrs_text(attrs);
  // Constants of a body are not printed: bodies are told apart by address (the Function keeps its
  // own alive).
  if (const auto* scan = std::get_if<ScanAttrs>(&attrs)) {
    key += "@" + std::to_string(reinterpret_cast<std::uintptr_t>(scan->body.get()));
  }
  for (const Tensor& t : inputs) key += ";" + to_string(t.type());
  std::lock_guard guard(mutex);
  if (auto it = functions.find(key); it != functions.end()) return it->second;
  Graph g;
  std::vector<Value> values;
  for (const Tensor& t : inputs) values.push_back(g.input("", t.type()));
  const Value first = g.add(op, values, attrs);
  const auto count = static_cast<std::int32_t>(g.node(first).outputs.size());
  for (std::int32_t k = 0; k < count; ++k) g.add_output({first.node, k});
  auto function = std::make_shared<const Function>(context, std::move(g),
                                                   std::vector<std::shared_ptr<Variable>>{});
  if (functions.size() >= kMaxFunctions) functions.clear();
  functions.emplace(std::move(key), function);
  return function;
}

std::vector<Tensor> EagerOps::run(Op op, std::span<const Tensor> inputs, const Attrs& attrs) {
  if (num_host_operands(attrs) > 0) {
    throw Error(ErrorKind::kValue, std::string(name_of(op)) + ": sizes must be integers here");
  }
  return impl_->find(op, inputs, attrs)->run(inputs);
}

Tensor make_tensor(const Context& context, const TensorType& type, const void* data) {
  Tensor t(context.impl().current_device(), type);
  t.copy_from_host(data);
  return t;
}

std::vector<std::int64_t> sample_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  shuffle_order(seed, epoch, n, order.data());
  return order;
}

}  // namespace nnseq
