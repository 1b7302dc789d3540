// Graphs as JSON. Constants are kept apart, as tensors of the file.
#pragma once

#include <vector>

#include "base/json.h"
#include "nnseq/graph.h"

namespace nnseq {

// Appends the graph's constants to `constants`; refers to them by their place there.
Json graph_to_json(const Graph& graph, std::vector<Tensor>& constants);

// Builds the graph anew through the shape rules, so that a wrong file cannot make a wrong graph.
// Throws Error(kFile).
Graph graph_from_json(const Json& json, const std::vector<Tensor>& constants);

Json type_to_json(const TensorType& type);
TensorType type_from_json(const Json& json);

}  // namespace nnseq
