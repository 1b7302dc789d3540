// A stranger's graph is refused by one line, when it is read, given shapes or run, or it runs:
// within the memory that the application grants, until the application has enough of it.
//
// An input is JSON: {"size": of unknown dims, "constants": [{"dtype", "shape", "value"}], "graph"}.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "json_mutation.h"
#include "nnseq/error.h"
#include "nnseq/program.h"
#include "program/graph_json.h"
#include "runtime/device.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace nnseq {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;  // of one block
constexpr std::size_t kMostValues = 20'000;

std::shared_ptr<Context> frugal_context() {
  ContextOptions options;
  options.threads = 1;
  options.allocator = {[](std::size_t bytes, std::size_t alignment, void*) -> void* {
                         return bytes > kMostBytes ? nullptr : std::aligned_alloc(alignment, bytes);
                       },
                       [](void* data, std::size_t, void*) { std::free(data); }, nullptr};
  return std::make_shared<Context>(options);
}

std::vector<char> filled(const TensorType& type, double value) {
  std::vector<char> bytes(static_cast<std::size_t>(type.bytes()));
  const auto put = [&bytes](auto x) {
    for (std::size_t i = 0; i + sizeof x <= bytes.size(); i += sizeof x) {
      std::memcpy(bytes.data() + i, &x, sizeof x);
    }
  };
  const bool huge = !(value > -1e9 && value < 1e9);
  switch (type.dtype) {
    case DType::kFloat32:
      put(static_cast<float>(value));
      break;
    case DType::kFloat64:
      put(value);
      break;
    case DType::kInt32:
      put(huge ? INT32_MIN : static_cast<std::int32_t>(value));
      break;
    case DType::kInt64:
      put(huge ? INT64_MIN : static_cast<std::int64_t>(value));
      break;
    case DType::kUInt8:
      put(static_cast<std::uint8_t>(huge ? 255 : static_cast<std::int64_t>(value) & 255));
      break;
    case DType::kBool:
      put(static_cast<std::uint8_t>(value != 0));
      break;
  }
  return bytes;
}

void expect_small(const TensorType& type) {
  std::int64_t count = 1;
  for (std::int64_t d : type.shape) {
    if (d > 0 && __builtin_mul_overflow(count, d, &count)) count = INT64_MAX;
    if (count > static_cast<std::int64_t>(kMostBytes / 8)) {
      throw Error(ErrorKind::kMemory, "more than a file or an application gives");
    }
  }
}

void run(const std::shared_ptr<Context>& context, const Json& json) {
  std::vector<Tensor> constants;
  for (const Json& c : json.at("constants").items()) {
    const TensorType type = type_from_json(c);
    if (!type.shape.is_known()) return;
    expect_small(type);
    constants.emplace_back(make_cpu_device(), type);
    constants.back().copy_from_host(filled(type, c.at("value").as_double()).data());
  }
  Graph graph = graph_from_json(json.at("graph"), constants);
  std::vector<std::shared_ptr<Variable>> variables;
  for (const Slot& s : graph.slots()) {
    expect_small(s.type);
    variables.push_back(std::make_shared<Variable>(context, s.name, s.type));
    variables.back()->copy_from_host(filled(s.type, 1).data());
  }
  const Function function(context, std::move(graph), std::move(variables));
  const std::int64_t size = json.at("size").as_int();
  std::vector<TensorType> types;
  for (Value v : function.graph().inputs()) {
    types.push_back(function.graph().type(v));
    Shape& shape = types.back().shape;
    for (int d = 0; d < shape.rank(); ++d) shape[d] = shape[d] < 0 ? size : shape[d];
  }
  function.program(types);
  std::vector<std::vector<char>> data;
  std::vector<Function::HostInput> inputs;
  for (const TensorType& t : types) {
    expect_small(t);
    data.push_back(filled(t, is_float(t.dtype) ? 0.5 : 1));
    inputs.push_back({data.back().data(), t});
  }
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  const RunHook hook{[](void* user) {
                       return std::chrono::steady_clock::now() > *static_cast<decltype(end)*>(user);
                     },
                     &end};
  function.run(inputs, hook);
  function.run(inputs, hook);
}

}  // namespace
}  // namespace nnseq

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto context = nnseq::frugal_context();
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    nnseq::run(context, nnseq::Json::parse(text, nnseq::kMostValues));
  } catch (const nnseq::Error& e) {
    if (e.kind() == nnseq::ErrorKind::kInternal) std::abort();
  }
  return 0;
}

namespace {

nnseq::Json parsed(const std::uint8_t* data, std::size_t size) {
  return nnseq::Json::parse({reinterpret_cast<const char*>(data), size}, nnseq::kMostValues);
}

// Returns how many bytes were written; 0 where there is no room.
std::size_t write(const nnseq::Json& json, std::uint8_t* to, std::size_t most) {
  const std::string text = json.dump();
  if (text.size() > most) return 0;
  std::memcpy(to, text.data(), text.size());
  return text.size();
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  try {
    nnseq::fuzz::Mutation mutation(seed);
    nnseq::Json json = parsed(data, size);
    for (std::size_t i = mutation.below(3) + 1; i > 0; --i) json = mutation.of(json);
    if (const std::size_t written = write(json, data, most)) return written;
  } catch (const nnseq::Error&) {
  }
  return LLVMFuzzerMutate(data, size, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* a, std::size_t a_size,
                                                 const std::uint8_t* b, std::size_t b_size,
                                                 std::uint8_t* out, std::size_t most,
                                                 unsigned seed) {
  try {
    nnseq::fuzz::Mutation mutation(seed);
    return write(mutation.of(parsed(a, a_size), parsed(b, b_size)), out, most);
  } catch (const nnseq::Error&) {
    return 0;
  }
}
