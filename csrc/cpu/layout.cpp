// Every function here is a walk: the output in order, the input by strides (or the other way for
// pad), with the innermost dim as the loop and the elements as bytes of their size.
#include "cpu/layout.h"

#include <algorithm>
#include <cstring>

#include "cpu/broadcast.h"
#include "cpu/convert.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

constexpr int64_t kTaskElements = 8192;

// Calls f(T{}) with an unsigned type of the element's size.
template <class F>
void with_size(DType dtype, F&& f) {
  switch (size_of(dtype)) {
    case 1:
      return f(std::uint8_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

void contiguous_strides(const Shape& shape, int64_t* strides) {
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

template <class T>
void copy_run(T* dst, int64_t dst_step, const T* src, int64_t src_step, int64_t n) {
  if (dst_step == 1 && src_step == 1) {
    std::memcpy(dst, src, static_cast<std::size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * dst_step] = src[i * src_step];
  }
}

// dst[walk.strides[0]] = src[walk.strides[1]] over the walk, by rows.
template <class T>
void copy_walk(const Exec& exec, const Walk<2>& walk, const T* src, T* dst) {
  const int64_t inner = walk.inner(), rows = walk.rows();
  if (inner == 0 || rows == 0) return;
  const int64_t dst_step = walk.strides[0][walk.rank - 1];
  const int64_t src_step = walk.strides[1][walk.rank - 1];
  const int64_t pieces = (inner + kTaskElements - 1) / kTaskElements;
  const int64_t per_task = std::max<int64_t>(1, kTaskElements / inner);
  const int64_t groups = (rows + per_task - 1) / per_task;
  exec.parallel_for(groups * pieces, 3000, [&](int64_t task, int) {
    const int64_t first = task / pieces * per_task, end = std::min(rows, first + per_task);
    const int64_t begin = task % pieces * kTaskElements;
    const int64_t n = std::min(kTaskElements, inner - begin);
    for (int64_t row = first; row < end; ++row) {
      copy_run(dst + walk.offset(0, row) + begin * dst_step, dst_step,
               src + walk.offset(1, row) + begin * src_step, src_step, n);
    }
  });
}

void copy_strided(const Exec& exec, const Shape& shape, DType dtype, const void* src,
                  const int64_t* src_strides, int64_t src_begin, void* dst,
                  const int64_t* dst_strides, int64_t dst_begin) {
  Walk<2> walk;
  std::copy_n(dst_strides, shape.rank(), walk.strides[0]);
  std::copy_n(src_strides, shape.rank(), walk.strides[1]);
  walk.collapse(shape, 2);
  with_size(dtype, [&]<class T>(T) {
    copy_walk(exec, walk, static_cast<const T*>(src) + src_begin, static_cast<T*>(dst) + dst_begin);
  });
}

// (rows, cols) -> (cols, rows) in tiles that stay in L1.
template <class T>
void transpose_tile(const Exec& exec, int64_t rows, int64_t cols, const T* src, int64_t src_ld,
                    T* dst, int64_t dst_ld) {
  if constexpr (sizeof(T) == 4) {
    exec.kernels->vector.transpose(rows, cols, reinterpret_cast<const float*>(src), src_ld,
                                   reinterpret_cast<float*>(dst), dst_ld);
  } else {
    for (int64_t c = 0; c < cols; ++c) {
      for (int64_t r = 0; r < rows; ++r) dst[c * dst_ld + r] = src[r * src_ld + c];
    }
  }
}

// The input is contiguous along dim `along`, the output along the last: a batch of 2-D transposes
// (rows, cols) -> (cols, rows) with rows the last dim and cols dim `along`.
template <class T>
void transpose_walk(const Exec& exec, const Walk<2>& walk, int along, const T* src, T* dst) {
  constexpr int64_t kTile = 64;
  const int last = walk.rank - 1;
  const int64_t rows = walk.dims[last], src_ld = walk.strides[1][last];
  const int64_t cols = walk.dims[along], dst_ld = walk.strides[0][along];
  const int64_t row_tiles = (rows + kTile - 1) / kTile, col_tiles = (cols + kTile - 1) / kTile;
  int64_t batch = 1;
  for (int i = 0; i < last; ++i) batch *= i == along ? 1 : walk.dims[i];
  const int64_t cost = std::min(rows, kTile) * std::min(cols, kTile) / 4 + 10;
  exec.parallel_for(batch * row_tiles * col_tiles, cost, [&](int64_t task, int) {
    const int64_t r = task % row_tiles * kTile, c = task / row_tiles % col_tiles * kTile;
    int64_t index = task / row_tiles / col_tiles;
    int64_t from = r * src_ld + c, to = c * dst_ld + r;
    for (int i = last - 1; i >= 0; --i) {
      if (i == along) continue;
      from += index % walk.dims[i] * walk.strides[1][i];
      to += index % walk.dims[i] * walk.strides[0][i];
      index /= walk.dims[i];
    }
    transpose_tile(exec, std::min(kTile, rows - r), std::min(kTile, cols - c), src + from, src_ld,
                   dst + to, dst_ld);
  });
}

}  // namespace

void transpose(const Exec& exec, const TensorRef& in, const int* perm,
               const TensorRef& out) noexcept {
  const Shape& shape = out.shape();
  if (shape.count() == 0) return;
  int64_t strides[kMaxRank];
  contiguous_strides(in.shape(), strides);
  Walk<2> walk;
  contiguous_strides(shape, walk.strides[0]);
  for (int i = 0; i < shape.rank(); ++i) walk.strides[1][i] = strides[perm[i]];
  walk.collapse(shape, 2);
  int along = walk.rank - 1;  // the dim in which the input is contiguous
  for (int i = 0; i < walk.rank; ++i) {
    if (walk.strides[1][i] == 1 && walk.dims[i] > 1) along = i;
  }
  with_size(in.type->dtype, [&]<class T>(T) {
    if (along == walk.rank - 1) {
      copy_walk(exec, walk, in.as<T>(), out.as<T>());
    } else {
      transpose_walk(exec, walk, along, in.as<T>(), out.as<T>());
    }
  });
}

void slice(const Exec& exec, const TensorRef& in, const int64_t* begin, const int64_t* step,
           const TensorRef& out) noexcept {
  const Shape& shape = out.shape();
  int64_t from[kMaxRank], to[kMaxRank], start = 0;
  contiguous_strides(in.shape(), from);
  contiguous_strides(shape, to);
  for (int i = 0; i < shape.rank(); ++i) {
    start += begin[i] * from[i];
    from[i] *= step[i];
  }
  copy_strided(exec, shape, in.type->dtype, in.data, from, start, out.data, to, 0);
}

namespace {

// value in the type of out, in every element.
void fill(const Exec& exec, double value, const TensorRef& out) {
  const int64_t count = out.count();
  const DType dtype = out.type->dtype;
  with_type(dtype, [&]<class T>(T) {
    const T v = dtype == DType::kBool ? static_cast<T>(value != 0) : convert<T>(value);
    exec.parallel_for((count + kTaskElements - 1) / kTaskElements, 1000, [&](int64_t task, int) {
      T* y = out.as<T>() + task * kTaskElements;
      std::fill_n(y, std::min(kTaskElements, count - task * kTaskElements), v);
    });
  });
}

}  // namespace

void pad(const Exec& exec, const TensorRef& in, const int64_t* low, const int64_t* interior,
         double value, const TensorRef& out) noexcept {
  fill(exec, value, out);
  int64_t from[kMaxRank], to[kMaxRank], src = 0, dst = 0;
  contiguous_strides(in.shape(), from);
  contiguous_strides(out.shape(), to);
  Shape kept;  // the elements of `in` that land inside `out`
  for (int i = 0; i < in.shape().rank(); ++i) {
    const int64_t step = interior[i] + 1;
    const int64_t first = low[i] < 0 ? (-low[i] + step - 1) / step : 0;
    const int64_t room = out.shape()[i] - low[i];  // positions from that of element 0 on
    const int64_t end = std::min(in.shape()[i], room > 0 ? (room + step - 1) / step : 0);
    if (end <= first) return;
    kept.push_back(end - first);
    src += first * from[i];
    dst += (low[i] + first * step) * to[i];
    to[i] *= step;
  }
  copy_strided(exec, kept, in.type->dtype, in.data, from, src, out.data, to, dst);
}

void concat(const Exec& exec, const TensorRef* in, int num_in, int axis,
            const TensorRef& out) noexcept {
  if (axis < 0) axis += out.shape().rank();
  int64_t to[kMaxRank], at = 0;
  contiguous_strides(out.shape(), to);
  for (int k = 0; k < num_in; ++k) {
    int64_t from[kMaxRank];
    contiguous_strides(in[k].shape(), from);
    copy_strided(exec, in[k].shape(), out.type->dtype, in[k].data, from, 0, out.data, to,
                 at * to[axis]);
    at += in[k].shape()[axis];
  }
}

void reverse(const Exec& exec, const TensorRef& in, std::uint32_t axes,
             const TensorRef& out) noexcept {
  const Shape& shape = in.shape();
  if (shape.count() == 0) return;
  int64_t from[kMaxRank], to[kMaxRank], start = 0;
  contiguous_strides(shape, from);
  contiguous_strides(shape, to);
  for (int i = 0; i < shape.rank(); ++i) {
    if (axes >> i & 1) {
      start += (shape[i] - 1) * from[i];
      from[i] = -from[i];
    }
  }
  copy_strided(exec, shape, in.type->dtype, in.data, from, start, out.data, to, 0);
}

void iota(const Exec&, double start, double step, const TensorRef& out) noexcept {
  with_type(out.type->dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < out.count(); ++i) {
      out.as<T>()[i] = convert<T>(start + static_cast<double>(i) * step);
    }
  });
}

}  // namespace nnseq::cpu
