#include "cpu/sort.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "cpu/convert.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

// True when a stands before b in ascending order, NaN last.
template <class T>
bool before(T a, T b) {
  return a < b || (b != b && a == a);
}

// The index decides between equal elements: a total order, which std::sort keeps in place.
template <class T>
void sort_row(const T* x, int64_t n, bool descending, std::int32_t* out) {
  std::iota(out, out + n, 0);
  std::sort(out, out + n, [&](std::int32_t i, std::int32_t j) {
    const T a = descending ? x[j] : x[i], b = descending ? x[i] : x[j];
    return before(a, b) || (!before(b, a) && i < j);
  });
}

// What a running sum is held in.
template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template <class T>
void cumsum_typed(const Exec& exec, int64_t outer, int64_t n, int64_t inner, const T* x, T* out) {
  constexpr int64_t kColumns = 16;
  const int64_t blocks = (inner + kColumns - 1) / kColumns;
  exec.parallel_for(outer * blocks, n * std::min(inner, kColumns), [&](int64_t task, int) {
    const int64_t first = task % blocks * kColumns, width = std::min(kColumns, inner - first);
    const int64_t start = task / blocks * n * inner + first;
    Sum<T> sum[kColumns] = {};
    for (int64_t k = 0; k < n; ++k) {
      for (int64_t c = 0; c < width; ++c) {
        sum[c] += static_cast<Sum<T>>(x[start + k * inner + c]);
        out[start + k * inner + c] = static_cast<T>(sum[c]);
      }
    }
  });
}

}  // namespace

void arg_sort(const Exec& exec, int64_t rows, int64_t n, bool descending, const TensorRef& x,
              const TensorRef& out) noexcept {
  with_type(x.type->dtype, [&]<class T>(T) {
    exec.parallel_for(rows, 16 * n, [&](int64_t row, int) {
      sort_row(x.as<T>() + row * n, n, descending, out.as<std::int32_t>() + row * n);
    });
  });
}

void cumsum(const Exec& exec, int64_t outer, int64_t n, int64_t inner, const TensorRef& x,
            const TensorRef& out) noexcept {
  with_type(x.type->dtype,
            [&]<class T>(T) { cumsum_typed(exec, outer, n, inner, x.as<T>(), out.as<T>()); });
}

}  // namespace nnseq::cpu
