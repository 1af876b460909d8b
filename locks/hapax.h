// SPDX-License-Identifier: MIT
/*
 * hapax: a queue of values that are each used once (hapax legomenon: a word that occurs once). An arrival leaves a
 * new value in the lock and waits until the value that it found there has departed. No pointer passes from thread
 * to thread, so nothing that a waiter looks at can have been freed or reused.
 *
 * Source: D. Dice, A. Kogan, "Hapax Locks: Scalable Value-Based Mutual Exclusion", PPoPP 2026 (arXiv 2511.14608),
 * by its abstract and what others wrote about it: details may differ beyond the deviations below.
 *
 *   lock.arrive       the value of the last arrival; swung by every arrival
 *   slot.departed     the last value that departed from this slot; written by owners, in their unlock
 *   ctx.mine          the value of this thread's last acquisition; values are dealt in blocks of 2^16
 *
 * Invariants: no value comes twice, so at most one thread waits for a value, and the one that waits for the last to
 * depart is the next owner: until it is inside nobody writes to any slot, and it cannot miss its value.
 * FIFO by the order of the exchange on arrive. Waiters spin on the slot of their predecessor's block: O(1) remote
 * references unless two blocks share a slot. Context: the last value; the thread's own, and may move at any time.
 * Deviations: values are unique per lock, and the slots are the lock's; the paper deals values, and hashes 4096
 * slots, for the whole process. There a slot is only a hint and a word Depart in the lock decides; here the slot
 * does, which spares an owner a store and costs an arrival at a free lock a second line. No visible waiters.
 */
#ifndef LK_HAPAX_H
#define LK_HAPAX_H

#include <stdlib.h>

#include "lk.h"

enum { lk_hapax_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

enum { LK_HAPAX_BLOCK_BITS = 16 };

struct lk_hapax_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint64_t) departed;
};
LK_STATIC_ASSERT(sizeof(struct lk_hapax_slot) == LK_LINE_BYTES, "one slot, one line");

struct lk_hapax {
  LK_ATOMIC(uint64_t) arrive;
  struct lk_hapax_slot *slots;                            /* constant */
  uint32_t mask;                                          /* constant: the number of slots - 1 */
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint64_t) n_blocks; /* that were dealt; on its own line, seldom used */
  LK_CANARY_MEMBER
};

struct lk_hapax_ctx {
  uint64_t mine;
};

static inline bool lk_hapax_init(struct lk_hapax *lock, const struct lk_config *config) {
  uint32_t n_slots = 1;
  while (n_slots < config->n_threads) n_slots *= 2;
  /* Value 0 has departed: slot 0, where it belongs, says so, and no other value is 0. */
  atomic_init(&lock->arrive, 0);
  atomic_init(&lock->n_blocks, 0);
  lock->mask = n_slots - 1;
  lock->slots = (struct lk_hapax_slot *)aligned_alloc(LK_LINE_BYTES, n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  for (uint32_t i = 0; i < n_slots; i++) atomic_init(&lock->slots[i].departed, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_hapax_destroy(struct lk_hapax *lock) {
  LK_CANARY_CHECK(lock);
  free(lock->slots);
}

/* The value before the first of a new block: never used itself. */
static inline uint64_t lk_hapax_deal(struct lk_hapax *lock) {
  /* Relaxed: it only hands out distinct blocks. Block 0 is that of value 0. */
  return (atomic_fetch_add_explicit(&lock->n_blocks, 1, memory_order_relaxed) + 1) << LK_HAPAX_BLOCK_BITS;
}

static inline bool lk_hapax_ctx_init(struct lk_hapax *lock, struct lk_hapax_ctx *ctx, const struct lk_domain *domain) {
  (void)domain;
  ctx->mine = lk_hapax_deal(lock);
  return true;
}

static inline void lk_hapax_ctx_destroy(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) { (void)lock, (void)ctx; }

static inline uint64_t lk_hapax_next(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  uint64_t mine = ctx->mine + 1;
  if (LK_UNLIKELY(mine % (1 << LK_HAPAX_BLOCK_BITS) == 0)) mine = lk_hapax_deal(lock) + 1;
  return ctx->mine = mine;
}

/* By block: an owner then writes to the same line each time, and successive blocks go to different ones. */
static inline LK_ATOMIC(uint64_t) *lk_hapax_slot(const struct lk_hapax *lock, uint64_t value) {
  return &lock->slots[(value >> LK_HAPAX_BLOCK_BITS) & lock->mask].departed;
}

static inline void lk_hapax_lock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  const uint64_t mine = lk_hapax_next(lock, ctx);
  /* Relaxed: only values are passed on; entering is ordered by the load of `departed`. */
  const uint64_t previous = atomic_exchange_explicit(&lock->arrive, mine, memory_order_relaxed);
  const LK_ATOMIC(uint64_t) *const departed = lk_hapax_slot(lock, previous);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (LK_UNLIKELY(atomic_load_explicit(departed, memory_order_acquire) != previous)) lk_pause();
}

static inline bool lk_hapax_trylock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess that the exchange below confirms. */
  uint64_t previous = atomic_load_explicit(&lock->arrive, memory_order_relaxed);
  /* Acquire: pairs with the release store in unlock. Once departed is departed for good. */
  if (atomic_load_explicit(lk_hapax_slot(lock, previous), memory_order_acquire) != previous) return false;
  /* Relaxed: as in lock. That `arrive` still holds the value means that nobody came: it does not come twice. */
  return atomic_compare_exchange_strong_explicit(&lock->arrive, &previous, lk_hapax_next(lock, ctx),
                                                 memory_order_relaxed, memory_order_relaxed);
}

static inline void lk_hapax_unlock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  /* Release: pairs with the acquire loads in lock and trylock. */
  atomic_store_explicit(lk_hapax_slot(lock, ctx->mine), ctx->mine, memory_order_release);
}

#endif
