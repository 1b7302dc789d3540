// Defines a model in C++ alone: to train it, save it, and open the file in Python too.
//
//   nnseq::Definition d;
//   d.name = "xor";
//   d.inputs = {{"x", {nnseq::DType::kFloat32, {nnseq::kUnknown, 2}}}};
//   d.outputs = {"y"};
//   d.forward = [](nnseq::Layers& l, const nnseq::Values& in) {
//     const auto h = l.tanh(l.dense(in[0], 8, "hidden"));
//     return nnseq::Values{l.sigmoid(l.dense(h, 1, "y"))};
//   };
//   nnseq::Model model = nnseq::build_model(context, d, nnseq::mean_squared_error());
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "nnseq/model.h"
#include "nnseq/ops.h"

namespace nnseq {

using Values = std::vector<Value>;

struct Zeros {};
struct Ones {};
// Uniform in +-sqrt(6 / (fan_in + fan_out)).
struct GlorotUniform {};
using Initializer = std::variant<Zeros, Ones, GlorotUniform>;

// One step of a model being traced: a graph, and the Variables it reads, which all steps of the
// model share by their names. Layers are calls; everything else is built with nnseq/ops.h.
class NNSEQ_API Layers {
 public:
  Graph& graph();
  bool training() const;  // of a step of train

  // The Variable of this name, made when it is first asked for.
  Value weight(const std::string& name, const Shape& shape, const Initializer& init,
               bool trainable = true);
  // An int64 or float Variable that is not trained, filled with zeros; its value at this point.
  Value state(const std::string& name, const TensorType& type, Role role = Role::kState);
  void assign(const std::string& name, Value value);

  // (N, ..., in) -> (N, ..., units)
  Value dense(Value x, std::int64_t units, const std::string& name, bool bias = true);
  // (N, H, W, C) -> (N, H', W', filters), square windows
  Value conv2d(Value x, std::int64_t filters, std::int64_t size, const std::string& name,
               Padding padding = Padding::kValid, std::int64_t stride = 1);
  Value max_pool(Value x, std::int64_t size = 2);
  Value flatten(Value x);
  // Only where the step trains; each call draws numbers of its own.
  Value dropout(Value x, float rate);
  Value relu(Value x) { return unary(UnaryFn::kRelu, x); }
  Value tanh(Value x) { return unary(UnaryFn::kTanh, x); }
  Value sigmoid(Value x) { return unary(UnaryFn::kSigmoid, x); }
  Value softmax(Value x) { return ops::softmax(graph(), x); }
  Value unary(UnaryFn fn, Value x) { return ops::unary(graph(), fn, x); }

  struct Impl;
  explicit Layers(Impl& impl) : impl_(impl) {}

 private:
  Impl& impl_;
};

struct Definition {
  std::string name;
  std::vector<TensorInfo> inputs;    // the first dim of each is kUnknown: samples
  std::vector<std::string> outputs;  // names
  std::vector<std::string> classes;  // labels, or none
  std::function<Values(Layers& layers, const Values& inputs)> forward;
};

// What is made small, for the first output and the target.
struct Loss {
  TensorInfo target;  // a shape of rank 0 stands for that of the output
  std::function<Value(Graph& g, Value y, Value target)> per_sample;  // -> (N,)
  bool accuracy = false;  // whether the part of samples with the right class is a metric
};
// Labels (N,) int64 for probabilities (N, classes): the outputs of softmax.
NNSEQ_API Loss sparse_categorical_crossentropy();
NNSEQ_API Loss mean_squared_error();

struct Sgd {
  float learning_rate = 0.01f;
  float momentum = 0;
  bool nesterov = false;
};
struct Adam {
  float learning_rate = 1e-3f;
  double beta1 = 0.9, beta2 = 0.999;
  float epsilon = 1e-7f;
};
using Optimizer = std::variant<Adam, Sgd>;

// Traces the steps (predict; with a loss train and evaluate too) and makes the Variables, with the
// seed of the Context.
NNSEQ_API Model build_model(std::shared_ptr<Context> context, const Definition& definition);
NNSEQ_API Model build_model(std::shared_ptr<Context> context, const Definition& definition,
                            const Loss& loss, const Optimizer& optimizer = Adam{});

}  // namespace nnseq
