// The model file: what is written comes back, and whatever else is found is refused in one line.
#include "nnseq/model_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>

#include "base/checksum.h"
#include "base/files.h"
#include "base/json.h"
#include "base/strings.h"
#include "graphs.h"
#include "program/tensor_file.h"

namespace nnseq::testing {
namespace {

struct TemporaryFile {
  std::string path = concat(::testing::TempDir(), "nnseq_test_", ::getpid(), ".nnseq");
  ~TemporaryFile() { std::remove(path.c_str()); }
  std::string bytes() const { return std::string(FileBytes(path).view()); }
};

ModelFile file_of(const std::shared_ptr<Context>& context) {
  Builder b = mlp(context);
  ModelFile file;
  file.name = "mlp";
  file.classes = {"ä", "b\n", "c"};
  file.config = R"({"class_name": "Sequential"})";
  for (std::size_t i = 0; i < b.variables.size(); ++i) {
    file.variables.push_back({b.variables[i], i < 4 ? Role::kWeight : Role::kOptimizer, i < 4});
  }
  file.functions.push_back({"train", b.function()});
  return file;
}

std::string bytes_of(const ModelFile& file) {
  TemporaryFile to;
  save_model_file(to.path, file);
  return to.bytes();
}

ModelFile load(const std::shared_ptr<Context>& context, const std::string& bytes) {
  return load_model_file(context, bytes.data(), bytes.size(), "m.nnseq");
}

// The message of the refusal: one short line that names the file; "" where it was loaded.
std::string refusal(const std::shared_ptr<Context>& context, const std::string& bytes) {
  try {
    load(context, bytes);
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_EQ(static_cast<int>(e.kind()), static_cast<int>(ErrorKind::kFile)) << text;
    EXPECT_EQ(text.rfind("m.nnseq: ", 0), 0u) << text;
    EXPECT_LE(text.size(), 400u) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  }
  return "";
}

// A file with another header, sealed: what an attacker would write.
std::string with_header(const std::string& bytes, const std::string& header) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  std::string out(8, '\0');
  const std::uint64_t now = header.size();
  std::memcpy(out.data(), &now, 8);
  out += header + bytes.substr(8 + length);
  EXPECT_TRUE(seal_tensor_file(out.data(), out.size()));
  return out;
}

std::string header_of(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return bytes.substr(8, length);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Checksum, IsCrc64Xz) {
  EXPECT_EQ(crc64("123456789"), 0x995DC9BBDF1939FAu);
  std::string text(1000, 'x');
  std::iota(text.begin(), text.end(), '\0');
  for (std::size_t cut = 0; cut < 40; ++cut) {
    const std::string_view view(text);
    EXPECT_EQ(crc64(view.substr(cut), crc64(view.substr(0, cut))), crc64(text));
  }
}

TEST(ModelFile, ComesBackAndGoesOnWithTheSameBits) {
  const auto context = make_context();
  const ModelFile file = file_of(context);
  const std::string bytes = bytes_of(file);
  ModelFile again = load(context, bytes);
  EXPECT_EQ(again.name, file.name);
  EXPECT_EQ(again.classes, file.classes);
  EXPECT_EQ(again.config, file.config);
  EXPECT_EQ(to_string(again.functions[0].function->graph()),
            to_string(file.functions[0].function->graph()));
  ASSERT_EQ(again.variables.size(), file.variables.size());
  EXPECT_EQ(bytes_of(again), bytes);

  const std::vector<float> x = randoms(40 * 7, 3);
  std::vector<std::int32_t> labels(40);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  const HostArray arrays[] = {rows_of(x, {40, 7}), rows_of(labels, {40})};
  for (const ModelFile* f : {&file, static_cast<const ModelFile*>(&again)}) {
    f->find("train")->run_steps(arrays, {8, 0, 5, Shuffle{5, 0}});
  }
  EXPECT_EQ(bytes_of(again), bytes_of(file));
  EXPECT_NE(bytes_of(again), bytes);
}

TEST(ModelFile, IsASafetensorsFile) {
  const std::string bytes = bytes_of(file_of(make_context()));
  const Json header = Json::parse(header_of(bytes));
  EXPECT_EQ(header.members()[0].key, "__metadata__");
  std::int64_t at = 0;
  const std::size_t data = 8 + header_of(bytes).size();
  EXPECT_EQ(data % 64, 0u);
  for (const Json::Member& m : header.members()) {
    if (m.key == "__metadata__") {
      for (const Json::Member& text : m.value.members()) EXPECT_TRUE(text.value.is_string());
      continue;
    }
    const auto& offsets = m.value.at("data_offsets").items();
    EXPECT_EQ(offsets[0].as_int(), at) << "a gap before " << m.key;
    const bool wide = m.value.at("dtype").as_string() == "I64";
    EXPECT_EQ(at % (wide ? 8 : 4), 0) << m.key;
    at = offsets[1].as_int();
  }
  EXPECT_EQ(data + static_cast<std::size_t>(at), bytes.size());
  EXPECT_NE(header.find("dense/kernel"), nullptr);
}

TEST(ModelFile, NamesOfTensorsDiffer) {
  const auto context = make_context();
  Builder b{context, {}, {}};
  for (const char* name : {"w", "w", "", "__metadata__", "w#1"}) {
    b.g.add_output(b.g.read(b.variable(name, {2}, {1, 2})), name);
  }
  ModelFile file;
  file.functions.push_back({"predict", b.function()});
  const ModelFile again = load(context, bytes_of(file));
  ASSERT_EQ(again.variables.size(), 5u);
  EXPECT_EQ(again.variables[1].variable->name(), "w");
  EXPECT_EQ(again.variables[3].variable->name(), "__metadata__");
}

TEST(ModelFile, FlippedBitsAreFound) {
  const auto context = make_context();
  std::string bytes = bytes_of(file_of(context));
  ASSERT_LT(bytes.size(), 40'000u);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += bit < 2000 ? 1 : 11) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THROW(parse_tensor_file(bytes), Error) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  EXPECT_EQ(refusal(context, bytes), "");
}

TEST(ModelFile, TruncationIsNamed) {
  const auto context = make_context();
  const std::string bytes = bytes_of(file_of(context));
  for (std::size_t size = 0; size < bytes.size(); size += size < 100 ? 1 : 61) {
    const std::string why = refusal(context, bytes.substr(0, size));
    EXPECT_NE(why.find("truncated"), std::string::npos) << size << ": " << why;
    EXPECT_NE(why.find("expected"), std::string::npos) << size << ": " << why;
  }
  EXPECT_NE(refusal(context, bytes + "x").find("follow the header"), std::string::npos);
}

TEST(ModelFile, SaysWhatIsWrong) {
  const auto context = make_context();
  const std::string bytes = bytes_of(file_of(context));
  const std::string header = header_of(bytes);
  const struct {
    const char *from, *to, *what;
  } cases[] = {
      {R"("version":"1.0")", R"("version":"1.7")", ""},  // an older one reads a newer minor one
      {R"("version":"1.0")", R"("version":"2.0")", "has format 2.0"},
      {R"("version":"1.0")", R"("version":"one")", "version 'one'"},
      {R"("version":"1.0")", R"("verzion":"1.0")", "does not give a version"},
      {R"("dtype":"F32")", R"("dtype":"F16")", "dtype 'F16'"},
      {R"("shape":[7,16])", R"("shape":[7,17])", "tensor 'dense/kernel'"},
      {R"("shape":[7,16])", R"("shape":[-7,16])", "impossible"},
      {R"("shape":[7,16])", R"("shape":[281474976710656,281474976710656,0])", "impossible"},
      {R"("shape":[7,16])", R"("shape":[7,16,1,1,1,1,1,1,1])", "dimensions"},
      {R"("shape":[7,16])", R"("shape":[4611686018427387904,4])", "impossible"},
      {R"("data_offsets":[8,)", R"("data_offsets":[-8,)", "expected 8"},
      {R"("data_offsets":[8,)", R"("data_offsets":[16,)", "expected 8"},
      {R"("data_offsets":[8,)", R"("data_offsets":[0,)", "expected 8"},
      {R"("dense/kernel":{)", R"("dense/kornel":{)", "no tensor 'dense/kernel'"},
      {R"(\"op\":\"matmul\")", R"(\"op\":\"matmal\")", "unknown op 'matmal'"},
      {R"(\"op\":\"matmul\")", R"(\"op\":\"chain\")", "unknown op 'chain'"},
      {R"(\"trans_a\":false)", R"(\"trans_b\":false)", "twice"},
      {R"(\"trans_b\":false)", R"(\"trans_b\":true)", "matmul"},
      {R"(\"trans_a\":false)", R"(\"trans_a\":0)", "expected a bool"},
      {R"(\"role\":\"weight\")", R"(\"role\":\"root\")", "role 'root'"},
      {R"(\"variables\":[0,)", R"(\"variables\":[9999,)", "variable 9999"},
      {R"(\"variables\":[0,)", R"(\"variables\":[-1,)", "variable -1"},
      {R"(\"inputs\":[[0,0])", R"(\"inputs\":[[99,0])", "a value that does not exist"},
      {R"(\"count\":4)", R"(\"count\":2305843009213693956)", "update"},
      {R"(\"count\":4)", R"(\"count\":4611686018427387908)", "update"},
      {R"(\"count\":4)", R"(\"count\":-4)", "update"},
      {R"(\"name\":\"mlp\")", R"(\"name\":[[[[[[[[]]]]]]]])", "expected a string"},
      {R"(\"functions\":[)", R"(\"functions\":[7,)", "expected an object"},
      {R"({"__metadata__":{)", R"({"__metadata__":[{)", "does not begin like one"},
  };
  for (const auto& c : cases) {
    const std::string text = replaced(header, c.from, c.to);
    if (text.rfind(R"({"__metadata__":{"checksum":"crc64:)", 0) != 0) {
      EXPECT_NE(refusal(context, "12345678" + text).find(c.what), std::string::npos);
      continue;
    }
    const std::string why = refusal(context, with_header(bytes, text));
    EXPECT_NE(why.find(c.what), std::string::npos) << c.from << " -> " << c.to << ": " << why;
    EXPECT_EQ(why.empty(), *c.what == '\0') << c.to << ": " << why;
  }
}

TEST(ModelFile, HostileTextIsRefused) {
  const auto context = make_context();
  const std::string bytes = bytes_of(file_of(context));
  const std::string header = header_of(bytes);
  const std::size_t end = header.rfind('}');
  const std::string deep(3000, '[');
  for (const std::string& more :
       {",\"x\":" + deep, std::string(",\"x\":1e999"), std::string(",\"\xff\":0"),
        std::string(",\"x\":0,\"x\":0"), std::string(",\"x\":\"\\ud800\""),
        ",\"x\":" + std::string(100'000, '9'), ",\"" + std::string(5000, '\x7f') + "\":0",
        std::string(",\"a\\nb\":{\"dtype\":\"\\n\"}")}) {
    const std::string text = header.substr(0, end) + more + header.substr(end);
    EXPECT_NE(refusal(context, with_header(bytes, text)), "") << more.substr(0, 40);
  }
  std::string zeros = ",\"x\":[0";
  for (int i = 0; i < 1'000'000; ++i) zeros += ",0";
  const std::string text = header.substr(0, end) + zeros + "]" + header.substr(end);
  EXPECT_NE(refusal(context, with_header(bytes, text)).find("more values"), std::string::npos);
}

// Sealed, so that what follows the checksum is reached.
TEST(ModelFile, ForgedFilesAreLoadedOrRefused) {
  const auto context = make_context();
  const std::string bytes = bytes_of(file_of(context));
  const std::string header = header_of(bytes);
  const std::string pieces = "0123456789-.eE[]{}:,\"\\ntrualse";
  std::mt19937 random(4);
  int loaded = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = header;
    for (std::uint32_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = 40 + random() % (text.size() - 60);
      const std::uint32_t kind = random() % 3;
      if (kind == 0) text[at] = pieces[random() % pieces.size()];
      if (kind == 1) text.erase(at, 1 + random() % 8);
      if (kind == 2)
        text.insert(at, text.substr(40 + random() % (text.size() - 60), random() % 12));
    }
    loaded += refusal(context, with_header(bytes, text)).empty();
  }
  EXPECT_LT(loaded, 1900);
}

TEST(ModelFile, ATensorIsUsedOnce) {
  const auto context = make_context();
  const std::string bytes = bytes_of(file_of(context));
  const std::string text =
      replaced(header_of(bytes), R"(\"tensor\":\"dense/bias\")", R"(\"tensor\":\"dense/kernel\")");
  EXPECT_NE(refusal(context, with_header(bytes, text)).find("used twice"), std::string::npos);
}

TEST(ModelFile, SpecialPathsAreRefused) {
  const auto context = make_context();
  TemporaryFile fifo;
  ASSERT_EQ(::mkfifo(fifo.path.c_str(), 0600), 0);
  for (const std::string& path :
       {fifo.path, std::string("/dev/zero"), ::testing::TempDir(), std::string("/no/such/file")}) {
    expect_error([&] { load_model_file(context, path); }, ErrorKind::kFile, path);
  }
}

TEST(ModelFile, AFailedWriteLeavesTheOldFile) {
  const auto context = make_context();
  const ModelFile file = file_of(context);
  TemporaryFile to;
  save_model_file(to.path, file);
  ::chmod(to.path.c_str(), 0640);
  save_model_file(to.path, file);
  struct stat info = {};
  ASSERT_EQ(::stat(to.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  expect_error([&] { save_model_file("/no/such/folder/m.nnseq", file); }, ErrorKind::kFile,
               "/no/such/folder/m.nnseq: cannot be written: No such file");
  EXPECT_EQ(load_model_file(context, to.path).name, "mlp");
}

}  // namespace
}  // namespace nnseq::testing
