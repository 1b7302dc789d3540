// Errors of the core: one exception type with a kind, and one line of text.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "nnseq/export.h"

namespace nnseq {

enum class ErrorKind {
  kValue,        // wrong shape, attribute, name or data      -> ValueError
  kType,         // wrong dtype or kind of argument           -> TypeError
  kUnsupported,  // a thing that nnseq does not do            -> NotImplementedError
  kMemory,       // an allocation failed                      -> MemoryError
  kCancelled,    // the caller's poll hook asked to stop
  kFile,         // a file that cannot be read or trusted     -> ModelFileError
  kInternal,     // a broken invariant: a bug in nnseq        -> RuntimeError
};

class NNSEQ_API Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  ErrorKind kind() const noexcept { return kind_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_;
};

}  // namespace nnseq
