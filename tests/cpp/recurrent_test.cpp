// SimpleRNN, LSTM and GRU over sequences: against a loop in double, its slopes, and in programs.
#include "cpu/recurrent.h"

#include <cmath>

#include "alloc_count.h"
#include "graphs.h"
#include "passes/passes.h"
#include "passes/plan.h"
#include "program/context_impl.h"
#include "tensors.h"

namespace nnseq::testing {
namespace {

using cpu::Recurrence;
using std::int64_t;
using Doubles = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Operands and results of both directions, guarded. dy, dh, dc are the gradients of y, h, c.
struct Case {
  Case(const Recurrence& recurrence, bool is_masked) : p(recurrence), masked(is_masked) {
    for (int64_t i = 0; i < p.n * p.steps; ++i) mask.set(i, (i * 7 + i / 5) % 3 != 0);
  }
  bool is(RecurrentCell cell) const { return p.cell == cell; }
  const std::uint8_t* mask_data() const { return masked ? mask.as<std::uint8_t>() : nullptr; }

  void forward(const Exec& exec) {
    Scratch scratch(cpu::recurrent_scratch(p, exec.workers()));
    const bool lstm = is(RecurrentCell::kLstm), gru = is(RecurrentCell::kGru);
    cpu::recurrent(
        exec, p,
        {x.f32(), kernel.f32(), gru ? bias.f32() : nullptr, h0.f32(), lstm ? c0.f32() : nullptr,
         mask_data(), y.f32(), h.f32(), lstm ? c.f32() : nullptr, gates.f32(), h_prev.f32(),
         lstm || gru ? extra.f32() : nullptr},
        scratch.data());
    EXPECT_TRUE(scratch.guards_hold());
  }
  void backward(const Exec& exec) {
    Scratch scratch(cpu::recurrent_scratch(p, exec.workers()));
    const bool lstm = is(RecurrentCell::kLstm), gru = is(RecurrentCell::kGru);
    cpu::recurrent_grad(exec, p,
                        {kernel.f32(), gates.f32(), h_prev.f32(), extra.f32(), mask_data(),
                         dy.f32(), dh.f32(), lstm ? dc.f32() : nullptr, dx.f32(),
                         gru ? ds.f32() : nullptr, dh0.f32(), lstm ? dc0.f32() : nullptr},
                        scratch.data());
    EXPECT_TRUE(scratch.guards_hold());
  }
  void expect_guards() const {
    for (const TestTensor* t : {&y, &h, &c, &gates, &h_prev, &extra, &dx, &ds, &dh0, &dc0}) {
      EXPECT_TRUE(t->guards_hold());
    }
  }

  Recurrence p;
  bool masked;
  int64_t columns = p.gates() * p.units;
  Shape whole{p.n, p.steps, columns}, sequence{p.n, p.steps, p.units}, state{p.n, p.units};
  TestTensor x = TestTensor::normal(whole, 1);
  TestTensor kernel = TestTensor::normal({p.units, columns}, 2, 0.4f);
  TestTensor bias = TestTensor::normal({columns}, 3);
  TestTensor h0 = TestTensor::normal(state, 4), c0 = TestTensor::normal(state, 5);
  TestTensor mask{DType::kBool, {p.n, p.steps}};
  TestTensor dy = TestTensor::normal(sequence, 6);
  TestTensor dh = TestTensor::normal(state, 7), dc = TestTensor::normal(state, 8);
  TestTensor y{DType::kFloat32, sequence}, h_prev = y, extra = y;
  TestTensor h{DType::kFloat32, state}, c = h, dh0 = h, dc0 = h;
  TestTensor gates{DType::kFloat32, whole}, dx = gates, ds = gates;
};

// The same in double; its result is sum(dy * y) + sum(dh * h) + sum(dc * c).
struct Loop {
  explicit Loop(const Case& of)
      : k(of),
        x(all(of.x)),
        kernel(all(of.kernel)),
        bias(all(of.bias)),
        h0(all(of.h0)),
        c0(all(of.c0)) {}

  static Doubles all(const TestTensor& t) {
    Doubles v;
    for (int64_t i = 0; i < t.count(); ++i) v.push_back(t.at(i));
    return v;
  }

  double run() {
    const Recurrence& p = k.p;
    double total = 0;
    y.assign(static_cast<std::size_t>(p.n * p.steps * p.units), 0);
    h = h0;
    c = c0;
    for (int64_t r = 0; r < p.n; ++r) {
      Doubles shown(static_cast<std::size_t>(p.units), 0);
      for (int64_t s = 0; s < p.steps; ++s) {
        const int64_t t = r * p.steps + (p.reverse ? p.steps - 1 - s : s);
        step(r, t, !k.masked || k.mask.at(t) != 0, shown);
      }
    }
    for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * k.dy.at(static_cast<int64_t>(i));
    for (std::size_t i = 0; i < h.size(); ++i) {
      total += h[i] * k.dh.at(static_cast<int64_t>(i));
      if (k.is(RecurrentCell::kLstm)) total += c[i] * k.dc.at(static_cast<int64_t>(i));
    }
    return total;
  }

  const Case& k;
  Doubles x, kernel, bias, h0, c0, y, h, c;

 private:
  void step(int64_t r, int64_t t, bool keep, Doubles& shown) {
    const int64_t units = k.p.units, columns = k.columns;
    const Doubles before = h;
    for (int64_t u = 0; u < units; ++u) {
      double in[4] = {}, product[4] = {};
      for (int64_t g = 0; g < k.p.gates(); ++g) {
        const int64_t at = g * units + u;
        in[g] = x[static_cast<std::size_t>(t * columns + at)];
        if (k.is(RecurrentCell::kGru)) product[g] = bias[static_cast<std::size_t>(at)];
        for (int64_t j = 0; j < units; ++j) {
          product[g] += before[static_cast<std::size_t>(r * units + j)] *
                        kernel[static_cast<std::size_t>(j * columns + at)];
        }
      }
      const auto at = static_cast<std::size_t>(r * units + u);
      double state = std::tanh(in[0] + product[0]), cell = c[at];
      if (k.is(RecurrentCell::kLstm)) {
        cell = sigmoid(in[1] + product[1]) * cell +
               sigmoid(in[0] + product[0]) * std::tanh(in[2] + product[2]);
        state = sigmoid(in[3] + product[3]) * std::tanh(cell);
      } else if (k.is(RecurrentCell::kGru)) {
        const double z = sigmoid(in[0] + product[0]), reset = sigmoid(in[1] + product[1]);
        state = z * before[at] + (1 - z) * std::tanh(in[2] + reset * product[2]);
      }
      double& out = shown[static_cast<std::size_t>(u)];
      if (keep) {
        h[at] = state;
        c[at] = cell;
      }
      out = keep ? state : k.p.zero_output ? 0 : out;
      y[static_cast<std::size_t>(t * units + u)] = out;
    }
  }
};

double slope(double& v, Loop& loop) {
  const double kept = v, step = 1e-5;
  v = kept + step;
  const double up = loop.run();
  v = kept - step;
  const double down = loop.run();
  v = kept;
  return (up - down) / (2 * step);
}

void expect_slopes(Doubles& values, const TestTensor& found, Loop& loop) {
  const auto stride = static_cast<int64_t>(values.size() / 20 + 1);
  for (int64_t i = 0; i < found.count(); i += stride) {
    EXPECT_NEAR(found.at(i), slope(values[static_cast<std::size_t>(i)], loop), 2e-4) << i;
  }
}

constexpr RecurrentCell kCells[] = {RecurrentCell::kSimple, RecurrentCell::kLstm,
                                    RecurrentCell::kGru};

template <class F>
void for_each_case(F&& f) {
  for (RecurrentCell cell : kCells) {
    for (int variant = 0; variant < 6; ++variant) {
      constexpr int64_t kSizes[][3] = {{3, 4, 5}, {1, 1, 17}, {13, 3, 16},
                                       {2, 0, 3}, {6, 2, 33}, {50, 3, 1}};
      const auto& [n, steps, units] = kSizes[variant];
      const bool masked = variant % 2 == 0;
      f(Case({cell, n, steps, units, variant >= 2, variant == 4}, masked));
      f(Case({cell, n, steps, units, variant < 2, variant == 2}, !masked));
    }
  }
}

class Recurrent : public IsaTest {};

TEST_P(Recurrent, EqualsALoopAndItsSlopes) {
  const Exec exec = exec_on(GetParam());
  for_each_case([&](Case k) {
    SCOPED_TRACE(::testing::Message()
                 << "cell " << static_cast<int>(k.p.cell) << ", " << k.p.n << " x " << k.p.steps
                 << " x " << k.p.units << " " << k.masked << k.p.reverse << k.p.zero_output);
    k.forward(exec);
    k.backward(exec);
    k.expect_guards();
    Loop loop(k);
    loop.run();
    for (int64_t i = 0; i < k.y.count(); ++i) {
      EXPECT_NEAR(k.y.at(i), loop.y[static_cast<std::size_t>(i)], 2e-6);
    }
    for (int64_t i = 0; i < k.h.count(); ++i) {
      EXPECT_NEAR(k.h.at(i), loop.h[static_cast<std::size_t>(i)], 2e-6);
      if (!k.is(RecurrentCell::kLstm)) continue;
      EXPECT_NEAR(k.c.at(i), loop.c[static_cast<std::size_t>(i)], 4e-6);
    }
    expect_slopes(loop.x, k.dx, loop);
    expect_slopes(loop.h0, k.dh0, loop);
    if (k.is(RecurrentCell::kLstm)) expect_slopes(loop.c0, k.dc0, loop);
  });
}

// What the planner may do: the saved gates over x, their gradient over both.
TEST_P(Recurrent, WorksInPlace) {
  const Exec exec = exec_on(GetParam());
  for_each_case([&](Case k) {
    Case apart = k;
    apart.forward(exec);
    apart.backward(exec);
    Scratch scratch(cpu::recurrent_scratch(k.p, 1));
    const bool lstm = k.is(RecurrentCell::kLstm), gru = k.is(RecurrentCell::kGru);
    cpu::recurrent(exec, k.p,
                   {k.x.f32(), k.kernel.f32(), gru ? k.bias.f32() : nullptr, k.h0.f32(),
                    lstm ? k.c0.f32() : nullptr, k.mask_data(), nullptr, k.h0.f32(),
                    lstm ? k.c0.f32() : nullptr, k.x.f32(), k.h_prev.f32(),
                    lstm || gru ? k.extra.f32() : nullptr},
                   scratch.data());
    EXPECT_TRUE(k.h0.same_bits(apart.h) && k.x.same_bits(apart.gates));
    cpu::recurrent_grad(exec, k.p,
                        {k.kernel.f32(), k.x.f32(), k.h_prev.f32(), k.extra.f32(), k.mask_data(),
                         k.dy.f32(), k.dh.f32(), lstm ? k.dc.f32() : nullptr, k.x.f32(),
                         gru ? k.ds.f32() : nullptr, k.dh.f32(), lstm ? k.dc.f32() : nullptr},
                        scratch.data());
    EXPECT_TRUE(k.x.same_bits(apart.dx) && k.dh.same_bits(apart.dh0));
  });
}

NNSEQ_FOR_EACH_ISA(Recurrent);

TEST(RecurrentBits, DoNotDependOnThreadsOrIsa) {
  for (RecurrentCell cell : kCells) {
    for (int part = 0; part < 2; ++part) {
      expect_equal_bits([&](const Exec& exec) {
        Case k({cell, 70, 9, 37, false, false}, true);
        k.forward(exec);
        k.backward(exec);
        return part ? k.dx : k.y;
      });
    }
  }
}

// --- in programs
// ----------------------------------------------------------------------------------

// An LSTM of 4 units over x (None, None, 3), trained by Adam on the mean square of its last state.
Builder lstm_net(const std::shared_ptr<Context>& context, bool train) {
  Builder b{context, {}, {}};
  const Value x = b.g.input("x", f32({kUnknown, kUnknown, 3}));
  const int w = b.weight("lstm/kernel", {3, 16}), u = b.weight("lstm/recurrent", {4, 16});
  b.g.set_scope("lstm");
  const Value batch = b.g.add(Op::dim, {x}, AxisAttrs{0});
  const Value zero = b.g.scalar(0, DType::kFloat32);
  const Value state = b.g.add(Op::broadcast, {zero, batch}, SizesAttrs{{kHostSize, 4}});
  const Value projected = b.g.add(Op::matmul, {x, b.g.read(w)}, MatmulAttrs{});
  RecurrentAttrs attrs;
  attrs.cell = RecurrentCell::kLstm;
  const Value y = b.g.add(Op::recurrent, {projected, b.g.read(u), state, state}, attrs);
  b.g.set_scope("");
  const Value h{y.node, 1};
  const Value loss = mean_of(b.g, ops::mul(b.g, h, h));
  if (train) b.adam(loss, {w, u});
  b.g.add_output(loss, "loss");
  return b;
}

const Node* find(const Graph& g, Op op) {
  for (const Node& n : g.nodes()) {
    if (n.op == op) return &n;
  }
  return nullptr;
}

TEST(RecurrentProgram, KeepsNothingForAGradientThatIsNotAskedFor) {
  const auto context = make_context();
  for (bool train : {false, true}) {
    const Builder b = lstm_net(context, train);
    const Graph g = passes::specialise(b.g, std::vector{f32({5, 6, 3})}, {});
    const passes::Plan plan = passes::make_plan(g);
    const Node* const n = find(g, Op::recurrent);
    ASSERT_NE(n, nullptr);
    EXPECT_EQ(find(g, Op::recurrent_grad) != nullptr, train);
    const auto at = static_cast<std::size_t>(n - g.nodes().data());
    const auto& places = plan.places[at];
    ASSERT_EQ(places.size(), 6u);  // y, h, c, gates, h_prev, c_prev
    const bool kept = train;
    EXPECT_EQ(places[0].home, passes::Home::kNone);
    EXPECT_EQ(places[1].home, passes::Home::kArena);
    EXPECT_EQ(places[2].home, passes::Home::kNone);
    for (std::size_t k : {3u, 4u, 5u}) EXPECT_EQ(places[k].home != passes::Home::kNone, kept) << k;
    if (!train) continue;
    const Value x = n->inputs[0];
    const auto& of_x = plan.places[static_cast<std::size_t>(x.node)];
    EXPECT_EQ(places[3], of_x[static_cast<std::size_t>(x.out)]) << "the gates stand over x";
  }
}

TEST(RecurrentProgram, TrainsInStepsThatAllocateNothing) {
  const auto context = make_context({2, "", "cpu", ""});
  Builder b = lstm_net(context, true);
  const auto f = b.function();
  const std::vector<float> x = randoms(64 * 5 * 3, 1);
  const std::vector<HostArray> arrays{rows_of(x, {64, 5, 3})};
  const auto fit = [&](int64_t steps) {
    const int64_t before = allocations_of_this_thread();
    f->run_steps(arrays, {8, 0, steps, {}});
    return allocations_of_this_thread() - before;
  };
  fit(8);
  const int64_t one = fit(1), eight = fit(8);
  if (kCountsAllocations) {
    EXPECT_EQ(one, eight);
  }
}

TEST(RecurrentProgram, WrongOperandsAreRefusedByName) {
  Graph g;
  g.set_scope("lstm");
  const Value x = g.input("x", f32({2, 3, 16})), u = g.input("u", f32({4, 16}));
  const Value h = g.input("h", f32({2, 4})), wrong = g.input("w", f32({2, 5}));
  RecurrentAttrs attrs;
  attrs.cell = RecurrentCell::kLstm;
  const auto add = [&](std::vector<Value> in) {
    return [&g, in, attrs] { g.add(Op::recurrent, in, attrs); };
  };
  expect_error(
      add({x, u, h, wrong}), ErrorKind::kValue,
      "lstm: recurrent: the initial cell state is float32 (2, 5), expected float32 (2, 4)");
  expect_error(add({x, h, h, h}), ErrorKind::kValue, "expected (units, 4 * units)");
  expect_error(add({x, u, h}), ErrorKind::kValue, "takes 4 tensors, got 3");
  attrs.masked = true;
  expect_error(add({x, u, h, h, h}), ErrorKind::kValue, "the mask is float32 (2, 4)");
}

}  // namespace
}  // namespace nnseq::testing
