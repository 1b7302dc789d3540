// What the families share: checks of operands and broadcasting; nodes are built with nnseq/ops.h.
#pragma once

#include <string>
#include <utility>

#include "ir/op_table.h"
#include "ir/print.h"
#include "nnseq/ops.h"

namespace nnseq::ops {

[[noreturn]] inline void fail(std::string message) {
  throw Error(ErrorKind::kValue, std::move(message));
}
[[noreturn]] inline void fail_type(std::string message) {
  throw Error(ErrorKind::kType, std::move(message));
}

inline void expect_operands(const InferArgs& a, std::size_t count) {
  const std::size_t host = static_cast<std::size_t>(num_host_operands(a.attrs));
  if (a.in.size() != count + host) {
    fail("takes " + std::to_string(count) + " tensors, got " +
         std::to_string(a.in.size() - std::min(host, a.in.size())));
  }
}
inline void expect_float(const InferArgs& a, std::size_t i) {
  if (a.in[i].dtype != DType::kFloat32) {
    fail_type("operand " + std::to_string(i) + " must be float32, got " + to_string(a.in[i]));
  }
}
inline void expect_index(const TensorType& t) {
  if (t.dtype != DType::kInt32 && t.dtype != DType::kInt64) {
    fail_type("indices must be int32 or int64, got " + to_string(t));
  }
}
inline void expect_rank(const InferArgs& a, std::size_t i, int rank) {
  if (a.in[i].shape.rank() != rank) {
    fail("operand " + std::to_string(i) + " must have rank " + std::to_string(rank) + ", got " +
         to_string(a.in[i].shape));
  }
}

// Two dims that must agree; unknown agrees with anything.
inline bool agree(std::int64_t a, std::int64_t b) { return a == b || a < 0 || b < 0; }
inline std::int64_t known(std::int64_t a, std::int64_t b) { return a < 0 ? b : a; }

inline int normal_axis(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    fail("axis " + std::to_string(axis) + " is out of range for rank " + std::to_string(rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// NumPy broadcasting; an unknown dim against a known one other than 1 takes the known one.
inline Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const std::int64_t da = ia < 0 ? 1 : a[ia];
    const std::int64_t db = ib < 0 ? 1 : b[ib];
    if (da == 1) {
      out.push_back(db);
    } else if (db == 1) {
      out.push_back(da);
    } else if (agree(da, db)) {
      out.push_back(known(da, db));
    } else {
      fail("shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
    }
  }
  return out;
}

// A size attribute: known, or unknown while it stands for a host operand.
inline std::int64_t size_or_unknown(std::int64_t size) {
  return size <= kHostSize ? kUnknown : size;
}

// What runs and the attributes of the node, for its profile.
inline std::string with_attrs(const std::string& kernel, const Node& node) {
  const std::string attrs = attrs_text(node.attrs);
  return attrs.empty() ? kernel : kernel + " [" + attrs + "]";
}
// Sums x down to `shape`, undoing a broadcast from it.
Value sum_to(Graph& g, Value x, const Shape& shape);

}  // namespace nnseq::ops
