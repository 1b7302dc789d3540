#include "cpu/gather.h"

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;

TestTensor indices(DType t, int64_t n, int64_t bound, std::uint32_t seed) {
  TestTensor index(t, {n});
  std::mt19937 random(seed);
  for (int64_t i = 0; i < n; ++i) index.set(i, static_cast<double>(random() % bound));
  return index;
}

TEST(Gather, TakesRowsOfAnyType) {
  for (DType t : kAllDTypes) {
    for (DType it : {DType::kInt32, DType::kInt64}) {
      for (int64_t inner : {0, 1, 3, 64}) {
        for (int64_t outer : {1, 3}) {
          const int64_t size = 50, n = 700;
          TestTensor table = TestTensor::integers(t, {outer, size, inner}, 1);
          TestTensor index = indices(it, n, size, 2), out(t, {outer, n, inner});
          ThreadPool pool(3);
          cpu::gather(exec_on({}, &pool), outer, size, inner, table.ref(), index.ref(), out.ref());
          EXPECT_TRUE(out.guards_hold());
          for (int64_t i = 0; i < out.count(); ++i) {
            const int64_t o = i / inner / n, k = i / inner % n;
            const auto row = static_cast<int64_t>(index.at(k));
            ASSERT_EQ(out.at(i), table.at((o * size + row) * inner + i % inner));
          }
        }
      }
    }
  }
}

class ScatterAdd : public IsaTest {};

TEST_P(ScatterAdd, IsTheTransposeOfGather) {
  for (const auto& [outer, size, inner, n] :
       {std::array<int64_t, 4>{1, 5, 3, 40}, {2, 40, 17, 900}, {1, 3000, 16, 2000}, {1, 2, 1, 0}}) {
    TestTensor x = TestTensor::integers(DType::kFloat32, {outer, n, inner}, 1);
    TestTensor index = indices(DType::kInt64, n, size, 2),
               out(DType::kFloat32, {outer, size, inner});
    ThreadPool pool(2);
    cpu::scatter_add(exec_on(GetParam(), &pool), outer, size, inner, x.f32(), n, index.ref(),
                     out.f32());
    EXPECT_TRUE(out.guards_hold());
    std::vector<double> expected(static_cast<std::size_t>(out.count()));
    for (int64_t i = 0; i < x.count(); ++i) {
      const int64_t o = i / inner / n, k = i / inner % n;
      const auto row = static_cast<int64_t>(index.at(k));
      expected[static_cast<std::size_t>((o * size + row) * inner + i % inner)] += x.at(i);
    }
    for (int64_t i = 0; i < out.count(); ++i)
      ASSERT_EQ(out.at(i), expected[static_cast<std::size_t>(i)]);
  }
}

NNSEQ_FOR_EACH_ISA(ScatterAdd);

TEST(ScatterAddBits, DoNotDependOnThreadsOrIsa) {
  const int64_t size = 300, inner = 33, n = 5000;
  TestTensor x = TestTensor::normal({n, inner}, 1), index = indices(DType::kInt32, n, size, 2);
  expect_equal_bits([&](const Exec& exec) {
    TestTensor out(DType::kFloat32, {size, inner});
    cpu::scatter_add(exec, 1, size, inner, x.f32(), index.count(), index.ref(), out.f32());
    return out;
  });
}

TEST(Gather, TheLowestBadIndexIsReportedAndReadAsZero) {
  const int64_t size = 300, inner = 20, n = 6000;
  TestTensor table = TestTensor::normal({size, inner}, 1);
  TestTensor index = indices(DType::kInt64, n, size, 2), out(DType::kFloat32, {n, inner});
  index.set(5000, -1);
  index.set(777, 300);
  index.set(3000, 1e12);
  for (int threads : {1, 2, 7}) {
    for (bool scatter : {false, true}) {
      ThreadPool pool(threads);
      RunStatus status;
      status.reset();
      Exec exec = exec_on({}, &pool);
      exec.status = &status;
      exec.step = 9;
      if (scatter) {
        cpu::scatter_add(exec, 1, size, inner, out.f32(), index.count(), index.ref(), table.f32());
      } else {
        cpu::gather(exec, 1, size, inner, table.ref(), index.ref(), out.ref());
        EXPECT_EQ(out.at(777 * inner + 3), table.at(3));
      }
      ASSERT_TRUE(status.failed());
      EXPECT_EQ(status.step(), 9);
      EXPECT_EQ(status.error().element, 777);
      EXPECT_EQ(status.error().value, 300);
      EXPECT_EQ(status.error().bound, 300);
    }
  }
}

TEST(OneHot, AnIndexOutsideGivesZeros) {
  TestTensor index = TestTensor::of<std::int32_t>({5}, {0, 2, -1, 3, 1});
  TestTensor out(DType::kFloat32, {5, 3});
  RunStatus status;
  status.reset();
  Exec exec = exec_on({});
  exec.status = &status;
  cpu::one_hot(exec, 3, index.ref(), out.f32());
  const double expected[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  for (int i = 0; i < 15; ++i) EXPECT_EQ(out.at(i), expected[i]);
  EXPECT_TRUE(out.guards_hold() && !status.failed());
}

TEST(OneHot, ManyRows) {
  const int64_t n = 5000, depth = 11;
  TestTensor index = indices(DType::kInt64, n, depth, 1), out(DType::kFloat32, {n, depth});
  ThreadPool pool(3);
  cpu::one_hot(exec_on({}, &pool), depth, index.ref(), out.f32());
  for (int64_t i = 0; i < out.count(); ++i) {
    ASSERT_EQ(out.at(i), static_cast<int64_t>(index.at(i / depth)) == i % depth);
  }
}

}  // namespace
}  // namespace nnseq::testing
