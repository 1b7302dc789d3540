// The layout of a model file, that of safetensors: the length of the header (8 bytes, little
// endian), the header (JSON: a dtype, a shape and two offsets for each tensor, texts under
// "__metadata__"), the tensors one after the other without a gap. Ours begins with a checksum of
// all the other bytes, and has the tensors of the largest elements first, so that each lies
// aligned.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "nnseq/shape.h"

namespace nnseq {

inline constexpr int kFileMajor = 1, kFileMinor = 0;

struct FileTensor {
  std::string name;
  TensorType type;
  std::string_view data;
};

struct TensorFile {
  Json metadata = Json::object();   // text by name, without what this layer writes itself
  std::vector<FileTensor> tensors;  // their names differ
};

// The bytes before the tensors; sorts the tensors into the order in which they must follow.
std::string tensor_file_header(TensorFile& file);

// Checks all there is to check without knowing what the tensors are for, before anything but the
// header's own text is allocated: sizes, offsets, checksum, version. The result refers to `bytes`.
// Throws Error(kFile) of one line that says what was expected and what was found.
TensorFile parse_tensor_file(std::string_view bytes);

// Writes the right checksum into bytes that are laid out like a file of ours; false if they are
// not.
bool seal_tensor_file(char* bytes, std::size_t size);

}  // namespace nnseq
