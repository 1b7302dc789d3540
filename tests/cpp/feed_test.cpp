// Rows of the caller's arrays, of any layout, as the core's dtypes.
#include <cmath>

#include "graphs.h"
#include "program/gather.h"

namespace nnseq {
namespace {

using namespace testing;

template <class To>
std::vector<To> gathered(const HostArray& a, DType dtype, const std::vector<std::int64_t>& rows) {
  expect_feedable(a, {dtype, a.shape}, "x");
  std::int64_t row = 1;
  for (int d = 1; d < a.shape.rank(); ++d) row *= a.shape[d];
  std::vector<To> out(rows.size() * static_cast<std::size_t>(row));
  Exec exec;
  gather_rows(exec, a, rows.data(), 0, static_cast<std::int64_t>(rows.size()), dtype, out.data());
  return out;
}

TEST(Feed, HalfPrecision) {
  const std::vector<std::uint16_t> bits{0x3C00, 0xC100, 0x0001, 0x8000, 0x7BFF, 0x7C00};
  const HostArray a = rows_of(bits.data(), 'f', 2, {6});
  const auto x = gathered<float>(a, DType::kFloat32, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(x, (std::vector<float>{1, -2.5f, 0x1p-24f, 0, 65504, INFINITY}));
  EXPECT_TRUE(std::signbit(x[3]));
  const std::uint16_t nan = 0x7E00;
  EXPECT_TRUE(std::isnan(gathered<float>(rows_of(&nan, 'f', 2, {1}), DType::kFloat32, {0})[0]));
}

TEST(Feed, OtherKindsConvert) {
  const std::vector<double> d{1.5, -2, 1e300};
  EXPECT_EQ(gathered<float>(rows_of(d.data(), 'f', 8, {3}), DType::kFloat32, {1, 0, 2}),
            (std::vector<float>{-2, 1.5f, INFINITY}));
  const std::vector<std::uint8_t> u{0, 255, 7};
  EXPECT_EQ(gathered<float>(rows_of(u.data(), 'u', 1, {3}), DType::kFloat32, {2, 1, 0}),
            (std::vector<float>{7, 255, 0}));
  EXPECT_EQ(gathered<std::uint8_t>(rows_of(u.data(), 'u', 1, {3}), DType::kBool, {0, 1, 2}),
            (std::vector<std::uint8_t>{0, 1, 1}));
  const std::vector<std::uint8_t> b{0, 1, 1};
  EXPECT_EQ(gathered<float>(rows_of(b.data(), 'b', 1, {3}), DType::kFloat32, {0, 1, 2}),
            (std::vector<float>{0, 1, 1}));
  const std::vector<std::int16_t> s{-3, 4};
  EXPECT_EQ(gathered<std::int32_t>(rows_of(s.data(), 'i', 2, {2}), DType::kInt32, {0, 1}),
            (std::vector<std::int32_t>{-3, 4}));
}

TEST(Feed, LabelsOutOfRangeStayOutOfRange) {
  const std::vector<std::int64_t> labels{(std::int64_t{1} << 32) + 1, -(std::int64_t{1} << 40), 5};
  const auto x =
      gathered<std::int32_t>(rows_of(labels.data(), 'i', 8, {3}), DType::kInt32, {0, 1, 2});
  EXPECT_EQ(x, (std::vector<std::int32_t>{INT32_MAX, INT32_MIN, 5}));
  const std::vector<double> floats{3e10, -3e10, NAN, 2.9, -0.5};
  EXPECT_EQ(
      gathered<std::int32_t>(rows_of(floats.data(), 'f', 8, {5}), DType::kInt32, {0, 1, 2, 3, 4}),
      (std::vector<std::int32_t>{INT32_MAX, INT32_MIN, INT32_MIN, 2, 0}));
  const std::uint64_t big = UINT64_MAX;
  EXPECT_EQ(gathered<std::int64_t>(rows_of(&big, 'u', 8, {1}), DType::kInt64, {0})[0], INT64_MAX);
}

TEST(Feed, BigEndian) {
  const unsigned char bytes[] = {0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0};
  HostArray a = rows_of(bytes, 'f', 4, {2});
  a.swapped = true;
  EXPECT_EQ(gathered<float>(a, DType::kFloat32, {1, 0}), (std::vector<float>{-2.5f, 1}));
  EXPECT_FALSE(is_direct(a, DType::kFloat32));
}

TEST(Feed, AnyStrides) {
  std::vector<float> x(24);
  for (int i = 0; i < 24; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>(i);
  const HostArray plain = rows_of(x, {4, 3, 2});
  EXPECT_TRUE(is_direct(plain, DType::kFloat32));
  EXPECT_FALSE(is_direct(plain, DType::kInt32));
  HostArray reversed = plain;  // x[::-1, ::-1, ::-1]
  reversed.data = x.data() + 23;
  for (std::int64_t& s : reversed.strides) s = -s;
  EXPECT_EQ(gathered<float>(reversed, DType::kFloat32, {0}),
            (std::vector<float>{23, 22, 21, 20, 19, 18}));
  HostArray transposed = plain;  // x.transpose(2, 1, 0)
  transposed.shape = {2, 3, 4};
  transposed.strides = {4, 8, 24};
  EXPECT_FALSE(is_direct(transposed, DType::kFloat32));
  EXPECT_EQ(gathered<float>(transposed, DType::kFloat32, {1}),
            (std::vector<float>{1, 7, 13, 19, 3, 9, 15, 21, 5, 11, 17, 23}));
  HostArray broadcast = plain;  // one row again and again
  broadcast.strides[0] = 0;
  EXPECT_EQ(gathered<float>(broadcast, DType::kFloat32, {3}),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(is_direct(broadcast, DType::kFloat32));
  HostArray every_other = rows_of(x, {12});  // x.ravel()[::2]
  every_other.strides[0] = 8;
  EXPECT_EQ(gathered<float>(every_other, DType::kFloat32, {11, 1}), (std::vector<float>{22, 2}));
}

TEST(Feed, UnsupportedArraysAreRefusedByName) {
  const std::vector<float> x(8);
  HostArray complex = rows_of(x.data(), 'c', 8, {2, 2});
  expect_error(
      [&] {
        expect_feedable(complex, f32({kUnknown, 2}), "x");
      },
      ErrorKind::kType, "input 'x': dtype kind 'c' of 8 bytes is not supported");
  expect_error(
      [&] {
        expect_feedable(rows_of(x.data(), 'f', 16, {2, 2}), f32({2, 2}), "x");
      },
      ErrorKind::kType, "'f' of 16 bytes");
  expect_error(
      [&] {
        expect_feedable(rows_of(x, {2, 3}), f32({kUnknown, 2}), "x");
      },
      ErrorKind::kValue, "input 'x': expected shape (None, 2), got (2, 3)");
}

}  // namespace
}  // namespace nnseq
