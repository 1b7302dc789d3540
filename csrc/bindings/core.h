// What the binding files share: the one Context of the Python process, and conversions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "nnseq/eager.h"
#include "nnseq/graph.h"
#include "nnseq/program.h"

namespace nnseq::python {

namespace py = pybind11;

// Lives as long as the process: the core has no globals, Python's modules are.
const std::shared_ptr<Context>& context();

Shape shape_from(const py::handle& dims);  // None: unknown
py::tuple to_tuple(const Shape& shape);
DType dtype_from_name(const std::string& name);
py::dtype numpy_dtype(DType dtype);
DType dtype_of(const py::array& array);  // TypeError for what the core does not hold
py::array to_numpy(const Tensor& tensor);
Tensor to_tensor(const py::array& array);
// A contiguous array of the core's dtype and byte order; the same object where it is one already.
py::array contiguous(const py::array& array, DType dtype);
HostArray host_array(const py::array& array);

Attrs attrs_from(Op op, const py::dict& dict);
py::dict attrs_to_dict(const Attrs& attrs);
Op op_from_name(const std::string& name);

// Checks for signals while the core runs without the GIL; keeps what the handler raised.
class SignalHook {
 public:
  RunHook hook() { return {&poll, this}; }
  void rethrow();  // under the GIL, after Error(kCancelled)

 private:
  static bool poll(void* self);
  std::unique_ptr<py::error_already_set> raised_;
};

void bind_errors(py::module_& m);
void bind_context(py::module_& m);
void bind_tensor(py::module_& m);
void bind_graph(py::module_& m);
void bind_function(py::module_& m);
void bind_model_file(py::module_& m);

}  // namespace nnseq::python
