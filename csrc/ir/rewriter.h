// The frame of every pass: reads one graph in order, writes another, maps old values to new ones.
#pragma once

#include <utility>
#include <vector>

#include "nnseq/graph.h"

namespace nnseq {

class Rewriter {
 public:
  explicit Rewriter(const Graph& from) : from_(from), first_(from.nodes().size() + 1, 0) {
    for (std::size_t i = 0; i < from.nodes().size(); ++i) {
      first_[i + 1] = first_[i] + static_cast<std::int32_t>(from.nodes()[i].outputs.size());
    }
    map_.assign(static_cast<std::size_t>(first_.back()), Value{});
    to.slots_ = from.slots_;
    to.current_.assign(from.slots_.size(), Value{});
    to.scopes_ = from.scopes_;
    to.inputs_.assign(from.inputs_.size(), Value{});
    to.nodes_.reserve(from.nodes().size() + from.nodes().size() / 2);
  }

  Value operator()(Value old) const { return map_[index(old)]; }
  void map(Value old, Value now) { map_[index(old)] = now; }
  std::vector<Value> mapped(const std::vector<Value>& old) const {
    std::vector<Value> now;
    now.reserve(old.size());
    for (Value v : old) now.push_back((*this)(v));
    return now;
  }

  // Appends `node` (operands already mapped) for old node `old`, output by output.
  Value put(std::int32_t old, Node node) {
    const auto count = static_cast<std::int32_t>(node.outputs.size());
    const bool is_input = node.op == Op::input;
    const std::size_t input = is_input ? static_cast<std::size_t>(node.as<InputAttrs>().index) : 0;
    Value v = to.add_typed(std::move(node));
    if (is_input) to.inputs_[input] = v;
    for (std::int32_t k = 0; k < count; ++k) map({old, k}, {v.node, k});
    return v;
  }
  Value copy(std::int32_t old) {
    Node node = from_.nodes()[static_cast<std::size_t>(old)];
    for (Value& v : node.inputs) v = (*this)(v);
    return put(old, std::move(node));
  }

  // Maps outputs and assignments and hands the new graph over; slots for which `dropped` holds are
  // not assigned any more.
  Graph finish(const std::vector<bool>& dropped = {}) {
    for (const Output& o : from_.outputs_) to.outputs_.push_back({o.name, (*this)(o.value)});
    for (const auto& [slot, v] : from_.assignments_) {
      if (!dropped.empty() && dropped[static_cast<std::size_t>(slot)]) continue;
      to.assignments_.emplace_back(slot, (*this)(v));
    }
    return std::move(to);
  }

  Graph to;

 private:
  std::size_t index(Value v) const {
    return static_cast<std::size_t>(first_[static_cast<std::size_t>(v.node)] + v.out);
  }
  const Graph& from_;
  std::vector<std::int32_t> first_;
  std::vector<Value> map_;
};

}  // namespace nnseq
