#include "ir/op_table.h"

#include <algorithm>
#include <type_traits>

namespace nnseq {

namespace {

// Calls f(Dims&) for each list of sizes in the attributes.
template <class AnyAttrs, class F>
void each_dims(AnyAttrs& attrs, F f) {
  std::visit(
      [&f](auto& a) {
        a.visit([&f](const char*, auto& field) {
          if constexpr (std::is_same_v<
                            std::remove_const_t<std::remove_reference_t<decltype(field)>>, Dims>) {
            f(field);
          }
        });
      },
      attrs);
}

}  // namespace

bool is_public(Op op) {
  constexpr bool kPublic = true, kInternal = false;
  static constexpr bool kTable[] = {
#define NNSEQ_OP(name, AttrsType, visibility, mode) visibility,
#include "nnseq/ops.def"
  };
  static_assert(kPublic && !kInternal);
  return kTable[static_cast<int>(op)];
}

int num_host_operands(const Attrs& attrs) {
  std::int64_t count = 0;
  each_dims(attrs, [&](const Dims& dims) {
    for (std::int64_t d : dims) {
      if (d <= kHostSize) count = std::max(count, kHostSize - d + 1);
    }
  });
  return static_cast<int>(count);
}

void resolve_host_sizes(Attrs& attrs, std::span<const std::int64_t> host) {
  each_dims(attrs, [&](Dims& dims) {
    for (std::int64_t& d : dims) {
      if (d <= kHostSize) d = host[static_cast<std::size_t>(kHostSize - d)];
    }
  });
}

}  // namespace nnseq
