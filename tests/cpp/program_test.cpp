// Functions and Programs: many steps over arrays, errors that change nothing, no allocation.
#include <algorithm>
#include <chrono>
#include <thread>

#include "alloc_count.h"
#include "fork_child.h"
#include "graphs.h"
#include "program/function_impl.h"
#include "program/variable_access.h"

namespace nnseq {
namespace {

using namespace testing;
using ops::mul;

// Rows and labels for the nets of graphs.h.
struct Data {
  std::vector<float> x;
  std::vector<std::int32_t> y;
  std::vector<HostArray> arrays;

  explicit Data(Shape shape, std::uint32_t seed = 5) : x(randoms(shape.count(), seed)) {
    for (std::int64_t i = 0; i < shape[0]; ++i) y.push_back(static_cast<std::int32_t>(i * 7 % 3));
    arrays = {rows_of(x, shape), rows_of(y, {shape[0]})};
  }
};

std::vector<std::vector<float>> weights_of(const Builder& b) {
  std::vector<std::vector<float>> w;
  for (const auto& v : b.variables) {
    if (v->type().dtype == DType::kFloat32) w.push_back(value_of(*v));
  }
  return w;
}

TEST(RunSteps, EqualsTheLoopWrittenByHand) {
  const std::int64_t n = 21, batch = 4;
  const Data data({n, 7});
  const auto context = make_context();
  Builder a = mlp(context), b = mlp(context);
  const auto fit = a.function(), step = b.function();
  StepRange range{batch, 0, 6, Shuffle{11, 3}};
  const float last = fit->run_steps(data.arrays, range)[0].item<float>();

  const std::vector<std::int64_t> order = sample_order(11, 3, n);
  float loss = 0;
  for (std::int64_t first = 0; first < n; first += batch) {  // the last batch has one row
    const std::int64_t count = std::min(batch, n - first);
    std::vector<float> x;
    std::vector<std::int32_t> y;
    for (std::int64_t i = first; i < first + count; ++i) {
      const std::int64_t row = order[static_cast<std::size_t>(i)];
      x.insert(x.end(), data.x.begin() + row * 7, data.x.begin() + row * 7 + 7);
      y.push_back(data.y[static_cast<std::size_t>(row)]);
    }
    const std::vector<Function::HostInput> in{{x.data(), f32({count, 7})},
                                              {y.data(), i32({count})}};
    loss = step->run(in)[0].item<float>();
  }
  EXPECT_EQ(loss, last);
  EXPECT_EQ(weights_of(a), weights_of(b));
  std::int64_t t = 0;
  a.variables[4]->copy_to_host(&t);
  EXPECT_EQ(t, 6) << "one commit per step";
  EXPECT_EQ(a.variables[0]->version(), 6u + 1u) << "and one by its first value";
}

TEST(RunSteps, AnyCutOfAnEpochIsTheSameEpoch) {
  const Data data({30, 7});
  const auto context = make_context();
  Builder whole = mlp(context), parts = mlp(context);
  whole.function()->run_steps(data.arrays, {8, 0, 4, Shuffle{1, 2}});
  const auto f = parts.function();
  f->run_steps(data.arrays, {8, 0, 1, Shuffle{1, 2}});
  f->run_steps(data.arrays, {8, 1, 3, Shuffle{1, 2}});
  EXPECT_EQ(weights_of(whole), weights_of(parts));
}

TEST(RunSteps, WritesRowsOfOutputs) {
  Graph g;
  const Value x = g.input("x", f32({kUnknown, 2}));
  g.add_output(ops::scale(g, x, 3));
  g.add_output(ops::reduce(g, ReduceFn::kSum, x, {1}));
  const Function f(make_context(), g, {});
  const std::vector<float> in{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  std::vector<float> tripled(10), sums(5);
  const std::vector<HostArray> arrays{rows_of(in, {5, 2})};
  const std::vector<void*> out{tripled.data(), sums.data()};
  EXPECT_TRUE(f.run_steps(arrays, {2, 0, 3, {}}, out).empty());
  EXPECT_EQ(tripled, (std::vector<float>{3, 6, 9, 12, 15, 18, 21, 24, 27, 30}));
  EXPECT_EQ(sums, (std::vector<float>{3, 7, 11, 15, 19}));
}

TEST(RunSteps, WrongCallsAreRefused) {
  const Data data({10, 7}), wrong({9, 7});
  Builder b = mlp(make_context());
  const auto f = b.function();
  const auto before = weights_of(b);
  const auto kind = ErrorKind::kValue;
  expect_error([&] { f->run_steps(data.arrays, {0, 0, 1, {}}); }, kind, "batch size must be");
  expect_error(
      [&] {
        f->run_steps(data.arrays, {4, 3, 1, {}});
      },
      kind, "step 3 is beyond the data");
  expect_error([&] { f->run_steps(data.arrays, {4, -1, 1, {}}); }, kind, "is beyond the data");
  const std::vector<HostArray> one{data.arrays[0]}, mixed{data.arrays[0], wrong.arrays[1]};
  expect_error([&] { f->run_steps(one, {4, 0, 1, {}}); }, kind, "takes 2 arrays, got 1");
  expect_error(
      [&] {
        f->run_steps(mixed, {4, 0, 1, {}});
      },
      kind, "differ in their number of rows: (10, 7), (9,)");
  std::vector<float> loss(10);
  const std::vector<void*> out{loss.data()};
  expect_error(
      [&] {
        f->run_steps(data.arrays, {4, 0, 1, {}}, out);
      },
      kind, "expected one row per sample");
  EXPECT_EQ(weights_of(b), before);
}

TEST(BadIndex, NamesLayerAndSampleAndChangesNothing) {
  const std::int64_t n = 12;
  Data data({n, 7});
  data.y[10] = 3;  // valid: 0, 1, 2
  Builder b = mlp(make_context());
  const auto f = b.function();
  const auto before = weights_of(b);
  const auto kind = ErrorKind::kValue;
  expect_error(
      [&] {
        f->run_steps(data.arrays, {12, 0, 1, {}});
      },
      kind, "loss: softmax_cross_entropy: index 3 of sample 10 is outside [0, 3)");
  // The caller's sample, also from the second batch and through a shuffle.
  expect_error([&] { f->run_steps(data.arrays, {8, 1, 1, {}}); }, kind, "of sample 10 ");
  expect_error(
      [&] {
        f->run_steps(data.arrays, {12, 0, 1, Shuffle{3, 1}});
      },
      kind, "of sample 10 ");
  EXPECT_EQ(weights_of(b), before);
  EXPECT_EQ(b.variables[0]->version(), 1u);
  std::int64_t t = 1;
  b.variables[4]->copy_to_host(&t);
  EXPECT_EQ(t, 0);
  data.y[10] = 0;  // the Function is as good as new
  f->run_steps(data.arrays, {12, 0, 1, {}});
  EXPECT_NE(weights_of(b), before);
}

TEST(BadIndex, OfARowOfIndicesNamesTheRow) {
  Builder b{make_context(), {}, {}};
  const int table = b.weight("embedding", {5, 2});
  const Value i = b.g.input("tokens", i32({kUnknown, 3}));
  b.g.set_scope("model/embedding");
  b.g.add_output(b.g.add(Op::gather, {b.g.read(table), i}, AxisAttrs{0}));
  const std::vector<std::int32_t> tokens{0, 1, 2, 3, 4, 0, 1, 2, -1};
  const auto f = b.function();
  expect_error(
      [&] {
        f->run(std::vector<Function::HostInput>{{tokens.data(), i32({3, 3})}});
      },
      ErrorKind::kValue, "model/embedding: gather: index -1 of sample 2 is outside [0, 5)");
}

TEST(Cancel, LeavesWholeSteps) {
  constexpr std::int64_t kSteps = 1 << 18;
  const Data data({kSteps, 7});
  Builder b = mlp(make_context());
  const auto f = b.function();
  // Asked every 50 ms, which is long before the last of these steps.
  const RunHook hook{[](void*) { return true; }, nullptr};
  expect_error(
      [&] {
        f->run_steps(data.arrays, {1, 0, kSteps, {}}, {}, hook);
      },
      ErrorKind::kCancelled, "the run was cancelled");
  std::int64_t t = 0;
  b.variables[4]->copy_to_host(&t);
  EXPECT_GT(t, 0);
  // The same number of whole steps gives the same weights.
  Builder again = mlp(make_context());
  again.function()->run_steps(data.arrays, {1, 0, t, {}});
  EXPECT_EQ(weights_of(b), weights_of(again));
}

TEST(Cancel, IsNotHonouredAfterTheFirstWrite) {
  Builder b{make_context(), {}, {}};
  const int w = b.variable("w", {256, 256}, std::vector<float>(256 * 256, 1));
  const int counter = b.variable("counter", {}, {0});
  b.sgd(mean_of(b.g, b.g.read(w)), {w});
  Value h = b.g.read(w);  // from here on the step has written; the hook falls due in what follows
  for (int i = 0; i < 200; ++i) {
    h = b.g.add(Op::softmax, {b.g.add(Op::matmul, {h, b.g.read(w)}, MatmulAttrs{})});
  }
  b.g.add_output(h);
  b.g.assign(counter, ops::add(b.g, b.g.read(counter), b.g.scalar(1, DType::kFloat32)));
  const auto f = b.function();
  const RunHook hook{[](void*) { return true; }, nullptr};
  bool finished = true;
  try {
    f->run(std::vector<Tensor>{}, hook);
  } catch (const Error&) {  // only if 50 ms passed before the update
    finished = false;
  }
  EXPECT_EQ(value_of(*b.variables[0])[0] != 1, finished);
  EXPECT_EQ(value_of(*b.variables[1])[0], finished ? 1 : 0);
}

TEST(Function, RefusesVariablesThatDoNotFit) {
  Builder b = mlp(make_context());
  auto fewer = b.variables;
  fewer.pop_back();
  expect_error([&] { Function(b.context, b.g, fewer); }, ErrorKind::kValue, "slots, got");
  auto swapped = b.variables;
  std::swap(swapped[0], swapped[1]);
  expect_error([&] { Function(b.context, b.g, swapped); }, ErrorKind::kValue,
               "slot 'dense/kernel' and its variable differ in type");
}

TEST(Function, KeepsAFewProgramsAndFindsThemAgain) {
  Graph g;
  g.add_output(ops::neg(g, g.input("x", f32({kUnknown}))));
  const Function f(make_context(), g, {});
  auto program = [&f](std::int64_t n) { return f.program(std::vector{f32({n})}); };
  const auto one = program(1);
  for (std::int64_t n = 1; n <= 8; ++n) program(n);
  EXPECT_EQ(program(1), one) << "used again before it was the ninth";
  for (std::int64_t n = 2; n <= 9; ++n) program(n);
  EXPECT_NE(program(1), one) << "the least recently used one went";
}

TEST(Session, EachConcurrentRunHasItsOwn) {
  Graph g;
  const Value x = g.input("x", f32({4}));
  g.add_output(ops::reduce(g, ReduceFn::kSum, ops::unary(g, UnaryFn::kExp, x), {0}));
  const auto context = make_context();
  const ProgramImpl p(context->impl(), context->impl().current_device(), g, std::vector{f32({4})},
                      {});
  auto a = p.lease(context->impl()), b = p.lease(context->impl());
  EXPECT_NE(a->workspace->data(), b->workspace->data());
  Session* first = a.get();
  p.give_back(std::move(a));
  EXPECT_EQ(p.lease(context->impl()).get(), first) << "leased again";
}

TEST(SteadyStep, AllocatesNothing) {
  if (!kCountsAllocations) GTEST_SKIP() << "the sanitizer brings its own operator new";
  const Data data({64, 7});
  for (int threads : {1, 3}) {
    const auto context = make_context({threads, "", "cpu", ""});
    Builder b = mlp(context);
    group_variables({b.variables[0], b.variables[1], b.variables[2], b.variables[3]}, {});
    const auto f = b.function();
    auto fit = [&](std::int64_t steps) {
      const std::int64_t before = allocations_of_this_thread();
      f->run_steps(data.arrays, {8, 0, steps, Shuffle{1, 1}});
      return allocations_of_this_thread() - before;
    };
    fit(8);
    const std::uint64_t device = context->impl().current_device()->allocations();
    const std::int64_t one = fit(1), eight = fit(8);
    EXPECT_EQ(one, eight) << threads << " threads: " << eight - one << " in seven steps";
    // A call takes its results; a step takes nothing.
    const auto results = 2 * b.g.outputs().size();
    EXPECT_EQ(context->impl().current_device()->allocations(), device + results);
  }
}

TEST(Fork, AChildRunsFunctions) {
  NNSEQ_SKIP_UNDER_TSAN();
  const Data data({32, 7});
  for (const std::string backend : {"openmp", "std"}) {
    if (backend == "openmp" && !kForksAfterOpenMP) continue;
    ContextOptions options{3, "", "cpu", backend};
    std::shared_ptr<Context> context;
    try {
      context = make_context(options);
    } catch (const Error&) {
      continue;  // this build has no OpenMP
    }
    Builder b = mlp(context), reference = mlp(context);
    const auto f = b.function();
    f->run_steps(data.arrays, {8, 0, 2, {}});
    reference.function()->run_steps(data.arrays, {8, 0, 4, {}});
    EXPECT_TRUE(in_child([&] {
      f->run_steps(data.arrays, {8, 2, 2, {}});
      return weights_of(b) == weights_of(reference);
    })) << backend;
    f->run_steps(data.arrays, {8, 2, 2, {}});
    EXPECT_EQ(weights_of(b), weights_of(reference)) << "and the parent goes on";
  }
}

TEST(Eager, ScansWhoseBodiesDifferInAConstantAreTwoFunctions) {
  const auto context = make_context();
  EagerOps eager(context);
  const float zero[2] = {0, 0}, ones[4] = {1, 1, 1, 1};
  const std::vector<Tensor> in{make_tensor(*context, f32({2}), zero),
                               make_tensor(*context, f32({2, 2}), ones)};
  for (float by : {2.0f, 3.0f}) {
    auto body = std::make_shared<Graph>();
    const Value s = body->input("s", f32({2})), x = body->input("x", f32({2}));
    const float factors[2] = {by, by};
    const Value c = body->constant(make_tensor(*context, f32({2}), factors));
    body->add_output(ops::add(*body, s, mul(*body, x, c)));
    const auto out = eager.run(Op::scan, in, ScanAttrs{body, 1, 1, false});
    EXPECT_EQ(value_of(out[0]), (std::vector<float>{2 * by, 2 * by}));
  }
}

}  // namespace
}  // namespace nnseq
