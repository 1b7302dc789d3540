// run_chain over float registers, and the choice of the register type.
#include "cpu/elementwise.h"

#include <cstring>

#include "cpu/chain.h"
#include "cpu/chain_wide.h"
#include "cpu/convert.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

struct FloatOps {
  using R = float;
  const VectorKernels& k;

  void load(DType dtype, const void* data, std::int64_t offset, std::int64_t n, float* y) const {
    if (dtype == DType::kFloat32) {
      std::memcpy(y, static_cast<const float*>(data) + offset,
                  static_cast<std::size_t>(n) * sizeof(float));
    } else {
      k.from_u8(n, static_cast<const std::uint8_t*>(data) + offset, y);
    }
  }
  void store(DType dtype, void* data, std::int64_t offset, std::int64_t n, const float* x) const {
    if (dtype == DType::kBool) {
      k.to_bool(n, x, static_cast<std::uint8_t*>(data) + offset);
    } else {
      store_as(dtype, data, offset, n, x);
    }
  }
  void unary(int fn, std::int64_t n, const float* x, float* y, float alpha) const {
    k.unary[fn](n, x, y, alpha);
  }
  void unary_grad(int fn, std::int64_t n, const float* saved, std::int64_t saved_step,
                  const float* g, std::int64_t g_step, float* y, float alpha) const {
    k.unary_grad[fn](n, saved, saved_step, g, g_step, y, alpha);
  }
  void binary(int fn, std::int64_t n, const float* a, std::int64_t a_step, const float* b,
              std::int64_t b_step, float* y) const {
    k.binary[fn](n, a, a_step, b, b_step, y);
  }
  void select(std::int64_t n, const float* c, std::int64_t c_step, const float* a,
              std::int64_t a_step, const float* b, std::int64_t b_step, float* y) const {
    k.select(n, c, c_step, a, a_step, b, b_step, y);
  }
};

bool is_costly(const ChainInstr& c) {
  if (c.kind == ChainInstr::Kind::kBinary) {
    return static_cast<BinaryFn>(c.fn) == BinaryFn::kPower;
  }
  if (c.kind == ChainInstr::Kind::kSelect) return false;
  const auto fn = static_cast<UnaryFn>(c.fn);
  return (fn >= UnaryFn::kExp && fn <= UnaryFn::kSigmoid) ||
         (fn >= UnaryFn::kElu && fn <= UnaryFn::kMish);
}

// Nanoseconds of one element.
double element_cost(const ChainInstr* code, int num_code, double light, double costly) {
  double cost = light;
  for (int i = 0; i < num_code; ++i) cost += is_costly(code[i]) ? costly : light;
  return cost;
}

void copy(const Exec& exec, const TensorRef& in, const TensorRef& out) {
  if (in.data == out.data) return;
  constexpr std::int64_t kPiece = 1 << 16;
  const std::int64_t bytes = out.type->bytes();
  exec.parallel_for((bytes + kPiece - 1) / kPiece, kPiece / 20, [&](std::int64_t piece, int) {
    const std::int64_t at = piece * kPiece;
    std::memcpy(out.as<char>() + at, in.as<char>() + at,
                static_cast<std::size_t>(std::min(kPiece, bytes - at)));
  });
}

}  // namespace

void run_chain(const Exec& exec, const ChainInstr* code, int num_code, const TensorRef* in,
               int num_in, const TensorRef& out) noexcept {
  if (num_code == 0 && in[0].type->dtype == out.type->dtype && in[0].count() == out.count()) {
    copy(exec, in[0], out);
    return;
  }
  bool all_small = true, all_integers = true;
  for (int k = 0; k < num_in; ++k) {
    const DType t = in[k].type->dtype;
    all_small &= t == DType::kFloat32 || t == DType::kBool || t == DType::kUInt8;
    all_integers &= !is_float(t);
  }
  if (all_small) {
    const FloatOps ops{exec.kernels->vector};
    Chain<FloatOps>(ops, code, num_code, in, num_in, out)
        .run(exec, element_cost(code, num_code, 0.1, 0.4));
  } else if (all_integers) {
    run_int64_chain(exec, code, num_code, in, num_in, out);
  } else {
    run_double_chain(exec, code, num_code, in, num_in, out);
  }
}

}  // namespace nnseq::cpu
