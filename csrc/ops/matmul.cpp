// matmul: (M, K) . (K, N), batched over equal leading dims, or (..., K) . (K, N).
#include "cpu/gemm_plan.h"
#include "cpu/kernel_table.h"
#include "ops/attrs_of.h"
#include "ops/common.h"
#include "ops/epilogue.h"

namespace nnseq {

using namespace ops;

namespace {

// The problem that the operands pose: `batch` products of one shape.
struct Product {
  cpu::Gemm gemm;
  std::int64_t batch = 1;
  bool shared_b = false;  // b has no batch dims: they are folded into m
};

Product product_of(const Shape& a, const Shape& b, const MatmulAttrs& attrs) {
  Product p;
  p.shared_b = b.rank() == 2;
  const int ra = a.rank(), rb = b.rank();
  p.gemm.trans_a = attrs.trans_a;
  p.gemm.trans_b = attrs.trans_b;
  p.gemm.m = attrs.trans_a ? a[ra - 1] : a[ra - 2];
  p.gemm.k = attrs.trans_a ? a[ra - 2] : a[ra - 1];
  p.gemm.n = attrs.trans_b ? b[rb - 2] : b[rb - 1];
  p.gemm.lda = a[ra - 1];
  p.gemm.ldb = b[rb - 1];
  p.gemm.ldc = p.gemm.n;
  for (int i = 0; i < ra - 2; ++i) p.batch *= a[i];
  if (p.shared_b && !attrs.trans_a) {
    p.gemm.m *= p.batch;
    p.batch = 1;
  }
  return p;
}

void infer_matmul(InferArgs& a) {
  const MatmulAttrs& m = a.as<MatmulAttrs>();
  expect_operands(a, m.epilogue.bias ? 3 : 2);
  expect_float(a, 0);
  expect_float(a, 1);
  const Shape &x = a.in[0].shape, &y = a.in[1].shape;
  if (x.rank() < 2 || y.rank() < 2) {
    fail("operands need at least two axes, got " + to_string(x) + " . " + to_string(y));
  }
  if (y.rank() != 2 && y.rank() != x.rank()) {
    fail("x " + to_string(x) + " . kernel " + to_string(y) + ": ranks differ");
  }
  const std::int64_t xk = m.trans_a ? x[-2] : x[-1], yk = m.trans_b ? y[-1] : y[-2];
  if (!agree(xk, yk)) {
    fail("x " + to_string(x) + " . kernel " + to_string(y) + ": inner dimensions differ (" +
         std::to_string(xk) + ", " + std::to_string(yk) + ")");
  }
  Shape out;
  for (int i = 0; i < x.rank() - 2; ++i) {
    if (y.rank() > 2 && !agree(x[i], y[i])) {
      fail("x " + to_string(x) + " . kernel " + to_string(y) + ": batch dimensions differ");
    }
    out.push_back(y.rank() > 2 ? known(x[i], y[i]) : x[i]);
  }
  out.push_back(m.trans_a ? x[-1] : x[-2]);
  out.push_back(m.trans_b ? y[-2] : y[-1]);
  a.out = {{DType::kFloat32, out}};
}

Value product(Graph& g, Value a, Value b, bool trans_a, bool trans_b) {
  return g.add(Op::matmul, {a, b}, MatmulAttrs{trans_a, trans_b, {}});
}

// With b shared over leading dims, its gradient is one product over all rows.
Value flat_rows(Graph& g, Value x) {
  const Shape s = g.type(x).shape;
  if (s.rank() == 2) return x;
  std::int64_t rows = 1;
  for (int i = 0; i < s.rank() - 1; ++i) rows *= s[i];
  return reshape(g, x, {rows, s[-1]});
}

void vjp_matmul(VjpArgs& a) {
  const MatmulAttrs& m = a.node.as<MatmulAttrs>();
  Graph& g = a.g;
  const bool shared = a.shape(1).rank() == 2 && a.shape(0).rank() > 2;
  if (a.needs[0]) {  // dA = dC B^T, or (B dC^T) where A is transposed
    if (!m.trans_a) {
      a.din[0] = product(g, a.dy(), a.in(1), false, !m.trans_b);
    } else if (!shared) {
      a.din[0] = product(g, a.in(1), a.dy(), m.trans_b, true);
    } else {
      Dims swap(static_cast<std::size_t>(a.shape(0).rank()));
      for (std::size_t i = 0; i < swap.size(); ++i) swap[i] = static_cast<std::int64_t>(i);
      std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
      Value d = product(g, a.dy(), a.in(1), false, !m.trans_b);
      a.din[0] = g.add(Op::transpose, {d}, AxesAttrs{std::move(swap)});
    }
  }
  if (!a.needs[1]) return;
  Value x = a.in(0), dy = a.dy();
  bool trans_a = m.trans_a;
  if (shared) {
    if (trans_a) {
      Dims swap(static_cast<std::size_t>(a.shape(0).rank()));
      for (std::size_t i = 0; i < swap.size(); ++i) swap[i] = static_cast<std::int64_t>(i);
      std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
      x = g.add(Op::transpose, {x}, AxesAttrs{std::move(swap)});
      trans_a = false;
    }
    x = flat_rows(g, x);
    dy = flat_rows(g, dy);
  }
  a.din[1] = m.trans_b ? product(g, dy, x, true, trans_a) : product(g, x, dy, !trans_a, false);
}

std::size_t scratch_matmul(const ScratchArgs& s) {
  const Product p = product_of(s.in[0].shape, s.in[1].shape, s.node.as<MatmulAttrs>());
  return cpu::gemm_scratch(p.gemm, s.workers);
}

Work work_matmul(const WorkArgs& w) {
  const Product p = product_of(w.in[0].shape, w.in[1].shape, w.node.as<MatmulAttrs>());
  const cpu::Gemm& g = p.gemm;
  const cpu::KernelChoice choice = cpu::gemm_choice(w.kernels.gemm, g);
  Work work;
  work.flops = 2.0 * static_cast<double>(p.batch) * static_cast<double>(g.m * g.n * g.k);
  work.kernel = with_attrs(choice.kernel, w.node);
  work.refused = choice.refused;
  return work;
}

void body_matmul(const KernelArgs& k) noexcept {
  const MatmulAttrs& m = attrs_of<MatmulAttrs>(k);
  const Product p = product_of(k.in[0].shape(), k.in[1].shape(), m);
  const cpu::Epilogue epilogue = epilogue_of(m.epilogue, k);
  if (p.batch == 1) {
    cpu::gemm(*k.exec, p.gemm, k.in[0].f32(), k.in[1].f32(), k.out[0].f32(), epilogue, k.scratch);
    return;
  }
  const std::int64_t stride_b = p.shared_b ? 0 : p.gemm.k * p.gemm.n;
  cpu::gemm_batched(*k.exec, p.gemm, p.batch, k.in[0].f32(), p.gemm.m * p.gemm.k, k.in[1].f32(),
                    stride_b, k.out[0].f32(), p.gemm.m * p.gemm.n, epilogue, k.scratch);
}

}  // namespace

extern const OpInfo op_matmul{infer_matmul,   vjp_matmul, body_matmul,
                              scratch_matmul, 0,          work_matmul};

}  // namespace nnseq
