// What the graph needs to know of an elementwise function, derived from its struct.
#pragma once

#include "math/elementwise.h"
#include "nnseq/functions.h"

namespace nnseq {

// What the backward pass keeps of f: its input, its output, or nothing (zero gradient).
constexpr Saves saves(UnaryFn fn) {
  constexpr Saves table[] = {
#define NNSEQ_UNARY(name, Struct) math::Struct::saves,
#include "nnseq/functions.def"
  };
  return table[static_cast<int>(fn)];
}

constexpr bool returns_bool(UnaryFn fn) {
  constexpr bool table[] = {
#define NNSEQ_UNARY(name, Struct) math::Struct::returns_bool,
#include "nnseq/functions.def"
  };
  return table[static_cast<int>(fn)];
}

constexpr bool returns_bool(BinaryFn fn) {
  constexpr bool table[] = {
#define NNSEQ_BINARY(name, Struct) math::Struct::returns_bool,
#include "nnseq/functions.def"
  };
  return table[static_cast<int>(fn)];
}

}  // namespace nnseq
