// SPDX-License-Identifier: MIT
/*
 * anderson: a ticket lock in which each number has its own place to wait at. The slots form a ring, each on a
 * line of its own; an owner writes only the slot of its successor: O(1) remote references, paid for with a line
 * per thread and lock.
 *
 * Source: T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors",
 * IEEE TPDS 1(1), 1990, "queue in shared memory".
 *
 *   next         the number the next arrival takes; its slot is that modulo the number of slots
 *   slot.serving the number of this slot that may enter, or an older one; written by the owner of the number before
 *
 * Invariants: of all slots only one can hold a number that is yet to enter, the largest that was written; the
 * thread with that number is inside or about to be. There are n_threads slots, so that no two waiters share one,
 * rounded up to a power of two, so that they go on in turn when numbers wrap at 2^32.
 * FIFO by the order of the fetch_add. Waiters spin, each on its slot. Context: the number taken, from lock to unlock.
 * Deviations: a slot holds a number instead of HAS_LOCK or MUST_WAIT. So no slot has to be reset before
 * it is used again, which spares the owner a store, and trylock can tell whether the next number would have to wait.
 */
#ifndef LK_ANDERSON_H
#define LK_ANDERSON_H

#include "lk.h"

enum { lk_anderson_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

struct lk_anderson_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) serving;
};
LK_STATIC_ASSERT(sizeof(struct lk_anderson_slot) == LK_LINE_BYTES, "one slot, one line");

struct lk_anderson {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) next;
  /* Constants, which unlock reads: not where arrivals write, or each hand-off would first wait for that line. */
  LK_ALIGNED(LK_LINE_BYTES) uint32_t mask; /* the number of slots - 1 */
  struct lk_anderson_slot *slots;
  LK_CANARY_MEMBER
};

struct lk_anderson_ctx {
  uint32_t mine;
};

/* So many that no two waiters share one, and that they go on in turn when numbers wrap. */
static inline uint32_t lk_anderson_n_slots(const struct lk_config *config) {
  uint32_t n_slots = 1;
  while (n_slots < config->n_threads) n_slots *= 2;
  return n_slots;
}

#define lk_anderson_has_heap 1
static inline size_t lk_anderson_heap_bytes(const struct lk_config *config) {
  return lk_anderson_n_slots(config) * sizeof(struct lk_anderson_slot);
}

static inline bool lk_anderson_init(struct lk_anderson *lock, const struct lk_config *config) {
  const uint32_t n_slots = lk_anderson_n_slots(config);
  atomic_init(&lock->next, LK_FIRST);
  lock->mask = n_slots - 1;
  lock->slots = (struct lk_anderson_slot *)LK_ALLOC(n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  /* The first number may enter at once. In the other slots it never is a number of theirs. */
  for (uint32_t i = 0; i < n_slots; i++) atomic_init(&lock->slots[i].serving, LK_FIRST);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_anderson_destroy(struct lk_anderson *lock) {
  LK_CANARY_CHECK(lock);
  LK_FREE(lock->slots);
}

static inline bool lk_anderson_ctx_init(struct lk_anderson *lock, struct lk_anderson_ctx *ctx,
                                        const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->mine = 0;
  return true;
}

static inline void lk_anderson_ctx_destroy(struct lk_anderson *lock, struct lk_anderson_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_anderson_lock(struct lk_anderson *lock, struct lk_anderson_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers; entering is ordered by the load of `serving`. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
  ctx->mine = mine;
  struct lk_anderson_slot *const slot = &lock->slots[mine & lock->mask];
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (LK_UNLIKELY(atomic_load_explicit(&slot->serving, memory_order_acquire) != mine)) lk_pause();
}

static inline bool lk_anderson_trylock(struct lk_anderson *lock, struct lk_anderson_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess that the exchange below confirms. */
  uint32_t mine = atomic_load_explicit(&lock->next, memory_order_relaxed);
  /* Acquire: pairs with the release store in unlock. A number once taken must be waited for, so we take
     it only if it may enter already. */
  if (atomic_load_explicit(&lock->slots[mine & lock->mask].serving, memory_order_acquire) != mine) return false;
  ctx->mine = mine;
  /* Relaxed: success gives us the number, and the load above has ordered what came before it. */
  return atomic_compare_exchange_strong_explicit(&lock->next, &mine, mine + 1, memory_order_relaxed,
                                                 memory_order_relaxed);
}

static inline void lk_anderson_unlock(struct lk_anderson *lock, struct lk_anderson_ctx *ctx) {
  const uint32_t successor = ctx->mine + 1;
  /* Release: pairs with the acquire loads in lock and trylock. */
  atomic_store_explicit(&lock->slots[successor & lock->mask].serving, successor, memory_order_release);
}

#endif
