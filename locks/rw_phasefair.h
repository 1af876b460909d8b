// SPDX-License-Identifier: MIT
/*
 * rw_phasefair: phases of readers and phases of one writer alternate while both wait. A reader enters with the next
 * phase of readers, however many writers queue.
 *
 * Source: B. B. Brandenburg, J. H. Anderson, "Spin-Based Reader-Writer Synchronization for Multiprocessor Real-Time
 * Systems", Real-Time Systems 46, 2010, the ticket lock PF-T, with its names.
 *
 *   in     in its upper half rin: readers that have come, in steps of READER; PRESENT while a writer is at the head,
 * that is inside or waiting for the readers before it. In its lower half wout: the number of the writer at the head,
 *          which alone changes it, and PRESENT
 *   rout   readers that have left, in steps of READER
 *   win    the number that the next writer takes; changed by arrivals only
 *
 * Invariants: a reader is counted in rin whether it enters or waits, so a writer waits for all that came before its
 * PRESENT. A reader that waits for one writer is inside as soon as wout is another: the next writer cannot get past it.
 * What overflows rin falls off the word, and wout is changed by an exclusive or, which carries nothing into rin. Right
 * for fewer than 2^31 threads.
 * End: a writer leaves by one step, for readers and the next writer alike, and touches the lock no more after its last.
 * Bounds, not FIFO: a reader waits for one phase of readers and one writer, no more. A writer waits for the writers
 * before it, in order, and one phase of readers for each of them and one for itself. No thread starves.
 * Waits: spins. Context: none. All on one line: readers would else fetch two for a section, not one.
 * Deviation: the paper lets readers in by one word and the next writer by another; the second step would touch a lock
 * that a reader may have freed. The two tries are ours: a trywrlock that meets a reader at the last moment ends as a
 * phase in which nothing was written.
 */
#ifndef LK_RW_PHASEFAIR_H
#define LK_RW_PHASEFAIR_H

#include "lk.h"

#define lk_rw_phasefair_is_rw 1
#define lk_rw_phasefair_is_bounded 1

enum { lk_rw_phasefair_traits = LK_BOUNDED | LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_rw_phasefair_bypass(const struct lk_config *config) { return (void)config, 0; }

enum {
  LK_RW_PHASEFAIR_PRESENT = 1,
  LK_RW_PHASEFAIR_READER = 2, /* one of them; above the rest, so that an overflow falls off the word */
};

struct lk_rw_phasefair {
  LK_ATOMIC(uint64_t) in;
  LK_ATOMIC(uint32_t) rout;
  LK_ATOMIC(uint32_t) win;
  LK_CANARY_MEMBER
};

#define LK_RW_PHASEFAIR_INIT                                                                                           \
  { 0, 0, 0, LK_CANARY_INIT }

/* The halves of `in`. */
static inline uint32_t lk_rw_phasefair_rin(uint64_t in) { return (uint32_t)(in >> 32); }
static inline uint32_t lk_rw_phasefair_wout(uint64_t in) { return (uint32_t)in; }
static inline uint64_t lk_rw_phasefair_to_rin(uint32_t rin) { return (uint64_t)rin << 32; }

#define lk_rw_phasefair_no_ctx 1
struct lk_rw_phasefair_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_rw_phasefair_init(struct lk_rw_phasefair *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->in, lk_rw_phasefair_to_rin(LK_FIRST * LK_RW_PHASEFAIR_READER) | LK_FIRST);
  atomic_init(&lock->rout, LK_FIRST * LK_RW_PHASEFAIR_READER);
  atomic_init(&lock->win, LK_FIRST);
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

/* Whether a reader that found the one is kept out at the other: the same writer is still there. */
static inline bool lk_rw_phasefair_waits(uint64_t before, uint64_t in) {
  return (lk_rw_phasefair_rin(in) & LK_RW_PHASEFAIR_PRESENT) != 0 &&
         lk_rw_phasefair_wout(in) == lk_rw_phasefair_wout(before);
}

static inline void lk_rw_phasefair_rdlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock, be it through the additions behind it. */
  const uint64_t before =
      atomic_fetch_add_explicit(&lock->in, lk_rw_phasefair_to_rin(LK_RW_PHASEFAIR_READER), memory_order_acquire);
  if (LK_LIKELY(!(lk_rw_phasefair_rin(before) & LK_RW_PHASEFAIR_PRESENT))) return;
  /* Acquire: as above. */
  while (lk_rw_phasefair_waits(before, atomic_load_explicit(&lock->in, memory_order_acquire))) lk_pause();
}

static inline bool lk_rw_phasefair_tryrdlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint64_t in = atomic_load_explicit(&lock->in, memory_order_relaxed);
  while (!(lk_rw_phasefair_rin(in) & LK_RW_PHASEFAIR_PRESENT)) {
    /* Acquire: as the fetch_add in rdlock. It fails only if another thread has come or gone: then we look again. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->in, &in,
                                                          in + lk_rw_phasefair_to_rin(LK_RW_PHASEFAIR_READER),
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
  return lk_rw_phasefair_rin(
      atomic_fetch_add_explicit(&lock->in, lk_rw_phasefair_to_rin(LK_RW_PHASEFAIR_PRESENT), memory_order_relaxed));
}

static inline void lk_rw_phasefair_wrlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: it only hands out distinct numbers. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->win, 1, memory_order_relaxed);
  /* Acquire: pairs with the release in wrunlock, be it through the additions of readers behind it. */
  while (LK_UNLIKELY(lk_rw_phasefair_wout(atomic_load_explicit(&lock->in, memory_order_acquire)) != mine)) lk_pause();
  const uint32_t before = lk_rw_phasefair_appear(lock);
  /* Acquire: pairs with the release in rdunlock. */
  while (LK_UNLIKELY(atomic_load_explicit(&lock->rout, memory_order_acquire) != before)) lk_pause();
}

static inline void lk_rw_phasefair_wrunlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the writer at the head changes wout, and that is us. */
  const uint32_t mine = lk_rw_phasefair_wout(atomic_load_explicit(&lock->in, memory_order_relaxed));
  /* Release: pairs with the acquires in all ways to get in. It clears PRESENT and calls the next writer. */
  atomic_fetch_xor_explicit(&lock->in, lk_rw_phasefair_to_rin(LK_RW_PHASEFAIR_PRESENT) | (mine ^ (mine + 1)),
                            memory_order_release);
}

static inline bool lk_rw_phasefair_trywrlock(struct lk_rw_phasefair *lock, struct lk_rw_phasefair_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock. */
  const uint64_t in = atomic_load_explicit(&lock->in, memory_order_acquire);
  /* Relaxed: a guess, so as not to keep readers out for nothing. The check that counts is the last one. */
  if (lk_rw_phasefair_rin(in) != atomic_load_explicit(&lock->rout, memory_order_relaxed)) return false;
  uint32_t wout = lk_rw_phasefair_wout(in);
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
