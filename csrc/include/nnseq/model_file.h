// The model file: traced graphs and the state they run on, in the safetensors layout (8-byte little
// endian header length, JSON header, raw tensors aligned to 64 bytes), so that any safetensors
// reader can list it. Whatever fit runs can be written here and go on without Python.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nnseq/program.h"

namespace nnseq {

struct NamedFunction {
  std::string name;  // "train", "predict"
  std::shared_ptr<Function> function;
};

struct NNSEQ_API ModelFile {
  std::vector<NamedFunction> functions;
  std::vector<std::shared_ptr<Variable>> variables;  // shared by the functions
  std::string metadata;                              // the caller's text, kept as it is

  // Throws Error(kValue) where there is none of that name.
  Function& function(const std::string& name) const;
};

// Only graphs of public ops can be saved. The Variables of all functions are stored once each;
// their names need not differ. Throws Error(kFile) where the file cannot be written.
NNSEQ_API void save_model_file(const std::string& path, const std::vector<NamedFunction>& functions,
                               const std::string& metadata = {});

// Reads the whole file; everything in it is checked before anything is built.
NNSEQ_API ModelFile load_model_file(const std::shared_ptr<Context>& context,
                                    const std::string& path);

}  // namespace nnseq
