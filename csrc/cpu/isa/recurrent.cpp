// The gates of SimpleRNN, LSTM and GRU, fused: one pass over the products of a step.
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

using math::sigmoid;
using math::tanh;

NNSEQ_INLINE F16 tanh_slope(F16 y) { return fnma(y, y, set1(1)); }
NNSEQ_INLINE F16 sigmoid_slope(F16 y) { return fnma(y, y, y); }

// --- forward
// --------------------------------------------------------------------------------------

// One row of a step.
template <class P>
struct Row {
  const CellStep& s;
  int64_t r;
  P whole;
  bool keep;

  NNSEQ_INLINE F16 product(int64_t gates, int64_t g) const {
    return load(s.z + (r * gates + g) * 16);
  }
  NNSEQ_INLINE F16 input(int64_t g) const {
    return load(s.x + r * s.pitch_x + g * s.units, whole, s.lanes);
  }
  NNSEQ_INLINE F16 bias(int64_t g) const { return load(s.bias + g * s.units, whole, s.lanes); }
  NNSEQ_INLINE F16 state() const { return load(s.h + r * s.pitch_h); }
  NNSEQ_INLINE F16 cell() const { return load(s.c + r * s.pitch_h); }
  NNSEQ_INLINE void save_gate(int64_t g, F16 value) const {
    if (s.gates) store(s.gates + r * s.pitch_x + g * s.units, value, whole, s.lanes);
  }
  NNSEQ_INLINE void save_extra(F16 value) const {
    if (s.extra) store(s.extra + r * s.pitch_y, value, whole, s.lanes);
  }
  NNSEQ_INLINE void set_cell(F16 value) const {
    if (keep) store(s.c + r * s.pitch_h, value);
  }
  NNSEQ_INLINE void set_state(F16 before, F16 after) const {
    const F16 h = keep ? after : before;
    store(s.h_new + r * s.pitch_h, h);
    if (s.h_prev) store(s.h_prev + r * s.pitch_y, before, whole, s.lanes);
    if (s.y) {
      const bool shown = !s.show || s.show[r];
      store(s.y + r * s.pitch_y, shown ? h : zero(), whole, s.lanes);
    }
  }
};

struct Simple {
  template <class P>
  NNSEQ_INLINE static void step(const Row<P>& row) {
    const F16 h = row.state();
    const F16 y = tanh(row.input(0) + row.product(1, 0));
    row.save_gate(0, y);
    row.set_state(h, y);
  }
};

struct Lstm {
  template <class P>
  NNSEQ_INLINE static void step(const Row<P>& row) {
    const F16 h = row.state(), c = row.cell();
    const F16 i = sigmoid(row.input(0) + row.product(4, 0));
    const F16 f = sigmoid(row.input(1) + row.product(4, 1));
    const F16 g = tanh(row.input(2) + row.product(4, 2));
    const F16 o = sigmoid(row.input(3) + row.product(4, 3));
    row.save_gate(0, i);
    row.save_gate(1, f);
    row.save_gate(2, g);
    row.save_gate(3, o);
    row.save_extra(c);
    const F16 c_new = fma(f, c, i * g);
    row.set_cell(c_new);
    row.set_state(h, o * tanh(c_new));
  }
};

struct Gru {
  template <class P>
  NNSEQ_INLINE static void step(const Row<P>& row) {
    const F16 h = row.state();
    const F16 z = sigmoid(row.input(0) + (row.product(3, 0) + row.bias(0)));
    const F16 r = sigmoid(row.input(1) + (row.product(3, 1) + row.bias(1)));
    const F16 inner = row.product(3, 2) + row.bias(2);
    const F16 candidate = tanh(fma(r, inner, row.input(2)));
    row.save_gate(0, z);
    row.save_gate(1, r);
    row.save_gate(2, candidate);
    row.save_extra(inner);
    row.set_state(h, fma(z, h - candidate, candidate));
  }
};

template <class Cell, class P>
NNSEQ_INLINE void step_rows(const CellStep& s, P whole) {
  for (int64_t r = 0; r < s.rows; ++r) {
    Cell::step(Row<P>{s, r, whole, !s.keep || s.keep[r]});
  }
}

template <class Cell>
void step(const CellStep& s) noexcept {
  if (s.lanes == 16) {
    step_rows<Cell>(s, Whole{});
  } else {
    step_rows<Cell>(s, Part{});
  }
}

// --- backward
// -------------------------------------------------------------------------------------

// 16 units, or the last n, of one row of a step that counts.
template <class P>
struct Units {
  const CellGrad& s;
  int64_t x, y, h;  // offsets into arrays of gates, of outputs and of states
  P whole;
  int64_t n;

  NNSEQ_INLINE F16 gate(int64_t g) const { return load(s.gates + x + g * s.units, whole, n); }
  NNSEQ_INLINE F16 extra() const { return load(s.extra + y, whole, n); }
  NNSEQ_INLINE F16 state_before() const { return load(s.h_prev + y, whole, n); }
  NNSEQ_INLINE void set_dx(int64_t g, F16 d) const { store(s.dx + x + g * s.units, d, whole, n); }
  NNSEQ_INLINE void set_ds(int64_t g, F16 d) const { store(s.ds + x + g * s.units, d, whole, n); }
};

struct SimpleGrad {
  static constexpr int64_t kGates = 1;
  static constexpr bool kProductDiffers = false;
  template <class P>
  NNSEQ_INLINE static F16 grad(const Units<P>& u, F16 d) {
    u.set_dx(0, d * tanh_slope(u.gate(0)));
    return zero();
  }
};

struct LstmGrad {
  static constexpr int64_t kGates = 4;
  static constexpr bool kProductDiffers = false;
  template <class P>
  NNSEQ_INLINE static F16 grad(const Units<P>& u, F16 d) {
    const F16 i = u.gate(0), f = u.gate(1), g = u.gate(2), o = u.gate(3), c = u.extra();
    const F16 t = tanh(fma(f, c, i * g));
    const F16 dc = fma(d * o, tanh_slope(t), load(u.s.dc + u.h));
    u.set_dx(0, dc * g * sigmoid_slope(i));
    u.set_dx(1, dc * c * sigmoid_slope(f));
    u.set_dx(2, dc * i * tanh_slope(g));
    u.set_dx(3, d * t * sigmoid_slope(o));
    store(u.s.dc + u.h, dc * f);
    return zero();
  }
};

struct GruGrad {
  static constexpr int64_t kGates = 3;
  static constexpr bool kProductDiffers = true;
  template <class P>
  NNSEQ_INLINE static F16 grad(const Units<P>& u, F16 d) {
    const F16 z = u.gate(0), r = u.gate(1), candidate = u.gate(2), inner = u.extra();
    const F16 dz = d * (u.state_before() - candidate) * sigmoid_slope(z);
    const F16 dcandidate = fnma(d, z, d) * tanh_slope(candidate);
    const F16 dr = dcandidate * inner * sigmoid_slope(r);
    u.set_dx(0, dz);
    u.set_dx(1, dr);
    u.set_dx(2, dcandidate);
    u.set_ds(0, dz);
    u.set_ds(1, dr);
    u.set_ds(2, dcandidate * r);
    return d * z;
  }
};

template <class Cell>
void grad(const CellGrad& s) noexcept {
  for (int64_t r = 0; r < s.rows; ++r) {
    const bool keep = !s.keep || s.keep[r];
    const bool shown = s.dy && (!s.show || s.show[r]);
    for_vectors(s.units, [&](int64_t j, auto whole, int64_t n) NNSEQ_LAMBDA {
      const Units<decltype(whole)> u{
          s, r * s.pitch_x + j, r * s.pitch_y + j, r * s.pitch_h + j, whole, n};
      F16 d = load(s.dh + u.h);
      if (shown) d = d + load(s.dy + u.y, whole, n);
      if (keep) {
        d = Cell::grad(u, d);
      } else {
        for (int64_t g = 0; g < Cell::kGates; ++g) {
          u.set_dx(g, zero());
          if (Cell::kProductDiffers) u.set_ds(g, zero());
        }
      }
      store(s.dh + u.h, d);
    });
  }
}

}  // namespace

void fill_recurrent(KernelTable& table) noexcept {
  RecurrentKernels& k = table.recurrent;
  k.step[static_cast<int>(RecurrentCell::kSimple)] = step<Simple>;
  k.step[static_cast<int>(RecurrentCell::kLstm)] = step<Lstm>;
  k.step[static_cast<int>(RecurrentCell::kGru)] = step<Gru>;
  k.grad[static_cast<int>(RecurrentCell::kSimple)] = grad<SimpleGrad>;
  k.grad[static_cast<int>(RecurrentCell::kLstm)] = grad<LstmGrad>;
  k.grad[static_cast<int>(RecurrentCell::kGru)] = grad<GruGrad>;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
