// What the IR asks of an op. The table is filled by the rooms above (ops/), one row per line of
// ops.def; the IR itself knows no kernel.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "nnseq/graph.h"
#include "runtime/kernel_args.h"

namespace nnseq {

// Shape rule: fills `out` from operand types and attributes; throws Error with a message that
// Graph prefixes with scope and op. Unknown dims in give unknown dims out.
struct InferArgs {
  const Attrs& attrs;
  std::span<const TensorType> in;
  std::vector<TensorType>& out;

  template <class T>
  const T& as() const {
    return std::get<T>(attrs);
  }
};
using InferRule = void (*)(InferArgs&);

// Gradient rule: given dout[k] (null where no gradient arrives), sets din[i] for each i that
// needs(i). Runs on concrete shapes, appending to `g`.
struct VjpArgs {
  Graph& g;
  const Node node;  // a copy: `g` grows
  const Value self;
  std::vector<Value> dout;
  std::vector<bool> needs;
  std::vector<Value> din;

  Value in(int i) const { return node.inputs[static_cast<std::size_t>(i)]; }
  Value y(int k = 0) const { return {self.node, k}; }
  Value dy() const { return dout[0]; }
  const TensorType& type(int i) const { return g.type(in(i)); }
  const Shape& shape(int i) const { return type(i).shape; }
};
using VjpRule = void (*)(VjpArgs&);

// Bytes of scratch for one call with `workers` workers.
struct ScratchArgs {
  const Node& node;
  std::span<const TensorType> in;
  int workers;
};
using ScratchRule = std::size_t (*)(const ScratchArgs&);

// What one call does, for profiles.
struct Work {
  double flops = 0;     // 0: bytes are what counts
  double bytes = -1;    // read and written at least; -1: all operands and results, once
  std::string kernel;   // what runs, with its choices; empty: the attributes say it
  std::string refused;  // why nothing faster does
};
struct WorkArgs {
  const Node& node;
  std::span<const TensorType> in;
  const cpu::KernelTable& kernels;
};
using WorkRule = Work (*)(const WorkArgs&);

enum OpFlags : unsigned {
  kElementwise = 1,    // runs as an instruction of a chain
  kAlias = 2,          // no kernel: the result is the operand's memory
  kStructural = 4,     // gone after specialisation, or a binding
  kChecksValues = 8,   // may report to RunStatus
  kInPlace = 16,       // an output may be the memory of an operand of its type
  kSpareOutputs = 32,  // an output that nothing reads gets no memory: its pointer is null
};

struct OpInfo {
  InferRule infer = nullptr;
  VjpRule vjp = nullptr;  // null: no gradient; autodiff raises by name
  KernelBody body = nullptr;
  ScratchRule scratch = nullptr;
  unsigned flags = 0;
  WorkRule work = nullptr;  // null: what Work says by itself
};

const OpInfo& op_info(Op op);
bool is_public(Op op);

// Number of host operands that the sizes in `attrs` name.
int num_host_operands(const Attrs& attrs);
// Puts the known host operands into the sizes.
void resolve_host_sizes(Attrs& attrs, std::span<const std::int64_t> host);

}  // namespace nnseq
