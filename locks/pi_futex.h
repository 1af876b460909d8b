// SPDX-License-Identifier: MIT
/*
 * pi_futex: the kernel keeps the queue and hands the lock over, and lends the owner the priority of the most urgent
 * waiter (priority inheritance), so that a thread of middling priority cannot hold up one of high priority by keeping
 * a low one that owns the lock off its CPU. Uncontended it costs no system call.
 *
 * Source: Linux futex(2), FUTEX_LOCK_PI and FUTEX_UNLOCK_PI; L. Sha, R. Rajkumar, J. P. Lehoczky, "Priority Inheritance
 * Protocols", IEEE Transactions on Computers 39(9), 1990.
 *
 *   word    0                    free
 *           thread id            held by that thread, none waits; set by an arrival that found 0, cleared by unlock
 *           id | FUTEX_WAITERS   held, the kernel has or had waiters; set and changed by the kernel only
 *   ctx.thread_id   the system's number of the thread that uses the ctx, 0 until it first locks
 *
 * Invariants: user space changes the word only from 0 to its own id and from its own id to 0, so whatever the
 * kernel has put there is left to the kernel, which hands over to a waiter without the word ever being 0. The kernel
 * changes the word by full barriers.
 * FIFO: by priority, and among equals in order of arrival; but an arrival may find 0 before the first waiter has
 * reached the kernel. Waits: parks at once. Context: the thread's id, which is part of the protocol; so a ctx belongs
 * to the thread that first locks with it, not to its initialiser, and after a fork the child needs a new one: with the
 * old it would lock in its parent's name, and the kernel refuses that when a thread waits (then unlock aborts).
 */
#ifndef LK_PI_FUTEX_H
#define LK_PI_FUTEX_H

#include <errno.h>
#include <stdlib.h>

#include "lk.h"
#include "lk_wait.h"

#define lk_pi_futex_ctx_is_any 1

enum { lk_pi_futex_traits = LK_PARKS | LK_FREED_BY_LAST };

#define LK_PI_FUTEX_NAP_NS 1000000 /* between two looks of a thread that waits in vain */

struct lk_pi_futex {
  LK_ATOMIC(uint32_t) word;
  LK_CANARY_MEMBER
};

#define LK_PI_FUTEX_INIT                                                                                               \
  { 0, LK_CANARY_INIT }

struct lk_pi_futex_ctx {
  uint32_t thread_id;
};

static inline bool lk_pi_futex_init(struct lk_pi_futex *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->word, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_pi_futex_destroy(struct lk_pi_futex *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_pi_futex_ctx_init(struct lk_pi_futex *lock, struct lk_pi_futex_ctx *ctx,
                                        const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->thread_id = 0; /* it may not be our own */
  return true;
}

static inline void lk_pi_futex_ctx_destroy(struct lk_pi_futex *lock, struct lk_pi_futex_ctx *ctx) {
  (void)lock, (void)ctx;
}

LK_COLD static void lk_pi_futex_adopt(struct lk_pi_futex_ctx *ctx) { ctx->thread_id = lk_wait_thread_id(); }

static inline bool lk_pi_futex_trylock(struct lk_pi_futex *lock, struct lk_pi_futex_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  if (LK_UNLIKELY(ctx->thread_id == 0)) lk_pi_futex_adopt(ctx);
  uint32_t free = 0;
  /* Acquire: pairs with the release in unlock, or with the kernel's change to 0. Relaxed on failure: nothing was
     acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->word, &free, ctx->thread_id, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* The kernel lets nobody wait for itself, in a circle, or for a thread that has ended. Whoever does so with other locks
   waits for ever, or until yet another thread unlocks: so the caller is to look again a little later. */
LK_COLD static void lk_pi_futex_wait_in_vain(void) {
  LK_ATOMIC(uint32_t) nobodys;
  atomic_init(&nobodys, 0);
  lk_wait_nap(&nobodys, 0, LK_PI_FUTEX_NAP_NS);
}

LK_COLD static void lk_pi_futex_lock_slow(struct lk_pi_futex *lock) {
  int error;
  while ((error = lk_wait_lock_pi(&lock->word)) != 0) {
    if (error == EDEADLK || error == ESRCH)
      lk_pi_futex_wait_in_vain();
    else if (error != EINTR && error != EAGAIN)
      abort(); /* a lock cannot report errors */
  }
  /* Acquire: pairs with the release in unlock_slow. The kernel's own changes of the word are full barriers and have
     ordered the sections; this tells the language and its checkers, which cannot see into it. */
  (void)atomic_load_explicit(&lock->word, memory_order_acquire);
}

static inline void lk_pi_futex_lock(struct lk_pi_futex *lock, struct lk_pi_futex_ctx *ctx) {
  if (LK_UNLIKELY(!lk_pi_futex_trylock(lock, ctx))) lk_pi_futex_lock_slow(lock);
}

LK_COLD static void lk_pi_futex_unlock_slow(struct lk_pi_futex *lock) {
  /* Release: pairs with the acquire in lock_slow, and tells no more than it does. The value stays as it is. */
  (void)atomic_fetch_or_explicit(&lock->word, 0, memory_order_release);
  if (lk_wait_unlock_pi(&lock->word) != 0) abort(); /* it was not ours */
}

static inline void lk_pi_futex_unlock(struct lk_pi_futex *lock, struct lk_pi_futex_ctx *ctx) {
  uint32_t mine = ctx->thread_id;
  /* Release: pairs with the acquire in trylock. Relaxed on failure: the kernel has set its bit; see unlock_slow. */
  if (LK_UNLIKELY(
          !atomic_compare_exchange_strong_explicit(&lock->word, &mine, 0, memory_order_release, memory_order_relaxed)))
    lk_pi_futex_unlock_slow(lock);
}

#endif
