// reduce: one group of neighbouring axes after the other, the innermost first, each as a reduction
// of the middle of (outer, reduced, inner).
#include "cpu/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "cpu/convert.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;
using std::size_t;

constexpr int64_t kRowPiece = 1024;   // elements of one partial sum along a row
constexpr int64_t kColumnTask = 512;  // columns of one task

// in seen as alternating kept and reduced groups; dims of 1 are dropped.
struct Groups {
  int count = 0;
  int64_t dims[kMaxRank];
  bool reduced[kMaxRank];
};

Groups group_axes(const Shape& shape, std::uint32_t axes) {
  Groups g;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    const bool reduced = axes >> i & 1;
    if (g.count > 0 && g.reduced[g.count - 1] == reduced) {
      g.dims[g.count - 1] *= shape[i];
    } else {
      g.dims[g.count] = shape[i];
      g.reduced[g.count++] = reduced;
    }
  }
  return g;
}

int64_t reduced_count(const Shape& shape, std::uint32_t axes) {
  int64_t n = 1;
  for (int i = 0; i < shape.rank(); ++i) n *= axes >> i & 1 ? shape[i] : 1;
  return n;
}

// (outer, n, inner) reduced over n.
struct Stage {
  int64_t outer, n, inner;
  int64_t results() const { return outer * inner; }
  int64_t pieces() const {
    const int64_t piece = inner == 1 ? kRowPiece : kRowBlock;
    return std::max<int64_t>(1, (n + piece - 1) / piece);
  }
};

// Takes the innermost reduced group out of g; false when there is none.
bool next_stage(Groups& g, Stage& stage) {
  int at = g.count - 1;
  while (at >= 0 && !g.reduced[at]) --at;
  if (at < 0) return false;
  stage = {1, g.dims[at], 1};
  for (int i = 0; i < at; ++i) stage.outer *= g.dims[i];
  for (int i = at + 1; i < g.count; ++i) stage.inner *= g.dims[i];
  std::copy(g.dims + at + 1, g.dims + g.count, g.dims + at);
  std::copy(g.reduced + at + 1, g.reduced + g.count, g.reduced + at);
  --g.count;
  return true;
}

// --- operations on one value, for the types without vectors and for joining partial results ---

template <class T>
T identity(ReduceFn fn) {
  using limits = std::numeric_limits<T>;
  switch (fn) {
    case ReduceFn::kMax:
      return limits::has_infinity ? -limits::infinity() : limits::lowest();
    case ReduceFn::kMin:
      return limits::has_infinity ? limits::infinity() : limits::max();
    case ReduceFn::kProd:
      return 1;
    case ReduceFn::kSum:
    case ReduceFn::kMean:
      break;
  }
  return 0;
}

template <class T>
T join(ReduceFn fn, T a, T b) {
  switch (fn) {
    case ReduceFn::kMax:
      return a != a || a > b ? a : b;
    case ReduceFn::kMin:
      return a != a || a < b ? a : b;
    case ReduceFn::kProd:
      if constexpr (std::is_integral_v<T>) {
        return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
      } else {
        return a * b;
      }
    case ReduceFn::kSum:
    case ReduceFn::kMean:
      break;
  }
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  } else {
    return a + b;
  }
}

// --- float32 ---

// Joins partials (pieces, width), one tree per column, into out: each level adds the upper half.
void join_pieces(const VectorKernels& k, ReduceFn fn, int64_t pieces, int64_t width,
                 float* partials, float* out) {
  constexpr BinaryFn kJoin[] = {BinaryFn::kAdd, BinaryFn::kAdd, BinaryFn::kMaximum,
                                BinaryFn::kMinimum, BinaryFn::kMultiply};
  const auto add = k.binary[static_cast<int>(kJoin[static_cast<int>(fn)])];
  while (pieces > 1) {
    const int64_t half = (pieces + 1) / 2;
    float* y = half == 1 ? out : partials;
    add((pieces - half) * width, partials, 1, partials + half * width, 1, y);
    pieces = half;
  }
}

void reduce_rows(const Exec& exec, ReduceFn fn, const Stage& s, const float* x, float* out,
                 float* partials) {
  const VectorKernels& k = exec.kernels->vector;
  const auto kernel = k.reduce_row[static_cast<int>(fn)];
  const int64_t pieces = s.pieces();
  if (pieces == 1) {
    const int64_t per_task = std::max<int64_t>(1, 8192 / std::max<int64_t>(s.n, 16));
    exec.parallel_for((s.outer + per_task - 1) / per_task, 400, [&](int64_t task, int) {
      const int64_t end = std::min(s.outer, (task + 1) * per_task);
      for (int64_t i = task * per_task; i < end; ++i) kernel(s.n, x + i * s.n, out + i);
    });
    return;
  }
  constexpr int64_t kPiecesPerTask = 16;
  const int64_t tasks = (pieces + kPiecesPerTask - 1) / kPiecesPerTask;
  exec.parallel_for(s.outer * tasks, 1000, [&](int64_t task, int) {
    const int64_t row = task / tasks, first = task % tasks * kPiecesPerTask;
    const int64_t begin = first * kRowPiece;
    kernel(std::min(s.n - begin, kPiecesPerTask * kRowPiece), x + row * s.n + begin,
           partials + row * pieces + first);
  });
  for (int64_t i = 0; i < s.outer; ++i) {
    join_pieces(k, fn, pieces, 1, partials + i * pieces, out + i);
  }
}

void reduce_columns(const Exec& exec, ReduceFn fn, const Stage& s, const float* x, float* out,
                    float* partials) {
  const VectorKernels& k = exec.kernels->vector;
  const auto kernel = k.reduce_columns[static_cast<int>(fn)];
  const int64_t pieces = s.pieces();
  const int64_t width = std::min(s.inner, kColumnTask);
  const int64_t columns = (s.inner + width - 1) / width;
  const int64_t cost = 20 + std::min(s.n, kRowBlock) * width / 16;
  exec.parallel_for(s.outer * pieces * columns, cost, [&](int64_t task, int) {
    const int64_t c = task % columns * width, piece = task / columns % pieces;
    const int64_t o = task / columns / pieces, r = piece * kRowBlock;
    float* y = pieces == 1 ? out + o * s.inner : partials + (o * pieces + piece) * s.inner;
    kernel(std::min(s.n - r, kRowBlock), std::min(width, s.inner - c),
           x + (o * s.n + r) * s.inner + c, s.inner, y + c);
  });
  if (pieces == 1) return;
  exec.parallel_for(s.outer, pieces * s.inner / 10, [&](int64_t o, int) {
    join_pieces(k, fn, pieces, s.inner, partials + o * pieces * s.inner, out + o * s.inner);
  });
}

void reduce_stage(const Exec& exec, ReduceFn fn, const Stage& s, const float* x, float* out,
                  float* partials) {
  if (s.n == 0) {
    std::fill_n(out, s.results(), identity<float>(fn));
  } else if (s.inner == 1) {
    reduce_rows(exec, fn, s, x, out, partials);
  } else {
    reduce_columns(exec, fn, s, x, out, partials);
  }
}

void divide(const Exec& exec, int64_t count, int64_t n, float* y) {
  const auto kernel = exec.kernels->vector.binary[static_cast<int>(BinaryFn::kDivide)];
  const float divisor = static_cast<float>(n);
  kernel(count, y, 1, &divisor, 0, y);
}

// Calls fn(result, its first element) for each result of a stage.
template <class T, class F>
void for_results(const Exec& exec, const Stage& s, const T* x, F&& fn) {
  constexpr int64_t kChunk = 64;
  const int64_t count = s.results();
  exec.parallel_for((count + kChunk - 1) / kChunk, kChunk * (4 + s.n), [&](int64_t task, int) {
    const int64_t end = std::min(count, (task + 1) * kChunk);
    for (int64_t i = task * kChunk; i < end; ++i) {
      fn(i, x + i / s.inner * s.n * s.inner + i % s.inner);
    }
  });
}

// --- the other types: each result by itself, 64-row blocks in order ---

template <class T>
void reduce_stage(const Exec& exec, ReduceFn fn, const Stage& s, const T* x, T* out, T*) {
  for_results(exec, s, x, [&](int64_t i, const T* p) {
    T total = identity<T>(fn);
    for (int64_t r = 0; r < s.n; r += kRowBlock) {
      T part = identity<T>(fn);
      const int64_t end = std::min(s.n, r + kRowBlock);
      for (int64_t j = r; j < end; ++j) part = join(fn, part, p[j * s.inner]);
      total = join(fn, total, part);
    }
    out[i] = total;
  });
}

template <class T>
void divide(const Exec&, int64_t count, int64_t n, T* y) {
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      y[i] /= static_cast<T>(n);
    } else {
      y[i] = n == 0 ? T{0} : static_cast<T>(y[i] / n);
    }
  }
}

// --- stages ---

struct ScratchPlan {
  int64_t results = 0;   // of the largest stage but the last
  int64_t partials = 0;  // of the largest stage
};

ScratchPlan plan_scratch(const Shape& shape, std::uint32_t axes) {
  ScratchPlan plan;
  Groups g = group_axes(shape, axes);
  Stage s;
  while (next_stage(g, s)) {
    bool last = true;
    for (int i = 0; i < g.count; ++i) last = last && !g.reduced[i];
    if (!last) plan.results = std::max(plan.results, s.results());
    if (s.pieces() > 1) plan.partials = std::max(plan.partials, s.results() * s.pieces());
  }
  return plan;
}

int64_t round_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

template <class T>
void reduce_typed(const Exec& exec, const TensorRef& in, std::uint32_t axes, ReduceFn fn,
                  const TensorRef& out, void* scratch) {
  const ScratchPlan plan = plan_scratch(in.shape(), axes);
  const int64_t results = round_up(plan.results * static_cast<int64_t>(sizeof(T)));
  char* memory = static_cast<char*>(scratch);
  T* stage_out[2] = {reinterpret_cast<T*>(memory), reinterpret_cast<T*>(memory + results)};
  T* partials = reinterpret_cast<T*>(memory + 2 * results);
  Groups g = group_axes(in.shape(), axes);
  const T* x = in.as<T>();
  Stage s;
  for (int i = 0; next_stage(g, s); ++i) {
    bool last = true;
    for (int j = 0; j < g.count; ++j) last = last && !g.reduced[j];
    T* y = last ? out.as<T>() : stage_out[i % 2];
    reduce_stage(exec, fn, s, x, y, partials);
    x = y;
  }
  if (x == in.as<T>() && out.data != in.data) std::copy_n(x, out.count(), out.as<T>());
  if (fn == ReduceFn::kMean)
    divide(exec, out.count(), reduced_count(in.shape(), axes), out.as<T>());
}

}  // namespace

std::size_t reduce_scratch(const TensorType& in, std::uint32_t axes, ReduceFn) noexcept {
  const ScratchPlan plan = plan_scratch(in.shape, axes);
  const auto size = static_cast<int64_t>(size_of(in.dtype));
  return static_cast<size_t>(2 * round_up(plan.results * size) + plan.partials * size);
}

void reduce(const Exec& exec, const TensorRef& in, std::uint32_t axes, ReduceFn fn,
            const TensorRef& out, void* scratch) noexcept {
  if (out.count() == 0) return;
  with_type(in.type->dtype, [&]<class T>(T) { reduce_typed<T>(exec, in, axes, fn, out, scratch); });
}

namespace {

// True when b takes the place of a, which comes first.
template <class T>
bool beats(T b, T a, bool max) {
  if (a != a) return false;
  return b != b || (max ? b > a : b < a);
}

template <class T>
void arg_reduce_typed(const Exec& exec, const Stage& s, const T* x, bool max, std::int32_t* out) {
  for_results(exec, s, x, [&](int64_t i, const T* p) {
    int64_t best = 0;
    for (int64_t j = 1; j < s.n; ++j) {
      if (beats(p[j * s.inner], p[best * s.inner], max)) best = j;
    }
    out[i] = static_cast<std::int32_t>(best);
  });
}

}  // namespace

void arg_reduce(const Exec& exec, const TensorRef& in, int axis, bool max,
                const TensorRef& out) noexcept {
  const Shape& shape = in.shape();
  if (axis < 0) axis += shape.rank();
  Stage s{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) s.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) s.inner *= shape[i];
  if (s.n == 0) {
    std::fill_n(out.as<std::int32_t>(), s.results(), 0);
    return;
  }
  with_type(in.type->dtype, [&]<class T>(T) {
    arg_reduce_typed(exec, s, in.as<T>(), max, out.as<std::int32_t>());
  });
}

}  // namespace nnseq::cpu
