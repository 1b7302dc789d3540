// The graph: a list of nodes in SSA form, topological by construction. It knows no kernel.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nnseq/attrs.h"

namespace nnseq {

enum class Op : std::uint8_t {
#define NNSEQ_OP(name, AttrsType, visibility, mode) name,
#include "nnseq/ops.def"
};

inline constexpr std::string_view kOpNames[] = {
#define NNSEQ_OP(name, AttrsType, visibility, mode) #name,
#include "nnseq/ops.def"
};
inline constexpr int kNumOps = static_cast<int>(std::size(kOpNames));

constexpr std::string_view name_of(Op op) { return kOpNames[static_cast<int>(op)]; }
NNSEQ_API std::optional<Op> op_from(std::string_view name);
NNSEQ_API Attrs default_attrs(Op op);

// Output `out` of node `node` of some graph.
struct Value {
  std::int32_t node = -1;
  std::int32_t out = 0;
  explicit operator bool() const noexcept { return node >= 0; }
  bool operator==(const Value&) const = default;
};

struct Node {
  Op op = Op::input;
  std::int32_t scope = 0;  // index into Graph::scopes(): the layer that made it
  std::vector<Value> inputs;
  std::vector<TensorType> outputs;
  Attrs attrs;

  template <class T>
  const T& as() const {
    return std::get<T>(attrs);
  }
};

// A Variable as the graph sees it: something read and assigned.
struct Slot {
  std::string name;
  TensorType type;
  bool operator==(const Slot&) const = default;
};

struct Output {
  std::string name;
  Value value;
};

class NNSEQ_API Graph {
 public:
  Graph();

  // Appends a node, checks operands and infers its types; errors are prefixed "scope: op: ".
  // The first form returns output 0.
  Value add(Op op, std::vector<Value> inputs, Attrs attrs = NoAttrs{});
  const Node& add_node(Op op, std::vector<Value> inputs, Attrs attrs);
  // Appends a node whose types are known to be right (passes).
  Value add_typed(Node node);

  Value input(std::string name, const TensorType& type);
  Value constant(Tensor host_value);
  Value scalar(double value, DType dtype);

  int add_slot(Slot slot);
  // The value of a slot at this point of the program: the last assigned one.
  Value read(int slot);
  void assign(int slot, Value value);
  void add_output(Value value, std::string name = {});
  // Renames an input or output; files and applications know them by name.
  void name_input(std::size_t i, std::string name);
  void name_output(std::size_t i, std::string name);

  // Nodes added from now on belong to this scope ("model/dense_1").
  int set_scope(std::string_view scope);
  void set_scope_index(int scope) { scope_ = scope; }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(Value v) const { return nodes_[static_cast<std::size_t>(v.node)]; }
  const TensorType& type(Value v) const {
    return nodes_[static_cast<std::size_t>(v.node)].outputs[static_cast<std::size_t>(v.out)];
  }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  const std::vector<Slot>& slots() const { return slots_; }
  // (slot, final value) in order of first assignment; committed when the step succeeds.
  const std::vector<std::pair<int, Value>>& assignments() const { return assignments_; }
  const std::vector<std::string>& scopes() const { return scopes_; }
  const std::string& scope_of(const Node& n) const {
    return scopes_[static_cast<std::size_t>(n.scope)];
  }

  // Whether `target` depends on `source` in a differentiable way.
  bool depends_on(Value target, Value source) const;

  // Throws Error(kInternal) naming the first broken invariant. Runs between passes.
  void verify() const;

 private:
  friend class Rewriter;
  std::vector<Node> nodes_;
  std::vector<Value> inputs_;
  std::vector<Output> outputs_;
  std::vector<Slot> slots_;
  std::vector<Value> current_;  // per slot; null: not read yet
  std::vector<std::pair<int, Value>> assignments_;
  std::vector<std::string> scopes_;
  int scope_ = 0;
  std::shared_ptr<Device> host_;  // where constants live
};

// One line per node: "%3 = matmul(%0, %2) : float32 (None, 64)  # dense".
NNSEQ_API std::string to_string(const Graph& graph);

}  // namespace nnseq
