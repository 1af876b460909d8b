// SPDX-License-Identifier: MIT
/* standard.cc: one lock, -DLK=<name>, in the hands of the C++ standard library. Returns 1 if an update was lost. */
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "lk.hpp"
#include "lock.h"

#if FN(is_rw)
CALL(LK_SHARED_MUTEX, LK);
typedef lk::shared_mutex<LOCK_TYPE> mutex_type;
#elif FN(no_trylock)
CALL(LK_BASIC_MUTEX, LK);
typedef lk::basic_mutex<LOCK_TYPE> mutex_type;
#elif FN(is_timed)
CALL(LK_TIMED_MUTEX, LK);
typedef lk::timed_mutex<LOCK_TYPE> mutex_type;
#else
CALL(LK_MUTEX, LK);
typedef lk::mutex<LOCK_TYPE> mutex_type;
#endif

static mutex_type first, second;
static unsigned long n_updates;
static bool is_ready;

template <class mutex> static void update_both(mutex &one, mutex &other) {
#if FN(no_trylock)
  std::lock_guard<mutex> first_guard(one), second_guard(other);
#else
  std::scoped_lock<mutex, mutex> guard(one, other); /* tries: no deadlock, whatever the order */
#endif
  n_updates++;
}

#if FN(is_timed)
/* Held by another thread, it is not had in time; free, it is. */
static bool keeps_deadlines(mutex_type &mutex) {
  const auto soon = std::chrono::milliseconds(2);
  bool is_right = true;
  std::unique_lock<mutex_type> guard(mutex);
  std::thread other([&] {
    const auto start = std::chrono::steady_clock::now();
    is_right = !mutex.try_lock_for(soon) && std::chrono::steady_clock::now() - start >= soon;
    is_right = is_right && !mutex.try_lock_until(std::chrono::system_clock::now() + soon);
    is_right = is_right && !mutex.try_lock_for(std::chrono::seconds(-1));
  });
  other.join();
  guard.unlock();
  std::unique_lock<mutex_type> again(mutex, std::chrono::hours::max());
  return is_right && again.owns_lock();
}
#endif

int main() {
  enum { N_ROUNDS = 200 };
  std::condition_variable_any changed;
  std::vector<std::thread> threads;
  for (int i = 0; i < N_THREADS; i++) {
    threads.emplace_back([i, &changed] {
      {
        std::unique_lock<mutex_type> guard(first);
        changed.wait(guard, [] { return is_ready; });
      }
      for (int j = 0; j < N_ROUNDS; j++) {
#if FN(no_trylock)
        update_both(first, second);
#else
        i % 2 == 0 ? update_both(first, second) : update_both(second, first);
#endif
#if FN(is_rw)
        std::shared_lock<mutex_type> guard(first);
        if (n_updates == 0) std::abort();
#endif
      }
      (void)i;
    });
  }
  {
    std::lock_guard<mutex_type> guard(first);
    is_ready = true;
  }
  changed.notify_all();
  for (std::thread &thread : threads) thread.join();
#if !FN(no_trylock)
  std::unique_lock<mutex_type> guard(first, std::try_to_lock);
  if (!guard.owns_lock()) return 1;
#endif
#if FN(is_timed)
  if (!keeps_deadlines(second)) return 2;
#endif
  return n_updates == N_THREADS * N_ROUNDS ? 0 : 1;
}
