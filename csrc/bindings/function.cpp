// Functions and Programs: running what was traced, without the GIL.
#include "bindings/core.h"

namespace nnseq::python {

namespace {

// Runs f without the GIL; what a signal handler raised meanwhile is raised here.
template <class F>
auto run_released(SignalHook& signals, F f) {
  try {
    py::gil_scoped_release release;
    return f();
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) signals.rethrow();
    throw;
  }
}

py::array array_from(const py::handle& h) {
  auto a = py::array::ensure(h);
  if (!a) throw py::error_already_set();
  return a;
}

Shape shape_of(const py::array& a) {
  Shape shape;
  for (py::ssize_t d = 0; d < a.ndim(); ++d) shape.push_back(a.shape(d));
  return shape;
}

std::vector<Tensor> call_on_tensors(const Function& f, const py::args& inputs) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (py::isinstance<Tensor>(inputs[i])) {
      tensors.push_back(py::cast<const Tensor&>(inputs[i]));
    } else {
      const DType dtype = f.graph().type(f.graph().inputs().at(i)).dtype;
      tensors.push_back(to_tensor(contiguous(array_from(inputs[i]), dtype)));
    }
  }
  SignalHook signals;
  return run_released(signals, [&] { return f.run(tensors, signals.hook()); });
}

void expect_inputs(const Function& f, const py::args& inputs) {
  const auto wanted = f.graph().inputs().size();
  if (inputs.size() != wanted) {
    throw Error(ErrorKind::kValue, "takes " + std::to_string(wanted) + " inputs, got " +
                                       std::to_string(inputs.size()));
  }
}

std::vector<Tensor> call(const Function& f, const py::args& inputs) {
  const auto& wanted = f.graph().inputs();
  expect_inputs(f, inputs);
  if (context()->device() != "cpu") return call_on_tensors(f, inputs);
  std::vector<Function::HostInput> host;
  std::vector<py::array> keep;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (py::isinstance<Tensor>(inputs[i])) {
      const auto& t = py::cast<const Tensor&>(inputs[i]);
      if (std::string_view(t.device()) != "cpu") return call_on_tensors(f, inputs);
      host.push_back({t.data(), t.type()});
      continue;
    }
    const DType dtype = f.graph().type(wanted[i]).dtype;
    keep.push_back(contiguous(array_from(inputs[i]), dtype));
    host.push_back({keep.back().data(), {dtype, shape_of(keep.back())}});
  }
  SignalHook signals;
  return run_released(signals, [&] { return f.run(host, signals.hook()); });
}

Profile profile(const Function& f, const py::args& inputs, int runs) {
  const auto& wanted = f.graph().inputs();
  expect_inputs(f, inputs);
  std::vector<Function::HostInput> host;
  std::vector<py::array> keep;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const DType dtype = f.graph().type(wanted[i]).dtype;
    keep.push_back(contiguous(array_from(inputs[i]), dtype));
    host.push_back({keep.back().data(), {dtype, shape_of(keep.back())}});
  }
  SignalHook signals;
  return run_released(signals, [&] { return f.profile(host, runs, signals.hook()); });
}

using ShuffleArg = std::optional<std::pair<std::uint64_t, std::uint64_t>>;

// The caller's output arrays are written in place: they must be contiguous, of the right dtype.
std::vector<void*> output_addresses(const Function& f, const std::vector<py::array>& outputs) {
  const auto& wanted = f.graph().outputs();
  if (outputs.size() != wanted.size()) {
    throw Error(ErrorKind::kValue, "writes " + std::to_string(wanted.size()) + " outputs, got " +
                                       std::to_string(outputs.size()) + " arrays");
  }
  std::vector<void*> addresses;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorType& type = f.graph().type(wanted[i].value);
    const py::array& a = outputs[i];
    if (dtype_of(a) != type.dtype || !(a.flags() & py::array::c_style) ||
        a.ndim() != type.shape.rank()) {
      throw Error(ErrorKind::kValue, "output array " + std::to_string(i) + " must be contiguous " +
                                         std::string(name_of(type.dtype)) + " like " +
                                         to_string(type.shape));
    }
    addresses.push_back(const_cast<py::array&>(a).mutable_data());
  }
  return addresses;
}

std::vector<Tensor> run_steps(const Function& f, const std::vector<py::array>& arrays,
                              std::int64_t batch_size, std::int64_t first_step,
                              std::int64_t num_steps, const ShuffleArg& shuffle,
                              const std::optional<std::vector<py::array>>& outputs) {
  std::vector<HostArray> host;
  for (const py::array& a : arrays) host.push_back(host_array(a));
  StepRange range{batch_size, first_step, num_steps, std::nullopt};
  if (shuffle) range.shuffle = Shuffle{shuffle->first, shuffle->second};
  std::vector<void*> addresses;
  if (outputs) {
    addresses = output_addresses(f, *outputs);
    for (const py::array& a : *outputs) {
      if (!arrays.empty() && a.shape(0) < arrays[0].shape(0)) {
        throw Error(ErrorKind::kValue, "an output array has fewer rows than the data");
      }
    }
  }
  SignalHook signals;
  return run_released(signals, [&] { return f.run_steps(host, range, addresses, signals.hook()); });
}

std::vector<TensorType> types_for(const Function& f, const std::vector<py::object>& shapes) {
  const auto& inputs = f.graph().inputs();
  if (shapes.size() != inputs.size()) throw Error(ErrorKind::kValue, "one shape per input");
  std::vector<TensorType> types;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    types.push_back({f.graph().type(inputs[i]).dtype, shape_from(shapes[i])});
  }
  return types;
}

// (name, dtype, shape) of the inputs.
py::list inputs_of(const Function& f) {
  const Graph& g = f.graph();
  py::list list;
  for (Value v : g.inputs()) {
    const TensorType& type = g.type(v);
    list.append(py::make_tuple(g.node(v).as<InputAttrs>().name, std::string(name_of(type.dtype)),
                               to_tuple(type.shape)));
  }
  return list;
}

py::list outputs_of(const Function& f) {
  py::list list;
  for (const Output& o : f.graph().outputs()) {
    const TensorType& type = f.graph().type(o.value);
    list.append(py::make_tuple(o.name, std::string(name_of(type.dtype)), to_tuple(type.shape)));
  }
  return list;
}

}  // namespace

void bind_function(py::module_& m) {
  py::class_<Program, std::shared_ptr<Program>>(m, "Program", "A Function for concrete shapes.")
      .def_property_readonly("num_nodes", [](const Program& p) { return p.graph().nodes().size(); })
      .def_property_readonly("num_steps", &Program::num_steps)
      .def_property_readonly("arena_bytes", &Program::arena_bytes)
      .def_property_readonly("scratch_bytes", &Program::scratch_bytes)
      .def_property_readonly("specialise_seconds", &Program::specialise_seconds)
      .def("__str__", &Program::to_string);

  py::class_<Profile> profile_class(m, "Profile",
                                    "What the steps of a Program are and how long they took.");
  py::class_<Profile::Row>(profile_class, "Row", "Steps that are equal but for their data.")
      .def_readonly("layer", &Profile::Row::layer)
      .def_readonly("op", &Profile::Row::op)
      .def_readonly("shapes", &Profile::Row::shapes)
      .def_readonly("kernel", &Profile::Row::kernel, "What runs, with its choices.")
      .def_readonly("refused", &Profile::Row::refused, "Why nothing faster does, or empty.")
      .def_readonly("steps", &Profile::Row::steps, "How many there are in one run.")
      .def_readonly("flops", &Profile::Row::flops, "Of one run; 0: bytes are what counts.")
      .def_readonly("bytes", &Profile::Row::bytes, "Read and written at least, in one run.")
      .def_readonly("seconds", &Profile::Row::seconds, "Of one run, the mean.");
  profile_class.def_readonly("rows", &Profile::rows)
      .def_readonly("seconds", &Profile::seconds, "Of one run, the mean.")
      .def_readonly("runs", &Profile::runs)
      .def_readonly("isa", &Profile::isa)
      .def_readonly("memory", &Profile::memory, "Bytes of activations and scratch.")
      .def_property_readonly("title", &Profile::title)
      .def_property_readonly("header", [](const Profile&) { return Profile::header(); })
      .def_property_readonly("cells", &Profile::cells)
      .def("__str__", &Profile::to_string);

  py::class_<Function, std::shared_ptr<Function>>(m, "Function",
                                                  "A traced Graph bound to Variables.")
      .def(py::init([](const Graph& graph, std::vector<std::shared_ptr<Variable>> variables) {
             return std::make_shared<Function>(context(), graph, std::move(variables));
           }),
           py::arg("graph"), py::arg("variables"))
      .def_property_readonly("inputs", &inputs_of, "(name, dtype, shape) of each.")
      .def_property_readonly("outputs", &outputs_of, "(name, dtype, shape) of each.")
      .def_property_readonly(
          "graph", [](const Function& f) { return f.graph(); }, "A copy.")
      .def_property_readonly(
          "variables", [](const Function& f) { return f.variables(); }, "One for each slot.")
      .def("__call__", &call, "One run; commits what the graph assigns.")
      .def("profile", &profile, py::arg("runs") = 10,
           "Times every step: the mean of `runs` runs, which commit what the graph assigns.")
      .def("run_steps", &run_steps, py::arg("arrays"), py::arg("batch_size"), py::arg("first_step"),
           py::arg("num_steps"), py::arg("shuffle") = py::none(), py::arg("outputs") = py::none(),
           "Steps over rows of the arrays; returns the outputs of the last step, or writes rows "
           "into `outputs`.")
      .def(
          "program",
          [](const Function& f, const std::vector<py::object>& shapes) {
            return std::const_pointer_cast<Program>(f.program(types_for(f, shapes)));
          },
          py::arg("shapes"));

  m.def(
      "eager",
      [](const std::string& op, const std::vector<Tensor>& inputs, const py::dict& attrs) {
        static auto* const ops = new EagerOps(context());
        const Op o = op_from_name(op);
        const Attrs a = attrs_from(o, attrs);
        py::gil_scoped_release release;
        return ops->run(o, inputs, a);
      },
      py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict(), "Runs one op on tensors.");
}

}  // namespace nnseq::python
