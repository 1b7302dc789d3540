// Tensors and Variables, and their conversions from and to NumPy.
#include <cstring>

#include "bindings/core.h"

namespace nnseq::python {

Shape shape_from(const py::handle& dims) {
  Shape shape;
  for (py::handle d : py::cast<py::sequence>(dims)) {
    const std::int64_t dim = d.is_none() ? kUnknown : py::cast<std::int64_t>(d);
    if (!d.is_none() && dim < 0) throw Error(ErrorKind::kValue, "a dimension is negative");
    shape.push_back(dim);
  }
  return shape;
}

py::tuple to_tuple(const Shape& shape) {
  py::tuple t(shape.rank());
  for (int i = 0; i < shape.rank(); ++i) {
    t[static_cast<std::size_t>(i)] =
        shape[i] < 0 ? py::object(py::none()) : py::object(py::int_(shape[i]));
  }
  return t;
}

DType dtype_from_name(const std::string& name) {
  if (auto t = dtype_from(name)) return *t;
  throw Error(ErrorKind::kType,
              "unknown dtype '" + name + "'; use float32, float64, int32, int64, uint8 or bool");
}

py::dtype numpy_dtype(DType dtype) { return py::dtype(std::string(name_of(dtype))); }

DType dtype_of(const py::array& array) {
  const char kind = array.dtype().kind();
  const auto size = array.dtype().itemsize();
  if (kind == 'f' && size == 4) return DType::kFloat32;
  if (kind == 'f' && size == 8) return DType::kFloat64;
  if (kind == 'i' && size == 4) return DType::kInt32;
  if (kind == 'i' && size == 8) return DType::kInt64;
  if (kind == 'u' && size == 1) return DType::kUInt8;
  if (kind == 'b') return DType::kBool;
  throw Error(ErrorKind::kType,
              "arrays of dtype " + py::cast<std::string>(py::str(array.dtype())) +
                  " are not supported; use float32, float64, int32, int64, uint8 or bool");
}

py::array contiguous(const py::array& array, DType dtype) {
  const bool right = array.dtype().kind() == numpy_dtype(dtype).kind() &&
                     array.dtype().itemsize() == static_cast<py::ssize_t>(size_of(dtype)) &&
                     array.dtype().byteorder() != '>' && (array.flags() & py::array::c_style) != 0;
  if (right) return array;
  return py::module_::import("numpy").attr("ascontiguousarray")(array, numpy_dtype(dtype));
}

namespace {

Shape shape_of(const py::array& array) {
  Shape shape;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) shape.push_back(array.shape(i));
  return shape;
}

}  // namespace

HostArray host_array(const py::array& array) {
  HostArray a;
  a.data = array.data();
  a.kind = array.dtype().kind();
  a.item_size = static_cast<int>(array.dtype().itemsize());
  a.swapped = array.dtype().byteorder() == '>';
  a.shape = shape_of(array);
  for (py::ssize_t i = 0; i < array.ndim(); ++i) a.strides.push_back(array.strides(i));
  return a;
}

Tensor to_tensor(const py::array& array) {
  const DType dtype = dtype_of(array);
  const TensorType type{dtype, shape_of(array)};
  const py::array plain = contiguous(array, dtype);
  return make_tensor(*context(), type, plain.data());
}

py::array to_numpy(const Tensor& tensor) {
  std::vector<py::ssize_t> shape(tensor.shape().begin(), tensor.shape().end());
  py::array array(numpy_dtype(tensor.dtype()), shape);
  tensor.copy_to_host(array.mutable_data());
  return array;
}

namespace {

// Contiguous host data of exactly this type, or the error that names both.
py::array value_for(const Variable& v, const py::array& array) {
  const Shape shape = shape_of(array);
  if (!(shape == v.type().shape)) {
    throw Error(ErrorKind::kValue, "variable '" + v.name() + "' has shape " +
                                       to_string(v.type().shape) + ", got " + to_string(shape));
  }
  return contiguous(array, v.type().dtype);
}

}  // namespace

void bind_tensor(py::module_& m) {
  py::class_<Tensor>(m, "Tensor", "An immutable array in the core's memory.")
      .def(py::init([](const py::array& array) { return to_tensor(array); }), py::arg("array"))
      .def_property_readonly("shape", [](const Tensor& t) { return to_tuple(t.shape()); })
      .def_property_readonly("dtype",
                             [](const Tensor& t) { return std::string(name_of(t.dtype())); })
      .def("numpy", &to_numpy, "A new array with the values.");

  py::class_<Variable, std::shared_ptr<Variable>>(m, "Variable",
                                                  "Storage that Functions read and write.")
      .def(py::init([](const py::array& array, std::string name) {
             const DType dtype = dtype_of(array);
             auto v = std::make_shared<Variable>(context(), std::move(name),
                                                 TensorType{dtype, shape_of(array)});
             v->copy_from_host(contiguous(array, dtype).data());
             return v;
           }),
           py::arg("array"), py::arg("name") = "")
      .def_property("name", &Variable::name, &Variable::set_name)
      .def_property_readonly("shape", [](const Variable& v) { return to_tuple(v.type().shape); })
      .def_property_readonly("dtype",
                             [](const Variable& v) { return std::string(name_of(v.type().dtype)); })
      .def_property_readonly("version", &Variable::version, "Counts writes.")
      .def("numpy",
           [](const Variable& v) {
             std::vector<py::ssize_t> shape(v.type().shape.begin(), v.type().shape.end());
             py::array array(numpy_dtype(v.type().dtype), shape);
             void* data = array.mutable_data();
             py::gil_scoped_release release;
             v.copy_to_host(data);
             return array;
           })
      .def("value",
           [](const Variable& v) {
             std::vector<char> host(static_cast<std::size_t>(v.type().bytes()));
             py::gil_scoped_release release;
             v.copy_to_host(host.data());
             return make_tensor(*context(), v.type(), host.data());
           })
      .def(
          "assign",
          [](Variable& v, const py::array& array) {
            const py::array plain = value_for(v, array);
            const void* data = plain.data();
            py::gil_scoped_release release;
            v.copy_from_host(data);
          },
          py::arg("value"))
      .def(
          "assign",
          [](Variable& v, const Tensor& t) { v.copy_from_host(value_for(v, to_numpy(t)).data()); },
          py::arg("value"));

  m.def("group_variables", &group_variables, py::arg("trainable"), py::arg("others"),
        py::call_guard<py::gil_scoped_release>(),
        "Moves trainable Variables into one arena and all of them under one lock.");
}

}  // namespace nnseq::python
