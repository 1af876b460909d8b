// SPDX-License-Identifier: MIT
/*
 * system.h: what a lock may ask of the system: memory, futex(2), a clock. The lock headers reach this model of
 * it through the names that they use, which client.cc makes macros of.
 *
 * It is weaker than Linux where a lock must not rely on Linux: a futex orders no memory accesses, a wait may end for no
 * reason, and a clock stands still or leaps.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "lk_lang.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

/* Before each execution: nothing is allocated, no thread sleeps, and the clock is at its start. */
void system_begin();
/* When all threads are done: none is left to end a wait. */
void system_finish();
/* When the lock is destroyed too: fails the execution if it has not freed its memory. */
void system_end(rl::debug_info_param site);

/* Memory for n objects; it stays away from others until the execution is over, so that use after free is seen. */
void *system_allocate(size_t n_objects, size_t object_bytes);
/* How many objects lie there, which must now be destroyed. Fails the execution if there are none. */
size_t system_release(void *objects, rl::debug_info_param site);

/* What malloc and aligned_alloc return: bytes that become objects when it is known of what type. */
struct system_bytes {
  size_t n;
  template <typename T> operator T *() const {
    T *const objects = static_cast<T *>(system_allocate(n / sizeof(T), sizeof(T)));
    for (size_t i = 0; i < n / sizeof(T); i++) ::new (static_cast<void *>(objects + i)) T;
    return objects;
  }
};

static inline system_bytes system_malloc(size_t n) { return system_bytes{n}; }
static inline system_bytes system_aligned_alloc(size_t, size_t n) { return system_bytes{n}; }
template <typename T> void system_free(T *objects, SITE) {
  if (objects == NULL) return;
  for (size_t i = system_release(objects, site); i-- > 0;) objects[i].~T();
}

/* Sleeps until a wake of that word; may return at once for no reason. */
void system_sleep(const void *word, rl::debug_info_param site);
/* The same until then, which may come at any moment; 0, or -1 and errno: it has come. */
long system_sleep_until(const void *word, uint64_t deadline_ns, rl::debug_info_param site);
/* Ends at any moment, and by itself: who needs its wake-up is told of, since there is none. */
long system_nap(rl::debug_info_param site);
/* How many were woken, of any that sleep on the word. */
long system_wake(const void *word, long n_threads, rl::debug_info_param site);
/* The kernel's locks: 0, or -1 and errno. The kernel writes the word itself, and orders nothing by it. */
long system_lock_pi(LK_ATOMIC(uint32_t) *word, rl::debug_info_param site);
long system_unlock_pi(LK_ATOMIC(uint32_t) *word, rl::debug_info_param site);
/* The thread will see stores as new as it has seen: one that enters the kernel again and again sees all in the end. */
void system_see();

/*
 * futex(2). The kernel reads the word after it has locked the queue of sleepers, so it sees the last value; a store
 * that comes later also comes before the wake that its thread then asks for.
 */
template <typename... Rest>
long system_syscall(long number, LK_ATOMIC(uint32_t) *word, int operation, long value, Rest...) {
  static const rl::debug_info site("futex", "the system", 0);
  RL_VERIFY(number == SYS_futex);
  rl::ctx().sched();
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      if (word->last() == static_cast<uint32_t>(value))
        system_sleep(word, site);
      else
        system_see();
      return 0;
    case FUTEX_WAKE:
      return system_wake(word, value, site);
    case FUTEX_LOCK_PI:
      return system_lock_pi(word, site);
    case FUTEX_UNLOCK_PI:
      return system_unlock_pi(word, site);
    default:
      RL_VERIFY(!"an operation of futex(2) that the model knows");
      return -1;
  }
}

/* The same, for a wait that ends by itself after so long. */
template <typename Seconds>
long system_syscall(long number, LK_ATOMIC(uint32_t) *, int operation, long, const Seconds *, long, int) {
  static const rl::debug_info site("futex", "the system", 0);
  RL_VERIFY(number == SYS_futex && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT);
  return system_nap(site);
}

/* The same, for a wait with a deadline: seconds and nanoseconds. */
template <typename Seconds>
long system_syscall(long number, LK_ATOMIC(uint32_t) *word, int operation, long value, const Seconds *deadline, long,
                    unsigned) {
  static const rl::debug_info site("futex", "the system", 0);
  RL_VERIFY(number == SYS_futex && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET);
  rl::ctx().sched();
  if (word->last() == static_cast<uint32_t>(value))
    return system_sleep_until(
        word, static_cast<uint64_t>(deadline[0]) * 1000000000u + static_cast<uint64_t>(deadline[1]), site);
  system_see();
  return 0;
}

/* gettid(2), and nothing else. */
long system_syscall(long number, ...);

int system_clock_gettime(int clock_id, struct timespec *now);
int system_sched_yield();
extern int system_errno; /* one for all: a thread is not preempted between a call and its look at it */

#endif
