// The plan: where each value of a specialised graph lives, from liveness.
#pragma once

#include <cstdint>
#include <vector>

#include "nnseq/graph.h"

namespace nnseq::passes {

enum class Home : std::uint8_t {
  kNone,      // never materialised
  kArena,     // `offset` bytes into the session's workspace
  kInput,     // the caller's input `index`
  kSlot,      // the storage of Variable `index`
  kOutput,    // the caller's output `index`
  kConstant,  // constant `index` of the Program
};

struct Place {
  Home home = Home::kNone;
  std::int32_t index = 0;
  std::int64_t offset = 0;  // bytes
  bool operator==(const Place&) const = default;
};

// Copies that the list of nodes does not say: state written at the end of the step, outputs that
// are somebody else's memory, old values of a slot that an update overwrites.
struct Copy {
  std::int32_t before_node = 0;  // runs before this node; == number of nodes: after all
  TensorType type;
  Place from, to;
};

struct Plan {
  std::vector<std::vector<Place>> places;  // [node][output]
  // Where it is read, but by the update that overwrites it: differs for a slot's kept old value.
  std::vector<std::vector<Place>> reads;
  std::vector<Copy> copies;
  std::vector<std::int32_t> constants;  // nodes, in order of Place::index
  std::vector<bool> views;              // per node: needs no kernel
  std::int64_t arena_bytes = 0;
};

Plan make_plan(const Graph& graph);

// The operand of an `update` that its output `out` replaces.
int replaced_operand(const Node& update, int out);

}  // namespace nnseq::passes
