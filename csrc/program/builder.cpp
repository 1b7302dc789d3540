#include "nnseq/builder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/strings.h"
#include "runtime/device.h"
#include "runtime/philox.h"

namespace nnseq {

using namespace ops;

// The Variables of a model, and the step that is being traced.
struct Layers::Impl {
  std::shared_ptr<Context> context;
  std::vector<StoredVariable> variables;
  std::map<std::string, std::size_t> by_name;
  // Of the step:
  Graph graph;
  bool training = false;
  std::vector<std::shared_ptr<Variable>> slots;
  std::map<std::string, int> slot_by_name;
  std::int64_t streams = 0;
  Value random_state;

  void begin(bool train) {
    graph = Graph();
    training = train;
    slots.clear();
    slot_by_name.clear();
    streams = 0;
  }

  std::shared_ptr<Function> finish() {
    return std::make_shared<Function>(context, std::move(graph), slots);
  }

  // The slot of a Variable, which is made (zeros) where there is none.
  int slot(const std::string& name, const TensorType& type, Role role, bool trainable, bool& made) {
    auto [at, is_new] = by_name.emplace(name, variables.size());
    made = is_new;
    if (is_new) {
      variables.push_back({std::make_shared<Variable>(context, name, type), role, trainable});
    }
    const StoredVariable& v = variables[at->second];
    if (!(v.variable->type() == type)) {
      throw Error(ErrorKind::kValue, concat("variable '", name, "' has shape ",
                                            v.variable->type().shape, ", got ", type.shape));
    }
    const auto [known, first] = slot_by_name.emplace(name, static_cast<int>(slots.size()));
    if (first) {
      slots.push_back(v.variable);
      graph.add_slot({name, type});
    }
    return known->second;
  }
};

namespace {

// Uniform in [-limit, limit), a pure function of the seed and the number of the Variable.
void fill_uniform(Variable& v, double limit, std::uint64_t seed, std::uint64_t number) {
  std::vector<float> values(static_cast<std::size_t>(v.type().count()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const PhiloxBlock bits =
        philox4x32({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(i / 4 >> 32),
                    static_cast<std::uint32_t>(number), 0},
                   static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    const double unit = (bits[i % 4] >> 8) * 0x1p-24;
    values[i] = static_cast<float>((2 * unit - 1) * limit);
  }
  v.copy_from_host(values.data());
}

double glorot_limit(const Shape& shape) {
  double window = 1;
  for (int i = 0; i + 2 < shape.rank(); ++i) window *= static_cast<double>(shape[i]);
  const double in = shape.rank() > 1 ? static_cast<double>(shape[-2]) : 1;
  const double out = shape.rank() > 0 ? static_cast<double>(shape[-1]) : 1;
  return std::sqrt(6 / (window * (in + out)));
}

std::int64_t known_last(const Graph& g, Value x, const std::string& name) {
  const Shape& shape = g.type(x).shape;
  if (shape.rank() > 0 && shape.back() > 0) return shape.back();
  throw Error(ErrorKind::kValue,
              concat("layer '", name, "': the last dim of ", shape, " must be known"));
}

// Sum and count of a mean over samples, float64, and its value after `values` (N,).
Value tracked_mean(Layers& l, const std::string& name, Value values) {
  Graph& g = l.graph();
  const TensorType scalar{DType::kFloat64, {}};
  const Value wide = cast(g, values, DType::kFloat64);
  const Value rows = cast(g, g.add(Op::dim, {values}, AxisAttrs{0}), DType::kFloat64);
  const Value total =
      add(g, l.state(name + "/total", scalar, Role::kMetric), reduce(g, ReduceFn::kSum, wide, {0}));
  const Value count = add(g, l.state(name + "/count", scalar, Role::kMetric), rows);
  l.assign(name + "/total", total);
  l.assign(name + "/count", count);
  return cast(g, div(g, total, count), DType::kFloat32);
}

Value right_classes(Graph& g, Value y, Value target) {
  const Value best = g.add(Op::arg_reduce, {y}, ArgReduceAttrs{-1, true});
  const DType dtype = g.type(best).dtype;
  return cast(g, binary(g, BinaryFn::kEqual, best, cast(g, target, dtype)), DType::kFloat32);
}

class Builder {
 public:
  Builder(std::shared_ptr<Context> context, const Definition& definition)
      : d_(definition), layers_(impl_) {
    if (!d_.forward) throw Error(ErrorKind::kValue, "a model needs `forward`");
    impl_.context = std::move(context);
    file_.name = d_.name;
    file_.classes = d_.classes;
  }

  void predict() {
    const Values y = begin(false);
    for (std::size_t i = 0; i < y.size(); ++i) impl_.graph.add_output(y[i], d_.outputs[i]);
    file_.functions.push_back({"predict", impl_.finish()});
  }

  void step(const char* name, const Loss& loss, const Optimizer* optimizer) {
    Graph& g = impl_.graph;
    const Value y = begin(optimizer != nullptr).at(0);
    TensorType type = loss.target.type;
    if (type.shape.rank() == 0) type.shape = g.type(y).shape;
    const Value target = g.input(loss.target.name, type);
    const Value each = loss.per_sample(g, y, target);
    if (optimizer != nullptr) update(mean(g, each), *optimizer);
    g.add_output(tracked_mean(layers_, "loss", each), "loss");
    if (loss.accuracy) {
      g.add_output(tracked_mean(layers_, "accuracy", right_classes(g, y, target)), "accuracy");
    }
    file_.functions.push_back({name, impl_.finish()});
  }

  Model finish() {
    file_.variables = impl_.variables;
    return Model(impl_.context, std::move(file_));
  }

 private:
  Values begin(bool training) {
    impl_.begin(training);
    Values inputs;
    for (const TensorInfo& in : d_.inputs) inputs.push_back(impl_.graph.input(in.name, in.type));
    Values y = d_.forward(layers_, inputs);
    if (y.empty() || y.size() != d_.outputs.size()) {
      throw Error(ErrorKind::kValue, concat("forward of model '", d_.name, "' gave ", y.size(),
                                            " outputs for ", d_.outputs.size(), " names"));
    }
    return y;
  }

  // lr, t, weights, gradients, slots -> weights, slots
  void update(Value loss, const Optimizer& optimizer) {
    Graph& g = impl_.graph;
    const UpdateAttrs attrs = attrs_of(optimizer);
    std::vector<std::string> names;
    for (const auto& v : impl_.slots) {
      const StoredVariable& stored = impl_.variables[impl_.by_name.at(v->name())];
      if (stored.trainable) names.push_back(v->name());
    }
    Values weights;
    for (const std::string& n : names) weights.push_back(g.read(impl_.slot_by_name.at(n)));
    const Value one = g.scalar(1, DType::kInt64);
    const Value t = add(g, layers_.state("iterations", {DType::kInt64, {}}, Role::kOptimizer), one);
    Values in{learning_rate(optimizer), t};
    in.insert(in.end(), weights.begin(), weights.end());
    for (Value d : gradients(g, loss, weights)) in.push_back(d);
    std::vector<std::string> state = names;
    for (const char* moment : moments(attrs)) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        state.push_back(concat(names[i], "/", moment));
        in.push_back(layers_.state(state.back(), g.type(weights[i]), Role::kOptimizer));
      }
    }
    UpdateAttrs own = attrs;
    own.count = static_cast<std::int64_t>(names.size());
    const Value first = g.add(Op::update, std::move(in), std::move(own));
    for (std::size_t i = 0; i < state.size(); ++i) {
      layers_.assign(state[i], {first.node, static_cast<std::int32_t>(i)});
    }
    layers_.assign("iterations", t);
  }

  static UpdateAttrs attrs_of(const Optimizer& optimizer) {
    UpdateAttrs u;
    if (const auto* sgd = std::get_if<Sgd>(&optimizer)) {
      u.kind = UpdateKind::kSgd;
      u.momentum = sgd->momentum;
      u.nesterov = sgd->nesterov;
    } else {
      const auto& adam = std::get<Adam>(optimizer);
      u.kind = UpdateKind::kAdam;
      u.beta1 = adam.beta1;
      u.beta2 = adam.beta2;
      u.epsilon = adam.epsilon;
    }
    return u;
  }

  static std::vector<const char*> moments(const UpdateAttrs& u) {
    if (u.kind == UpdateKind::kAdam) return {"momentum", "velocity"};
    if (u.momentum != 0) return {"momentum"};
    return {};
  }

  // A Variable, so that the application and Python may change it.
  Value learning_rate(const Optimizer& optimizer) {
    const float rate = std::visit([](const auto& o) { return o.learning_rate; }, optimizer);
    bool made = false;
    const int slot =
        impl_.slot("learning_rate", {DType::kFloat32, {}}, Role::kOptimizer, false, made);
    if (made) impl_.variables.back().variable->copy_from_host(&rate);
    return impl_.graph.read(slot);
  }

  const Definition& d_;
  Layers::Impl impl_;
  Layers layers_;
  ModelFile file_;
};

}  // namespace

Graph& Layers::graph() { return impl_.graph; }
bool Layers::training() const { return impl_.training; }

Value Layers::weight(const std::string& name, const Shape& shape, const Initializer& init,
                     bool trainable) {
  bool made = false;
  const int slot = impl_.slot(name, {DType::kFloat32, shape}, Role::kWeight, trainable, made);
  if (made) {
    Variable& v = *impl_.variables.back().variable;
    if (std::holds_alternative<Ones>(init)) {
      v.copy_from_host(std::vector<float>(static_cast<std::size_t>(shape.count()), 1).data());
    } else if (std::holds_alternative<GlorotUniform>(init)) {
      fill_uniform(v, glorot_limit(shape), impl_.context->seed(), impl_.variables.size());
    }
  }
  return impl_.graph.read(slot);
}

Value Layers::state(const std::string& name, const TensorType& type, Role role) {
  bool made = false;
  return impl_.graph.read(impl_.slot(name, type, role, false, made));
}

void Layers::assign(const std::string& name, Value value) {
  const auto at = impl_.slot_by_name.find(name);
  if (at == impl_.slot_by_name.end()) {
    throw Error(ErrorKind::kValue,
                concat("no variable '", name, "' was read before its assignment"));
  }
  impl_.graph.assign(at->second, value);
}

Value Layers::dense(Value x, std::int64_t units, const std::string& name, bool bias) {
  Graph& g = graph();
  g.set_scope(name);
  const Value kernel = weight(name + "/kernel", {known_last(g, x, name), units}, GlorotUniform{});
  Value y = matmul(g, x, kernel);
  if (bias) y = add(g, y, weight(name + "/bias", {units}, Zeros{}));
  g.set_scope("");
  return y;
}

Value Layers::conv2d(Value x, std::int64_t filters, std::int64_t size, const std::string& name,
                     Padding padding, std::int64_t stride) {
  Graph& g = graph();
  g.set_scope(name);
  const Shape shape{size, size, known_last(g, x, name), filters};
  ConvAttrs attrs;
  attrs.strides = {stride, stride};
  attrs.padding = padding;
  Value y = ops::conv2d(g, x, weight(name + "/kernel", shape, GlorotUniform{}), std::move(attrs));
  y = add(g, y, weight(name + "/bias", {filters}, Zeros{}));
  g.set_scope("");
  return y;
}

Value Layers::max_pool(Value x, std::int64_t size) {
  PoolAttrs attrs;
  attrs.window = attrs.strides = {size, size};
  return ops::max_pool(graph(), x, std::move(attrs));
}

Value Layers::flatten(Value x) {
  const Shape& shape = graph().type(x).shape;
  std::int64_t count = 1;
  for (int i = 1; i < shape.rank(); ++i) count *= shape[i];
  if (shape.rank() < 1 || count < 0) {
    throw Error(ErrorKind::kValue,
                concat("flatten: the dims of ", shape, " after the first must be known"));
  }
  return graph().add(Op::reshape, {x}, SizesAttrs{{-1, count}});
}

Value Layers::dropout(Value x, float rate) {
  if (!training() || rate == 0) return x;
  Graph& g = graph();
  const char* const name = "seed_generator";
  bool made = false;
  const TensorType type{DType::kInt64, {2}};
  const int slot = impl_.slot(name, type, Role::kState, false, made);
  if (made) {
    const std::int64_t start[2] = {static_cast<std::int64_t>(impl_.context->seed()), 0};
    impl_.variables.back().variable->copy_from_host(start);
  }
  if (impl_.streams == 0) {  // a step draws from one state and moves it by one
    const Value state = g.read(slot);
    impl_.random_state = state;
    const std::int64_t step[2] = {0, 1};
    Tensor one(make_cpu_device(), type);
    one.copy_from_host(step);
    assign(name, add(g, state, g.constant(std::move(one))));
  }
  return g.add(Op::dropout, {x, impl_.random_state}, DropoutAttrs{rate, impl_.streams++});
}

Loss sparse_categorical_crossentropy() {
  Loss loss;
  loss.target = {"label", {DType::kInt64, {kUnknown}}};
  loss.accuracy = true;
  loss.per_sample = [](Graph& g, Value y, Value target) {
    const Node& made = g.node(y);
    if (made.op == Op::softmax) return ops::softmax_cross_entropy(g, made.inputs[0], target);
    throw Error(ErrorKind::kValue, "sparse_categorical_crossentropy: end the model with softmax");
  };
  return loss;
}

Loss mean_squared_error() {
  Loss loss;
  loss.target = {"target", {DType::kFloat32, {}}};
  loss.per_sample = [](Graph& g, Value y, Value target) {
    const Value d = sub(g, y, target);
    Dims axes;
    for (int i = 1; i < g.type(y).shape.rank(); ++i) axes.push_back(i);
    const Value square = mul(g, d, d);
    return axes.empty() ? square : reduce(g, ReduceFn::kMean, square, std::move(axes));
  };
  return loss;
}

Model build_model(std::shared_ptr<Context> context, const Definition& definition) {
  Builder b(std::move(context), definition);
  b.predict();
  return b.finish();
}

Model build_model(std::shared_ptr<Context> context, const Definition& definition, const Loss& loss,
                  const Optimizer& optimizer) {
  Builder b(std::move(context), definition);
  b.predict();
  b.step("train", loss, &optimizer);
  b.step("evaluate", loss, nullptr);
  return b.finish();
}

}  // namespace nnseq
