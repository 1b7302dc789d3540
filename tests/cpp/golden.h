#pragma once

namespace nnseq::testing {

inline bool regenerate_golden = false;  // set by the command line

}  // namespace nnseq::testing
