// How often each value of a graph is used; outputs and assignments count.
#pragma once

#include <vector>

#include "nnseq/graph.h"

namespace nnseq::passes {

class Uses {
 public:
  explicit Uses(const Graph& g) {
    first_.reserve(g.nodes().size() + 1);
    std::size_t total = 0;
    for (const Node& n : g.nodes()) {
      first_.push_back(total);
      total += n.outputs.size();
    }
    count_.assign(total, 0);
    for (const Node& n : g.nodes()) {
      for (Value v : n.inputs) ++at(v);
    }
    for (const Output& o : g.outputs()) ++at(o.value);
    for (const auto& [slot, v] : g.assignments()) ++at(v);
  }
  int count(Value v) const { return count_[index(v)]; }

 private:
  std::size_t index(Value v) const {
    return first_[static_cast<std::size_t>(v.node)] + static_cast<std::size_t>(v.out);
  }
  int& at(Value v) { return count_[index(v)]; }
  std::vector<std::size_t> first_;
  std::vector<int> count_;
};

}  // namespace nnseq::passes
