#include "nnseq/variable.h"

#include <algorithm>
#include <mutex>

#include "program/context_impl.h"
#include "program/variable_access.h"

namespace nnseq {

using Access = Variable::Access;

Variable::Variable(std::shared_ptr<Context> context, std::string name, const TensorType& type)
    : context_(std::move(context)),
      name_(std::move(name)),
      storage_(context_->impl().current_device(), type),
      lock_(std::make_shared<StateLock>()) {
  storage_.buffer()->device().fill_zero(storage_.data(), storage_.bytes());
}

Variable::~Variable() = default;

namespace {

// Holds the Variable's lock; takes it again if the Variable moved under another one meanwhile.
template <bool kShared>
class Hold {
 public:
  explicit Hold(Variable& v) {
    Context::Impl& context = Access::context(v).impl();
    for (;;) {
      {
        std::lock_guard guard(context.mutex);
        lock_ = Access::lock(v);
      }
      kShared ? lock_->lock_shared() : lock_->lock();
      std::lock_guard guard(context.mutex);
      if (Access::lock(v) == lock_) return;
      release();
    }
  }
  ~Hold() { release(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  void release() { kShared ? lock_->unlock_shared() : lock_->unlock(); }
  std::shared_ptr<StateLock> lock_;
};

}  // namespace

std::uint64_t Variable::version() const {
  Hold<true> hold(const_cast<Variable&>(*this));
  return version_;
}

void Variable::copy_from_host(const void* data) {
  Hold<false> hold(*this);
  storage_.copy_from_host(data);
  ++version_;
}

void Variable::copy_to_host(void* data) const {
  Hold<true> hold(const_cast<Variable&>(*this));
  storage_.copy_to_host(data);
}

void group_variables(const std::vector<std::shared_ptr<Variable>>& trainable,
                     const std::vector<std::shared_ptr<Variable>>& others) {
  constexpr std::size_t kAlign = 64;
  if (trainable.empty() && others.empty()) return;
  Variable& first = trainable.empty() ? *others.front() : *trainable.front();
  Context::Impl& context = Access::context(first).impl();
  auto lock = std::make_shared<StateLock>();

  // A Variable whose buffer holds more than itself lives in an arena already: it stays there.
  std::vector<Variable*> moving;
  std::size_t bytes = 0;
  for (const auto& v : trainable) {
    const Tensor& t = Access::storage(*v);
    if (t.buffer()->size() > (t.bytes() + kAlign - 1) / kAlign * kAlign) continue;
    moving.push_back(v.get());
    bytes += (t.bytes() + kAlign - 1) / kAlign * kAlign;
  }
  std::shared_ptr<Buffer> arena;
  if (moving.size() > 1) {
    arena = std::make_shared<Buffer>(Access::storage(*moving[0]).buffer()->device_ptr(), bytes);
    arena->device().fill_zero(arena->data(), arena->size());
  }
  std::size_t offset = 0;
  auto repoint = [&](Variable& v, bool move) {
    Hold<false> hold(v);
    std::lock_guard guard(context.mutex);
    if (move) {
      Tensor now(arena, offset, v.type());
      arena->device().copy(now.data(), Access::storage(v).data(), now.bytes());
      Access::storage(v) = std::move(now);
      offset += (v.type().bytes() + kAlign - 1) / kAlign * kAlign;
    }
    Access::lock(v) = lock;
    ++context.layout;
  };
  for (const auto& v : trainable) {
    const bool move = arena && std::find(moving.begin(), moving.end(), v.get()) != moving.end();
    repoint(*v, move);
  }
  for (const auto& v : others) repoint(*v, false);
}

}  // namespace nnseq
