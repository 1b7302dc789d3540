// Graphs: what a trace writes. A value is an int, node * 2^20 + output, so that output k of a node
// is its first value + k.
#include "bindings/core.h"

namespace nnseq::python {

namespace {

constexpr std::int64_t kOutputs = std::int64_t{1} << 20;

std::int64_t to_int(Value v) { return v.node * kOutputs + v.out; }

Value from_int(const Graph& g, std::int64_t i) {
  const Value v{static_cast<std::int32_t>(i / kOutputs), static_cast<std::int32_t>(i % kOutputs)};
  if (i < 0 || v.node >= static_cast<int>(g.nodes().size()) ||
      v.out >= static_cast<int>(g.node(v).outputs.size())) {
    throw Error(ErrorKind::kValue, "not a value of this graph: " + std::to_string(i));
  }
  return v;
}

std::vector<Value> from_ints(const Graph& g, const std::vector<std::int64_t>& ints) {
  std::vector<Value> values;
  for (std::int64_t i : ints) values.push_back(from_int(g, i));
  return values;
}

Tensor host_tensor(const py::array& array) {
  static const auto* const host = new Context(ContextOptions{1, "", "cpu", "std"});
  const DType dtype = dtype_of(array);
  const py::array plain = contiguous(array, dtype);
  Shape shape;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) shape.push_back(array.shape(i));
  return make_tensor(*host, {dtype, shape}, plain.data());
}

py::tuple names(std::span<const std::string_view> list) {
  py::tuple t(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) t[i] = py::str(std::string(list[i]));
  return t;
}

py::list ints_of(const std::vector<Value>& values) {
  py::list ints;
  for (Value v : values) ints.append(to_int(v));
  return ints;
}

py::tuple producer(const Graph& g, std::int64_t value) {
  const Node& n = g.node(from_int(g, value));
  return py::make_tuple(std::string(name_of(n.op)), ints_of(n.inputs), attrs_to_dict(n.attrs));
}

}  // namespace

void bind_graph(py::module_& m) {
  m.attr("op_names") = names(kOpNames);
  m.attr("unary_names") = names(kUnaryNames);
  m.attr("binary_names") = names(kBinaryNames);
  m.attr("HOST_SIZE") = kHostSize;

  py::class_<Graph, std::shared_ptr<Graph>>(m, "Graph", "A traced program: nodes, slots, outputs.")
      .def(py::init<>())
      .def(
          "input",
          [](Graph& g, std::string name, const std::string& dtype, const py::object& shape) {
            return to_int(g.input(std::move(name), {dtype_from_name(dtype), shape_from(shape)}));
          },
          py::arg("name"), py::arg("dtype"), py::arg("shape"))
      .def(
          "constant",
          [](Graph& g, const py::array& a) { return to_int(g.constant(host_tensor(a))); },
          py::arg("array"))
      .def(
          "scalar",
          [](Graph& g, double value, const std::string& dtype) {
            return to_int(g.scalar(value, dtype_from_name(dtype)));
          },
          py::arg("value"), py::arg("dtype"))
      .def(
          "add",
          [](Graph& g, const std::string& op, const std::vector<std::int64_t>& inputs,
             const py::dict& attrs) {
            const Op o = op_from_name(op);
            return to_int(g.add(o, from_ints(g, inputs), attrs_from(o, attrs)));
          },
          py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict(),
          "Appends a node and returns its first output.")
      .def(
          "num_outputs",
          [](const Graph& g, std::int64_t v) { return g.node(from_int(g, v)).outputs.size(); },
          py::arg("value"))
      .def(
          "add_slot",
          [](Graph& g, std::string name, const std::string& dtype, const py::object& shape) {
            return g.add_slot({std::move(name), {dtype_from_name(dtype), shape_from(shape)}});
          },
          py::arg("name"), py::arg("dtype"), py::arg("shape"))
      .def(
          "read", [](Graph& g, int slot) { return to_int(g.read(slot)); }, py::arg("slot"))
      .def(
          "assign", [](Graph& g, int slot, std::int64_t v) { g.assign(slot, from_int(g, v)); },
          py::arg("slot"), py::arg("value"))
      .def(
          "set_scope", [](Graph& g, const std::string& scope) { g.set_scope(scope); },
          py::arg("scope"))
      .def(
          "add_output",
          [](Graph& g, std::int64_t v, std::string name) {
            g.add_output(from_int(g, v), std::move(name));
          },
          py::arg("value"), py::arg("name") = "")
      .def(
          "shape",
          [](const Graph& g, std::int64_t v) { return to_tuple(g.type(from_int(g, v)).shape); },
          py::arg("value"))
      .def(
          "dtype",
          [](const Graph& g, std::int64_t v) {
            return std::string(name_of(g.type(from_int(g, v)).dtype));
          },
          py::arg("value"))
      .def("producer", &producer, py::arg("value"), "(op, inputs, attrs) of the value's node.")
      .def(
          "depends_on",
          [](const Graph& g, std::int64_t target, std::int64_t source) {
            return g.depends_on(from_int(g, target), from_int(g, source));
          },
          py::arg("target"), py::arg("source"),
          "Whether target depends on source in a differentiable way.")
      .def(
          "scope",
          [](const Graph& g, std::int64_t v) { return g.scope_of(g.node(from_int(g, v))); },
          py::arg("value"), "The layer that made the value's node.")
      .def_property_readonly(
          "inputs", [](const Graph& g) { return ints_of(g.inputs()); }, "The value of each.")
      .def_property_readonly(
          "outputs",
          [](const Graph& g) {
            py::list list;
            for (const Output& o : g.outputs()) list.append(to_int(o.value));
            return list;
          },
          "The value of each.")
      .def_property_readonly("num_nodes", [](const Graph& g) { return g.nodes().size(); })
      .def("__str__", [](const Graph& g) { return to_string(g); });
}

}  // namespace nnseq::python
