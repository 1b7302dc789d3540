// Enums of the elementwise functions, derived from functions.def.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

namespace nnseq {

enum class UnaryFn : std::uint8_t {
#define NNSEQ_UNARY(name, Struct) k##Struct,
#include "nnseq/functions.def"
};

enum class BinaryFn : std::uint8_t {
#define NNSEQ_BINARY(name, Struct) k##Struct,
#include "nnseq/functions.def"
};

inline constexpr std::string_view kUnaryNames[] = {
#define NNSEQ_UNARY(name, Struct) #name,
#include "nnseq/functions.def"
};

inline constexpr std::string_view kBinaryNames[] = {
#define NNSEQ_BINARY(name, Struct) #name,
#include "nnseq/functions.def"
};

inline constexpr int kNumUnary = static_cast<int>(std::size(kUnaryNames));
inline constexpr int kNumBinary = static_cast<int>(std::size(kBinaryNames));

// An instruction of an elementwise program: register num_inputs + i = fn(r[a], r[b], r[c]).
// unary: f(a); unary_grad: b * f'(a), where a is what the function saves (its input or output);
// binary: f(a, b); select: a ? b : c.
struct ChainInstr {
  enum class Kind : std::uint8_t { kUnary, kUnaryGrad, kBinary, kSelect };
  Kind kind = Kind::kUnary;
  std::uint8_t fn = 0;
  std::int16_t a = 0;
  std::int16_t b = 0;
  std::int16_t c = 0;
  float alpha = 0;
  bool operator==(const ChainInstr&) const = default;
};

enum class ReduceFn : std::uint8_t { kSum, kMean, kMax, kMin, kProd };
enum class RandomDist : std::uint8_t { kUniform, kNormal, kTruncatedNormal };
enum class RecurrentCell : std::uint8_t { kSimple, kLstm, kGru };

}  // namespace nnseq
