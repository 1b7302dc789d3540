// A Variable owns its storage. Layers own Variables; models and Functions share them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nnseq/context.h"
#include "nnseq/tensor.h"

namespace nnseq {

class StateLock;

class NNSEQ_API Variable {
 public:
  // Zero-filled.
  Variable(std::shared_ptr<Context> context, std::string name, const TensorType& type);
  ~Variable();
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  const TensorType& type() const { return storage_.type(); }
  // Counts writes, by assignment or by a Function.
  std::uint64_t version() const;

  // Whole values, never a mixture with a concurrent step.
  void copy_from_host(const void* data);
  void copy_to_host(void* data) const;

  struct Access;  // for the run loop

 private:
  friend struct Access;
  std::shared_ptr<Context> context_;
  std::string name_;
  Tensor storage_;
  std::shared_ptr<StateLock> lock_;
  std::uint64_t version_ = 0;
};

// Moves the trainable Variables that are in no arena yet into one, one after the other, and puts
// all of them and `others` under one lock: what compile() does.
NNSEQ_API void group_variables(const std::vector<std::shared_ptr<Variable>>& trainable,
                               const std::vector<std::shared_ptr<Variable>>& others);

}  // namespace nnseq
