// The table of ops, derived from ops.def: an op without a row does not link.
#include "ir/op_table.h"

namespace nnseq {

#define NNSEQ_OP(name, AttrsType, visibility, mode) extern const OpInfo op_##name;
#include "nnseq/ops.def"

const OpInfo& op_info(Op op) {
  static constexpr const OpInfo* kTable[] = {
#define NNSEQ_OP(name, AttrsType, visibility, mode) &op_##name,
#include "nnseq/ops.def"
  };
  return *kTable[static_cast<int>(op)];
}

}  // namespace nnseq
