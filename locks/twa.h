// SPDX-License-Identifier: MIT
/*
 * twa: a ticket lock of which only the next in line watches the number that is called. The others watch each a
 * slot of a waiting array. An owner first calls its successor, which is then inside, and only then moves the next
 * one up. So a call goes to one waiter instead of all, and a hand-off stays as short as a ticket lock's.
 *
 * Source: D. Dice, A. Kogan, "TWA: Ticket Locks Augmented with a Waiting Array", Euro-Par 2019. Patents exist:
 * US 11442730 and its continuations.
 *
 *   next        the number the next arrival takes
 *   serving     the number that may enter; changed by the owner only
 *   slot.moves  how often a waiter of this slot was moved up; counted up by former owners
 *
 * Invariants: those of ticket; the slots only tell when to look at `serving` again. A waiter reads its slot, then
 * `serving`, and waits for the slot to change from what it read; an owner writes `serving`, then the slot: so
 * either the waiter sees that it is near, or the slot changes after it was read. No move-up is lost.
 * FIFO by the order of the fetch_add. Waiters spin: the next in line on `serving`, the others on their slots.
 * Context: none.
 * Deviation: the array belongs to the lock, not to the process. n_threads slots, rounded up to a power of two,
 * are then one to each waiter, so the hash is the remainder and each slot has its own line: a line per thread
 * and lock (the paper's 4096 words serve all locks, and are hashed to keep numbers and locks apart).
 */
#ifndef LK_TWA_H
#define LK_TWA_H

#include <stdlib.h>

#include "lk.h"

enum { lk_twa_traits = LK_FIFO | LK_SPINS };

enum { LK_TWA_NEAR = 1 }; /* the paper's LongTermThreshold: how many waiters may watch `serving` */

struct lk_twa_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) moves;
};
LK_STATIC_ASSERT(sizeof(struct lk_twa_slot) == LK_LINE_BYTES, "one slot, one line");

struct lk_twa {
  LK_ATOMIC(uint32_t) next;
  LK_ATOMIC(uint32_t) serving;
  struct lk_twa_slot *slots; /* constant */
  uint32_t mask;             /* constant: the number of slots - 1 */
  LK_CANARY_MEMBER
};

struct lk_twa_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_twa_init(struct lk_twa *lock, const struct lk_config *config) {
  uint32_t n_slots = 1;
  while (n_slots < config->n_threads) n_slots *= 2;
  atomic_init(&lock->next, 0);
  atomic_init(&lock->serving, 0);
  lock->mask = n_slots - 1;
  lock->slots = (struct lk_twa_slot *)aligned_alloc(LK_LINE_BYTES, n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  for (uint32_t i = 0; i < n_slots; i++) atomic_init(&lock->slots[i].moves, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_twa_destroy(struct lk_twa *lock) {
  LK_CANARY_CHECK(lock);
  free(lock->slots);
}

static inline bool lk_twa_ctx_init(struct lk_twa *lock, struct lk_twa_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_twa_ctx_destroy(struct lk_twa *lock, struct lk_twa_ctx *ctx) { (void)lock, (void)ctx; }

/* Until at most LK_TWA_NEAR numbers are to be called before and with `mine`. */
static inline void lk_twa_wait_far(struct lk_twa *lock, uint32_t mine) {
  struct lk_twa_slot *const slot = &lock->slots[mine & lock->mask];
  for (;;) {
    /* Acquire: pairs with the release increment in unlock; the load of `serving` below sees what was called
       before any move that is counted here. */
    const uint32_t moves = atomic_load_explicit(&slot->moves, memory_order_acquire);
    /* Relaxed: lock loads it again, with acquire, before it enters. */
    if (mine - atomic_load_explicit(&lock->serving, memory_order_relaxed) <= LK_TWA_NEAR) return;
    /* Relaxed: it only ends the wait; the load above orders. */
    while (atomic_load_explicit(&slot->moves, memory_order_relaxed) == moves) lk_pause();
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
  /* Release: pairs with the acquire load in wait_far. We own nothing any more, so another may count here too: an
     atomic increment, which also keeps that one's release visible to those that read ours. */
  atomic_fetch_add_explicit(&lock->slots[(successor + LK_TWA_NEAR) & lock->mask].moves, 1, memory_order_release);
}

#endif
