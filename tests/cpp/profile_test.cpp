// Profiles: what steps are, what they took, what was refused, and when the log is told.
#include "nnseq/profile.h"

#include <functional>
#include <numeric>

#include "graphs.h"
#include "program/context_impl.h"
#include "program/program_impl.h"

namespace nnseq {
namespace {

using namespace testing;

// The rows of one op run on inputs of these shapes.
std::vector<Profile::Row> rows_of_op(Op op, const Attrs& attrs, const std::vector<Shape>& shapes,
                                     const ContextOptions& options = {1, "", "cpu", ""}) {
  Graph g;
  std::vector<Value> values;
  std::vector<std::vector<float>> data;
  for (const Shape& s : shapes) {
    values.push_back(g.input("", f32(s)));
    data.push_back(randoms(s.count(), 3));
  }
  g.add_output(g.add(op, values, attrs));
  const Function f(make_context(options), g, {});
  std::vector<Function::HostInput> in;
  for (std::size_t i = 0; i < shapes.size(); ++i) in.push_back({data[i].data(), f32(shapes[i])});
  return f.profile(in, 1).rows;
}

Profile::Row row_of(Op op, const Attrs& attrs, const std::vector<Shape>& shapes) {
  const auto rows = rows_of_op(op, attrs, shapes);
  EXPECT_EQ(rows.size(), 1u);
  return rows.at(0);
}

struct Batch {
  std::vector<float> x = randoms(8 * 7, 5);
  std::vector<std::int32_t> y = {0, 1, 2, 0, 1, 2, 0, 1};
  std::vector<Function::HostInput> inputs{{x.data(), f32({8, 7})}, {y.data(), i32({8})}};
  std::vector<HostArray> arrays{rows_of(x, {8, 7}), rows_of(y, {8})};
};

TEST(Profile, SaysWhatTheStepsOfATrainingStepAre) {
  const Batch batch;
  const auto f = mlp(make_context()).function();
  const Profile p = f->profile(batch.inputs, 3);
  EXPECT_EQ(p.runs, 3);
  double flops = 0, seconds = 0;
  std::int64_t steps = 0;
  for (const Profile::Row& row : p.rows) {
    EXPECT_GT(row.bytes, 0) << row.op;
    EXPECT_GE(row.seconds, 0) << row.op;
    flops += row.flops;
    seconds += row.seconds;
    steps += row.steps;
  }
  // Two products forward, their weights' gradients, and the data's gradient of the second.
  EXPECT_EQ(flops, 2 * 8 * (2 * 7 * 16 + 3 * 16 * 3));
  EXPECT_EQ(steps, f->program(std::vector{f32({8, 7}), i32({8})})->num_steps());
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, p.seconds);
  const Profile::Row& first = p.rows.front();
  EXPECT_EQ(first.op, "matmul");
  EXPECT_EQ(first.layer, "dense");
  EXPECT_EQ(first.shapes, "(8, 7), (7, 16), (16,) -> (8, 16)");
  EXPECT_NE(first.kernel.find("GEMM, tile "), std::string::npos) << first.kernel;
  EXPECT_NE(first.kernel.find("bias+relu"), std::string::npos) << first.kernel;
}

TEST(Profile, RunsAreSteps) {
  const Batch batch;
  Builder a = mlp(make_context()), b = mlp(make_context());
  a.function()->profile(batch.inputs, 3);
  const auto f = b.function();
  for (int i = 0; i < 4; ++i) f->run(batch.inputs);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(same_bits(value_of(*a.variables[i]), value_of(*b.variables[i])));
  }
  expect_error([&] { f->profile(batch.inputs, 0); }, ErrorKind::kValue, "at least 1, got 0");
}

TEST(Profile, PutsEqualStepsTogether) {
  const auto context = make_context();
  const auto f = rnn(context).function();
  const std::vector<float> x = randoms(2 * 6 * 3, 1);
  const std::vector<Function::HostInput> in{{x.data(), f32({2, 6, 3})}};
  const Profile p = f->profile(in, 1);
  std::int64_t most = 0, steps = 0;
  for (const Profile::Row& row : p.rows) {
    if (row.op == "matmul" && row.steps > most) {
      most = row.steps;
      EXPECT_EQ(static_cast<std::int64_t>(row.flops) % row.steps, 0);
    }
    steps += row.steps;
  }
  EXPECT_GE(most, 5) << p.to_string();
  EXPECT_EQ(steps, f->program(std::vector{f32({2, 6, 3})})->num_steps());
}

TEST(Profile, SaysWhyAFasterPathWasRefused) {
  const auto product = [](Shape a, Shape b, bool trans_b = false) {
    return row_of(Op::matmul, MatmulAttrs{false, trans_b, {}}, {a, b}).refused;
  };
  EXPECT_EQ(product({8, 96}, {96, 64}), "");
  EXPECT_EQ(product({8, 1024}, {1024, 128}), "packs A: pitch a multiple of 4096 B");
  EXPECT_EQ(product({64, 32}, {64, 32}, true), "packs B: transposed");
  EXPECT_EQ(product({8, 96}, {96, 10}), "10 columns on 16 lanes");

  ConvAttrs same;
  same.padding = Padding::kSame;
  const Profile::Row fast = row_of(Op::conv2d, same, {{1, 8, 8, 16}, {3, 3, 16, 16}});
  EXPECT_EQ(fast.refused, "");
  EXPECT_EQ(fast.kernel.substr(0, 8), "Winograd");
  EXPECT_EQ(row_of(Op::conv2d, same, {{1, 8, 8, 16}, {5, 5, 16, 16}}).refused,
            "no Winograd: the window is not 3x3; copies rows: padding");
  ConvAttrs apart;
  apart.dilation = {2, 2};
  EXPECT_EQ(row_of(Op::conv2d, apart, {{1, 8, 8, 16}, {3, 3, 16, 16}}).refused,
            "no Winograd: dilation; a product per tap: dilation");
}

TEST(Profile, CountsTheWorkOfEachConvolution) {
  const double flops = 2.0 * 2 * 6 * 6 * 16 * 9 * 4;
  EXPECT_EQ(row_of(Op::conv2d, ConvAttrs{}, {{2, 8, 8, 4}, {3, 3, 4, 16}}).flops, flops);
  ConvAttrs by_data, by_weights;
  by_data.sizes = {8, 8};
  by_weights.sizes = {3, 3};
  EXPECT_EQ(row_of(Op::conv2d_by_data, by_data, {{2, 6, 6, 16}, {3, 3, 4, 16}}).flops, flops);
  EXPECT_EQ(row_of(Op::conv2d_by_weights, by_weights, {{2, 8, 8, 4}, {2, 6, 6, 16}}).flops, flops);
}

TEST(Profile, IsATable) {
  const Batch batch;
  const Profile p =
      mlp(make_context({1, "scalar", "cpu", ""})).function()->profile(batch.inputs, 2);
  const auto cells = p.cells();
  ASSERT_EQ(cells.size(), p.rows.size());
  for (const auto& line : cells) EXPECT_EQ(line.size(), Profile::header().size());
  const std::string text = p.to_string();
  EXPECT_NE(text.find("mean of 2"), std::string::npos) << text;
  EXPECT_NE(text.find("scalar"), std::string::npos) << text;
  EXPECT_NE(text.find(" GFLOP/s"), std::string::npos) << text;
  EXPECT_NE(text.find(" GB/s"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
            static_cast<std::ptrdiff_t>(p.rows.size() + 2));
}

TEST(Log, IsToldAfterTheFirstTenthAndHundredthRun) {
  std::vector<std::string> told;
  ContextOptions options{2, "", "cpu", ""};
  options.log = [&told](const std::string& text) { told.push_back(text); };
  const Batch batch;
  const auto f = mlp(std::make_shared<Context>(options)).function();
  f->run(batch.inputs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("mean of 1)"), std::string::npos) << told[0];
  EXPECT_NE(told[0].find("update"), std::string::npos) << told[0];
  for (int i = 0; i < 98; ++i) f->run_steps(batch.arrays, {8, 0, 1, Shuffle{1, 1}});
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[1].find("mean of 10)"), std::string::npos) << told[1];
  f->run(batch.inputs);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_NE(told[2].find("mean of 100)"), std::string::npos) << told[2];
}

TEST(Log, WithoutItNothingIsTimed) {
  const Batch batch;
  const auto context = make_context();
  Graph g;
  g.add_output(ops::neg(g, g.input("x", f32({4}))));
  const ProgramImpl p(context->impl(), context->impl().current_device(), g, std::vector{f32({4})},
                      {});
  std::vector<float> x(4, 1), y(4);
  void *in = x.data(), *out = y.data();
  const auto session = p.lease(context->impl());
  p.run(context->impl(), *session, {{&in, 1}, {&out, 1}, {}}, {}, false);
  EXPECT_TRUE(session->times.ns.empty());
  p.run(context->impl(), *session, {{&in, 1}, {&out, 1}, {}}, {}, true);
  EXPECT_EQ(session->times.ns.size(), 1u);
  EXPECT_EQ(session->times.runs, 1);
  EXPECT_EQ(y, std::vector<float>(4, -1));
}

TEST(Log, AFailedRunIsNotCounted) {
  std::vector<std::string> told;
  ContextOptions options{1, "", "cpu", ""};
  options.log = [&told](const std::string& text) { told.push_back(text); };
  Batch batch;
  const auto f = mlp(std::make_shared<Context>(options)).function();
  batch.y[3] = 7;
  expect_error([&] { f->run(batch.inputs); }, ErrorKind::kValue, "index 7");
  EXPECT_TRUE(told.empty());
}

TEST(Profile, OfTheMirrorDevice) {
  const Batch batch;
  const auto f = mlp(make_context({1, "", "mirror", ""})).function();
  const Profile p = f->profile(batch.inputs, 2);
  EXPECT_EQ(p.runs, 2);
  EXPECT_EQ(p.rows.front().op, "matmul");
}

}  // namespace
}  // namespace nnseq
