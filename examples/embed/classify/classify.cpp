// Classifies handwritten digits: classify MODEL IMAGE...
// Each image is a raw file of 8 x 8 bytes from 0 (white) to 16 (black).
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "nnseq/nnseq.h"

namespace {

std::array<float, 64> read_image(const std::string& path) {
  std::array<char, 64> raw{};
  std::ifstream in(path, std::ios::binary);
  if (!in.read(raw.data(), raw.size()))
    throw std::runtime_error(path + ": not an image of 64 bytes");
  std::array<float, 64> image{};
  std::transform(raw.begin(), raw.end(), image.begin(),
                 [](char c) { return static_cast<float>(static_cast<unsigned char>(c)) / 16.0f; });
  return image;
}

void classify(const char* model_path, const std::vector<std::string>& images) {
  const nnseq::Model model = nnseq::Model::load(model_path);
  nnseq::Predictor predictor = model.prepare(1);
  std::vector<float> scores(static_cast<std::size_t>(predictor.outputs().at(0).count()));
  for (const std::string& path : images) {
    const std::array<float, 64> image = read_image(path);
    predictor.run(image.data(), scores.data());
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    const std::string label = model.classes().empty()
                                  ? std::to_string(best)
                                  : model.classes().at(static_cast<std::size_t>(best));
    std::printf("%s: %s (%.1f %%)\n", path.c_str(), label.c_str(),
                100.0 * scores[static_cast<std::size_t>(best)]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: classify MODEL IMAGE...\n");
    return 2;
  }
  try {
    classify(argv[1], {argv + 2, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 1;
  }
  return 0;
}
