#include "cpu/recurrent.h"

#include <algorithm>

#include "cpu/gemm_plan.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu {
namespace {

using std::int64_t;
using std::uint8_t;

// Sequences that one parallel block takes: whole tiles of 6 rows, two where there are enough.
constexpr int64_t kMostRows = 12;
int64_t block_rows(const Recurrence& p) { return p.n >= 48 ? kMostRows : 6; }

// Rows of states are whole vectors, and never a multiple of 4096 bytes apart.
int64_t padded(int64_t units) { return round_up(units, kLanes) + kLanes; }

int64_t num_blocks(const Recurrence& p) { return ceil_div(p.n, block_rows(p)); }
int64_t block_cost(const Recurrence& p) {
  return block_rows(p) * p.steps * p.units * p.gates() * (p.units / 50 + 4);
}

int64_t packed_floats(const Recurrence& p) {
  return round_up(p.units, kLanes) * p.gates() * p.units;
}

// What one worker needs: two arrays of states, one of cells, the products of a step for 16 units.
int64_t worker_floats(const Recurrence& p) {
  return block_rows(p) * (3 * padded(p.units) + p.gates() * kLanes);
}

struct Workspace {
  Workspace(const Recurrence& p, float* scratch, int worker) {
    const int64_t states = block_rows(p) * padded(p.units);
    float* const at = scratch + packed_floats(p) + worker * worker_floats(p);
    h[0] = at;
    h[1] = at + states;
    c = at + 2 * states;
    z = at + 3 * states;
  }
  float *h[2], *c, *z;
};

// C (rows, columns) of one panel of `vectors` vectors: A (rows, k) . panel, in tiles.
struct PanelProduct {
  const GemmKernels& kernels;
  TileShape tile;
  int64_t k;
  const float* a;
  int64_t pitch_a;
  float* c;
  int64_t pitch_c;
  bool accumulate;

  void run(const float* panel, int64_t column, int64_t columns, int64_t width, int64_t rows) const {
    Tile t{};
    const int64_t vectors = ceil_div(columns, kLanes);
    t.stride_a = pitch_a;
    t.k = k;
    t.runs = t.blocks = 1;
    t.b = panel;
    t.ldb = width;
    t.ldc = pitch_c;
    t.last = columns - (vectors - 1) * kLanes;
    t.accumulate = accumulate;
    for (int64_t i = 0; i < rows; i += tile.rows) {
      t.a = a + i * pitch_a;
      t.c = c + i * pitch_c + column;
      kernels.tile[0][vectors][std::min<int64_t>(tile.rows, rows - i)](t);
    }
  }
};

// The columns of all gates for 16 units form a group, cut into panels of the tile's vectors.
struct GatePanels {
  TileShape tile;
  int64_t gates, units;

  int64_t count() const { return ceil_div(units, kLanes); }
  int64_t group_floats() const { return gates * kLanes * units; }
  int64_t vectors(int64_t first) const { return std::min<int64_t>(tile.vectors, gates - first); }

  void pack(const float* kernel, int64_t group, float* out) const {
    const int64_t used = std::min(kLanes * (group + 1), units) - kLanes * group;
    for (int64_t first = 0; first < gates; first += tile.vectors) {
      const int64_t width = vectors(first);
      for (int64_t k = 0; k < units; ++k) {
        for (int64_t g = first; g < first + width; ++g, out += kLanes) {
          std::copy_n(kernel + (k * gates + g) * units + kLanes * group, used, out);
          std::fill(out + used, out + kLanes, 0.0f);
        }
      }
    }
  }

  // z (rows, gates * 16) of one group
  void multiply(const PanelProduct& p, const float* packed, int64_t rows) const {
    for (int64_t first = 0; first < gates; first += tile.vectors) {
      const int64_t width = vectors(first) * kLanes;
      p.run(packed + first * kLanes * units, first * kLanes, width, width, rows);
    }
  }
};

int64_t time_of(const Recurrence& p, int64_t step) { return p.reverse ? p.steps - 1 - step : step; }

// The mask of a block of sequences: which rows count at a step, and which give their state as
// output, those that have counted or, with zero_output, count.
class BlockMask {
 public:
  BlockMask(const Recurrence& p, const uint8_t* mask, int64_t first, int64_t rows)
      : p_(p), mask_(mask ? mask + first * p.steps : nullptr), rows_(rows) {
    for (int64_t r = 0; mask_ && r < rows; ++r) {
      start_[r] = 0;
      while (start_[r] < p.steps && !counts(r, start_[r])) ++start_[r];
    }
  }
  template <class Step>
  void point(Step& s) const {
    if (mask_) s.keep = keep_, s.show = show_;
  }
  void move_to(int64_t step) {
    for (int64_t r = 0; mask_ && r < rows_; ++r) {
      keep_[r] = counts(r, step);
      show_[r] = p_.zero_output ? keep_[r] : step >= start_[r];
    }
  }

 private:
  bool counts(int64_t r, int64_t step) const { return mask_[r * p_.steps + time_of(p_, step)]; }

  const Recurrence& p_;
  const uint8_t* mask_;
  int64_t rows_;
  int64_t start_[kMostRows];  // the first step that counts
  uint8_t keep_[kMostRows], show_[kMostRows];
};

void copy_rows(int64_t rows, int64_t units, const float* from, int64_t pitch_from, float* to,
               int64_t pitch_to) {
  for (int64_t r = 0; r < rows; ++r) std::copy_n(from + r * pitch_from, units, to + r * pitch_to);
}

// States into rows of whole vectors, with zeros behind them.
void load_states(int64_t rows, int64_t units, const float* from, float* to) {
  std::fill_n(to, rows * padded(units), 0.0f);
  copy_rows(rows, units, from, units, to, padded(units));
}

void forward_block(const KernelTable& kernels, const Recurrence& p, const RecurrentForward& a,
                   const GatePanels& panels, const float* packed, const Workspace& w, int64_t first,
                   int64_t rows) {
  const int64_t gates = p.gates(), units = p.units, pitch = padded(units);
  const int64_t at_x = first * p.steps * gates * units, at_y = first * p.steps * units;
  const auto step_of = kernels.recurrent.step[static_cast<int>(p.cell)];
  const auto offset = [](float* base, int64_t by) { return base ? base + by : nullptr; };
  CellStep s{};
  s.rows = rows;
  s.z = w.z;
  s.units = units;
  s.pitch_x = p.steps * gates * units;
  s.pitch_y = p.steps * units;
  s.pitch_h = pitch;
  BlockMask mask(p, a.mask, first, rows);
  mask.point(s);
  load_states(rows, units, a.h0 + first * units, w.h[0]);
  if (a.c0) load_states(rows, units, a.c0 + first * units, w.c);
  for (int64_t step = 0; step < p.steps; ++step) {
    const int64_t t = time_of(p, step);
    const float* const h = w.h[step % 2];
    mask.move_to(step);
    const PanelProduct product{kernels.gemm, panels.tile, units,          h,
                               pitch,        w.z,         gates * kLanes, false};
    for (int64_t group = 0; group < panels.count(); ++group) {
      const int64_t unit = group * kLanes;
      panels.multiply(product, packed + group * panels.group_floats(), rows);
      const int64_t x = at_x + t * gates * units + unit, y = at_y + t * units + unit;
      s.lanes = std::min<int64_t>(kLanes, units - unit);
      s.x = a.x + x;
      s.gates = offset(a.gates, x);
      s.bias = a.bias ? a.bias + unit : nullptr;
      s.h = h + unit;
      s.h_new = w.h[(step + 1) % 2] + unit;
      s.c = w.c + unit;
      s.y = offset(a.y, y);
      s.h_prev = offset(a.h_prev, y);
      s.extra = offset(a.extra, y);
      step_of(s);
    }
  }
  if (a.h) copy_rows(rows, units, w.h[p.steps % 2], pitch, a.h + first * units, units);
  if (a.c) copy_rows(rows, units, w.c, pitch, a.c + first * units, units);
}

// Of the panel that begins at column j of the transposed kernel.
int64_t panel_width(TileShape tile, int64_t units, int64_t j) {
  return std::min<int64_t>(tile.columns(), round_up(units - j, kLanes));
}

void backward_block(const KernelTable& kernels, const Recurrence& p, const RecurrentBackward& a,
                    TileShape tile, const float* packed, const Workspace& w, int64_t first,
                    int64_t rows) {
  const int64_t gates = p.gates(), units = p.units, columns = gates * units;
  const auto grad_of = kernels.recurrent.grad[static_cast<int>(p.cell)];
  CellGrad s{};
  s.rows = rows;
  s.units = units;
  s.pitch_x = p.steps * columns;
  s.pitch_y = p.steps * units;
  s.pitch_h = padded(units);
  s.dh = w.h[0];
  s.dc = w.c;
  BlockMask mask(p, a.mask, first, rows);
  mask.point(s);
  load_states(rows, units, a.dh + first * units, w.h[0]);
  if (a.dc) load_states(rows, units, a.dc + first * units, w.c);
  for (int64_t step = p.steps - 1; step >= 0; --step) {
    const int64_t t = time_of(p, step);
    mask.move_to(step);
    const int64_t x = (first * p.steps + t) * columns, y = (first * p.steps + t) * units;
    s.gates = a.gates + x;
    s.dx = a.dx + x;
    s.ds = a.ds ? a.ds + x : nullptr;
    s.h_prev = a.h_prev ? a.h_prev + y : nullptr;
    s.extra = a.extra ? a.extra + y : nullptr;
    s.dy = a.dy ? a.dy + y : nullptr;
    grad_of(s);
    const PanelProduct product{kernels.gemm, tile,   columns,   a.ds ? s.ds : s.dx,
                               s.pitch_x,    w.h[0], s.pitch_h, true};
    for (int64_t j = 0; j < units; j += tile.columns()) {
      product.run(packed + j * columns, j, std::min<int64_t>(tile.columns(), units - j),
                  panel_width(tile, units, j), rows);
    }
  }
  copy_rows(rows, units, w.h[0], s.pitch_h, a.dh0 + first * units, units);
  if (a.dc0) copy_rows(rows, units, w.c, s.pitch_h, a.dc0 + first * units, units);
}

// fn(workspace, first sequence, sequences) for blocks of sequences.
template <class F>
void for_blocks(const Exec& exec, const Recurrence& p, float* scratch, F&& fn) {
  exec.parallel_for(num_blocks(p), block_cost(p), [&](int64_t block, int worker) {
    const int64_t first = block * block_rows(p);
    fn(Workspace(p, scratch, worker), first, std::min(block_rows(p), p.n - first));
  });
}

}  // namespace

std::size_t recurrent_scratch(const Recurrence& p, int workers) noexcept {
  return sizeof(float) * static_cast<std::size_t>(packed_floats(p) + workers * worker_floats(p));
}

void recurrent(const Exec& exec, const Recurrence& p, const RecurrentForward& a,
               void* scratch) noexcept {
  if (p.n <= 0) return;
  float* const packed = static_cast<float*>(scratch);
  const GatePanels panels{
      choose_tile(exec.kernels->gemm, std::min(p.n, block_rows(p)), p.gates() * kLanes), p.gates(),
      p.units};
  exec.parallel_for(panels.count(), panels.group_floats() / 8, [&](int64_t group, int) {
    panels.pack(a.kernel, group, packed + group * panels.group_floats());
  });
  for_blocks(exec, p, packed, [&](const Workspace& w, int64_t first, int64_t rows) {
    forward_block(*exec.kernels, p, a, panels, packed, w, first, rows);
  });
}

void recurrent_grad(const Exec& exec, const Recurrence& p, const RecurrentBackward& a,
                    void* scratch) noexcept {
  if (p.n <= 0) return;
  float* const packed = static_cast<float*>(scratch);
  const int64_t columns = p.gates() * p.units;
  const TileShape tile = choose_tile(exec.kernels->gemm, std::min(p.n, block_rows(p)), p.units);
  exec.parallel_for(
      ceil_div(p.units, tile.columns()), columns * tile.columns() / 8, [&](int64_t panel, int) {
        const int64_t j = panel * tile.columns();
        const int64_t width = panel_width(tile, p.units, j), used = std::min(width, p.units - j);
        exec.kernels->gemm.pack_transposed(a.kernel + j * columns, columns, used, columns, width,
                                           width, packed + j * columns);
      });
  for_blocks(exec, p, packed, [&](const Workspace& w, int64_t first, int64_t rows) {
    backward_block(*exec.kernels, p, a, tile, packed, w, first, rows);
  });
}

}  // namespace nnseq::cpu
