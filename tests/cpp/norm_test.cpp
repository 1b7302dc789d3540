#include "cpu/norm.h"

#include <cmath>

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;
constexpr float kEps = 1e-3f;

using Matrix = std::vector<double>;  // (rows, cols)

struct Problem {
  int64_t rows, cols;
  Matrix x, gamma, beta, dy;
  std::vector<std::uint8_t> mask;  // empty: all rows
  bool counts(int64_t r) const { return mask.empty() || mask[static_cast<std::size_t>(r)]; }
  double& at(Matrix& m, int64_t r, int64_t c) const {
    return m[static_cast<std::size_t>(r * cols + c)];
  }
  double at(const Matrix& m, int64_t r, int64_t c) const {
    return m[static_cast<std::size_t>(r * cols + c)];
  }
};

// sum(dy * y) of batch normalisation, in double: what the gradients are differences of.
double batch_objective(const Problem& p) {
  double total = 0;
  for (int64_t c = 0; c < p.cols; ++c) {
    double n = 0, mean = 0, var = 0;
    for (int64_t r = 0; r < p.rows; ++r) n += p.counts(r);
    for (int64_t r = 0; r < p.rows; ++r) mean += p.counts(r) ? p.at(p.x, r, c) / n : 0;
    for (int64_t r = 0; r < p.rows; ++r) {
      var += p.counts(r) ? std::pow(p.at(p.x, r, c) - mean, 2) / n : 0;
    }
    const auto u = static_cast<std::size_t>(c);
    for (int64_t r = 0; r < p.rows; ++r) {
      const double xhat = (p.at(p.x, r, c) - mean) / std::sqrt(var + kEps);
      total += p.at(p.dy, r, c) * (xhat * p.gamma[u] + p.beta[u]);
    }
  }
  return total;
}

double layer_objective(const Problem& p) {
  double total = 0;
  for (int64_t r = 0; r < p.rows; ++r) {
    double mean = 0, var = 0;
    const auto n = static_cast<double>(p.cols);
    for (int64_t c = 0; c < p.cols; ++c) mean += p.at(p.x, r, c) / n;
    for (int64_t c = 0; c < p.cols; ++c) var += std::pow(p.at(p.x, r, c) - mean, 2) / n;
    for (int64_t c = 0; c < p.cols; ++c) {
      const auto u = static_cast<std::size_t>(c);
      const double xhat = (p.at(p.x, r, c) - mean) / std::sqrt(var + kEps);
      total += p.at(p.dy, r, c) * (xhat * p.gamma[u] + p.beta[u]);
    }
  }
  return total;
}

template <class F>
double slope(double& v, F f) {
  const double kept = v, h = 1e-4;
  v = kept + h;
  const double up = f();
  v = kept - h;
  const double down = f();
  v = kept;
  return (up - down) / (2 * h);
}

struct Data {
  Data(int64_t rows, int64_t cols, bool masked)
      : x(TestTensor::normal({rows, cols}, 1)),
        gamma(TestTensor::normal({cols}, 2)),
        beta(TestTensor::normal({cols}, 3)),
        dy(TestTensor::normal({rows, cols}, 4)) {
    const auto values = [](const TestTensor& t) {
      Matrix m;
      for (int64_t i = 0; i < t.count(); ++i) m.push_back(t.at(i));
      return m;
    };
    p = {rows, cols, values(x), values(gamma), values(beta), values(dy), {}};
    for (int64_t r = 0; masked && r < rows; ++r) p.mask.push_back(r % 3 != 1);
  }
  const std::uint8_t* mask() const { return p.mask.empty() ? nullptr : p.mask.data(); }
  TestTensor x, gamma, beta, dy;
  Problem p;
};

class Norm : public IsaTest {};

TEST_P(Norm, BatchNormGradientsAreSlopes) {
  const Exec exec = exec_on(GetParam());
  for (bool masked : {false, true}) {
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{9, 17}, {70, 3}, {2, 5}}) {
      Data d(rows, cols, masked);
      TestTensor y(DType::kFloat32, {rows, cols}), dx = y, mean(DType::kFloat32, {cols});
      TestTensor var = mean, dgamma = mean, dbeta = mean;
      Scratch scratch(cpu::batch_norm_scratch(rows, cols));
      cpu::batch_norm(exec, rows, cols, d.x.f32(), d.gamma.f32(), d.beta.f32(), d.mask(), kEps,
                      y.f32(), mean.f32(), var.f32(), scratch.data());
      cpu::batch_norm_grad(exec, rows, cols, d.x.f32(), d.gamma.f32(), mean.f32(), var.f32(),
                           d.mask(), kEps, d.dy.f32(), dx.f32(), dgamma.f32(), dbeta.f32(),
                           scratch.data());
      EXPECT_TRUE(y.guards_hold() && dx.guards_hold() && mean.guards_hold() && var.guards_hold() &&
                  dgamma.guards_hold() && dbeta.guards_hold() && scratch.guards_hold());
      double total = 0;
      for (int64_t i = 0; i < y.count(); ++i) total += y.at(i) * d.dy.at(i);
      const auto f = [&] { return batch_objective(d.p); };
      EXPECT_NEAR(total, f(), 1e-4 * (1 + std::fabs(total)));
      for (std::size_t i = 0; i < d.p.x.size(); i += 3) {
        EXPECT_NEAR(dx.at(static_cast<int64_t>(i)), slope(d.p.x[i], f), 2e-4) << i << " " << masked;
      }
      for (std::size_t c = 0; c < d.p.gamma.size(); ++c) {
        EXPECT_NEAR(dgamma.at(static_cast<int64_t>(c)), slope(d.p.gamma[c], f), 2e-4);
        EXPECT_NEAR(dbeta.at(static_cast<int64_t>(c)), slope(d.p.beta[c], f), 2e-4);
      }
    }
  }
}

TEST_P(Norm, LayerNormGradientsAreSlopes) {
  const Exec exec = exec_on(GetParam());
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{9, 17}, {70, 3}, {2, 40}}) {
    Data d(rows, cols, false);
    TestTensor y(DType::kFloat32, {rows, cols}), dx = y, mean(DType::kFloat32, {rows}), rstd = mean;
    TestTensor dgamma(DType::kFloat32, {cols}), dbeta = dgamma;
    Scratch scratch(cpu::layer_norm_grad_scratch(rows, cols));
    cpu::layer_norm(exec, rows, cols, d.x.f32(), d.gamma.f32(), d.beta.f32(), kEps, y.f32(),
                    mean.f32(), rstd.f32());
    cpu::layer_norm_grad(exec, rows, cols, d.x.f32(), d.gamma.f32(), mean.f32(), rstd.f32(),
                         d.dy.f32(), dx.f32(), dgamma.f32(), dbeta.f32(), scratch.data());
    EXPECT_TRUE(y.guards_hold() && dx.guards_hold() && mean.guards_hold() && rstd.guards_hold() &&
                dgamma.guards_hold() && dbeta.guards_hold() && scratch.guards_hold());
    double total = 0;
    for (int64_t i = 0; i < y.count(); ++i) total += y.at(i) * d.dy.at(i);
    const auto f = [&] { return layer_objective(d.p); };
    EXPECT_NEAR(total, f(), 1e-4 * (1 + std::fabs(total)));
    for (std::size_t i = 0; i < d.p.x.size(); i += 3) {
      EXPECT_NEAR(dx.at(static_cast<int64_t>(i)), slope(d.p.x[i], f), 3e-4) << i;
    }
    for (std::size_t c = 0; c < d.p.gamma.size(); ++c) {
      EXPECT_NEAR(dgamma.at(static_cast<int64_t>(c)), slope(d.p.gamma[c], f), 3e-4);
      EXPECT_NEAR(dbeta.at(static_cast<int64_t>(c)), slope(d.p.beta[c], f), 3e-4);
    }
  }
}

TEST_P(Norm, StatisticsStayExactFarFromZero) {
  const int64_t rows = 1000, cols = 5;
  TestTensor x(DType::kFloat32, {rows, cols}), y = x, mean(DType::kFloat32, {cols}), var = mean;
  for (int64_t i = 0; i < x.count(); ++i) x.set(i, 10000 + (i / cols) % 2);  // variance 1/4
  Scratch scratch(cpu::batch_norm_scratch(rows, cols));
  cpu::batch_norm(exec_on(GetParam()), rows, cols, x.f32(), nullptr, nullptr, nullptr, 0, y.f32(),
                  mean.f32(), var.f32(), scratch.data());
  for (int64_t c = 0; c < cols; ++c) {
    EXPECT_NEAR(mean.at(c), 10000.5, 1e-3);
    EXPECT_NEAR(var.at(c), 0.25, 1e-4);
  }
  EXPECT_NEAR(y.at(0), -1, 3e-3);
}

TEST_P(Norm, NoRowCounts) {
  TestTensor x = TestTensor::normal({4, 3}, 1), y = x, mean(DType::kFloat32, {3}), var = mean;
  const std::uint8_t mask[4] = {};
  Scratch scratch(cpu::batch_norm_scratch(4, 3));
  cpu::batch_norm(exec_on(GetParam()), 4, 3, x.f32(), nullptr, nullptr, mask, 1, y.f32(),
                  mean.f32(), var.f32(), scratch.data());
  TestTensor dx = x;
  cpu::batch_norm_grad(exec_on(GetParam()), 4, 3, x.f32(), nullptr, mean.f32(), var.f32(), mask, 1,
                       x.f32(), dx.f32(), nullptr, nullptr, scratch.data());
  for (int64_t c = 0; c < 3; ++c) EXPECT_TRUE(mean.at(c) == 0 && var.at(c) == 0);
  EXPECT_TRUE(y.same_bits(x) && dx.same_bits(x));
  cpu::batch_norm(exec_on(GetParam()), 0, 3, x.f32(), nullptr, nullptr, nullptr, 1, y.f32(),
                  mean.f32(), var.f32(), scratch.data());
  EXPECT_TRUE(mean.at(0) == 0 && var.at(2) == 0 && scratch.guards_hold());
}

NNSEQ_FOR_EACH_ISA(Norm);

TEST(NormBits, DoNotDependOnThreadsOrIsa) {
  for (const auto& size : {std::pair<int64_t, int64_t>{3001, 33}, {64, 700}, {65, 10}}) {
    const int64_t rows = size.first, cols = size.second;  // a lambda cannot capture a binding
    Data d(rows, cols, false);
    for (int part = 0; part < 3; ++part) {
      expect_equal_bits([&](const Exec& exec) {
        TestTensor y(DType::kFloat32, {rows, cols}), mean(DType::kFloat32, {std::max(rows, cols)});
        TestTensor var = mean, dgamma(DType::kFloat32, {cols}), dbeta = dgamma, dx = y;
        Scratch scratch(std::max(cpu::batch_norm_scratch(rows, cols),
                                 cpu::layer_norm_grad_scratch(rows, cols)));
        if (part < 2) {
          cpu::batch_norm(exec, rows, cols, d.x.f32(), d.gamma.f32(), d.beta.f32(), nullptr, kEps,
                          y.f32(), mean.f32(), var.f32(), scratch.data());
          if (part == 0) return y;
          cpu::batch_norm_grad(exec, rows, cols, d.x.f32(), d.gamma.f32(), mean.f32(), var.f32(),
                               nullptr, kEps, d.dy.f32(), dx.f32(), dgamma.f32(), dbeta.f32(),
                               scratch.data());
          return dx;
        }
        cpu::layer_norm(exec, rows, cols, d.x.f32(), d.gamma.f32(), d.beta.f32(), kEps, y.f32(),
                        mean.f32(), var.f32());
        cpu::layer_norm_grad(exec, rows, cols, d.x.f32(), d.gamma.f32(), mean.f32(), var.f32(),
                             d.dy.f32(), dx.f32(), dgamma.f32(), dbeta.f32(), scratch.data());
        return dgamma;
      });
    }
  }
}

}  // namespace
}  // namespace nnseq::testing
