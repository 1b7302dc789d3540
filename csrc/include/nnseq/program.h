// Function: a traced Graph bound to Variables. It specialises itself into Programs for the shapes
// that it meets, and runs them: once, or many steps over the caller's arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nnseq/graph.h"
#include "nnseq/profile.h"
#include "nnseq/variable.h"

namespace nnseq {

// The caller's array, read in place: any strides, byte order, and these element kinds.
struct HostArray {
  const void* data = nullptr;
  char kind = 'f';  // f float, i signed, u unsigned, b bool
  int item_size = 4;
  bool swapped = false;  // not the machine's byte order
  Shape shape;
  std::vector<std::int64_t> strides;  // bytes
};

struct Shuffle {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

struct StepRange {
  std::int64_t batch_size = 32;
  std::int64_t first_step = 0;
  std::int64_t num_steps = 1;
  std::optional<Shuffle> shuffle;
};

// Called on the running thread at most every 50 ms; true cancels before the next write.
struct RunHook {
  bool (*poll)(void* user) = nullptr;
  void* user = nullptr;
};

// A specialised Graph: the list of steps and their memory. Immutable.
class NNSEQ_API Program {
 public:
  virtual ~Program() = default;
  virtual const Graph& graph() const = 0;
  virtual int num_steps() const = 0;
  virtual std::int64_t arena_bytes() const = 0;
  virtual std::int64_t scratch_bytes() const = 0;
  virtual double specialise_seconds() const = 0;
  // The steps with their places; scratch apart, since it depends on the number of threads.
  virtual std::string to_string() const = 0;
};

class NNSEQ_API Function {
 public:
  // Slot i of the graph is variables[i].
  Function(std::shared_ptr<Context> context, Graph graph,
           std::vector<std::shared_ptr<Variable>> variables);
  ~Function();
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  const Graph& graph() const;
  const std::vector<std::shared_ptr<Variable>>& variables() const;
  std::shared_ptr<const Program> program(std::span<const TensorType> inputs) const;

  // One run. Inputs are contiguous host memory of the given types; commits the assignments.
  struct HostInput {
    const void* data;
    TensorType type;
  };
  std::vector<Tensor> run(std::span<const HostInput> inputs, RunHook hook = {}) const;
  std::vector<Tensor> run(std::span<const Tensor> inputs, RunHook hook = {}) const;
  // What the steps are and took: the mean of `runs` runs after one that is not timed. These are
  // runs like any other, which commit the assignments.
  Profile profile(std::span<const HostInput> inputs, int runs = 10, RunHook hook = {}) const;

  // Steps over rows [s * batch, min(n, (s + 1) * batch)) of the arrays, in shuffled order if asked.
  // Returns the outputs of the last step, or, with `outputs` (host memory, n rows each), writes
  // row-wise outputs there and returns nothing.
  std::vector<Tensor> run_steps(std::span<const HostArray> arrays, const StepRange& range,
                                std::span<void* const> outputs = {}, RunHook hook = {}) const;

  struct Impl;

 private:
  friend class PreparedFunction;
  std::unique_ptr<Impl> impl_;
};

// A Function made ready for inputs of fixed types: run() allocates nothing, and reads and writes
// the caller's memory. One thread at a time; several of one Function run beside each other.
class NNSEQ_API PreparedFunction {
 public:
  PreparedFunction(std::shared_ptr<const Function> function, std::span<const TensorType> inputs);
  ~PreparedFunction();
  PreparedFunction(const PreparedFunction&) = delete;
  PreparedFunction& operator=(const PreparedFunction&) = delete;

  const std::vector<TensorType>& inputs() const;
  const std::vector<TensorType>& outputs() const;
  // Contiguous memory of these types; commits what the graph assigns.
  void run(std::span<const void* const> inputs, std::span<void* const> outputs, RunHook hook = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nnseq
