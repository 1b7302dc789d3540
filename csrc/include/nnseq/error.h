// Errors of the core: one exception type with a kind, and one line of text.
#pragma once

#include <cstdint>
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
  kNotFinite,    // check_finite met infinity or NaN          -> NotFiniteError
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

// Thrown by check_finite, before the run's first write.
class NNSEQ_API NotFiniteError : public Error {
 public:
  NotFiniteError(const std::string& where, std::int64_t operand)
      : Error(ErrorKind::kNotFinite,
              where + ": operand " + std::to_string(operand) + " holds infinity or NaN") {}
  std::int64_t step = 0;  // of run_steps: which one; those before it are done
};

}  // namespace nnseq
