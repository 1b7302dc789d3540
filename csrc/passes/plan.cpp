#include "passes/plan.h"

#include <algorithm>
#include <numeric>

#include "ir/op_table.h"
#include "passes/arena.h"

namespace nnseq::passes {

namespace {

constexpr std::int64_t kAlign = 64;
std::int64_t aligned(std::int64_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Values are numbered flat; each belongs to a group that shares memory, at an offset from the
// group's root. Groups are merged (aliases), then given a home.
class Planner {
 public:
  explicit Planner(const Graph& g) : g_(g), end_(static_cast<std::int32_t>(g.nodes().size())) {
    for (const Node& n : g.nodes()) {
      first_.push_back(static_cast<std::int32_t>(items_.size()));
      const auto def = static_cast<std::int32_t>(first_.size()) - 1;
      for (const TensorType& t : n.outputs) {
        items_.push_back({});
        items_.back().bytes = t.bytes();
        items_.back().def = items_.back().last = def;
      }
    }
    for (std::size_t i = 0; i < items_.size(); ++i) items_[i].parent = static_cast<int>(i);
  }

  Plan run() {
    plan_.views.assign(g_.nodes().size(), false);
    bind();
    count_uses();
    updates_in_place();
    keep_old_values();
    alias_views();
    claim_outputs();
    alias_concats();
    gather_gradients();
    reuse_operands();
    allocate();
    finish();
    return std::move(plan_);
  }

 private:
  struct Item {
    int parent = 0;           // the root points to itself
    std::int64_t offset = 0;  // from the parent
    std::int64_t bytes = 0;
    std::int32_t def = 0, last = 0;  // of the group, at its root
    Home home = Home::kArena;        // of the group, at its root
    std::int32_t index = 0;
    std::int64_t at = 0;
    bool fixed = false;  // the group's place in another buffer is decided: no reuse, no claim
  };
  struct Rooted {
    int root;
    std::int64_t offset;
  };

  int id(Value v) const { return first_[static_cast<std::size_t>(v.node)] + v.out; }
  Item& item(Value v) { return items_[static_cast<std::size_t>(id(v))]; }
  const Node& node(std::int32_t i) const { return g_.nodes()[static_cast<std::size_t>(i)]; }

  Rooted root(Value v) const {
    int i = id(v);
    std::int64_t offset = 0;
    while (items_[static_cast<std::size_t>(i)].parent != i) {
      offset += items_[static_cast<std::size_t>(i)].offset;
      i = items_[static_cast<std::size_t>(i)].parent;
    }
    return {i, offset};
  }
  Item& group(Value v) { return items_[static_cast<std::size_t>(root(v).root)]; }

  // Puts the whole group of `child` at `offset` of the group of `parent`.
  void join(int child, Value parent, std::int64_t offset) {
    const Rooted p = root(parent);
    Item& c = items_[static_cast<std::size_t>(child)];
    Item& r = items_[static_cast<std::size_t>(p.root)];
    c.parent = p.root;
    c.offset = p.offset + offset;
    r.def = std::min(r.def, c.def);
    r.last = std::max(r.last, c.last);
  }

  // Is v alone in charge of a group in the arena that nobody has claimed?
  bool is_free(Value v) const {
    const Rooted r = root(v);
    const Item& i = items_[static_cast<std::size_t>(r.root)];
    return r.offset == 0 && i.home == Home::kArena && !i.fixed &&
           i.bytes == items_[static_cast<std::size_t>(id(v))].bytes;
  }

  void bind() {
    for (std::int32_t i = 0; i < end_; ++i) {
      const Node& n = node(i);
      if (n.op == Op::input) {
        item({i, 0}).home = Home::kInput;
        item({i, 0}).index = static_cast<std::int32_t>(n.as<InputAttrs>().index);
      } else if (n.op == Op::read) {
        item({i, 0}).home = Home::kSlot;
        item({i, 0}).index = static_cast<std::int32_t>(n.as<ReadAttrs>().slot);
      } else if (n.op == Op::constant) {
        item({i, 0}).home = Home::kConstant;
        item({i, 0}).index = static_cast<std::int32_t>(plan_.constants.size());
        plan_.constants.push_back(i);
      }
    }
  }

  void count_uses() {
    for (std::int32_t i = 0; i < end_; ++i) {
      for (Value v : node(i).inputs) item(v).last = i;
    }
    for (const Output& o : g_.outputs()) item(o.value).last = end_;
    for (const auto& [slot, v] : g_.assignments()) item(v).last = end_;
    for (std::int32_t i = 0; i < end_; ++i) {
      if (!(op_info(node(i).op).flags & kSpareOutputs)) continue;
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(node(i).outputs.size()); ++k) {
        if (item({i, k}).last == i) item({i, k}).home = Home::kNone;
      }
    }
    for (std::int32_t i = end_ - 1; i >= 0; --i) {  // a use of a view is a use of what it shows
      if (!is_view(i)) continue;
      plan_.views[static_cast<std::size_t>(i)] = true;
      Item& operand = item(node(i).inputs[0]);
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(node(i).outputs.size()); ++k) {
        operand.last = std::max(operand.last, item({i, k}).last);
      }
    }
  }

  // What v shows: v itself, or the value behind the views.
  Value shown(Value v) const {
    while (plan_.views[static_cast<std::size_t>(v.node)]) v = node(v.node).inputs[0];
    return v;
  }

  // Does update i need v other than as operand `own`?
  bool reads_elsewhere(std::int32_t i, Value v, int own) const {
    const Node& n = node(i);
    for (int k = 0; k < static_cast<int>(n.inputs.size()); ++k) {
      if (k != own && shown(n.inputs[static_cast<std::size_t>(k)]) == v) return true;
    }
    return false;
  }

  // A new value that is assigned to a slot is written in the slot's storage, and so are the values
  // before it in a chain of updates, as long as nobody needs them after they are overwritten.
  void updates_in_place() {
    overwritten_.assign(g_.slots().size(), end_ + 1);
    for (const auto& [slot, assigned] : g_.assignments()) {
      Value v = assigned;
      while (node(v.node).op == Op::update && item(v).home == Home::kArena) {
        item(v).home = Home::kSlot;
        item(v).index = slot;
        overwritten_[static_cast<std::size_t>(slot)] = v.node;
        const int operand = replaced_operand(node(v.node), v.out);
        const Value before = node(v.node).inputs[static_cast<std::size_t>(operand)];
        if (item(before).last > v.node || reads_elsewhere(v.node, before, operand)) break;
        v = before;
      }
    }
  }

  // The operand through which update i works on the storage of `slot`, or -1.
  int own_operand(std::int32_t i, std::int32_t slot) const {
    const Node& n = node(i);
    for (std::int32_t k = 0; k < static_cast<std::int32_t>(n.outputs.size()); ++k) {
      const Item& it = items_[static_cast<std::size_t>(id({i, k}))];
      if (it.home == Home::kSlot && it.index == slot) return replaced_operand(n, k);
    }
    return -1;
  }

  // A `read` that is still needed when its slot is overwritten, or that is assigned to another
  // slot, is copied first; the update itself keeps working on the slot.
  void keep_old_values() {
    for (std::int32_t i = 0; i < end_; ++i) {
      if (node(i).op != Op::read) continue;
      const Value old{i, 0};
      const std::int32_t slot = item(old).index;
      const std::int32_t writer = overwritten_[static_cast<std::size_t>(slot)];
      bool keep = item(old).last > writer;
      keep = keep || (writer < end_ && reads_elsewhere(writer, old, own_operand(writer, slot)));
      for (const auto& [to, v] : g_.assignments()) {
        keep = keep || (to != slot && shown(v) == old);
      }
      if (keep) kept_.push_back(i);
    }
  }

  // Bytes into the operand at which a contiguous slice starts, or -1.
  static std::int64_t slice_offset(const Node& n, const TensorType& in) {
    const SliceAttrs& s = n.as<SliceAttrs>();
    std::int64_t offset = 0, inner = static_cast<std::int64_t>(size_of(in.dtype));
    bool full = true;  // the axes behind this one are whole
    for (int i = in.shape.rank() - 1; i >= 0; --i) {
      const auto d = static_cast<std::size_t>(i);
      if (s.step[d] != 1 && s.sizes[d] > 1) return -1;
      if (!full && s.sizes[d] != 1) return -1;
      full = full && s.sizes[d] == in.shape[i];
      offset += s.begin[d] * inner;
      inner *= in.shape[i];
    }
    return offset;
  }

  bool is_view(std::int32_t i) const {
    const Node& n = node(i);
    if (n.op == Op::slice) {
      return n.outputs[0].count() > 0 && slice_offset(n, g_.type(n.inputs[0])) >= 0;
    }
    return (op_info(n.op).flags & kAlias) != 0;
  }

  void alias_views() {
    for (std::int32_t i = 0; i < end_; ++i) {
      if (!plan_.views[static_cast<std::size_t>(i)]) continue;
      const Node& n = node(i);
      std::int64_t offset = n.op == Op::slice ? slice_offset(n, g_.type(n.inputs[0])) : 0;
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(n.outputs.size()); ++k) {
        join(id({i, k}), n.inputs[0], offset);
        offset += n.outputs[static_cast<std::size_t>(k)].bytes();  // unstack: one row each
      }
    }
  }

  void claim_outputs() {
    for (std::size_t o = 0; o < g_.outputs().size(); ++o) {
      const Value v = g_.outputs()[o].value;
      if (!is_free(v)) continue;
      group(v).home = Home::kOutput;
      group(v).index = static_cast<std::int32_t>(o);
    }
  }

  // A concat whose parts follow each other in memory is no copy: each part is computed in place.
  void alias_concats() {
    for (std::int32_t i = 0; i < end_; ++i) {
      const Node& n = node(i);
      if (n.op != Op::concat || n.outputs[0].count() == 0) continue;
      bool leading = true;
      const int axis = static_cast<int>(n.as<AxisAttrs>().axis);
      for (int d = 0; d < (axis < 0 ? axis + n.outputs[0].shape.rank() : axis); ++d) {
        leading = leading && n.outputs[0].shape[d] == 1;
      }
      std::vector<int> roots;
      for (Value v : n.inputs) {
        leading = leading && is_free(v);
        roots.push_back(root(v).root);
      }
      std::sort(roots.begin(), roots.end());
      leading = leading && std::adjacent_find(roots.begin(), roots.end()) == roots.end();
      if (!leading || roots.front() == root({i, 0}).root) continue;
      std::int64_t offset = 0;
      for (Value v : n.inputs) {
        join(root(v).root, {i, 0}, offset);
        offset += g_.type(v).bytes();
      }
      group({i, 0}).fixed = true;
      plan_.views[static_cast<std::size_t>(i)] = true;
    }
  }

  // The gradients of one update lie one after the other, as its weights do.
  void gather_gradients() {
    for (std::int32_t i = 0; i < end_; ++i) {
      const Node& n = node(i);
      if (n.op != Op::update) continue;
      const auto count = static_cast<std::size_t>(n.as<UpdateAttrs>().count);
      std::int64_t offset = 0;
      Value block;
      for (std::size_t k = 2 + count; k < 2 + 2 * count; ++k) {
        const Value g = n.inputs[k];
        if (!is_free(g)) continue;
        if (!block) {
          block = g;
        } else {
          join(root(g).root, block, offset);
        }
        offset += aligned(g_.type(g).bytes());
      }
      if (!block) continue;
      group(block).fixed = true;
      group(block).bytes = offset;
    }
  }

  // An elementwise node, and a recurrent one, writes over an operand that dies with it.
  void reuse_operands() {
    for (std::int32_t i = 0; i < end_; ++i) {
      const Node& n = node(i);
      if (!(op_info(n.op).flags & kInPlace) || n.op == Op::update) continue;
      std::vector<int> taken;
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(n.outputs.size()); ++k) {
        const Value out{i, k};
        if (!is_free(out) || group(out).def != i) continue;
        for (Value v : n.inputs) {
          if (!is_free(v) || !(g_.type(v) == g_.type(out)) || group(v).last != i) continue;
          if (root(v).root == root(out).root || shares_memory(n, v)) continue;
          if (std::find(taken.begin(), taken.end(), root(v).root) != taken.end()) continue;
          taken.push_back(root(v).root);
          join(root(out).root, v, 0);
          break;
        }
      }
    }
  }

  // Does another operand see the memory of v in another way?
  bool shares_memory(const Node& n, Value v) const {
    for (Value o : n.inputs) {
      if (!(o == v) && root(o).root == root(v).root) return true;
    }
    return false;
  }

  void allocate() {
    std::vector<Arena::Block> blocks;
    std::vector<int> owner;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& it = items_[i];
      if (it.parent != static_cast<int>(i) || it.home != Home::kArena) continue;
      blocks.push_back({it.def, it.last, aligned(it.bytes)});
      owner.push_back(static_cast<int>(i));
    }
    const std::size_t values = blocks.size();
    for (std::int32_t i : kept_) {  // old values live from the start
      blocks.push_back({0, end_, aligned(node(i).outputs[0].bytes())});
    }
    const Arena arena(blocks);
    for (std::size_t i = 0; i < values; ++i) {
      items_[static_cast<std::size_t>(owner[i])].at = arena.offset(i);
    }
    for (std::size_t i = values; i < blocks.size(); ++i) {
      copies_.push_back({Home::kArena, 0, arena.offset(i)});
    }
    plan_.arena_bytes = arena.bytes();
  }

  Place place(Value v) const {
    const Rooted r = root(v);
    const Item& it = items_[static_cast<std::size_t>(r.root)];
    return {it.home, it.index, it.at + r.offset};
  }
  // The same, with the kept copy of a slot's old value.
  Place read_place(Value v) const {
    const Rooted r = root(v);
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (id({kept_[i], 0}) == r.root) {
        return {copies_[i].home, copies_[i].index, copies_[i].offset + r.offset};
      }
    }
    return place(v);
  }

  void finish() {
    for (std::int32_t i = 0; i < end_; ++i) {
      plan_.places.emplace_back();
      plan_.reads.emplace_back();
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(node(i).outputs.size()); ++k) {
        plan_.places.back().push_back(place({i, k}));
        plan_.reads.back().push_back(read_place({i, k}));
      }
    }
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      plan_.copies.push_back({0, node(kept_[i]).outputs[0], place({kept_[i], 0}), copies_[i]});
    }
    for (std::size_t o = 0; o < g_.outputs().size(); ++o) {
      add_copy(g_.outputs()[o].value, {Home::kOutput, static_cast<std::int32_t>(o), 0});
    }
    for (const auto& [slot, v] : g_.assignments()) add_copy(v, {Home::kSlot, slot, 0});
  }

  // A copy at the end of the step, unless the value lies there already.
  void add_copy(Value v, const Place& to) {
    const Place from = read_place(v);
    if (from == to) return;
    plan_.copies.push_back({end_, g_.type(v), from, to});
  }

  const Graph& g_;
  std::int32_t end_;
  std::vector<std::int32_t> first_;
  std::vector<Item> items_;
  std::vector<std::int32_t> overwritten_;  // per slot: the first update that writes it
  std::vector<std::int32_t> kept_;         // `read` nodes whose old value is copied
  std::vector<Place> copies_;              // per kept node: where to
  Plan plan_;
};

}  // namespace

int replaced_operand(const Node& update, int out) {
  const auto n = static_cast<int>(update.as<UpdateAttrs>().count);
  return out < n ? 2 + out : 2 + n + out;
}

Plan make_plan(const Graph& graph) { return Planner(graph).run(); }

}  // namespace nnseq::passes
