#include "runtime/state_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "fork_child.h"
#include "nnseq/error.h"

namespace nnseq {
namespace {

using std::chrono::milliseconds;

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::sleep_for(milliseconds(1));
}

TEST(StateLock, KeepsWritesWhole) {
  StateLock lock;
  int a = 0, b = 0;  // a == b outside a write; plain ints, so that TSan sees a broken lock
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const std::lock_guard<StateLock> write(lock);
        ++a;
        ++b;
      }
    });
  }
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const std::shared_lock<StateLock> read(lock);
        torn += a != b;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(a, 4000);
}

TEST(StateLock, ReadersShare) {
  StateLock lock;
  lock.lock_shared();
  std::thread([&] { const std::shared_lock<StateLock> read(lock); }).join();  // hangs otherwise
  lock.unlock_shared();
}

TEST(StateLock, WaitingWriterStopsNewReaders) {
  StateLock lock;
  std::string order;
  std::atomic<bool> writer_started{false}, reader_started{false};
  lock.lock_shared();
  std::thread writer([&] {
    writer_started = true;
    const std::lock_guard<StateLock> write(lock);
    order += 'w';
  });
  wait_for(writer_started);
  std::this_thread::sleep_for(milliseconds(50));
  std::thread reader([&] {
    reader_started = true;
    const std::shared_lock<StateLock> read(lock);
    order += 'r';
  });
  wait_for(reader_started);
  std::this_thread::sleep_for(milliseconds(50));
  lock.unlock_shared();
  writer.join();
  reader.join();
  EXPECT_EQ(order, "wr");
}

// A fit takes the lock again at once after each step; a predict must still get in.
TEST(StateLock, BusyWriterDoesNotStarveReaders) {
  StateLock lock;
  std::atomic<bool> stop{false}, started{false};
  std::thread fit([&] {
    while (!stop) {
      const std::lock_guard<StateLock> step(lock);
      started = true;
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  wait_for(started);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) const std::shared_lock<StateLock> predict(lock);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  stop = true;
  fit.join();
}

TEST(StateLock, BusyReadersDoNotStarveWriter) {
  StateLock lock;
  std::atomic<bool> stop{false};
  std::vector<std::thread> predicts;
  for (int t = 0; t < 4; ++t) {
    predicts.emplace_back([&] {
      while (!stop) {
        const std::shared_lock<StateLock> read(lock);
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) const std::lock_guard<StateLock> step(lock);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  stop = true;
  for (std::thread& predict : predicts) predict.join();
}

void expect_refused(void (StateLock::*take)(), StateLock& lock) {
  try {
    (lock.*take)();
    FAIL() << "taken twice";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kValue);
  }
}

TEST(StateLock, RefusesToWaitForItself) {
  StateLock lock;
  lock.lock();
  expect_refused(&StateLock::lock, lock);
  expect_refused(&StateLock::lock_shared, lock);
  lock.unlock();
  lock.lock_shared();
  expect_refused(&StateLock::lock, lock);
  lock.unlock_shared();
  lock.lock();  // free again
  lock.unlock();
}

TEST(StateLock, ReaderMayReadAgainWhileAWriterWaits) {
  StateLock lock;
  std::atomic<bool> started{false};
  lock.lock_shared();
  std::thread writer([&] {
    started = true;
    const std::lock_guard<StateLock> write(lock);
  });
  wait_for(started);
  std::this_thread::sleep_for(milliseconds(50));
  lock.lock_shared();
  lock.unlock_shared();
  lock.unlock_shared();
  writer.join();
}

TEST(StateLock, IsFreeInAForkedChild) {
  NNSEQ_SKIP_UNDER_TSAN();
  StateLock lock;
  std::atomic<bool> held{false}, release{false};
  std::thread writer([&] {
    const std::lock_guard<StateLock> write(lock);
    held = true;
    wait_for(release);
  });
  wait_for(held);
  EXPECT_TRUE(in_child([&] {
    lock.lock();
    lock.unlock();
    lock.lock_shared();
    std::thread([&] { const std::shared_lock<StateLock> read(lock); }).join();
    lock.unlock_shared();
    return true;
  }));
  release = true;
  writer.join();
  lock.lock();
  EXPECT_TRUE(in_child([&] {
    lock.unlock();  // the parent's hold means nothing here
    lock.lock();
    lock.unlock();
    return true;
  }));
  lock.unlock();
}

}  // namespace
}  // namespace nnseq
