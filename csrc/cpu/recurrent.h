// SimpleRNN, LSTM and GRU over whole sequences, forward and backward through time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nnseq/functions.h"
#include "runtime/kernel_args.h"

namespace nnseq::cpu {

constexpr std::int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::kLstm ? 4 : cell == RecurrentCell::kGru ? 3 : 1;
}

// n sequences of `steps` steps. Gates stand in Keras' order: LSTM i, f, c, o; GRU z, r, h.
struct Recurrence {
  RecurrentCell cell = RecurrentCell::kSimple;
  std::int64_t n = 0, steps = 0, units = 0;
  bool reverse = false;      // from the last step to the first; everything stands in place
  bool zero_output = false;  // what a step that does not count gives: 0, else the output before

  std::int64_t gates() const { return gates_of(cell); }
};

struct RecurrentForward {
  const float* x;            // (n, steps, gates * units): the projected input with its bias
  const float* kernel;       // (units, gates * units)
  const float* bias;         // GRU: (gates * units,) of the recurrent product
  const float* h0;           // (n, units)
  const float* c0;           // LSTM
  const std::uint8_t* mask;  // (n, steps): steps that count; may be null
  // Results, each may be null. gates: after their activations, may be x.
  float *y, *h, *c;               // (n, steps, units), (n, units), LSTM (n, units)
  float *gates, *h_prev, *extra;  // like x, y, y: what the gradient needs
};

struct RecurrentBackward {
  const float* kernel;
  const float* gates;  // these as saved, extra by LSTM (c before) and GRU (its recurrent candidate)
  const float* h_prev;  // GRU
  const float* extra;
  const std::uint8_t* mask;
  const float* dy;       // (n, steps, units) or null
  const float *dh, *dc;  // (n, units) of the last states
  float *dx, *ds;        // like x; ds of the recurrent product, GRU only. dx may be gates
  float *dh0, *dc0;
};

// Bytes of scratch (64-byte aligned) for either with `workers` workers.
std::size_t recurrent_scratch(const Recurrence& p, int workers) noexcept;

// Sequences are independent: a block of them runs all steps on one core, with the recurrent kernel
// packed once. Each product runs over its whole inner dimension in order, with fma.
void recurrent(const Exec& exec, const Recurrence& p, const RecurrentForward& a,
               void* scratch) noexcept;
void recurrent_grad(const Exec& exec, const Recurrence& p, const RecurrentBackward& a,
                    void* scratch) noexcept;

}  // namespace nnseq::cpu
