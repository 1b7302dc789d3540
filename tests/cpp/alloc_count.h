// How many times this thread called operator new: a steady step must not.
#pragma once

#include <cstdint>

namespace nnseq::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCountsAllocations = false;  // the sanitizer brings its own operator new
#else
inline constexpr bool kCountsAllocations = true;
#endif

std::int64_t allocations_of_this_thread() noexcept;

}  // namespace nnseq::testing
