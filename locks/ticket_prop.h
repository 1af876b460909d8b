// SPDX-License-Identifier: MIT
/*
 * ticket_prop: a ticket lock whose waiters look the more rarely, the more threads are before them. The number
 * called tells each how long it has to wait, so few waiters read the line when the owner writes it.
 *
 * Source: J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
 * Multiprocessors", ACM TOCS 9(1), 1991, algorithm 2.2, with its proportional back-off.
 *
 *   next      the number the next arrival takes; changed by arrivals only
 *   serving   the number that may enter; changed by the owner only, so it needs no atomic increment
 *
 * Invariants: those of ticket. A delay is `unit` pauses for each thread between the waiter and the owner, and
 * at most config->backoff_max_pauses; unit is 1 / LK_TICKET_PROP_SHARE of that: with the default 10 us about
 * 80 ns, a hand-off and a short section. Where hand-offs take longer, waiters only look more often than needed.
 * FIFO by the order of the fetch_add. Waiters spin. Context: none.
 * Deviations: the next in line does not back off at all, since no thread is between it and the owner, and all others
 * wait for it (the paper's waits a unit); and a delay is capped, since the distance says nothing about how long
 * the lock stays with each when owners are preempted.
 */
#ifndef LK_TICKET_PROP_H
#define LK_TICKET_PROP_H

#include "lk.h"

enum { lk_ticket_prop_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

enum { LK_TICKET_PROP_SHARE = 128 };

struct lk_ticket_prop {
  LK_ATOMIC(uint32_t) next;
  LK_ATOMIC(uint32_t) serving;
  uint32_t unit, max_pauses; /* constant */
  LK_CANARY_MEMBER
};

#define lk_ticket_prop_no_ctx 1
struct lk_ticket_prop_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_ticket_prop_init(struct lk_ticket_prop *lock, const struct lk_config *config) {
  atomic_init(&lock->next, LK_FIRST);
  atomic_init(&lock->serving, LK_FIRST);
  lock->max_pauses = config->backoff_max_pauses;
  lock->unit = lock->max_pauses / LK_TICKET_PROP_SHARE > 0 ? lock->max_pauses / LK_TICKET_PROP_SHARE : 1;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ticket_prop_destroy(struct lk_ticket_prop *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_ticket_prop_ctx_init(struct lk_ticket_prop *lock, struct lk_ticket_prop_ctx *ctx,
                                           const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_ticket_prop_ctx_destroy(struct lk_ticket_prop *lock, struct lk_ticket_prop_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_ticket_prop_wait(const struct lk_ticket_prop *lock, uint32_t n_between) {
  uint64_t pauses = (uint64_t)n_between * lock->unit; /* which may not fit in 32 bits */
  if (pauses > lock->max_pauses) pauses = lock->max_pauses;
  do {
    lk_pause();
  } while (pauses-- > 1);
}

static inline void lk_ticket_prop_lock(struct lk_ticket_prop *lock, struct lk_ticket_prop_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers; entering is ordered by the load of `serving`. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
  uint32_t serving;
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (LK_UNLIKELY((serving = atomic_load_explicit(&lock->serving, memory_order_acquire)) != mine))
    lk_ticket_prop_wait(lock, mine - serving - 1);
}

static inline bool lk_ticket_prop_trylock(struct lk_ticket_prop *lock, struct lk_ticket_prop_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock. Free means that no thread holds a number yet to be
     served: only then may we take one, since a number once taken must be waited for. */
  uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
  /* Relaxed: success shows that `next` was still `serving`, which the acquire load above has ordered. */
  return atomic_compare_exchange_strong_explicit(&lock->next, &serving, serving + 1, memory_order_relaxed,
                                                 memory_order_relaxed);
}

static inline void lk_ticket_prop_unlock(struct lk_ticket_prop *lock, struct lk_ticket_prop_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the owner writes it, and we are the owner. */
  const uint32_t mine = atomic_load_explicit(&lock->serving, memory_order_relaxed);
  /* Release: pairs with the acquire loads in lock and trylock. */
  atomic_store_explicit(&lock->serving, mine + 1, memory_order_release);
}

#endif
