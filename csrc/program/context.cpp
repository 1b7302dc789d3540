#include "nnseq/context.h"

#include <cstdlib>

#include "cpu/kernel_table.h"
#include "nnseq/error.h"
#include "program/context_impl.h"

namespace nnseq {

namespace {

ThreadBackend backend_from(const std::string& name) {
  if (name.empty()) return kDefaultBackend;
  if (name == "openmp") return ThreadBackend::kOpenMP;
  if (name == "std") return ThreadBackend::kStdThread;
  throw Error(ErrorKind::kValue, "unknown thread back end '" + name + "'; use 'openmp' or 'std'");
}

std::shared_ptr<Device> device_from(const std::string& name, const AllocatorHook& allocator) {
  if (name == "cpu") return make_cpu_device(allocator);
  if (name == "mirror") return make_mirror_device();
  throw Error(ErrorKind::kValue, "unknown device '" + name + "'; use 'cpu' or 'mirror'");
}

}  // namespace

Context::Context(const ContextOptions& options)
    : impl_(std::make_unique<Impl>(options.threads, backend_from(options.thread_backend))) {
  std::string isa = options.isa;
  if (const char* env = std::getenv("NNSEQ_ISA"); isa.empty() && env != nullptr) isa = env;
  impl_->kernels = isa.empty() ? &cpu::best_kernel_table() : &cpu::kernel_table(isa);
  impl_->allocator = options.allocator;
  impl_->seed = options.seed;
  impl_->device = device_from(options.device, options.allocator);
  impl_->log = options.log;
  impl_->pool.set_hook(options.parallel_for);
}

Context::~Context() = default;

int Context::threads() const { return impl_->pool.threads(); }

void Context::set_threads(int threads) {
  if (threads < 1) {
    throw Error(ErrorKind::kValue,
                "the number of threads must be at least 1, got " + std::to_string(threads));
  }
  std::lock_guard guard(impl_->running);
  impl_->pool.set_threads(threads);
}

void Context::set_thread_backend(const std::string& name) {
  impl_->pool.set_backend(backend_from(name));
}

std::string Context::isa() const { return impl_->kernels->isa; }

std::vector<std::string> Context::available_isas() {
  std::vector<std::string> names;
  for (std::string_view name : cpu::available_isas()) names.emplace_back(name);
  return names;
}

std::uint64_t Context::seed() const { return impl_->seed; }

std::string Context::device() const { return impl_->current_device()->name(); }

void Context::set_cancelled(bool cancelled) noexcept { impl_->cancelled.store(cancelled); }

void Context::set_device(const std::string& name) {
  auto device = device_from(name, impl_->allocator);
  std::lock_guard guard(impl_->mutex);
  impl_->device = std::move(device);
}

}  // namespace nnseq
