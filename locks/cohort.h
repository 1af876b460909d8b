// SPDX-License-Identifier: MIT
/*
 * cohort: C-TKT-MCS. A queue per domain of the machine and one ticket lock between the domains: an owner passes both
 * to the next of its own domain, so lock and data move between domains once in many sections instead of in each.
 *
 * Source: D. Dice, V. J. Marathe, N. Shavit, "Lock Cohorting: A General Technique for Designing NUMA Locks",
 * PPoPP 2012, section 3.4 (a ticket lock above MCS locks).
 *
 *   lock.global          whose domain may enter; taken by one thread and given back by another of the same domain
 *   domain.local         which thread of the domain may enter
 *   domain.has_global    the domain kept the global lock; written and read by the local lock's owner only
 *   domain.n_passes      sections since the domain took the global lock; likewise
 *
 * Invariants: the owner holds its domain's local lock while the domain holds the global one. has_global is
 * left true only for a successor that has linked itself, so a free local lock never keeps the global one. A trylock
 * takes and holds the global lock alone: it never waits, since there is no queue that it would have to give back.
 * FIFO: inside a domain and between domains, but not over all. Bounded bypass: a thread behind k of its domain is
 * overtaken at most (k + 1) x (domains - 1) x (PASSES + 1) times. Waiters spin, each domain's first on the ticket.
 * Context: the MCS node and the thread's domain, found by ctx_init; as for mcs, it stays in place from lock to unlock.
 * The domains are NUMA nodes, or smaller ones on a machine with one node: see lk_level_of_domains.
 * End: unlock gives the global lock back before the local one, so another domain may be inside while we still use the
 * lock. As Linux says of its mutex: it must stay alive until unlock has returned, and unlocking it cannot release an
 * object such that another thread can free it.
 * Deviation: a trylock, which the paper has for other pairs of locks only. PASSES is the paper's.
 */
#ifndef LK_COHORT_H
#define LK_COHORT_H

#include "lk.h"
#include "mcs.h"
#include "ticket.h"

enum { lk_cohort_traits = LK_BOUNDED | LK_SPINS };

#ifndef LK_COHORT_PASSES
#define LK_COHORT_PASSES 64 /* a checker, whose threads come once or twice, makes it 1 or 2 */
#endif

#define lk_cohort_is_bounded 1
static inline uint64_t lk_cohort_bypass(const struct lk_config *config) {
  const uint64_t n_domains = config->n_domains[lk_level_of_domains(config)];
  return config->n_threads * (n_domains - 1) * (LK_COHORT_PASSES + 1);
}

#define lk_cohort_has_domains 1
static inline uint64_t lk_cohort_domain_run(const struct lk_config *config) {
  (void)config;
  return LK_COHORT_PASSES + 1;
}

struct lk_cohort_domain {
  LK_ALIGNED(LK_LINE_BYTES) struct lk_mcs local;
  LK_ALIGNED(LK_LINE_BYTES) bool has_global; /* not where arrivals swing the tail */
  unsigned n_passes;
};

struct lk_cohort {
  LK_ALIGNED(LK_LINE_BYTES) struct lk_ticket global;
  struct lk_cohort_domain *domains; /* this and below: set by init, constant afterwards */
  unsigned n_domains;
  enum lk_level level;
  LK_CANARY_MEMBER
};

struct lk_cohort_ctx {
  struct lk_mcs_ctx local;
  struct lk_ticket_ctx global;
  struct lk_cohort_domain *domain;
  bool has_global_only; /* got in by trylock; from there to unlock */
};

#define lk_cohort_has_heap 1
static inline size_t lk_cohort_heap_bytes(const struct lk_config *config) {
  return config->n_domains[lk_level_of_domains(config)] * sizeof(struct lk_cohort_domain);
}

static inline bool lk_cohort_init(struct lk_cohort *lock, const struct lk_config *config) {
  lock->level = lk_level_of_domains(config);
  lock->n_domains = config->n_domains[lock->level];
  lock->domains = (struct lk_cohort_domain *)LK_ALLOC(lock->n_domains * sizeof *lock->domains);
  if (lock->domains == NULL) return false;
  for (unsigned i = 0; i < lock->n_domains; i++) {
    (void)lk_mcs_init(&lock->domains[i].local, config); /* it needs no memory, nor does the ticket */
    lock->domains[i].has_global = false;
    lock->domains[i].n_passes = 0;
  }
  (void)lk_ticket_init(&lock->global, config);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_cohort_destroy(struct lk_cohort *lock) {
  LK_CANARY_CHECK(lock);
  for (unsigned i = 0; i < lock->n_domains; i++) lk_mcs_destroy(&lock->domains[i].local);
  lk_ticket_destroy(&lock->global);
  LK_FREE(lock->domains);
}

static inline bool lk_cohort_ctx_init(struct lk_cohort *lock, struct lk_cohort_ctx *ctx,
                                      const struct lk_domain *domain) {
  const unsigned id = lk_domain_id(domain, lock->level);
  if (id >= lock->n_domains) return false;
  ctx->domain = &lock->domains[id];
  ctx->has_global_only = false;
  return lk_mcs_ctx_init(&ctx->domain->local, &ctx->local, domain) &&
         lk_ticket_ctx_init(&lock->global, &ctx->global, domain);
}

static inline void lk_cohort_ctx_destroy(struct lk_cohort *lock, struct lk_cohort_ctx *ctx) {
  lk_mcs_ctx_destroy(&ctx->domain->local, &ctx->local);
  lk_ticket_ctx_destroy(&lock->global, &ctx->global);
}

static inline void lk_cohort_lock(struct lk_cohort *lock, struct lk_cohort_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_cohort_domain *const domain = ctx->domain;
  lk_mcs_lock(&domain->local, &ctx->local);
  if (domain->has_global) return; /* passed on with the local lock, whose order is then enough */
  lk_ticket_lock(&lock->global, &ctx->global);
}

static inline bool lk_cohort_trylock(struct lk_cohort *lock, struct lk_cohort_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  return ctx->has_global_only = lk_ticket_trylock(&lock->global, &ctx->global);
}

static inline void lk_cohort_unlock(struct lk_cohort *lock, struct lk_cohort_ctx *ctx) {
  if (LK_UNLIKELY(ctx->has_global_only)) {
    ctx->has_global_only = false;
    lk_ticket_unlock(&lock->global, &ctx->global);
    return;
  }
  struct lk_cohort_domain *const domain = ctx->domain;
  /* Relaxed: it only shows that there is a successor, which the unlock of the local lock then meets in order. One
     that has not linked itself yet is taken for none: it will get the global lock by itself. */
  const bool is_alone = atomic_load_explicit(&ctx->local.next, memory_order_relaxed) == NULL;
  if (!is_alone && domain->n_passes < LK_COHORT_PASSES) {
    domain->n_passes++;
    domain->has_global = true;
  } else {
    domain->n_passes = 0;
    domain->has_global = false;
    lk_ticket_unlock(&lock->global, &ctx->global);
  }
  lk_mcs_unlock(&domain->local, &ctx->local);
}

#endif
