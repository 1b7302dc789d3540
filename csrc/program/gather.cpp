#include "program/gather.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace nnseq {

namespace {

template <class T>
T load(const char* p, bool swapped) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, p, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// IEEE half to float, by its bits.
struct Half {
  std::uint16_t bits;
};
float widen(Half h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
  const std::uint32_t exponent = h.bits >> 10 & 0x1Fu, mantissa = h.bits & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t exp32 = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | exp32 << 23 | mantissa << 13);
}

// To the nearest value that To has, so that an index out of range stays out of range; NaN is the
// least one.
template <class To, class From>
To convert(From x) {
  using Limits = std::numeric_limits<To>;
  if constexpr (std::is_same_v<From, Half>) {
    return convert<To>(widen(x));
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(x);
  } else if constexpr (std::is_floating_point_v<From>) {
    if (!(x > static_cast<From>(Limits::min()))) return Limits::min();
    return x >= static_cast<From>(Limits::max()) ? Limits::max() : static_cast<To>(x);
  } else {
    if (std::cmp_less(x, Limits::min())) return Limits::min();
    return std::cmp_greater(x, Limits::max()) ? Limits::max() : static_cast<To>(x);
  }
}

// One contiguous-or-strided run of `n` elements.
using Run = void (*)(const char* src, std::int64_t stride, bool swapped, std::int64_t n, char* dst);

template <class To, class From>
void run(const char* src, std::int64_t stride, bool swapped, std::int64_t n, char* dst) {
  auto* out = reinterpret_cast<To*>(dst);
  for (std::int64_t i = 0; i < n; ++i) out[i] = convert<To>(load<From>(src + i * stride, swapped));
}

template <class From>
void run_bool(const char* src, std::int64_t stride, bool swapped, std::int64_t n, char* dst) {
  for (std::int64_t i = 0; i < n; ++i) {
    dst[i] = convert<double>(load<From>(src + i * stride, swapped)) != 0 ? 1 : 0;
  }
}

template <class From>
Run run_to(DType to) {
  switch (to) {
    case DType::kFloat32:
      return run<float, From>;
    case DType::kFloat64:
      return run<double, From>;
    case DType::kInt32:
      return run<std::int32_t, From>;
    case DType::kInt64:
      return run<std::int64_t, From>;
    case DType::kUInt8:
      return run<std::uint8_t, From>;
    case DType::kBool:
      return run_bool<From>;
  }
  return nullptr;
}

Run run_for(const HostArray& a, DType to) {
  switch (a.kind) {
    case 'f':
      return a.item_size == 2   ? run_to<Half>(to)
             : a.item_size == 4 ? run_to<float>(to)
             : a.item_size == 8 ? run_to<double>(to)
                                : nullptr;
    case 'i':
      return a.item_size == 1   ? run_to<std::int8_t>(to)
             : a.item_size == 2 ? run_to<std::int16_t>(to)
             : a.item_size == 4 ? run_to<std::int32_t>(to)
             : a.item_size == 8 ? run_to<std::int64_t>(to)
                                : nullptr;
    case 'u':
      return a.item_size == 1   ? run_to<std::uint8_t>(to)
             : a.item_size == 2 ? run_to<std::uint16_t>(to)
             : a.item_size == 4 ? run_to<std::uint32_t>(to)
             : a.item_size == 8 ? run_to<std::uint64_t>(to)
                                : nullptr;
    case 'b':
      return run_to<std::uint8_t>(to);
    default:
      return nullptr;
  }
}

bool same_kind(const HostArray& a, DType t) {
  switch (t) {
    case DType::kFloat32:
      return a.kind == 'f' && a.item_size == 4;
    case DType::kFloat64:
      return a.kind == 'f' && a.item_size == 8;
    case DType::kInt32:
      return a.kind == 'i' && a.item_size == 4;
    case DType::kInt64:
      return a.kind == 'i' && a.item_size == 8;
    case DType::kUInt8:
      return a.kind == 'u' && a.item_size == 1;
    case DType::kBool:
      return a.kind == 'b';
  }
  return false;
}

// Copies one row: an odometer over the axes behind the first, the last one by `step`.
void copy_row(const HostArray& a, const char* src, Run step, std::int64_t elements,
              std::size_t out_size, char* dst) {
  const int rank = a.shape.rank();
  if (rank == 1) return step(src, 0, a.swapped, 1, dst);
  const std::int64_t inner = a.shape[rank - 1];
  std::int64_t at[kMaxRank] = {};
  for (std::int64_t done = 0; done < elements; done += inner) {
    step(src, a.strides[static_cast<std::size_t>(rank - 1)], a.swapped, inner, dst);
    dst += static_cast<std::size_t>(inner) * out_size;
    for (int d = rank - 2; d >= 1; --d) {
      src += a.strides[static_cast<std::size_t>(d)];
      if (++at[d] < a.shape[d]) break;
      src -= a.strides[static_cast<std::size_t>(d)] * a.shape[d];
      at[d] = 0;
    }
  }
}

bool rows_contiguous(const HostArray& a) {
  std::int64_t stride = a.item_size;
  for (int d = a.shape.rank() - 1; d >= 1; --d) {
    if (a.shape[d] != 1 && a.strides[static_cast<std::size_t>(d)] != stride) return false;
    stride *= a.shape[d];
  }
  return true;
}

}  // namespace

void expect_feedable(const HostArray& array, const TensorType& type, const std::string& name) {
  if (run_for(array, type.dtype) == nullptr) {
    throw Error(ErrorKind::kType, "input '" + name + "': dtype kind '" + array.kind + "' of " +
                                      std::to_string(array.item_size) + " bytes is not supported");
  }
  bool fits = array.shape.rank() == type.shape.rank() && array.shape.rank() > 0;
  for (int d = 1; fits && d < type.shape.rank(); ++d) {
    fits = type.shape[d] < 0 || type.shape[d] == array.shape[d];
  }
  if (!fits) {
    throw Error(ErrorKind::kValue, "input '" + name + "': expected shape " + to_string(type.shape) +
                                       ", got " + to_string(array.shape));
  }
}

bool is_direct(const HostArray& a, DType dtype) {
  if (a.swapped || !same_kind(a, dtype) || !rows_contiguous(a)) return false;
  std::int64_t row = a.item_size;
  for (int d = 1; d < a.shape.rank(); ++d) row *= a.shape[d];
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(a.data) % static_cast<std::uintptr_t>(a.item_size) == 0;
  return aligned && (a.shape[0] <= 1 || a.strides[0] == row);
}

void gather_rows(const Exec& exec, const HostArray& a, const std::int64_t* rows, std::int64_t first,
                 std::int64_t count, DType dtype, void* out) {
  std::int64_t elements = 1;
  for (int d = 1; d < a.shape.rank(); ++d) elements *= a.shape[d];
  const std::size_t row_bytes = static_cast<std::size_t>(elements) * size_of(dtype);
  const bool plain = !a.swapped && same_kind(a, dtype) && rows_contiguous(a);
  const Run step = run_for(a, dtype);
  auto one = [&](std::int64_t i) {
    const std::int64_t row = rows != nullptr ? rows[i] : first + i;
    const char* src = static_cast<const char*>(a.data) + row * a.strides[0];
    char* dst = static_cast<char*>(out) + static_cast<std::size_t>(i) * row_bytes;
    if (plain) {
      std::memcpy(dst, src, row_bytes);
    } else {
      copy_row(a, src, step, elements, size_of(dtype), dst);
    }
  };
  constexpr std::int64_t kRowsPerBlock = 16;
  const std::int64_t blocks = (count + kRowsPerBlock - 1) / kRowsPerBlock;
  const std::int64_t cost = kRowsPerBlock * (10 + elements / (plain ? 8 : 1));
  exec.parallel_for(blocks, cost, [&](std::int64_t block, int) {
    const std::int64_t end = std::min(count, (block + 1) * kRowsPerBlock);
    for (std::int64_t i = block * kRowsPerBlock; i < end; ++i) one(i);
  });
}

}  // namespace nnseq
