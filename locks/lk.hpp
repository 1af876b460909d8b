// SPDX-License-Identifier: MIT
/*
 * lk.hpp: the locks as classes of C++17, for std::lock_guard, std::unique_lock, std::scoped_lock, std::shared_lock and
 * std::condition_variable_any. Once in a file, after the lock's header, outside of namespaces:
 *
 *   LK_MUTEX(mcs);                lk::mutex<lk_mcs> is Lockable
 *   LK_TIMED_MUTEX(futex);        lk::timed_mutex<lk_futex> is TimedLockable: a lock whose waiters can give up
 *   LK_BASIC_MUTEX(clh);          lk::basic_mutex<lk_clh> is BasicLockable: a lock without trylock
 *   LK_SHARED_MUTEX(rw_futex);    lk::shared_mutex<lk_rw_futex> is SharedLockable and Lockable
 *
 * Contexts are those of lk_enter.h, whose macros these contain: see there for what it asks of threads. A mutex is made
 * for as many threads as the config says, 256 without one; there is no memory: std::bad_alloc.
 */
#ifndef LK_HPP
#define LK_HPP

#ifndef __cplusplus
#error "lk.hpp is for C++; from C include the header of a lock"
#endif

#include <chrono>
#include <cstdint>
#include <new>
#include <thread>

#include "lk.h"
#include "lk_clock.h"
#include "lk_enter.h"

namespace lk {

template <class Lock> struct operations; /* of one lock; LK_MUTEX and the like define it */

inline lk_config default_config() {
  const unsigned n_cpus = std::thread::hardware_concurrency();
  return lk_config_default(256, n_cpus > 0 ? n_cpus : 1);
}

/* The lock itself: made, and neither copied nor moved. */
template <class Lock> class holder {
public:
  explicit holder(const lk_config &config = default_config()) {
    if (!operations<Lock>::init(&lock_, &config)) throw std::bad_alloc();
  }
  ~holder() { operations<Lock>::destroy(&lock_); }
  holder(const holder &) = delete;
  holder &operator=(const holder &) = delete;

  Lock *native_handle() { return &lock_; }

protected:
  Lock lock_;
};

template <class Lock> class basic_mutex : public holder<Lock> {
public:
  using holder<Lock>::holder;
  void lock() { operations<Lock>::enter(&this->lock_); }
  void unlock() { operations<Lock>::leave(&this->lock_); }
};

template <class Lock> class mutex : public basic_mutex<Lock> {
public:
  using basic_mutex<Lock>::basic_mutex;
  bool try_lock() { return operations<Lock>::tryenter(&this->lock_); }
};

template <class Lock> class timed_mutex : public mutex<Lock> {
public:
  using mutex<Lock>::mutex;
  template <class Rep, class Period> bool try_lock_for(const std::chrono::duration<Rep, Period> &time) {
    const double seconds = std::chrono::duration<double>(time).count();
    const double at_most = 3e9; /* a century: more does not fit in nanoseconds everywhere */
    const std::uint64_t now_ns = lk_clock_ns();
    if (!(seconds > 0)) return operations<Lock>::timedenter(&this->lock_, now_ns);
    if (seconds > at_most)
      return operations<Lock>::timedenter(&this->lock_, now_ns + static_cast<std::uint64_t>(1e9 * at_most));
    const auto ns = std::chrono::ceil<std::chrono::nanoseconds>(time).count();
    return operations<Lock>::timedenter(&this->lock_, now_ns + static_cast<std::uint64_t>(ns));
  }
  /* By whatever clock: that may be set meanwhile, so it is asked again. */
  template <class Clock, class Duration> bool try_lock_until(const std::chrono::time_point<Clock, Duration> &time) {
    do {
      if (try_lock_for(time - Clock::now())) return true;
    } while (Clock::now() < time);
    return false;
  }
};

template <class Lock> class shared_mutex : public mutex<Lock> {
public:
  using mutex<Lock>::mutex;
  void lock_shared() { operations<Lock>::rdenter(&this->lock_); }
  void unlock_shared() { operations<Lock>::rdleave(&this->lock_); }
  bool try_lock_shared() { return operations<Lock>::tryrdenter(&this->lock_); }
};

} // namespace lk

#define LK_CXX_LIFE(x)                                                                                                 \
  static bool init(lk_##x *lock, const lk_config *config) { return lk_##x##_init(lock, config); }                      \
  static void destroy(lk_##x *lock) { lk_##x##_destroy(lock); }

#define LK_CXX_BASIC(x)                                                                                                \
  LK_CXX_LIFE(x)                                                                                                       \
  static void enter(lk_##x *lock) { lk_##x##_enter(lock); }                                                            \
  static void leave(lk_##x *lock) { lk_##x##_leave(lock); }

#define LK_BASIC_MUTEX(x)                                                                                              \
  LK_ENTER(x);                                                                                                         \
  template <> struct lk::operations<lk_##x> { LK_CXX_BASIC(x) }

#define LK_TIMED_MUTEX(x)                                                                                              \
  LK_ENTER(x);                                                                                                         \
  LK_TRYENTER(x);                                                                                                      \
  LK_TIMEDENTER(x);                                                                                                    \
  template <> struct lk::operations<lk_##x> {                                                                          \
    LK_CXX_BASIC(x)                                                                                                    \
    static bool tryenter(lk_##x *lock) { return lk_##x##_tryenter(lock); }                                             \
    static bool timedenter(lk_##x *lock, uint64_t deadline_ns) { return lk_##x##_timedenter(lock, deadline_ns); }      \
  }

#define LK_MUTEX(x)                                                                                                    \
  LK_ENTER(x);                                                                                                         \
  LK_TRYENTER(x);                                                                                                      \
  template <> struct lk::operations<lk_##x> {                                                                          \
    LK_CXX_BASIC(x)                                                                                                    \
    static bool tryenter(lk_##x *lock) { return lk_##x##_tryenter(lock); }                                             \
  }

#define LK_SHARED_MUTEX(x)                                                                                             \
  LK_RW_ENTER(x);                                                                                                      \
  LK_RW_TRYENTER(x);                                                                                                   \
  template <> struct lk::operations<lk_##x> {                                                                          \
    LK_CXX_LIFE(x)                                                                                                     \
    static void enter(lk_##x *lock) { lk_##x##_wrenter(lock); }                                                        \
    static void leave(lk_##x *lock) { lk_##x##_wrleave(lock); }                                                        \
    static bool tryenter(lk_##x *lock) { return lk_##x##_trywrenter(lock); }                                           \
    static void rdenter(lk_##x *lock) { lk_##x##_rdenter(lock); }                                                      \
    static void rdleave(lk_##x *lock) { lk_##x##_rdleave(lock); }                                                      \
    static bool tryrdenter(lk_##x *lock) { return lk_##x##_tryrdenter(lock); }                                         \
  }

#endif
