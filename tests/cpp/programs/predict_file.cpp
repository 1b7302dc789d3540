// predict_file MODEL (INPUT SHAPE)...: predicts with the model of a file. Each INPUT is a raw file
// of the numbers of one input, SHAPE its shape as "2,3". The outputs are written to stdout, raw,
// one after the other. A program of a user of the library: public headers and the shared library
// only.
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "nnseq/nnseq.h"

namespace {

nnseq::Shape shape_of(const std::string& text) {
  nnseq::Shape shape;
  std::istringstream in(text);
  for (std::string size; std::getline(in, size, ',');) shape.push_back(std::stoll(size));
  return shape;
}

std::vector<char> numbers(const char* path, const nnseq::TensorType& type) {
  std::vector<char> data(static_cast<std::size_t>(type.bytes()));
  std::ifstream in(path, std::ios::binary);
  if (!in.read(data.data(), type.bytes()) || in.peek() != std::ifstream::traits_type::eof())
    throw std::runtime_error(std::string(path) + ": not " + std::to_string(data.size()) + " bytes");
  return data;
}

void predict(char** arguments, std::size_t count) {
  const nnseq::Model model = nnseq::Model::load(arguments[0]);
  if (model.inputs().size() != count) throw std::runtime_error("another number of inputs");
  std::vector<nnseq::TensorType> types;
  std::vector<std::vector<char>> data;
  std::vector<const void*> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    types.push_back({model.inputs()[i].type.dtype, shape_of(arguments[2 + 2 * i])});
    data.push_back(numbers(arguments[1 + 2 * i], types.back()));
    inputs.push_back(data.back().data());
  }
  nnseq::Predictor predictor = model.prepare(types);
  std::vector<std::vector<char>> results;
  std::vector<void*> outputs;
  for (const nnseq::TensorType& type : predictor.outputs()) {
    results.emplace_back(static_cast<std::size_t>(type.bytes()));
    outputs.push_back(results.back().data());
  }
  predictor.run(inputs, outputs);
  for (const std::vector<char>& result : results) {
    std::fwrite(result.data(), 1, result.size(), stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc % 2 != 0) {
    std::fprintf(stderr, "usage: predict_file MODEL (INPUT SHAPE)...\n");
    return 2;
  }
  try {
    predict(argv + 1, static_cast<std::size_t>(argc - 2) / 2);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "predict_file: %s\n", e.what());
    return 1;
  }
  return 0;
}
