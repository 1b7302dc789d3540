#include "cpu/conv.h"

#include "kernel_bench.h"

namespace nnseq::bench {
namespace {

using std::int64_t;

struct Layer {
  int64_t batch, size, c, o, k, stride, pad, groups;
};

cpu::Conv2D problem(const Layer& l) {
  cpu::Conv2D p;
  p.n = l.batch;
  p.h = p.w = l.size;
  p.c = l.c;
  p.o = l.o;
  p.kh = p.kw = l.k;
  p.stride_h = p.stride_w = l.stride;
  p.pad_top = p.pad_left = l.pad;
  p.groups = l.groups;
  p.oh = p.ow = (l.size + 2 * l.pad - l.k) / l.stride + 1;
  return p;
}

// Padding is counted as if it were data.
void conv_bench(benchmark::State& state, cpu::ConvPart part, Layer layer) {
  const int threads = static_cast<int>(state.range(0));
  const Machine machine(threads);
  const cpu::Conv2D p = problem(layer);
  const int64_t taps = p.kh * p.kw * p.c / p.groups;
  Floats x(p.n * p.h * p.w * p.c), w(taps * p.o), y(p.n * p.oh * p.ow * p.o), bias(p.o);
  const std::size_t bytes = cpu::conv2d_scratch(p, part, threads);
  Floats scratch(static_cast<int64_t>(bytes / sizeof(float)));
  cpu::Epilogue e;
  e.bias = bias.data();
  e.fn = UnaryFn::kRelu;
  for (auto _ : state) {
    switch (part) {
      case cpu::ConvPart::kForward:
        cpu::conv2d(machine.exec(), p, x.data(), w.data(), y.data(), e, scratch.data());
        break;
      case cpu::ConvPart::kByData:
        cpu::conv2d_by_data(machine.exec(), p, y.data(), w.data(), x.data(), scratch.data());
        break;
      case cpu::ConvPart::kByWeights:
        cpu::conv2d_by_weights(machine.exec(), p, x.data(), y.data(), w.data(), scratch.data());
        break;
    }
  }
  report_flops(state, 2.0 * static_cast<double>(p.n * p.oh * p.ow * p.o * taps), threads);
}

#define NNSEQ_CONV_ROWS(name, ...)                                                            \
  NNSEQ_ROW(conv_bench, "conv/" name "/forward", cpu::ConvPart::kForward, Layer __VA_ARGS__); \
  NNSEQ_ROW(conv_bench, "conv/" name "/by_data", cpu::ConvPart::kByData, Layer __VA_ARGS__);  \
  NNSEQ_ROW(conv_bench, "conv/" name "/by_weights", cpu::ConvPart::kByWeights, Layer __VA_ARGS__)

NNSEQ_CONV_ROWS("28x28x1_32_k3", {32, 28, 1, 32, 3, 1, 0, 1});
NNSEQ_CONV_ROWS("26x26x32_64_k3", {32, 26, 32, 64, 3, 1, 0, 1});
NNSEQ_CONV_ROWS("13x13x32_64_k3", {32, 13, 32, 64, 3, 1, 0, 1});
NNSEQ_CONV_ROWS("250x250x3_32_k5_s2", {32, 250, 3, 32, 5, 2, 0, 1});
NNSEQ_CONV_ROWS("123x123x32_32_k3", {32, 123, 32, 32, 3, 1, 0, 1});
NNSEQ_CONV_ROWS("38x38x32_32_k3", {32, 38, 32, 32, 3, 1, 0, 1});
NNSEQ_CONV_ROWS("32x32x64_64_k3_same", {32, 32, 64, 64, 3, 1, 1, 1});
NNSEQ_CONV_ROWS("16x16x128_128_k3_same", {32, 16, 128, 128, 3, 1, 1, 1});
NNSEQ_CONV_ROWS("8x8x256_256_k3_same", {32, 8, 256, 256, 3, 1, 1, 1});
NNSEQ_CONV_ROWS("32x32x128_256_k1", {32, 32, 128, 256, 1, 1, 0, 1});
NNSEQ_CONV_ROWS("32x32x128_k3_depthwise", {32, 32, 128, 128, 3, 1, 1, 128});
NNSEQ_CONV_ROWS("224x224x3_64_k7_s2", {32, 224, 3, 64, 7, 2, 3, 1});
NNSEQ_CONV_ROWS("32x32x64_128_k3_s2", {32, 32, 64, 128, 3, 2, 1, 1});

}  // namespace
}  // namespace nnseq::bench
