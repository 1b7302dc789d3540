// Ops outside a graph: each call runs a cached one-op Function.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "nnseq/graph.h"
#include "nnseq/variable.h"

namespace nnseq {

class NNSEQ_API EagerOps {
 public:
  explicit EagerOps(std::shared_ptr<Context> context);
  ~EagerOps();
  EagerOps(const EagerOps&) = delete;
  EagerOps& operator=(const EagerOps&) = delete;

  // Host operands in the sizes of `attrs` are not allowed: sizes are known here.
  std::vector<Tensor> run(Op op, std::span<const Tensor> inputs, const Attrs& attrs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A tensor on the Context's device with a copy of contiguous host data.
NNSEQ_API Tensor make_tensor(const Context& context, const TensorType& type, const void* data);

// The order of n samples in an epoch: a pure function of its arguments.
NNSEQ_API std::vector<std::int64_t> sample_order(std::uint64_t seed, std::uint64_t epoch,
                                                 std::int64_t n);

}  // namespace nnseq
