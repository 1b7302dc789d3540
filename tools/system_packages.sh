#!/bin/sh
# Checks what must come from the system: `system_packages.sh run|test|clang|fuzz|aarch64|valgrind`.
# As root the missing packages are installed; otherwise prints the one line to type and fails.
python=${PYTHON:-python3}
missing=""
need() { missing="$missing $1"; }

command -v g++ >/dev/null || need g++
"$python" -c 'import venv, ensurepip' 2>/dev/null || need python3-venv
"$python" -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' \
  2>/dev/null || need python3-dev
if [ "$1" != run ]; then
  echo '#include <gtest/gtest.h>' | g++ -E -x c++ - >/dev/null 2>&1 || need libgtest-dev
  echo '#include <benchmark/benchmark.h>' | g++ -E -x c++ - >/dev/null 2>&1 || need libbenchmark-dev
fi
if [ "$1" = clang ] || [ "$1" = fuzz ]; then
  command -v clang++ >/dev/null || need clang
fi
if [ "$1" = fuzz ]; then  # the sanitizers' own libraries
  echo 'int main() {}' | clang++ -fsanitize=address -x c++ - -o /dev/null 2>/dev/null ||
    need libclang-rt-dev
fi
if [ "$1" = aarch64 ]; then
  command -v aarch64-linux-gnu-g++ >/dev/null || need g++-aarch64-linux-gnu
  command -v qemu-aarch64 >/dev/null || need qemu-user
fi
if [ "$1" = valgrind ]; then
  command -v valgrind >/dev/null || need valgrind
fi
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
  # ccache is welcome, not needed.
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing || exit 1
  command -v ccache >/dev/null || apt-get install -y -qq --no-install-recommends ccache || true
else
  echo "Missing packages; type: sudo apt-get install -y$missing" >&2
  exit 1
fi
