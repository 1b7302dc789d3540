#include "nnseq/model.h"

#include <algorithm>

#include "base/strings.h"
#include "passes/passes.h"

namespace nnseq {

namespace {

std::vector<TensorInfo> inputs_of(const Function* f, std::size_t from = 0) {
  std::vector<TensorInfo> infos;
  if (f == nullptr) return infos;
  const Graph& g = f->graph();
  for (std::size_t i = from; i < g.inputs().size(); ++i) {
    infos.push_back({g.node(g.inputs()[i]).as<InputAttrs>().name, g.type(g.inputs()[i])});
  }
  return infos;
}

std::vector<TensorInfo> outputs_of(const Function* f) {
  std::vector<TensorInfo> infos;
  if (f == nullptr) return infos;
  for (const Output& o : f->graph().outputs()) infos.push_back({o.name, f->graph().type(o.value)});
  return infos;
}

double number_from(const Tensor& t) {
  switch (t.dtype()) {
    case DType::kFloat32:
      return t.item<float>();
    case DType::kFloat64:
      return t.item<double>();
    case DType::kInt32:
      return t.item<std::int32_t>();
    case DType::kInt64:
      return static_cast<double>(t.item<std::int64_t>());
    case DType::kUInt8:
    case DType::kBool:
      return t.item<std::uint8_t>();
  }
  return 0;
}

// Is `name` that of the parameter, or of a layer or model around it?
bool is_within(const std::string& parameter, const std::string& name) {
  const std::string inner = "/" + parameter + "/";
  return inner.find("/" + name + "/") != std::string::npos;
}

std::int64_t rows_of(std::span<const HostArray> arrays) {
  if (arrays.empty() || arrays[0].shape.rank() == 0) {
    throw Error(ErrorKind::kValue, "arrays with at least one row each are needed");
  }
  return arrays[0].shape[0];
}

}  // namespace

HostArray array_of(const void* data, DType dtype, const Shape& shape) {
  switch (dtype) {
    case DType::kFloat32:
      return array_of(static_cast<const float*>(data), shape);
    case DType::kFloat64:
      return array_of(static_cast<const double*>(data), shape);
    case DType::kInt32:
      return array_of(static_cast<const std::int32_t*>(data), shape);
    case DType::kInt64:
      return array_of(static_cast<const std::int64_t*>(data), shape);
    case DType::kUInt8:
      return array_of(static_cast<const std::uint8_t*>(data), shape);
    case DType::kBool:
      return array_of(static_cast<const bool*>(data), shape);
  }
  throw Error(ErrorKind::kType, "unknown dtype");
}

struct Model::Impl {
  std::shared_ptr<Context> context;
  ModelFile file;
  std::shared_ptr<Function> predict, train, evaluate;  // as in the file
  std::shared_ptr<Function> step;                      // `train` without what is frozen
  std::vector<TensorInfo> inputs, outputs, targets;
  std::vector<const StoredVariable*> weights, metrics;
  std::vector<bool> frozen;  // by weight

  Impl(std::shared_ptr<Context> c, ModelFile f) : context(std::move(c)), file(std::move(f)) {
    std::vector<std::shared_ptr<Variable>> trained, others;
    for (const StoredVariable& v : file.variables) {
      if (v.role == Role::kWeight) weights.push_back(&v);
      if (v.role == Role::kMetric) metrics.push_back(&v);
      (v.trainable ? trained : others).push_back(v.variable);
    }
    for (const NamedFunction& named : file.functions) {
      if (named.name == "predict") predict = named.function;
      if (named.name == "train") train = named.function;
      if (named.name == "evaluate") evaluate = named.function;
    }
    frozen.assign(weights.size(), false);
    step = train;
    inputs = inputs_of(predict.get());
    outputs = outputs_of(predict.get());
    targets = inputs_of(train ? train.get() : evaluate.get(), inputs.size());
    if (train) group_variables(trained, others);
  }

  const Function& need(const std::shared_ptr<Function>& f, const char* what) const {
    if (f != nullptr) return *f;
    throw Error(ErrorKind::kUnsupported,
                concat("model '", file.name, "' has no step to ", what, " in its file"));
  }

  void reset_metrics() const {
    for (const StoredVariable* v : metrics) {
      const std::vector<char> zeros(static_cast<std::size_t>(v->variable->type().bytes()), 0);
      v->variable->copy_from_host(zeros.data());
    }
  }

  Metrics metrics_of(const Function& f, const std::vector<Tensor>& results) const {
    Metrics metrics;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string& name = f.graph().outputs()[i].name;
      if (results[i].type().count() != 1) continue;
      const auto at = name == "loss" ? metrics.begin() : metrics.end();
      metrics.insert(at, {name, number_from(results[i])});
    }
    return metrics;
  }

  Variable& weight(const std::string& name, std::size_t bytes) const {
    for (const StoredVariable* v : weights) {
      if (v->variable->name() != name) continue;
      const auto own = static_cast<std::size_t>(v->variable->type().bytes());
      if (own == bytes) return *v->variable;
      throw Error(ErrorKind::kValue,
                  concat("parameter '", name, "' of shape ", v->variable->type().shape, " has ",
                         own, " bytes, got ", bytes));
    }
    throw Error(ErrorKind::kValue, concat("model '", file.name, "' has no parameter '", name, "'"));
  }

  // Builds the training step without what is frozen from now on; where that fails, all stays.
  void freeze(std::vector<bool> now) {
    step = step_without(now);
    frozen = std::move(now);
  }

  std::shared_ptr<Function> step_without(const std::vector<bool>& now) const {
    if (train == nullptr || std::find(now.begin(), now.end(), true) == now.end()) return train;
    std::vector<bool> slots;
    for (const auto& v : train->variables()) {
      const auto at = std::find_if(weights.begin(), weights.end(),
                                   [&v](const StoredVariable* w) { return w->variable == v; });
      slots.push_back(at != weights.end() && now[static_cast<std::size_t>(at - weights.begin())]);
    }
    return std::make_shared<Function>(context, passes::freeze(train->graph(), std::move(slots)),
                                      train->variables());
  }

  // Returns false where the caller's progress function ended the training.
  bool epoch(std::span<const HostArray> arrays, const FitOptions& o, std::int64_t number,
             Metrics& found) const {
    const std::int64_t steps = (rows_of(arrays) + o.batch_size - 1) / o.batch_size;
    StepRange range{o.batch_size, 0, steps, std::nullopt};
    if (o.shuffle) {
      range.shuffle = Shuffle{o.seed.value_or(context->seed()), static_cast<std::uint64_t>(number)};
    }
    reset_metrics();
    if (!o.progress) {
      found = metrics_of(*step, step->run_steps(arrays, range));
      return true;
    }
    range.num_steps = 1;
    for (range.first_step = 0; range.first_step < steps; ++range.first_step) {
      found = metrics_of(*step, step->run_steps(arrays, range));
      const Progress now{number, o.first_epoch + o.epochs, range.first_step + 1, steps, found};
      if (!o.progress(now)) return false;
    }
    return true;
  }
};

Model Model::load(const std::string& path, std::shared_ptr<Context> context) {
  if (context == nullptr) context = std::make_shared<Context>();
  ModelFile file = load_model_file(context, path);
  return Model(std::move(context), std::move(file));
}

Model Model::load(const void* data, std::size_t size, std::shared_ptr<Context> context) {
  if (context == nullptr) context = std::make_shared<Context>();
  ModelFile file = load_model_file(context, data, size, "model in memory");
  return Model(std::move(context), std::move(file));
}

Model::Model(std::shared_ptr<Context> context, ModelFile file)
    : impl_(std::make_unique<Impl>(std::move(context), std::move(file))) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const std::string& Model::name() const { return impl_->file.name; }
const std::vector<std::string>& Model::classes() const { return impl_->file.classes; }
const std::vector<TensorInfo>& Model::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Model::outputs() const { return impl_->outputs; }
const std::vector<TensorInfo>& Model::targets() const { return impl_->targets; }
bool Model::can_train() const { return impl_->train != nullptr; }
bool Model::can_evaluate() const { return impl_->evaluate != nullptr; }
const std::shared_ptr<Context>& Model::context() const { return impl_->context; }

std::vector<ParameterInfo> Model::parameters() const {
  std::vector<ParameterInfo> infos;
  for (std::size_t i = 0; i < impl_->weights.size(); ++i) {
    const StoredVariable& w = *impl_->weights[i];
    infos.push_back({w.variable->name(), w.variable->type(), w.trainable && !impl_->frozen[i]});
  }
  return infos;
}

Predictor Model::prepare(std::span<const TensorType> inputs) const {
  impl_->need(impl_->predict, "predict");
  return Predictor(std::make_unique<PreparedFunction>(impl_->predict, inputs));
}

Predictor Model::prepare(std::int64_t samples) const {
  std::vector<TensorType> types;
  for (const TensorInfo& info : impl_->inputs) {
    types.push_back(info.type);
    for (int i = 0; i < info.type.shape.rank(); ++i) {
      if (info.type.shape[i] < 0) types.back().shape[i] = samples;
    }
  }
  return prepare(types);
}

void Model::predict(std::span<const HostArray> inputs, std::span<void* const> outputs,
                    std::int64_t batch_size) const {
  const Function& f = impl_->need(impl_->predict, "predict");
  if (outputs.size() != impl_->outputs.size()) {
    throw Error(ErrorKind::kValue, concat("predict writes ", impl_->outputs.size(),
                                          " outputs, got memory for ", outputs.size()));
  }
  const std::int64_t rows = rows_of(inputs);
  if (rows == 0 || batch_size < 1) {
    if (batch_size < 1) throw Error(ErrorKind::kValue, "the batch size must be at least 1");
    return;
  }
  f.run_steps(inputs, {batch_size, 0, (rows + batch_size - 1) / batch_size, std::nullopt}, outputs);
}

Metrics Model::evaluate(std::span<const HostArray> arrays, std::int64_t batch_size) const {
  const Function& f = impl_->need(impl_->evaluate, "evaluate");
  if (batch_size < 1) throw Error(ErrorKind::kValue, "the batch size must be at least 1");
  impl_->reset_metrics();
  const std::int64_t steps = (rows_of(arrays) + batch_size - 1) / batch_size;
  return impl_->metrics_of(f, f.run_steps(arrays, {batch_size, 0, steps, std::nullopt}));
}

Metrics Model::train_step(std::span<const HostArray> arrays) {
  const Function& f = impl_->need(impl_->step, "train");
  impl_->reset_metrics();
  const std::int64_t rows = std::max<std::int64_t>(1, rows_of(arrays));
  return impl_->metrics_of(f, f.run_steps(arrays, {rows, 0, 1, std::nullopt}));
}

std::vector<Metrics> Model::fit(std::span<const HostArray> arrays, const FitOptions& options) {
  impl_->need(impl_->step, "train");
  if (options.batch_size < 1 || options.epochs < 0 || options.first_epoch < 0) {
    throw Error(ErrorKind::kValue, "batch_size must be at least 1, epochs and first_epoch 0");
  }
  if (rows_of(arrays) == 0) throw Error(ErrorKind::kValue, "fit needs at least one row");
  std::vector<Metrics> history;
  for (std::int64_t e = 0; e < options.epochs; ++e) {
    history.emplace_back();
    if (!impl_->epoch(arrays, options, options.first_epoch + e, history.back())) break;
  }
  return history;
}

void Model::get_weights(const std::string& name, void* data, std::size_t bytes) const {
  impl_->weight(name, bytes).copy_to_host(data);
}

void Model::set_weights(const std::string& name, const void* data, std::size_t bytes) {
  impl_->weight(name, bytes).copy_from_host(data);
}

void Model::freeze(std::span<const std::string> names) {
  std::vector<bool> frozen = impl_->frozen;
  for (const std::string& name : names) {
    bool found = false;
    for (std::size_t i = 0; i < frozen.size(); ++i) {
      const StoredVariable& w = *impl_->weights[i];
      if (name.empty() || !is_within(w.variable->name(), name)) continue;
      found = true;
      frozen[i] = frozen[i] || w.trainable;
    }
    if (!found) {
      throw Error(ErrorKind::kValue,
                  concat("model '", impl_->file.name, "' has no parameter or layer '", name, "'"));
    }
  }
  impl_->freeze(std::move(frozen));
}

void Model::unfreeze() { impl_->freeze(std::vector<bool>(impl_->frozen.size(), false)); }

void Model::save(const std::string& path) const {
  impl_->reset_metrics();
  save_model_file(path, impl_->file);
}

}  // namespace nnseq
