// The C API: handles around the C++ one, and exceptions turned into statuses.
#include "nnseq/nnseq_c.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "nnseq/model.h"
#include "nnseq/version.h"

using nnseq::Error;
using nnseq::ErrorKind;

struct nnseq_context {
  std::shared_ptr<nnseq::Context> context;
};

struct nnseq_model {
  nnseq::Model model;
  std::vector<nnseq::ParameterInfo> parameters;  // own the names that are handed out
  nnseq::Metrics metrics;
  std::vector<nnseq_metric> shown;  // of `metrics`

  explicit nnseq_model(nnseq::Model m) : model(std::move(m)), parameters(model.parameters()) {}

  void refresh() {  // the names stay where they are
    const auto now = model.parameters();
    for (std::size_t i = 0; i < now.size(); ++i) parameters[i].trainable = now[i].trainable;
  }

  void show(nnseq::Metrics found) {
    metrics = std::move(found);
    shown.clear();
    for (const auto& [name, value] : metrics) shown.push_back({name.c_str(), value});
  }
};

struct nnseq_predictor {
  nnseq::Predictor predictor;
};

namespace {

void put_message(nnseq_error* error, const char* text) noexcept {
  if (error == nullptr) return;
  const std::size_t n = std::min(std::strlen(text), sizeof error->message - 1);
  std::memcpy(error->message, text, n);
  error->message[n] = '\0';
}

nnseq_status status_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kValue:
      return NNSEQ_VALUE;
    case ErrorKind::kType:
      return NNSEQ_TYPE;
    case ErrorKind::kUnsupported:
      return NNSEQ_UNSUPPORTED;
    case ErrorKind::kMemory:
      return NNSEQ_MEMORY;
    case ErrorKind::kNotFinite:
      return NNSEQ_NOT_FINITE;
    case ErrorKind::kCancelled:
      return NNSEQ_CANCELLED;
    case ErrorKind::kFile:
      return NNSEQ_FILE;
    case ErrorKind::kInternal:
      break;
  }
  return NNSEQ_INTERNAL;
}

// Runs f; no exception gets past here.
template <class F>
nnseq_status guarded(nnseq_error* error, F&& f) noexcept {
  put_message(error, "");
  try {
    f();
    return NNSEQ_OK;
  } catch (const Error& e) {
    put_message(error, e.what());
    return status_of(e.kind());
  } catch (const std::bad_alloc&) {
    put_message(error, "out of memory");
    return NNSEQ_MEMORY;
  } catch (const std::exception& e) {
    put_message(error, e.what());
  } catch (...) {
    put_message(error, "unknown error");
  }
  return NNSEQ_INTERNAL;
}

template <class T>
T& need(T* pointer, const char* what) {
  if (pointer == nullptr) throw Error(ErrorKind::kValue, std::string(what) + " is NULL");
  return *pointer;
}

// The caller's struct, which may be shorter or longer than ours; what it lacks keeps its default.
template <class T>
T sized(const T* given, T defaults) {
  if (given == nullptr) return defaults;
  if (given->size < sizeof given->size) {
    throw Error(ErrorKind::kValue, "the size of a struct is not set");
  }
  std::memcpy(&defaults, given, std::min(given->size, sizeof defaults));
  return defaults;
}

nnseq::ContextOptions options_from(const nnseq_context_options& o) {
  nnseq::ContextOptions options;
  options.threads = o.threads;
  if (o.isa != nullptr) options.isa = o.isa;
  options.seed = o.seed;
  if (o.log != nullptr) {
    options.log = [log = o.log, user = o.log_user](const std::string& s) { log(s.c_str(), user); };
  }
  if ((o.allocate == nullptr) != (o.deallocate == nullptr)) {
    throw Error(ErrorKind::kValue, "allocate and deallocate must be given together");
  }
  options.allocator = {o.allocate, o.deallocate, o.allocator_user};
  options.parallel_for = {o.parallel_for, o.parallel_user};
  return options;
}

nnseq::DType dtype_from(std::int32_t dtype) {
  switch (dtype) {
    case NNSEQ_FLOAT32:
      return nnseq::DType::kFloat32;
    case NNSEQ_FLOAT64:
      return nnseq::DType::kFloat64;
    case NNSEQ_INT32:
      return nnseq::DType::kInt32;
    case NNSEQ_INT64:
      return nnseq::DType::kInt64;
    case NNSEQ_UINT8:
      return nnseq::DType::kUInt8;
    case NNSEQ_BOOL:
      return nnseq::DType::kBool;
    default:
      throw Error(ErrorKind::kType, "unknown dtype " + std::to_string(dtype));
  }
}

std::int32_t dtype_number(nnseq::DType dtype) noexcept {
  switch (dtype) {
    case nnseq::DType::kFloat32:
      return NNSEQ_FLOAT32;
    case nnseq::DType::kFloat64:
      return NNSEQ_FLOAT64;
    case nnseq::DType::kInt32:
      return NNSEQ_INT32;
    case nnseq::DType::kInt64:
      return NNSEQ_INT64;
    case nnseq::DType::kUInt8:
      return NNSEQ_UINT8;
    case nnseq::DType::kBool:
      return NNSEQ_BOOL;
  }
  return -1;
}

std::vector<nnseq::HostArray> arrays_from(const nnseq_array* arrays, std::size_t count) {
  std::vector<nnseq::HostArray> host;
  if (count != 0) need(arrays, "arrays");
  for (std::size_t i = 0; i < count; ++i) {
    const nnseq_array& array = arrays[i];
    if (array.rank < 1 || array.rank > NNSEQ_MAX_RANK) {
      throw Error(ErrorKind::kValue, "array " + std::to_string(i) + " has rank " +
                                         std::to_string(array.rank) + ", expected 1 to 8");
    }
    host.push_back(nnseq::array_of(array.data, dtype_from(array.dtype),
                                   nnseq::Shape(array.dims, array.dims + array.rank)));
  }
  return host;
}

nnseq_tensor_info info_from(const std::string& name, const nnseq::TensorType& type,
                            bool trainable) {
  nnseq_tensor_info info = {};
  info.size = sizeof info;
  info.name = name.c_str();
  info.dtype = dtype_number(type.dtype);
  info.rank = type.shape.rank();
  std::copy(type.shape.begin(), type.shape.end(), info.dims);
  info.trainable = trainable ? 1 : 0;
  return info;
}

const std::vector<nnseq::TensorInfo>* tensors_of(const nnseq_model& model, nnseq_part part) {
  switch (part) {
    case NNSEQ_INPUTS:
      return &model.model.inputs();
    case NNSEQ_OUTPUTS:
      return &model.model.outputs();
    case NNSEQ_TARGETS:
      return &model.model.targets();
    case NNSEQ_PARAMETERS:
      break;
  }
  return nullptr;
}

nnseq::FitOptions fit_options_from(nnseq_model& model, const nnseq_fit_options& o) {
  nnseq::FitOptions options;
  options.batch_size = o.batch_size;
  options.epochs = o.epochs;
  options.first_epoch = o.first_epoch;
  options.shuffle = o.shuffle != 0;
  if (o.progress != nullptr) {
    options.progress = [&model, o](const nnseq::Progress& now) {
      model.show(now.metrics);
      const nnseq_progress told = {now.epoch, now.epochs,         now.step,
                                   now.steps, model.shown.data(), model.shown.size()};
      return o.progress(&told, o.user) == 0;
    };
  }
  return options;
}

}  // namespace

int32_t nnseq_abi_version(void) { return NNSEQ_C_ABI; }
const char* nnseq_version(void) { return NNSEQ_VERSION; }

nnseq_status nnseq_context_create(const nnseq_context_options* options, nnseq_context** out,
                                  nnseq_error* error) {
  return guarded(error, [&] {
    need(out, "out") = nullptr;
    const auto given = sized(options, nnseq_context_options{});
    auto handle = std::make_unique<nnseq_context>();
    handle->context = std::make_shared<nnseq::Context>(options_from(given));
    *out = handle.release();
  });
}

void nnseq_context_destroy(nnseq_context* context) { delete context; }

int32_t nnseq_context_threads(const nnseq_context* context) {
  return context == nullptr ? 0 : context->context->threads();
}

void nnseq_context_set_cancelled(nnseq_context* context, int cancelled) {
  if (context != nullptr) context->context->set_cancelled(cancelled != 0);
}

nnseq_status nnseq_model_load(nnseq_context* context, const char* path, nnseq_model** out,
                              nnseq_error* error) {
  return guarded(error, [&] {
    need(out, "out") = nullptr;
    need(path, "path");
    *out = new nnseq_model(nnseq::Model::load(path, need(context, "context").context));
  });
}

nnseq_status nnseq_model_load_memory(nnseq_context* context, const void* data, size_t bytes,
                                     nnseq_model** out, nnseq_error* error) {
  return guarded(error, [&] {
    need(out, "out") = nullptr;
    if (data == nullptr) throw Error(ErrorKind::kValue, "data is NULL");
    *out = new nnseq_model(nnseq::Model::load(data, bytes, need(context, "context").context));
  });
}

void nnseq_model_destroy(nnseq_model* model) { delete model; }

nnseq_status nnseq_model_save(const nnseq_model* model, const char* path, nnseq_error* error) {
  return guarded(error, [&] {
    need(path, "path");
    need(model, "model").model.save(path);
  });
}

size_t nnseq_model_count(const nnseq_model* model, nnseq_part part) {
  if (model == nullptr) return 0;
  const auto* tensors = tensors_of(*model, part);
  if (tensors != nullptr) return tensors->size();
  return part == NNSEQ_PARAMETERS ? model->parameters.size() : 0;
}

nnseq_status nnseq_model_info(const nnseq_model* model, nnseq_part part, size_t index,
                              nnseq_tensor_info* out, nnseq_error* error) {
  return guarded(error, [&] {
    const std::size_t size = need(out, "out").size;
    if (index >= nnseq_model_count(&need(model, "model"), part)) {
      throw Error(ErrorKind::kValue, "there is no part of this number");
    }
    const auto* tensors = tensors_of(*model, part);
    nnseq_tensor_info info;
    if (tensors != nullptr) {
      info = info_from((*tensors)[index].name, (*tensors)[index].type, false);
    } else {
      const nnseq::ParameterInfo& p = model->parameters[index];
      info = info_from(p.name, p.type, p.trainable);
    }
    if (size < sizeof size) throw Error(ErrorKind::kValue, "the size of a struct is not set");
    info.size = size;
    std::memcpy(out, &info, std::min(size, sizeof info));
  });
}

const char* nnseq_model_name(const nnseq_model* model) {
  return model == nullptr ? "" : model->model.name().c_str();
}

size_t nnseq_model_class_count(const nnseq_model* model) {
  return model == nullptr ? 0 : model->model.classes().size();
}

const char* nnseq_model_class_name(const nnseq_model* model, size_t index) {
  const bool known = index < nnseq_model_class_count(model);
  return known ? model->model.classes()[index].c_str() : nullptr;
}

nnseq_status nnseq_model_get_weights(const nnseq_model* model, const char* name, void* data,
                                     size_t bytes, nnseq_error* error) {
  return guarded(error, [&] {
    if (data == nullptr) throw Error(ErrorKind::kValue, "data is NULL");
    need(model, "model").model.get_weights(&need(name, "name"), data, bytes);
  });
}

nnseq_status nnseq_model_set_weights(nnseq_model* model, const char* name, const void* data,
                                     size_t bytes, nnseq_error* error) {
  return guarded(error, [&] {
    if (data == nullptr) throw Error(ErrorKind::kValue, "data is NULL");
    need(model, "model").model.set_weights(&need(name, "name"), data, bytes);
  });
}

nnseq_status nnseq_model_freeze(nnseq_model* model, const char* const* names, size_t count,
                                nnseq_error* error) {
  return guarded(error, [&] {
    std::vector<std::string> list;
    if (count != 0) need(names, "names");
    for (std::size_t i = 0; i < count; ++i) list.emplace_back(&need(names[i], "a name"));
    need(model, "model").model.freeze(list);
    model->refresh();
  });
}

nnseq_status nnseq_model_unfreeze(nnseq_model* model, nnseq_error* error) {
  return guarded(error, [&] {
    need(model, "model").model.unfreeze();
    model->refresh();
  });
}

nnseq_status nnseq_predictor_create(const nnseq_model* model, int64_t samples,
                                    nnseq_predictor** out, nnseq_error* error) {
  return guarded(error, [&] {
    need(out, "out") = nullptr;
    *out = new nnseq_predictor{need(model, "model").model.prepare(samples)};
  });
}

void nnseq_predictor_destroy(nnseq_predictor* predictor) { delete predictor; }

size_t nnseq_predictor_bytes(const nnseq_predictor* predictor, nnseq_part part, size_t index) {
  if (predictor == nullptr || (part != NNSEQ_INPUTS && part != NNSEQ_OUTPUTS)) return 0;
  const nnseq::Predictor& p = predictor->predictor;
  const auto& types = part == NNSEQ_INPUTS ? p.inputs() : p.outputs();
  return index < types.size() ? static_cast<std::size_t>(types[index].bytes()) : 0;
}

nnseq_status nnseq_predictor_run(nnseq_predictor* predictor, const void* const* inputs,
                                 size_t num_inputs, void* const* outputs, size_t num_outputs,
                                 nnseq_error* error) {
  return guarded(error, [&] {
    if (num_inputs != 0) need(inputs, "inputs");
    if (num_outputs != 0) need(outputs, "outputs");
    need(predictor, "predictor").predictor.run({inputs, num_inputs}, {outputs, num_outputs});
  });
}

nnseq_status nnseq_model_predict(const nnseq_model* model, const nnseq_array* inputs,
                                 size_t num_inputs, void* const* outputs, size_t num_outputs,
                                 int64_t batch_size, nnseq_error* error) {
  return guarded(error, [&] {
    if (num_outputs != 0) need(outputs, "outputs");
    for (std::size_t i = 0; i < num_outputs; ++i) {
      if (outputs[i] == nullptr) throw Error(ErrorKind::kValue, "an output is NULL");
    }
    const auto arrays = arrays_from(inputs, num_inputs);
    need(model, "model").model.predict(arrays, {outputs, num_outputs}, batch_size);
  });
}

nnseq_fit_options nnseq_fit_defaults(void) {
  nnseq_fit_options options = {};
  options.size = sizeof options;
  options.batch_size = 32;
  options.epochs = 1;
  options.shuffle = 1;
  return options;
}

nnseq_status nnseq_model_fit(nnseq_model* model, const nnseq_array* arrays, size_t count,
                             const nnseq_fit_options* options, nnseq_error* error) {
  return guarded(error, [&] {
    nnseq_model& m = need(model, "model");
    const nnseq_fit_options given = sized(options, nnseq_fit_defaults());
    const auto history = m.model.fit(arrays_from(arrays, count), fit_options_from(m, given));
    if (!history.empty()) m.show(history.back());
  });
}

nnseq_status nnseq_model_train_step(nnseq_model* model, const nnseq_array* arrays, size_t count,
                                    nnseq_error* error) {
  return guarded(error, [&] {
    nnseq_model& m = need(model, "model");
    m.show(m.model.train_step(arrays_from(arrays, count)));
  });
}

nnseq_status nnseq_model_evaluate(nnseq_model* model, const nnseq_array* arrays, size_t count,
                                  int64_t batch_size, nnseq_error* error) {
  return guarded(error, [&] {
    nnseq_model& m = need(model, "model");
    m.show(m.model.evaluate(arrays_from(arrays, count), batch_size));
  });
}

const nnseq_metric* nnseq_model_metrics(const nnseq_model* model, size_t* count) {
  const bool known = model != nullptr;
  if (count != nullptr) *count = known ? model->shown.size() : 0;
  return known ? model->shown.data() : nullptr;
}
