// The vector kernels: elements per second in L1, in cache and in memory, and the cost of a call.
#include "cpu/elementwise.h"

#include <string>
#include <vector>

#include "cpu/layout.h"
#include "cpu/random.h"
#include "cpu/reduce.h"
#include "kernel_bench.h"

namespace nnseq::bench {
namespace {

using std::int64_t;

void count(benchmark::State& state, int64_t elements) {
  state.SetItemsProcessed(state.iterations() * elements);
}

ChainInstr unary(UnaryFn fn, int a) {
  return {ChainInstr::Kind::kUnary,
          static_cast<std::uint8_t>(fn),
          static_cast<std::int16_t>(a),
          0,
          0,
          0.3f};
}
ChainInstr binary(BinaryFn fn, int a, int b) {
  return {ChainInstr::Kind::kBinary,
          static_cast<std::uint8_t>(fn),
          static_cast<std::int16_t>(a),
          static_cast<std::int16_t>(b),
          0,
          0};
}

// One function over n elements; n = 8 is the price of a call.
void run_unary(benchmark::State& state, UnaryFn fn) {
  const int64_t n = state.range(0);
  Machine machine(1);
  Floats x(n), y(n);
  const TensorType type{DType::kFloat32, {n}};
  const TensorRef in{x.data(), &type}, out{y.data(), &type};
  const ChainInstr code = unary(fn, 0);
  for (auto _ : state) cpu::run_chain(machine.exec(), &code, 1, &in, 1, out);
  count(state, n);
}

const int kRegistered = [] {
#define NNSEQ_UNARY(name, Struct) \
  benchmark::RegisterBenchmark("unary/" #name, run_unary, UnaryFn::k##Struct)->Arg(4096);
#include "nnseq/functions.def"
  benchmark::RegisterBenchmark("unary/relu", run_unary, UnaryFn::kRelu)->Arg(8)->Arg(1 << 24);
  return 0;
}();

// relu(x + row) * column over (rows, cols), as the fusion pass makes it.
void broadcast_chain(benchmark::State& state) {
  const int64_t rows = state.range(0), cols = state.range(1);
  Machine machine(static_cast<int>(state.range(2)));
  Floats x(rows * cols), row(cols), column(rows), y(rows * cols);
  const TensorType type{DType::kFloat32, {rows, cols}}, row_type{DType::kFloat32, {cols}};
  const TensorType column_type{DType::kFloat32, {rows, 1}};
  const TensorRef in[] = {
      {x.data(), &type}, {row.data(), &row_type}, {column.data(), &column_type}};
  const ChainInstr code[] = {binary(BinaryFn::kAdd, 0, 1), unary(UnaryFn::kRelu, 3),
                             binary(BinaryFn::kMultiply, 4, 2)};
  const TensorRef out{y.data(), &type};
  for (auto _ : state) cpu::run_chain(machine.exec(), code, 3, in, 3, out);
  count(state, rows * cols);
}
BENCHMARK(broadcast_chain)
    ->Args({128, 10, 1})
    ->Args({128, 784, 1})
    ->Args({1024, 784, 2})
    ->Args({8, 1, 1});

void reduce(benchmark::State& state) {
  const int64_t rows = state.range(0), cols = state.range(1);
  const auto axes = static_cast<std::uint32_t>(state.range(2));
  Machine machine(1);
  Floats x(rows * cols), y(std::max(rows, cols));
  const TensorType type{DType::kFloat32, {rows, cols}};
  const TensorType out_type{DType::kFloat32, {axes == 1 ? cols : axes == 2 ? rows : 1}};
  Floats scratch(static_cast<int64_t>(cpu::reduce_scratch(type, axes, ReduceFn::kSum)) / 4 + 1);
  for (auto _ : state) {
    cpu::reduce(machine.exec(), {x.data(), &type}, axes, ReduceFn::kSum, {y.data(), &out_type},
                scratch.data());
  }
  count(state, rows * cols);
}
BENCHMARK(reduce)
    ->Args({32, 512, 1})
    ->Args({32, 512, 2})
    ->Args({100000, 16, 1})
    ->Args({1000, 1000, 3});

void dropout(benchmark::State& state) {
  const int64_t samples = state.range(0), elements = state.range(1);
  Machine machine(1);
  Floats x(samples * elements), y(samples * elements);
  for (auto _ : state) {
    cpu::dropout(machine.exec(), {1, 2, 3, 4}, 0.5f, samples, elements, x.data(), y.data());
  }
  count(state, samples * elements);
}
BENCHMARK(dropout)->Args({32, 512})->Args({32, 10});

void normal(benchmark::State& state) {
  Machine machine(1);
  Floats y(65536);
  for (auto _ : state) {
    cpu::random_fill(machine.exec(), {}, RandomDist::kNormal, 0, 1, 1, 65536, y.data());
  }
  count(state, 65536);
}
BENCHMARK(normal);

void transpose(benchmark::State& state) {
  const int64_t rows = state.range(0), cols = state.range(1);
  Machine machine(1);
  Floats x(rows * cols), y(rows * cols);
  const TensorType type{DType::kFloat32, {rows, cols}}, out_type{DType::kFloat32, {cols, rows}};
  const int perm[] = {1, 0};
  for (auto _ : state) {
    cpu::transpose(machine.exec(), {x.data(), &type}, perm, {y.data(), &out_type});
  }
  count(state, rows * cols);
}
BENCHMARK(transpose)->Args({64, 64})->Args({512, 784})->Args({4096, 4096});

}  // namespace
}  // namespace nnseq::bench
