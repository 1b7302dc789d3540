#!/bin/sh
# Configures a build of this checkout: `configure.sh BUILD_DIR [cmake arguments]`. A build puts
# _core and libnnseq into python/nnseq unless the arguments say otherwise.
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.venv
build=$1
shift
[ -x "$venv/bin/pybind11-config" ] &&
  set -- "-Dpybind11_DIR=$("$venv/bin/pybind11-config" --cmakedir)" "$@"
command -v ccache >/dev/null && [ -z "${CCACHE_DISABLE:-}" ] &&
  set -- -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@"
PATH=$venv/bin:$PATH
exec cmake -S "$root" -B "$build" -G Ninja "-DPython_EXECUTABLE=$venv/bin/python" \
  "-DNNSEQ_PYTHON_DIR=$root/python/nnseq" "$@"
