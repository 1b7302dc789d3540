// Defines a model, trains it to tell points inside a circle from those outside, and saves it:
// define OUT.nnseq. No file from Python is needed; Python opens the result.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <vector>

#include "nnseq/nnseq.h"

namespace {

nnseq::Definition definition() {
  nnseq::Definition d;
  d.name = "circle";
  d.inputs = {{"point", {nnseq::DType::kFloat32, {nnseq::kUnknown, 2}}}};
  d.outputs = {"probabilities"};
  d.classes = {"outside", "inside"};
  d.forward = [](nnseq::Layers& l, const nnseq::Values& in) {
    const auto a = l.relu(l.dense(in[0], 32, "first"));
    const auto b = l.relu(l.dense(a, 32, "second"));
    return nnseq::Values{l.softmax(l.dense(b, 2, "last"))};
  };
  return d;
}

void train(const char* path) {
  constexpr std::int64_t kRows = 1000;
  std::mt19937 random(1);
  std::vector<float> points;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < kRows; ++i) {
    const float x = static_cast<float>(random()) / 0x1p31f - 1;
    const float y = static_cast<float>(random()) / 0x1p31f - 1;
    points.insert(points.end(), {x, y});
    labels.push_back(x * x + y * y < 0.6f ? 1 : 0);
  }
  const std::vector<nnseq::HostArray> data{nnseq::array_of(points.data(), {kRows, 2}),
                                           nnseq::array_of(labels.data(), {kRows})};

  nnseq::ContextOptions options;
  options.seed = 1;
  const auto context = std::make_shared<nnseq::Context>(options);
  nnseq::Model model =
      nnseq::build_model(context, definition(), nnseq::sparse_categorical_crossentropy(),
                         nnseq::Adam{.learning_rate = 0.01f});
  nnseq::FitOptions fit;
  fit.epochs = 30;
  fit.progress = [](const nnseq::Progress& now) {
    if (now.step == now.steps && (now.epoch + 1) % 10 == 0) {
      std::printf("epoch %2d: %s %.3f\n", static_cast<int>(now.epoch + 1),
                  now.metrics.at(0).first.c_str(), now.metrics.at(0).second);
    }
    return true;
  };
  model.fit(data, fit);
  for (const auto& [name, value] : model.evaluate(data)) {
    std::printf("%s %.3f\n", name.c_str(), value);
  }
  model.save(path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: define OUT.nnseq\n");
    return 2;
  }
  try {
    train(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "define: %s\n", e.what());
    return 1;
  }
  return 0;
}
