// Whether values are numbers.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Whether none of n floats is infinite or NaN.
bool all_finite(const Exec& exec, std::int64_t n, const float* x) noexcept;

}  // namespace nnseq::cpu
