// Compiled without ISA flags, so that it runs on every machine.
#include <string>

#include "cpu/isa/fill.h"
#include "cpu/kernel_table.h"
#include "nnseq/error.h"

namespace nnseq::cpu {
namespace {

struct Isa {
  const char* name;
  bool (*supported)();
  const KernelTable& (*table)();
};

#define NNSEQ_TABLE(ns)                   \
  []() -> const KernelTable& {            \
    static const KernelTable table = [] { \
      KernelTable t{};                    \
      t.isa = #ns;                        \
      ns::fill_gemm(t);                   \
      ns::fill_conv(t);                   \
      ns::fill_winograd(t);               \
      ns::fill_pool(t);                   \
      ns::fill_recurrent(t);              \
      ns::fill_vector(t);                 \
      return t;                           \
    }();                                  \
    return table;                         \
  }

// __builtin_cpu_supports asks cpuid and xgetbv (does the system keep the wide registers).
constexpr Isa kIsas[] = {
#if defined(NNSEQ_HAVE_X86)
    {"avx512",
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("fma");
     },
     NNSEQ_TABLE(avx512)},
    {"avx2", [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); },
     NNSEQ_TABLE(avx2)},
#elif defined(NNSEQ_HAVE_NEON)
    {"neon", [] { return true; }, NNSEQ_TABLE(neon)},
#endif
    {"scalar", [] { return true; }, NNSEQ_TABLE(scalar)},
};
#undef NNSEQ_TABLE

}  // namespace

std::vector<std::string_view> available_isas() {
  std::vector<std::string_view> names;
  for (const Isa& isa : kIsas) {
    if (isa.supported()) names.emplace_back(isa.name);
  }
  return names;
}

const KernelTable& best_kernel_table() { return kernel_table(available_isas().front()); }

const KernelTable& kernel_table(std::string_view name) {
  if (name.empty()) return best_kernel_table();
  std::string known;
  for (const Isa& isa : kIsas) {
    if (!isa.supported()) continue;
    if (name == isa.name) return isa.table();
    known += std::string(known.empty() ? "" : ", ") + isa.name;
  }
  throw Error(ErrorKind::kValue,
              "unknown ISA \"" + std::string(name) + "\"; this machine has " + known);
}

}  // namespace nnseq::cpu
