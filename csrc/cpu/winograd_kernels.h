// The transforms of Winograd's F(2x2, 3x3) of one ISA; winograd.h says what they are for.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// Neighbouring tiles of one row of tiles, and where their transformed values go: four matrices,
// `matrix` floats apart, with one row of `pitch` floats per tile. `pitch` covers whole vectors.
struct WinogradRun {
  int64_t count, channels;
  int64_t pixel;          // floats from one pixel of the image to the next
  int64_t column, width;  // the first tile's first column, which may be outside; of the image
  // Rows of the image: first + sign * second is transformed. Null: a row of zeros.
  const float* first;
  const float* second;
  float sign;
  int64_t pitch, matrix;
};

// A run of finished tiles: 2 x 2 outputs from the 16 matrices of their products.
struct WinogradOutput {
  int64_t count, channels;
  int64_t pitch, matrix;
  int64_t rows, columns;  // of y that exist; columns is 2 * count or one less
  int64_t row, pixel;     // floats of y from one to the next
  const float* bias;      // (channels,) or null
  bool accumulate;        // add to y
};

struct WinogradKernels {
  // Four columns of the input, two apart from tile to tile: out[j] = row . B.
  void (*input)(const WinogradRun&, float* out);
  // Two columns of the output's gradient: out[j] = row . A^T.
  void (*output_grad)(const WinogradRun&, float* out);
  void (*output)(const WinogradOutput&, const float* products, float* y);  // A^T . products . A
  // out[e * matrix + k * width + j] = element e of G g G^T, where tap t of the filter g of (k, j)
  // is w[t * tap + k * ldw + j], k < rows, j < columns; zeros in columns <= j < width.
  void (*weights)(const float* w, int64_t tap, int64_t ldw, int64_t rows, int64_t columns,
                  int64_t width, float* out, int64_t matrix);
  // dw[t * tap + k * ldw + j] = tap t of G^T u G, element e of u is u[e * matrix + k * pitch + j].
  void (*weights_grad)(const float* u, int64_t matrix, int64_t pitch, int64_t rows, int64_t columns,
                       float* dw, int64_t tap, int64_t ldw);
};

}  // namespace nnseq::cpu
