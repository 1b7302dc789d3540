#include <algorithm>
#include <numeric>

#include "ir/rewriter.h"
#include "passes/passes.h"

namespace nnseq::passes {

// Level of a node: how many updates of state it comes after. Nodes of one level keep their order
// and precede that level's updates, so with one update nothing is written before the last node
// that can fail.
Graph writes_last(const Graph& graph) {
  const std::size_t n = graph.nodes().size();
  std::vector<int> key(n, 0);  // 2 * level, + 1 for the update that ends the level
  for (std::size_t i = 0; i < n; ++i) {
    int level = 0;
    for (Value v : graph.nodes()[i].inputs) {
      level = std::max(level, (key[static_cast<std::size_t>(v.node)] + 1) / 2);
    }
    key[i] = 2 * level + (graph.nodes()[i].op == Op::update ? 1 : 0);
  }
  std::vector<std::int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&key](std::int32_t a, std::int32_t b) {
    return key[static_cast<std::size_t>(a)] < key[static_cast<std::size_t>(b)];
  });
  Rewriter r(graph);
  for (std::int32_t i : order) r.copy(i);
  return r.finish();
}

Graph specialise(const Graph& graph, std::span<const TensorType> types, const Options& options) {
  Graph g = concretise(graph, types, options);
  if (options.compose) g = compose(g);
  g = autodiff(g, options);
  g = drop_unused(g);
  if (options.simplify) g = drop_unused(simplify(g));
  if (options.fuse) g = fuse(g);
  g = writes_last(g);
  g.verify();
  return g;
}

}  // namespace nnseq::passes
