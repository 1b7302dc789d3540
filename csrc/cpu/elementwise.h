// Elementwise programs: a list of instructions run block by block in L1, with broadcasting
// operands.
#pragma once

#include "nnseq/functions.h"
#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// What one run_chain takes: inputs, and registers (inputs and instructions together).
inline constexpr int kMaxChainInputs = 16;
inline constexpr int kMaxChainRegisters = 64;

// out = the last register of `code` (the first input when code is empty: copy, cast, broadcast).
// Operand shapes broadcast to the output's as in NumPy (aligned right, dims 1 stretch).
// Registers are float (SIMD) when all operands are float32, bool or uint8; int64 when all are
// integers or bool; else double. Loads convert to the register type, stores convert from it
// (bool: != 0; to integers: toward zero, the nearest value where it does not fit, NaN to 0).
// `out` may be the same memory as an operand of its shape and dtype. Integer arithmetic wraps;
// functions that have no integer form are computed in double; an integer divided by 0 is 0.
void run_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
               int num_in, const TensorRef& out) noexcept;

}  // namespace nnseq::cpu
