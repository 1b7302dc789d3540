// Whole training steps and specialisation, through the public headers: MLPs with Adam.
#include <benchmark/benchmark.h>

#include <vector>

#include "nnseq/program.h"

namespace {

using namespace nnseq;

struct Mlp {
  std::shared_ptr<Context> context = std::make_shared<Context>();
  std::shared_ptr<Function> train;

  explicit Mlp(const std::vector<std::int64_t>& sizes) {
    Graph g;
    std::vector<std::shared_ptr<Variable>> variables;
    auto variable = [&](const Shape& shape) {
      variables.push_back(
          std::make_shared<Variable>(context, "v", TensorType{DType::kFloat32, shape}));
      std::vector<float> values(static_cast<std::size_t>(shape.count()));
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.1f * (static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f);
      }
      variables.back()->copy_from_host(values.data());
      return g.read(g.add_slot({"v", variables.back()->type()}));
    };
    Value x = g.input("x", {DType::kFloat32, {kUnknown, sizes.front()}});
    Value y = g.input("y", {DType::kInt64, {kUnknown}});
    std::vector<Value> weights;
    Value h = x;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      weights.push_back(variable({sizes[i], sizes[i + 1]}));
      weights.push_back(variable({sizes[i + 1]}));
      h = g.add(Op::matmul, {h, weights[2 * i]}, MatmulAttrs{});
      h = g.add(Op::binary, {h, weights[2 * i + 1]}, BinaryAttrs{BinaryFn::kAdd});
      if (i + 2 < sizes.size()) h = g.add(Op::unary, {h}, UnaryAttrs{UnaryFn::kRelu});
    }
    Value loss = g.add(Op::softmax_cross_entropy, {h, y});
    loss = g.add(Op::reduce, {loss}, ReduceAttrs{ReduceFn::kMean, {0}});
    update(g, variables, weights, loss);
    g.add_output(loss, "loss");
    train = std::make_shared<Function>(context, std::move(g), variables);
    group_variables(variables, {});
  }

 private:
  void update(Graph& g, std::vector<std::shared_ptr<Variable>>& variables,
              const std::vector<Value>& weights, Value loss) {
    const auto n = static_cast<std::int32_t>(weights.size());
    std::vector<Value> in{loss};
    in.insert(in.end(), weights.begin(), weights.end());
    const Value gradient = g.add(Op::gradient, in);
    variables.push_back(std::make_shared<Variable>(context, "t", TensorType{DType::kInt64, {}}));
    const int t_slot = g.add_slot({"t", {DType::kInt64, {}}});
    const Value t = g.add(Op::binary, {g.read(t_slot), g.scalar(1, DType::kInt64)},
                          BinaryAttrs{BinaryFn::kAdd});
    g.assign(t_slot, t);
    std::vector<Value> operands{g.scalar(1e-3, DType::kFloat32), t};
    operands.insert(operands.end(), weights.begin(), weights.end());
    for (std::int32_t i = 0; i < n; ++i) operands.push_back({gradient.node, i});
    std::vector<int> slots;
    for (std::int32_t i = 0; i < n; ++i) slots.push_back(i);
    for (std::int32_t k = 0; k < 2 * n; ++k) {
      const TensorType type = g.type(weights[static_cast<std::size_t>(k % n)]);
      variables.push_back(std::make_shared<Variable>(context, "slot", type));
      slots.push_back(g.add_slot({"slot", type}));
      operands.push_back(g.read(slots.back()));
    }
    UpdateAttrs attrs;
    attrs.kind = UpdateKind::kAdam;
    attrs.count = n;
    const Value updated = g.add(Op::update, operands, attrs);
    for (std::int32_t k = 0; k < 3 * n; ++k) {
      g.assign(slots[static_cast<std::size_t>(k)], {updated.node, k});
    }
  }
};

HostArray array_of(const void* data, char kind, int size, const Shape& shape) {
  HostArray a{data, kind, size, false, shape, {}};
  a.strides.assign(static_cast<std::size_t>(shape.rank()), size);
  for (int d = shape.rank() - 2; d >= 0; --d) {
    a.strides[static_cast<std::size_t>(d)] =
        a.strides[static_cast<std::size_t>(d) + 1] * shape[d + 1];
  }
  return a;
}

void train_step(benchmark::State& state, const std::vector<std::int64_t>& sizes,
                std::int64_t batch) {
  constexpr std::int64_t kSteps = 20;
  const Mlp mlp(sizes);
  std::vector<float> x(static_cast<std::size_t>(batch * kSteps * sizes.front()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 97;
  std::vector<std::int64_t> y(static_cast<std::size_t>(batch * kSteps));
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = static_cast<std::int64_t>(i) % sizes.back();
  }
  const std::vector<HostArray> arrays{array_of(x.data(), 'f', 4, {batch * kSteps, sizes.front()}),
                                      array_of(y.data(), 'i', 8, {batch * kSteps})};
  std::uint64_t epoch = 0;
  for (auto _ : state) {
    mlp.train->run_steps(arrays, {batch, 0, kSteps, Shuffle{1, ++epoch}});
  }
  state.SetItemsProcessed(state.iterations() * kSteps);
  state.counters["us_per_step"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kSteps) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Microseconds per node of the specialised graph; a new batch size each time.
void specialise(benchmark::State& state) {
  const Mlp mlp({784, 512, 512, 10});
  std::int64_t batch = 0;
  double seconds = 0, nodes = 0;
  for (auto _ : state) {
    batch = batch % 4096 + 1;
    const TensorType types[] = {{DType::kFloat32, {batch, 784}}, {DType::kInt64, {batch}}};
    const auto program = mlp.train->program(types);
    seconds += program->specialise_seconds();
    nodes += static_cast<double>(program->graph().nodes().size());
  }
  state.counters["us_per_node"] = seconds * 1e6 / nodes;
}

BENCHMARK_CAPTURE(train_step, tiny_8_16_2_b32, {8, 16, 2}, 32)->UseRealTime();
BENCHMARK_CAPTURE(train_step, mlp_784_512_512_10_b32, {784, 512, 512, 10}, 32)->UseRealTime();
BENCHMARK_CAPTURE(train_step, mlp_784_512_512_10_b128, {784, 512, 512, 10}, 128)->UseRealTime();
BENCHMARK(specialise);

}  // namespace
