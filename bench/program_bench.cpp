// Whole training steps with Adam, and specialisation, through the public headers.
#include "nnseq/program.h"

#include <vector>

#include "kernel_bench.h"

namespace {

using namespace nnseq;

// A net under construction: layers one after the other, then the step that trains it.
struct Net {
  std::shared_ptr<Context> context = std::make_shared<Context>();
  std::shared_ptr<Function> train;
  Shape input;  // of one sample

  explicit Net(const Shape& shape) : input(shape) {
    Shape batch{kUnknown};
    for (std::int64_t d : shape) batch.push_back(d);
    h_ = g_.input("x", {DType::kFloat32, batch});
    y_ = g_.input("y", {DType::kInt64, {kUnknown}});
  }
  void dense(std::int64_t units, bool relu) {
    const Shape& s = g_.type(h_).shape;
    if (s.rank() > 2) {
      std::int64_t size = 1;
      for (int i = 1; i < s.rank(); ++i) size *= s[i];
      h_ = g_.add(Op::reshape, {h_}, SizesAttrs{{-1, size}});
    }
    const Value w = variable({g_.type(h_).shape[1], units});
    finish(g_.add(Op::matmul, {h_, w}, MatmulAttrs{}), units, relu);
  }
  void conv(std::int64_t filters, std::int64_t size, std::int64_t stride = 1) {
    const Value w = variable({size, size, g_.type(h_).shape[3], filters});
    ConvAttrs attrs;
    attrs.strides = {stride, stride};
    finish(g_.add(Op::conv2d, {h_, w}, std::move(attrs)), filters, true);
  }
  void max_pool(std::int64_t size) {
    PoolAttrs pool;
    pool.window = pool.strides = {size, size};
    h_ = g_.add(Op::max_pool, {h_}, std::move(pool));
  }
  // The last state over (steps, inputs).
  void recurrent(RecurrentCell cell, std::int64_t units) {
    const std::int64_t columns = units * (cell == RecurrentCell::kLstm ? 4 : 3);
    const Value batch = g_.add(Op::dim, {h_}, AxisAttrs{0});
    const Value zero = g_.scalar(0, DType::kFloat32);
    const Value state = g_.add(Op::broadcast, {zero, batch}, SizesAttrs{{kHostSize, units}});
    const Value w = variable({g_.type(h_).shape[2], columns});
    finish(g_.add(Op::matmul, {h_, w}, MatmulAttrs{}), columns, false);
    std::vector<Value> in{h_, variable({units, columns})};
    if (cell == RecurrentCell::kGru) in.push_back(variable({columns}));
    in.push_back(state);
    if (cell == RecurrentCell::kLstm) in.push_back(state);
    RecurrentAttrs attrs;
    attrs.cell = cell;
    h_ = {g_.add(Op::recurrent, std::move(in), attrs).node, 1};
  }
  // Instead of compile(): the output alone.
  std::shared_ptr<Function> predict() {
    g_.add_output(h_);
    return std::make_shared<Function>(context, g_, variables_);
  }
  void compile() {
    Value loss = g_.add(Op::softmax_cross_entropy, {h_, y_});
    loss = g_.add(Op::reduce, {loss}, ReduceAttrs{ReduceFn::kMean, {0}});
    update(loss);
    g_.add_output(loss, "loss");
    train = std::make_shared<Function>(context, g_, variables_);
    group_variables(variables_, {});
  }

 private:
  Value variable(const Shape& shape) {
    variables_.push_back(
        std::make_shared<Variable>(context, "v", TensorType{DType::kFloat32, shape}));
    std::vector<float> values(static_cast<std::size_t>(shape.count()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0.1f * (static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f);
    }
    variables_.back()->copy_from_host(values.data());
    weights_.push_back(g_.read(g_.add_slot({"v", variables_.back()->type()})));
    return weights_.back();
  }
  void finish(Value product, std::int64_t units, bool relu) {
    h_ = g_.add(Op::binary, {product, variable({units})}, BinaryAttrs{BinaryFn::kAdd});
    if (relu) h_ = g_.add(Op::unary, {h_}, UnaryAttrs{UnaryFn::kRelu});
  }
  void update(Value loss) {
    const auto n = static_cast<std::int32_t>(weights_.size());
    std::vector<Value> in{loss};
    in.insert(in.end(), weights_.begin(), weights_.end());
    const Value gradient = g_.add(Op::gradient, in);
    variables_.push_back(std::make_shared<Variable>(context, "t", TensorType{DType::kInt64, {}}));
    const int t_slot = g_.add_slot({"t", {DType::kInt64, {}}});
    const Value t = g_.add(Op::binary, {g_.read(t_slot), g_.scalar(1, DType::kInt64)},
                           BinaryAttrs{BinaryFn::kAdd});
    g_.assign(t_slot, t);
    std::vector<Value> operands{g_.scalar(1e-3, DType::kFloat32), t};
    operands.insert(operands.end(), weights_.begin(), weights_.end());
    for (std::int32_t i = 0; i < n; ++i) operands.push_back({gradient.node, i});
    std::vector<int> slots;
    for (std::int32_t i = 0; i < n; ++i) slots.push_back(i);
    for (std::int32_t k = 0; k < 2 * n; ++k) {
      const TensorType type = g_.type(weights_[static_cast<std::size_t>(k % n)]);
      variables_.push_back(std::make_shared<Variable>(context, "slot", type));
      slots.push_back(g_.add_slot({"slot", type}));
      operands.push_back(g_.read(slots.back()));
    }
    UpdateAttrs attrs;
    attrs.kind = UpdateKind::kAdam;
    attrs.count = n;
    const Value updated = g_.add(Op::update, operands, attrs);
    for (std::int32_t k = 0; k < 3 * n; ++k) {
      g_.assign(slots[static_cast<std::size_t>(k)], {updated.node, k});
    }
  }

  Graph g_;
  Value h_, y_;
  std::vector<std::shared_ptr<Variable>> variables_;
  std::vector<Value> weights_;
};

Net mlp(const std::vector<std::int64_t>& sizes) {
  Net net({sizes.front()});
  for (std::size_t i = 1; i < sizes.size(); ++i) net.dense(sizes[i], i + 1 < sizes.size());
  net.compile();
  return net;
}

Net mnist_convnet() {
  Net net({28, 28, 1});
  for (std::int64_t filters : {32, 64}) {
    net.conv(filters, 3);
    net.max_pool(2);
  }
  net.dense(10, false);
  net.compile();
  return net;
}

Net guide_stack() {
  Net net({250, 250, 3});
  net.conv(32, 5, 2);
  net.conv(32, 3);
  for (int i = 0; i < 2; ++i) {
    net.max_pool(3);
    net.conv(32, 3);
    net.conv(32, 3);
  }
  net.max_pool(2);
  net.dense(10, false);
  net.compile();
  return net;
}

Net recurrent_net(RecurrentCell cell) {
  Net net({50, 8});
  net.recurrent(cell, 64);
  net.dense(2, false);
  return net;
}

Net lstm() {
  Net net = recurrent_net(RecurrentCell::kLstm);
  net.compile();
  return net;
}

Net gru() {
  Net net = recurrent_net(RecurrentCell::kGru);
  net.compile();
  return net;
}

void predict_lstm(benchmark::State& state) {
  const auto run = recurrent_net(RecurrentCell::kLstm).predict();
  const std::int64_t batch = state.range(0);
  const TensorType x{DType::kFloat32, {batch, 50, 8}}, y{DType::kInt64, {batch}};
  const std::vector<float> data(static_cast<std::size_t>(x.count()), 0.5f);
  const std::vector<std::int64_t> labels(static_cast<std::size_t>(batch));
  const std::vector<Function::HostInput> in{{data.data(), x}, {labels.data(), y}};
  for (auto _ : state) benchmark::DoNotOptimize(run->run(in));
  state.SetItemsProcessed(state.iterations() * batch);
}

HostArray array_of(const void* data, char kind, int size, const Shape& shape) {
  HostArray a{data, kind, size, false, shape, {}};
  a.strides.assign(static_cast<std::size_t>(shape.rank()), size);
  for (int d = shape.rank() - 2; d >= 0; --d) {
    a.strides[static_cast<std::size_t>(d)] =
        a.strides[static_cast<std::size_t>(d) + 1] * shape[d + 1];
  }
  return a;
}

void train_step(benchmark::State& state, Net (*make)(), std::int64_t batch) {
  constexpr std::int64_t kSteps = 20;
  const Net net = make();
  Shape shape{batch * kSteps};
  for (std::int64_t d : net.input) shape.push_back(d);
  std::vector<float> x(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 97;
  std::vector<std::int64_t> y(static_cast<std::size_t>(batch * kSteps));
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<std::int64_t>(i) % 2;
  const std::vector<HostArray> arrays{array_of(x.data(), 'f', 4, shape),
                                      array_of(y.data(), 'i', 8, {batch * kSteps})};
  std::uint64_t epoch = 0;
  for (auto _ : state) {
    net.train->run_steps(arrays, {batch, 0, kSteps, Shuffle{1, ++epoch}});
  }
  shape[0] = batch;
  const std::vector<Function::HostInput> one{{x.data(), {DType::kFloat32, shape}},
                                             {y.data(), {DType::kInt64, {batch}}}};
  double flops = 0;
  for (const Profile::Row& row : net.train->profile(one, 1).rows) flops += row.flops;
  bench::report_flops(state, flops * kSteps, net.context->threads());
  state.counters["us_per_step"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kSteps) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Microseconds per node of the specialised graph; a new batch size each time.
void specialise(benchmark::State& state) {
  const Net net = mlp({784, 512, 512, 10});
  std::int64_t batch = 0;
  double seconds = 0, nodes = 0;
  for (auto _ : state) {
    batch = batch % 4096 + 1;
    const TensorType types[] = {{DType::kFloat32, {batch, 784}}, {DType::kInt64, {batch}}};
    const auto program = net.train->program(types);
    seconds += program->specialise_seconds();
    nodes += static_cast<double>(program->graph().nodes().size());
  }
  state.counters["us_per_node"] = seconds * 1e6 / nodes;
}

Net tiny() { return mlp({8, 16, 2}); }
Net wide() { return mlp({784, 512, 512, 10}); }

BENCHMARK_CAPTURE(train_step, tiny_8_16_2_b32, tiny, 32)->UseRealTime();
BENCHMARK_CAPTURE(train_step, mlp_784_512_512_10_b32, wide, 32)->UseRealTime();
BENCHMARK_CAPTURE(train_step, mlp_784_512_512_10_b128, wide, 128)->UseRealTime();
BENCHMARK_CAPTURE(train_step, mnist_convnet_b128, mnist_convnet, 128)->UseRealTime();
BENCHMARK_CAPTURE(train_step, guide_stack_b8, guide_stack, 8)->UseRealTime();
BENCHMARK_CAPTURE(train_step, lstm_64_b64, lstm, 64)->UseRealTime();
BENCHMARK_CAPTURE(train_step, gru_64_b64, gru, 64)->UseRealTime();
BENCHMARK(predict_lstm)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(specialise);

}  // namespace
