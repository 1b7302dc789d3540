#include "program/tensor_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/checksum.h"
#include "base/strings.h"
#include "nnseq/error.h"
#include "nnseq/version.h"

namespace nnseq {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlign = 64;  // of the first tensor in the file
constexpr std::uint64_t kMaxHeader = std::uint64_t{64} << 20;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 48;  // elements of a tensor
// What a header begins with, up to the digits of the checksum.
constexpr std::string_view kStart = R"({"__metadata__":{"checksum":"crc64:)";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kDigitsAt = kLengthBytes + kStart.size();

[[noreturn]] void bad(std::string what) { throw Error(ErrorKind::kFile, std::move(what)); }

std::string quoted(std::string_view name) { return concat("'", one_line(name, 80), "'"); }

// safetensors' names of the dtypes.
constexpr std::string_view safe_name(DType t) {
  switch (t) {
    case DType::kFloat32:
      return "F32";
    case DType::kFloat64:
      return "F64";
    case DType::kInt32:
      return "I32";
    case DType::kInt64:
      return "I64";
    case DType::kUInt8:
      return "U8";
    case DType::kBool:
      return "BOOL";
  }
  return "";
}

// Of the whole file with zeros for the digits themselves.
std::uint64_t checksum_of(std::string_view head, std::string_view rest) {
  constexpr std::string_view kZeros = "0000000000000000";
  std::uint64_t crc = crc64(head.substr(0, kDigitsAt));
  crc = crc64(kZeros, crc);
  crc = crc64(head.substr(kDigitsAt + kDigits), crc);
  return crc64(rest, crc);
}

void put_digits(char* at, std::uint64_t checksum) {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = kDigits; i-- > 0; checksum >>= 4) at[i] = kHex[checksum & 15];
}

bool is_ours(std::string_view bytes) {
  return bytes.size() >= kDigitsAt + kDigits && bytes.substr(kLengthBytes, kStart.size()) == kStart;
}

Json entry_json(const FileTensor& t, std::size_t offset) {
  Json shape = Json::array(), offsets = Json::array();
  for (std::int64_t d : t.type.shape) shape.push_back(d);
  offsets.push_back(static_cast<std::int64_t>(offset));
  offsets.push_back(static_cast<std::int64_t>(offset + t.data.size()));
  Json j = Json::object();
  j.set("dtype", std::string(safe_name(t.type.dtype)));
  j.set("shape", std::move(shape));
  j.set("data_offsets", std::move(offsets));
  return j;
}

DType dtype_from_safe(const std::string& name) {
  for (DType t : kAllDTypes) {
    if (safe_name(t) == name) return t;
  }
  bad(concat("dtype ", quoted(name), " is none that nnseq stores"));
}

// Offsets follow one another without a gap: `begin` is where this one must begin.
FileTensor tensor_from(const Json::Member& member, std::string_view data, std::size_t begin) {
  FileTensor t{member.key, {dtype_from_safe(member.value.at("dtype").as_string()), {}}, {}};
  std::int64_t count = 1;
  const Json::Array& dims = member.value.at("shape").items();
  if (dims.size() > static_cast<std::size_t>(kMaxRank)) {
    bad(concat(dims.size(), " dimensions, at most ", kMaxRank, " are possible"));
  }
  for (const Json& d : dims) {
    const std::int64_t dim = d.as_int();
    if (dim < 0 || dim > kMaxCount || __builtin_mul_overflow(count, dim, &count) ||
        count > kMaxCount) {
      bad(concat("a shape with ", dim, " is impossible"));
    }
    t.type.shape.push_back(dim);
  }
  const Json::Array& offsets = member.value.at("data_offsets").items();
  if (offsets.size() != 2) bad("data_offsets must be two integers");
  const std::int64_t from = offsets[0].as_int(), to = offsets[1].as_int();
  if (from != static_cast<std::int64_t>(begin)) {
    bad(concat("begins at byte ", from, " of the data, expected ", begin));
  }
  if (to < from || to - from != t.type.bytes()) {
    bad(concat("ends at byte ", to, ", but its shape and dtype need ", t.type.bytes(),
               " bytes from ", from));
  }
  if (static_cast<std::uint64_t>(to) > data.size()) {
    bad(concat("the file is truncated: expected ", to,
               " bytes of data up to the end of this, found ", data.size()));
  }
  t.data = data.substr(begin, static_cast<std::size_t>(to - from));
  return t;
}

void check_version(const Json& metadata) {
  const Json* text = metadata.find("version");
  if (text == nullptr) bad("no nnseq model file: it does not give a version");
  const std::string& version = text->as_string();
  int major = 0, minor = 0;
  const char* const end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  const bool dotted = first.ec == std::errc() && first.ptr != end && *first.ptr == '.';
  const auto second = dotted ? std::from_chars(first.ptr + 1, end, minor) : first;
  if (!dotted || second.ec != std::errc() || second.ptr != end || major < 1 || minor < 0) {
    bad(concat("version ", quoted(version), " is none, expected \"", kFileMajor, ".", kFileMinor,
               "\""));
  }
  if (major > kFileMajor) {
    bad(concat("has format ", version, ", this nnseq (", NNSEQ_VERSION, ") reads up to ",
               kFileMajor, ".x: take a newer one"));
  }
}

// The length of the header; its text lies in the file.
std::size_t header_length(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    bad(concat("the file is truncated: ", bytes.size(), " bytes, expected at least ",
               kLengthBytes));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const std::string_view begin = bytes.substr(kLengthBytes, kStart.size());
  if (begin != kStart.substr(0, begin.size()) || length < kStart.size() + kDigits ||
      length > kMaxHeader) {
    bad("no nnseq model file: it does not begin like one");
  }
  if (length > bytes.size() - kLengthBytes) {
    bad(concat("the file is truncated: expected ", kLengthBytes + length,
               " bytes of header, found ", bytes.size()));
  }
  return static_cast<std::size_t>(length);
}

void check_sum(std::string_view bytes) {
  char expected[kDigits];
  put_digits(expected,
             checksum_of(bytes.substr(0, kDigitsAt + kDigits), bytes.substr(kDigitsAt + kDigits)));
  const std::string_view found = bytes.substr(kDigitsAt, kDigits);
  if (found != std::string_view(expected, kDigits)) {
    bad(concat("the file is damaged: its checksum is ", std::string_view(expected, kDigits),
               ", but it says ", quoted(found)));
  }
}

}  // namespace

std::string tensor_file_header(TensorFile& file) {
  std::stable_sort(file.tensors.begin(), file.tensors.end(),
                   [](const FileTensor& a, const FileTensor& b) {
                     return size_of(a.type.dtype) > size_of(b.type.dtype);
                   });
  Json metadata = Json::object();
  metadata.set("checksum", "crc64:" + std::string(kDigits, '0'));
  metadata.set("format", "nnseq");
  metadata.set("version", concat(kFileMajor, ".", kFileMinor));
  metadata.set("written_by", concat("nnseq ", NNSEQ_VERSION));
  for (const Json::Member& m : file.metadata.members()) metadata.set(m.key, m.value);
  Json::Object members{{"__metadata__", std::move(metadata)}};
  std::size_t size = 0;
  for (const FileTensor& t : file.tensors) {
    members.push_back({t.name, entry_json(t, size)});
    size += t.data.size();
  }
  std::string text = Json::from_members(std::move(members)).dump();
  if (text.size() > kMaxHeader - kAlign) {
    throw Error(ErrorKind::kValue, concat("the description of the model takes ", text.size(),
                                          " bytes, a file has room for ", kMaxHeader - kAlign));
  }
  text.resize((text.size() + kLengthBytes + kAlign - 1) / kAlign * kAlign - kLengthBytes, ' ');
  const auto length = static_cast<std::uint64_t>(text.size());
  std::string head(reinterpret_cast<const char*>(&length), kLengthBytes);
  head += text;
  std::uint64_t crc = checksum_of(head, {});
  for (const FileTensor& t : file.tensors) crc = crc64(t.data, crc);
  put_digits(head.data() + kDigitsAt, crc);
  return head;
}

TensorFile parse_tensor_file(std::string_view bytes) {
  const std::size_t length = header_length(bytes);
  const std::string_view data = bytes.substr(kLengthBytes + length);
  // A JSON value takes about twenty times the memory of its shortest text: no small file needs
  // many.
  const std::size_t most_values = std::size_t{800'000} + bytes.size() / 20;
  Json header;
  try {
    header = Json::parse(bytes.substr(kLengthBytes, length), most_values);
  } catch (const Error&) {
    check_sum(bytes);  // says so where the file is damaged
    throw;
  }
  TensorFile file;
  std::size_t used = 0;
  for (const Json::Member& member : header.members()) {
    if (member.key == "__metadata__") {
      for (const Json::Member& m : member.value.members()) m.value.as_string();
      check_version(member.value);
      file.metadata = member.value;
      continue;
    }
    try {
      file.tensors.push_back(tensor_from(member, data, used));
    } catch (const Error& e) {
      bad(concat("tensor ", quoted(member.key), ": ", e.what()));
    }
    used += file.tensors.back().data.size();
  }
  if (used != data.size()) {
    bad(concat("the tensors take ", used, " bytes, but ", data.size(), " follow the header"));
  }
  check_sum(bytes);
  return file;
}

bool seal_tensor_file(char* bytes, std::size_t size) {
  const std::string_view view(bytes, size);
  if (!is_ours(view)) return false;
  put_digits(bytes + kDigitsAt,
             checksum_of(view.substr(0, kDigitsAt + kDigits), view.substr(kDigitsAt + kDigits)));
  return true;
}

}  // namespace nnseq
