// The model file `.nnseq`: traced graphs and the state they run on, in the safetensors layout, so
// that any safetensors reader can list it. Whatever fit runs can be written here and go on without
// Python. docs/files.md says what is in it and what is promised.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nnseq/program.h"

namespace nnseq {

struct NamedFunction {
  std::string name;  // "predict", "train", "evaluate"
  std::shared_ptr<Function> function;
};

enum class Role { kWeight, kState, kOptimizer, kMetric };  // kState: of random numbers, for one
inline constexpr std::string_view kRoleNames[] = {"weight", "state", "optimizer", "metric"};

struct StoredVariable {
  std::shared_ptr<Variable> variable;
  Role role = Role::kState;
  bool trainable = false;
};

struct NNSEQ_API ModelFile {
  std::string name;
  std::vector<NamedFunction> functions;
  std::vector<StoredVariable> variables;  // those of the functions, and others
  std::vector<std::string> classes;       // labels of the last axis of the first output, or none
  std::string config;  // the Keras configuration (JSON), if Python wrote the file

  // Null where there is none of that name.
  Function* find(const std::string& name) const;
};

// Only graphs of public ops can be saved. Variables of the functions that are not listed are stored
// as state. The file appears whole or not at all. Throws Error(kFile) where it cannot be written.
NNSEQ_API void save_model_file(const std::string& path, const ModelFile& file);

// Everything in the file is checked before anything is built from it; nothing in it can name
// another file or code. Throws Error(kFile) of one line that names the file and what is wrong.
NNSEQ_API ModelFile load_model_file(const std::shared_ptr<Context>& context,
                                    const std::string& path);
// The same from memory, which is not referred to afterwards; `name` stands for it in errors.
NNSEQ_API ModelFile load_model_file(const std::shared_ptr<Context>& context, const void* data,
                                    std::size_t size, const std::string& name);

}  // namespace nnseq
