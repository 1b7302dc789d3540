// The inside of a Variable, for the run loop.
#pragma once

#include "nnseq/variable.h"
#include "runtime/state_lock.h"

namespace nnseq {

struct Variable::Access {
  static Tensor& storage(Variable& v) { return v.storage_; }
  static std::shared_ptr<StateLock>& lock(Variable& v) { return v.lock_; }
  static std::uint64_t& version(Variable& v) { return v.version_; }
  static Context& context(Variable& v) { return *v.context_; }
};

}  // namespace nnseq
