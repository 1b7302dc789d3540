// The model file: Functions, Variables and texts by name.
#include "nnseq/model_file.h"

#include "bindings/core.h"

namespace nnseq::python {

namespace {

using Names = std::vector<std::string>;

Role role_from(const std::string& name) {
  for (std::size_t i = 0; i < std::size(kRoleNames); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  throw Error(ErrorKind::kValue, "unknown role '" + name + "'");
}

// The same Function under other names of its inputs and outputs.
std::shared_ptr<Function> renamed(const Function& f, const Names& inputs, const Names& outputs) {
  Graph graph = f.graph();
  if (inputs.size() != graph.inputs().size() || outputs.size() != graph.outputs().size()) {
    throw Error(ErrorKind::kValue, "one name per input and output is needed");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) graph.name_input(i, inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) graph.name_output(i, outputs[i]);
  return std::make_shared<Function>(context(), std::move(graph), f.variables());
}

}  // namespace

void bind_model_file(py::module_& m) {
  py::class_<ModelFile>(m, "ModelFile", "What a model file `.nnseq` holds.")
      .def(py::init([](std::string name) {
             ModelFile file;
             file.name = std::move(name);
             return file;
           }),
           py::arg("name"))
      .def_readonly("name", &ModelFile::name)
      .def_readwrite("classes", &ModelFile::classes)
      .def_readwrite("config", &ModelFile::config, "The Keras configuration as JSON, or ''.")
      .def(
          "add_function",
          [](ModelFile& file, std::string name, const Function& f, const Names& inputs,
             const Names& outputs) {
            file.functions.push_back({std::move(name), renamed(f, inputs, outputs)});
          },
          py::arg("name"), py::arg("function"), py::arg("inputs"), py::arg("outputs"))
      .def(
          "add_variable",
          [](ModelFile& file, std::shared_ptr<Variable> v, const std::string& role, bool trained) {
            file.variables.push_back({std::move(v), role_from(role), trained});
          },
          py::arg("variable"), py::arg("role"), py::arg("trainable") = false,
          "role: 'weight', 'state', 'optimizer' or 'metric'.")
      .def_property_readonly("functions",
                             [](const ModelFile& file) {
                               std::vector<std::pair<std::string, std::shared_ptr<Function>>> list;
                               for (const NamedFunction& f : file.functions) {
                                 list.emplace_back(f.name, f.function);
                               }
                               return list;
                             })
      .def_property_readonly(
          "variables",
          [](const ModelFile& file) {
            std::vector<std::tuple<std::shared_ptr<Variable>, std::string, bool>> list;
            for (const StoredVariable& v : file.variables) {
              list.emplace_back(v.variable, kRoleNames[static_cast<std::size_t>(v.role)],
                                v.trainable);
            }
            return list;
          },
          "(Variable, role, trainable) of each.")
      .def(
          "save",
          [](const ModelFile& file, const std::string& path) {
            py::gil_scoped_release release;
            save_model_file(path, file);
          },
          py::arg("path"), "Writes the file, whole or not at all.")
      .def_static(
          "load",
          [](const std::string& path) {
            py::gil_scoped_release release;
            return load_model_file(context(), path);
          },
          py::arg("path"), "Reads a file. Raises: ModelFileError, of one line.");
}

}  // namespace nnseq::python
