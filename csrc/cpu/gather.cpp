#include "cpu/gather.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

class Indices {
 public:
  explicit Indices(const TensorRef& t)
      : data_(t.data), wide_(t.type->dtype == DType::kInt64), count_(t.count()) {}
  int64_t count() const { return count_; }
  int64_t operator[](int64_t i) const {
    return wide_ ? static_cast<const int64_t*>(data_)[i]
                 : static_cast<const std::int32_t*>(data_)[i];
  }
  // The index, checked; a bad one is reported and read as 0.
  int64_t checked(const Exec& exec, int64_t i, int64_t bound) const {
    const int64_t v = (*this)[i];
    if (v >= 0 && v < bound) return v;
    if (exec.status) exec.status->report(exec.step, {i, v, bound});
    return 0;
  }

 private:
  const void* data_;
  bool wide_;
  int64_t count_;
};

}  // namespace

void gather(const Exec& exec, int64_t outer, int64_t size, int64_t inner, const TensorRef& table,
            const TensorRef& indices, const TensorRef& out) noexcept {
  const Indices index(indices);
  const int64_t count = index.count();
  const int64_t row = inner * static_cast<int64_t>(size_of(table.type->dtype));  // bytes
  const int64_t per_task = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(row, 64));
  const int64_t tasks = (count + per_task - 1) / per_task;
  exec.parallel_for(outer * tasks, 3000, [&](int64_t task, int) {
    const int64_t o = task / tasks, first = task % tasks * per_task;
    const int64_t end = std::min(count, first + per_task);
    for (int64_t i = first; i < end; ++i) {
      const int64_t from = index.checked(exec, i, size);
      if (size == 0 || row == 0) continue;
      std::memcpy(out.as<char>() + (o * count + i) * row,
                  table.as<char>() + (o * size + from) * row, static_cast<std::size_t>(row));
    }
  });
}

// Each task owns a range of rows of one outer slice and walks all indices, so additions to a row
// keep their order whatever the threads.
void scatter_add(const Exec& exec, int64_t outer, int64_t size, int64_t inner, const float* x,
                 int64_t rows, const TensorRef& indices, float* out) noexcept {
  constexpr int64_t kSieve = 512;
  const Indices index(indices);
  const int64_t count = index.count();
  const auto add = exec.kernels->vector.binary[static_cast<int>(BinaryFn::kAdd)];
  const int64_t repeat = count / std::max<int64_t>(rows, 1);
  const bool small = count * inner < 16384 && size * inner < 65536;
  const int64_t ranges = small ? 1 : std::min<int64_t>(size, 16);
  const int64_t cost = (count * (inner / 10 + 4) + size * inner / 20) / ranges;
  exec.parallel_for(outer * ranges, cost, [&](int64_t task, int) {
    const int64_t o = task / ranges, part = task % ranges;
    const int64_t begin = size * part / ranges, end = size * (part + 1) / ranges;
    float* slice = out + o * size * inner;
    std::fill(slice + begin * inner, slice + end * inner, 0.0f);
    // First the indices of this range, without a branch to mispredict, then their rows.
    for (int64_t first = 0; first < count; first += kSieve) {
      int64_t hits[kSieve], n = 0;
      for (int64_t i = first; i < std::min(count, first + kSieve); ++i) {
        const int64_t to = part == 0 ? index.checked(exec, i, size) : index[i];
        const int64_t row = to < 0 || to >= size ? 0 : to;
        hits[n] = i;
        n += row >= begin && row < end;
      }
      for (int64_t h = 0; h < n; ++h) {
        const int64_t to = index[hits[h]], row = to < 0 || to >= size ? 0 : to;
        float* y = slice + row * inner;
        add(inner, y, 1, x + (o * rows + hits[h] / repeat) * inner, 1, y);
      }
    }
  });
}

void one_hot(const Exec& exec, int64_t depth, const TensorRef& indices, float* out) noexcept {
  const Indices index(indices);
  const int64_t per_task = std::max<int64_t>(1, 8192 / std::max<int64_t>(depth, 1));
  const int64_t count = index.count();
  exec.parallel_for((count + per_task - 1) / per_task, 1000, [&](int64_t task, int) {
    const int64_t first = task * per_task, end = std::min(count, first + per_task);
    std::fill(out + first * depth, out + end * depth, 0.0f);
    for (int64_t i = first; i < end; ++i) {
      if (index[i] >= 0 && index[i] < depth) out[i * depth + index[i]] = 1.0f;
    }
  });
}

}  // namespace nnseq::cpu
