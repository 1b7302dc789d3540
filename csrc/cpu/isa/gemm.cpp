// The register tiles of the matrix product, for every number of rows and vectors, and packing.
#include "cpu/isa/fill.h"
#include "cpu/isa/simd.h"
#include "cpu/isa/transpose.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// Accumulators (in F16) that fit the register file beside one row of B and one value of A.
#if defined(__AVX512F__)
constexpr int kAccumulators = 28, kBestVectors = 2;
constexpr bool kMaskIsFree = true;
#elif defined(__AVX2__) || defined(NNSEQ_NEON)
constexpr int kAccumulators = 6, kBestVectors = 1;
constexpr bool kMaskIsFree = false;
#else
constexpr int kAccumulators = 2, kBestVectors = 1;
constexpr bool kMaskIsFree = false;
#endif

static_assert(kAccumulators * kLanes <= kMaxTileFloats);

constexpr int max_rows(int vectors) {
  const int rows = kAccumulators / vectors;
  return rows < kMaxTileRows ? rows : kMaxTileRows;
}

NNSEQ_INLINE int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

template <int NV, bool kFull>
NNSEQ_INLINE void load_row(const float* p, int64_t last, F16 (&b)[NV]) {
  NNSEQ_UNROLL
  for (int v = 0; v < NV; ++v) {
    b[v] = kFull || v < NV - 1 ? load(p + 16 * v) : load_n(p + 16 * v, last);
  }
}

// The last rows of B that must not be read beyond their columns, because memory may end there:
// where masks cost time, a row before them is read whole, with what follows it.
template <bool kFull>
NNSEQ_INLINE int64_t masked_rows(const Tile& t) {
  const int64_t all = t.blocks * t.runs * t.k;
  if (kFull) return 0;
  if (kMaskIsFree || t.ldb <= 0) return all;
  return lesser(all, (15 - t.last + t.ldb) / t.ldb);
}

// acc += column k of A . row k of B.
template <int MR, int NV, bool kFull, class A>
NNSEQ_INLINE void multiply_step(A&& a, const float* b_row, int64_t last, F16 (&acc)[MR][NV]) {
  F16 b[NV];
  load_row<NV, kFull>(b_row, last, b);
  NNSEQ_UNROLL
  for (int i = 0; i < MR; ++i) {
    const F16 value = set1(a(i));
    NNSEQ_UNROLL
    for (int v = 0; v < NV; ++v) acc[i][v] = fma(value, b[v], acc[i][v]);
  }
}

// acc += A . B, A by rows: each group of three rows has one moving pointer, so that the addresses
// p, p + s, p + 2s need no registers of their own.
template <int MR, int NV, bool kFull>
NNSEQ_INLINE void multiply_rows(const Tile& t, F16 (&acc)[MR][NV]) {
  constexpr int kGroups = (MR + 2) / 3;
  const int64_t k_count = t.k, stride = t.stride_a, ldb = t.ldb, last = t.last;
  int64_t whole = t.blocks * t.runs * k_count - masked_rows<kFull>(t);
  const float* b_row = t.b;
  for (int64_t block = 0; block < t.blocks; ++block) {
    for (int64_t run = 0; run < t.runs; ++run, whole -= k_count) {
      const float* p[kGroups];
      NNSEQ_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        p[g] = t.a + block * t.block_stride + run * t.run_stride + 3 * g * stride;
        asm volatile("" : "+r"(p[g]));  // or the compiler keeps one pointer and MR offsets
      }
      const auto a = [&](int i) { return p[i / 3][(i % 3) * stride]; };
      const auto next = [&] {
        NNSEQ_UNROLL
        for (int g = 0; g < kGroups; ++g) ++p[g];
        b_row += ldb;
      };
      int64_t k = 0;
      if (kFull || !kMaskIsFree) {
        for (; k < lesser(k_count, whole); ++k, next()) {
          multiply_step<MR, NV, true>(a, b_row, last, acc);
        }
      }
      if (kFull) continue;
      for (; k < k_count; ++k, next()) multiply_step<MR, NV, false>(a, b_row, last, acc);
    }
  }
}

// acc += A . B, A by k: the MR values of one k are neighbours.
template <int MR, int NV, bool kFull>
NNSEQ_INLINE void multiply_by_k(const Tile& t, F16 (&acc)[MR][NV]) {
  const int64_t k_count = t.k, stride = t.stride_a, ldb = t.ldb, last = t.last;
  int64_t whole = t.blocks * t.runs * k_count - masked_rows<kFull>(t);
  const float* b_row = t.b;
  for (int64_t block = 0; block < t.blocks; ++block) {
    for (int64_t run = 0; run < t.runs; ++run, whole -= k_count) {
      const float* a_col = t.a + block * t.block_stride + run * t.run_stride;
      const auto a = [&](int i) { return a_col[i]; };
      const auto next = [&] {
        a_col += stride;
        b_row += ldb;
      };
      int64_t k = 0;
      if (kFull || !kMaskIsFree) {
        for (; k < lesser(k_count, whole); ++k, next()) {
          multiply_step<MR, NV, true>(a, b_row, last, acc);
        }
      }
      if (kFull) continue;
      for (; k < k_count; ++k, next()) multiply_step<MR, NV, false>(a, b_row, last, acc);
    }
  }
}

template <int MR, int NV, bool kFull>
NNSEQ_INLINE void finish(const Tile& t, F16 (&acc)[MR][NV]) {
  float* const c = t.c;
  const int64_t ldc = t.ldc, last = t.last;
  const float* const bias = t.bias;
  if (t.accumulate) {
    NNSEQ_UNROLL
    for (int i = 0; i < MR; ++i) {
      F16 old[NV];
      load_row<NV, kFull>(c + i * ldc, last, old);
      NNSEQ_UNROLL
      for (int v = 0; v < NV; ++v) acc[i][v] = old[v] + acc[i][v];
    }
  }
  if (bias != nullptr) {
    F16 b[NV];
    load_row<NV, kFull>(bias, last, b);
    NNSEQ_UNROLL
    for (int i = 0; i < MR; ++i) {
      NNSEQ_UNROLL
      for (int v = 0; v < NV; ++v) acc[i][v] = acc[i][v] + b[v];
    }
  }
  NNSEQ_UNROLL
  for (int i = 0; i < MR; ++i) {
    NNSEQ_UNROLL
    for (int v = 0; v < NV; ++v) {
      if (kFull || v < NV - 1) {
        store(c + i * ldc + 16 * v, acc[i][v]);
      } else {
        store_n(c + i * ldc + 16 * v, acc[i][v], last);
      }
    }
  }
}

template <int MR, int NV, bool kByK, bool kFull>
NNSEQ_INLINE void run_tile(const Tile& t) {
  F16 acc[MR][NV];
  NNSEQ_UNROLL
  for (int i = 0; i < MR; ++i) {
    NNSEQ_UNROLL
    for (int v = 0; v < NV; ++v) {
      __builtin_prefetch(t.c + i * t.ldc + 16 * v, 1, 3);
      acc[i][v] = zero();
    }
  }
  if (t.start != nullptr) {
    NNSEQ_UNROLL
    for (int i = 0; i < MR; ++i) {
      NNSEQ_UNROLL
      for (int v = 0; v < NV; ++v) acc[i][v] = load(t.start + (i * NV + v) * 16);
    }
  }
  // Addresses of C are computed anew at the end instead of kept in registers meanwhile.
  asm volatile("" : : : "memory");
  if constexpr (kByK) {
    multiply_by_k<MR, NV, kFull>(t, acc);
  } else {
    multiply_rows<MR, NV, kFull>(t, acc);
  }
  asm volatile("" : : : "memory");
  finish<MR, NV, kFull>(t, acc);
}

template <int MR, int NV, bool kByK>
void tile(const Tile& t) {
  if (kMaskIsFree || t.last < 16) {
    run_tile<MR, NV, kByK, false>(t);
  } else {
    run_tile<MR, NV, kByK, true>(t);
  }
}

template <int MR, int NV>
NNSEQ_INLINE void fill_rows(GemmKernels& g) {
  g.tile[0][NV][MR] = tile<MR, NV, false>;
  g.tile[1][NV][MR] = tile<MR, NV, true>;
  if constexpr (MR < max_rows(NV)) fill_rows<MR + 1, NV>(g);
}

template <int NV>
NNSEQ_INLINE void fill_vectors(GemmKernels& g) {
  g.max_rows[NV] = max_rows(NV);
  g.max_vectors = NV;
  fill_rows<1, NV>(g);
  if constexpr (NV < kMaxTileVectors && max_rows(NV + 1) > 0) fill_vectors<NV + 1>(g);
}

void pack_rows(const float* b, int64_t ldb, int64_t rows, int64_t cols, int64_t width, float* out) {
  for (int64_t k = 0; k < rows; ++k, b += ldb, out += width) {
    int64_t j = 0;
    for (; j + 16 <= cols; j += 16) {
      __builtin_prefetch(b + j + 12 * ldb);
      store(out + j, load(b + j));
    }
    if (j < cols) {
      store_n(out + j, load_n(b + j, cols - j), lesser(16, width - j));
      j += 16;
    }
    for (; j < width; j += 16) store_n(out + j, zero(), lesser(16, width - j));
  }
}

void pack_transposed(const float* a, int64_t lda, int64_t rows, int64_t cols, int64_t width,
                     int64_t pitch, float* out) {
  for (int64_t i = 0; i < width; i += 16) {
    const int64_t have = lesser(16, rows - i), lanes = lesser(16, width - i);
    for (int64_t j = 0; j < cols; j += 16) {
      const int64_t steps = lesser(16, cols - j);
      F16 r[16];
      if (have == 16 && steps == 16) {
        NNSEQ_UNROLL
        for (int q = 0; q < 16; ++q) {
          __builtin_prefetch(a + (i + q) * lda + j + 64);
          r[q] = load(a + (i + q) * lda + j);
        }
      } else {
        NNSEQ_UNROLL
        for (int q = 0; q < 16; ++q) {
          __builtin_prefetch(a + (i + q) * lda + j + 64);
          r[q] = q < have ? load_n(a + (i + q) * lda + j, steps) : zero();
        }
      }
      transpose16(r);
      if (lanes == 16 && steps == 16) {
        NNSEQ_UNROLL
        for (int q = 0; q < 16; ++q) store(out + (j + q) * pitch + i, r[q]);
      } else {
        NNSEQ_UNROLL
        for (int q = 0; q < 16; ++q) {
          if (q < steps) store_n(out + (j + q) * pitch + i, r[q], lanes);
        }
      }
    }
  }
}

}  // namespace

void fill_gemm(KernelTable& table) noexcept {
  GemmKernels& g = table.gemm;
  fill_vectors<1>(g);
  g.best_vectors = kBestVectors;
  g.pack_rows = pack_rows;
  g.pack_transposed = pack_transposed;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
