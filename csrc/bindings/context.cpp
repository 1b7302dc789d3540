// Errors, and the settings of the process' Context.
#include <cstdlib>
#include <string_view>

#include "bindings/core.h"

namespace nnseq::python {

namespace {

// NNSEQ_VERBOSE=1: what the steps of each Program are and took goes to Python's stderr.
ContextOptions options_of_process() {
  ContextOptions options;
  const char* verbose = std::getenv("NNSEQ_VERBOSE");
  if (verbose != nullptr && std::string_view(verbose) != "" && std::string_view(verbose) != "0") {
    options.log = [](const std::string& text) {
      py::gil_scoped_acquire gil;
      try {
        py::print("nnseq: " + text, py::arg("file") = py::module_::import("sys").attr("stderr"));
      } catch (py::error_already_set& e) {
        e.discard_as_unraisable("nnseq: NNSEQ_VERBOSE");
      }
    };
  }
  return options;
}

}  // namespace

const std::shared_ptr<Context>& context() {
  // Never destroyed: threads may still run when the interpreter goes.
  static const auto* const shared =
      new std::shared_ptr<Context>(std::make_shared<Context>(options_of_process()));
  return *shared;
}

void bind_errors(py::module_& m) {
  static py::handle file_error =
      py::exception<Error>(m, "ModelFileError", PyExc_ValueError).release();
  static py::handle finite_error =
      py::exception<NotFiniteError>(m, "NotFiniteError", PyExc_FloatingPointError).release();
  finite_error.attr("step") = 0;
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const NotFiniteError& e) {
      py::object error = finite_error(e.what());
      error.attr("step") = e.step;
      PyErr_SetObject(finite_error.ptr(), error.ptr());
    } catch (const Error& e) {
      PyObject* type = PyExc_RuntimeError;
      switch (e.kind()) {
        case ErrorKind::kValue:
          type = PyExc_ValueError;
          break;
        case ErrorKind::kType:
          type = PyExc_TypeError;
          break;
        case ErrorKind::kUnsupported:
          type = PyExc_NotImplementedError;
          break;
        case ErrorKind::kMemory:
          type = PyExc_MemoryError;
          break;
        case ErrorKind::kFile:
          type = file_error.ptr();
          break;
        case ErrorKind::kCancelled:
          type = PyExc_KeyboardInterrupt;
          break;
        case ErrorKind::kNotFinite:
        case ErrorKind::kInternal:
          break;
      }
      PyErr_SetString(type, e.what());
    }
  });
}

void bind_context(py::module_& m) {
  m.def(
      "set_num_threads", [](int n) { context()->set_threads(n); }, py::arg("n"),
      py::call_guard<py::gil_scoped_release>(), "Threads used by every op from now on.");
  m.def("num_threads", [] { return context()->threads(); });
  m.def(
      "set_thread_backend", [](const std::string& n) { context()->set_thread_backend(n); },
      py::arg("name"), "'openmp' or 'std'.");
  m.def(
      "isa", [] { return context()->isa(); }, "The kernel table in use.");
  m.def("available_isas", &Context::available_isas);
  m.def("device", [] { return context()->device(); });
  m.def(
      "set_device", [](const std::string& n) { context()->set_device(n); }, py::arg("name"),
      "'cpu', or 'mirror' for tests; for tensors and Variables made afterwards.");
  m.def(
      "shuffle_order",
      [](std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
        return py::array_t<std::int64_t>(py::cast(sample_order(seed, epoch, n)));
      },
      py::arg("seed"), py::arg("epoch"), py::arg("n"),
      "The order of n samples in an epoch: a pure function of its arguments.");
}

void SignalHook::rethrow() {
  if (raised_) throw py::error_already_set(std::move(*raised_));
}

bool SignalHook::poll(void* self) {
  py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() == 0) return false;
  static_cast<SignalHook*>(self)->raised_ = std::make_unique<py::error_already_set>();
  return true;
}

}  // namespace nnseq::python
