// SPDX-License-Identifier: MIT
/*
 * rw_percpu: a big-reader lock. A reader writes only a line that is its own, so readers do not disturb each other at
 * all; a writer pays for it and looks at every line.
 *
 * Source: W. C. Hsieh, W. E. Weihl, "Scalable Reader-Writer Locks for Parallel Systems", IPPS 1992; the big-reader
 * lock of Linux 2.4, where readers likewise check for a writer after they have announced themselves.
 *
 *   slot.n_readers  readers inside by this slot, or about to find that a writer is there; changed by them only
 *   slot.n_ctxs     contexts that use the slot; changed as they are made and destroyed
 *   is_writing      a writer is inside, or waits for the readers; changed by the owner of `turn` only
 *   turn            a ticket lock: writers one by one, and readers that found one of them
 *
 * Invariants: a reader announces itself and then looks for a writer, a writer announces itself and then looks for
 * readers: at least one sees the other, and then the reader takes itself back. A reader that holds `turn` meets no
 * writer and need not look. While there are no more contexts than slots, no slot has two.
 * Bounds, not FIFO: writers, and readers that met one, are served in the order of their tickets; a writer then waits
 * for the readers inside, once. Nobody starves; but readers that meet no writer pass those that wait for their ticket.
 * Waits: spins. Context: the slot, from its making to its end. Memory: a line per slot, freed with the lock.
 * Slots: one per context, at most 4 per CPU, since more only lengthen a writer's way: no more threads than CPUs run at
 * a time. Not by domain: threads move, and their contexts do not. With n_threads above that, slots are shared, by
 * read-modify-writes; else a reader leaves by a store.
 */
#ifndef LK_RW_PERCPU_H
#define LK_RW_PERCPU_H

#include <stdlib.h>

#include "lk.h"
#include "ticket.h"

#define lk_rw_percpu_is_rw 1
#define lk_rw_percpu_is_bounded 1

enum { lk_rw_percpu_traits = LK_BOUNDED | LK_SPINS };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_rw_percpu_bypass(const struct lk_config *config) { return (void)config, 0; }

#ifndef LK_RW_PERCPU_SLOTS_PER_CPU
#define LK_RW_PERCPU_SLOTS_PER_CPU 4 /* a checker, which has few threads, makes it 1 */
#endif

struct lk_rw_percpu_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) n_readers;
  LK_ATOMIC(uint32_t) n_ctxs;
};

struct lk_rw_percpu {
  /* A line that is written by writers only: each reader reads it. */
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(bool) is_writing;
  bool is_shared; /* slots may have several contexts */
  uint32_t n_slots;
  struct lk_rw_percpu_slot *slots;
  LK_CANARY_MEMBER
  LK_ALIGNED(LK_LINE_BYTES) struct lk_ticket turn;
};

struct lk_rw_percpu_ctx {
  struct lk_rw_percpu_slot *slot;
  bool is_shared;
  struct lk_ticket_ctx turn;
};

static inline bool lk_rw_percpu_init(struct lk_rw_percpu *lock, const struct lk_config *config) {
  const uint32_t most = LK_RW_PERCPU_SLOTS_PER_CPU * (config->n_cpus > 0 ? config->n_cpus : 1);
  lock->is_shared = config->n_threads > most;
  lock->n_slots = lock->is_shared ? most : config->n_threads;
  lock->slots = (struct lk_rw_percpu_slot *)aligned_alloc(LK_LINE_BYTES, lock->n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  for (uint32_t i = 0; i < lock->n_slots; i++) {
    atomic_init(&lock->slots[i].n_readers, 0);
    atomic_init(&lock->slots[i].n_ctxs, 0);
  }
  atomic_init(&lock->is_writing, false);
  (void)lk_ticket_init(&lock->turn, config); /* it needs no memory */
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rw_percpu_destroy(struct lk_rw_percpu *lock) {
  LK_CANARY_CHECK(lock);
  lk_ticket_destroy(&lock->turn);
  free(lock->slots);
}

/* Finds the slot with the fewest contexts; of those that are not shared, a free one: round and round, since one that
   was passed may have come free when the last one is taken. */
static inline bool lk_rw_percpu_ctx_init(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx,
                                         const struct lk_domain *domain) {
  (void)lk_ticket_ctx_init(&lock->turn, &ctx->turn, domain);
  ctx->is_shared = lock->is_shared;
  for (uint32_t fewest = 0;; fewest += lock->is_shared) {
    for (uint32_t i = 0; i < lock->n_slots; i++) {
      ctx->slot = &lock->slots[i];
      /* Relaxed: a guess, which the compare-exchange checks. */
      uint32_t n_ctxs = atomic_load_explicit(&ctx->slot->n_ctxs, memory_order_relaxed);
      /* Acquire: pairs with the release in ctx_destroy: the slot's last user has left it as it should be. */
      if (n_ctxs <= fewest && atomic_compare_exchange_strong_explicit(&ctx->slot->n_ctxs, &n_ctxs, n_ctxs + 1,
                                                                      memory_order_acquire, memory_order_relaxed))
        return true;
    }
  }
}

static inline void lk_rw_percpu_ctx_destroy(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  lk_ticket_ctx_destroy(&lock->turn, &ctx->turn);
  /* Release: pairs with the acquire in ctx_init. */
  atomic_fetch_sub_explicit(&ctx->slot->n_ctxs, 1, memory_order_release);
}

static inline void lk_rw_percpu_rdunlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  (void)lock;
  /* Release, both: pairs with the writer's loads of n_readers. A store where the slot is ours alone. */
  if (LK_UNLIKELY(ctx->is_shared))
    atomic_fetch_sub_explicit(&ctx->slot->n_readers, 1, memory_order_release);
  else
    atomic_store_explicit(&ctx->slot->n_readers, 0, memory_order_release);
}

static inline bool lk_rw_percpu_tryrdlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Sequentially consistent, all: a store, then a load of another word, here as in the writer's enter, which lesser
     orders let pass each other: neither would see the other. An exchange, as gcc makes a store and a slow fence of
     the store, at twice the cost. */
  if (LK_UNLIKELY(ctx->is_shared))
    atomic_fetch_add_explicit(&ctx->slot->n_readers, 1, memory_order_seq_cst);
  else
    (void)atomic_exchange_explicit(&ctx->slot->n_readers, 1, memory_order_seq_cst);
  /* It also acquires: pairs with the release store in wrunlock. */
  if (LK_LIKELY(!atomic_load_explicit(&lock->is_writing, memory_order_seq_cst))) return true;
  lk_rw_percpu_rdunlock(lock, ctx);
  return false;
}

static inline void lk_rw_percpu_rdlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  if (LK_LIKELY(lk_rw_percpu_tryrdlock(lock, ctx))) return;
  lk_ticket_lock(&lock->turn, &ctx->turn);
  /* Relaxed: the next writer looks after it has got `turn`, and so after we have released it. */
  atomic_fetch_add_explicit(&ctx->slot->n_readers, 1, memory_order_relaxed);
  lk_ticket_unlock(&lock->turn, &ctx->turn);
}

/* By the owner of `turn`: keeps readers out, and if `waits`, waits for those inside. True: none is inside. */
static inline bool lk_rw_percpu_enter(struct lk_rw_percpu *lock, bool waits) {
  /* Sequentially consistent, with the loads below: see tryrdlock. */
  atomic_store_explicit(&lock->is_writing, true, memory_order_seq_cst);
  for (uint32_t i = 0; i < lock->n_slots; i++) {
    /* It also acquires: pairs with the releases in rdunlock. */
    while (atomic_load_explicit(&lock->slots[i].n_readers, memory_order_seq_cst) != 0) {
      if (!waits) return false;
      lk_pause();
    }
  }
  return true;
}

static inline void lk_rw_percpu_wrlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  lk_ticket_lock(&lock->turn, &ctx->turn);
  (void)lk_rw_percpu_enter(lock, true);
}

static inline void lk_rw_percpu_wrunlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  /* Release: pairs with the load in tryrdlock. */
  atomic_store_explicit(&lock->is_writing, false, memory_order_release);
  lk_ticket_unlock(&lock->turn, &ctx->turn);
}

static inline bool lk_rw_percpu_trywrlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  if (!lk_ticket_trylock(&lock->turn, &ctx->turn)) return false;
  if (lk_rw_percpu_enter(lock, false)) return true;
  lk_rw_percpu_wrunlock(lock, ctx);
  return false;
}

#endif
