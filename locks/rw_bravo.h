// SPDX-License-Identifier: MIT
/*
 * rw_bravo: any readers/writer lock, biased towards readers. While the bias is on, a reader only marks a slot in a
 * table and does not touch the lock below; a writer takes the lock below, turns the bias off and waits for the slots.
 *
 * Source: D. Dice, A. Kogan, "BRAVO: Biased Locking for Reader-Writer Locks", USENIX ATC 2019. Below: rw_phasefair.
 *
 *   is_biased         readers may use the table; set by readers that hold the lock below, cleared by writers
 *   inhibit_until_ns  no bias before this time; read by readers and written by writers that hold the lock below
 *   slot.is_taken     set by a reader that found it clear, then cleared by it
 *
 * Invariants: a reader marks its slot and then looks at the bias, a writer clears the bias and then looks at the
 * slots: at least one sees the other, and then the reader takes the mark back. The bias cannot come on under a writer,
 * because the thread that sets it holds the lock below.
 * Bounds, not FIFO: those of rw_phasefair, and the writer that turns the bias off waits for the readers in the table,
 * whom none can join. No thread starves. Policy: after that the bias stays off for 9 times as long as the writer has
 * waited, so that writers lose at most a tenth of their time by it.
 * Waits: spins. Context: the slot, and by which way the reader is in. Memory: a line per slot, freed with the lock.
 * End: a reader leaves by one store, to its slot, or as the lock below has it, and so do writers.
 * Deviation: the table belongs to the lock, where the paper has one of 4096 words for a whole program: a slot then
 * need not name its lock, writers look at less, and locks do not collide. Two slots per context, at most 8 per CPU; a
 * context that finds its slot taken goes below and moves on to the next slot. Only each 16th reader below looks at the
 * clock, which costs more than the lock does.
 */
#ifndef LK_RW_BRAVO_H
#define LK_RW_BRAVO_H

#include "lk.h"
#include "lk_clock.h"
#include "rw_phasefair.h"

#define lk_rw_bravo_is_rw 1
#define lk_rw_bravo_is_bounded 1

enum { lk_rw_bravo_traits = LK_BOUNDED | LK_SPINS | LK_FREED_BY_LAST };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_rw_bravo_bypass(const struct lk_config *config) { return (void)config, 0; }

enum {
  LK_RW_BRAVO_SLOTS_PER_THREAD = 2,
  LK_RW_BRAVO_SLOTS_PER_CPU = 8,
  LK_RW_BRAVO_INHIBIT_FACTOR = 9, /* the paper's N */
};

#ifndef LK_RW_BRAVO_CLOCK_INTERVAL
#define LK_RW_BRAVO_CLOCK_INTERVAL 16 /* a checker, whose readers come once or twice, makes it 1 */
#endif

struct lk_rw_bravo_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(bool) is_taken;
};

struct lk_rw_bravo {
  /* A line that is not written while the bias is on: each reader reads it. */
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(bool) is_biased;
  uint32_t n_slots; /* a power of two */
  struct lk_rw_bravo_slot *slots;
  uint64_t inhibit_until_ns;
  LK_CANARY_MEMBER
  LK_ALIGNED(LK_LINE_BYTES) struct lk_rw_phasefair below;
};

struct lk_rw_bravo_ctx {
  struct lk_rw_bravo_slot *slot;
  bool has_slot; /* of a reader that is inside: else it has the lock below */
  uint32_t n_below;
  struct lk_rw_phasefair_ctx below;
};

static inline uint32_t lk_rw_bravo_n_slots(const struct lk_config *config) {
  const uint32_t by_threads = LK_RW_BRAVO_SLOTS_PER_THREAD * config->n_threads;
  const uint32_t by_cpus = LK_RW_BRAVO_SLOTS_PER_CPU * config->n_cpus;
  uint32_t n_slots = 1;
  while (n_slots < by_threads && n_slots < by_cpus) n_slots *= 2;
  return n_slots;
}

#define lk_rw_bravo_has_heap 1
static inline size_t lk_rw_bravo_heap_bytes(const struct lk_config *config) {
  return lk_rw_bravo_n_slots(config) * sizeof(struct lk_rw_bravo_slot);
}

static inline bool lk_rw_bravo_init(struct lk_rw_bravo *lock, const struct lk_config *config) {
  lock->n_slots = lk_rw_bravo_n_slots(config);
  lock->slots = (struct lk_rw_bravo_slot *)LK_ALLOC(lock->n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  for (uint32_t i = 0; i < lock->n_slots; i++) atomic_init(&lock->slots[i].is_taken, false);
  atomic_init(&lock->is_biased, false);
  lock->inhibit_until_ns = 0;
  (void)lk_rw_phasefair_init(&lock->below, config); /* it needs no memory */
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rw_bravo_destroy(struct lk_rw_bravo *lock) {
  LK_CANARY_CHECK(lock);
  lk_rw_phasefair_destroy(&lock->below);
  LK_FREE(lock->slots);
}

static inline bool lk_rw_bravo_ctx_init(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx,
                                        const struct lk_domain *domain) {
  /* The address by Fibonacci hashing: 2^64 over the golden ratio, of which the upper bits are well mixed. */
  const uint64_t hash = (uint64_t)(uintptr_t)ctx * UINT64_C(0x9e3779b97f4a7c15) >> 32;
  ctx->slot = &lock->slots[hash & (lock->n_slots - 1)];
  ctx->has_slot = false;
  ctx->n_below = 0;
  return lk_rw_phasefair_ctx_init(&lock->below, &ctx->below, domain);
}

static inline void lk_rw_bravo_ctx_destroy(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  lk_rw_phasefair_ctx_destroy(&lock->below, &ctx->below);
}

/* By the table, if the bias is on and our slot is free. */
static inline bool lk_rw_bravo_mark(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess; the load below decides. */
  if (!atomic_load_explicit(&lock->is_biased, memory_order_relaxed)) return false;
  /* Sequentially consistent, both: a store, then a load of another word, here as in the writer's revoke, which lesser
     orders let pass each other: neither would see the other. An exchange suffices, since a slot that was taken stays
     so. The load also acquires: pairs with the release stores of the bias, whose writers have seen the last writer. */
  if (LK_LIKELY(!atomic_exchange_explicit(&ctx->slot->is_taken, true, memory_order_seq_cst))) {
    ctx->has_slot = true;
    if (LK_LIKELY(atomic_load_explicit(&lock->is_biased, memory_order_seq_cst))) return true;
    /* Release: pairs with the loads in revoke, as in rdunlock. order-kept release: C11 lets the exchange above, and so
       our last section, reach the thread that reads this store (a release sequence); C++20 does not. */
    atomic_store_explicit(&ctx->slot->is_taken, false, memory_order_release);
  } else {
    ctx->slot = &lock->slots[(uint32_t)(ctx->slot - lock->slots + 1) & (lock->n_slots - 1)];
  }
  return false;
}

/* By a reader that holds the lock below. */
static inline void lk_rw_bravo_turn_on(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  ctx->has_slot = false;
  /* Relaxed: only readers change it now, and all to the same. */
  if (++ctx->n_below % LK_RW_BRAVO_CLOCK_INTERVAL == 0 &&
      !atomic_load_explicit(&lock->is_biased, memory_order_relaxed) && lk_clock_ns() >= lock->inhibit_until_ns)
    /* Release: pairs with the load in mark: what writers did before us reaches readers that come by the table. */
    atomic_store_explicit(&lock->is_biased, true, memory_order_release);
}

static inline void lk_rw_bravo_rdlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  if (LK_LIKELY(lk_rw_bravo_mark(lock, ctx))) return;
  lk_rw_phasefair_rdlock(&lock->below, &ctx->below);
  lk_rw_bravo_turn_on(lock, ctx);
}

static inline bool lk_rw_bravo_tryrdlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  if (LK_LIKELY(lk_rw_bravo_mark(lock, ctx))) return true;
  if (!lk_rw_phasefair_tryrdlock(&lock->below, &ctx->below)) return false;
  lk_rw_bravo_turn_on(lock, ctx);
  return true;
}

static inline void lk_rw_bravo_rdunlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  if (LK_LIKELY(ctx->has_slot)) /* Release: pairs with the loads in revoke. */
    atomic_store_explicit(&ctx->slot->is_taken, false, memory_order_release);
  else
    lk_rw_phasefair_rdunlock(&lock->below, &ctx->below);
}

/* By a writer that holds the lock below; returns whether it still does. Then no thread is inside by the table. */
LK_COLD static bool lk_rw_bravo_revoke(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx, bool waits) {
  /* Sequentially consistent, with the loads below: see mark. */
  atomic_store_explicit(&lock->is_biased, false, memory_order_seq_cst);
  const uint64_t start_ns = lk_clock_ns();
  for (uint32_t i = 0; i < lock->n_slots; i++) {
    /* It also acquires: pairs with the releases in rdunlock. */
    while (atomic_load_explicit(&lock->slots[i].is_taken, memory_order_seq_cst)) {
      if (!waits) {
        /* Release: as in turn_on. */
        atomic_store_explicit(&lock->is_biased, true, memory_order_release);
        lk_rw_phasefair_wrunlock(&lock->below, &ctx->below);
        return false;
      }
      lk_pause();
    }
  }
  const uint64_t end_ns = lk_clock_ns();
  lock->inhibit_until_ns = end_ns + LK_RW_BRAVO_INHIBIT_FACTOR * (end_ns - start_ns);
  return true;
}

static inline void lk_rw_bravo_wrlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  lk_rw_phasefair_wrlock(&lock->below, &ctx->below);
  /* Relaxed: only holders of the lock below change it, and the last of them was before us. */
  if (LK_UNLIKELY(atomic_load_explicit(&lock->is_biased, memory_order_relaxed)))
    (void)lk_rw_bravo_revoke(lock, ctx, true);
}

static inline void lk_rw_bravo_wrunlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  lk_rw_phasefair_wrunlock(&lock->below, &ctx->below);
}

static inline bool lk_rw_bravo_trywrlock(struct lk_rw_bravo *lock, struct lk_rw_bravo_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  if (!lk_rw_phasefair_trywrlock(&lock->below, &ctx->below)) return false;
  /* Relaxed: as in wrlock. */
  return LK_LIKELY(!atomic_load_explicit(&lock->is_biased, memory_order_relaxed)) ||
         lk_rw_bravo_revoke(lock, ctx, false);
}

#endif
