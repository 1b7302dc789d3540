// The same bits for any number of threads, any thread back end, the FMA ISAs and the mirror device.
#include <algorithm>

#include "graphs.h"

namespace nnseq {
namespace {

using namespace testing;

// The float Variables after `steps` steps on `rows` samples of `sample` shape, and the loss.
std::vector<std::vector<float>> trained(Builder (*make)(const std::shared_ptr<Context>&),
                                        Shape sample, const ContextOptions& options,
                                        std::int64_t steps) {
  const auto context = make_context(options);
  Builder b = make(context);
  const std::int64_t n = 40, batch = 8;
  Shape shape{n};
  for (std::int64_t d : sample) shape.push_back(d);
  const std::vector<float> x = randoms(shape.count(), 17);
  std::vector<std::int32_t> y;
  for (std::int64_t i = 0; i < n; ++i) y.push_back(static_cast<std::int32_t>(i * 5 % 3));
  std::vector<HostArray> arrays{rows_of(x, shape)};
  if (b.g.inputs().size() == 2) arrays.push_back(rows_of(y, {n}));
  const auto f = b.function();
  std::vector<std::vector<float>> result;
  for (std::int64_t s = 0; s < steps; s += n / batch) {
    const Shuffle by{3, static_cast<std::uint64_t>(s)};
    const auto out = f->run_steps(arrays, {batch, 0, std::min(steps - s, n / batch), by});
    result.assign(1, value_of(out[0]));
  }
  for (const auto& v : b.variables) {
    if (v->type().dtype == DType::kFloat32) result.push_back(value_of(*v));
  }
  return result;
}

Builder small_rnn(const std::shared_ptr<Context>& context) { return rnn(context); }

struct Case {
  const char* name;
  Builder (*make)(const std::shared_ptr<Context>&);
  Shape sample;
};
const Case kCases[] = {
    {"mlp", mlp, {7}}, {"conv_net", conv_net, {8, 8, 2}}, {"rnn", small_rnn, {5, 3}}};

bool available(const char* isa) {
  const auto isas = Context::available_isas();
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

void expect_same(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(same_bits(a[i], b[i])) << what << ", value " << i;
  }
}

TEST(Determinism, ThreadsAndBackEndsGiveTheSameBits) {
  for (const Case& c : kCases) {
    const auto one = trained(c.make, c.sample, {1, "", "cpu", "std"}, 7);
    EXPECT_TRUE(std::all_of(one[0].begin(), one[0].end(), [](float x) { return x > 0; }));
    for (const char* backend : {"std", "openmp"}) {
      for (int threads : {1, 2, 3, 7}) {
        try {
          expect_same(trained(c.make, c.sample, {threads, "", "cpu", backend}, 7), one,
                      std::string(c.name) + " " + backend + " " + std::to_string(threads));
        } catch (const Error& e) {
          EXPECT_EQ(static_cast<int>(e.kind()), static_cast<int>(ErrorKind::kUnsupported));
        }
      }
    }
  }
}

TEST(Determinism, FmaIsasGiveTheSameBits) {
  if (!available("avx2") || !available("avx512")) GTEST_SKIP() << "needs avx2 and avx512";
  for (const Case& c : kCases) {
    expect_same(trained(c.make, c.sample, {2, "avx2", "cpu", ""}, 20),
                trained(c.make, c.sample, {2, "avx512", "cpu", ""}, 20), c.name);
  }
}

TEST(Determinism, ScalarIsClose) {
  const auto a = trained(mlp, {7}, {1, "scalar", "cpu", ""}, 20);
  const auto b = trained(mlp, {7}, {1, "", "cpu", ""}, 20);
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (std::size_t i = 0; i < a[k].size(); ++i) EXPECT_NEAR(a[k][i], b[k][i], 1e-3f) << k;
  }
}

TEST(Determinism, TheMirrorDeviceGivesTheSameBits) {
  for (const Case& c : kCases) {
    expect_same(trained(c.make, c.sample, {2, "", "mirror", ""}, 7),
                trained(c.make, c.sample, {2, "", "cpu", ""}, 7), c.name);
  }
}

TEST(Determinism, TrainingLowersTheLoss) {
  for (const Case& c : kCases) {
    const float early = trained(c.make, c.sample, {1, "", "cpu", ""}, 5)[0][0];
    const float late = trained(c.make, c.sample, {1, "", "cpu", ""}, 200)[0][0];
    EXPECT_LT(late, early) << c.name;
  }
}

}  // namespace
}  // namespace nnseq
