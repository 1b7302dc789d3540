// Elementwise functions: unary, binary, select, cast, broadcast, and the fused chain.
#include "cpu/elementwise.h"

#include "math/function_traits.h"
#include "ops/attrs_of.h"
#include "ops/common.h"

namespace nnseq {

using namespace ops;

Value ops::sum_to(Graph& g, Value x, const Shape& shape) {
  const Shape from = g.type(x).shape;
  if (from == shape) return x;
  Dims axes;
  const int lead = from.rank() - shape.rank();
  for (int i = 0; i < from.rank(); ++i) {
    if (i < lead || (shape[i - lead] == 1 && from[i] != 1)) axes.push_back(i);
  }
  if (!axes.empty()) x = reduce(g, ReduceFn::kSum, x, std::move(axes));
  return reshape(g, x, shape);
}

namespace {

void same_as_operand(InferArgs& a) {
  expect_operands(a, 1);
  a.out = {a.in[0]};
}

// unary: y = f(x; alpha)

void infer_unary(InferArgs& a) {
  same_as_operand(a);
  const UnaryFn fn = a.as<UnaryAttrs>().fn;
  if (returns_bool(fn)) {
    a.out[0].dtype = DType::kBool;
  } else if (a.in[0].dtype == DType::kBool || a.in[0].dtype == DType::kUInt8) {
    fail_type(std::string(kUnaryNames[static_cast<int>(fn)]) + " of " +
              std::string(name_of(a.in[0].dtype)) + "; cast it first");
  }
  // Their derivatives are written in y, whose sign must be that of x.
  const bool signed_slope = fn == UnaryFn::kLeakyRelu || fn == UnaryFn::kElu;
  if (signed_slope && !(a.as<UnaryAttrs>().alpha >= 0)) {
    fail(std::string(kUnaryNames[static_cast<int>(fn)]) + " needs alpha >= 0, got " +
         std::to_string(a.as<UnaryAttrs>().alpha));
  }
}

void vjp_unary(VjpArgs& a) {
  const UnaryAttrs& attrs = a.node.as<UnaryAttrs>();
  switch (saves(attrs.fn)) {
    case Saves::kNone:
      a.din[0] = zeros(a.g, a.type(0));
      break;
    case Saves::kX:
      a.din[0] = a.g.add(Op::unary_grad, {a.in(0), a.dy()}, attrs);
      break;
    case Saves::kY:
      a.din[0] = a.g.add(Op::unary_grad, {a.y(), a.dy()}, attrs);
      break;
  }
}

// unary_grad: dx = dy * f'(saved), saved being x or y as the function says

// dy may be smaller and broadcast, as the gradient of a mean is.
void infer_unary_grad(InferArgs& a) {
  expect_operands(a, 2);
  if (a.in[0].dtype != a.in[1].dtype ||
      !(broadcast_shapes(a.in[0].shape, a.in[1].shape) == a.in[0].shape)) {
    fail("operands do not fit: " + to_string(a.in[0]) + ", " + to_string(a.in[1]));
  }
  a.out = {a.in[0]};
}

// d/dsaved of f'(saved), for the functions that have it here.
Value second_derivative(Graph& g, const UnaryAttrs& attrs, Value s, const std::string& scope) {
  auto one_minus = [&g](Value v) { return sub(g, g.scalar(1, DType::kFloat32), v); };
  switch (attrs.fn) {
    case UnaryFn::kNegative:
    case UnaryFn::kAbs:
    case UnaryFn::kRelu:
    case UnaryFn::kRelu6:
    case UnaryFn::kLeakyRelu:
    case UnaryFn::kHardSigmoid:
      return zeros(g, g.type(s));
    case UnaryFn::kSquare:
      return broadcast(g, g.scalar(2, DType::kFloat32), g.type(s).shape);
    case UnaryFn::kExp:
      return broadcast(g, g.scalar(1, DType::kFloat32), g.type(s).shape);
    case UnaryFn::kTanh:
      return scale(g, s, -2);  // f' = 1 - y^2
    case UnaryFn::kSigmoid:
      return one_minus(scale(g, s, 2));  // f' = y (1 - y)
    case UnaryFn::kReciprocal:
      return scale(g, s, -2);  // f' = -y^2
    case UnaryFn::kLog:
      return neg(g, unary(g, UnaryFn::kReciprocal, unary(g, UnaryFn::kSquare, s)));
    case UnaryFn::kSqrt:  // f' = 1 / (2 y)
      return scale(g, unary(g, UnaryFn::kReciprocal, unary(g, UnaryFn::kSquare, s)), -0.5);
    case UnaryFn::kRsqrt:
      return scale(g, unary(g, UnaryFn::kSquare, s), -1.5);  // f' = -y^3 / 2
    case UnaryFn::kSin:
      return neg(g, unary(g, UnaryFn::kSin, s));
    case UnaryFn::kCos:
      return neg(g, unary(g, UnaryFn::kCos, s));
    case UnaryFn::kSoftplus:
      return unary(g, UnaryFn::kExp, neg(g, s));  // f' = 1 - e^-y
    default:
      throw Error(ErrorKind::kUnsupported,
                  (scope.empty() ? "" : scope + ": ") + "the second derivative of " +
                      std::string(kUnaryNames[static_cast<int>(attrs.fn)]) + " is not available");
  }
}

void vjp_unary_grad(VjpArgs& a) {
  const UnaryAttrs& attrs = a.node.as<UnaryAttrs>();
  if (a.needs[1]) {
    a.din[1] = sum_to(a.g, a.g.add(Op::unary_grad, {a.in(0), a.dy()}, attrs), a.shape(1));
  }
  if (a.needs[0]) {
    Value d2 = second_derivative(a.g, attrs, a.in(0), a.g.scope_of(a.node));
    a.din[0] = mul(a.g, mul(a.g, a.dy(), a.in(1)), d2);
  }
}

// binary: y = f(a, b)

void infer_binary(InferArgs& a) {
  expect_operands(a, 2);
  if (a.in[0].dtype != a.in[1].dtype) {
    fail_type("operands differ in dtype: " + to_string(a.in[0]) + ", " + to_string(a.in[1]));
  }
  const BinaryFn fn = a.as<BinaryAttrs>().fn;
  a.out = {{a.in[0].dtype, broadcast_shapes(a.in[0].shape, a.in[1].shape)}};
  if (returns_bool(fn)) {
    a.out[0].dtype = DType::kBool;
  } else if (a.in[0].dtype == DType::kBool) {
    fail_type(std::string(kBinaryNames[static_cast<int>(fn)]) + " of bool; cast it first");
  }
}

// da, db before the sum over broadcast axes.
std::pair<Value, Value> binary_derivatives(VjpArgs& a) {
  Graph& g = a.g;
  const Value x = a.in(0), z = a.in(1), dy = a.dy();
  switch (a.node.as<BinaryAttrs>().fn) {
    case BinaryFn::kAdd:
      return {dy, dy};
    case BinaryFn::kSubtract:
      return {dy, a.needs[1] ? neg(g, dy) : Value{}};
    case BinaryFn::kMultiply:
      return {a.needs[0] ? mul(g, dy, z) : Value{}, a.needs[1] ? mul(g, dy, x) : Value{}};
    case BinaryFn::kDivide: {
      Value da = div(g, dy, z);
      return {da, a.needs[1] ? neg(g, mul(g, da, a.y())) : Value{}};  // -dy / z * (x / z)
    }
    case BinaryFn::kMaximum:
    case BinaryFn::kMinimum: {  // ties go half to each side
      const bool max = a.node.as<BinaryAttrs>().fn == BinaryFn::kMaximum;
      Value zero = g.scalar(0, DType::kFloat32), half = scale(g, dy, 0.5);
      Value tie = select(g, binary(g, BinaryFn::kEqual, x, z), half, zero);
      Value first = binary(g, max ? BinaryFn::kGreater : BinaryFn::kLess, x, z);
      Value second = binary(g, max ? BinaryFn::kLess : BinaryFn::kGreater, x, z);
      return {select(g, first, dy, tie), select(g, second, dy, tie)};
    }
    case BinaryFn::kPower: {
      Value da, db;
      if (a.needs[0]) {
        Value one = g.scalar(1, DType::kFloat32);
        da = mul(g, dy, mul(g, z, binary(g, BinaryFn::kPower, x, sub(g, z, one))));
      }
      if (a.needs[1]) {  // y * log(x), 0 where x <= 0
        Value zero = g.scalar(0, DType::kFloat32), one = g.scalar(1, DType::kFloat32);
        Value positive = binary(g, BinaryFn::kGreater, x, zero);
        Value log = unary(g, UnaryFn::kLog, select(g, positive, x, one));
        db = mul(g, dy, mul(g, a.y(), log));
      }
      return {da, db};
    }
    case BinaryFn::kMod: {
      Value db = a.needs[1] ? neg(g, mul(g, dy, binary(g, BinaryFn::kFloorDivide, x, z))) : Value{};
      return {dy, db};
    }
    default: {
      const Value zero = zeros(g, {DType::kFloat32, g.type(dy).shape});
      return {zero, zero};
    }
  }
}

void vjp_binary(VjpArgs& a) {
  auto [da, db] = binary_derivatives(a);
  if (a.needs[0]) a.din[0] = sum_to(a.g, da, a.shape(0));
  if (a.needs[1]) a.din[1] = sum_to(a.g, db, a.shape(1));
}

// select: c ? a : b

void infer_select(InferArgs& a) {
  expect_operands(a, 3);
  if (a.in[0].dtype != DType::kBool)
    fail_type("the condition must be bool, got " + to_string(a.in[0]));
  if (a.in[1].dtype != a.in[2].dtype) {
    fail_type("branches differ in dtype: " + to_string(a.in[1]) + ", " + to_string(a.in[2]));
  }
  a.out = {{a.in[1].dtype,
            broadcast_shapes(broadcast_shapes(a.in[0].shape, a.in[1].shape), a.in[2].shape)}};
}

void vjp_select(VjpArgs& a) {
  Value zero = a.g.scalar(0, a.type(1).dtype);
  if (a.needs[1]) a.din[1] = sum_to(a.g, select(a.g, a.in(0), a.dy(), zero), a.shape(1));
  if (a.needs[2]) a.din[2] = sum_to(a.g, select(a.g, a.in(0), zero, a.dy()), a.shape(2));
}

// cast

void infer_cast(InferArgs& a) {
  same_as_operand(a);
  a.out[0].dtype = a.as<CastAttrs>().dtype;
}

void vjp_cast(VjpArgs& a) { a.din[0] = cast(a.g, a.dy(), a.type(0).dtype); }

// broadcast: x to `sizes`, dims aligned right

void infer_broadcast(InferArgs& a) {
  expect_operands(a, 1);
  const Dims& sizes = a.as<SizesAttrs>().sizes;
  const Shape& in = a.in[0].shape;
  const int rank = static_cast<int>(sizes.size());
  const int lead = rank - in.rank();
  if (lead < 0) fail(to_string(in) + " does not broadcast to rank " + std::to_string(rank));
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const std::int64_t size = size_or_unknown(sizes[static_cast<std::size_t>(i)]);
    const std::int64_t dim = i < lead ? 1 : in[i - lead];
    if (dim != 1 && !agree(dim, size)) {
      fail(to_string(in) + " does not broadcast to size " + std::to_string(size) + " on axis " +
           std::to_string(i));
    }
    out.push_back(dim != 1 ? known(size, dim) : size);
  }
  a.out = {{a.in[0].dtype, out}};
}

void vjp_broadcast(VjpArgs& a) { a.din[0] = sum_to(a.g, a.dy(), a.shape(0)); }

void infer_chain(InferArgs& a) {
  Shape out;
  for (const TensorType& t : a.in) out = broadcast_shapes(out, t.shape);
  a.out = {{a.as<ChainAttrs>().dtype, out}};
}

// Bodies: every elementwise op is a chain of at most one instruction.

void run_one(const KernelArgs& k, const ChainInstr& instr) noexcept {
  cpu::run_chain(*k.exec, &instr, 1, k.in, k.num_in, k.out[0]);
}

void body_unary(const KernelArgs& k) noexcept {
  const auto& a = attrs_of<UnaryAttrs>(k);
  run_one(k, {ChainInstr::Kind::kUnary, static_cast<std::uint8_t>(a.fn), 0, 0, 0, a.alpha});
}
void body_unary_grad(const KernelArgs& k) noexcept {
  const auto& a = attrs_of<UnaryAttrs>(k);
  run_one(k, {ChainInstr::Kind::kUnaryGrad, static_cast<std::uint8_t>(a.fn), 0, 1, 0, a.alpha});
}
void body_binary(const KernelArgs& k) noexcept {
  const auto& a = attrs_of<BinaryAttrs>(k);
  run_one(k, {ChainInstr::Kind::kBinary, static_cast<std::uint8_t>(a.fn), 0, 1, 0, 0});
}
void body_select(const KernelArgs& k) noexcept {
  run_one(k, {ChainInstr::Kind::kSelect, 0, 0, 1, 2, 0});
}
void body_copy(const KernelArgs& k) noexcept {
  cpu::run_chain(*k.exec, nullptr, 0, k.in, 1, k.out[0]);
}
void body_chain(const KernelArgs& k) noexcept {
  const auto& a = attrs_of<ChainAttrs>(k);
  cpu::run_chain(*k.exec, a.code.data(), static_cast<int>(a.code.size()), k.in, k.num_in, k.out[0]);
}

Work work_chain(const WorkArgs& w) {
  Work work;
  for (const TensorType& t : w.in) {
    if (t.dtype != DType::kFloat32 && t.dtype != DType::kBool && t.dtype != DType::kUInt8) {
      work.refused = "one element at a time: " + std::string(name_of(t.dtype));
    }
  }
  return work;
}

constexpr unsigned kChainable = kElementwise | kInPlace;

}  // namespace

extern const OpInfo op_unary{infer_unary, vjp_unary, body_unary, nullptr, kChainable, work_chain};
extern const OpInfo op_unary_grad{infer_unary_grad, vjp_unary_grad, body_unary_grad,
                                  nullptr,          kChainable,     work_chain};
extern const OpInfo op_binary{infer_binary, vjp_binary, body_binary,
                              nullptr,      kChainable, work_chain};
extern const OpInfo op_select{infer_select, vjp_select, body_select,
                              nullptr,      kChainable, work_chain};
extern const OpInfo op_cast{infer_cast, vjp_cast, body_copy, nullptr, kElementwise, work_chain};
extern const OpInfo op_broadcast{infer_broadcast, vjp_broadcast, body_copy, nullptr, 0, work_chain};
extern const OpInfo op_chain{infer_chain, nullptr, body_chain, nullptr, kInPlace, work_chain};

}  // namespace nnseq
