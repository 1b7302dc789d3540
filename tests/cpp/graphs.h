// Graphs, Variables and runs for tests of the graph core.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "nnseq/eager.h"
#include "nnseq/program.h"
#include "ops/common.h"

namespace nnseq::testing {

inline TensorType f32(Shape shape) { return {DType::kFloat32, shape}; }
inline TensorType i32(Shape shape) { return {DType::kInt32, shape}; }
inline TensorType i64(Shape shape) { return {DType::kInt64, shape}; }

inline std::shared_ptr<Context> make_context(ContextOptions options = {1, "", "cpu", ""}) {
  return std::make_shared<Context>(options);
}

// Expects f() to throw an Error whose text holds `part`.
template <class F>
void expect_error(F&& f, ErrorKind kind, const std::string& part) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown, expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.kind()), static_cast<int>(kind)) << e.what();
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

inline int count_ops(const Graph& g, Op op) {
  int n = 0;
  for (const Node& node : g.nodes()) n += node.op == op;
  return n;
}

inline std::vector<float> randoms(std::int64_t n, std::uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw(0, scale);
  std::vector<float> v(static_cast<std::size_t>(n));
  for (float& x : v) x = draw(random);
  return v;
}

inline std::shared_ptr<Variable> make_variable(const std::shared_ptr<Context>& context,
                                               const std::string& name, Shape shape,
                                               const std::vector<float>& values = {}) {
  auto v = std::make_shared<Variable>(context, name, f32(shape));
  if (!values.empty()) v->copy_from_host(values.data());
  return v;
}

inline std::vector<float> value_of(const Variable& v) {
  std::vector<float> x(static_cast<std::size_t>(v.type().count()));
  v.copy_to_host(x.data());
  return x;
}
inline std::vector<float> value_of(const Tensor& t) {
  std::vector<float> x(static_cast<std::size_t>(t.type().count()));
  t.copy_to_host(x.data());
  return x;
}
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Contiguous rows as run_steps takes them.
inline HostArray rows_of(const void* data, char kind, int item_size, Shape shape) {
  HostArray a{data, kind, item_size, false, shape, {}};
  std::int64_t stride = item_size;
  a.strides.assign(static_cast<std::size_t>(shape.rank()), 0);
  for (int d = shape.rank() - 1; d >= 0; --d) {
    a.strides[static_cast<std::size_t>(d)] = stride;
    stride *= shape[d];
  }
  return a;
}
inline HostArray rows_of(const std::vector<float>& v, Shape shape) {
  return rows_of(v.data(), 'f', 4, shape);
}
inline HostArray rows_of(const std::vector<std::int32_t>& v, Shape shape) {
  return rows_of(v.data(), 'i', 4, shape);
}

// Runs float inputs through a Function; the outputs' values.
inline std::vector<std::vector<float>> run(
    const Function& f, const std::vector<std::pair<Shape, std::vector<float>>>& inputs) {
  std::vector<Function::HostInput> in;
  for (const auto& [shape, values] : inputs) in.push_back({values.data(), f32(shape)});
  std::vector<std::vector<float>> out;
  for (const Tensor& t : f.run(in)) out.push_back(value_of(t));
  return out;
}

// A graph under construction with its Variables.
struct Builder {
  std::shared_ptr<Context> context;
  Graph g;
  std::vector<std::shared_ptr<Variable>> variables;

  int variable(const std::string& name, Shape shape, const std::vector<float>& values = {}) {
    variables.push_back(make_variable(context, name, shape, values));
    return g.add_slot({name, f32(shape)});
  }
  int weight(const std::string& name, Shape shape) {
    const auto seed = static_cast<std::uint32_t>(variables.size()) + 1;
    return variable(name, shape, randoms(shape.count(), seed, 0.3f));
  }
  // gradient of `target`, one value per source
  std::vector<Value> gradients(Value target, std::vector<Value> sources) {
    const std::size_t n = sources.size();
    sources.insert(sources.begin(), target);
    const Value first = g.add(Op::gradient, std::move(sources));
    std::vector<Value> d;
    for (std::size_t i = 0; i < n; ++i) d.push_back({first.node, static_cast<std::int32_t>(i)});
    return d;
  }
  // One step of plain SGD on `slots`.
  void sgd(Value loss, const std::vector<int>& slots, float lr = 0.1f) {
    std::vector<Value> in{g.scalar(lr, DType::kFloat32), g.scalar(1, DType::kInt64)};
    std::vector<Value> weights;
    for (int s : slots) weights.push_back(g.read(s));
    in.insert(in.end(), weights.begin(), weights.end());
    for (Value d : gradients(loss, weights)) in.push_back(d);
    UpdateAttrs u;
    u.count = static_cast<std::int64_t>(slots.size());
    const Value first = g.add(Op::update, std::move(in), u);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      g.assign(slots[i], {first.node, static_cast<std::int32_t>(i)});
    }
  }
  // One step of Adam on `slots`; its moments and its step count are Variables too.
  void adam(Value loss, const std::vector<int>& slots, float lr = 0.01f) {
    const int t = g.add_slot({"t", i64({})});
    variables.push_back(std::make_shared<Variable>(context, "t", i64({})));
    const Value before = g.read(t);  // nodes in a stated order, whatever the compiler
    const Value now = ops::add(g, before, g.scalar(1, DType::kInt64));
    std::vector<Value> in{g.scalar(lr, DType::kFloat32), now};
    std::vector<int> state = slots;
    for (const char* moment : {"m", "v"}) {
      for (int s : slots) {
        const Slot slot = g.slots()[static_cast<std::size_t>(s)];
        state.push_back(variable(slot.name + "/" + moment, slot.type.shape));
      }
    }
    std::vector<Value> weights;
    for (int s : slots) weights.push_back(g.read(s));
    in.insert(in.end(), weights.begin(), weights.end());
    for (Value d : gradients(loss, weights)) in.push_back(d);
    for (std::size_t i = slots.size(); i < state.size(); ++i) in.push_back(g.read(state[i]));
    UpdateAttrs u;
    u.kind = UpdateKind::kAdam;
    u.count = static_cast<std::int64_t>(slots.size());
    const Value first = g.add(Op::update, std::move(in), u);
    for (std::size_t i = 0; i < state.size(); ++i) {
      g.assign(state[i], {first.node, static_cast<std::int32_t>(i)});
    }
    g.assign(t, now);
  }
  std::shared_ptr<Function> function() { return std::make_shared<Function>(context, g, variables); }
};

inline Value mean_of(Graph& g, Value x) {
  Dims axes;
  for (int i = 0; i < g.type(x).shape.rank(); ++i) axes.push_back(i);
  return ops::reduce(g, ReduceFn::kMean, x, std::move(axes));
}

// softmax(dense(relu(dense(x)))) with labels, trained by Adam: x (None, 7), labels (None,).
inline Builder mlp(const std::shared_ptr<Context>& context) {
  Builder b{context, {}, {}};
  const Value x = b.g.input("x", f32({kUnknown, 7}));
  const Value labels = b.g.input("labels", i32({kUnknown}));
  const int w1 = b.weight("dense/kernel", {7, 16}), b1 = b.weight("dense/bias", {16});
  const int w2 = b.weight("dense_1/kernel", {16, 3}), b2 = b.weight("dense_1/bias", {3});
  b.g.set_scope("dense");
  Value h = b.g.add(Op::matmul, {x, b.g.read(w1)}, MatmulAttrs{});
  h = ops::add(b.g, h, b.g.read(b1));
  h = ops::unary(b.g, UnaryFn::kRelu, h);
  b.g.set_scope("dense_1");
  h = b.g.add(Op::matmul, {h, b.g.read(w2)}, MatmulAttrs{});
  h = ops::add(b.g, h, b.g.read(b2));
  b.g.set_scope("loss");
  const Value loss = mean_of(b.g, b.g.add(Op::softmax_cross_entropy, {h, labels}));
  b.g.set_scope("");
  b.adam(loss, {w1, b1, w2, b2});
  b.g.add_output(loss, "loss");
  return b;
}

// conv, relu, max_pool, dense; trained by SGD: x (None, 8, 8, 2), labels (None,).
inline Builder conv_net(const std::shared_ptr<Context>& context) {
  Builder b{context, {}, {}};
  const Value x = b.g.input("x", f32({kUnknown, 8, 8, 2}));
  const Value labels = b.g.input("labels", i32({kUnknown}));
  const int w1 = b.weight("conv/kernel", {3, 3, 2, 4}), b1 = b.weight("conv/bias", {4});
  const int w2 = b.weight("dense/kernel", {36, 3});
  b.g.set_scope("conv");
  Value h = b.g.add(Op::conv2d, {x, b.g.read(w1)}, ConvAttrs{});
  h = ops::add(b.g, h, b.g.read(b1));
  h = ops::unary(b.g, UnaryFn::kRelu, h);
  b.g.set_scope("pool");
  PoolAttrs pool;
  pool.window = pool.strides = {2, 2};
  h = b.g.add(Op::max_pool, {h}, pool);
  b.g.set_scope("dense");
  h = b.g.add(Op::reshape, {h}, SizesAttrs{{-1, 36}});
  h = b.g.add(Op::matmul, {h, b.g.read(w2)}, MatmulAttrs{});
  b.g.set_scope("loss");
  const Value loss = mean_of(b.g, b.g.add(Op::softmax_cross_entropy, {h, labels}));
  b.g.set_scope("");
  b.sgd(loss, {w1, b1, w2});
  b.g.add_output(loss, "loss");
  return b;
}

// h' = tanh(x W + h U), out h'
inline std::shared_ptr<const Graph> rnn_body(std::int64_t in, std::int64_t units) {
  auto body = std::make_shared<Graph>();
  const Value h = body->input("h", f32({kUnknown, units}));
  const Value x = body->input("x", f32({kUnknown, in}));
  const Value w = body->input("w", f32({in, units}));
  const Value u = body->input("u", f32({units, units}));
  const Value xw = body->add(Op::matmul, {x, w}, MatmulAttrs{});
  const Value z = ops::add(*body, xw, body->add(Op::matmul, {h, u}, MatmulAttrs{}));
  const Value next = ops::unary(*body, UnaryFn::kTanh, z);
  body->add_output(next, "h");
  body->add_output(next, "y");
  return body;
}

// A SimpleRNN of 4 units by scan over x (None, steps, 3), trained by SGD on the mean square of all
// its outputs.
inline Builder rnn(const std::shared_ptr<Context>& context, bool reverse = false) {
  Builder b{context, {}, {}};
  const Value x = b.g.input("x", f32({kUnknown, kUnknown, 3}));
  const int w = b.weight("rnn/kernel", {3, 4}), u = b.weight("rnn/recurrent", {4, 4});
  b.g.set_scope("rnn");
  const Value batch = b.g.add(Op::dim, {x}, AxisAttrs{0});
  const Value zero = b.g.scalar(0, DType::kFloat32);
  const Value h0 = b.g.add(Op::broadcast, {zero, batch}, SizesAttrs{{kHostSize, 4}});
  const Value by_time = b.g.add(Op::transpose, {x}, AxesAttrs{{1, 0, 2}});
  const Value last = b.g.add(Op::scan, {h0, by_time, b.g.read(w), b.g.read(u)},
                             ScanAttrs{rnn_body(3, 4), 1, 1, reverse});
  b.g.set_scope("");
  const Value all = {last.node, 1};
  const Value loss = mean_of(b.g, ops::mul(b.g, all, all));
  b.sgd(loss, {w, u});
  b.g.add_output(loss, "loss");
  b.g.add_output(last, "h");
  return b;
}

}  // namespace nnseq::testing
