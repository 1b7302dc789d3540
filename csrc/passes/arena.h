// Offsets for blocks with lifetimes: best fit over a free list, in order of birth.
#pragma once

#include <cstdint>
#include <vector>

namespace nnseq::passes {

class Arena {
 public:
  struct Block {
    std::int32_t def, last;  // alive from def to last, both included
    std::int64_t bytes;
  };
  explicit Arena(const std::vector<Block>& blocks);
  std::int64_t offset(std::size_t block) const { return offsets_[block]; }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t take(std::int64_t bytes);
  void give(std::int64_t offset, std::int64_t bytes);

  struct Hole {
    std::int64_t offset, bytes;
  };
  std::vector<Hole> holes_;  // by offset, never adjacent
  std::vector<std::int64_t> offsets_;
  std::int64_t bytes_ = 0;
};

}  // namespace nnseq::passes
