// No bytes may hurt who opens them as a model file: they are loaded, or refused by one short line.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "json_mutation.h"
#include "nnseq/error.h"
#include "nnseq/model.h"
#include "program/tensor_file.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto context = std::make_shared<nnseq::Context>();
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // Without the right checksum nearly all inputs would end there.
  nnseq::seal_tensor_file(bytes.data(), bytes.size());
  try {
    nnseq::Model::load(bytes.data(), bytes.size(), context);
  } catch (const nnseq::Error& e) {
    const std::string text = e.what();
    if (text.size() > 400 || text.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}

// Half of the inputs get a value of the header changed, or one of the model's description in it.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  using nnseq::Json;
  std::uint64_t length = 0;
  if (size >= 8) std::memcpy(&length, data, 8);
  if (seed % 2 == 0 || size < 8 || length > size - 8) return LLVMFuzzerMutate(data, size, most);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    nnseq::fuzz::Mutation mutation(seed / 2);
    const Json header = Json::parse(bytes.substr(8, length), 100'000);
    Json now = Json::object();
    if (mutation.below(3) == 0) {
      now = mutation.of(header);
    } else {
      for (const Json::Member& m : header.members()) now.set(m.key, m.value);
      Json metadata = header.at("__metadata__");
      const Json model = Json::parse(metadata.at("model").as_string(), 100'000);
      metadata.set("model", mutation.of(model).dump());
      now.set("__metadata__", std::move(metadata));
    }
    const std::string text = now.dump();
    const std::string rest(bytes.substr(8 + length));
    if (8 + text.size() + rest.size() > most) return LLVMFuzzerMutate(data, size, most);
    length = text.size();
    std::memcpy(data, &length, 8);
    std::memcpy(data + 8, text.data(), text.size());
    std::memcpy(data + 8 + text.size(), rest.data(), rest.size());
    return 8 + text.size() + rest.size();
  } catch (const nnseq::Error&) {
    return LLVMFuzzerMutate(data, size, most);
  }
}
