// Several threads on the same Variables: every reader sees whole steps.
#include <algorithm>
#include <atomic>
#include <thread>

#include "graphs.h"
#include "program/variable_access.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::add;

// A step adds `delta` to every element of a and takes it from b: a + b stays 0 in whole steps only.
struct Pair {
  std::shared_ptr<Context> context;
  std::shared_ptr<Function> fit, predict;
  std::vector<std::shared_ptr<Variable>> variables;

  explicit Pair(int threads) : context(make_context({threads, "", "cpu", "std"})) {
    const Shape shape{64, 64};
    Builder step{context, {}, {}}, read{context, {}, {}};
    const int a = step.variable("a", shape), b = step.variable("b", shape);
    variables = read.variables = step.variables;
    for (const Slot& s : step.g.slots()) read.g.add_slot(s);
    const Value delta = step.g.input("delta", f32({kUnknown}));
    const Value by = ops::reduce(step.g, ReduceFn::kSum, delta, {0});
    step.g.assign(a, add(step.g, step.g.read(a), by));
    step.g.assign(b, ops::sub(step.g, step.g.read(b), by));
    const Value sum = add(read.g, read.g.read(a), read.g.read(b));
    read.g.add_output(
        ops::reduce(read.g, ReduceFn::kMax, ops::unary(read.g, UnaryFn::kAbs, sum), {0, 1}));
    fit = step.function();
    predict = read.function();
  }
  float imbalance() const { return predict->run(std::vector<Tensor>{})[0].item<float>(); }
  void train(std::int64_t steps) const {
    const std::vector<float> delta(static_cast<std::size_t>(steps), 1.0f);
    const std::vector<HostArray> arrays{rows_of(delta, {steps})};
    fit->run_steps(arrays, {1, 0, steps, {}});
  }
};

TEST(Concurrency, PredictDuringFitSeesWholeSteps) {
  const Pair pair(2);
  std::atomic<bool> done{false};
  std::atomic<int> broken{0}, reads{0};
  auto reader = [&] {
    while (!done || reads == 0) {
      if (pair.imbalance() != 0) ++broken;
      ++reads;
    }
  };
  std::thread one(reader), two(reader);
  pair.train(2000);
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(broken, 0) << "of " << reads << " reads";
  EXPECT_EQ(value_of(*pair.variables[0])[0], 2000);
  EXPECT_EQ(value_of(*pair.variables[1])[4095], -2000);
}

TEST(Concurrency, TwoFitsOfTheSameVariablesTakeTurns) {
  const Pair pair(1);
  std::thread other([&] { pair.train(500); });
  pair.train(500);
  other.join();
  EXPECT_EQ(value_of(*pair.variables[0])[77], 1000);
  EXPECT_EQ(pair.variables[0]->version(), 1000u);
}

TEST(Concurrency, GroupingMovesVariablesWhileOthersRun) {
  const Pair pair(1);
  std::atomic<bool> done{false};
  std::atomic<int> broken{0};
  std::thread reader([&] {
    while (!done) broken += pair.imbalance() != 0;
  });
  std::thread trainer([&] { pair.train(1000); });
  // Moves both into one arena, then only changes their lock.
  for (int i = 0; i < 50; ++i) group_variables(pair.variables, {});
  trainer.join();
  done = true;
  reader.join();
  EXPECT_EQ(broken, 0);
  const auto a = value_of(*pair.variables[0]);
  EXPECT_TRUE(std::all_of(a.begin(), a.end(), [](float x) { return x == 1000; }));
  const auto address = [&](std::size_t i) {
    return static_cast<char*>(Variable::Access::storage(*pair.variables[i]).data());
  };
  EXPECT_EQ(address(1) - address(0), 64 * 64 * 4) << "one after the other";
}

TEST(Concurrency, GroupingKeepsWhatIsInAnArenaAlready) {
  const auto context = make_context();
  std::vector<std::shared_ptr<Variable>> v;
  for (int i = 0; i < 4; ++i) {
    v.push_back(make_variable(context, "v", {3}, {1.0f * static_cast<float>(i), 2, 3}));
  }
  auto address = [&](std::size_t i) { return Variable::Access::storage(*v[i]).data(); };
  group_variables({v[0], v[1]}, {v[3]});
  void *first = address(0), *second = address(1), *fourth = address(3);
  group_variables({v[1], v[2], v[0]}, {v[3]});
  EXPECT_EQ(address(0), first);
  EXPECT_EQ(address(1), second);
  EXPECT_EQ(address(3), fourth);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(value_of(*v[i]), (std::vector<float>{static_cast<float>(i), 2, 3}));
  }
  EXPECT_EQ(Variable::Access::lock(*v[0]), Variable::Access::lock(*v[3]));
}

TEST(Concurrency, ARunInTheMiddleOfARunIsRefusedAndLeavesTheLocksFree) {
  const Pair pair(1);
  // What the poll hook runs (a signal handler may): it reads a, which the fit writes, and others.
  Builder inner{pair.context, {}, {}};
  Value sum;
  for (int i = 0; i < 8; ++i) {
    const Value v = inner.g.read(inner.variable("v", {64, 64}));
    sum = sum ? add(inner.g, sum, v) : v;
  }
  inner.variables.push_back(pair.variables[0]);
  inner.g.add_output(add(inner.g, sum, inner.g.read(inner.g.add_slot({"a", f32({64, 64})}))));
  struct Nested {
    std::shared_ptr<Function> f;
    int refused = 0;
  } nested{inner.function()};
  const RunHook hook{[](void* user) {
                       auto& n = *static_cast<Nested*>(user);
                       try {
                         n.f->run(std::vector<Tensor>{});
                       } catch (const Error&) {
                         ++n.refused;
                       }
                       return false;
                     },
                     &nested};
  const std::int64_t steps = 1 << 17;  // about 0.1 s; polls are 50 ms apart
  const std::vector<float> delta(steps, 1.0f);
  const std::vector<HostArray> arrays{rows_of(delta, {steps})};
  int runs = 0;
  while (nested.refused == 0 && runs < 20) {
    pair.fit->run_steps(arrays, {1, 0, steps, {}}, {}, hook);
    ++runs;
  }
  EXPECT_GT(nested.refused, 0);
  EXPECT_EQ(value_of(*pair.variables[0])[0], static_cast<float>(runs * steps)) << "the fit went on";
  std::thread other([&] {  // never ends where a lock was left taken
    const std::vector<float> zeros(64 * 64);
    for (const auto& v : inner.variables) v->copy_from_host(zeros.data());
  });
  other.join();
  EXPECT_EQ(value_of(*pair.variables[0])[0], 0);
}

}  // namespace
}  // namespace nnseq
