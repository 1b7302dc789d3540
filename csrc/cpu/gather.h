// Rows by index. Indices are int32 or int64; each is checked, a bad one is reported and read as 0.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// table viewed as (outer, size, inner), out as (outer, indices, inner), any dtype.
void gather(const Exec& exec, std::int64_t outer, std::int64_t size, std::int64_t inner,
            const TensorRef& table, const TensorRef& indices, const TensorRef& out) noexcept;
// out (outer, size, inner) = 0, then out[:, indices[i], :] += x[:, i / (indices / rows), :] in the
// order of i; x (outer, rows, inner), float32. `rows` divides the number of indices.
void scatter_add(const Exec& exec, std::int64_t outer, std::int64_t size, std::int64_t inner,
                 const float* x, std::int64_t rows, const TensorRef& indices, float* out) noexcept;
// out (indices, depth) float32; an index outside [0, depth) gives a row of zeros and is no error.
void one_hot(const Exec& exec, std::int64_t depth, const TensorRef& indices, float* out) noexcept;

}  // namespace nnseq::cpu
