#include "passes/arena.h"

#include <algorithm>
#include <numeric>

namespace nnseq::passes {

Arena::Arena(const std::vector<Block>& blocks) : offsets_(blocks.size(), 0) {
  std::vector<std::size_t> births(blocks.size());
  std::iota(births.begin(), births.end(), std::size_t{0});
  std::vector<std::size_t> deaths = births;
  std::stable_sort(births.begin(), births.end(), [&blocks](std::size_t a, std::size_t b) {
    return blocks[a].def != blocks[b].def ? blocks[a].def < blocks[b].def
                                          : blocks[a].bytes > blocks[b].bytes;
  });
  std::stable_sort(deaths.begin(), deaths.end(), [&blocks](std::size_t a, std::size_t b) {
    return blocks[a].last < blocks[b].last;
  });
  std::size_t dead = 0;
  for (std::size_t b : births) {
    while (dead < deaths.size() && blocks[deaths[dead]].last < blocks[b].def) {
      const std::size_t d = deaths[dead++];
      if (blocks[d].bytes > 0) give(offsets_[d], blocks[d].bytes);
    }
    offsets_[b] = blocks[b].bytes > 0 ? take(blocks[b].bytes) : 0;
  }
}

std::int64_t Arena::take(std::int64_t bytes) {
  auto best = holes_.end();
  for (auto it = holes_.begin(); it != holes_.end(); ++it) {
    if (it->bytes >= bytes && (best == holes_.end() || it->bytes < best->bytes)) best = it;
  }
  if (best == holes_.end()) {
    // Grow; the last hole is used where it ends at the top.
    std::int64_t offset = bytes_;
    if (!holes_.empty() && holes_.back().offset + holes_.back().bytes == bytes_) {
      offset = holes_.back().offset;
      holes_.pop_back();
    }
    bytes_ = offset + bytes;
    return offset;
  }
  const std::int64_t offset = best->offset;
  best->offset += bytes;
  best->bytes -= bytes;
  if (best->bytes == 0) holes_.erase(best);
  return offset;
}

void Arena::give(std::int64_t offset, std::int64_t bytes) {
  auto next = std::lower_bound(holes_.begin(), holes_.end(), offset,
                               [](const Hole& h, std::int64_t o) { return h.offset < o; });
  next = holes_.insert(next, {offset, bytes});
  if (next + 1 != holes_.end() && next->offset + next->bytes == (next + 1)->offset) {
    next->bytes += (next + 1)->bytes;
    holes_.erase(next + 1);
  }
  if (next != holes_.begin() && (next - 1)->offset + (next - 1)->bytes == next->offset) {
    (next - 1)->bytes += next->bytes;
    holes_.erase(next);
  }
}

}  // namespace nnseq::passes
