// SPDX-License-Identifier: MIT
/*
 * twa: a ticket lock of which only the next in line watches the number that is called. The others watch each a
 * word of a waiting array. An owner first calls its successor, which is then inside, and only then moves the next
 * one up. So a call goes to one waiter instead of all, and a hand-off stays as short as a ticket lock's.
 *
 * Source: D. Dice, A. Kogan, "TWA: Ticket Locks Augmented with a Waiting Array", Euro-Par 2019. Patents exist:
 * US 11442730 and its continuations.
 *
 *   next            the number the next arrival takes
 *   serving         the number that may enter; changed by the owner only
 *   lk_twa_moves[]  of the process: how often a waiter that watches this word was moved up; counted up by former owners
 *
 * Invariants: those of ticket; the words only tell when to look at `serving` again. A waiter reads its word, then
 * `serving`, and waits for the word to change from what it read; an owner writes `serving`, then the word: so
 * either the waiter sees that it is near, or the word changes after it was read. No move-up is lost.
 * FIFO by the order of the fetch_add. Waiters spin: the next in line on `serving`, the others on their words.
 * Context: none. The array has 4096 words for all locks of the process, as in the paper; two that wait for different
 * numbers or locks may share one, and then look once too often. So what an owner touches after it has called its
 * successor is not the lock, which may be freed by then. Not for locks that processes share.
 */
#ifndef LK_TWA_H
#define LK_TWA_H

#include "lk.h"

enum { lk_twa_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

enum { LK_TWA_NEAR = 1 }; /* the paper's LongTermThreshold: how many waiters may watch `serving` */

#ifndef LK_TWA_WORDS
#define LK_TWA_WORDS 4096 /* a power of two; a checker, which has few threads, makes it less */
#endif

LK_PROCESS_WIDE(LK_ATOMIC(uint32_t), lk_twa_moves, LK_TWA_WORDS);

struct lk_twa {
  LK_ATOMIC(uint32_t) next;
  LK_ATOMIC(uint32_t) serving;
  LK_CANARY_MEMBER
};

#define LK_TWA_INIT                                                                                                    \
  { 0, 0, LK_CANARY_INIT }

#define lk_twa_no_ctx 1
struct lk_twa_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_twa_init(struct lk_twa *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->next, LK_FIRST);
  atomic_init(&lock->serving, LK_FIRST);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_twa_destroy(struct lk_twa *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_twa_ctx_init(struct lk_twa *lock, struct lk_twa_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_twa_ctx_destroy(struct lk_twa *lock, struct lk_twa_ctx *ctx) { (void)lock, (void)ctx; }

/* Where the waiter with this number of this lock is moved up. The paper's hash: numbers that follow each other lie on
   different lines, and locks at different words. Only the lock's address is used. */
static inline LK_ATOMIC(uint32_t) *lk_twa_place(const struct lk_twa *lock, uint32_t number) {
  return &lk_twa_moves[((uint32_t)(uintptr_t)lock ^ number * 127) % LK_TWA_WORDS];
}

/* Until at most LK_TWA_NEAR numbers are to be called before and with `mine`. */
static inline void lk_twa_wait_far(struct lk_twa *lock, uint32_t mine) {
  LK_ATOMIC(uint32_t) *const place = lk_twa_place(lock, mine);
  for (;;) {
    /* Acquire: pairs with the release increment in unlock; the load of `serving` below sees what was called
       before any move that is counted here. */
    const uint32_t moves = atomic_load_explicit(place, memory_order_acquire);
    /* Relaxed: lock loads it again, with acquire, before it enters. */
    if (mine - atomic_load_explicit(&lock->serving, memory_order_relaxed) <= LK_TWA_NEAR) return;
    /* Relaxed: it only ends the wait; the load above orders. */
    while (atomic_load_explicit(place, memory_order_relaxed) == moves) lk_pause();
  }
}

static inline void lk_twa_lock(struct lk_twa *lock, struct lk_twa_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers; entering is ordered by the load of `serving`. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
  /* Acquire: as below. */
  const uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
  if (LK_LIKELY(serving == mine)) return;
  if (mine - serving > LK_TWA_NEAR) lk_twa_wait_far(lock, mine);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (atomic_load_explicit(&lock->serving, memory_order_acquire) != mine) lk_pause();
}

static inline bool lk_twa_trylock(struct lk_twa *lock, struct lk_twa_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock. A number once taken must be waited for, so we take it
     only if it may enter already. */
  uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
  /* Relaxed: success shows that `next` was still `serving`, which the acquire load above has ordered. */
  return atomic_compare_exchange_strong_explicit(&lock->next, &serving, serving + 1, memory_order_relaxed,
                                                 memory_order_relaxed);
}

static inline void lk_twa_unlock(struct lk_twa *lock, struct lk_twa_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the owner writes it, and we are the owner. */
  const uint32_t successor = atomic_load_explicit(&lock->serving, memory_order_relaxed) + 1;
  /* Release: pairs with the acquire loads in lock and trylock. */
  atomic_store_explicit(&lock->serving, successor, memory_order_release);
  /* Release: pairs with the acquire load in wait_far. We own nothing any more, and the lock may be gone; others may
     count here too: an atomic increment, which also keeps that one's release visible to those that read ours. */
  atomic_fetch_add_explicit(lk_twa_place(lock, successor + LK_TWA_NEAR), 1, memory_order_release);
}

#endif
