#include "nnseq/model_file.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/files.h"
#include "base/json.h"
#include "base/strings.h"
#include "program/graph_json.h"
#include "program/tensor_file.h"
#include "runtime/device.h"

namespace nnseq {

namespace {

[[noreturn]] void bad(std::string what) { throw Error(ErrorKind::kFile, std::move(what)); }

std::string quoted(std::string_view name) { return concat("'", one_line(name, 80), "'"); }

Role role_from(const std::string& name) {
  for (std::size_t i = 0; i < std::size(kRoleNames); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  bad(concat("role ", quoted(name), " is unknown"));
}

// --- writing -------------------------------------------------------------------------------------

// What a file is written from: copies of the values, under names that differ.
class Contents {
 public:
  // Returns the name that the tensor got.
  std::string add(const std::string& name, const TensorType& type, std::string bytes) {
    std::string unique = name;
    while (unique.empty() || unique == "__metadata__" || !taken_.insert(unique).second) {
      unique = concat(name, "#", ++numbers_[name]);
    }
    bytes_.push_back(std::make_unique<std::string>(std::move(bytes)));
    file_.tensors.push_back({unique, type, *bytes_.back()});
    return unique;
  }

  void write(const std::string& path, Json metadata) {
    file_.metadata = std::move(metadata);
    const std::string header = tensor_file_header(file_);
    std::vector<std::string_view> parts{header};
    for (const FileTensor& t : file_.tensors) parts.push_back(t.data);
    write_file(path, parts);
  }

 private:
  TensorFile file_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> numbers_;  // of the last that was made for a name
  std::vector<std::unique_ptr<std::string>> bytes_;
};

template <class From>
std::string bytes_of(const From& from, const TensorType& type) {
  std::string bytes(static_cast<std::size_t>(type.bytes()), '\0');
  from.copy_to_host(bytes.data());
  return bytes;
}

std::vector<StoredVariable> all_variables(const ModelFile& file) {
  std::vector<StoredVariable> all = file.variables;
  std::unordered_set<const Variable*> known;
  for (const StoredVariable& v : all) known.insert(v.variable.get());
  for (const NamedFunction& f : file.functions) {
    for (const auto& v : f.function->variables()) {
      if (known.insert(v.get()).second) all.push_back({v, Role::kState, false});
    }
  }
  return all;
}

Json strings_json(const std::vector<std::string>& strings) {
  Json list = Json::array();
  for (const std::string& s : strings) list.push_back(s);
  return list;
}

Json functions_json(const ModelFile& file, const std::vector<StoredVariable>& variables,
                    std::vector<Tensor>& constants) {
  std::unordered_map<const Variable*, std::int64_t> index;
  for (const StoredVariable& v : variables) {
    index.emplace(v.variable.get(), static_cast<std::int64_t>(index.size()));
  }
  Json functions = Json::array();
  for (const NamedFunction& f : file.functions) {
    Json slots = Json::array();
    for (const auto& v : f.function->variables()) slots.push_back(index.at(v.get()));
    Json entry = Json::object();
    entry.set("name", f.name);
    entry.set("variables", std::move(slots));
    entry.set("graph", graph_to_json(f.function->graph(), constants));
    functions.push_back(std::move(entry));
  }
  return functions;
}

// --- reading -------------------------------------------------------------------------------------

using Tensors = std::unordered_map<std::string_view, const FileTensor*>;

// Each tensor is used once, so that no file needs more memory than its own size.
const FileTensor& take_tensor(Tensors& tensors, const std::string& name) {
  const auto at = tensors.find(name);
  if (at == tensors.end())
    bad(concat("there is no tensor ", quoted(name), ", or it is used twice"));
  const FileTensor& found = *at->second;
  tensors.erase(at);
  return found;
}

std::vector<std::string> strings_from(const Json& json) {
  std::vector<std::string> strings;
  for (const Json& s : json.items()) strings.push_back(s.as_string());
  return strings;
}

StoredVariable variable_from(const std::shared_ptr<Context>& context, const Json& json,
                             Tensors& tensors) {
  const FileTensor& t = take_tensor(tensors, json.at("tensor").as_string());
  StoredVariable v;
  v.role = role_from(json.at("role").as_string());
  v.trainable = json.at("trainable").as_bool();
  v.variable = std::make_shared<Variable>(context, json.at("name").as_string(), t.type);
  v.variable->copy_from_host(t.data.data());
  return v;
}

std::shared_ptr<Function> function_from(const std::shared_ptr<Context>& context, const Json& json,
                                        const std::vector<StoredVariable>& variables,
                                        const std::vector<Tensor>& constants) {
  std::vector<std::shared_ptr<Variable>> slots;
  for (const Json& slot : json.at("variables").items()) {
    const std::int64_t i = slot.as_int();
    if (i < 0 || i >= static_cast<std::int64_t>(variables.size())) {
      bad(concat("variable ", i, " of ", variables.size(), " does not exist"));
    }
    slots.push_back(variables[static_cast<std::size_t>(i)].variable);
  }
  Graph graph = graph_from_json(json.at("graph"), constants);
  return std::make_shared<Function>(context, std::move(graph), std::move(slots));
}

ModelFile build(const std::shared_ptr<Context>& context, std::string_view bytes) {
  const TensorFile parsed = parse_tensor_file(bytes);
  const Json* text = parsed.metadata.find("model");
  if (text == nullptr) bad("no nnseq model file: it has no model");
  const Json model = Json::parse(text->as_string(), std::size_t{800'000} + bytes.size() / 20);
  Tensors tensors;
  for (const FileTensor& t : parsed.tensors) tensors.emplace(t.name, &t);

  ModelFile file;
  file.name = model.at("name").as_string();
  file.classes = strings_from(model.at("classes"));
  for (const Json& v : model.at("variables").items()) {
    file.variables.push_back(variable_from(context, v, tensors));
  }
  std::vector<Tensor> constants;
  const auto host = make_cpu_device();
  for (const std::string& name : strings_from(model.at("constants"))) {
    const FileTensor& t = take_tensor(tensors, name);
    constants.emplace_back(host, t.type).copy_from_host(t.data.data());
  }
  for (const Json& f : model.at("functions").items()) {
    const std::string& name = f.at("name").as_string();
    if (file.find(name) != nullptr) bad(concat("there are two functions ", quoted(name)));
    try {
      file.functions.push_back({name, function_from(context, f, file.variables, constants)});
    } catch (const Error& e) {
      bad(concat("function ", quoted(name), ": ", e.what()));
    }
  }
  if (const Json* config = parsed.metadata.find("config")) file.config = config->as_string();
  return file;
}

}  // namespace

Function* ModelFile::find(const std::string& name) const {
  for (const NamedFunction& f : functions) {
    if (f.name == name) return f.function.get();
  }
  return nullptr;
}

void save_model_file(const std::string& path, const ModelFile& file) {
  Contents contents;
  const std::vector<StoredVariable> variables = all_variables(file);
  Json list = Json::array();
  for (const StoredVariable& v : variables) {
    const TensorType& type = v.variable->type();
    Json entry = Json::object();
    entry.set("name", v.variable->name());
    entry.set("tensor", contents.add(v.variable->name(), type, bytes_of(*v.variable, type)));
    entry.set("role", std::string(kRoleNames[static_cast<std::size_t>(v.role)]));
    entry.set("trainable", v.trainable);
    list.push_back(std::move(entry));
  }
  std::vector<Tensor> constants;
  Json functions = functions_json(file, variables, constants);
  Json constant_names = Json::array();
  for (const Tensor& c : constants) {
    constant_names.push_back(contents.add("constant", c.type(), bytes_of(c, c.type())));
  }
  Json model = Json::object();
  model.set("name", file.name);
  model.set("classes", strings_json(file.classes));
  model.set("variables", std::move(list));
  model.set("constants", std::move(constant_names));
  model.set("functions", std::move(functions));
  Json metadata = Json::object();
  metadata.set("model", model.dump());
  if (!file.config.empty()) metadata.set("config", file.config);
  contents.write(path, std::move(metadata));
}

ModelFile load_model_file(const std::shared_ptr<Context>& context, const void* data,
                          std::size_t size, const std::string& name) {
  try {
    return build(context, {static_cast<const char*>(data), size});
  } catch (const Error& e) {  // of any kind: shape rules and the verifier speak of values
    const ErrorKind kind = e.kind() == ErrorKind::kMemory ? e.kind() : ErrorKind::kFile;
    throw Error(kind, one_line(concat(name, ": ", e.what())));
  }
}

ModelFile load_model_file(const std::shared_ptr<Context>& context, const std::string& path) {
  const FileBytes file(path);
  return load_model_file(context, file.view().data(), file.view().size(), path);
}

}  // namespace nnseq
