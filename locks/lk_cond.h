// SPDX-License-Identifier: MIT
/*
 * lk_cond.h: condition variables for any mutex here. With `#include "mcs.h"` and, once in a file, LK_COND(mcs):
 *
 *   while (!is_ready) lk_mcs_cond_wait(&lock, &ctx, &cond);
 *   while (!is_ready && lk_mcs_cond_wait_until(&lock, &ctx, &cond, deadline_ns)) {}
 *
 * The lock is held before and after; false: it was not signalled until lk_clock_ns() was deadline_ns.
 * lk_cond_signal and lk_cond_broadcast are called with the mutex held. To wake only after the unlock, which spares the
 * woken thread a wait for the mutex, take the waiters inside and wake them outside:
 *
 *   struct lk_cond_waiter *const taken = lk_cond_take_one(&cond);      or lk_cond_take_all
 *   lk_mcs_unlock(&lock, &ctx);
 *   lk_cond_wake(taken);                                               always, also if it is NULL
 *
 *   cond.first        the queue of waiters, a ring in order of arrival, NULL when empty; guarded by the mutex
 *   waiter.next       the one behind it in the ring; once taken, the one that it has to wake, or NULL
 *   waiter.is_taken   it is not in the queue any more; guarded by the mutex
 *   waiter.is_woken   written once, by its waker, which does not look at the waiter again
 *
 * Invariants: a waiter is in the queue before its mutex is unlocked, so no signal is lost. Those that were taken
 * together form a chain: only the first is woken, and each, once it has the mutex, wakes the next, so that they never
 * contend for the mutex all at once. A waiter that was taken never touches the condition again: a thread
 * that broadcasts and sees to it that no other comes may destroy it, while the waiters still sleep.
 * A wait ends only when it was signalled, or late. Still look at the state again: another may have been there first.
 */
#ifndef LK_COND_H
#define LK_COND_H

#include "lk.h"
#include "lk_wait.h"

struct lk_cond_waiter {
  struct lk_cond_waiter *next;
  LK_ATOMIC(uint32_t) is_woken;
  bool is_taken;
  struct lk_cond_waiter *previous;
};

struct lk_cond {
  struct lk_cond_waiter *first;
};

#define LK_COND_INIT                                                                                                   \
  { NULL }

static inline void lk_cond_init(struct lk_cond *cond) { cond->first = NULL; }

/* The queue is empty. */
static inline void lk_cond_destroy(struct lk_cond *cond) { (void)cond; }

/* With the mutex held. */
static inline void lk_cond_join(struct lk_cond *cond, struct lk_cond_waiter *waiter) {
  atomic_init(&waiter->is_woken, 0);
  waiter->is_taken = false;
  struct lk_cond_waiter *const first = cond->first;
  if (first == NULL) {
    cond->first = waiter->next = waiter->previous = waiter;
    return;
  }
  waiter->next = first;
  waiter->previous = first->previous;
  first->previous->next = waiter;
  first->previous = waiter;
}

/* With the mutex held: takes a waiter, wherever it is, out of the queue. */
static inline void lk_cond_unlink(struct lk_cond *cond, struct lk_cond_waiter *waiter) {
  struct lk_cond_waiter *const next = waiter->next;
  waiter->previous->next = next;
  next->previous = waiter->previous;
  if (cond->first == waiter) cond->first = next == waiter ? NULL : next;
}

/* With the mutex held: the first of the queue, or NULL; lk_cond_wake must follow. */
static inline struct lk_cond_waiter *lk_cond_take_one(struct lk_cond *cond) {
  struct lk_cond_waiter *const waiter = cond->first;
  if (waiter == NULL) return NULL;
  lk_cond_unlink(cond, waiter);
  waiter->next = NULL;
  waiter->is_taken = true;
  return waiter;
}

/* With the mutex held: all of the queue as a chain, or NULL; lk_cond_wake must follow. */
static inline struct lk_cond_waiter *lk_cond_take_all(struct lk_cond *cond) {
  struct lk_cond_waiter *const first = cond->first;
  if (first == NULL) return NULL;
  first->previous->next = NULL;
  for (struct lk_cond_waiter *waiter = first; waiter != NULL; waiter = waiter->next) waiter->is_taken = true;
  cond->first = NULL;
  return first;
}

/* Wakes one that was taken; its chain follows by itself. */
static inline void lk_cond_wake(struct lk_cond_waiter *waiter) {
  if (waiter == NULL) return;
  /* Release: pairs with the acquire in lk_cond_sleep. The waiter may return at once, and its memory be another's: all
     that we did with it comes before, and the kernel takes the address for a name only. */
  atomic_store_explicit(&waiter->is_woken, 1, memory_order_release);
  lk_wait_wake_one(&waiter->is_woken);
}

static inline void lk_cond_signal(struct lk_cond *cond) { lk_cond_wake(lk_cond_take_one(cond)); }
static inline void lk_cond_broadcast(struct lk_cond *cond) { lk_cond_wake(lk_cond_take_all(cond)); }

static inline bool lk_cond_is_woken(struct lk_cond_waiter *waiter) {
  /* Acquire: pairs with the release in lk_cond_wake. */
  return atomic_load_explicit(&waiter->is_woken, memory_order_acquire) != 0;
}

/* Without the mutex. */
static inline void lk_cond_sleep(struct lk_cond_waiter *waiter) {
  while (!lk_cond_is_woken(waiter)) lk_wait_sleep(&waiter->is_woken, 0);
}

static inline void lk_cond_sleep_until(struct lk_cond_waiter *waiter, uint64_t deadline_ns) {
  while (!lk_cond_is_woken(waiter) && lk_wait_sleep_until(&waiter->is_woken, 0, deadline_ns)) {
  }
}

/* Defines lk_x_cond_wait and lk_x_cond_wait_until for the mutex x. */
#define LK_COND(x)                                                                                                     \
  LK_UNUSED static inline void lk_##x##_cond_wait(struct lk_##x *lock, struct lk_##x##_ctx *ctx,                       \
                                                  struct lk_cond *cond) {                                              \
    struct lk_cond_waiter waiter;                                                                                      \
    lk_cond_join(cond, &waiter);                                                                                       \
    lk_##x##_unlock(lock, ctx);                                                                                        \
    lk_cond_sleep(&waiter);                                                                                            \
    lk_##x##_lock(lock, ctx);                                                                                          \
    lk_cond_wake(waiter.next);                                                                                         \
  }                                                                                                                    \
                                                                                                                       \
  LK_UNUSED static inline bool lk_##x##_cond_wait_until(struct lk_##x *lock, struct lk_##x##_ctx *ctx,                 \
                                                        struct lk_cond *cond, uint64_t deadline_ns) {                  \
    struct lk_cond_waiter waiter;                                                                                      \
    lk_cond_join(cond, &waiter);                                                                                       \
    lk_##x##_unlock(lock, ctx);                                                                                        \
    lk_cond_sleep_until(&waiter, deadline_ns);                                                                         \
    lk_##x##_lock(lock, ctx);                                                                                          \
    if (!waiter.is_taken) {                                                                                            \
      lk_cond_unlink(cond, &waiter);                                                                                   \
      return false;                                                                                                    \
    }                                                                                                                  \
    if (!lk_cond_is_woken(&waiter)) { /* its waker is still to come, and may need the mutex for that */                \
      lk_##x##_unlock(lock, ctx);                                                                                      \
      lk_cond_sleep(&waiter);                                                                                          \
      lk_##x##_lock(lock, ctx);                                                                                        \
    }                                                                                                                  \
    lk_cond_wake(waiter.next);                                                                                         \
    return true;                                                                                                       \
  }                                                                                                                    \
  struct lk_##x

#endif
