// SPDX-License-Identifier: MIT
/*
 * seqlock: readers write nothing and exclude nothing; they read, then ask whether a writer was there meanwhile, and if
 * so read again. An upper bound for readers, for state that can be copied.
 *
 * Source: C. Lameter, "Effective Synchronization on Linux/NUMA Systems", 2005; the orders: H.-J. Boehm, "Can Seqlocks
 * Get Along with Programming Language Memory Models?", MSPC 2012.
 *
 *   sequence   even: none writes; odd: a writer is inside. Made odd by the writer that gets in, even by its leaving
 *
 * Use: what readers read must be accessed with relaxed atomics, by writers too: reads race with writes, which C allows
 * on atomics only. It must be copyable: a reader may see half a write and must not follow pointers, index or act on
 * what it read before rdvalidate has said true. There is no rdunlock: `do rdlock, read; while (!rdvalidate)`.
 * Invariants: sequence only grows; between two equal even values of it nothing was written.
 * Preference: writers never wait for readers. Starvation: a reader retries as long as writers come in time, without a
 * bound; writers, too, are not served in order. FIFO: no.
 * Waits: spins, readers as writers, until the sequence is even. Context: the sequence that the reader began with.
 * End: a reader keeps nothing alive, neither the data nor the lock, which rdvalidate reads: both may go only when no
 * reader can come or is between rdlock and rdvalidate. A writer's unlock is one store, its last access.
 * Deviation: the sequence is also the writers' lock, a test-and-test-and-set, where the source has a spin lock beside
 * it: a writer needs one atomic read-modify-write. 64 bits, so that no reader sleeps until the sequence comes round.
 */
#ifndef LK_SEQLOCK_H
#define LK_SEQLOCK_H

#include "lk.h"

#define lk_seqlock_is_rw 1
#define lk_seqlock_retries 1 /* rdvalidate in place of rdunlock */

enum { lk_seqlock_traits = LK_SPINS | LK_PROCESSES };

struct lk_seqlock {
  LK_ATOMIC(uint64_t) sequence;
  LK_CANARY_MEMBER
};

#define LK_SEQLOCK_INIT                                                                                                \
  { 0, LK_CANARY_INIT }

struct lk_seqlock_ctx {
  uint64_t begun_at;
};

static inline bool lk_seqlock_init(struct lk_seqlock *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->sequence, UINT64_C(0) - 2 * (LK_WRAPS_AFTER));
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_seqlock_destroy(struct lk_seqlock *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_seqlock_ctx_init(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx,
                                       const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->begun_at = 0;
  return true;
}

static inline void lk_seqlock_ctx_destroy(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_seqlock_tryrdlock(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in wrunlock: nothing older than that writer's section is read. */
  ctx->begun_at = atomic_load_explicit(&lock->sequence, memory_order_acquire);
  return (ctx->begun_at & 1) == 0;
}

static inline void lk_seqlock_rdlock(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  while (LK_UNLIKELY(!lk_seqlock_tryrdlock(lock, ctx))) lk_pause();
}

LK_FENCES_BEGIN /* what they order is atomic, so the thread sanitizer needs not know of them */

/* True: what was read since rdlock was there all at once. Else the caller begins again with rdlock. */
static inline bool lk_seqlock_rdvalidate(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  /* A fence, since the accesses that it orders are the caller's: pairs with the fence in begin_write. If we have read
     anything that a writer wrote, the load below finds its odd number, or a later one. Relaxed: the fence orders. */
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&lock->sequence, memory_order_relaxed) == ctx->begun_at;
}

static inline void lk_seqlock_begin_write(void) {
  /* As above, and pairs with that: the caller's writes come after the odd number, which the acquire of its
     compare-exchange does not say. */
  atomic_thread_fence(memory_order_release);
}

LK_FENCES_END

static inline bool lk_seqlock_trywrlock(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint64_t even = atomic_load_explicit(&lock->sequence, memory_order_relaxed);
  /* Acquire: pairs with the release store in wrunlock: the last writer's section is seen. Relaxed on failure. */
  if ((even & 1) != 0 || !atomic_compare_exchange_strong_explicit(&lock->sequence, &even, even + 1,
                                                                  memory_order_acquire, memory_order_relaxed))
    return false;
  lk_seqlock_begin_write();
  return true;
}

static inline void lk_seqlock_wrlock(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  while (LK_UNLIKELY(!lk_seqlock_trywrlock(lock, ctx))) lk_pause();
}

static inline void lk_seqlock_wrunlock(struct lk_seqlock *lock, struct lk_seqlock_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only the writer inside changes it, and that is us. */
  const uint64_t odd = atomic_load_explicit(&lock->sequence, memory_order_relaxed);
  /* Release: pairs with the acquires in tryrdlock and trywrlock. */
  atomic_store_explicit(&lock->sequence, odd + 1, memory_order_release);
}

#endif
