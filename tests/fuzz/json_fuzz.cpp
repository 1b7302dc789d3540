// Any text is refused by one line, or read as a value that is written and read again as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "nnseq/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const nnseq::Json json = nnseq::Json::parse(text, 100'000);
    if (!(nnseq::Json::parse(json.dump()) == json)) std::abort();
  } catch (const nnseq::Error&) {
  }
  return 0;
}
