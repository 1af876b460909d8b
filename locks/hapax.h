// SPDX-License-Identifier: MIT
/*
 * hapax: a queue of values that are each used once (hapax legomenon: a word that occurs once). An arrival leaves a
 * new value in the lock and waits until the value that it found there has departed. No pointer passes from thread
 * to thread, so nothing that a waiter looks at can have been freed or reused.
 *
 * Source: D. Dice, A. Kogan, "Hapax Locks: Scalable Value-Based Mutual Exclusion", PPoPP 2026 (arXiv 2511.14608), by
 * its abstract and what others wrote about it, its listings unseen: two words in the lock, values dealt to threads in
 * blocks, a waiting array of 4096 slots for the whole process. How they are used here is ours, and may differ.
 *
 *   lock.arrive       the value of the last arrival; swung by every arrival
 *   lock.depart       the value of the last owner that left; written by owners, in their unlock
 *   lk_hapax_slots[]  of the process: the last value that departed of those that belong to this slot, of any lock
 *   lk_hapax_blocks[] of the process: how many blocks of 2^16 values were dealt
 *   ctx.mine          the value of this thread's last acquisition
 *
 * Invariants: no value comes twice in the process, so at most one thread waits for a value, and the one that waits for
 * the last to depart is the next owner. `depart` decides; a slot that shows a value comes after `depart` has shown it.
 * FIFO by the order of the exchange on arrive. Waiters spin, on the slot of their predecessor's block, where no
 * else does unless two blocks share it; then the value may be overwritten before it was seen, so each waiter also
 * looks at `depart`, seldom. Context: the last value; the thread's own, and may move at any time. What an owner touches
 * after `depart` is not the lock, which may be freed by then.
 * What it costs more than clh: an unlock writes two lines that a waiter reads, `depart` and the slot, so two threads
 * with empty sections make 0.80 of clh's rate (95 %: 0.76 to 0.86). With waiters that all spin on `depart`, and no
 * slots, it is 0.92 (0.86 to 0.98); but then each departure goes to all of them. Deviation that we know of: no variant
 * with visible waiters.
 */
#ifndef LK_HAPAX_H
#define LK_HAPAX_H

#include "lk.h"

#define lk_hapax_ctx_is_any 1 /* no value comes twice in the process */

enum { lk_hapax_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

enum { LK_HAPAX_BLOCK_BITS = 16 };

/* A checker, which has few threads, makes both less. */
#ifndef LK_HAPAX_SLOTS
#define LK_HAPAX_SLOTS 4096 /* a power of two */
#endif
#ifndef LK_HAPAX_LOOKS
#define LK_HAPAX_LOOKS 64 /* of a waiter at its slot, for one at `depart` */
#endif

LK_PROCESS_WIDE(LK_ATOMIC(uint64_t), lk_hapax_slots, LK_HAPAX_SLOTS);
LK_PROCESS_WIDE(LK_ATOMIC(uint64_t), lk_hapax_blocks, 1);

struct lk_hapax {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint64_t) arrive;
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint64_t) depart; /* an owner's: not where arrivals write */
  LK_CANARY_MEMBER
};

#define LK_HAPAX_INIT                                                                                                  \
  { 0, 0, LK_CANARY_INIT }

struct lk_hapax_ctx {
  uint64_t mine;
};

static inline bool lk_hapax_init(struct lk_hapax *lock, const struct lk_config *config) {
  (void)config;
  /* Value 0 has departed, and belongs to no thread. */
  atomic_init(&lock->arrive, 0);
  atomic_init(&lock->depart, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_hapax_destroy(struct lk_hapax *lock) { LK_CANARY_CHECK(lock); }

/* The value before the first of a new block: never used itself. */
static inline uint64_t lk_hapax_deal(void) {
  /* Relaxed: it only hands out distinct blocks. Block 0 is that of value 0. */
  return (atomic_fetch_add_explicit(&lk_hapax_blocks[0], 1, memory_order_relaxed) + 1) << LK_HAPAX_BLOCK_BITS;
}

static inline bool lk_hapax_ctx_init(struct lk_hapax *lock, struct lk_hapax_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->mine = lk_hapax_deal();
  return true;
}

static inline void lk_hapax_ctx_destroy(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) { (void)lock, (void)ctx; }

static inline uint64_t lk_hapax_next(struct lk_hapax_ctx *ctx) {
  uint64_t mine = ctx->mine + 1;
  if (LK_UNLIKELY(mine % (1 << LK_HAPAX_BLOCK_BITS) == 0)) mine = lk_hapax_deal() + 1;
  return ctx->mine = mine;
}

/* By block: an owner then writes to the same line each time. Blocks that follow each other lie on different lines. */
static inline LK_ATOMIC(uint64_t) *lk_hapax_slot(uint64_t value) {
  return &lk_hapax_slots[(value >> LK_HAPAX_BLOCK_BITS) * 127 % LK_HAPAX_SLOTS];
}

/* Not inlined: a thread that comes here waits. */
LK_COLD static void lk_hapax_wait(struct lk_hapax *lock, uint64_t previous) {
  const LK_ATOMIC(uint64_t) *const slot = lk_hapax_slot(previous);
  for (unsigned n = 0;;) {
    /* Acquire, both: pairs with the release stores in unlock, so the last owner's section is seen. */
    if (atomic_load_explicit(slot, memory_order_acquire) == previous) return;
    const bool is_due = LK_HAPAX_LOOKS == 1 || n++ % LK_HAPAX_LOOKS == 0;
    if (is_due && atomic_load_explicit(&lock->depart, memory_order_acquire) == previous) return;
    lk_pause();
  }
}

static inline void lk_hapax_lock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: only values are passed on; entering is ordered by the load of `depart`, here or in wait. */
  const uint64_t previous = atomic_exchange_explicit(&lock->arrive, lk_hapax_next(ctx), memory_order_relaxed);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  if (LK_UNLIKELY(atomic_load_explicit(&lock->depart, memory_order_acquire) != previous)) lk_hapax_wait(lock, previous);
}

static inline bool lk_hapax_trylock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess that the exchange below confirms. */
  uint64_t previous = atomic_load_explicit(&lock->arrive, memory_order_relaxed);
  /* Acquire: pairs with the release store in unlock. Once departed is departed for good. */
  if (atomic_load_explicit(&lock->depart, memory_order_acquire) != previous) return false;
  /* Relaxed: as in lock. That `arrive` still holds the value means that no thread came: it does not come twice. */
  return atomic_compare_exchange_strong_explicit(&lock->arrive, &previous, lk_hapax_next(ctx), memory_order_relaxed,
                                                 memory_order_relaxed);
}

static inline void lk_hapax_unlock(struct lk_hapax *lock, struct lk_hapax_ctx *ctx) {
  const uint64_t mine = ctx->mine;
  /* Release: pairs with the acquire loads in lock, wait and trylock. */
  atomic_store_explicit(&lock->depart, mine, memory_order_release);
  /* Release: pairs with the acquire load in wait. The lock is not ours any more, and may be gone. */
  atomic_store_explicit(lk_hapax_slot(mine), mine, memory_order_release);
}

#endif
