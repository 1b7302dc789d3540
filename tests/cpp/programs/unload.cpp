// A host that loads the library, predicts from four threads and lets it go, over and over:
// unload LIBRARY MODEL ROUNDS [KEPT]. MODEL: (N, 6) float32 -> (N, 3). Prints how many results
// differed. KEPT is a library that stays loaded: libgomp forgets 8 bytes whenever it is loaded.
#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "nnseq/nnseq_c.h"

namespace {

constexpr int kThreads = 4, kRows = 40;
using Result = std::array<float, kRows * 3>;

[[noreturn]] void fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  std::exit(1);
}

template <class Fn>
Fn* find(void* library, const char* name, Fn*) {
  void* const symbol = dlsym(library, name);
  if (symbol == nullptr) fail(name, dlerror());
  Fn* fn;
  std::memcpy(&fn, &symbol, sizeof fn);
  return fn;
}
#define FIND(name) find(library, #name, static_cast<decltype(&name)>(nullptr))

// What four threads predict with a context of two threads.
std::array<Result, kThreads> predict(void* library, const char* path) {
  const auto run = FIND(nnseq_model_predict);
  nnseq_error e{};
  nnseq_context_options options{};
  options.size = sizeof options;
  options.threads = 2;
  nnseq_context* context = nullptr;
  nnseq_model* model = nullptr;
  if (FIND(nnseq_context_create)(&options, &context, &e) != NNSEQ_OK) fail("context", e.message);
  if (FIND(nnseq_model_load)(context, path, &model, &e) != NNSEQ_OK) fail("model", e.message);
  std::array<Result, kThreads> results{};
  std::vector<std::thread> threads;
  for (Result& result : results) {
    threads.emplace_back([&run, &result, model] {
      float x[kRows][6];
      for (int i = 0; i < kRows; ++i) {
        for (int k = 0; k < 6; ++k) x[i][k] = static_cast<float>((i * 7 + k * 3) % 11) - 5;
      }
      const nnseq_array input{x, NNSEQ_FLOAT32, 2, {kRows, 6}};
      void* const output = result.data();
      nnseq_error error{};
      if (run(model, &input, 1, &output, 1, 16, &error) != NNSEQ_OK) fail("run", error.message);
    });
  }
  for (std::thread& thread : threads) thread.join();
  FIND(nnseq_model_destroy)(model);
  FIND(nnseq_context_destroy)(context);
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) return 2;
  if (argc == 5 && dlopen(argv[4], RTLD_NOW) == nullptr) fail(argv[4], dlerror());
  int different = 0;
  Result first{};
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    void* const library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail(argv[1], dlerror());
    const auto results = predict(library, argv[2]);
    if (round == 0) first = results[0];
    for (const Result& result : results) different += result != first;
    if (dlclose(library) != 0) fail("dlclose", dlerror());
    if (dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != nullptr) fail(argv[1], "is still loaded");
  }
  std::printf("%d of the results differed\n", different);
  return different != 0;
}
