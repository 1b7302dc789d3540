// Rows of the caller's arrays, in any order, as contiguous rows of a core dtype.
#pragma once

#include <cstdint>

#include "nnseq/program.h"
#include "runtime/kernel_args.h"

namespace nnseq {

// Throws Error(kType, kValue) where `array` cannot feed an input of `type` (first axis: rows).
void expect_feedable(const HostArray& array, const TensorType& type, const std::string& name);

// Is the array already contiguous rows of `dtype` in the machine's byte order?
bool is_direct(const HostArray& array, DType dtype);

// out[i] = array[rows[i]], or array[first + i] where rows is null; converts to `dtype`.
void gather_rows(const Exec& exec, const HostArray& array, const std::int64_t* rows,
                 std::int64_t first, std::int64_t count, DType dtype, void* out);

}  // namespace nnseq
