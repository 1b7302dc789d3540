#include "cpu/gemm.h"

#include <algorithm>

#include "cpu/gemm_plan.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;

constexpr int64_t kNanosecondWork = 100;  // multiplications per nanosecond and core, about
constexpr int64_t kHotTiles = 8;          // rows of tiles that run along B while they are in L2

// A batch of problems as small as this runs one problem per parallel block.
bool batch_is_parallel(const Gemm& p) { return p.m * p.n * p.k <= 1 << 22; }

struct Job {
  const KernelTable& kernels;
  const Gemm& p;
  const GemmPlan& plan;
  const float* a;
  const float* b;
  float* c;
  const Epilogue& epilogue;
  float* packed_a = nullptr;  // panels of plan.tile.rows rows: (k, rows) each
  float* packed_b = nullptr;  // panels of plan.tile.columns() columns: (k, columns) each
};

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// Block `i` of `blocks` of [0, count) cut at multiples of `unit`.
Range part(int64_t count, int64_t unit, int64_t i, int64_t blocks) {
  const int64_t units = ceil_div(ceil_div(count, unit), blocks) * unit;
  return {std::min(i * units, count), std::min((i + 1) * units, count)};
}

Range operator+(Range r, int64_t offset) { return {r.begin + offset, r.end + offset}; }

void apply(const Job& job, Range m, Range n) {
  const auto fn = job.kernels.vector.unary[static_cast<int>(*job.epilogue.fn)];
  if (n.size() == job.p.ldc) {
    float* c = job.c + m.begin * job.p.ldc;
    fn(m.size() * n.size(), c, c, job.epilogue.alpha);
    return;
  }
  for (int64_t i = m.begin; i < m.end; ++i) {
    float* c = job.c + i * job.p.ldc + n.begin;
    fn(n.size(), c, c, job.epilogue.alpha);
  }
}

// C[m, n] += A[m, k] . B[k, n] for up to kHotTiles rows of tiles; `origin` is where the packed
// blocks of A and B begin in m and n. The tiles run along the rows of B that fit L1 together; until
// the last of them the sums, which do not end there, wait in `partial`.
void multiply(const Job& job, Range m, Range n, Range k, int64_t origin_m, int64_t origin_n) {
  const Gemm& p = job.p;
  const auto& kernels = job.kernels.gemm;
  const TileShape tile = job.plan.tile;
  const int64_t width = tile.columns();
  alignas(64) float partial[kHotTiles * kMaxTileFloats];
  Tile t{};
  t.runs = t.blocks = 1;
  const bool by_k = job.plan.pack_a || p.trans_a;
  t.stride_a = job.plan.pack_a ? tile.rows : p.lda;
  t.ldb = job.plan.pack_b ? width : p.ldb;
  for (int64_t j = n.begin; j < n.end; j += width) {
    const int64_t columns = std::min(width, n.end - j);
    const int64_t vectors = ceil_div(columns, kLanes);
    t.last = columns - (vectors - 1) * kLanes;
    Range hot{k.begin, k.begin};
    do {
      hot = {hot.end, std::min(hot.end + job.plan.hot_k, k.end)};
      const bool ends = hot.end == k.end;
      t.k = hot.size();
      t.b = job.plan.pack_b
                ? job.packed_b + (j - origin_n) * k.size() + (hot.begin - k.begin) * width
                : job.b + hot.begin * p.ldb + j;
      t.ldc = ends ? p.ldc : vectors * kLanes;
      t.accumulate = ends && (k.begin > 0 || job.epilogue.accumulate);
      t.bias = job.epilogue.bias && hot.end == p.k ? job.epilogue.bias + j : nullptr;
      float* sums = partial;
      for (int64_t i = m.begin; i < m.end; i += tile.rows, sums += kMaxTileFloats) {
        const int64_t rows = std::min<int64_t>(tile.rows, m.end - i);
        t.a = job.plan.pack_a
                  ? job.packed_a + (i - origin_m) * k.size() + (hot.begin - k.begin) * tile.rows
              : p.trans_a ? job.a + hot.begin * p.lda + i
                          : job.a + i * p.lda + hot.begin;
        t.c = ends ? job.c + i * p.ldc + j : sums;
        t.start = hot.begin > k.begin ? sums : nullptr;
        kernels.tile[by_k][vectors][rows](t);
      }
    } while (hot.end < k.end);
  }
}

// All of m x n, in blocks of rows whose packed A stays in L2; then the epilogue's function.
void multiply_hot(const Job& job, Range m, Range n, Range k, int64_t origin_m, int64_t origin_n) {
  const int64_t step = kHotTiles * job.plan.tile.rows;
  for (int64_t i = m.begin; i < m.end; i += step) {
    const Range rows{i, std::min(i + step, m.end)};
    for (int64_t k0 = k.begin; k0 == k.begin || k0 < k.end; k0 += job.plan.block_k) {
      multiply(job, rows, n, {k0, std::min(k0 + job.plan.block_k, k.end)}, origin_m, origin_n);
    }
    if (k.end == job.p.k && job.epilogue.fn) apply(job, rows, n);
  }
}

void multiply_grid(const Exec& exec, const Job& job, Range m, Range n, Range k) {
  const GemmPlan& plan = job.plan;
  const int64_t blocks = plan.grid_m * plan.grid_n;
  const int64_t cost = m.size() * n.size() * k.size() / (blocks * kNanosecondWork);
  exec.parallel_for(blocks, cost, [&](int64_t block, int) {
    const Range rows = part(m.size(), plan.tile.rows, block / plan.grid_n, plan.grid_m) + m.begin;
    const Range cols =
        part(n.size(), plan.tile.columns(), block % plan.grid_n, plan.grid_n) + n.begin;
    multiply_hot(job, rows, cols, k, m.begin, n.begin);
  });
}

void pack_b(const Exec& exec, const Job& job, Range n, Range k) {
  constexpr int64_t kPanels = 8, kRows = 32;  // a few pages of B at a time
  const Gemm& p = job.p;
  const auto& kernels = job.kernels.gemm;
  const int64_t width = job.plan.tile.columns(), step = kPanels * width;
  exec.parallel_for(ceil_div(n.size(), step), k.size() * step / 16, [&](int64_t block, int) {
    const Range cols{n.begin + block * step, std::min(n.begin + (block + 1) * step, n.end)};
    float* const out = job.packed_b + block * step * k.size();
    const int64_t rows = p.trans_b ? k.size() : kRows;
    for (int64_t i = k.begin; i < k.end; i += rows) {
      const int64_t count = std::min(rows, k.end - i);
      for (int64_t j = cols.begin; j < cols.end; j += width) {
        const int64_t used = std::min(width, cols.end - j);
        float* const to = out + (j - cols.begin) * k.size() + (i - k.begin) * width;
        if (p.trans_b) {
          kernels.pack_transposed(job.b + j * p.ldb + i, p.ldb, used, count, width, width, to);
        } else {
          kernels.pack_rows(job.b + i * p.ldb + j, p.ldb, count, used, width, to);
        }
      }
    }
  });
}

void pack_a(const Exec& exec, const Job& job, Range m, Range k) {
  const Gemm& p = job.p;
  const auto& kernels = job.kernels.gemm;
  const int64_t width = job.plan.tile.rows;
  exec.parallel_for(ceil_div(m.size(), width), k.size() * width / 8, [&](int64_t panel, int) {
    const int64_t i = m.begin + panel * width, rows = std::min(width, m.end - i);
    float* out = job.packed_a + panel * width * k.size();
    if (p.trans_a) {
      kernels.pack_rows(job.a + k.begin * p.lda + i, p.lda, k.size(), rows, width, out);
    } else {
      kernels.pack_transposed(job.a + i * p.lda + k.begin, p.lda, rows, k.size(), width, width,
                              out);
    }
  });
}

int64_t scratch_floats(const Gemm& p) { return packed_floats_a(p) + packed_floats_b(p); }

// C (m, n) = CT^T, CT (n, m).
void transpose(const Exec& exec, const Gemm& p, const float* ct, float* c) {
  const auto pack = exec.kernels->gemm.pack_transposed;
  constexpr int64_t kWidth = 128;
  exec.parallel_for(ceil_div(p.n, kWidth), p.m * kWidth / 8, [&](int64_t block, int) {
    const int64_t j = block * kWidth, width = std::min(kWidth, p.n - j);
    pack(ct + j * p.m, p.m, width, p.m, width, p.ldc, c + j);
  });
}

}  // namespace

std::size_t gemm_scratch(const Gemm& p, int workers) noexcept {
  int64_t floats = scratch_floats(p);
  if (is_better_transposed(p)) {
    floats = std::max(floats, round_up(p.m * p.n, kLanes) + scratch_floats(transposed(p)));
  }
  return sizeof(float) * static_cast<std::size_t>(floats) * (batch_is_parallel(p) ? workers : 1);
}

void gemm(const Exec& exec, const Gemm& p, const float* a, const float* b, float* c,
          const Epilogue& epilogue, void* scratch) noexcept {
  if (p.m <= 0 || p.n <= 0) return;
  if (is_better_transposed(p) && !epilogue.bias && !epilogue.accumulate) {
    float* const ct = static_cast<float*>(scratch);
    gemm(exec, transposed(p), b, a, ct, epilogue, ct + round_up(p.m * p.n, kLanes));
    return transpose(exec, p, ct, c);
  }
  const GemmPlan plan = plan_gemm(exec.kernels->gemm, p);
  Job job{*exec.kernels, p, plan, a, b, c, epilogue};
  if (!plan.pack_a && !plan.pack_b) {
    return multiply_grid(exec, job, {0, p.m}, {0, p.n}, {0, p.k});
  }
  job.packed_a = static_cast<float*>(scratch);
  job.packed_b = job.packed_a + packed_floats_a(p);
  for (int64_t j = 0; j < p.n; j += plan.block_n) {
    const Range n{j, std::min(j + plan.block_n, p.n)};
    for (int64_t k0 = 0; k0 == 0 || k0 < p.k; k0 += plan.block_k) {
      const Range k{k0, std::min(k0 + plan.block_k, p.k)};
      if (plan.pack_b) pack_b(exec, job, n, k);
      for (int64_t i = 0; i < p.m; i += plan.block_m) {
        const Range m{i, std::min(i + plan.block_m, p.m)};
        if (plan.pack_a) pack_a(exec, job, m, k);
        multiply_grid(exec, job, m, n, k);
      }
    }
  }
}

void gemm_batched(const Exec& exec, const Gemm& p, int64_t batch, const float* a, int64_t stride_a,
                  const float* b, int64_t stride_b, float* c, int64_t stride_c,
                  const Epilogue& epilogue, void* scratch) noexcept {
  if (!batch_is_parallel(p)) {
    for (int64_t i = 0; i < batch; ++i) {
      gemm(exec, p, a + i * stride_a, b + i * stride_b, c + i * stride_c, epilogue, scratch);
    }
    return;
  }
  Exec inner = exec;
  inner.pool = nullptr;
  const std::size_t bytes = gemm_scratch(p, 1);
  const int64_t cost = p.m * p.n * p.k / kNanosecondWork + 20;
  exec.parallel_for(batch, cost, [&](int64_t i, int worker) {
    gemm(inner, p, a + i * stride_a, b + i * stride_b, c + i * stride_c, epilogue,
         static_cast<std::byte*>(scratch) + bytes * worker);
  });
}

}  // namespace nnseq::cpu
