// No bytes may hurt who opens them as a model file: they are loaded, or refused by one short line.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "nnseq/model_file.h"
#include "program/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto context =
      std::make_shared<nnseq::Context>(nnseq::ContextOptions{1, {}, "cpu", {}});
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // Without the right checksum nearly all inputs would end there.
  nnseq::seal_tensor_file(bytes.data(), bytes.size());
  try {
    nnseq::load_model_file(context, bytes.data(), bytes.size(), "fuzz");
  } catch (const nnseq::Error& e) {
    const std::string text = e.what();
    if (text.size() > 400 || text.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
