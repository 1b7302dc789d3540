// The extension module: a table of contents.
#include "bindings/core.h"
#include "nnseq/version.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of nnseq: graphs, Programs and the Variables that they run on.";
  m.attr("__version__") = NNSEQ_VERSION;
  nnseq::python::bind_errors(m);
  nnseq::python::bind_context(m);
  nnseq::python::bind_tensor(m);
  nnseq::python::bind_graph(m);
  nnseq::python::bind_function(m);
  nnseq::python::bind_model_file(m);
}
