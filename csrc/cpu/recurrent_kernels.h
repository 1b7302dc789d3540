// The gates of recurrent cells of one ISA: what one step does beside its matrix product.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// `rows` sequences at one step, forward, for `lanes` (1..16) neighbouring units; every pointer is
// at the first of them. What is kept for the gradient, and y, may be null.
struct CellStep {
  int64_t rows, lanes;
  const float* z;  // h . U: (rows, gates, 16)
  const float* x;  // gate g of row r at x[r * pitch_x + g * units]
  float* gates;    // the same place, after the activations; may be x
  int64_t pitch_x, units;
  const float* bias;  // GRU: of h . U, gate g at bias[g * units]
  const float* h;     // state before; rows padded to whole vectors, as h_new and c
  float* h_new;
  float* c;  // LSTM: before and after
  int64_t pitch_h;
  float* y;       // row r at y[r * pitch_y], as the next two
  float* h_prev;  // the state before
  float* extra;   // LSTM: c before; GRU: candidate part of h . U + bias
  int64_t pitch_y;
  const uint8_t* keep;  // per row: the step counts, else the state stays; null: all count
  const uint8_t* show;  // per row: y is the state, else 0; null with keep
};

// Backward: all units of `rows` sequences at one step.
struct CellGrad {
  int64_t rows, units;
  const float* gates;  // gate g of row r at gates[r * pitch_x + g * units]
  float* dx;           // the same place; may be gates
  float* ds;           // GRU: the gradient of h . U + bias, the same place
  int64_t pitch_x;
  const float* h_prev;  // GRU; row r at h_prev[r * pitch_y], as the next two
  const float* extra;
  const float* dy;  // may be null
  int64_t pitch_y;
  // The gradients of the state after the step, replaced by those of the state before; for h without
  // the part that comes through the product.
  float* dh;
  float* dc;
  int64_t pitch_h;
  const uint8_t *keep, *show;  // as in CellStep
};

// By RecurrentCell.
struct RecurrentKernels {
  void (*step[3])(const CellStep&) noexcept;
  void (*grad[3])(const CellGrad&) noexcept;
};

}  // namespace nnseq::cpu
