// The passes, in the order in which `specialise` runs them. Each takes a graph and returns another;
// the verifier runs in between.
#pragma once

#include <span>
#include <vector>

#include "nnseq/graph.h"

namespace nnseq::passes {

struct Options {
  bool compose = true;
  bool simplify = true;
  bool fuse = true;
  int max_nodes = 100'000;
};

// Gives every value its concrete shape: inputs take `types`, host integers fold into sizes, scans
// are unrolled. Throws Error(kValue) where the types do not fit what was traced.
Graph concretise(const Graph& graph, std::span<const TensorType> types, const Options& options);

// Rewrites that must see the forward program before its gradient is built.
Graph compose(const Graph& graph);

// Expands `gradient` nodes, in program order, from the rules of the ops. Only what a requested
// gradient needs is built. Gradients of gradients may not multiply without an end: Error(kValue)
// for more than four times `max_nodes`.
Graph autodiff(const Graph& graph, const Options& options = {});

// Folds, merges equal nodes and drops what nothing uses.
Graph simplify(const Graph& graph);
Graph drop_unused(const Graph& graph);

// Bias and activation into products; chains of elementwise nodes into one.
Graph fuse(const Graph& graph);

// A training step, as traced, that leaves the slots for which `frozen` holds as they are. Their
// gradients are not asked for; what else needs one (a norm over all of them) finds zeros.
Graph freeze(const Graph& graph, std::vector<bool> frozen);

// Orders the list so that updates of state come as late as their users allow.
Graph writes_last(const Graph& graph);

Graph specialise(const Graph& graph, std::span<const TensorType> types, const Options& options);

}  // namespace nnseq::passes
