// A value that a forked child rebuilds on its first use: the child has none of the threads that
// hold or serve the parent's one.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>

namespace nnseq {

// Tells a forked child from the process that last called renew(): by a page that the system wipes
// in a child (a load), or by getpid() (a system call) where there is no such page.
class ForkMark {
 public:
  ForkMark() noexcept;
  ~ForkMark();
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;

  bool forked() const noexcept {
    return page_ != nullptr ? page_->load(std::memory_order_acquire) == 0
                            : pid_.load(std::memory_order_acquire) != ::getpid();
  }
  void renew() noexcept;

 private:
  std::atomic<int>* page_;
  std::atomic<pid_t> pid_;
};

template <class T>
class ForkSafe {
 public:
  ForkSafe() : node_(new Node{::getpid(), nullptr, {}}) {}
  // In a child the parent's value is left alone: destroying a lock with lost waiters may hang.
  ~ForkSafe() {
    if (!mark_.forked()) delete node_.load(std::memory_order_acquire);
  }
  ForkSafe(const ForkSafe&) = delete;
  ForkSafe& operator=(const ForkSafe&) = delete;

  T& get() {
    if (mark_.forked()) rebuild();
    return node_.load(std::memory_order_acquire)->value;
  }
  // After get(): the process that uses the value, and whether a parent of it did so too.
  pid_t pid() const noexcept { return node_.load(std::memory_order_acquire)->pid; }
  bool in_child() const noexcept {
    return mark_.forked() || node_.load(std::memory_order_acquire)->inherited != nullptr;
  }

 private:
  struct Node {
    pid_t pid;
    Node* inherited;  // the parent's, never touched again
    T value;
  };

  // Several threads of the child may come here at one time: the first one's node is kept.
  void rebuild() {
    const pid_t pid = ::getpid();
    Node* stale = node_.load(std::memory_order_acquire);
    if (stale->pid != pid) {
      Node* fresh = new Node{pid, stale, {}};
      if (!node_.compare_exchange_strong(stale, fresh, std::memory_order_acq_rel)) delete fresh;
    }
    mark_.renew();
  }

  ForkMark mark_;
  std::atomic<Node*> node_;
};

}  // namespace nnseq
