// Goes on with training that Python traced, without Python:
//   train_from_file MODEL OUT STEPS BATCH SEED [DATA...]
// runs STEPS steps of the function "train" of the model file MODEL and writes the model file OUT.
// DATA: one raw file per input of the function, rows of its dtype and shape in the machine's order.
// The rows are shuffled as in epoch 0 of SEED; a negative SEED keeps their order.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "nnseq/context.h"
#include "nnseq/error.h"
#include "nnseq/graph.h"
#include "nnseq/model_file.h"
#include "nnseq/program.h"

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

char kind_of(nnseq::DType dtype) {
  if (nnseq::is_float(dtype)) return 'f';
  if (dtype == nnseq::DType::kBool) return 'b';
  return dtype == nnseq::DType::kUInt8 ? 'u' : 'i';
}

// Contiguous rows of `type`, as many as `data` holds.
nnseq::HostArray rows_of(const std::string& data, const nnseq::TensorType& type) {
  const auto item = static_cast<int>(nnseq::size_of(type.dtype));
  nnseq::HostArray a{data.data(), kind_of(type.dtype), item, false, type.shape, {}};
  a.strides.resize(static_cast<std::size_t>(type.shape.rank()));
  std::int64_t stride = item;
  for (int axis = type.shape.rank() - 1; axis >= 0; --axis) {
    a.strides[static_cast<std::size_t>(axis)] = stride;
    if (axis > 0) stride *= type.shape[axis];
  }
  a.shape[0] = static_cast<std::int64_t>(data.size()) / stride;
  return a;
}

void train(int argc, char** argv) {
  const auto context = std::make_shared<nnseq::Context>();
  const nnseq::ModelFile file = nnseq::load_model_file(context, argv[1]);
  const nnseq::Function* train = file.find("train");
  if (train == nullptr) throw std::runtime_error("the model cannot be trained");
  const nnseq::Function& step = *train;
  const auto& inputs = step.graph().inputs();
  if (inputs.size() != static_cast<std::size_t>(argc) - 6) {
    throw std::runtime_error("the function takes " + std::to_string(inputs.size()) + " inputs");
  }
  std::vector<std::string> data;
  for (int i = 6; i < argc; ++i) data.push_back(read_file(argv[i]));
  std::vector<nnseq::HostArray> arrays;
  for (std::size_t i = 0; i < data.size(); ++i) {
    arrays.push_back(rows_of(data[i], step.graph().type(inputs[i])));
  }
  nnseq::StepRange range;
  range.num_steps = std::atoll(argv[3]);
  range.batch_size = std::atoll(argv[4]);
  const std::int64_t seed = std::atoll(argv[5]);
  if (seed >= 0) range.shuffle = nnseq::Shuffle{static_cast<std::uint64_t>(seed), 0};
  step.run_steps(arrays, range);
  nnseq::save_model_file(argv[2], file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: train_from_file MODEL OUT STEPS BATCH SEED [DATA...]\n");
    return 2;
  }
  try {
    train(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "train_from_file: %s\n", e.what());
    return 1;
  }
  return 0;
}
