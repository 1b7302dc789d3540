// Text of graphs, nodes and attributes: for errors, golden files and people.
#pragma once

#include <string>

#include "nnseq/graph.h"

namespace nnseq {

inline constexpr std::string_view kReduceNames[] = {"sum", "mean", "max", "min", "prod"};
inline constexpr std::string_view kRandomNames[] = {"uniform", "normal", "truncated_normal"};
inline constexpr std::string_view kCellNames[] = {"simple", "lstm", "gru"};
inline constexpr std::string_view kUpdateNames[] = {"sgd", "adam"};
inline constexpr std::string_view kPaddingNames[] = {"valid", "same", "explicit"};

std::string to_string(const TensorType& type);
// "strides=[2, 2], padding=same": the fields that differ from their defaults.
std::string attrs_text(const Attrs& attrs);
std::string node_text(const Graph& graph, std::int32_t index);

}  // namespace nnseq
