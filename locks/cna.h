// SPDX-License-Identifier: MIT
/*
 * cna: a compact NUMA-aware lock: MCS, still with one word that changes, whose owner hands over to the next waiter of
 * its own NUMA node and sets those in between aside in a second queue. The second queue has no word of its own: each
 * owner passes its head on to the next with the lock.
 *
 * Source: D. Dice, A. Kogan, "Compact NUMA-aware Locks", EuroSys 2019.
 *
 *   lock.tail       the last node of the main queue, NULL when free; swung by every arrival, cleared by the last owner
 *   ctx.next        the node behind this one in its queue; written by the successor when it arrives, later by owners
 *   ctx.grant       WAITS: set by the node's owner; ALONE: the lock is passed and there is no second queue; else it
 *                   is passed with the address of the second queue's head. Both set by the predecessor
 *   ctx.last        of the second queue's head: its last node; written and read by owners only
 *   lock.level, ctx.domain   by which domains it goes, and which the thread is in; constant
 *   ctx.n_passes    hand-offs in a row inside the domain while others were set aside; written by the predecessor
 *   ctx.max_passes  after how many of them the others get their turn; constant, a copy of what unlock needs
 *
 * Invariants: a waiter is in exactly one of the queues; both belong to the owner except for the tail's `next`.
 * FIFO: among those of a domain, not over all. Bounded bypass: the second queue goes to the front, its head first, when
 * no waiter of the domain is left or after max_passes hand-offs: so a thread is overtaken at most n_threads times as
 * often. Waiters spin on their own node. Context: the node; in place from lock to the return of unlock.
 * Deviations: the paper ends a run at random, after 2^16 hand-offs on average, which bounds nothing; we count, in the
 * contexts, to 16 for each thread. A turn of the domains is then 16 sections of each thread, and what it costs, the way
 * of the data and a walk along those set aside, is shared by as many. The domain of a thread is told by ctx_init rather
 * than looked up at each lock; it is not always a NUMA node, see lk_level_of_domains. A trylock.
 */
#ifndef LK_CNA_H
#define LK_CNA_H

#include "lk.h"

#define lk_cna_is_bounded 1

enum { lk_cna_traits = LK_BOUNDED | LK_SPINS | LK_FREED_BY_LAST };

enum { LK_CNA_WAITS, LK_CNA_ALONE }; /* grants that are no addresses */

enum { LK_CNA_PASSES_PER_THREAD = 16 };

#ifndef LK_CNA_MOST_PASSES
#define LK_CNA_MOST_PASSES UINT32_MAX /* a checker, whose threads come once or twice, makes it 1 or 2 */
#endif

/* Hand-offs in a row inside a domain while others are set aside. */
static inline unsigned lk_cna_passes(const struct lk_config *config) {
  const uint64_t n = (uint64_t)LK_CNA_PASSES_PER_THREAD * config->n_threads;
  return n < LK_CNA_MOST_PASSES ? (unsigned)n : LK_CNA_MOST_PASSES;
}

#define lk_cna_has_domains 1
static inline uint64_t lk_cna_domain_run(const struct lk_config *config) { return (uint64_t)lk_cna_passes(config) + 1; }

static inline uint64_t lk_cna_bypass(const struct lk_config *config) {
  return (uint64_t)config->n_threads * lk_cna_passes(config);
}

struct lk_cna_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_cna_ctx *) next;
  LK_ATOMIC(uintptr_t) grant;
  struct lk_cna_ctx *last;
  unsigned n_passes, max_passes;
  unsigned domain;
};

struct lk_cna {
  LK_ATOMIC(struct lk_cna_ctx *) tail;
  enum lk_level level; /* this and below: constant, read when a context is made */
  unsigned max_passes;
  LK_CANARY_MEMBER
};

static inline bool lk_cna_init(struct lk_cna *lock, const struct lk_config *config) {
  lock->level = lk_level_of_domains(config);
  lock->max_passes = lk_cna_passes(config);
  atomic_init(&lock->tail, NULL);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_cna_destroy(struct lk_cna *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_cna_ctx_init(struct lk_cna *lock, struct lk_cna_ctx *ctx, const struct lk_domain *domain) {
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->grant, LK_CNA_WAITS);
  ctx->last = NULL;
  ctx->n_passes = 0;
  ctx->max_passes = lock->max_passes;
  ctx->domain = lk_domain_id(domain, lock->level);
  return true;
}

static inline void lk_cna_ctx_destroy(struct lk_cna *lock, struct lk_cna_ctx *ctx) { (void)lock, (void)ctx; }

static inline void lk_cna_own_free(struct lk_cna_ctx *ctx) {
  ctx->n_passes = 0;
  /* Relaxed: only we read it, in unlock. */
  atomic_store_explicit(&ctx->grant, LK_CNA_ALONE, memory_order_relaxed);
}

static inline void lk_cna_lock(struct lk_cna *lock, struct lk_cna_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed, both: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  atomic_store_explicit(&ctx->grant, LK_CNA_WAITS, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
     Acquire: pairs with the releases in unlock when they free the lock or set the tail, and with the release of the
     predecessor's own exchange (whose node we are about to write to). */
  struct lk_cna_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (LK_LIKELY(previous == NULL)) {
    lk_cna_own_free(ctx);
    return;
  }
  /* Release: pairs with the acquire loads of `next` in unlock: they see our domain and our WAITS. */
  atomic_store_explicit(&previous->next, ctx, memory_order_release);
  /* Acquire: pairs with the release store in pass: the last owner's section and its queues are seen. */
  while (atomic_load_explicit(&ctx->grant, memory_order_acquire) == LK_CNA_WAITS) lk_pause();
}

static inline bool lk_cna_trylock(struct lk_cna *lock, struct lk_cna_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed); /* as in lock */
  struct lk_cna_ctx *free = NULL;
  /* As the exchange in lock, but the acquire has only the freeing unlock to pair with. Relaxed on failure: nothing
     was acquired. */
  if (!atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed))
    return false;
  lk_cna_own_free(ctx);
  return true;
}

static inline void lk_cna_pass(struct lk_cna_ctx *next, uintptr_t grant, unsigned n_passes) {
  next->n_passes = n_passes;
  /* Release: pairs with the acquire load in lock. */
  atomic_store_explicit(&next->grant, grant, memory_order_release);
}

/*
 * The first waiter of the owner's domain, or NULL. Those before it move to the end of the second queue, whose head goes
 * to *aside (a grant); the main queue then begins with the one that is returned.
 */
static inline struct lk_cna_ctx *lk_cna_find_near(const struct lk_cna_ctx *ctx, struct lk_cna_ctx *first,
                                                  uintptr_t *aside) {
  if (first->domain == ctx->domain) return first;
  struct lk_cna_ctx *last = first;
  for (;;) {
    /* Acquire: pairs with the release store of the link in lock. */
    struct lk_cna_ctx *const near = atomic_load_explicit(&last->next, memory_order_acquire);
    if (near == NULL) return NULL;
    if (near->domain == ctx->domain) {
      /* Relaxed, both: of nodes that have a successor, only owners write `next`. */
      atomic_store_explicit(&last->next, NULL, memory_order_relaxed);
      if (*aside == LK_CNA_ALONE)
        *aside = (uintptr_t)first;
      else
        atomic_store_explicit(&((struct lk_cna_ctx *)*aside)->last->next, first, memory_order_relaxed);
      ((struct lk_cna_ctx *)*aside)->last = last;
      return near;
    }
    last = near;
  }
}

static inline void lk_cna_unlock(struct lk_cna *lock, struct lk_cna_ctx *ctx) {
  /* Relaxed: the acquire in lock has read it, or we have written it. */
  uintptr_t aside = atomic_load_explicit(&ctx->grant, memory_order_relaxed);
  struct lk_cna_ctx *const set_aside = aside == LK_CNA_ALONE ? NULL : (struct lk_cna_ctx *)aside;
  /* Acquire: pairs with the release store of the link in lock. */
  struct lk_cna_ctx *next = atomic_load_explicit(&ctx->next, memory_order_acquire);
  if (next == NULL) {
    struct lk_cna_ctx *last = ctx;
    /* The second queue, if any, becomes the main one. Release: pairs with the acquire of the next arrival's exchange.
       Relaxed on failure: the queue has grown, and what we need to know of it comes with the link. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->tail, &last,
                                                          set_aside == NULL ? NULL : set_aside->last,
                                                          memory_order_release, memory_order_relaxed))) {
      if (LK_UNLIKELY(set_aside != NULL)) lk_cna_pass(set_aside, LK_CNA_ALONE, 0);
      return;
    }
    /* A successor has swung the tail and is about to link itself: a few instructions, unless preempted. */
    while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause(); /* as above */
  }
  struct lk_cna_ctx *const near = ctx->n_passes < ctx->max_passes ? lk_cna_find_near(ctx, next, &aside) : NULL;
  if (near != NULL) {
    lk_cna_pass(near, aside, aside == LK_CNA_ALONE ? 0 : ctx->n_passes + 1);
  } else if (set_aside != NULL) {
    /* Relaxed: as in find_near. */
    atomic_store_explicit(&set_aside->last->next, next, memory_order_relaxed);
    lk_cna_pass(set_aside, LK_CNA_ALONE, 0);
  } else {
    lk_cna_pass(next, LK_CNA_ALONE, 0);
  }
}

#endif
