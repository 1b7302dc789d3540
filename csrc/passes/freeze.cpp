// Training steps in which some weights stay as they are.
#include "ir/rewriter.h"
#include "passes/passes.h"

namespace nnseq::passes {

namespace {

class Freeze {
 public:
  Freeze(const Graph& graph, std::vector<bool> frozen)
      : g_(graph), frozen_(std::move(frozen)), r_(graph), reads_(graph.slots().size()) {}

  Graph run() {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(g_.nodes().size()); ++i) {
      const Node& node = g_.nodes()[static_cast<std::size_t>(i)];
      if (node.op == Op::gradient) {
        gradient(i, node);
      } else if (node.op == Op::update) {
        update(i, node);
      } else {
        const Value v = r_.copy(i);
        if (node.op == Op::read) reads_[slot_of(node)] = v;
      }
      keep_old_values(i, node);
    }
    return r_.finish(frozen_);
  }

 private:
  static std::size_t slot_of(const Node& read) {
    return static_cast<std::size_t>(read.as<ReadAttrs>().slot);
  }
  bool is_frozen(Value v) const {
    const Node& n = g_.node(v);
    return n.op == Op::read && frozen_[slot_of(n)];
  }

  Value zeros(const TensorType& type) {
    const Value zero = r_.to.scalar(0, type.dtype);
    return r_.to.add(Op::broadcast, {zero}, SizesAttrs{{type.shape.begin(), type.shape.end()}});
  }

  // (target, sources...) -> a gradient for each source
  void gradient(std::int32_t i, const Node& node) {
    Node rest = node;
    rest.inputs = {r_(node.inputs[0])};
    rest.outputs.clear();
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      if (is_frozen(node.inputs[k + 1])) continue;
      rest.inputs.push_back(r_(node.inputs[k + 1]));
      rest.outputs.push_back(node.outputs[k]);
    }
    std::int32_t out = 0;
    const Value first = rest.outputs.empty() ? Value{} : r_.to.add_typed(std::move(rest));
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      const bool none = is_frozen(node.inputs[k + 1]);
      const Value v = none ? zeros(node.outputs[k]) : Value{first.node, out++};
      r_.map({i, static_cast<std::int32_t>(k)}, v);
    }
  }

  // lr, t, then groups of n: weights, gradients and each slot -> groups of n: weights, each slot.
  // A frozen weight leaves every group; its slots of the optimizer stay as they are too.
  void update(std::int32_t i, const Node& node) {
    const auto n = static_cast<std::size_t>(node.as<UpdateAttrs>().count);
    Node rest = node;
    auto& attrs = std::get<UpdateAttrs>(rest.attrs);
    rest.inputs = {r_(node.inputs[0]), r_(node.inputs[1])};
    rest.outputs.clear();
    attrs.count = 0;
    attrs.decay.clear();
    for (std::size_t k = 0; k < n; ++k) {
      if (is_frozen(node.inputs[2 + k])) continue;
      ++attrs.count;
      if (!node.as<UpdateAttrs>().decay.empty()) {
        attrs.decay.push_back(node.as<UpdateAttrs>().decay[k]);
      }
    }
    for (std::size_t k = 0; k + 2 < node.inputs.size(); ++k) {
      if (!is_frozen(node.inputs[2 + k % n])) rest.inputs.push_back(r_(node.inputs[2 + k]));
    }
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      if (!is_frozen(node.inputs[2 + k % n])) rest.outputs.push_back(node.outputs[k]);
    }
    std::int32_t out = 0;
    const Value first = attrs.count == 0 ? Value{} : r_.to.add_typed(std::move(rest));
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      // Output group 0 replaces the weights, group j the slots, which follow the gradients.
      const Value old = r_(node.inputs[2 + (k < n ? k : n + k)]);
      const bool none = is_frozen(node.inputs[2 + k % n]);
      r_.map({i, static_cast<std::int32_t>(k)}, none ? old : Value{first.node, out++});
      if (none) drop_slot(node.inputs[2 + (k < n ? k : n + k)]);
    }
  }

  void drop_slot(Value read) {
    if (g_.node(read).op == Op::read) frozen_[slot_of(g_.node(read))] = true;
  }

  // Where node i makes the value that a frozen slot would get, its users find the old one.
  void keep_old_values(std::int32_t i, const Node& node) {
    for (const auto& [slot, v] : g_.assignments()) {
      const auto s = static_cast<std::size_t>(slot);
      if (v.node == i && frozen_[s] && node.op != Op::read && reads_[s]) r_.map(v, reads_[s]);
    }
  }

  const Graph& g_;
  std::vector<bool> frozen_;
  Rewriter r_;
  std::vector<Value> reads_;  // of the new graph, by slot
};

}  // namespace

Graph freeze(const Graph& graph, std::vector<bool> frozen) {
  Graph g = Freeze(graph, std::move(frozen)).run();
  g.verify();
  return g;
}

}  // namespace nnseq::passes
