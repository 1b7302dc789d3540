# make run        train on handwritten digits and draw the result into out/
# make test       every check and test (at most 20 minutes on two cores)
# make test-long  large counts, sanitizers, clang; SHARD=k/n runs the k-th of n parts
# make bench      the benchmarks;  make format  formats all sources;  make stubs  _core.pyi
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
JOBS ?= $(shell nproc)
SHARD ?= 1/1
export PYTHON JOBS SHARD
# Environment settings of the user must not decide what the tests see.
unexport PYTHONPATH PYTHONHOME NNSEQ_ISA NNSEQ_NUM_THREADS NNSEQ_VERBOSE

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
NVCC ?= $(shell command -v nvcc 2>/dev/null)
# With the compiler that the tests support `make run` has their flags, so that they reuse its objects.
RUN_FLAGS := $(if $(filter 12,$(shell g++ -dumpversion 2>/dev/null)),-DNNSEQ_WERROR=ON)

.PHONY: run test test-long bench build build-tests format stubs check cpp-tests py-tests \
        cuda-check clean

run: build
	$(BIN)/python examples/digits.py

test: check cpp-tests cuda-check py-tests

test-long: build-tests
	tools/test_long.sh

bench: build-tests
	build/bench/nnseq_bench

# --- environment: stamps say what was installed, so that it happens once -------------------------
$(VENV)/.run: pyproject.toml
	tools/system_packages.sh run
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PYTHON) tools/requirements.py build demo > $(VENV)/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r $(VENV)/run.txt
	$(BIN)/python tools/develop.py
	touch $@

$(VENV)/.test: $(VENV)/.run
	tools/system_packages.sh test
	$(BIN)/python tools/requirements.py build demo test > $(VENV)/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r $(VENV)/test.txt
	touch $@

# --- build ---------------------------------------------------------------------------------------
build: $(VENV)/.run
	test -e build/build.ninja || tools/configure.sh build $(RUN_FLAGS)
	$(BIN)/cmake --build build -j $(JOBS) --target _core

build-tests: $(VENV)/.test
	tools/configure.sh build -DNNSEQ_BUILD_TESTS=ON -DNNSEQ_BUILD_BENCH=ON -DNNSEQ_WERROR=ON
	$(BIN)/cmake --build build -j $(JOBS)

# --- checks and tests ----------------------------------------------------------------------------
CXX_FILES = git ls-files -co --exclude-standard '*.c' '*.cpp' '*.h' '*.cu' '*.cuh'

check: $(VENV)/.test
	$(CXX_FILES) | xargs $(BIN)/clang-format --dry-run -Werror
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/layering.py

cpp-tests: build-tests
	build/tests/cpp/nnseq_tests --gtest_brief=1

py-tests: build-tests
	$(BIN)/python -m pytest -m "not long" tests/differential  # has processes of its own
	$(BIN)/python -m pytest -m "not long" -n $(JOBS) --dist loadfile --ignore tests/differential

cuda-check: $(VENV)/.test
	tools/cuda_check.sh $(NVCC)

format: $(VENV)/.test
	$(CXX_FILES) | xargs $(BIN)/clang-format -i
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stubs: build-tests
	$(BIN)/python tools/stubs.py

clean:
	rm -rf build build-* out
