#include "runtime/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fork_child.h"
#include "nnseq/error.h"
#include "runtime/kernel_args.h"

namespace nnseq {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

struct Case {
  ThreadBackend backend;
  int threads;
};

std::vector<ThreadBackend> built_backends() {
  std::vector<ThreadBackend> backends{ThreadBackend::kStdThread};
  try {
    const ThreadPool pool(1, ThreadBackend::kOpenMP);
    backends.push_back(ThreadBackend::kOpenMP);
  } catch (const Error&) {  // not in this build
  }
  return backends;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (ThreadBackend backend : built_backends()) {
    for (int threads : {1, 2, 3, 7, 16}) cases.push_back({backend, threads});
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const bool openmp = info.param.backend == ThreadBackend::kOpenMP;
  return (openmp ? "OpenMP" : "StdThread") + std::to_string(info.param.threads);
}

// Every block once, on workers in range.
bool runs_every_block_once(ThreadPool& pool, int blocks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(blocks));
  std::atomic<bool> in_range{true};
  pool.parallel_for(blocks, [&](std::int64_t b, int worker) {
    runs[static_cast<std::size_t>(b)].fetch_add(1);
    if (worker < 0 || worker >= pool.threads()) in_range = false;
  });
  for (const std::atomic<int>& n : runs) {
    if (n != 1) return false;
  }
  return in_range;
}

// Returns when every thread of the pool has been inside one region. To be called before a fork: a
// thread that is still starting may hold a lock of a sanitizer, which nobody frees in the child.
void wait_for_all_threads(ThreadPool& pool) {
  std::atomic<int> inside{0};
  const int threads = pool.threads();
  const auto deadline = Clock::now() + std::chrono::seconds(5);  // fewer threads may have started
  pool.parallel_for(threads, [&](std::int64_t, int) {
    inside.fetch_add(1);
    while (inside < threads && Clock::now() < deadline) std::this_thread::yield();
  });
}

class ParallelFor : public testing::TestWithParam<Case> {
 protected:
  static bool may_fork() {
    return kForksAfterOpenMP || GetParam().backend == ThreadBackend::kStdThread;
  }

  ThreadPool pool_{GetParam().threads, GetParam().backend};
};
INSTANTIATE_TEST_SUITE_P(All, ParallelFor, testing::ValuesIn(all_cases()), case_name);

TEST_P(ParallelFor, RunsEveryBlockOnce) {
  EXPECT_EQ(pool_.backend(), GetParam().backend);
  for (int repeat = 0; repeat < 200; ++repeat) {
    for (int blocks : {0, 1, 2, 3, 16, 100}) EXPECT_TRUE(runs_every_block_once(pool_, blocks));
  }
  EXPECT_TRUE(runs_every_block_once(pool_, 20000));
}

// A worker that is late for the last job must see the end too.
TEST_P(ParallelFor, EndsRightAfterAJob) {
  for (int repeat = 0; repeat < 300; ++repeat) {
    ThreadPool pool(GetParam().threads, GetParam().backend);
    EXPECT_TRUE(runs_every_block_once(pool, 2 + repeat % 3));
  }
}

TEST_P(ParallelFor, WakesWorkersThatFellAsleep) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::this_thread::sleep_for(milliseconds(repeat % 4));
    EXPECT_TRUE(runs_every_block_once(pool_, 64));
  }
}

// Blocks that wait for each other finish only if as many workers as promised run at one time, each
// under its own number.
TEST_P(ParallelFor, GivesEachWorkerItsOwnNumber) {
  const int threads = GetParam().threads;
  std::vector<std::atomic<int>> on_worker(static_cast<std::size_t>(threads));
  std::atomic<int> arrived{0};
  pool_.parallel_for(threads, [&](std::int64_t, int worker) {
    on_worker[static_cast<std::size_t>(worker)].fetch_add(1);
    arrived.fetch_add(1);
    while (arrived < threads) std::this_thread::yield();
  });
  for (const std::atomic<int>& n : on_worker) EXPECT_EQ(n, 1);
}

TEST_P(ParallelFor, BringsTheExceptionOfAnyWorkerToTheCaller) {
  const int threads = GetParam().threads;
  for (int thrower = 0; thrower < threads; ++thrower) {
    std::atomic<int> arrived{0};
    try {
      pool_.parallel_for(threads, [&](std::int64_t, int worker) {
        arrived.fetch_add(1);
        while (arrived < threads) std::this_thread::yield();
        if (worker == thrower) throw std::out_of_range("worker " + std::to_string(worker));
      });
      FAIL() << "worker " << thrower << " threw, the caller saw nothing";
    } catch (const std::out_of_range& e) {
      EXPECT_EQ(e.what(), "worker " + std::to_string(thrower));
    }
    EXPECT_TRUE(runs_every_block_once(pool_, 50));
  }
}

TEST_P(ParallelFor, StopsAfterAnException) {
  std::atomic<std::int64_t> runs{0};
  EXPECT_THROW(pool_.parallel_for(1'000'000,
                                  [&](std::int64_t, int) {
                                    runs.fetch_add(1);
                                    throw std::bad_alloc();
                                  }),
               std::bad_alloc);
  EXPECT_LE(runs, GetParam().threads);
}

TEST_P(ParallelFor, SkipsBlocksOnceCancelled) {
  std::atomic<bool> cancel{false};
  std::atomic<std::int64_t> runs{0};
  pool_.parallel_for(
      1'000'000,
      [&](std::int64_t, int) {
        runs.fetch_add(1);
        cancel = true;
      },
      &cancel);
  EXPECT_GE(runs, 1);
  EXPECT_LE(runs, GetParam().threads);
  runs = 0;
  pool_.parallel_for(
      100, [&](std::int64_t, int) { runs.fetch_add(1); }, &cancel);
  EXPECT_EQ(runs, 0);
}

struct PollLog {
  std::thread::id caller = std::this_thread::get_id();
  std::vector<Clock::time_point> calls;
  bool on_caller = true;
  int cancel_after = 1 << 30;
  static bool hook(void* user) {
    auto* log = static_cast<PollLog*>(user);
    log->calls.push_back(Clock::now());
    log->on_caller &= std::this_thread::get_id() == log->caller;
    return static_cast<int>(log->calls.size()) >= log->cancel_after;
  }
};

TEST_P(ParallelFor, PollsOnTheCallerEvery50ms) {
  PollLog log;
  const auto start = Clock::now();
  pool_.parallel_for(GetParam().threads * 130,
                     [](std::int64_t, int) { std::this_thread::sleep_for(milliseconds(2)); },
                     nullptr, {&PollLog::hook, &log, nullptr});
  const auto took = Clock::now() - start;
  EXPECT_TRUE(log.on_caller);
  EXPECT_GE(log.calls.size(), 2u);
  EXPECT_LE(static_cast<std::int64_t>(log.calls.size()), took / milliseconds(50));
  for (std::size_t i = 1; i < log.calls.size(); ++i) {
    EXPECT_GE(log.calls[i] - log.calls[i - 1], milliseconds(50));
  }
}

// The caller has no block left and waits for the others.
TEST_P(ParallelFor, PollsWhileItWaits) {
  if (GetParam().threads == 1) GTEST_SKIP() << "one thread waits for nobody";
  PollLog log;
  std::atomic<int> arrived{0};
  pool_.parallel_for(2,
                     [&](std::int64_t, int worker) {
                       arrived.fetch_add(1);
                       while (arrived < 2) std::this_thread::yield();
                       if (worker != 0) std::this_thread::sleep_for(milliseconds(400));
                     },
                     nullptr, {&PollLog::hook, &log, nullptr});
  EXPECT_TRUE(log.on_caller);
  // Two workers that are both not the caller also give a wait, of the whole 400 ms.
  EXPECT_GE(log.calls.size(), 3u);
  EXPECT_LE(log.calls.size(), 10u);
}

TEST_P(ParallelFor, HookCancels) {
  PollLog log;
  log.cancel_after = 1;
  std::int64_t last_ns = 0;  // never called yet: due at once
  std::atomic<bool> cancel{false};
  std::atomic<std::int64_t> runs{0};
  pool_.parallel_for(100'000,
                     [&](std::int64_t, int) {
                       runs.fetch_add(1);
                       std::this_thread::sleep_for(milliseconds(1));
                     },
                     &cancel, {&PollLog::hook, &log, &last_ns});
  EXPECT_TRUE(cancel);
  EXPECT_EQ(log.calls.size(), 1u);
  EXPECT_LT(runs, 10'000);
}

TEST_P(ParallelFor, SharesThePollClockBetweenRegions) {
  PollLog log;
  std::int64_t last_ns = 0;
  const PollHook hook{&PollLog::hook, &log, &last_ns};
  EXPECT_FALSE(poll_if_due(hook));
  for (int region = 0; region < 20; ++region) {
    pool_.parallel_for(
        2, [](std::int64_t, int) { std::this_thread::sleep_for(milliseconds(5)); }, nullptr, hook);
  }
  EXPECT_GE(log.calls.size(), 2u);  // no region took 50 ms, all of them took 100 ms
}

// Also on another pool, which is free: its workers would have the time to take a block.
TEST_P(ParallelFor, RunsNestedCallsInline) {
  if (GetParam().threads == 1) GTEST_SKIP() << "one thread opens no region";
  std::atomic<int> inner_blocks{0};
  std::atomic<bool> inline_only{true};
  ThreadPool other(2, GetParam().backend);
  pool_.parallel_for(4, [&](std::int64_t, int) {
    const auto outer_thread = std::this_thread::get_id();
    for (ThreadPool* pool : {&pool_, &other}) {
      pool->parallel_for(5, [&](std::int64_t, int worker) {
        inner_blocks.fetch_add(1);
        std::this_thread::sleep_for(milliseconds(2));
        if (worker != 0 || std::this_thread::get_id() != outer_thread) inline_only = false;
      });
    }
  });
  EXPECT_EQ(inner_blocks, 4 * 2 * 5);
  EXPECT_TRUE(inline_only);
}

TEST_P(ParallelFor, SecondCallerRunsInline) {
  std::atomic<bool> second_done{false}, second_inline{true};
  std::thread second;
  pool_.parallel_for(2, [&](std::int64_t b, int) {
    if (b != 0) return;
    second = std::thread([&] {
      const auto self = std::this_thread::get_id();
      pool_.parallel_for(100, [&](std::int64_t, int worker) {
        if (worker != 0 || std::this_thread::get_id() != self) second_inline = false;
      });
      second_done = true;
    });
    while (!second_done) std::this_thread::yield();  // hangs if the second waits for the first
  });
  second.join();
  EXPECT_TRUE(second_inline);
}

TEST_P(ParallelFor, ServesManyCallers) {
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) right += runs_every_block_once(pool_, 1 + i % 20);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 800);
}

TEST_P(ParallelFor, RunsInAForkedChild) {
  NNSEQ_SKIP_UNDER_TSAN();
  if (!may_fork()) GTEST_SKIP() << "a thread of OpenMP that ends holds a lock of ASan";
  EXPECT_TRUE(runs_every_block_once(pool_, 100));
  wait_for_all_threads(pool_);
  EXPECT_TRUE(in_child([&] {
    ThreadPool made_in_child(GetParam().threads, GetParam().backend);
    for (int i = 0; i < 100; ++i) {
      if (!runs_every_block_once(pool_, 100)) return false;
      if (!runs_every_block_once(made_in_child, 100)) return false;
    }
    wait_for_all_threads(pool_);
    wait_for_all_threads(made_in_child);
    return pool_.backend() == ThreadBackend::kStdThread && in_child([&] {
             return runs_every_block_once(pool_, 100);  // a grandchild
           });
  }));
  EXPECT_TRUE(runs_every_block_once(pool_, 100));
}

TEST_P(ParallelFor, RunsInAChildForkedDuringARegion) {
  NNSEQ_SKIP_UNDER_TSAN();
  if (!may_fork()) GTEST_SKIP() << "a thread of OpenMP that ends holds a lock of ASan";
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  wait_for_all_threads(pool_);
  std::thread computing([&] {
    for (; !stop; ++rounds) pool_.parallel_for(16, [](std::int64_t, int) {});
  });
  while (rounds == 0) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(in_child([&] { return runs_every_block_once(pool_, 100); }));
  }
  stop = true;
  computing.join();
}

TEST_P(ParallelFor, ChangesItsThreads) {
  for (int threads : {3, 1, 5, 2, GetParam().threads}) {
    pool_.set_threads(threads);
    EXPECT_EQ(pool_.threads(), threads);
    EXPECT_TRUE(runs_every_block_once(pool_, 64));
  }
  for (ThreadBackend backend : built_backends()) {
    pool_.set_backend(backend);
    EXPECT_TRUE(runs_every_block_once(pool_, 64));
  }
  pool_.set_threads(0);
  EXPECT_EQ(pool_.threads(), available_threads());
}

[[noreturn]] void run_with_little_memory(ThreadBackend backend) {
  ::alarm(30);
  const rlimit limit{rlim_t{256} << 20, rlim_t{256} << 20};
  ::setrlimit(RLIMIT_AS, &limit);
  ThreadPool pool(300, backend);
  const bool ok = runs_every_block_once(pool, 1000) && runs_every_block_once(pool, 1000);
  ::_exit(ok && pool.backend() == ThreadBackend::kStdThread ? 0 : 1);
}

// The address space has no room for the stacks of 300 threads.
TEST(ParallelForDeathTest, GoesOnWithFewerThreads) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need the address space";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (ThreadBackend backend : built_backends()) {
    EXPECT_EXIT(run_with_little_memory(backend), testing::ExitedWithCode(0), "");
  }
}

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(StdThreadPool, SleepsWhenIdle) {
  ThreadPool pool(2, ThreadBackend::kStdThread);
  EXPECT_TRUE(runs_every_block_once(pool, 100));
  std::this_thread::sleep_for(milliseconds(20));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_LT(cpu_seconds() - before, 0.02);
}

TEST(Exec, RunsSmallWorkInline) {
  ThreadPool pool(4);
  Exec exec;
  exec.pool = &pool;
  EXPECT_EQ(exec.workers(), 4);
  std::set<std::thread::id> threads;
  exec.parallel_for(100, 1, [&](std::int64_t, int worker) {
    EXPECT_EQ(worker, 0);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads, std::set<std::thread::id>{std::this_thread::get_id()});
  std::atomic<int> runs{0};
  exec.parallel_for(100, 1000, [&](std::int64_t, int) { runs.fetch_add(1); });
  EXPECT_EQ(runs, 100);
}

TEST(RunStatus, KeepsTheLowestError) {
  RunStatus status;
  EXPECT_FALSE(status.failed());
  ThreadPool pool(7);
  pool.parallel_for(1000, [&](std::int64_t b, int) {
    const std::int64_t element = (b * 7919) % 1000;  // a permutation
    status.report(3 + static_cast<int>(element % 2 == 0), {element, -element, 10});
  });
  EXPECT_TRUE(status.failed());
  EXPECT_EQ(status.step(), 3);
  EXPECT_EQ(status.error().element, 1);
  EXPECT_EQ(status.error().value, -1);
  EXPECT_EQ(status.error().bound, 10);
  status.reset();
  EXPECT_FALSE(status.failed());
  status.report(9, {5, 6, 7});
  EXPECT_EQ(status.step(), 9);
}

}  // namespace
}  // namespace nnseq
