// Local rewrites, merging of equal nodes, and removal of what nothing uses.
#include <unordered_map>

#include "ir/op_table.h"
#include "ir/rewriter.h"
#include "passes/passes.h"

namespace nnseq::passes {

namespace {

bool is_permutation_of_identity(const Dims& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

// The value of a float32 scalar constant.
bool scalar_constant(const Graph& g, Value v, float* value) {
  const Node& n = g.node(v);
  if (n.op != Op::constant || !(n.outputs[0] == TensorType{DType::kFloat32, {}})) return false;
  *value = n.as<ConstantAttrs>().value->item<float>();
  return true;
}

class Simplifier {
 public:
  explicit Simplifier(const Graph& from) : from_(from), r_(from) {}

  Graph run() {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      Node node = from_.nodes()[static_cast<std::size_t>(i)];
      for (Value& v : node.inputs) v = r_(v);
      if (node.op == Op::unary || node.op == Op::binary || node.op == Op::unary_grad ||
          node.op == Op::select) {
        drop_broadcasts(node);
      }
      if (node.op == Op::scatter_add) drop_repetition(node);
      if (Value same = replacement(node)) {
        r_.map({i, 0}, same);
      } else {
        merge(i, std::move(node));
      }
    }
    return r_.finish();
  }

 private:
  Graph& g() { return r_.to; }
  const TensorType& in_type(const Node& n, std::size_t i) { return g().type(n.inputs[i]); }

  // A value that equals the node's, or null.
  Value replacement(const Node& n) {
    switch (n.op) {
      case Op::stop_gradient:
        return n.inputs[0];
      case Op::cast:
        if (in_type(n, 0) == n.outputs[0]) return n.inputs[0];
        return {};
      case Op::broadcast: {
        if (in_type(n, 0) == n.outputs[0]) return n.inputs[0];
        const Node& x = g().node(n.inputs[0]);  // a scalar needs no axes of 1 to broadcast
        if (x.op != Op::reshape || g().type(x.inputs[0]).shape.rank() != 0) return {};
        return put({Op::broadcast, n.scope, {x.inputs[0]}, n.outputs, n.attrs});
      }
      case Op::reshape: {
        Value x = n.inputs[0];
        while (g().node(x).op == Op::reshape) x = g().node(x).inputs[0];
        if (g().type(x) == n.outputs[0]) return x;
        return x == n.inputs[0] ? Value{} : put({Op::reshape, n.scope, {x}, n.outputs, n.attrs});
      }
      case Op::transpose:
        return transpose(n);
      case Op::slice:
      case Op::concat:
      case Op::pad:
        return n.inputs.size() == 1 ? whole(n) : Value{};
      case Op::reduce:
        if (in_type(n, 0).count() == n.outputs[0].count()) {
          return put({Op::reshape, n.scope, n.inputs, n.outputs, sizes_of(n.outputs[0])});
        }
        return {};
      case Op::binary:
        return arithmetic(n);
      case Op::matmul:
        return product(n);
      default:
        return {};
    }
  }

  static SizesAttrs sizes_of(const TensorType& t) { return {{t.shape.begin(), t.shape.end()}}; }

  Value put(Node node) {
    if (node.op == Op::reshape && g().type(node.inputs[0]) == node.outputs[0]) {
      return node.inputs[0];
    }
    return unique(std::move(node));
  }

  Value transpose(const Node& n) {
    const Dims& outer = n.as<AxesAttrs>().axes;
    if (is_permutation_of_identity(outer)) return n.inputs[0];
    const Node& x = g().node(n.inputs[0]);
    if (x.op != Op::transpose) return {};
    const Dims& inner = x.as<AxesAttrs>().axes;
    Dims both;
    for (std::int64_t axis : outer) both.push_back(inner[static_cast<std::size_t>(axis)]);
    if (is_permutation_of_identity(both)) return x.inputs[0];
    return put({Op::transpose, n.scope, {x.inputs[0]}, n.outputs, AxesAttrs{std::move(both)}});
  }

  // A slice, pad or concat that keeps everything in place.
  Value whole(const Node& n) {
    if (!(in_type(n, 0) == n.outputs[0])) return {};
    if (const auto* p = std::get_if<PadAttrs>(&n.attrs)) {
      for (std::size_t d = 0; d < p->low.size(); ++d) {
        const bool spread = p->interior[d] != 0 && n.outputs[0].shape[static_cast<int>(d)] > 1;
        if (p->low[d] != 0 || spread) return {};
      }
    }
    return n.inputs[0];
  }

  // x * 1, x + 0, x - 0, x / 1, and arithmetic of two scalar constants.
  Value arithmetic(const Node& n) {
    const BinaryFn fn = n.as<BinaryAttrs>().fn;
    if (fn != BinaryFn::kAdd && fn != BinaryFn::kSubtract && fn != BinaryFn::kMultiply &&
        fn != BinaryFn::kDivide) {
      return {};
    }
    float a = 0, b = 0;
    const bool ca = scalar_constant(g(), n.inputs[0], &a);
    const bool cb = scalar_constant(g(), n.inputs[1], &b);
    if (ca && cb) {
      const float y = fn == BinaryFn::kAdd        ? a + b
                      : fn == BinaryFn::kSubtract ? a - b
                      : fn == BinaryFn::kMultiply ? a * b
                                                  : a / b;
      return g().scalar(static_cast<double>(y), DType::kFloat32);
    }
    const bool additive = fn == BinaryFn::kAdd || fn == BinaryFn::kSubtract;
    const float neutral = additive ? 0.0f : 1.0f;
    // x + 0 is x but for x = -0, which compares equal to it.
    if (cb && b == neutral && in_type(n, 0) == n.outputs[0]) return n.inputs[0];
    const bool commutes = fn == BinaryFn::kAdd || fn == BinaryFn::kMultiply;
    if (ca && a == neutral && commutes && in_type(n, 1) == n.outputs[0]) return n.inputs[1];
    return {};
  }

  // A transpose of the last two axes below a product becomes its flag.
  Value product(const Node& n) {
    MatmulAttrs m = n.as<MatmulAttrs>();
    std::vector<Value> in = n.inputs;
    bool changed = false;
    for (std::size_t i = 0; i < 2; ++i) {
      const Node& t = g().node(in[i]);
      if (t.op != Op::transpose || t.outputs[0].shape.rank() != 2) continue;
      (i == 0 ? m.trans_a : m.trans_b) ^= true;
      in[i] = t.inputs[0];
      changed = true;
    }
    if (!changed) return {};
    return put({Op::matmul, n.scope, std::move(in), n.outputs, std::move(m)});
  }

  // Elementwise ops broadcast by themselves.
  void drop_broadcasts(Node& n) {
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      const Node& b = g().node(n.inputs[i]);
      if (b.op != Op::broadcast || n.op == Op::unary || (n.op == Op::unary_grad && i == 0)) {
        continue;
      }
      bool kept = false;  // some other operand still gives the shape
      for (std::size_t j = 0; j < n.inputs.size(); ++j) {
        kept = kept || (j != i && in_type(n, j).shape == n.outputs[0].shape);
      }
      if (kept) n.inputs[i] = b.inputs[0];
    }
  }

  // A broadcast over the last axes of the indices, as in the gradient of a mean of embeddings:
  // scatter_add adds one row at many indices by itself.
  void drop_repetition(Node& n) {
    const Node& b = g().node(n.inputs[0]);
    if (b.op != Op::broadcast) return;
    const Shape &x = g().type(b.inputs[0]).shape, &full = b.outputs[0].shape;
    const int indices = in_type(n, 1).shape.rank(), rank = full.rank();
    const int axis = static_cast<int>((n.as<ScatterAttrs>().axis + rank) % rank);
    if (x.rank() != rank) return;
    bool ones = true;  // all axes of the indices so far, from the last one on, are 1
    for (int i = rank - 1; i >= 0; --i) {
      const bool of_indices = i >= axis && i < axis + indices;
      if (x[i] != full[i] && !(of_indices && ones)) return;
      if (of_indices) ones = ones && x[i] == 1;
    }
    n.inputs[0] = b.inputs[0];
  }

  // Equal nodes become one: same op, operands and attributes.
  Value unique(Node node) {
    const std::size_t key = hash(node);
    auto [it, end] = seen_.equal_range(key);
    for (; it != end; ++it) {
      const Node& other = g().nodes()[static_cast<std::size_t>(it->second)];
      if (equal(other, node)) return {it->second, 0};
    }
    Value v = g().add_typed(std::move(node));
    seen_.emplace(key, v.node);
    return v;
  }

  void merge(std::int32_t old, Node node) {
    const auto outs = static_cast<std::int32_t>(node.outputs.size());
    if (node.op == Op::input || node.op == Op::update) {
      r_.put(old, std::move(node));
      return;
    }
    const Value v = unique(std::move(node));
    for (std::int32_t k = 0; k < outs; ++k) r_.map({old, k}, {v.node, k});
  }

  static std::size_t hash(const Node& n) {
    std::size_t h = static_cast<std::size_t>(n.op) + 0x9E3779B97F4A7C15ull;
    for (Value v : n.inputs) {
      h = (h ^ static_cast<std::size_t>(v.node * 8 + v.out)) * 0x100000001B3ull;
    }
    if (const auto* u = std::get_if<UnaryAttrs>(&n.attrs))
      h ^= static_cast<std::size_t>(u->fn) << 20;
    if (const auto* b = std::get_if<BinaryAttrs>(&n.attrs))
      h ^= static_cast<std::size_t>(b->fn) << 20;
    if (const auto* r = std::get_if<ReadAttrs>(&n.attrs))
      h ^= static_cast<std::size_t>(r->slot) << 20;
    if (const auto* s = std::get_if<SliceAttrs>(&n.attrs)) {
      if (!s->begin.empty()) h ^= static_cast<std::size_t>(s->begin[0]) << 20;
    }
    return h;
  }

  static bool equal(const Node& a, const Node& b) {
    if (a.op != b.op || a.inputs != b.inputs || !(a.outputs == b.outputs)) return false;
    if (a.op == Op::constant) {  // small ones by value
      const Tensor &x = *a.as<ConstantAttrs>().value, &y = *b.as<ConstantAttrs>().value;
      if (x.type().count() != 1) return a.attrs == b.attrs;
      std::uint64_t bits_x = 0, bits_y = 0;
      x.copy_to_host(&bits_x);
      y.copy_to_host(&bits_y);
      return bits_x == bits_y;
    }
    return a.attrs == b.attrs;
  }

  const Graph& from_;
  Rewriter r_;
  std::unordered_multimap<std::size_t, std::int32_t> seen_;
};

}  // namespace

Graph simplify(const Graph& graph) { return Simplifier(graph).run(); }

Graph drop_unused(const Graph& graph) {
  const auto n = static_cast<std::int32_t>(graph.nodes().size());
  std::vector<bool> live(static_cast<std::size_t>(n), false);
  auto mark = [&live](Value v) { live[static_cast<std::size_t>(v.node)] = true; };
  for (Value v : graph.inputs()) mark(v);
  for (const Output& o : graph.outputs()) mark(o.value);
  for (const auto& [slot, v] : graph.assignments()) mark(v);
  for (std::int32_t i = n - 1; i >= 0; --i) {
    if (!live[static_cast<std::size_t>(i)]) continue;
    for (Value v : graph.nodes()[static_cast<std::size_t>(i)].inputs) mark(v);
  }
  Rewriter r(graph);
  for (std::int32_t i = 0; i < n; ++i) {
    if (live[static_cast<std::size_t>(i)]) r.copy(i);
  }
  return r.finish();
}

}  // namespace nnseq::passes
