// SPDX-License-Identifier: MIT
/*
 * rw_phasefair: phases of readers and phases of one writer alternate while both wait. A reader enters with the next
 * phase of readers, however many writers queue.
 *
 * Source: B. B. Brandenburg, J. H. Anderson, "Spin-Based Reader-Writer Synchronization for Multiprocessor Real-Time
 * Systems", Real-Time Systems 46, 2010, the ticket lock PF-T, with its names.
 *
 *   rin    readers that have come, in steps of READER; PRESENT while a writer is at the head, that is inside or
 *          waiting for the readers before it; PHASE, which flips as each writer leaves
 *   rout   readers that have left, in steps of READER
 *   win    the number that the next writer takes; changed by arrivals only
 *   wout   the number of the writer at the head, who alone changes it, and PRESENT and PHASE
 *
 * Invariants: a reader is counted in rin whether it enters or waits, so a writer waits for all that came before its
 * PRESENT. A reader that waits for one writer is inside as soon as PHASE flips: the next writer cannot get past it, so
 * PHASE cannot flip back unseen. Right for fewer than 2^30 threads.
 * Bounds, not FIFO: a reader waits for one phase of readers and one writer, no more. A writer waits for the writers
 * before it, in order, and one phase of readers for each of them and one for itself. Nobody starves.
 * Waits: spins. Context: none. All on one line: readers would else fetch two for a section, not one.
 * Deviation: the paper's PHASE is the lowest bit of the writer's number, set and cleared with PRESENT; here it stays,
 * and leaving flips both. The two tries are ours: a trywrlock that meets a reader at the last moment ends as a phase
 * in which nothing was written.
 */
#ifndef LK_RW_PHASEFAIR_H
#define LK_RW_PHASEFAIR_H

#include "lk.h"

#define lk_rw_phasefair_is_rw 1
#define lk_rw_phasefair_is_bounded 1

enum { lk_rw_phasefair_traits = LK_BOUNDED | LK_SPINS };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_rw_phasefair_bypass(const struct lk_config *config) { return (void)config, 0; }

enum lk_rw_phasefair_rin {
  LK_RW_PHASEFAIR_PRESENT = 1,
  LK_RW_PHASEFAIR_PHASE = 2,
  LK_RW_PHASEFAIR_WRITER = LK_RW_PHASEFAIR_PRESENT | LK_RW_PHASEFAIR_PHASE,
  LK_RW_PHASEFAIR_READER = 4, /* one of them; above the rest, so that an overflow falls off the word */
};

struct lk_rw_phasefair {
  LK_ATOMIC(uint32_t) rin;
  LK_ATOMIC(uint32_t) rout;
  LK_ATOMIC(uint32_t) win;
  LK_ATOMIC(uint32_t) wout;
  LK_CANARY_MEMBER
};

struct lk_rw_phasefair_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_rw_phasefair_init(struct lk_rw_phasefair *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->rin, 0);
  atomic_init(&lock->rout, 0);
  atomic_init(&lock->win, 0);
  atomic_init(&lock->wout, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rw_phasefair_destroy(struct lk_rw_phasefair *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_rw_phasefair_ctx_init(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx,
                                            const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_rw_phasefair_ctx_destroy(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_rw_phasefair_rdlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock, be it through the additions behind it. */
  const uint32_t before = atomic_fetch_add_explicit(&lock->rin, LK_RW_PHASEFAIR_READER, memory_order_acquire);
  if (LK_LIKELY(!(before & LK_RW_PHASEFAIR_PRESENT))) return;
  /* Acquire: as above. When we look the next writer may be PRESENT already: it differs in PHASE. */
  while (((atomic_load_explicit(&lock->rin, memory_order_acquire) ^ before) & LK_RW_PHASEFAIR_WRITER) == 0) lk_pause();
}

static inline bool lk_rw_phasefair_tryrdlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t rin = atomic_load_explicit(&lock->rin, memory_order_relaxed);
  while (!(rin & LK_RW_PHASEFAIR_PRESENT)) {
    /* Acquire: as the fetch_add in rdlock. It fails only when somebody else has come or gone: then we look again. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->rin, &rin, rin + LK_RW_PHASEFAIR_READER,
                                                          memory_order_acquire, memory_order_relaxed)))
      return true;
  }
  return false;
}

static inline void lk_rw_phasefair_rdunlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire loads of rout in wrlock and trywrlock; a writer that sees the last reader's
     addition has seen the others', since each is a read-modify-write of the one before. */
  atomic_fetch_add_explicit(&lock->rout, LK_RW_PHASEFAIR_READER, memory_order_release);
}

/* By the writer at the head: keeps later readers out. Returns what rout is once the earlier ones have left. */
static inline uint32_t lk_rw_phasefair_appear(struct lk_rw_phasefair *lock) {
  /* Relaxed: it counts those before us, whose sections are ordered by the loads of rout. What the writer before us
     released here reaches readers all the same, this being a read-modify-write. */
  return atomic_fetch_add_explicit(&lock->rin, LK_RW_PHASEFAIR_PRESENT, memory_order_relaxed) &
         ~(uint32_t)LK_RW_PHASEFAIR_WRITER;
}

static inline void lk_rw_phasefair_wrlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->win, 1, memory_order_relaxed);
  /* Acquire: pairs with the release store of wout in wrunlock. */
  while (LK_UNLIKELY(atomic_load_explicit(&lock->wout, memory_order_acquire) != mine)) lk_pause();
  const uint32_t before = lk_rw_phasefair_appear(lock);
  /* Acquire: pairs with the release in rdunlock. */
  while (LK_UNLIKELY(atomic_load_explicit(&lock->rout, memory_order_acquire) != before)) lk_pause();
}

static inline void lk_rw_phasefair_wrunlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the writer at the head writes it, and that is us. */
  const uint32_t mine = atomic_load_explicit(&lock->wout, memory_order_relaxed);
  /* Release: pairs with the acquires in rdlock and tryrdlock. It clears PRESENT and flips PHASE. */
  atomic_fetch_xor_explicit(&lock->rin, LK_RW_PHASEFAIR_WRITER, memory_order_release);
  /* Release: pairs with the acquires of wout in wrlock and trywrlock: the next writer's PRESENT comes after we have
     cleared ours. */
  atomic_store_explicit(&lock->wout, mine + 1, memory_order_release);
}

static inline bool lk_rw_phasefair_trywrlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed, both: a guess, so as not to keep readers out for nothing. The check that counts is the last one. */
  const uint32_t rin = atomic_load_explicit(&lock->rin, memory_order_relaxed);
  const uint32_t rout = atomic_load_explicit(&lock->rout, memory_order_relaxed);
  if (((rin ^ rout) & ~(uint32_t)LK_RW_PHASEFAIR_PHASE) != 0) return false;
  /* Acquire: pairs with the release store of wout in wrunlock. */
  uint32_t wout = atomic_load_explicit(&lock->wout, memory_order_acquire);
  /* Relaxed: success shows that no writer is there, since `win` was still `wout`, which the load above has ordered. */
  if (!atomic_compare_exchange_strong_explicit(&lock->win, &wout, wout + 1, memory_order_relaxed, memory_order_relaxed))
    return false;
  const uint32_t before = lk_rw_phasefair_appear(lock);
  /* Acquire: as in wrlock. */
  if (LK_LIKELY(atomic_load_explicit(&lock->rout, memory_order_acquire) == before)) return true;
  lk_rw_phasefair_wrunlock(lock, ctx);
  return false;
}

#endif
