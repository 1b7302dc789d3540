#include "cpu/pool.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

struct Span {
  int64_t begin, size;
};

// The part of a window that lies inside [0, size).
Span clip(int64_t start, int64_t k, int64_t size) {
  const int64_t begin = std::clamp<int64_t>(start, 0, size);
  return {begin, std::clamp<int64_t>(start + k, begin, size) - begin};
}

// Windows that share no pixel, and that leave none out.
bool is_disjoint(const Pool2D& p) { return p.stride_h >= p.kh && p.stride_w >= p.kw; }
bool covers_all(const Pool2D& p) {
  return p.stride_h == p.kh && p.stride_w == p.kw && p.pad_top == 0 && p.pad_left == 0 &&
         p.oh * p.kh == p.h && p.ow * p.kw == p.w;
}

// fn(windows, offset in x, offset in y) for the windows of row i of image n; those that are cut
// by an edge of the image come one by one.
template <class F>
void for_each_run(const Pool2D& p, int64_t n, int64_t i, F&& fn) {
  const Span rows = clip(i * p.stride_h - p.pad_top, p.kh, p.h);
  const int64_t last_whole = std::min((p.w - p.kw + p.pad_left) / p.stride_w, p.ow - 1);
  int64_t count = 1;
  for (int64_t j = 0; j < p.ow; j += count) {
    const Span cols = clip(j * p.stride_w - p.pad_left, p.kw, p.w);
    count = cols.size == p.kw ? std::max(last_whole - j + 1, int64_t{1}) : 1;
    const int64_t x = ((n * p.h + rows.begin) * p.w + cols.begin) * p.c;
    fn(PoolWindows{count, p.stride_w * p.c, rows.size, cols.size, p.w * p.c, p.c, is_disjoint(p)},
       x, ((n * p.oh + i) * p.ow + j) * p.c);
  }
}

int64_t row_cost(const Pool2D& p) { return p.ow * (p.kh * p.kw * p.c / 16 + 2); }

// Row by row of the output: every element of y is written by one block.
template <class F>
void forward(const Exec& exec, const Pool2D& p, F&& fn) {
  const int64_t rows = std::clamp<int64_t>(8192 / (p.ow * p.c + 1), 1, std::max(p.oh, int64_t{1}));
  const int64_t bands = (p.oh + rows - 1) / rows;
  exec.parallel_for(p.n * bands, rows * row_cost(p), [&](int64_t block, int) {
    const int64_t begin = block % bands * rows;
    for (int64_t i = begin; i < std::min(begin + rows, p.oh); ++i) {
      for_each_run(p, block / bands, i, fn);
    }
  });
}

// Image by image: windows may overlap in dx, which is added to in the order of the windows.
template <class F>
void backward(const Exec& exec, const Pool2D& p, float* dx, F&& fn) {
  const int64_t image = p.h * p.w * p.c;
  exec.parallel_for(p.n, p.oh * row_cost(p) + image / 16, [&](int64_t n, int) {
    if (!covers_all(p))
      std::memset(dx + n * image, 0, static_cast<std::size_t>(image) * sizeof(float));
    for (int64_t i = 0; i < p.oh; ++i) for_each_run(p, n, i, fn);
  });
}

}  // namespace

void max_pool(const Exec& exec, const Pool2D& p, const float* x, float* y) noexcept {
  const auto kernel = exec.kernels->pool.max;
  forward(exec, p,
          [=](const PoolWindows& w, int64_t xi, int64_t yi) { kernel(w, x + xi, y + yi); });
}

void max_pool_grad(const Exec& exec, const Pool2D& p, const float* x, const float* y,
                   const float* dy, float* dx) noexcept {
  const auto kernel = exec.kernels->pool.max_grad;
  backward(exec, p, dx, [=](const PoolWindows& w, int64_t xi, int64_t yi) {
    kernel(w, x + xi, y + yi, dy + yi, dx + xi);
  });
}

void avg_pool(const Exec& exec, const Pool2D& p, const float* x, float* y) noexcept {
  const auto kernel = exec.kernels->pool.avg;
  forward(exec, p,
          [=](const PoolWindows& w, int64_t xi, int64_t yi) { kernel(w, x + xi, y + yi); });
}

void avg_pool_grad(const Exec& exec, const Pool2D& p, const float* dy, float* dx) noexcept {
  const auto kernel = exec.kernels->pool.avg_grad;
  backward(exec, p, dx,
           [=](const PoolWindows& w, int64_t xi, int64_t yi) { kernel(w, dy + yi, dx + xi); });
}

}  // namespace nnseq::cpu
