// SPDX-License-Identifier: MIT
/*
 * ticket: take a number, wait until it is called. The smallest lock that serves in the order of arrival.
 * All waiters watch one word, so each hand-off sends its line to all of them: O(n) traffic.
 *
 * Source: D. P. Reed, R. K. Kanodia, "Synchronization with Eventcounts and Sequencers", CACM 22(2), 1979;
 * J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
 * Multiprocessors", ACM TOCS 9(1), 1991, algorithm 2.2, without its proportional back-off.
 *
 *   next      the number the next arrival takes; changed by arrivals only
 *   serving   the number that may enter; changed by the owner only, so it needs no atomic increment
 *
 * Invariants: serving <= next (modulo 2^32); next - serving threads hold or want the lock; exactly the
 * thread that took `serving` is inside. Right for fewer than 2^32 threads.
 * FIFO by the order of the fetch_add. Waiters spin. Context: none.
 * Deviation: both counters share a line, as in the paper; an owner's release then also meets arrivals.
 */
#ifndef LK_TICKET_H
#define LK_TICKET_H

#include "lk.h"

enum { lk_ticket_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

struct lk_ticket {
  LK_ATOMIC(uint32_t) next;
  LK_ATOMIC(uint32_t) serving;
  LK_CANARY_MEMBER
};

#define LK_TICKET_INIT                                                                                                 \
  { 0, 0, LK_CANARY_INIT }

#define lk_ticket_no_ctx 1
struct lk_ticket_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_ticket_init(struct lk_ticket *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->next, LK_FIRST);
  atomic_init(&lock->serving, LK_FIRST);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ticket_destroy(struct lk_ticket *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_ticket_ctx_init(struct lk_ticket *lock, struct lk_ticket_ctx *ctx,
                                      const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_ticket_ctx_destroy(struct lk_ticket *lock, struct lk_ticket_ctx *ctx) { (void)lock, (void)ctx; }

static inline void lk_ticket_lock(struct lk_ticket *lock, struct lk_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers; entering is ordered by the load of `serving`. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (LK_UNLIKELY(atomic_load_explicit(&lock->serving, memory_order_acquire) != mine)) lk_pause();
}

static inline bool lk_ticket_trylock(struct lk_ticket *lock, struct lk_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock. Free means that no thread holds a number yet to be
     served: only then may we take one, since a number once taken must be waited for. */
  uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
  /* Relaxed: success shows that `next` was still `serving`, which the acquire load above has ordered. */
  return atomic_compare_exchange_strong_explicit(&lock->next, &serving, serving + 1, memory_order_relaxed,
                                                 memory_order_relaxed);
}

static inline void lk_ticket_unlock(struct lk_ticket *lock, struct lk_ticket_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the owner writes it, and we are the owner. */
  const uint32_t mine = atomic_load_explicit(&lock->serving, memory_order_relaxed);
  /* Release: pairs with the acquire loads in lock and trylock. */
  atomic_store_explicit(&lock->serving, mine + 1, memory_order_release);
}

#endif
