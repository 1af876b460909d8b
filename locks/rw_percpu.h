// SPDX-License-Identifier: MIT
/*
 * rw_percpu: a big-reader lock. A reader writes only a line that is its own, so readers do not disturb each other at
 * all; a writer pays for it and looks at every line.
 *
 * Source: W. C. Hsieh, W. E. Weihl, "Scalable Reader-Writer Locks for Parallel Systems", IPPS 1992; the big-reader
 * lock of Linux 2.4, where readers likewise check for a writer after they have announced themselves.
 *
 *   slot.n_readers  readers inside by this slot, or about to find that a writer is there; changed by them only
 *   slot.n_users    the lock and the contexts that use the slot; changed as they are made and destroyed
 *   slots[0].n_live slots that have users; the thread that leaves the last of them frees them all
 *   next, turn      a ticket lock: writers one by one, and readers that found one of them. `next` is the ticket of the
 *                   next arrival, `turn` that of its owner, which alone changes it
 *   turn, WRITING   a writer is inside, or waits for the readers
 *
 * Invariants: a reader announces itself and then looks for a writer, a writer announces itself and then looks for
 * readers: at least one sees the other, and then the reader takes itself back. A reader that holds `turn` meets no
 * writer and need not look. While there are no more contexts than slots, no slot has two.
 * Bounds, not FIFO: writers, and readers that met one, are served in the order of their tickets; a writer then waits
 * for the readers inside, once. None starves; but readers that meet no writer pass those that wait for their ticket.
 * Waits: spins. Context: the slot, from its making to its end. Memory: a line per slot.
 * End: a writer leaves by one step, for readers and the next ticket alike; a reader's last is in its slot. The slots
 * outlive the lock until the last context is gone, whose end so needs no lock.
 * Slots: one per context, at most 4 per CPU, since more only lengthen a writer's way: no more threads than CPUs run at
 * a time. Not by domain: threads move, and their contexts do not. With n_threads above that, slots are shared, by
 * read-modify-writes; else a reader leaves by a store.
 */
#ifndef LK_RW_PERCPU_H
#define LK_RW_PERCPU_H

#include "lk.h"

#define lk_rw_percpu_is_rw 1
#define lk_rw_percpu_is_bounded 1

enum { lk_rw_percpu_traits = LK_BOUNDED | LK_SPINS | LK_FREED_BY_LAST };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_rw_percpu_bypass(const struct lk_config *config) { return (void)config, 0; }

#ifndef LK_RW_PERCPU_SLOTS_PER_CPU
#define LK_RW_PERCPU_SLOTS_PER_CPU 4 /* a checker, which has few threads, makes it 1 */
#endif

enum { LK_RW_PERCPU_ROUNDS = 10000 };

enum lk_rw_percpu_turn {
  LK_RW_PERCPU_WRITING = 1,
  LK_RW_PERCPU_TICKET = 2, /* one of them */
};

struct lk_rw_percpu_slot {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) n_readers;
  LK_ATOMIC(uint32_t) n_users;
  LK_ATOMIC(uint32_t) n_live; /* of the first slot only */
};

struct lk_rw_percpu {
  /* A line that is written by writers, and by readers that met one: each reader reads it. */
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) turn;
  bool is_shared; /* slots may have several contexts */
  uint32_t n_slots;
  struct lk_rw_percpu_slot *slots;
  LK_CANARY_MEMBER
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) next;
};

struct lk_rw_percpu_ctx {
  struct lk_rw_percpu_slot *slot, *slots;
  bool is_shared;
};

static inline uint32_t lk_rw_percpu_n_slots(const struct lk_config *config) {
  const uint32_t most = LK_RW_PERCPU_SLOTS_PER_CPU * (config->n_cpus > 0 ? config->n_cpus : 1);
  return config->n_threads > most ? most : config->n_threads;
}

#define lk_rw_percpu_has_heap 1
static inline size_t lk_rw_percpu_heap_bytes(const struct lk_config *config) {
  return lk_rw_percpu_n_slots(config) * sizeof(struct lk_rw_percpu_slot);
}

static inline bool lk_rw_percpu_init(struct lk_rw_percpu *lock, const struct lk_config *config) {
  lock->n_slots = lk_rw_percpu_n_slots(config);
  lock->is_shared = config->n_threads > lock->n_slots;
  lock->slots = (struct lk_rw_percpu_slot *)LK_ALLOC(lock->n_slots * sizeof *lock->slots);
  if (lock->slots == NULL) return false;
  for (uint32_t i = 0; i < lock->n_slots; i++) {
    atomic_init(&lock->slots[i].n_readers, 0);
    atomic_init(&lock->slots[i].n_users, 1); /* the lock */
  }
  atomic_init(&lock->slots[0].n_live, lock->n_slots);
  atomic_init(&lock->turn, LK_FIRST * LK_RW_PERCPU_TICKET);
  atomic_init(&lock->next, LK_FIRST * LK_RW_PERCPU_TICKET);
  LK_CANARY_SET(lock);
  return true;
}

/* By a context, or by the lock. */
static inline void lk_rw_percpu_leave(struct lk_rw_percpu_slot *slots, struct lk_rw_percpu_slot *slot) {
  /* Release: pairs with the acquire in ctx_init, and as well with its own acquire, which has the last of a
     slot see that all others are done with it. */
  if (atomic_fetch_sub_explicit(&slot->n_users, 1, memory_order_acq_rel) > 1) return;
  /* Release and acquire: as above, for all slots. */
  if (atomic_fetch_sub_explicit(&slots[0].n_live, 1, memory_order_acq_rel) == 1) LK_FREE(slots);
}

static inline void lk_rw_percpu_destroy(struct lk_rw_percpu *lock) {
  LK_CANARY_CHECK(lock);
  for (uint32_t i = 0; i < lock->n_slots; i++) lk_rw_percpu_leave(lock->slots, &lock->slots[i]);
}

/* Finds the slot with the fewest contexts; of those that are not shared, a free one: round and round, since one that
   was passed may have come free when the last one is taken. That does not happen in so many rounds one after the other:
   then there are more contexts than were promised. */
static inline bool lk_rw_percpu_ctx_init(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx,
                                         const struct lk_domain *domain) {
  (void)domain;
  ctx->slots = lock->slots;
  ctx->is_shared = lock->is_shared;
  for (uint32_t round = 0; round < LK_RW_PERCPU_ROUNDS; round++) {
    const uint32_t most = lock->is_shared ? round + 1 : 1;
    for (uint32_t i = 0; i < lock->n_slots; i++) {
      ctx->slot = &lock->slots[i];
      /* Relaxed: a guess, which the compare-exchange checks. */
      uint32_t n_users = atomic_load_explicit(&ctx->slot->n_users, memory_order_relaxed);
      /* Acquire: pairs with the release in leave: the slot's last context has left it as it should be. */
      if (n_users <= most && atomic_compare_exchange_strong_explicit(&ctx->slot->n_users, &n_users, n_users + 1,
                                                                     memory_order_acquire, memory_order_relaxed))
        return true;
    }
  }
  return false;
}

/* The lock may be gone. */
static inline void lk_rw_percpu_ctx_destroy(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  (void)lock;
  lk_rw_percpu_leave(ctx->slots, ctx->slot);
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
  if (LK_LIKELY(!(atomic_load_explicit(&lock->turn, memory_order_seq_cst) & LK_RW_PERCPU_WRITING))) return true;
  lk_rw_percpu_rdunlock(lock, ctx);
  return false;
}

/* Waits for our turn and returns our ticket. */
static inline uint32_t lk_rw_percpu_queue(struct lk_rw_percpu *lock) {
  /* Relaxed: it only hands out distinct tickets. */
  const uint32_t mine = atomic_fetch_add_explicit(&lock->next, LK_RW_PERCPU_TICKET, memory_order_relaxed);
  /* Acquire: pairs with the release stores in rdlock and wrunlock. */
  while (atomic_load_explicit(&lock->turn, memory_order_acquire) != mine) lk_pause();
  return mine;
}

static inline void lk_rw_percpu_rdlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  if (LK_LIKELY(lk_rw_percpu_tryrdlock(lock, ctx))) return;
  const uint32_t mine = lk_rw_percpu_queue(lock);
  /* Relaxed: the next writer looks after it has got its turn, and so after we have passed it on. */
  atomic_fetch_add_explicit(&ctx->slot->n_readers, 1, memory_order_relaxed);
  /* Release: pairs with the acquire loads in queue and trywrlock. */
  atomic_store_explicit(&lock->turn, mine + LK_RW_PERCPU_TICKET, memory_order_release);
}

/* By the thread whose turn it is: keeps readers out, and if `waits`, waits for those inside. True: none is inside. */
static inline bool lk_rw_percpu_enter(struct lk_rw_percpu *lock, uint32_t mine, bool waits) {
  /* Sequentially consistent, with the loads below: see tryrdlock. */
  atomic_store_explicit(&lock->turn, mine + LK_RW_PERCPU_WRITING, memory_order_seq_cst);
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
  (void)ctx;
  LK_CANARY_CHECK(lock);
  (void)lk_rw_percpu_enter(lock, lk_rw_percpu_queue(lock), true);
}

static inline void lk_rw_percpu_wrunlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  (void)ctx;
  /* Relaxed: only we change it. */
  const uint32_t turn = atomic_load_explicit(&lock->turn, memory_order_relaxed);
  /* Release: pairs with the loads in queue, tryrdlock and trywrlock. It clears WRITING and calls the next ticket. */
  atomic_store_explicit(&lock->turn, turn - LK_RW_PERCPU_WRITING + LK_RW_PERCPU_TICKET, memory_order_release);
}

static inline bool lk_rw_percpu_trywrlock(struct lk_rw_percpu *lock, struct lk_rw_percpu_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: as in queue. A ticket once taken must be waited for, so we take it only if it is its turn already. */
  const uint32_t turn = atomic_load_explicit(&lock->turn, memory_order_acquire);
  uint32_t next = turn;
  /* Relaxed: success shows that `next` was still `turn`, which the acquire load above has ordered. */
  if ((turn & LK_RW_PERCPU_WRITING) != 0 ||
      !atomic_compare_exchange_strong_explicit(&lock->next, &next, turn + LK_RW_PERCPU_TICKET, memory_order_relaxed,
                                               memory_order_relaxed))
    return false;
  if (lk_rw_percpu_enter(lock, turn, false)) return true;
  lk_rw_percpu_wrunlock(lock, ctx);
  return false;
}

#endif
