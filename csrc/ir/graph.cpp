#include "nnseq/graph.h"

#include <utility>

#include "ir/op_table.h"
#include "runtime/device.h"

namespace nnseq {

namespace {

[[noreturn]] void broken(const std::string& what) {
  throw Error(ErrorKind::kInternal, "graph verifier: " + what);
}

// No tensor has more elements, and no attribute is larger: so sums of sizes, and products of an
// attribute with a size, do not overflow anywhere in a graph.
constexpr std::int64_t kMost = std::int64_t{1} << 40;
constexpr std::int64_t kMaxHostOperands = 64;

void expect_possible(const TensorType& type) {
  std::int64_t count = 1;
  for (std::int64_t d : type.shape) {
    if (d >= kUnknown && d <= kMost && (d < 1 || (count <= kMost / d && (count *= d)))) continue;
    throw Error(ErrorKind::kValue, "a tensor of shape " + to_string(type.shape) +
                                       " is impossible: a dim is negative, "
                                       "or it has more than 2^40 elements");
  }
}

struct ExpectPossible {
  void operator()(const char* name, std::int64_t v) const {
    if (v >= kHostSize - kMaxHostOperands && v <= kMost) return;
    throw Error(ErrorKind::kValue, std::string(name) + " is out of range: " + std::to_string(v));
  }
  void operator()(const char* name, const Dims& v) const {
    for (std::int64_t d : v) (*this)(name, d);
  }
  template <class T>
  void operator()(const char*, const T&) const {}
};

// Can a value of type `got` be assigned to a slot of type `want`?
bool fits(const TensorType& want, const TensorType& got) {
  if (want.dtype != got.dtype || want.shape.rank() != got.shape.rank()) return false;
  for (int i = 0; i < want.shape.rank(); ++i) {
    if (got.shape[i] != want.shape[i] && got.shape[i] != kUnknown) return false;
  }
  return true;
}

}  // namespace

std::optional<Op> op_from(std::string_view name) {
  for (int i = 0; i < kNumOps; ++i) {
    if (kOpNames[i] == name) return static_cast<Op>(i);
  }
  return std::nullopt;
}

Attrs default_attrs(Op op) {
  switch (op) {
#define NNSEQ_OP(name, AttrsType, visibility, mode) \
  case Op::name:                                    \
    return AttrsType{};
#include "nnseq/ops.def"
  }
  return NoAttrs{};
}

Graph::Graph() : scopes_{""}, host_(make_cpu_device()) {}

Value Graph::add(Op op, std::vector<Value> inputs, Attrs attrs) {
  add_node(op, std::move(inputs), std::move(attrs));
  return {static_cast<std::int32_t>(nodes_.size()) - 1, 0};
}

const Node& Graph::add_node(Op op, std::vector<Value> inputs, Attrs attrs) {
  Node node{op, scope_, std::move(inputs), {}, std::move(attrs)};
  std::vector<TensorType> in;
  in.reserve(node.inputs.size());
  for (Value v : node.inputs) {
    if (v.node < 0 || v.node >= static_cast<int>(nodes_.size())) broken("operand out of range");
    in.push_back(type(v));
  }
  try {
    std::visit([](const auto& a) { a.visit(ExpectPossible{}); }, node.attrs);
    InferArgs args{node.attrs, in, node.outputs};
    op_info(op).infer(args);
    for (const TensorType& t : node.outputs) expect_possible(t);
  } catch (const Error& e) {
    const std::string& scope = scopes_[static_cast<std::size_t>(scope_)];
    throw Error(e.kind(),
                (scope.empty() ? "" : scope + ": ") + std::string(name_of(op)) + ": " + e.what());
  }
  nodes_.push_back(std::move(node));
  return nodes_.back();
}

Value Graph::add_typed(Node node) {
  nodes_.push_back(std::move(node));
  return {static_cast<std::int32_t>(nodes_.size()) - 1, 0};
}

Value Graph::input(std::string name, const TensorType& type) {
  expect_possible(type);
  const auto index = static_cast<std::int64_t>(inputs_.size());
  inputs_.push_back(add_typed({Op::input, scope_, {}, {type}, InputAttrs{std::move(name), index}}));
  return inputs_.back();
}

Value Graph::constant(Tensor host_value) {
  TensorType type = host_value.type();
  expect_possible(type);
  return add_typed({Op::constant,
                    scope_,
                    {},
                    {type},
                    ConstantAttrs{std::make_shared<const Tensor>(std::move(host_value))}});
}

Value Graph::scalar(double value, DType dtype) {
  Tensor t(host_, {dtype, {}});
  auto store = [&t](auto x) { t.copy_from_host(&x); };
  switch (dtype) {
    case DType::kFloat32:
      store(static_cast<float>(value));
      break;
    case DType::kFloat64:
      store(value);
      break;
    case DType::kInt32:
      store(static_cast<std::int32_t>(value));
      break;
    case DType::kInt64:
      store(static_cast<std::int64_t>(value));
      break;
    case DType::kUInt8:
      store(static_cast<std::uint8_t>(value));
      break;
    case DType::kBool:
      store(static_cast<std::uint8_t>(value != 0));
      break;
  }
  return constant(std::move(t));
}

int Graph::add_slot(Slot slot) {
  expect_possible(slot.type);
  slots_.push_back(std::move(slot));
  current_.push_back({});
  return static_cast<int>(slots_.size()) - 1;
}

Value Graph::read(int slot) {
  const auto s = static_cast<std::size_t>(slot);
  if (s >= slots_.size()) broken("slot out of range");
  if (!current_[s]) {
    current_[s] = add_typed({Op::read, scope_, {}, {slots_[s].type}, ReadAttrs{slot}});
  }
  return current_[s];
}

void Graph::assign(int slot, Value value) {
  const auto s = static_cast<std::size_t>(slot);
  if (s >= slots_.size()) broken("slot out of range");
  const TensorType& want = slots_[s].type;
  const TensorType& got = type(value);
  if (!fits(want, got)) {
    throw Error(ErrorKind::kValue, "cannot assign " + std::string(name_of(got.dtype)) + " " +
                                       to_string(got.shape) + " to variable '" + slots_[s].name +
                                       "' of " + std::string(name_of(want.dtype)) + " " +
                                       to_string(want.shape));
  }
  current_[s] = value;
  for (auto& [assigned, v] : assignments_) {
    if (assigned == slot) {
      v = value;
      return;
    }
  }
  assignments_.emplace_back(slot, value);
}

void Graph::add_output(Value value, std::string name) {
  outputs_.push_back({std::move(name), value});
}

void Graph::name_input(std::size_t i, std::string name) {
  if (i >= inputs_.size()) broken("input out of range");
  Node& node = nodes_[static_cast<std::size_t>(inputs_[i].node)];
  std::get<InputAttrs>(node.attrs).name = std::move(name);
}

void Graph::name_output(std::size_t i, std::string name) {
  if (i >= outputs_.size()) broken("output out of range");
  outputs_[i].name = std::move(name);
}

int Graph::set_scope(std::string_view scope) {
  for (std::size_t i = scopes_.size(); i-- > 0;) {
    if (scopes_[i] == scope) return scope_ = static_cast<int>(i);
  }
  scopes_.emplace_back(scope);
  return scope_ = static_cast<int>(scopes_.size()) - 1;
}

bool Graph::depends_on(Value target, Value source) const {
  if (source.node > target.node) return false;
  std::vector<bool> live(static_cast<std::size_t>(target.node) + 1, false);
  live[static_cast<std::size_t>(target.node)] = true;
  for (std::int32_t i = target.node; i > source.node; --i) {
    const Node& n = nodes_[static_cast<std::size_t>(i)];
    if (!live[static_cast<std::size_t>(i)] || n.op == Op::stop_gradient) continue;
    for (Value v : n.inputs) {
      if (is_float(type(v).dtype)) live[static_cast<std::size_t>(v.node)] = true;
    }
  }
  return live[static_cast<std::size_t>(source.node)];
}

void Graph::verify() const {
  auto check = [this](Value v, int before, const std::string& who) {
    if (v.node < 0 || v.node >= before) broken(who + " uses a value that does not precede it");
    if (v.out < 0 || v.out >= static_cast<int>(node(v).outputs.size())) {
      broken(who + " uses output " + std::to_string(v.out) + " of a node that has fewer");
    }
  };
  const int n = static_cast<int>(nodes_.size());
  for (int i = 0; i < n; ++i) {
    const Node& nd = nodes_[static_cast<std::size_t>(i)];
    const std::string who = std::string(name_of(nd.op)) + " %" + std::to_string(i);
    for (Value v : nd.inputs) check(v, i, who);
    if (nd.attrs.index() != default_attrs(nd.op).index()) broken(who + " has foreign attributes");
    if (nd.scope < 0 || nd.scope >= static_cast<int>(scopes_.size())) broken(who + " has no scope");
    if (nd.outputs.empty() && nd.op != Op::gradient) broken(who + " has no output");
    if (nd.op == Op::read) {
      const auto slot = static_cast<std::size_t>(nd.as<ReadAttrs>().slot);
      if (slot >= slots_.size()) broken(who + " reads a slot that does not exist");
      if (!(slots_[slot].type == nd.outputs[0])) broken(who + " differs from its slot in type");
    } else if (nd.op == Op::input) {
      const auto index = static_cast<std::size_t>(nd.as<InputAttrs>().index);
      if (index >= inputs_.size() || !(inputs_[index] == Value{i, 0})) {
        broken(who + " is not among the inputs");
      }
    } else if (nd.op == Op::constant && nd.as<ConstantAttrs>().value == nullptr) {
      broken(who + " has no value");
    }
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::string who = "input " + std::to_string(i);
    check(inputs_[i], n, who);
    if (node(inputs_[i]).op != Op::input) broken(who + " is not an input node");
  }
  for (const Output& o : outputs_) check(o.value, n, "output " + o.name);
  for (const auto& [slot, v] : assignments_) {
    check(v, n, "assignment");
    if (slot < 0 || slot >= static_cast<int>(slots_.size())) broken("assignment to no slot");
    if (!fits(slots_[static_cast<std::size_t>(slot)].type, type(v))) {
      broken("assignment to slot " + std::to_string(slot) + " differs from its slot in type");
    }
  }
}

}  // namespace nnseq
