#include "nnseq/model_file.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/json.h"
#include "program/graph_json.h"
#include "runtime/device.h"

namespace nnseq {

namespace {

constexpr std::int64_t kAlign = 64;
constexpr std::int64_t kFormat = 1;
constexpr std::uint64_t kMaxHeader = std::uint64_t{64} << 20;

[[noreturn]] void bad(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kFile, path + ": " + what);
}

// safetensors' names of the dtypes.
std::string_view safe_name(DType t) {
  switch (t) {
    case DType::kFloat32:
      return "F32";
    case DType::kFloat64:
      return "F64";
    case DType::kInt32:
      return "I32";
    case DType::kInt64:
      return "I64";
    case DType::kUInt8:
      return "U8";
    case DType::kBool:
      return "BOOL";
  }
  return "";
}

std::int64_t aligned(std::int64_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

struct Entry {
  std::string name;
  TensorType type;
  std::int64_t offset = 0;
};

Json entry_json(const Entry& e) {
  Json shape = Json::array(), offsets = Json::array();
  for (std::int64_t d : e.type.shape) shape.push_back(d);
  offsets.push_back(e.offset);
  offsets.push_back(e.offset + e.type.bytes());
  Json j = Json::object();
  j.set("dtype", Json(std::string(safe_name(e.type.dtype))));
  j.set("shape", std::move(shape));
  j.set("data_offsets", std::move(offsets));
  return j;
}

Entry entry_from(const std::string& path, const std::string& name, const Json& j) {
  Entry e{name, {}, 0};
  bool found = false;
  for (DType t : kAllDTypes) {
    if (safe_name(t) == j.at("dtype").as_string()) e.type.dtype = t, found = true;
  }
  if (!found) bad(path, "tensor '" + name + "' has an unknown dtype");
  std::int64_t count = 1;
  for (const Json& d : j.at("shape").items()) {
    const std::int64_t dim = d.as_int();
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count) || count > (std::int64_t{1} << 48)) {
      bad(path, "tensor '" + name + "' has an impossible shape");
    }
    e.type.shape.push_back(dim);
  }
  const auto& offsets = j.at("data_offsets").items();
  if (offsets.size() != 2) bad(path, "tensor '" + name + "' needs two offsets");
  e.offset = offsets[0].as_int();
  if (e.offset < 0 || offsets[1].as_int() - e.offset != e.type.bytes()) {
    bad(path, "tensor '" + name + "' has offsets that do not fit its shape");
  }
  return e;
}

// The tensors of a file under construction, in the order of their data.
class TensorTable {
 public:
  void add(std::string name, const TensorType& type) {
    entries_.push_back({std::move(name), type, size_});
    size_ += aligned(type.bytes());
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::int64_t size_ = 0;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) bad(path, "cannot be opened");
  std::string data((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) bad(path, "cannot be read");
  return data;
}

void write_file(const std::string& path, const std::string& data) {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  out.close();
  if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    bad(path, "cannot be written");
  }
}

// A parsed file: its tensors in host memory, and its description.
struct Parsed {
  std::vector<std::pair<std::string, Tensor>> tensors;
  Json description;

  const Tensor& tensor(const std::string& path, const std::string& name) const {
    for (const auto& [n, t] : tensors) {
      if (n == name) return t;
    }
    bad(path, "has no tensor '" + name + "'");
  }
};

Parsed parse(const std::string& path) {
  const std::string data = read_file(path);
  std::uint64_t length = 0;
  if (data.size() < 8) bad(path, "is truncated: " + std::to_string(data.size()) + " bytes");
  std::memcpy(&length, data.data(), 8);
  if (length > kMaxHeader || length > data.size() - 8) {
    bad(path, "is truncated or no model file: its header would take " + std::to_string(length) +
                  " bytes of " + std::to_string(data.size() - 8));
  }
  const Json header = Json::parse(std::string_view(data).substr(8, length));
  const std::int64_t room = static_cast<std::int64_t>(data.size() - 8 - length);
  const auto device = make_cpu_device();
  Parsed parsed;
  for (const auto& member : header.members()) {
    if (member.key == "__metadata__") {
      parsed.description = Json::parse(member.value.at("nnseq").as_string());
      continue;
    }
    const Entry e = entry_from(path, member.key, member.value);
    if (e.offset > room || e.type.bytes() > room - e.offset) {
      bad(path, "is truncated: tensor '" + e.name + "' ends at byte " +
                    std::to_string(e.offset + e.type.bytes()) + " of " + std::to_string(room));
    }
    Tensor t(device, e.type);
    t.copy_from_host(data.data() + 8 + length + e.offset);
    parsed.tensors.emplace_back(e.name, std::move(t));
  }
  if (!parsed.description.is_object()) bad(path, "is no nnseq model file");
  if (parsed.description.at("format").as_int() != kFormat) {
    bad(path, "has format " + std::to_string(parsed.description.at("format").as_int()) +
                  ", this nnseq reads format " + std::to_string(kFormat));
  }
  return parsed;
}

}  // namespace

Function& ModelFile::function(const std::string& name) const {
  for (const NamedFunction& f : functions) {
    if (f.name == name) return *f.function;
  }
  throw Error(ErrorKind::kValue, "the model file has no function '" + name + "'");
}

void save_model_file(const std::string& path, const std::vector<NamedFunction>& functions,
                     const std::string& metadata) {
  std::vector<Variable*> variables;
  std::vector<Tensor> constants;
  Json list = Json::array();
  for (const NamedFunction& f : functions) {
    Json slots = Json::array();
    for (const auto& v : f.function->variables()) {
      auto it = std::find(variables.begin(), variables.end(), v.get());
      if (it == variables.end()) it = variables.insert(it, v.get());
      slots.push_back(static_cast<std::int64_t>(it - variables.begin()));
    }
    Json entry = Json::object();
    entry.set("name", Json(f.name));
    entry.set("variables", std::move(slots));
    entry.set("graph", graph_to_json(f.function->graph(), constants));
    list.push_back(std::move(entry));
  }
  Json names = Json::array();
  TensorTable table;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    names.push_back(Json(variables[i]->name()));
    table.add("variable/" + std::to_string(i), variables[i]->type());
  }
  for (std::size_t i = 0; i < constants.size(); ++i) {
    table.add("constant/" + std::to_string(i), constants[i].type());
  }
  Json description = Json::object();
  description.set("format", Json(kFormat));
  description.set("variables", std::move(names));
  description.set("functions", std::move(list));
  description.set("metadata", Json(metadata));
  Json meta = Json::object();
  meta.set("nnseq", Json(description.dump()));
  Json::Object members{{"__metadata__", std::move(meta)}};
  for (const Entry& e : table.entries()) members.push_back({e.name, entry_json(e)});

  std::string text = Json::from_members(std::move(members)).dump();
  text.resize(static_cast<std::size_t>(aligned(static_cast<std::int64_t>(text.size()) + 8)) - 8,
              ' ');
  const auto length = static_cast<std::uint64_t>(text.size());
  std::string data(reinterpret_cast<const char*>(&length), 8);
  data += text;
  for (std::size_t i = 0; i < table.entries().size(); ++i) {
    const Entry& e = table.entries()[i];
    const std::size_t at = data.size();
    data.resize(at + static_cast<std::size_t>(aligned(e.type.bytes())), '\0');
    if (i < variables.size()) {
      variables[i]->copy_to_host(data.data() + at);
    } else {
      constants[i - variables.size()].copy_to_host(data.data() + at);
    }
  }
  write_file(path, data);
}

ModelFile load_model_file(const std::shared_ptr<Context>& context, const std::string& path) {
  const Parsed parsed = parse(path);
  ModelFile file;
  const auto& names = parsed.description.at("variables").items();
  std::vector<Tensor> values, constants;
  for (std::size_t i = 0; i < names.size(); ++i) {
    values.push_back(parsed.tensor(path, "variable/" + std::to_string(i)));
  }
  for (std::size_t i = 0; i + names.size() < parsed.tensors.size(); ++i) {
    constants.push_back(parsed.tensor(path, "constant/" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto v = std::make_shared<Variable>(context, names[i].as_string(), values[i].type());
    v->copy_from_host(values[i].data());
    file.variables.push_back(std::move(v));
  }
  for (const Json& f : parsed.description.at("functions").items()) {
    std::vector<std::shared_ptr<Variable>> slots;
    for (const Json& slot : f.at("variables").items()) {
      const std::int64_t i = slot.as_int();
      if (i < 0 || i >= static_cast<std::int64_t>(file.variables.size())) {
        bad(path, "names a variable that it does not hold");
      }
      slots.push_back(file.variables[static_cast<std::size_t>(i)]);
    }
    try {
      Graph graph = graph_from_json(f.at("graph"), constants);
      file.functions.push_back(
          {f.at("name").as_string(), std::make_shared<Function>(context, std::move(graph), slots)});
    } catch (const Error& e) {
      bad(path, e.what());
    }
  }
  file.metadata = parsed.description.at("metadata").as_string();
  return file;
}

}  // namespace nnseq
