// Predicts at a fixed period and proves that nothing allocates: real_time MODEL [PERIODS]
// Every allocation of the process is counted: malloc and its kin, which operator new uses too, are
// replaced by functions that count (glibc).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <vector>

#include "nnseq/nnseq.h"

namespace {

std::atomic<long> allocations{0};

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) { return ++allocations, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return ++allocations, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return ++allocations, __libc_realloc(p, n); }
void* aligned_alloc(std::size_t a, std::size_t n) { return ++allocations, __libc_memalign(a, n); }
}

namespace {

using Clock = std::chrono::steady_clock;

// Returns how many allocations were made while predicting.
long run(const char* path, int periods) {
  constexpr auto kPeriod = std::chrono::milliseconds(1);
  nnseq::ContextOptions options;
  options.threads = 1;  // no other thread can be late
  const auto model = nnseq::Model::load(path, std::make_shared<nnseq::Context>(options));
  nnseq::Predictor predictor = model.prepare(1);
  std::vector<float> in(static_cast<std::size_t>(predictor.inputs().at(0).count()));
  std::vector<float> out(static_cast<std::size_t>(predictor.outputs().at(0).count()));
  predictor.run(in.data(), out.data());  // touches the memory

  double longest = 0, sum = 0;
  const long before = allocations.load();
  auto next = Clock::now();
  for (int i = 0; i < periods; ++i) {
    for (std::size_t k = 0; k < in.size(); ++k) {
      in[k] = std::sin(0.01f * static_cast<float>(i) + static_cast<float>(k));
    }
    const auto start = Clock::now();
    predictor.run(in.data(), out.data());
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    longest = std::max(longest, took.count());
    sum += took.count();
    next += kPeriod;
    std::this_thread::sleep_until(next);
  }
  const long made = allocations.load() - before;
  std::printf("%d predictions: mean %.1f us, longest %.1f us, %ld allocations\n", periods,
              sum / periods, longest, made);
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: real_time MODEL [PERIODS]\n");
    return 2;
  }
  try {
    return run(argv[1], argc > 2 ? std::atoi(argv[2]) : 1000) == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "real_time: %s\n", e.what());
    return 1;
  }
}
