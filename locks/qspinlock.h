// SPDX-License-Identifier: MIT
/*
 * qspinlock: an MCS lock in four bytes. The owner needs no node, so that nothing has to be kept from lock to unlock,
 * and the first waiter needs none either: it sets a pending bit and watches the word. From the second on they queue.
 *
 * Source: W. Long, P. Zijlstra, "qspinlock", Linux 4.2, 2014-2015; the queue after J. M. Mellor-Crummey, M. L. Scott,
 * "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991.
 *
 *   word (tail, pending, locked); transitions are written so in the code, * for any and n for our own
 *     locked   held; set by the thread that enters, cleared by the owner
 *     pending  the first waiter is about to enter; set by arrivals that saw neither tail nor pending, cleared when
 *              it enters, or at once if setting it was a mistake
 *     tail     1 + index of the last waiter's node, 0 if none; swung by arrivals, cleared by the last waiter
 *   lk_qspinlock_nodes[] of the process: next, waits as in mcs; is_taken by one thread for one wait. The first node's
 *              owner watches the word, and leaves the queue when it enters
 *
 * Invariants: locked is set by an arrival that finds 0; by the one that set pending when neither it nor a tail was
 * there; and by the first of the queue once both are clear, so never by two at once. A thread that sets pending by
 * mistake always joins the queue: so the first of the queue, if it finds the word changed under its last step, has a
 * successor coming.
 * FIFO: in the order of setting pending or tail; there is no bound on the few steps before. Waiters spin: the first two
 * on the word, all others on their nodes. Context: where to look for a free node first; the thread's own.
 * As in the source, the parts of the word are accessed by themselves where the machine can (LK_HAS_PARTS); C11 has no
 * word for that, so elsewhere, and for the checkers, the same steps are taken on the whole word.
 * Deviations: a node is taken for a wait, from 4096 of the process, where Linux has four per CPU and can keep others
 * off its CPU. A thread that finds none tries again and again, as there.
 */
#ifndef LK_QSPINLOCK_H
#define LK_QSPINLOCK_H

#include "lk.h"

enum { lk_qspinlock_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

enum {
  LK_QSPINLOCK_LOCKED = 1,
  LK_QSPINLOCK_PENDING = 1 << 8,
  LK_QSPINLOCK_TAIL_SHIFT = 16,
  LK_QSPINLOCK_NO_TAIL = (1 << LK_QSPINLOCK_TAIL_SHIFT) - 1, /* the mask of all but tail */
};

/* A checker, which has few threads, makes both less. */
#ifndef LK_QSPINLOCK_PENDING_TRIES
#define LK_QSPINLOCK_PENDING_TRIES                                                                                     \
  512 /* how long to wait for a pending waiter that is about to enter; Linux's on x86 */
#endif
#ifndef LK_QSPINLOCK_NODES
#define LK_QSPINLOCK_NODES 4096 /* less than 2^16: a tail has 16 bits */
#endif

struct lk_qspinlock_node {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_qspinlock_node *) next;
  LK_ATOMIC(bool) waits;
  LK_ATOMIC(bool) is_taken;
};

LK_PROCESS_WIDE(struct lk_qspinlock_node, lk_qspinlock_nodes, LK_QSPINLOCK_NODES);

struct lk_qspinlock {
  LK_ATOMIC(uint32_t) word;
  LK_CANARY_MEMBER
};

#define LK_QSPINLOCK_INIT                                                                                              \
  { 0, LK_CANARY_INIT }

struct lk_qspinlock_ctx {
  uint32_t node; /* the index to begin at */
};

static inline bool lk_qspinlock_init(struct lk_qspinlock *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->word, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_qspinlock_destroy(struct lk_qspinlock *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_qspinlock_ctx_init(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx,
                                         const struct lk_domain *domain) {
  (void)lock;
  /* Four for each core, as Linux; of a thread that does not say where it runs, by its context's address. */
  const uint32_t first =
      domain != NULL ? 4 * domain->id[LK_CORE] : (uint32_t)((uintptr_t)ctx >> 4) * UINT32_C(2654435761) >> 16;
  ctx->node = first % LK_QSPINLOCK_NODES;
  return true;
}

static inline void lk_qspinlock_ctx_destroy(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  (void)lock, (void)ctx;
}

#ifdef LK_HAS_PARTS
/* The word by its parts. They are left alone by the checkers, which read the other branches. */
struct lk_qspinlock_bytes {
  LK_ATOMIC(uint8_t) locked, pending;
};
struct lk_qspinlock_halves {
  LK_ATOMIC(uint16_t) locked_pending, tail;
} __attribute__((may_alias));
LK_STATIC_ASSERT(sizeof(struct lk_qspinlock_halves) == sizeof(uint32_t), "the halves of a word are the word");

static inline struct lk_qspinlock_bytes *lk_qspinlock_bytes(struct lk_qspinlock *lock) {
  return (struct lk_qspinlock_bytes *)(void *)&lock->word;
}

static inline struct lk_qspinlock_halves *lk_qspinlock_halves(struct lk_qspinlock *lock) {
  return (struct lk_qspinlock_halves *)(void *)&lock->word;
}
#endif

/* (*,*,1) -> (*,*,0). */
static inline void lk_qspinlock_clear_locked(struct lk_qspinlock *lock) {
  /* Release: pairs with the acquires in trylock, wait_pending and wait_queued. */
#ifdef LK_HAS_PARTS
  /* order-kept release: as of the other branch, which is what the checkers read */
  atomic_store_explicit(&lk_qspinlock_bytes(lock)->locked, 0, memory_order_release);
#else
  atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_LOCKED, memory_order_release);
#endif
}

/* (*,*,*) -> (*,1,*); what the word was. By parts the rest of it may be newer than pending: see wait_pending. */
static inline uint32_t lk_qspinlock_set_pending(struct lk_qspinlock *lock) {
  /* Relaxed: the loads in wait_pending acquire, or those of the queue. */
#ifdef LK_HAS_PARTS
  const uint32_t pending = atomic_exchange_explicit(&lk_qspinlock_bytes(lock)->pending, 1, memory_order_relaxed);
  const uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  return (word & ~(uint32_t)LK_QSPINLOCK_PENDING) | (pending != 0 ? LK_QSPINLOCK_PENDING : 0);
#else
  return atomic_fetch_or_explicit(&lock->word, LK_QSPINLOCK_PENDING, memory_order_relaxed);
#endif
}

/* (n,1,*) -> (n,0,*), by the thread that set it. */
static inline void lk_qspinlock_clear_pending(struct lk_qspinlock *lock) {
  /* Relaxed: it takes back what no thread may have relied on. */
#ifdef LK_HAS_PARTS
  atomic_store_explicit(&lk_qspinlock_bytes(lock)->pending, 0, memory_order_relaxed);
#else
  atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_PENDING, memory_order_relaxed);
#endif
}

/* (*,1,0) -> (*,0,1), in one step. */
static inline void lk_qspinlock_pending_to_locked(struct lk_qspinlock *lock) {
  /* Relaxed: the waiter has acquired. */
#ifdef LK_HAS_PARTS
  atomic_store_explicit(&lk_qspinlock_halves(lock)->locked_pending, LK_QSPINLOCK_LOCKED, memory_order_relaxed);
#else
  atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_PENDING - LK_QSPINLOCK_LOCKED, memory_order_relaxed);
#endif
}

/* (*,*,0) -> (*,*,1), by the first of the queue. */
static inline void lk_qspinlock_set_locked(struct lk_qspinlock *lock) {
  /* Relaxed: the waiter has acquired, and no other thread may set it. */
#ifdef LK_HAS_PARTS
  atomic_store_explicit(&lk_qspinlock_bytes(lock)->locked, 1, memory_order_relaxed);
#else
  atomic_fetch_or_explicit(&lock->word, LK_QSPINLOCK_LOCKED, memory_order_relaxed);
#endif
}

/* (m,*,*) -> (n,*,*); m. */
static inline uint32_t lk_qspinlock_swing_tail(struct lk_qspinlock *lock, uint32_t tail) {
  /* Release: our successor writes to our `next`, after our clearing of it; and what our predecessor knows of our node
     it knows through the link. Acquire: the former, from our predecessor. */
#ifdef LK_HAS_PARTS
  /* order-kept acquire: as below. order-kept release: as below */
  return atomic_exchange_explicit(&lk_qspinlock_halves(lock)->tail, (uint16_t)tail, memory_order_acq_rel);
#else
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed); /* a guess for the exchange */
  while (!atomic_compare_exchange_weak_explicit(&lock->word, &word,
                                                (word & LK_QSPINLOCK_NO_TAIL) | tail << LK_QSPINLOCK_TAIL_SHIFT,
                                                memory_order_acq_rel, memory_order_relaxed))
    ;
  return word >> LK_QSPINLOCK_TAIL_SHIFT;
#endif
}

static inline bool lk_qspinlock_trylock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = 0;
  /* (0,0,0) -> (0,0,1). Acquire: pairs with the release in unlock; all changes of the word since are
     read-modify-writes, which keep it visible. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->word, &free, LK_QSPINLOCK_LOCKED, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* By who has to wait otherwise. It looks first, as Linux does: while others have the lock, the line of the word stays
   with them. */
static inline bool lk_qspinlock_retry(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  /* Relaxed: a guess, which trylock checks. */
  return atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 && lk_qspinlock_trylock(lock, ctx);
}

/* The first waiter: true if it took the lock as such, false if there are others and it has to queue. */
static inline bool lk_qspinlock_wait_pending(struct lk_qspinlock *lock) {
  /* Relaxed, here and below: it only chooses the way; the first access that decides acquires. */
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  for (int i = 0; word == LK_QSPINLOCK_PENDING && i < LK_QSPINLOCK_PENDING_TRIES; i++) {
    lk_pause(); /* (0,1,0): that one enters in a moment, and we can be the next pending */
    word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  }
  if ((word & ~(uint32_t)LK_QSPINLOCK_LOCKED) != 0) return false;
  /* (0,0,*) -> (0,1,*). A tail that came after pending is behind us, but then we queue too: it does no harm. */
  word = lk_qspinlock_set_pending(lock);
  if ((word & ~(uint32_t)LK_QSPINLOCK_LOCKED) != 0) {
    if (!(word & LK_QSPINLOCK_PENDING)) lk_qspinlock_clear_pending(lock);
    return false;
  }
  /* Acquire: pairs with the release in unlock, so the last owner's section is seen. */
  while (atomic_load_explicit(&lock->word, memory_order_acquire) & LK_QSPINLOCK_LOCKED) lk_pause();
  lk_qspinlock_pending_to_locked(lock);
  return true;
}

/* A node for one wait, or NULL if as many threads as there are nodes wait. */
static inline struct lk_qspinlock_node *lk_qspinlock_take_node(struct lk_qspinlock_ctx *ctx) {
  for (uint32_t n = 0; n < LK_QSPINLOCK_NODES; n++) {
    struct lk_qspinlock_node *const node = &lk_qspinlock_nodes[ctx->node];
    /* Acquire: pairs with the release in give_node: its last user is done with it, and so are those that it met. */
    if (!atomic_exchange_explicit(&node->is_taken, true, memory_order_acquire)) return node;
    ctx->node = (ctx->node + 1) % LK_QSPINLOCK_NODES;
  }
  return NULL;
}

static inline void lk_qspinlock_give_node(struct lk_qspinlock_node *node) {
  /* Release: pairs with the acquire in take_node. */
  atomic_store_explicit(&node->is_taken, false, memory_order_release);
}

static inline void lk_qspinlock_wait_queued(struct lk_qspinlock *lock, struct lk_qspinlock_node *node) {
  /* Relaxed: no other thread sees the node before swing_tail publishes it. */
  atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
  atomic_store_explicit(&node->waits, true, memory_order_relaxed);
  const uint32_t tail = (uint32_t)(node - &lk_qspinlock_nodes[0]) + 1;
  const uint32_t previous = lk_qspinlock_swing_tail(lock, tail);
  if (previous != 0) {
    /* Release: pairs with the acquire load of `next` below: see the hazard in the head of mcs.h. */
    atomic_store_explicit(&lk_qspinlock_nodes[previous - 1].next, node, memory_order_release);
    /* Acquire: pairs with the release store of `waits` below: our predecessor has left the queue. */
    while (atomic_load_explicit(&node->waits, memory_order_acquire)) lk_pause();
  }
  uint32_t word;
  /* Acquire: pairs with the release in unlock, so the last owner's section is seen. */
  while ((word = atomic_load_explicit(&lock->word, memory_order_acquire)) & LK_QSPINLOCK_NO_TAIL) lk_pause();
  /* (n,0,0) -> (0,0,1). Relaxed: acquired above. It fails if another came, or set pending and will. */
  if (word == tail << LK_QSPINLOCK_TAIL_SHIFT &&
      atomic_compare_exchange_strong_explicit(&lock->word, &word, LK_QSPINLOCK_LOCKED, memory_order_relaxed,
                                              memory_order_relaxed))
    return;
  lk_qspinlock_set_locked(lock);
  struct lk_qspinlock_node *next;
  /* Acquire: pairs with the release store of the link above. */
  while ((next = atomic_load_explicit(&node->next, memory_order_acquire)) == NULL) lk_pause();
  /* Release: pairs with the acquire load of `waits` above. */
  atomic_store_explicit(&next->waits, false, memory_order_release);
}

/* Not inlined: it is long, and a thread that comes here waits. */
LK_COLD static void lk_qspinlock_lock_slow(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  if (lk_qspinlock_wait_pending(lock)) return;
  struct lk_qspinlock_node *const node = lk_qspinlock_take_node(ctx);
  if (node == NULL) {
    while (!lk_qspinlock_retry(lock, ctx)) lk_pause();
    return;
  }
  /* It may have come free while we looked for a node. */
  if (!lk_qspinlock_retry(lock, ctx)) lk_qspinlock_wait_queued(lock, node);
  lk_qspinlock_give_node(node);
}

static inline void lk_qspinlock_lock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  if (LK_UNLIKELY(!lk_qspinlock_trylock(lock, ctx))) lk_qspinlock_lock_slow(lock, ctx);
}

static inline void lk_qspinlock_unlock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  (void)ctx;
  lk_qspinlock_clear_locked(lock);
}

#endif
