// Concrete shapes: inputs, host integers, scan.
#include <algorithm>
#include <string>

#include "ir/op_table.h"
#include "ir/print.h"
#include "ir/rewriter.h"
#include "passes/passes.h"

namespace nnseq::passes {

namespace {

// Is `got` a type that `want`, as traced, may become?
bool fits(const TensorType& want, const TensorType& got) {
  bool same = want.dtype == got.dtype && want.shape.rank() == got.shape.rank();
  for (int d = 0; same && d < want.shape.rank(); ++d) {
    same = got.shape[d] >= 0 && (want.shape[d] < 0 || want.shape[d] == got.shape[d]);
  }
  return same;
}

void expect_fits(const Graph& g, std::size_t i, const TensorType& got) {
  const Node& node = g.node(g.inputs()[i]);
  const TensorType& want = node.outputs[0];
  if (fits(want, got)) return;
  throw Error(ErrorKind::kValue, "input '" + node.as<InputAttrs>().name + "': expected " +
                                     to_string(want) + ", got " + to_string(got));
}

class Concretiser {
 public:
  Concretiser(const Graph& from, std::span<const TensorType> types, const Options& options)
      : from_(from), types_(types), options_(options), rewriter_(from) {}

  Graph run() {
    for (std::size_t i = 0; i < types_.size(); ++i) expect_fits(from_, i, types_[i]);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      const Node& node = from_.nodes()[static_cast<std::size_t>(i)];
      scope_ = node.scope;
      to().set_scope_index(scope_);
      expand(rewriter_, node, i);
      expect_few_nodes();
    }
    for (const auto& [slot, v] : from_.assignments()) {
      const Slot& s = from_.slots()[static_cast<std::size_t>(slot)];
      const TensorType& got = to().type(rewriter_(v));
      if (got == s.type) continue;
      throw Error(ErrorKind::kValue, "cannot assign " + to_string(got) + " to variable '" + s.name +
                                         "' of " + to_string(s.type));
    }
    return rewriter_.finish();
  }

 private:
  Graph& to() { return rewriter_.to; }

  // Each step of a scan takes a value that is counted here, so that a graph of few nodes cannot
  // have many empty ones.
  void expect_few_nodes(std::int64_t steps = 0) {
    steps_ += steps;
    const auto most = static_cast<std::int64_t>(options_.max_nodes);
    if (static_cast<std::int64_t>(to().nodes().size()) <= most && steps_ <= most) return;
    throw Error(ErrorKind::kValue, "the program has more than " +
                                       std::to_string(options_.max_nodes) +
                                       " nodes after unrolling its scans; use shorter "
                                       "sequences or fewer steps");
  }

  [[noreturn]] void fail(Op op, const std::string& message) {
    const std::string& scope = to().scopes()[static_cast<std::size_t>(scope_)];
    throw Error(ErrorKind::kValue,
                (scope.empty() ? "" : scope + ": ") + std::string(name_of(op)) + ": " + message);
  }

  // Appends `node` of the graph behind `map` (the model's, or a scan's body) to the new graph.
  void expand(Rewriter& map, const Node& node, std::int32_t index) {
    switch (node.op) {
      case Op::input: {
        Node now = node;
        now.outputs[0] = types_[static_cast<std::size_t>(node.as<InputAttrs>().index)];
        map.put(index, std::move(now));
        return;
      }
      case Op::constant:
      case Op::read: {
        Node now = node;
        now.scope = scope_;
        map.map({index, 0}, to().add_typed(std::move(now)));
        return;
      }
      case Op::dim: {
        const Shape& s = to().type(map(node.inputs[0])).shape;
        host_result(map, index, s[static_cast<int>(node.as<AxisAttrs>().axis)]);
        return;
      }
      case Op::host:
        host_result(map, index, fold(map, node));
        return;
      case Op::scan:
        unroll(map, node, index);
        return;
      default:
        break;
    }
    Attrs attrs = node.attrs;
    std::vector<Value> inputs = map.mapped(node.inputs);
    if (const int hosts = num_host_operands(attrs)) {
      std::vector<std::int64_t> sizes;
      const std::size_t tensors = inputs.size() - static_cast<std::size_t>(hosts);
      for (std::size_t i = tensors; i < inputs.size(); ++i) {
        sizes.push_back(host_value(inputs[i], node));
      }
      inputs.resize(tensors);
      resolve_host_sizes(attrs, sizes);
    }
    to().add_node(node.op, std::move(inputs), std::move(attrs));
    const auto at = static_cast<std::int32_t>(to().nodes().size()) - 1;
    const auto outs = static_cast<std::int32_t>(to().nodes().back().outputs.size());
    for (std::int32_t k = 0; k < outs; ++k) map_checked(map, node, {index, k}, {at, k});
  }

  // Callers were told the types of the trace: concrete ones only say more.
  void map_checked(Rewriter& map, const Node& node, Value old, Value now) {
    const TensorType& want = node.outputs[static_cast<std::size_t>(old.out)];
    const TensorType& got = to().type(now);
    if (!fits(want, got)) {
      fail(node.op, "was traced as " + to_string(want) + ", but becomes " + to_string(got));
    }
    map.map(old, now);
  }

  void host_result(Rewriter& map, std::int32_t index, std::int64_t value) {
    map.map({index, 0}, to().scalar(static_cast<double>(value), DType::kInt64));
  }

  std::int64_t host_value(Value v, const Node& user) {
    const Node& n = to().node(v);
    if (n.op != Op::constant || !(n.outputs[0] == TensorType{DType::kInt64, {}})) {
      fail(user.op, "a size must come from shapes, not from data");
    }
    return n.as<ConstantAttrs>().value->item<std::int64_t>();
  }

  std::int64_t fold(Rewriter& map, const Node& node) {
    const std::int64_t a = host_value(map(node.inputs[0]), node);
    const std::int64_t b = host_value(map(node.inputs[1]), node);
    constexpr std::int64_t kMost = std::int64_t{1} << 53;  // what its constant can hold
    std::int64_t c = 0;
    bool wide = a < -kMost || a > kMost || b < -kMost || b > kMost;
    switch (node.as<BinaryAttrs>().fn) {
      case BinaryFn::kAdd:
        wide = wide || __builtin_add_overflow(a, b, &c);
        break;
      case BinaryFn::kSubtract:
        wide = wide || __builtin_sub_overflow(a, b, &c);
        break;
      case BinaryFn::kMultiply:
        wide = wide || __builtin_mul_overflow(a, b, &c);
        break;
      default:
        if (b == 0) fail(node.op, "a size is divided by zero");
        if (!wide) return divided(node, a, b);
    }
    if (wide || c < -kMost || c > kMost) {
      fail(node.op, "a size is out of range: computed from " + std::to_string(a) + " and " +
                        std::to_string(b));
    }
    return c;
  }

  static std::int64_t divided(const Node& node, std::int64_t a, std::int64_t b) {
    const std::int64_t quotient = a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
    return node.as<BinaryAttrs>().fn == BinaryFn::kMod ? a - quotient * b : quotient;
  }

  // One copy of the body per step; the planner aliases the steps of the sequences and the stacked
  // results.
  void unroll(Rewriter& map, const Node& node, std::int32_t index) {
    const ScanAttrs& scan = node.as<ScanAttrs>();
    const Graph& body = *scan.body;
    const auto states = static_cast<std::size_t>(scan.num_states);
    const auto captured = states + static_cast<std::size_t>(scan.num_sequences);
    std::vector<Value> carry = map.mapped(node.inputs);
    expect_scan(node, carry);
    const std::int64_t length = to().type(carry[states]).shape[0];
    expect_few_nodes(length * scan.num_sequences);
    std::vector<std::vector<Value>> results(body.outputs().size() - states);
    std::vector<Value> steps = carry;
    for (std::size_t i = states; i < captured && length > 0; ++i) {
      steps[i] = to().add(Op::unstack, {carry[i]});
    }
    for (std::int64_t step = 0; step < length; ++step) {
      const auto t = static_cast<std::int32_t>(scan.reverse ? length - 1 - step : step);
      std::vector<Value> inputs = carry;
      for (std::size_t i = states; i < captured; ++i) inputs[i] = {steps[i].node, t};
      std::vector<Value> out = inline_body(body, inputs);
      for (std::size_t i = 0; i < states; ++i) {
        if (!(to().type(out[i]) == to().type(carry[i]))) {
          fail(Op::scan, "state " + std::to_string(i) + " changes from " +
                             to_string(to().type(carry[i])) + " to " +
                             to_string(to().type(out[i])));
        }
        carry[i] = out[i];
      }
      for (std::size_t i = 0; i < results.size(); ++i) results[i].push_back(out[states + i]);
      expect_few_nodes();
    }
    for (std::size_t i = 0; i < states; ++i) {
      map_checked(map, node, {index, static_cast<std::int32_t>(i)}, carry[i]);
    }
    const std::vector<Value> none = length > 0 ? std::vector<Value>{} : empty_rows(scan, carry);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto out = static_cast<std::int32_t>(states + i);
      const Value all = length > 0 ? stack(results[i], scan.reverse) : none[states + i];
      map_checked(map, node, {index, out}, all);
    }
  }

  // The rule of scan once more, now on concrete types.
  void expect_scan(const Node& node, const std::vector<Value>& operands) {
    std::vector<TensorType> in, out;
    for (Value v : operands) in.push_back(to().type(v));
    InferArgs args{node.attrs, in, out};
    try {
      op_info(Op::scan).infer(args);
    } catch (const Error& e) {
      fail(Op::scan, e.what());
    }
  }

  // Outputs of a body that never runs, with no rows each. Their types come from a copy of the body
  // over zeros, which nothing uses.
  std::vector<Value> empty_rows(const ScanAttrs& scan, std::vector<Value> inputs) {
    for (std::int64_t i = scan.num_states; i < scan.num_states + scan.num_sequences; ++i) {
      Value& v = inputs[static_cast<std::size_t>(i)];
      const TensorType sequence = to().type(v);
      v = filled({sequence.dtype, Shape(sequence.shape.begin() + 1, sequence.shape.end())});
    }
    std::vector<Value> out = inline_body(*scan.body, inputs);
    for (Value& v : out) {
      const TensorType row = to().type(v);
      Shape none{0};
      for (std::int64_t d : row.shape) none.push_back(d);
      v = filled({row.dtype, none});
    }
    return out;
  }

  Value filled(const TensorType& type) {  // with zeros
    Value zero = to().scalar(0, type.dtype);
    return to().add(Op::broadcast, {zero}, SizesAttrs{{type.shape.begin(), type.shape.end()}});
  }

  std::vector<Value> inline_body(const Graph& body, const std::vector<Value>& inputs) {
    Rewriter inner(body);
    for (std::size_t i = 0; i < inputs.size(); ++i) inner.map(body.inputs()[i], inputs[i]);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(body.nodes().size()); ++i) {
      const Node& node = body.nodes()[static_cast<std::size_t>(i)];
      if (node.op != Op::input) expand(inner, node, i);
    }
    std::vector<Value> out;
    for (const Output& o : body.outputs()) out.push_back(inner(o.value));
    return out;
  }

  Value stack(std::vector<Value> parts, bool reverse) {
    if (reverse) std::reverse(parts.begin(), parts.end());
    for (Value& v : parts) {
      const Shape s = to().type(v).shape;
      Dims row{1};
      row.insert(row.end(), s.begin(), s.end());
      v = to().add(Op::reshape, {v}, SizesAttrs{std::move(row)});
    }
    return to().add(Op::concat, std::move(parts), AxisAttrs{0});
  }

  const Graph& from_;
  std::span<const TensorType> types_;
  const Options& options_;
  Rewriter rewriter_;
  int scope_ = 0;           // of the model's node that is being expanded
  std::int64_t steps_ = 0;  // of all scans, times their sequences
};

}  // namespace

Graph concretise(const Graph& graph, std::span<const TensorType> types, const Options& options) {
  if (types.size() != graph.inputs().size()) {
    throw Error(ErrorKind::kValue, "takes " + std::to_string(graph.inputs().size()) +
                                       " inputs, got " + std::to_string(types.size()));
  }
  return Concretiser(graph, types, options).run();
}

}  // namespace nnseq::passes
