// Models defined, trained, frozen, saved and run in C++ alone.
#include "nnseq/model.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <numeric>
#include <thread>

#include "alloc_count.h"
#include "base/strings.h"
#include "graphs.h"
#include "nnseq/builder.h"

namespace nnseq::testing {
namespace {

struct TemporaryFile {
  std::string path = concat(::testing::TempDir(), "nnseq_model_", ::getpid(), ".nnseq");
  ~TemporaryFile() { std::remove(path.c_str()); }
};

Definition classifier() {
  Definition d;
  d.name = "classifier";
  d.inputs = {{"x", f32({kUnknown, 4})}};
  d.outputs = {"probabilities"};
  d.classes = {"low", "high"};
  d.forward = [](Layers& l, const Values& in) {
    const Value a = l.relu(l.dense(in[0], 16, "first"));
    const Value b = l.dropout(l.tanh(l.dense(a, 8, "second")), 0.1f);
    return Values{l.softmax(l.dense(b, 2, "last"))};
  };
  return d;
}

// Rows of four numbers; the class says whether the first two have a positive sum.
struct Data {
  std::vector<float> x = randoms(200 * 4, 7);
  std::vector<std::int64_t> y;
  Data() {
    for (std::size_t i = 0; i < 200; ++i) y.push_back(x[4 * i] + x[4 * i + 1] > 0);
  }
  std::vector<HostArray> arrays(std::int64_t rows = 200) const {
    return {array_of(x.data(), {rows, 4}), array_of(y.data(), {rows})};
  }
};

std::vector<float> weights_of(const Model& model, const std::string& name, std::size_t count) {
  std::vector<float> values(count);
  model.get_weights(name, values.data(), count * sizeof(float));
  return values;
}

std::vector<float> predictions(const Model& model, const std::vector<float>& x) {
  const auto rows = static_cast<std::int64_t>(x.size() / 4);
  std::vector<float> y(static_cast<std::size_t>(2 * rows));
  void* out = y.data();
  model.predict(std::vector{array_of(x.data(), {rows, 4})}, {&out, 1}, 32);
  return y;
}

Model trained(const std::shared_ptr<Context>& context, const Data& data, std::int64_t epochs) {
  Model model = build_model(context, classifier(), sparse_categorical_crossentropy(),
                            Adam{.learning_rate = 0.02f});
  FitOptions options;
  options.epochs = epochs;
  model.fit(data.arrays(), options);
  return model;
}

TEST(Model, DefinedHereItLearns) {
  const Data data;
  const auto context = make_context();
  const Model model = trained(context, data, 20);
  EXPECT_EQ(model.name(), "classifier");
  EXPECT_EQ(model.classes(), (std::vector<std::string>{"low", "high"}));
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].name, "x");
  EXPECT_EQ(model.inputs()[0].type, f32({kUnknown, 4}));
  EXPECT_EQ(model.outputs()[0].name, "probabilities");
  EXPECT_EQ(model.targets()[0].name, "label");
  EXPECT_EQ(model.parameters().size(), 6u);
  const Metrics metrics = model.evaluate(data.arrays());
  ASSERT_EQ(metrics.size(), 2u);
  EXPECT_EQ(metrics[0].first, "loss");
  EXPECT_EQ(metrics[1].first, "accuracy");
  EXPECT_GT(metrics[1].second, 0.95);
}

TEST(Model, SavedItGoesOnWithTheSameBits) {
  const Data data;
  Model model = trained(make_context(), data, 2);
  TemporaryFile file;
  model.save(file.path);
  Model again = Model::load(file.path, make_context({3, "", "cpu", ""}));
  FitOptions options;
  options.first_epoch = 2;
  options.epochs = 2;
  options.seed = 9;
  EXPECT_EQ(model.fit(data.arrays(), options), again.fit(data.arrays(), options));
  EXPECT_TRUE(same_bits(predictions(model, data.x), predictions(again, data.x)));
  EXPECT_EQ(model.evaluate(data.arrays()), again.evaluate(data.arrays()));
}

TEST(Model, ProgressSeesEveryStepAndStops) {
  const Data data;
  Model model = trained(make_context(), data, 0);
  std::int64_t calls = 0;
  FitOptions options;
  options.batch_size = 64;
  options.epochs = 3;
  options.progress = [&calls](const Progress& now) {
    EXPECT_EQ(now.epochs, 3);
    EXPECT_EQ(now.steps, 4);
    EXPECT_EQ(now.epoch * 4 + now.step, ++calls);
    EXPECT_EQ(now.metrics[0].first, "loss");
    return calls < 6;
  };
  EXPECT_EQ(model.fit(data.arrays(), options).size(), 2u);
  EXPECT_EQ(calls, 6);

  Model at_once = trained(make_context(), data, 0);
  Model by_steps = trained(make_context(), data, 0);
  options.progress = nullptr;
  const auto history = at_once.fit(data.arrays(), options);
  options.progress = [](const Progress&) { return true; };
  EXPECT_EQ(history, by_steps.fit(data.arrays(), options));
}

TEST(Model, PredictorAllocatesNothing) {
  if (!kCountsAllocations) GTEST_SKIP();
  const Data data;
  const auto context = make_context({2, "", "cpu", ""});
  const Model model = trained(context, data, 1);
  Predictor predictor = model.prepare(1);
  EXPECT_EQ(predictor.inputs()[0], f32({1, 4}));
  EXPECT_EQ(predictor.outputs()[0], f32({1, 2}));
  float out[2];
  const std::int64_t before = allocations_of_this_thread();
  const std::vector<float> expected = predictions(model, data.x);
  EXPECT_GT(allocations_of_this_thread(), before);
  const std::int64_t start = allocations_of_this_thread();
  for (std::size_t i = 0; i < 200; ++i) {
    predictor.run(&data.x[4 * i], out);
    ASSERT_TRUE(out[0] == expected[2 * i] && out[1] == expected[2 * i + 1]) << i;
  }
  EXPECT_EQ(allocations_of_this_thread(), start);
}

TEST(Model, PredictorsRunBesideEachOther) {
  const Data data;
  const Model model = trained(make_context({2, "", "cpu", ""}), data, 1);
  const std::vector<float> expected = predictions(model, data.x);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Predictor predictor = model.prepare(1);
      float out[2];
      for (std::size_t i = 0; i < 200; ++i) {
        predictor.run(&data.x[4 * i], out);
        wrong += out[0] != expected[2 * i];
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Model, FrozenParametersStay) {
  const Data data;
  Model model = trained(make_context(), data, 1);
  const auto first = weights_of(model, "first/kernel", 64),
             last = weights_of(model, "last/kernel", 16);
  model.freeze(std::vector<std::string>{"first", "second/bias", "second/kernel"});
  std::vector<std::string> trainable;
  for (const ParameterInfo& p : model.parameters()) {
    if (p.trainable) trainable.push_back(p.name);
  }
  EXPECT_EQ(trainable, (std::vector<std::string>{"last/kernel", "last/bias"}));
  model.fit(data.arrays());
  EXPECT_TRUE(same_bits(first, weights_of(model, "first/kernel", 64)));
  EXPECT_FALSE(same_bits(last, weights_of(model, "last/kernel", 16)));
  model.unfreeze();
  model.fit(data.arrays());
  EXPECT_FALSE(same_bits(first, weights_of(model, "first/kernel", 64)));
  expect_error([&] { model.freeze(std::vector<std::string>{"fir"}); }, ErrorKind::kValue,
               "no parameter or layer 'fir'");
}

TEST(Model, WithAllFrozenNothingChanges) {
  const Data data;
  Model model = trained(make_context(), data, 1);
  const std::vector<float> before = predictions(model, data.x);
  model.freeze(std::vector<std::string>{"first", "second", "last"});
  model.fit(data.arrays());
  EXPECT_TRUE(same_bits(before, predictions(model, data.x)));
}

// What is left trains as if the frozen part had never been trained.
TEST(Model, FreezingGivesTheGradientsOfTheRest) {
  const Data data;
  Model frozen = trained(make_context(), data, 0), other = trained(make_context(), data, 0);
  frozen.freeze(std::vector<std::string>{"first", "second"});
  frozen.train_step(data.arrays());
  other.train_step(data.arrays());  // of the same weights: the last layer moves alike
  EXPECT_TRUE(
      same_bits(weights_of(frozen, "last/kernel", 16), weights_of(other, "last/kernel", 16)));
}

TEST(Model, WhatDoesNotFitIsRefused) {
  const Data data;
  const auto context = make_context();
  Model model = trained(context, data, 0);
  std::vector<float> w(64);
  expect_error([&] { model.get_weights("first/kernel", w.data(), 8); }, ErrorKind::kValue,
               "parameter 'first/kernel' of shape (4, 16) has 256 bytes, got 8");
  expect_error([&] { model.set_weights("none", w.data(), 8); }, ErrorKind::kValue, "'none'");
  expect_error([&] { model.predict({}, {}); }, ErrorKind::kValue, "outputs");
  expect_error(
      [&] {
        model.fit(std::vector{array_of(data.x.data(), {200, 4})});
      },
      ErrorKind::kValue, "takes 2 arrays, got 1");
  Predictor predictor = model.prepare(1);
  expect_error([&] { predictor.run(data.x.data(), nullptr); }, ErrorKind::kValue, "null");
  const Model only = build_model(context, classifier());
  EXPECT_FALSE(only.can_train());
  expect_error([&] { only.evaluate(data.arrays()); }, ErrorKind::kUnsupported, "evaluate");
  Definition nameless = classifier();
  nameless.outputs.clear();
  expect_error([&] { build_model(context, nameless); }, ErrorKind::kValue, "outputs");
}

TEST(Context, CancelledItRunsNothing) {
  const Data data;
  const auto context = make_context();
  Model model = trained(context, data, 0);
  context->set_cancelled(true);
  expect_error([&] { model.fit(data.arrays()); }, ErrorKind::kCancelled, "cancelled");
  context->set_cancelled(false);
  model.fit(data.arrays());
}

TEST(Context, TakesMemoryFromTheApplication) {
  struct Pool {
    std::atomic<std::int64_t> blocks{0}, live{0};
  } pool;
  ContextOptions options{1, "", "cpu", ""};
  options.allocator = {[](std::size_t bytes, std::size_t alignment, void* user) {
                         auto* p = static_cast<Pool*>(user);
                         ++p->blocks, ++p->live;
                         return std::aligned_alloc(alignment, bytes);
                       },
                       [](void* data, std::size_t, void* user) {
                         --static_cast<Pool*>(user)->live;
                         std::free(data);
                       },
                       &pool};
  {
    const Data data;
    const Model model = trained(std::make_shared<Context>(options), data, 1);
    EXPECT_GT(pool.blocks.load(), 10);
    EXPECT_GT(pool.live.load(), 0);
  }
  EXPECT_EQ(pool.live.load(), 0);

  options.allocator.allocate = [](std::size_t, std::size_t, void*) -> void* { return nullptr; };
  expect_error([&] { build_model(std::make_shared<Context>(options), classifier()); },
               ErrorKind::kMemory, "cannot allocate");
}

// An allocator that finds no memory from some allocation on.
struct Scarce {
  std::int64_t left = 1'000'000;  // allocations that succeed
  std::shared_ptr<Context> context() {
    ContextOptions options{1, "", "cpu", ""};
    options.allocator = {[](std::size_t bytes, std::size_t alignment, void* user) -> void* {
                           auto& left = static_cast<Scarce*>(user)->left;
                           return left-- > 0 ? std::aligned_alloc(alignment, bytes) : nullptr;
                         },
                         [](void* data, std::size_t, void*) { std::free(data); }, this};
    return std::make_shared<Context>(options);
  }
};

TEST(Context, APredictorOutlivesALackOfMemory) {
  const Data data;
  Scarce memory;
  const auto context = memory.context();
  const Model model = trained(context, data, 1);
  std::vector<float> expected(2 * 200), y(2 * 200);
  {
    Predictor predictor = model.prepare(200);
    predictor.run(data.x.data(), expected.data());
    context->set_threads(2);  // the next run needs other memory
    for (int i = 0; i < 2; ++i) {
      memory.left = 0;
      expect_error([&] { predictor.run(data.x.data(), y.data()); }, ErrorKind::kMemory, "allocate");
    }
    memory.left = 1'000'000;
    predictor.run(data.x.data(), y.data());
    EXPECT_TRUE(same_bits(y, expected));
    context->set_threads(3);
    memory.left = 0;
    expect_error([&] { predictor.run(data.x.data(), y.data()); }, ErrorKind::kMemory, "allocate");
  }  // ends without memory
  memory.left = 1'000'000;
  model.prepare(200).run(data.x.data(), y.data());
  EXPECT_TRUE(same_bits(y, expected));
}

// Each allocation of a training step fails once: nothing has changed then, and the next step works.
TEST(Context, AStepOutlivesALackOfMemory) {
  const Data data;
  Scarce memory;
  const auto context = memory.context();
  Model model = trained(context, data, 1);
  const auto step = [&](std::int64_t rows) {
    FitOptions options;
    options.batch_size = rows;  // rows of the shuffled arrays are gathered
    model.fit(data.arrays(rows), options);
  };
  int failures = 0;
  for (std::int64_t succeed = 0;; ++succeed) {
    const std::vector<float> before = weights_of(model, "first/kernel", 4 * 16);
    const std::int64_t rows = 20 + succeed;  // shapes that nothing is kept for
    memory.left = succeed;
    try {
      step(rows);
      break;
    } catch (const Error& e) {
      EXPECT_EQ(static_cast<int>(e.kind()), static_cast<int>(ErrorKind::kMemory)) << e.what();
      ++failures;
    }
    memory.left = 1'000'000;
    EXPECT_TRUE(same_bits(weights_of(model, "first/kernel", 4 * 16), before));
    step(rows);
    EXPECT_FALSE(same_bits(weights_of(model, "first/kernel", 4 * 16), before));
  }
  EXPECT_GE(failures, 4);
  memory.left = 1'000'000;
}

TEST(Context, RunsOnTheThreadsOfTheApplication) {
  const Data data;
  const Model expected = trained(make_context(), data, 2);
  std::atomic<int> calls{0};
  ContextOptions options{3, "", "cpu", ""};
  options.parallel_for = {[](int tasks, void (*task)(void*, int), void* arg, void* user) {
                            ++*static_cast<std::atomic<int>*>(user);
                            std::vector<std::thread> threads;
                            for (int i = 1; i < tasks; ++i) threads.emplace_back(task, arg, i);
                            task(arg, 0);
                            for (std::thread& t : threads) t.join();
                          },
                          &calls};
  const auto context = std::make_shared<Context>(options);
  const Model model = trained(context, data, 2);
  EXPECT_TRUE(same_bits(predictions(model, data.x), predictions(expected, data.x)));
  // Something large enough for several threads.
  EagerOps eager(context);
  const std::vector<float> a = randoms(256 * 256, 1);
  const Tensor t = make_tensor(*context, f32({256, 256}), a.data());
  const Tensor in[] = {t, t};
  eager.run(Op::matmul, in, MatmulAttrs{});
  EXPECT_GT(calls.load(), 0);
}

}  // namespace
}  // namespace nnseq::testing
