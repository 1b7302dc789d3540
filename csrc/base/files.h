// Whole files: read with care, written whole or not at all.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nnseq {

// The bytes of a file in memory. They are read, not mapped: another process that cuts a mapped file
// short would end ours.
class FileBytes {
 public:
  // Throws Error(kFile), naming the path, for what is not there or no regular file (a pipe would
  // never end), and Error(kMemory).
  explicit FileBytes(const std::string& path);
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::size_t size_ = 0;
  std::unique_ptr<char[]> data_;
};

// Puts a new file with the parts, one after the other, in the place of `path` (of its target, for a
// link) once all is on the disk: a crash leaves the old file or the new one. Keeps the permissions
// of the old file. Throws Error(kFile) naming the path; the old file is as it was then.
void write_file(const std::string& path, std::span<const std::string_view> parts);

}  // namespace nnseq
