// What the steps of a Program are and how long they took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nnseq/export.h"

namespace nnseq {

struct NNSEQ_API Profile {
  // Steps that are equal but for their data, together.
  struct Row {
    std::string layer;       // the scope that made them
    std::string op;          // "conv2d"; "copy" for what the planner adds
    std::string shapes;      // "(8, 4), (4, 2) -> (8, 2)"
    std::string kernel;      // what runs, with its choices
    std::string refused;     // why nothing faster does; empty: nothing was refused
    std::int64_t steps = 1;  // in one run
    double flops = 0;        // of all of them in one run; 0: bytes are what counts
    double bytes = 0;        // that they read and write at least
    double seconds = 0;      // of all of them in one run
  };

  std::vector<Row> rows;  // in the order of the first step of each
  double seconds = 0;     // of one run
  std::int64_t runs = 0;  // of which the seconds are the mean
  std::string isa;
  std::int64_t memory = 0;  // bytes of activations and scratch

  // The table as text: one line that sums up, the names of the columns, a line of cells per row.
  std::string title() const;
  static const std::vector<std::string>& header();
  std::vector<std::vector<std::string>> cells() const;
  std::string to_string() const;
};

}  // namespace nnseq
