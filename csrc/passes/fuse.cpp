// Fusion: bias and activation into the product that feeds them, elementwise chains into one node.
#include <algorithm>

#include "cpu/elementwise.h"
#include "ir/op_table.h"
#include "ir/rewriter.h"
#include "passes/passes.h"
#include "passes/uses.h"

namespace nnseq::passes {

namespace {

EpilogueAttrs* epilogue_of(Node& n) {
  if (auto* m = std::get_if<MatmulAttrs>(&n.attrs)) return &m->epilogue;
  if (n.op == Op::conv2d) return &std::get<ConvAttrs>(n.attrs).epilogue;
  return nullptr;
}

// Folds add(product, bias) and unary(product) into the product where nothing else reads it.
class EpilogueFusion {
 public:
  explicit EpilogueFusion(const Graph& from) : from_(from), uses_(from), r_(from) {}

  Graph run() {
    // The product's operands must precede it, so an absorbed node is emitted at the place of the
    // last node absorbed into it: products wait until their chain ends.
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      if (absorbed_by_next(i)) continue;
      if (!emit_with_epilogue(i)) r_.copy(i);
    }
    return r_.finish();
  }

 private:
  const Node& node(std::int32_t i) const { return from_.nodes()[static_cast<std::size_t>(i)]; }

  // Is node i (a product, or a product with bias) taken into its only user?
  bool absorbed_by_next(std::int32_t i) {
    if (user_.empty()) find_users();
    const std::int32_t user = user_[static_cast<std::size_t>(i)];
    return user >= 0 && base_of(user) >= 0 && base_input(user) == Value{i, 0};
  }

  void find_users() {
    user_.assign(from_.nodes().size(), -1);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      for (Value v : node(i).inputs) {
        if (uses_.count(v) == 1) user_[static_cast<std::size_t>(v.node)] = i;
      }
    }
  }

  static bool is_bias(const TensorType& y, const TensorType& b) {
    return b.shape.rank() == 1 && b.shape[0] == y.shape.back() && y.shape.rank() >= 2;
  }

  // The operand of node i through which it would be folded into a product; null if it cannot.
  Value base_input(std::int32_t i) const {
    const Node& n = node(i);
    if (n.op == Op::unary && n.outputs[0].dtype == DType::kFloat32) return n.inputs[0];
    if (n.op == Op::binary && n.as<BinaryAttrs>().fn == BinaryFn::kAdd) {
      for (std::size_t k : {0u, 1u}) {
        const Op op = from_.node(n.inputs[k]).op;
        if ((op == Op::matmul || op == Op::conv2d) && from_.type(n.inputs[k]) == n.outputs[0] &&
            is_bias(n.outputs[0], from_.type(n.inputs[1 - k]))) {
          return n.inputs[k];
        }
      }
    }
    return {};
  }

  // The product that node i ends the chain of, or -1.
  std::int32_t base_of(std::int32_t i) const {
    const Value in = base_input(i);
    if (!in || uses_.count(in) != 1) return -1;
    Node producer = from_.node(in);
    if (EpilogueAttrs* e = epilogue_of(producer)) return e->fn || e->bias ? -1 : in.node;
    // unary over bias over product
    const Node& n = node(i);
    if (n.op != Op::unary || producer.op != Op::binary) return -1;
    return base_of(in.node);
  }

  bool emit_with_epilogue(std::int32_t i) {
    const std::int32_t base = base_of(i);
    if (base < 0) return false;
    Node product = node(base);
    for (Value& v : product.inputs) v = r_(v);
    EpilogueAttrs* e = epilogue_of(product);
    const Node* n = &node(i);
    if (n->op == Op::unary) {
      e->fn = n->as<UnaryAttrs>().fn;
      e->alpha = n->as<UnaryAttrs>().alpha;
      if (n->inputs[0].node != base) n = &from_.node(n->inputs[0]);
    }
    if (n->op == Op::binary) {
      const Value bias = n->inputs[0].node == base ? n->inputs[1] : n->inputs[0];
      e->bias = true;
      product.inputs.push_back(r_(bias));
    }
    product.scope = node(i).scope;
    r_.put(i, std::move(product));
    return true;
  }

  const Graph& from_;
  Uses uses_;
  Rewriter r_;
  std::vector<std::int32_t> user_;
};

// Merges elementwise nodes into the only node that reads them, where both have one shape.
class ChainFusion {
 public:
  explicit ChainFusion(const Graph& from)
      : from_(from), uses_(from), r_(from), chains_(from.nodes().size()) {}

  Graph run() {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      if (is_chainable(i)) build(i);
    }
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(from_.nodes().size()); ++i) {
      const Chain& c = chains_[static_cast<std::size_t>(i)];
      if (c.absorbed) continue;
      if (c.code.size() + c.casts < 2) {
        r_.copy(i);
      } else {
        emit(i, c);
      }
    }
    return r_.finish();
  }

 private:
  static constexpr std::size_t kMaxInputs = 8;
  static constexpr std::size_t kMaxCode = 16;

  struct Chain {
    std::vector<Value> in;  // values of from_
    std::vector<ChainInstr> code;
    std::size_t casts = 0;  // absorbed casts, which need no instruction
    bool absorbed = false;
  };

  // An elementwise node whose registers are float, so that no result needs rounding to an integer
  // on the way: float32 and bool results, casts only to float32.
  bool is_chainable(std::int32_t i) const {
    const Node& n = from_.nodes()[static_cast<std::size_t>(i)];
    if (!(op_info(n.op).flags & kElementwise)) return false;
    const DType out = n.outputs[0].dtype;
    if (out != DType::kFloat32 && (out != DType::kBool || n.op == Op::cast)) return false;
    for (Value v : n.inputs) {
      const DType in = from_.type(v).dtype;
      if (in != DType::kFloat32 && in != DType::kBool && in != DType::kUInt8) return false;
    }
    return true;
  }

  // The chain that ends in node i: its own instruction after those of the operands it absorbs.
  void build(std::int32_t i) {
    const Node& n = from_.nodes()[static_cast<std::size_t>(i)];
    Chain& c = chains_[static_cast<std::size_t>(i)];
    std::vector<int> operand(n.inputs.size());
    std::vector<bool> take(n.inputs.size(), false);
    for (std::size_t k = 0; k < n.inputs.size(); ++k) take[k] = may_absorb(n, k, c);
    for (std::size_t k = 0; k < n.inputs.size(); ++k) {
      if (!take[k]) operand[k] = input_register(c, n.inputs[k]);
    }
    for (std::size_t k = 0; k < n.inputs.size(); ++k) {
      if (take[k]) operand[k] = absorb(c, n.inputs[k]);
    }
    if (n.op == Op::cast) {
      c.casts += 1;
      result_register(i, operand[0]);
      return;
    }
    c.code.push_back(instruction(n, operand));
    result_register(i, -1);
  }

  // Registers inside a chain: inputs as -1 - index, instruction results as their index, until emit.
  static int input_register(Chain& c, Value v) {
    auto it = std::find(c.in.begin(), c.in.end(), v);
    if (it == c.in.end()) {
      c.in.push_back(v);
      return -static_cast<int>(c.in.size());
    }
    return -1 - static_cast<int>(it - c.in.begin());
  }

  bool may_absorb(const Node& n, std::size_t k, const Chain& c) const {
    const Value v = n.inputs[k];
    const Chain& p = chains_[static_cast<std::size_t>(v.node)];
    if (p.in.empty() || uses_.count(v) != 1 || c.absorbed) return false;
    if (n.op == Op::cast && p.code.empty()) return false;  // a chain ends in an instruction
    if (!(from_.type(v).shape == n.outputs[0].shape)) return false;
    std::size_t inputs = n.inputs.size(), code = 1;
    for (Value o : n.inputs) {
      const Chain& q = chains_[static_cast<std::size_t>(o.node)];
      if (uses_.count(o) == 1) inputs += q.in.size(), code += q.code.size();
    }
    return inputs <= kMaxInputs && code <= kMaxCode;
  }

  int absorb(Chain& c, Value v) {
    Chain& p = chains_[static_cast<std::size_t>(v.node)];
    p.absorbed = true;
    c.casts += p.casts;
    const int offset = static_cast<int>(c.code.size());
    auto renamed = [&](std::int16_t reg) {
      return static_cast<std::int16_t>(
          reg >= 0 ? reg + offset : input_register(c, p.in[static_cast<std::size_t>(-1 - reg)]));
    };
    for (ChainInstr instr : p.code) {
      instr.a = renamed(instr.a);
      instr.b = renamed(instr.b);
      instr.c = renamed(instr.c);
      c.code.push_back(instr);
    }
    const int result = result_[v.node];
    return result >= 0 ? result + offset
                       : input_register(c, p.in[static_cast<std::size_t>(-1 - result)]);
  }

  void result_register(std::int32_t i, int reg) {
    const Chain& c = chains_[static_cast<std::size_t>(i)];
    if (result_.size() < from_.nodes().size()) result_.assign(from_.nodes().size(), 0);
    const Node& n = from_.nodes()[static_cast<std::size_t>(i)];
    result_[static_cast<std::size_t>(i)] =
        n.op == Op::cast ? reg : static_cast<int>(c.code.size()) - 1;
  }

  static ChainInstr instruction(const Node& n, const std::vector<int>& operand) {
    ChainInstr instr;
    auto reg = [&operand](std::size_t k) {
      return static_cast<std::int16_t>(operand[k < operand.size() ? k : 0]);
    };
    instr.a = reg(0), instr.b = reg(1), instr.c = reg(2);
    switch (n.op) {
      case Op::unary:
      case Op::unary_grad:
        instr.kind = n.op == Op::unary ? ChainInstr::Kind::kUnary : ChainInstr::Kind::kUnaryGrad;
        instr.fn = static_cast<std::uint8_t>(n.as<UnaryAttrs>().fn);
        instr.alpha = n.as<UnaryAttrs>().alpha;
        break;
      case Op::binary:
        instr.kind = ChainInstr::Kind::kBinary;
        instr.fn = static_cast<std::uint8_t>(n.as<BinaryAttrs>().fn);
        break;
      default:
        instr.kind = ChainInstr::Kind::kSelect;
        break;
    }
    return instr;
  }

  void emit(std::int32_t i, const Chain& c) {
    const Node& n = from_.nodes()[static_cast<std::size_t>(i)];
    const auto inputs = static_cast<std::int16_t>(c.in.size());
    ChainAttrs attrs{c.code, n.outputs[0].dtype};
    auto absolute = [inputs](std::int16_t& reg) {
      reg = static_cast<std::int16_t>(reg >= 0 ? reg + inputs : -1 - reg);
    };
    for (ChainInstr& instr : attrs.code) {
      absolute(instr.a);
      absolute(instr.b);
      absolute(instr.c);
    }
    r_.put(i, {Op::chain, n.scope, r_.mapped(c.in), n.outputs, std::move(attrs)});
  }

  const Graph& from_;
  Uses uses_;
  Rewriter r_;
  std::vector<Chain> chains_;
  std::vector<int> result_;
};

}  // namespace

Graph fuse(const Graph& graph) { return ChainFusion(EpilogueFusion(graph).run()).run(); }

}  // namespace nnseq::passes
