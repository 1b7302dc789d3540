// Rewrites of the forward program that change what is differentiated.
#include "ir/rewriter.h"
#include "passes/passes.h"
#include "passes/uses.h"

namespace nnseq::passes {

namespace {

// max_pool(relu(x)) = relu(max_pool(x)), exactly, values and gradients: the window's first maximum
// is the same element wherever the pooled value is positive, and elsewhere both gradients are zero.
// The activation then runs on the pooled map only, forward and backward.
bool is_relu_under_pool(const Graph& g, const Uses& uses, const Node& pool) {
  if (pool.op != Op::max_pool) return false;
  const Node& act = g.node(pool.inputs[0]);
  return act.op == Op::unary && act.as<UnaryAttrs>().fn == UnaryFn::kRelu &&
         uses.count(pool.inputs[0]) == 1;
}

}  // namespace

Graph compose(const Graph& graph) {
  const Uses uses(graph);
  Rewriter r(graph);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(graph.nodes().size()); ++i) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(i)];
    if (!is_relu_under_pool(graph, uses, node)) {
      r.copy(i);
      continue;
    }
    const Node& act = graph.node(node.inputs[0]);
    Node pool = node;
    pool.inputs = {r(act.inputs[0])};
    Node relu = act;
    relu.outputs = node.outputs;
    relu.inputs = {r.to.add_typed(std::move(pool))};
    r.put(i, std::move(relu));
  }
  return r.finish();
}

}  // namespace nnseq::passes
