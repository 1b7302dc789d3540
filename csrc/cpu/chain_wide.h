// run_chain with double or int64 registers: metrics, losses, sizes and labels; not made for speed.
#pragma once

#include "cpu/elementwise.h"

namespace nnseq::cpu {

void run_double_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
                      int num_in, const TensorRef& out);
void run_int64_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
                     int num_in, const TensorRef& out);

}  // namespace nnseq::cpu
