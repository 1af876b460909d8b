// SPDX-License-Identifier: MIT
/*
 * rw_ticket: task-fair. Each thread takes a place from one counter; a reader waits for the writers before it, a writer
 * for all before it. Readers that no writer separates are inside together.
 *
 * Source: J. M. Mellor-Crummey, M. L. Scott, "Scalable Reader-Writer Synchronization for Shared-Memory
 * Multiprocessors", PPoPP 1991, the fair lock on two counters; the same order with a queue: O. Krieger, M. Stumm,
 * R. Unrau, J. Hanna, "A Fair Fast Scalable Reader-Writer Lock", ICPP 1993.
 *
 *   requests   readers * 2^32 + writers that have come; changed by arrivals only
 *   completed  the same of those that have left; a reader adds itself, a writer is alone and stores
 *
 * Invariants: completed never passes requests. Both are sums of the same addends, so where the writers' half
 * overflows into the readers' it does so in both, and a writer may enter when completed is what requests was before
 * it. Nothing carries into the writers' half: a reader may enter when the writers' halves agree. Right for fewer
 * than 2^32 threads.
 * FIFO by the order of the fetch_add: no preference, none starves. A reader waits for the writers before it, at most
 * one per other thread; a writer for the sections of all before it. Waits: spins, all on one word. Context: none.
 * Deviation: the paper has two counts of 16 bits in a word and clears what overflows with a loop of
 * compare-and-swaps; here one fetch_add does, see above. A writer leaves by a store; the two tries are ours.
 */
#ifndef LK_RW_TICKET_H
#define LK_RW_TICKET_H

#include "lk.h"

#define lk_rw_ticket_is_rw 1
#define lk_rw_ticket_writer_phases 3

enum { lk_rw_ticket_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

/* Macros: an enum of C11 is an int, and one of these is wider. */
#define LK_RW_TICKET_WRITER ((uint64_t)1)
#define LK_RW_TICKET_READER ((uint64_t)1 << 32)

struct lk_rw_ticket {
  LK_ATOMIC(uint64_t) requests;
  LK_ATOMIC(uint64_t) completed;
  LK_CANARY_MEMBER
};

#define LK_RW_TICKET_INIT                                                                                              \
  { 0, 0, LK_CANARY_INIT }

#define lk_rw_ticket_no_ctx 1
struct lk_rw_ticket_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_rw_ticket_init(struct lk_rw_ticket *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->requests, LK_FIRST * (LK_RW_TICKET_READER + LK_RW_TICKET_WRITER));
  atomic_init(&lock->completed, LK_FIRST * (LK_RW_TICKET_READER + LK_RW_TICKET_WRITER));
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rw_ticket_destroy(struct lk_rw_ticket *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_rw_ticket_ctx_init(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx,
                                         const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_rw_ticket_ctx_destroy(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)lock, (void)ctx;
}

/* Has a writer come, by `requests`, that had not left by `completed`? */
static inline bool lk_rw_ticket_has_writer(uint64_t requests, uint64_t completed) {
  return (uint32_t)requests != (uint32_t)completed;
}

static inline void lk_rw_ticket_rdlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only gives out places; entering is ordered by the load of `completed`. */
  const uint64_t before = atomic_fetch_add_explicit(&lock->requests, LK_RW_TICKET_READER, memory_order_relaxed);
  /* Acquire: pairs with the release store in wrunlock, be it through the fetch_adds of readers behind it. */
  while (LK_UNLIKELY(lk_rw_ticket_has_writer(before, atomic_load_explicit(&lock->completed, memory_order_acquire))))
    lk_pause();
}

static inline bool lk_rw_ticket_tryrdlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: as in rdlock. */
  const uint64_t completed = atomic_load_explicit(&lock->completed, memory_order_acquire);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint64_t requests = atomic_load_explicit(&lock->requests, memory_order_relaxed);
  while (!lk_rw_ticket_has_writer(requests, completed)) {
    /* Relaxed: success shows that no writer has come since those that the acquire above has seen leave. It fails
       only if another thread has come; if that was a reader we try again. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->requests, &requests, requests + LK_RW_TICKET_READER,
                                                          memory_order_relaxed, memory_order_relaxed)))
      return true;
  }
  return false;
}

static inline void lk_rw_ticket_rdunlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire loads in wrlock and trywrlock; a writer that sees the last reader's addition
     has seen the others', since each is a read-modify-write of the one before. */
  atomic_fetch_add_explicit(&lock->completed, LK_RW_TICKET_READER, memory_order_release);
}

static inline void lk_rw_ticket_wrlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: as in rdlock. */
  const uint64_t before = atomic_fetch_add_explicit(&lock->requests, LK_RW_TICKET_WRITER, memory_order_relaxed);
  /* Acquire: pairs with the releases in rdunlock and wrunlock. */
  while (LK_UNLIKELY(atomic_load_explicit(&lock->completed, memory_order_acquire) != before)) lk_pause();
}

static inline bool lk_rw_ticket_trywrlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the releases in rdunlock and wrunlock. Free means that as many have left as have come. */
  uint64_t completed = atomic_load_explicit(&lock->completed, memory_order_acquire);
  /* Relaxed: success shows that `requests` was still `completed`, which the acquire load above has ordered. */
  return atomic_compare_exchange_strong_explicit(&lock->requests, &completed, completed + LK_RW_TICKET_WRITER,
                                                 memory_order_relaxed, memory_order_relaxed);
}

static inline void lk_rw_ticket_wrunlock(struct lk_rw_ticket *lock, struct lk_rw_ticket_ctx *ctx) {
  (void)ctx;
  /* Relaxed: no other thread leaves while a writer is inside, so none writes it. */
  const uint64_t completed = atomic_load_explicit(&lock->completed, memory_order_relaxed);
  /* Release: pairs with the acquire loads in all four ways to get in. */
  atomic_store_explicit(&lock->completed, completed + LK_RW_TICKET_WRITER, memory_order_release);
}

#endif
