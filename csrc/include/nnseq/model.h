// A model from a file: inspect it, run it, go on training it, save it again.
//
//   auto model = nnseq::Model::load("digits.nnseq");
//   auto predictor = model.prepare(1);
//   predictor.run(image, scores);  // float arrays of the caller
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "nnseq/model_file.h"
#include "nnseq/program.h"

namespace nnseq {

// A dim of kUnknown is free: the first one counts samples.
struct TensorInfo {
  std::string name;
  TensorType type;
};

struct ParameterInfo {
  std::string name;
  TensorType type;
  bool trainable = false;  // and not frozen
};

using Metrics = std::vector<std::pair<std::string, double>>;  // by name, "loss" first

// The caller's contiguous array of numbers, one row per sample, read in place.
template <class T>
HostArray array_of(const T* data, const Shape& shape);
NNSEQ_API HostArray array_of(const void* data, DType dtype, const Shape& shape);

struct Progress {
  std::int64_t epoch = 0, epochs = 0;  // the one under way, from 0
  std::int64_t step = 0, steps = 0;    // done, of this epoch
  const Metrics& metrics;              // of this epoch so far
};

struct FitOptions {
  std::int64_t batch_size = 32;
  std::int64_t epochs = 1;
  std::int64_t first_epoch = 0;  // goes on with the order of samples of that epoch
  bool shuffle = true;
  // Decides the order, with the number of the epoch; by default that of the Context.
  std::optional<std::uint64_t> seed;
  // Called after every step; false ends the training there. Empty: many steps run at a time.
  std::function<bool(const Progress&)> progress = {};
};

// Runs one batch size of a model on the caller's buffers, without allocating anything. One thread
// at a time; several Predictors of one model run beside each other.
class NNSEQ_API Predictor {
 public:
  const std::vector<TensorType>& inputs() const { return run_->inputs(); }
  const std::vector<TensorType>& outputs() const { return run_->outputs(); }
  // Contiguous memory of these types.
  void run(std::span<const void* const> inputs, std::span<void* const> outputs) {
    run_->run(inputs, outputs);
  }
  void run(const void* input, void* output) { run_->run({&input, 1}, {&output, 1}); }

 private:
  friend class Model;
  explicit Predictor(std::unique_ptr<PreparedFunction> run) : run_(std::move(run)) {}
  std::unique_ptr<PreparedFunction> run_;
};

// Predicting is safe from several threads; training, freezing and saving are for one at a time.
class NNSEQ_API Model {
 public:
  // Without a Context the model makes one of its own. Throws Error(kFile) of one line.
  static Model load(const std::string& path, std::shared_ptr<Context> context = nullptr);
  static Model load(const void* data, std::size_t size, std::shared_ptr<Context> context = nullptr);
  Model(std::shared_ptr<Context> context, ModelFile file);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const std::string& name() const;
  const std::vector<std::string>& classes() const;  // labels, or none
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  // What a step takes after the inputs: targets, perhaps weights of the samples.
  const std::vector<TensorInfo>& targets() const;
  std::vector<ParameterInfo> parameters() const;
  bool can_train() const;
  bool can_evaluate() const;
  const std::shared_ptr<Context>& context() const;

  // `samples` takes the place of every free dim; the second form gives the whole types.
  Predictor prepare(std::int64_t samples = 1) const;
  Predictor prepare(std::span<const TensorType> inputs) const;
  // All rows of the arrays in batches; outputs: memory for as many rows of each.
  void predict(std::span<const HostArray> inputs, std::span<void* const> outputs,
               std::int64_t batch_size = 32) const;

  // Arrays: inputs, then targets. The metrics are those of all rows, of the rows of the batch, and
  // of each epoch.
  Metrics evaluate(std::span<const HostArray> arrays, std::int64_t batch_size = 32) const;
  Metrics train_step(std::span<const HostArray> arrays);
  std::vector<Metrics> fit(std::span<const HostArray> arrays, const FitOptions& options = {});

  // Whole values, contiguous; `bytes` must be those of the parameter.
  void get_weights(const std::string& name, void* data, std::size_t bytes) const;
  void set_weights(const std::string& name, const void* data, std::size_t bytes);
  // Parameters of these names, or of layers or models whose names these are, are not trained from
  // now on (until unfreeze): their gradients are not computed either. A name that fits nothing is
  // an error. Freezing lasts as long as this object; a file does not know of it.
  void freeze(std::span<const std::string> names);
  void unfreeze();

  // With the state that the model has now. The file appears whole or not at all.
  void save(const std::string& path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

template <class T>
HostArray array_of(const T* data, const Shape& shape) {
  static_assert(std::is_arithmetic_v<T>);
  HostArray a;
  a.data = data;
  a.kind = std::is_floating_point_v<T> ? 'f'
           : std::is_same_v<T, bool>   ? 'b'
           : std::is_signed_v<T>       ? 'i'
                                       : 'u';
  a.item_size = static_cast<int>(sizeof(T));
  a.shape = shape;
  a.strides.assign(static_cast<std::size_t>(shape.rank()), a.item_size);
  for (std::size_t i = a.strides.size(); i-- > 1;) {
    a.strides[i - 1] = a.strides[i] * shape[static_cast<int>(i)];
  }
  return a;
}

}  // namespace nnseq
