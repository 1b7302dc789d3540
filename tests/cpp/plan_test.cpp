// The plan: no two values that live at one time share memory, except where they should.
#include "passes/plan.h"
#include "graphs.h"
#include "passes/arena.h"
#include "passes/passes.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::add;
using ops::mul;
using ops::unary;
using passes::Home;
using passes::make_plan;
using passes::Place;
using passes::Plan;

Place place(const Plan& p, Value v) {
  return p.places[static_cast<std::size_t>(v.node)][static_cast<std::size_t>(v.out)];
}

TEST(Arena, BlocksThatLiveTogetherNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<passes::Arena::Block> blocks(1 + random() % 40);
    std::int64_t sum = 0;
    for (auto& b : blocks) {
      b.def = static_cast<std::int32_t>(random() % 30);
      b.last = b.def + static_cast<std::int32_t>(random() % 8);
      b.bytes = 64 * static_cast<std::int64_t>(random() % 5);
      sum += b.bytes;
    }
    const passes::Arena arena(blocks);
    EXPECT_LE(arena.bytes(), sum);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_LE(arena.offset(i) + blocks[i].bytes, arena.bytes());
      for (std::size_t j = 0; j < i; ++j) {
        const bool together = blocks[i].def <= blocks[j].last && blocks[j].def <= blocks[i].last;
        const bool overlap = arena.offset(i) < arena.offset(j) + blocks[j].bytes &&
                             arena.offset(j) < arena.offset(i) + blocks[i].bytes;
        ASSERT_FALSE(together && overlap && blocks[i].bytes && blocks[j].bytes) << round;
      }
    }
  }
}

// Runs a plan on pretended memory: every byte holds the number of the value that was last written
// there (views and aliases write nothing), and every read must find the value it expects.
class Pretender {
 public:
  Pretender(const Graph& g, const Plan& p)
      : g_(g), p_(p), memory_(static_cast<std::size_t>(p.arena_bytes), -1) {}

  void run() {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(g_.nodes().size()); ++i) {
      const Node& n = g_.nodes()[static_cast<std::size_t>(i)];
      if (p_.views[static_cast<std::size_t>(i)]) {
        for (std::size_t k = 0; k < n.inputs.size(); ++k) read(n.inputs[k], i);
        continue;
      }
      for (Value v : n.inputs) read(v, i);
      for (std::int32_t k = 0; k < static_cast<std::int32_t>(n.outputs.size()); ++k) {
        write({i, k});
      }
    }
    for (const Output& o : g_.outputs()) read(o.value, -1);
    for (const auto& [slot, v] : g_.assignments()) read(v, -1);
  }

 private:
  // The values whose bytes make up v: itself, or what a view or an aliased concat shows.
  bool holds(Value v, std::int64_t byte, int found) const {
    const Node& n = g_.node(v);
    if (!p_.views[static_cast<std::size_t>(v.node)]) return found == number(v);
    if (n.op != Op::concat) {
      const std::int64_t shift = place(p_, v).offset - place(p_, n.inputs[0]).offset;
      return holds(n.inputs[0], byte + shift, found);
    }
    for (Value part : n.inputs) {
      const std::int64_t size = g_.type(part).bytes();
      if (byte < size) return holds(part, byte, found);
      byte -= size;
    }
    return false;
  }
  static int number(Value v) { return v.node * 1000 + v.out; }

  void read(Value v, std::int32_t by) {
    const Place at = place(p_, v);
    if (at.home != Home::kArena) return;
    for (std::int64_t b = 0; b < g_.type(v).bytes(); b += 4) {
      const int found = memory_[static_cast<std::size_t>(at.offset + b)];
      ASSERT_TRUE(holds(v, b, found)) << "%" << by << " reads %" << v.node << "." << v.out
                                      << " byte " << b << ", finds %" << found / 1000 << "\n"
                                      << to_string(g_);
    }
  }
  void write(Value v) {
    const Place at = place(p_, v);
    if (at.home != Home::kArena) return;
    for (std::int64_t b = 0; b < g_.type(v).bytes(); ++b) {
      memory_.at(static_cast<std::size_t>(at.offset + b)) = number(v);
    }
  }

  const Graph& g_;
  const Plan& p_;
  std::vector<int> memory_;
};

// A random graph over (4, 6) values: chains, products, slices, reshapes, concats, several outputs.
Graph random_graph(std::uint32_t seed) {
  std::mt19937 random(seed);
  Graph g;
  std::vector<Value> values{g.input("x", f32({4, 6})), g.input("y", f32({4, 6}))};
  auto any = [&] { return values[random() % values.size()]; };
  for (int i = 0; i < 30; ++i) {
    switch (random() % 9) {
      case 0:
      case 1:
        values.push_back(add(g, any(), any()));
        break;
      case 2:
      case 3:
        values.push_back(unary(g, UnaryFn::kTanh, any()));
        break;
      case 4:  // rows of both, one after the other
        values.push_back(
            g.add(Op::concat,
                  {g.add(Op::slice, {any()}, SliceAttrs{{1, 0}, {2, 6}, {1, 1}}),
                   unary(g, UnaryFn::kExp,
                         g.add(Op::slice, {any()}, SliceAttrs{{0, 0}, {2, 6}, {1, 1}}))},
                  AxisAttrs{0}));
        break;
      case 5:
        values.push_back(
            unary(g, UnaryFn::kSquare, ops::reshape(g, ops::reshape(g, any(), {24}), {4, 6})));
        break;
      case 6: {  // an operand that is a view of the other one
        const Value v = unary(g, UnaryFn::kTanh, any());
        values.push_back(add(g, v, g.add(Op::slice, {v}, SliceAttrs{{1, 0}, {1, 6}, {1, 1}})));
        break;
      }
      case 7:
        values.push_back(g.add(Op::transpose, {ops::reshape(g, any(), {6, 4})}, AxesAttrs{{1, 0}}));
        break;
      default: {  // concat of whole values, and one half of it
        const Value both =
            g.add(Op::concat, {unary(g, UnaryFn::kAbs, any()), add(g, any(), any())}, AxisAttrs{0});
        values.push_back(g.add(Op::slice, {both}, SliceAttrs{{4, 0}, {4, 6}, {1, 1}}));
        break;
      }
    }
  }
  for (int i = 0; i < 3; ++i) g.add_output(any());
  return g;
}

TEST(Plan, EveryReadFindsItsValue) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const Graph g = passes::drop_unused(random_graph(seed));
    const Plan p = make_plan(g);
    Pretender(g, p).run();
    if (HasFatalFailure()) return;
    std::int64_t sum = 0;
    for (const Node& n : g.nodes()) {
      for (const TensorType& t : n.outputs) sum += (t.bytes() + 63) / 64 * 64;
    }
    EXPECT_LE(p.arena_bytes, sum) << seed;
  }
}

TEST(Plan, PlannedRunsEqualUnfusedOnes) {
  const auto context = make_context();
  const std::vector<std::pair<Shape, std::vector<float>>> in{{{4, 6}, randoms(24, 1)},
                                                             {{4, 6}, randoms(24, 2)}};
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const Graph g = random_graph(seed);
    passes::Options off;
    off.simplify = off.fuse = off.compose = false;
    const Graph plain = passes::specialise(g, std::vector{f32({4, 6}), f32({4, 6})}, off);
    // The same nodes with every value an output: nothing can share memory with anything.
    Graph all = plain;
    const std::size_t own = all.outputs().size();
    for (std::size_t i = 0; i < plain.nodes().size(); ++i) {
      all.add_output({static_cast<std::int32_t>(i), 0});
    }
    const auto expected = run(Function(context, all, {}), in);
    const auto planned = run(Function(context, g, {}), in);
    for (std::size_t o = 0; o < own; ++o) {
      EXPECT_TRUE(same_bits(planned[o], expected[o])) << "seed " << seed << " output " << o;
    }
  }
}

TEST(Plan, ViewsAndConcatsAreNoCopies) {
  Graph g;
  const Value x = g.input("x", f32({3, 4}));
  const Value rows = g.add(Op::unstack, {x});
  const Value a = unary(g, UnaryFn::kExp, Value{rows.node, 1});
  const Value b = unary(g, UnaryFn::kTanh, Value{rows.node, 2});
  const Value row_a = ops::reshape(g, a, {1, 4}), row_b = ops::reshape(g, b, {1, 4});
  const Value both = g.add(Op::concat, {row_a, row_b}, AxisAttrs{0});
  const Value half = g.add(Op::slice, {both}, SliceAttrs{{1, 0}, {1, 4}, {1, 1}});
  const Value strided = g.add(Op::slice, {both}, SliceAttrs{{0, 0}, {2, 2}, {1, 2}});
  g.add_output(ops::reduce(g, ReduceFn::kSum, both, {0}));
  g.add_output(mul(g, half, half));
  g.add_output(add(g, strided, strided));
  const Plan p = make_plan(g);
  EXPECT_EQ(place(p, {rows.node, 2}), (Place{Home::kInput, 0, 32}));
  auto is_view = [&](Value v) { return p.views[static_cast<std::size_t>(v.node)]; };
  EXPECT_TRUE(is_view(both) && is_view(half) && is_view(row_a));
  EXPECT_FALSE(is_view(strided));
  EXPECT_EQ(place(p, b).offset, place(p, a).offset + 16);
  EXPECT_EQ(place(p, half), place(p, b));
}

TEST(Plan, GradientsLieInTheOrderOfTheVariables) {
  Builder b = mlp(make_context());
  const Graph g = passes::specialise(b.g, std::vector{f32({4, 7}), i32({4})}, {});
  const Plan p = make_plan(g);
  const Node& update = g.nodes().back();
  ASSERT_EQ(update.op, Op::update);
  std::int64_t next = place(p, update.inputs[2 + 4]).offset;
  for (std::size_t k = 0; k < 4; ++k) {
    const Value d = update.inputs[2 + 4 + k];
    EXPECT_EQ(place(p, d), (Place{Home::kArena, 0, next})) << k;
    next += (g.type(d).bytes() + 63) / 64 * 64;
    const Value weight{static_cast<std::int32_t>(g.nodes().size()) - 1,
                       static_cast<std::int32_t>(k)};
    EXPECT_EQ(place(p, weight), (Place{Home::kSlot, static_cast<std::int32_t>(k), 0}));
  }
  EXPECT_EQ(p.copies.size(), 1u) << "only the step count is copied";
}

TEST(Plan, ElementwiseNodesReuseAnOperandThatDies) {
  Graph g;
  const Value x = g.input("x", f32({16}));
  const Value a = unary(g, UnaryFn::kExp, x);
  const Value b = unary(g, UnaryFn::kTanh, a);  // over a
  const Value c = unary(g, UnaryFn::kAbs, b);   // not over b, which lives on
  g.add_output(ops::reduce(g, ReduceFn::kSum, mul(g, b, c), {0}));
  const Plan p = make_plan(g);
  EXPECT_EQ(place(p, b), place(p, a));
  EXPECT_FALSE(place(p, c) == place(p, b));
}

// Trains through `build` once; the Variables' values afterwards.
template <class Build>
std::vector<std::vector<float>> after_one_run(Build build,
                                              std::vector<std::vector<float>>* outputs = nullptr) {
  Builder b{make_context(), {}, {}};
  build(b);
  const auto out = run(*b.function(), {});
  if (outputs != nullptr) *outputs = out;
  std::vector<std::vector<float>> values;
  for (const auto& v : b.variables) values.push_back(value_of(*v));
  return values;
}

TEST(State, TwoVariablesSwap) {
  const auto v = after_one_run([](Builder& b) {
    const int x = b.variable("x", {2}, {1, 2}), y = b.variable("y", {2}, {3, 4});
    const Value old = b.g.read(x);
    b.g.assign(x, b.g.read(y));
    b.g.assign(y, old);
  });
  EXPECT_EQ(v, (std::vector<std::vector<float>>{{3, 4}, {1, 2}}));
}

TEST(State, TwoVariablesSwapThroughViews) {
  const auto v = after_one_run([](Builder& b) {
    const int x = b.variable("x", {2, 1}, {1, 2}), y = b.variable("y", {2}, {3, 4});
    const Value old = b.g.read(x);
    b.g.assign(x, ops::reshape(b.g, b.g.read(y), {2, 1}));
    b.g.assign(y, ops::reshape(b.g, old, {2}));
  });
  EXPECT_EQ(v, (std::vector<std::vector<float>>{{3, 4}, {1, 2}}));
}

TEST(State, OldValuesAreKeptWhenReadAfterAnUpdate) {
  std::vector<std::vector<float>> out;
  const auto v = after_one_run(
      [](Builder& b) {
        const int w = b.variable("w", {2}, {1, 2});
        const Value old = b.g.read(w);
        b.sgd(ops::reduce(b.g, ReduceFn::kSum, old, {0}), {w}, 0.5f);
        const Value now = b.g.read(w);
        b.g.add_output(old);
        b.g.add_output(now);
        b.g.add_output(ops::sub(b.g, now, old));
        b.g.add_output(old);
      },
      &out);
  EXPECT_EQ(v[0], (std::vector<float>{0.5f, 1.5f}));
  EXPECT_EQ(out, (std::vector<std::vector<float>>{{1, 2}, {0.5f, 1.5f}, {-0.5f, -0.5f}, {1, 2}}));
}

TEST(State, GradientsThatAreOtherWeightsAreReadBeforeTheyChange) {
  // loss = sum(a * b): the gradient of each is the other, which the same update overwrites.
  const auto v = after_one_run([](Builder& b) {
    const int x = b.variable("x", {3}, {1, 2, 3}), y = b.variable("y", {3}, {10, 20, 30});
    b.sgd(ops::reduce(b.g, ReduceFn::kSum, mul(b.g, b.g.read(x), b.g.read(y)), {0}), {x, y}, 1);
  });
  EXPECT_EQ(v, (std::vector<std::vector<float>>{{-9, -18, -27}, {9, 18, 27}}));
}

TEST(State, TwoUpdatesOfOneVariableFollowEachOther) {
  std::vector<std::vector<float>> out;
  const auto v = after_one_run(
      [](Builder& b) {
        const int w = b.variable("w", {2}, {8, 16});
        auto half_square = [&] {  // gradient w
          const Value x = b.g.add(Op::stop_gradient, {b.g.read(w)});
          return std::pair{
              x, ops::scale(b.g, ops::reduce(b.g, ReduceFn::kSum, mul(b.g, x, x), {0}), 0.5)};
        };
        for (int i = 0; i < 2; ++i) {
          const auto [x, loss] = half_square();
          const Value d = b.g.add(Op::gradient, {loss, x});
          UpdateAttrs u;
          u.count = 1;
          b.g.assign(w, b.g.add(Op::update,
                                {b.g.scalar(0.5, DType::kFloat32), b.g.scalar(1, DType::kInt64),
                                 b.g.read(w), d},
                                u));
          b.g.add_output(b.g.read(w));
        }
      },
      &out);
  EXPECT_EQ(v[0], (std::vector<float>{2, 4}));
  EXPECT_EQ(out, (std::vector<std::vector<float>>{{4, 8}, {2, 4}}));
}

TEST(State, AnUpdateMayBeAssignedToAnotherVariable) {
  const auto v = after_one_run([](Builder& b) {
    const int x = b.variable("x", {2}, {1, 2}), y = b.variable("y", {2}, {10, 20});
    UpdateAttrs u;
    u.count = 2;
    const Value one = b.g.scalar(1, DType::kFloat32), ones = ops::broadcast(b.g, one, {2});
    const Value first = b.g.add(
        Op::update, {one, b.g.scalar(1, DType::kInt64), b.g.read(x), b.g.read(y), ones, ones}, u);
    b.g.assign(x, {first.node, 1});
    b.g.assign(y, first);
  });
  EXPECT_EQ(v, (std::vector<std::vector<float>>{{9, 19}, {0, 1}}));
}

TEST(State, OutputsMayBeInputsConstantsSlotsAndEachOther) {
  Builder b{make_context(), {}, {}};
  const int w = b.variable("w", {2}, {5, 6});
  const Value x = b.g.input("x", f32({2}));
  const Value y = unary(b.g, UnaryFn::kSquare, x);
  b.g.add_output(x);
  b.g.add_output(b.g.scalar(7, DType::kFloat32));
  b.g.add_output(b.g.read(w));
  b.g.add_output(y);
  b.g.add_output(y);
  b.g.add_output(ops::reshape(b.g, y, {2, 1}));
  b.g.assign(w, y);
  const auto f = b.function();
  EXPECT_EQ(run(*f, {{{2}, {2, 3}}}),
            (std::vector<std::vector<float>>{{2, 3}, {7}, {5, 6}, {4, 9}, {4, 9}, {4, 9}}));
  EXPECT_EQ(value_of(*b.variables[0]), (std::vector<float>{4, 9}));
}

}  // namespace
}  // namespace nnseq
