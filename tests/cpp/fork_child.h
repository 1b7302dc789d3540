// Runs a check in a forked child.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define NNSEQ_SKIP_UNDER_TSAN() GTEST_SKIP() << "TSan does not follow threads into a child"
#else
#define NNSEQ_SKIP_UNDER_TSAN() (void)0
#endif

namespace nnseq {

// Whether a fork may follow OpenMP regions. libgomp ends threads that it needs no more in its own
// time; one that is ending may hold a lock of ASan, which nobody frees in the child.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kForksAfterOpenMP = false;
#else
inline constexpr bool kForksAfterOpenMP = true;
#endif

// True when check() returned true in a child within 30 s.
template <class Check>
::testing::AssertionResult in_child(Check&& check) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(30);
    bool ok = false;
    try {
      ok = check();
    } catch (...) {
    }
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << (WIFSIGNALED(status) ? "the child was killed by signal " : "the child exited with ")
         << (WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace nnseq
