// SPDX-License-Identifier: MIT
/* Which functions only wrap a lock, by names as they are in programs and libraries. */
#include "wrappers.h"

#include <stddef.h>

#include "check.h"

static const char *const wrappers[] = {
    "std::mutex::lock()",
    "std::lock_guard<std::mutex>::lock_guard(std::mutex&)",
    "__gthread_mutex_lock(pthread_mutex_t*)",
    "rocksdb::port::Mutex::Lock()",
    "rocksdb::port::Mutex::Mutex(bool)",
    "rocksdb::MutexLock::MutexLock(rocksdb::port::Mutex*)",
    "rocksdb::InstrumentedCondVar::TimedWait(unsigned long)",
    "leveldb::(anonymous namespace)::PosixMutex::Lock()",
    "kyotocabinet::RWLock::lock_reader()",
    "kyotocabinet::SpinLock::lock()",
    "boost::unique_lock<boost::mutex>::lock()",
    "void boost::lock_guard<boost::mutex>::lock_guard(boost::mutex&)",
    "QMutexLocker::relock()",
    "llvm::sys::SmartMutex<true>::lock()",
    "folly::MutexGuard::MutexGuard",
    "g_mutex_lock",
    "g_rw_lock_reader_lock",
    "g_mutex_lock_slowpath",
    "sqlite3_mutex_enter",
    "pthreadMutexEnter",
    "uv_rwlock_rdlock",
    "uv_cond_wait",
    "je_malloc_mutex_lock_slow",
    "inline_mysql_mutex_lock",
    "apr_thread_mutex_lock",
    "SDL_LockMutex",
    "lock_mutex",
    "CRYPTO_THREAD_write_lock",
    "PyThread_acquire_lock",
    NULL,
};

static const char *const others[] = {
    "main",
    "rocksdb::Block::Block(rocksdb::BlockContents&&, unsigned long)",
    "rocksdb::SystemClock::NowMicros()",
    "rocksdb::LRUCacheShard::Lookup(std::mutex*)",
    "void take<std::mutex>(std::mutex&)",
    "lock_twice",
    "wait_for_condition",
    "lock_table_mutex_and_count",
    "mutex",
    "take()::{lambda()#1}::operator()() const",
    "void Pool<Mutex>::run(Mutex::Lock)",
    "PyThread_start_new_thread",
    "clock",
    "write_block",
    "a_function_with_very_many_words_in_its_name_so_many_that_it_is_no_lock_s_at_all_mutex_lock",
    "",
    NULL,
};

int main(void) {
  for (int i = 0; wrappers[i] != NULL; i++) {
    check_about("%s", wrappers[i]);
    CHECK(wrappers_have(wrappers[i]));
  }
  for (int i = 0; others[i] != NULL; i++) {
    check_about("%s", others[i]);
    CHECK(!wrappers_have(others[i]));
  }
  return check_result();
}
