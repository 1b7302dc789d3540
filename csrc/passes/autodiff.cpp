// Reverse-mode differentiation: a `gradient` node becomes the nodes that compute it.
#include <string>

#include "ir/op_table.h"
#include "ir/rewriter.h"
#include "passes/passes.h"

namespace nnseq::passes {

namespace {

class Reverse {
 public:
  Reverse(Graph& g, Value target, const std::vector<Value>& sources, int max_nodes)
      : g_(g),
        max_nodes_(static_cast<std::size_t>(max_nodes)),
        size_(static_cast<std::size_t>(target.node) + 1),
        adjoint_(size_),
        wanted_(size_) {
    mark_wanted(sources);
    seed(target);
    for (auto i = static_cast<std::int32_t>(size_) - 1; i >= 0; --i) visit(i);
  }

  // d target / d source; zeros where the target does not depend on it.
  Value of(Value source) {
    if (static_cast<std::size_t>(source.node) < size_) {
      if (Value d = adjoint(source)) return d;
    }
    const TensorType type = g_.type(source);
    Value zero = g_.scalar(0, type.dtype);
    return g_.add(Op::broadcast, {zero}, SizesAttrs{{type.shape.begin(), type.shape.end()}});
  }

 private:
  // wanted: depends on a source through differentiable edges.
  void mark_wanted(const std::vector<Value>& sources) {
    for (Value s : sources) {
      if (static_cast<std::size_t>(s.node) < size_)
        wanted_[static_cast<std::size_t>(s.node)] = true;
    }
    for (std::size_t i = 0; i < size_; ++i) {
      const Node& n = g_.nodes()[i];
      if (wanted_[i] || n.op == Op::stop_gradient) continue;
      for (Value v : n.inputs) {
        if (wanted_[static_cast<std::size_t>(v.node)] && is_float(g_.type(v).dtype)) {
          wanted_[i] = true;
          break;
        }
      }
    }
  }

  void seed(Value target) {
    const TensorType type = g_.type(target);
    Value one = g_.scalar(1, type.dtype);
    if (type.shape.rank() != 0) {
      one = g_.add(Op::broadcast, {one}, SizesAttrs{{type.shape.begin(), type.shape.end()}});
    }
    accumulate(target, one);
  }

  Value adjoint(Value v) const {
    const auto& outs = adjoint_[static_cast<std::size_t>(v.node)];
    return static_cast<std::size_t>(v.out) < outs.size() ? outs[static_cast<std::size_t>(v.out)]
                                                         : Value{};
  }

  void accumulate(Value v, Value d) {
    auto& outs = adjoint_[static_cast<std::size_t>(v.node)];
    outs.resize(g_.node(v).outputs.size());
    Value& sum = outs[static_cast<std::size_t>(v.out)];
    sum = sum ? g_.add(Op::binary, {sum, d}, BinaryAttrs{BinaryFn::kAdd}) : d;
  }

  void visit(std::int32_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (adjoint_[at].empty() || !wanted_[at]) return;
    const Node& n = g_.nodes()[at];
    const bool has_operands = !n.inputs.empty();
    if (!has_operands || n.op == Op::stop_gradient) return;
    VjpArgs a{g_, n, {i, 0}, adjoint_[at], {}, std::vector<Value>(n.inputs.size())};
    bool any = false;
    for (Value v : a.node.inputs) {
      const bool need = wanted_[static_cast<std::size_t>(v.node)] && is_float(g_.type(v).dtype);
      a.needs.push_back(need);
      any = any || need;
    }
    if (!any) return;
    const OpInfo& info = op_info(a.node.op);
    if (info.vjp == nullptr) {
      const std::string& scope = g_.scope_of(a.node);
      throw Error(ErrorKind::kUnsupported, (scope.empty() ? "" : scope + ": ") +
                                               std::string(name_of(a.node.op)) +
                                               " has no gradient");
    }
    g_.set_scope_index(a.node.scope);
    info.vjp(a);
    if (g_.nodes().size() > max_nodes_) {
      throw Error(ErrorKind::kValue, "the program has more than " + std::to_string(max_nodes_) +
                                         " nodes with its gradients; use shorter sequences or "
                                         "fewer steps");
    }
    for (std::size_t k = 0; k < a.din.size(); ++k) {
      if (a.needs[k] && a.din[k]) accumulate(a.node.inputs[k], a.din[k]);
    }
  }

  Graph& g_;
  std::size_t max_nodes_;
  std::size_t size_;
  std::vector<std::vector<Value>> adjoint_;
  std::vector<bool> wanted_;
};

}  // namespace

Graph autodiff(const Graph& graph, const Options& options) {
  Rewriter r(graph);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(graph.nodes().size()); ++i) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(i)];
    if (node.op != Op::gradient) {
      r.copy(i);
      continue;
    }
    const std::vector<Value> in = r.mapped(node.inputs);
    Reverse reverse(r.to, in[0], {in.begin() + 1, in.end()}, 4 * options.max_nodes);
    for (std::size_t k = 1; k < in.size(); ++k) {
      r.map({i, static_cast<std::int32_t>(k) - 1}, reverse.of(in[k]));
    }
  }
  return r.finish();
}

}  // namespace nnseq::passes
