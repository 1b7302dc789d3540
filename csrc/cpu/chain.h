// The machine behind run_chain, for one register type. `Ops` gives the type and its functions:
//   R, load(dtype, data, offset, n, R* dst), store(dtype, data, offset, n, const R* src),
//   unary, unary_grad, binary, select with the signatures of VectorKernels, over R.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "cpu/broadcast.h"
#include "cpu/elementwise.h"

namespace nnseq::cpu {

template <class R>
inline constexpr DType kRegisterType = std::is_same_v<R, float>    ? DType::kFloat32
                                       : std::is_same_v<R, double> ? DType::kFloat64
                                                                   : DType::kInt64;

template <class Ops>
class Chain {
 public:
  using R = typename Ops::R;
  static constexpr std::int64_t kBlock = 2048 / sizeof(R);
  static constexpr std::int64_t kTask = 8192;  // elements of one task
  static constexpr std::int64_t kShortRow = 256;

  Chain(const Ops& ops, const ChainInstr* code, int num_code, const TensorRef* in, int num_in,
        const TensorRef& out)
      : ops_(ops), code_(code), num_code_(num_code), num_in_(num_in), out_(out) {
    count_ = out.count();
    if (count_ == 0) return;
    place_inputs(in);
    plan_slots();
    plan_blocks();
  }

  void run(const Exec& exec, double element_cost) const {
    if (count_ == 0) return;
    const std::int64_t per_task = std::max<std::int64_t>(1, kTask / block_);
    const std::int64_t tasks = (blocks_ + per_task - 1) / per_task;
    const auto cost = static_cast<std::int64_t>(
        element_cost * static_cast<double>(std::min(count_, per_task * block_)));
    exec.parallel_for(tasks, cost, [this, per_task](std::int64_t task, int) {
      run_blocks(task * per_task, std::min(blocks_, (task + 1) * per_task));
    });
  }

 private:
  static constexpr std::int8_t kNoSlot = -1;
  struct Input {
    const void* data;
    DType dtype;
    bool whole;        // the shape of the output
    bool scalar;       // one element
    bool repeats;      // short rows: the same for every block
    std::int8_t slot;  // where it is expanded or converted, or kNoSlot
    R value;           // of a scalar
  };
  struct View {
    const R* p;
    std::int64_t step;
  };

  void place_inputs(const TensorRef* in) {
    bool simple = true;
    for (int k = 0; k < num_in_; ++k) {
      Input& x = inputs_[k];
      const std::int64_t n = in[k].count();
      x.data = in[k].data;
      x.dtype = in[k].type->dtype;
      x.scalar = n == 1;
      x.whole = n == count_ && !x.scalar;
      x.repeats = false;
      x.slot = kNoSlot;
      if (x.scalar) ops_.load(x.dtype, x.data, 0, 1, &x.value);
      simple = simple && (x.whole || x.scalar);
    }
    if (simple) {
      walk_.dims[0] = count_;
      for (int k = 0; k < num_in_; ++k) walk_.strides[k][0] = inputs_[k].whole;
    } else {
      for (int k = 0; k < num_in_; ++k) {
        broadcast_strides(in[k].shape(), out_.shape(), walk_.strides[k]);
      }
      walk_.collapse(out_.shape(), num_in_);
    }
    short_rows_ = walk_.rank > 1 && walk_.inner() < kShortRow;
    for (int k = 0; k < num_in_; ++k) {
      bool fixed = short_rows_ && !inputs_[k].scalar;
      for (int i = 0; i + 1 < walk_.rank; ++i) fixed = fixed && walk_.strides[k][i] == 0;
      inputs_[k].repeats = fixed;
    }
  }

  bool needs_slot(const Input& x) const {
    if (x.scalar) return false;
    return x.dtype != kRegisterType<R> || (short_rows_ && !x.whole);
  }

  std::int8_t take_slot() {
    for (std::int8_t s = 0; s < num_slots_; ++s) {
      if (!used_[s]) {
        used_[s] = true;
        return s;
      }
    }
    used_[num_slots_] = true;
    return num_slots_++;
  }

  // A register lives from the instruction that makes it (an input: that first reads it) to its last
  // use; slots are handed on. Inputs that repeat keep theirs.
  void plan_slots() {
    std::int16_t last_use[kMaxChainRegisters];
    std::int8_t slot[kMaxChainRegisters];
    const int registers = num_in_ + num_code_;
    for (int r = 0; r < registers; ++r) last_use[r] = slot[r] = -1;
    for (int k = 0; k < num_in_; ++k) {
      if (inputs_[k].repeats && needs_slot(inputs_[k])) inputs_[k].slot = take_slot();
    }
    for (int i = 0; i < num_code_; ++i) {
      for_operands(code_[i], [&](int r) { last_use[r] = static_cast<std::int16_t>(i); });
    }
    for (int i = 0; i < num_code_; ++i) {
      for_operands(code_[i], [&](int r) {
        if (r < num_in_ && inputs_[r].slot == kNoSlot && needs_slot(inputs_[r])) {
          inputs_[r].slot = slot[r] = take_slot();
        }
      });
      for_operands(code_[i], [&](int r) {
        if (last_use[r] == i && slot[r] != kNoSlot) {
          used_[slot[r]] = false;
          slot[r] = kNoSlot;
        }
      });
      slot[num_in_ + i] = slots_[i] = take_slot();
    }
    if (num_code_ == 0 && needs_slot(inputs_[0]) && inputs_[0].slot == kNoSlot) {
      inputs_[0].slot = take_slot();
    }
    stores_ = out_.type->dtype != kRegisterType<R>;
  }

  void plan_blocks() {
    bool in_place = !stores_ && num_code_ <= 1;  // nothing passes through a slot
    for (int k = 0; k < num_in_; ++k) in_place = in_place && inputs_[k].slot == kNoSlot;
    const std::int64_t length = in_place ? kTask : kBlock;
    const std::int64_t inner = walk_.inner();
    if (short_rows_) {
      rows_per_block_ = std::max<std::int64_t>(1, kBlock / inner);
      block_ = rows_per_block_ * inner;
      blocks_ = (walk_.rows() + rows_per_block_ - 1) / rows_per_block_;
    } else {
      block_ = length;
      pieces_ = (inner + length - 1) / length;
      blocks_ = walk_.rows() * pieces_;
    }
  }

  template <class F>
  static void for_operands(const ChainInstr& c, F f) {
    f(c.a);
    if (c.kind != ChainInstr::Kind::kUnary) f(c.b);
    if (c.kind == ChainInstr::Kind::kSelect) f(c.c);
  }

  struct Scratch {
    alignas(64) R slots[kMaxChainRegisters + 1][kBlock];
  };
  struct Range {
    std::int64_t start, n;     // elements of the output
    std::int64_t row, column;  // of the first
  };

  Range range(std::int64_t block) const {
    if (short_rows_) {
      const std::int64_t row = block * rows_per_block_;
      const std::int64_t start = row * walk_.inner();
      return {start, std::min(block_, count_ - start), row, 0};
    }
    const std::int64_t row = pieces_ == 1 ? block : block / pieces_;
    const std::int64_t column = pieces_ == 1 ? 0 : block % pieces_ * block_;
    return {row * walk_.inner() + column, std::min(block_, walk_.inner() - column), row, column};
  }

  // Copies the rows that a block covers of a broadcast operand.
  void expand(int k, const Range& at, R* dst) const {
    const Input& x = inputs_[k];
    const std::int64_t inner = walk_.inner();
    const bool along = walk_.strides[k][walk_.rank - 1] != 0;
    for (std::int64_t i = 0, row = at.row; i < at.n; i += inner, ++row) {
      const std::int64_t from = walk_.offset(k, row);
      if (along) {
        ops_.load(x.dtype, x.data, from, inner, dst + i);
      } else {
        R value;
        ops_.load(x.dtype, x.data, from, 1, &value);
        std::fill_n(dst + i, inner, value);
      }
    }
  }

  View view(int k, const Range& at, Scratch& scratch) const {
    const Input& x = inputs_[k];
    if (x.scalar) return {&x.value, 0};
    R* slot = x.slot == kNoSlot ? nullptr : scratch.slots[x.slot];
    if (short_rows_ && !x.whole) {
      if (!x.repeats) expand(k, at, slot);
      return {slot, 1};
    }
    const bool along = x.whole || walk_.strides[k][walk_.rank - 1] != 0;
    const std::int64_t from =
        x.whole ? at.start : walk_.offset(k, at.row) + (along ? at.column : 0);
    if (!slot) return {static_cast<const R*>(x.data) + from, along};
    ops_.load(x.dtype, x.data, from, along ? at.n : 1, slot);
    return {slot, along};
  }

  void run_blocks(std::int64_t begin, std::int64_t end) const {
    Scratch scratch;
    View regs[kMaxChainRegisters];
    if (short_rows_) {
      const Range widest{0, std::min(block_, count_), 0, 0};
      for (int k = 0; k < num_in_; ++k) {
        if (inputs_[k].repeats && inputs_[k].slot != kNoSlot) {
          expand(k, widest, scratch.slots[inputs_[k].slot]);
        }
      }
    }
    for (std::int64_t b = begin; b < end; ++b) {
      const Range at = range(b);
      for (int k = 0; k < num_in_; ++k) regs[k].p = nullptr;
      for (int i = 0; i < num_code_; ++i) {
        for_operands(code_[i], [&](int r) {
          if (r < num_in_ && !regs[r].p) regs[r] = view(r, at, scratch);
        });
        const bool to_out = i + 1 == num_code_ && !stores_;
        R* y = to_out ? static_cast<R*>(out_.data) + at.start : scratch.slots[slots_[i]];
        regs[num_in_ + i] = execute(code_[i], regs, at.n, y);
      }
      if (num_code_ == 0) regs[0] = view(0, at, scratch);
      finish(regs[num_code_ == 0 ? 0 : num_in_ + num_code_ - 1], at, scratch);
    }
  }

  View execute(const ChainInstr& c, const View* regs, std::int64_t n, R* y) const {
    const View a = regs[c.a];
    bool constant = a.step == 0;
    if (c.kind != ChainInstr::Kind::kUnary) constant = constant && regs[c.b].step == 0;
    if (c.kind == ChainInstr::Kind::kSelect) constant = constant && regs[c.c].step == 0;
    if (constant) n = 1;
    switch (c.kind) {
      case ChainInstr::Kind::kUnary:
        ops_.unary(c.fn, n, a.p, y, c.alpha);
        break;
      case ChainInstr::Kind::kUnaryGrad:
        ops_.unary_grad(c.fn, n, a.p, a.step, regs[c.b].p, regs[c.b].step, y, c.alpha);
        break;
      case ChainInstr::Kind::kBinary:
        ops_.binary(c.fn, n, a.p, a.step, regs[c.b].p, regs[c.b].step, y);
        break;
      case ChainInstr::Kind::kSelect:
        ops_.select(n, a.p, a.step, regs[c.b].p, regs[c.b].step, regs[c.c].p, regs[c.c].step, y);
        break;
    }
    return {y, !constant};
  }

  // Brings the result to the output, where the last instruction did not put it there.
  void finish(View result, const Range& at, Scratch& scratch) const {
    R* y = static_cast<R*>(out_.data) + at.start;
    if (!stores_) {
      if (result.step == 0) {
        std::fill_n(y, at.n, R{*result.p});
      } else if (result.p != y) {
        std::memmove(y, result.p, static_cast<std::size_t>(at.n) * sizeof(R));
      }
      return;
    }
    if (result.step == 0) {
      R* slot = scratch.slots[kMaxChainRegisters];
      std::fill_n(slot, at.n, R{*result.p});
      result.p = slot;
    }
    ops_.store(out_.type->dtype, out_.data, at.start, at.n, result.p);
  }

  const Ops& ops_;
  const ChainInstr* code_;
  int num_code_, num_in_;
  const TensorRef& out_;
  std::int64_t count_ = 0, block_ = 0, blocks_ = 0, pieces_ = 1, rows_per_block_ = 1;
  bool short_rows_ = false, stores_ = false;
  std::int8_t num_slots_ = 0;
  bool used_[kMaxChainRegisters + 1] = {};
  std::int8_t slots_[kMaxChainRegisters];
  Input inputs_[kMaxChainInputs];
  Walk<kMaxChainInputs> walk_;
};

}  // namespace nnseq::cpu
