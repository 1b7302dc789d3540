// The virtual vector of 16 floats that every kernel of cpu/isa is written in.
//
// F16 (16 floats), I16 (16 int32) and M16 (16 booleans) exist once per ISA, in the namespace
// nnseq::cpu::NNSEQ_ISA_NS; a kernel written in them gives equal bits on avx2 and avx512.
//   load store set1 zero            unaligned memory; load_n, store_n touch only the first n of 16
//                                   floats (0 <= n <= 16), the other lanes are 0
//   + - * / -a  fma(a,b,c)          a*b+c rounded once (twice in the generic code of "scalar")
//   fms(a,b,c) fnma(a,b,c)          a*b-c, c-a*b
//   max(a,b) min(a,b)               a > b ? a : b, a < b ? a : b: b when either is NaN
//   max_nan min_nan                 NaN when either is NaN
//   abs sqrt floor ceil round       round: to nearest, ties to even
//   < <= > >= == !=  -> M16         false with NaN, but != true;  & | ! any(m) all(m) first_n(n)
//   select(m,a,b)                   m ? a : b, bit for bit
//   bits(F16) floats(I16)           the same 32 bits per lane
//   to_int to_int_round to_float    toward zero / to nearest even; out of range or NaN: INT_MIN
//   I16: + - * & | ^ == <(signed) mul_hi_u32 shift_left shift_right(logical) shift_right_signed
//   load_u8 load_u8_n -> F16, store_u8 store_u8_n <- M16 (0 or 1), load_i32 store_i32
//   sum max_nan_of min_nan_of       over the lanes by one tree: i with i+8, then i+4, i+2, i+1
#pragma once

#include <stdint.h>

#ifndef NNSEQ_ISA_NS
#error "cpu/isa sources are compiled once per ISA with NNSEQ_ISA_NS set by the build"
#endif

#define NNSEQ_INLINE __attribute__((always_inline)) inline
#define NNSEQ_UNROLL _Pragma("GCC unroll 32")

#define NNSEQ_PASTE_(a, b) a##b
#define NNSEQ_PASTE(a, b) NNSEQ_PASTE_(a, b)
#define NNSEQ_STRING_(a) #a
#define NNSEQ_STRING(a) NNSEQ_STRING_(a)
// clang-format off
#include NNSEQ_STRING(cpu/isa/NNSEQ_PASTE(simd_, NNSEQ_ISA_NS).h)
// clang-format on

namespace nnseq::cpu::NNSEQ_ISA_NS {

NNSEQ_INLINE M16 is_nan(F16 a) { return a != a; }
NNSEQ_INLINE F16 max_nan(F16 a, F16 b) { return select(is_nan(a), a, max(a, b)); }
NNSEQ_INLINE F16 min_nan(F16 a, F16 b) { return select(is_nan(a), a, min(a, b)); }

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
