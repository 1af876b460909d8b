// SPDX-License-Identifier: MIT
/*
 * hmcs: an MCS lock at every level of the machine. The first thread of a group queues for the group above on behalf of
 * all; an owner hands over inside its group, up to a threshold, and only then lets the group above have its turn. So
 * the lock moves between distant CPUs as rarely as the thresholds say.
 *
 * Source: M. Chabbi, M. Fagan, J. Mellor-Crummey, "High Performance Locks for Multi-level NUMA Systems", PPoPP 2015.
 *
 *   group.tail      the queue of the group's members: threads in a leaf, child groups above; as lock.tail in mcs
 *   group.member    the node with which this group queues in its parent; used by the owner of the group's queue
 *   group.parent    NULL for the root; set once, by the first ctx_init that knows it
 *   node.next       the node behind this one in the same group, written by its successor
 *   node.status     WAITS: set by the node's owner; else set by the predecessor: ASCEND, you own the group's queue but
 *                   the group has to queue above; or a count, you own all levels, as the count-th of the group in a row
 *
 * Invariants: the owner owns the queues of all groups from its leaf to the root. A group's queue is handed to a
 * successor with a count while everything above is kept, with ASCEND after everything above was released. A trylock
 * queues in the root itself, if that is empty: it never waits: there is nothing that it would have to give back.
 * FIFO: in each group, not over all. Bounded bypass: a thread is overtaken at most (threads of its leaf) x the product
 * over the levels of (sibling groups x THRESHOLD) times. Waiters spin on their nodes, a group's first on the group's.
 * Context: the node and the leaf; in place from lock to the return of unlock. Groups live as long as the lock.
 * Levels: CORE, LLC, NODE, PACKAGE, without those that do not divide the one above; without CORE if a core is one CPU.
 * End: unlock gives the root back before the levels below, so another group may be inside while we still use the lock.
 * As Linux says of its mutex: it must stay alive until unlock has returned, and unlocking it cannot release an object
 * such that another thread can free it.
 * Deviation: a trylock; one threshold for all levels; the tree is learnt from the threads that come.
 */
#ifndef LK_HMCS_H
#define LK_HMCS_H

#include "lk.h"

enum { lk_hmcs_traits = LK_BOUNDED | LK_SPINS };

#ifndef LK_HMCS_THRESHOLD
#define LK_HMCS_THRESHOLD 64 /* a checker, whose threads come once or twice, makes it 2 */
#endif

#define lk_hmcs_is_bounded 1
static inline uint64_t lk_hmcs_bypass(const struct lk_config *config) {
  uint64_t n = config->n_threads;
  for (unsigned level = 0; level < LK_N_LEVELS; level++)
    if (config->n_domains[level] > 1) n *= (uint64_t)config->n_domains[level] * LK_HMCS_THRESHOLD;
  return n;
}

#define lk_hmcs_has_domains 1
static inline uint64_t lk_hmcs_domain_run(const struct lk_config *config) {
  (void)config;
  return LK_HMCS_THRESHOLD;
}

/* node.status where it is no count */
#define LK_HMCS_ASCEND (UINT32_MAX - 1)
#define LK_HMCS_WAITS UINT32_MAX

struct lk_hmcs_node {
  LK_ATOMIC(struct lk_hmcs_node *) next;
  LK_ATOMIC(uint32_t) status;
};

struct lk_hmcs_group {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_hmcs_node *) tail;
  LK_ALIGNED(LK_LINE_BYTES) struct lk_hmcs_node member; /* its waiter spins here, not where the tail is swung */
  LK_ATOMIC(struct lk_hmcs_group *) parent;
};

struct lk_hmcs {
  struct lk_hmcs_group *groups; /* those of the finest level first, the root last; set by init, like all below */
  unsigned n_groups;
  unsigned n_levels; /* without the root */
  struct {
    enum lk_level level;
    unsigned first; /* index of its domain 0 in groups */
    unsigned n_domains;
  } levels[LK_N_LEVELS];
  LK_CANARY_MEMBER
};

struct lk_hmcs_ctx {
  LK_ALIGNED(LK_LINE_BYTES) struct lk_hmcs_node node;
  struct lk_hmcs_group *leaf;
  bool is_flat; /* the leaf is the root; a copy of what unlock needs, not where arrivals at the group's parent write */
  bool is_at_root; /* got in by trylock; from there to unlock */
};

/* Whether there are groups of that level: it divides the coarser ones, and a core is more than one CPU. */
static inline bool lk_hmcs_keeps(const struct lk_config *config, int level) {
  unsigned n_above = 1;
  for (int coarser = level + 1; coarser < LK_N_LEVELS; coarser++)
    if (config->n_domains[coarser] > n_above) n_above = config->n_domains[coarser];
  return config->n_domains[level] > n_above && !(level == LK_CORE && config->n_domains[level] >= config->n_cpus);
}

#define lk_hmcs_has_heap 1
static inline size_t lk_hmcs_heap_bytes(const struct lk_config *config) {
  size_t n_groups = 1;
  for (int level = 0; level < LK_N_LEVELS; level++)
    if (lk_hmcs_keeps(config, level)) n_groups += config->n_domains[level];
  return n_groups * sizeof(struct lk_hmcs_group);
}

static inline bool lk_hmcs_init(struct lk_hmcs *lock, const struct lk_config *config) {
  lock->n_levels = 0;
  lock->n_groups = 0;
  for (int level = 0; level < LK_N_LEVELS; level++) {
    if (!lk_hmcs_keeps(config, level)) continue;
    lock->levels[lock->n_levels].level = (enum lk_level)level;
    lock->levels[lock->n_levels].n_domains = config->n_domains[level];
    lock->levels[lock->n_levels++].first = lock->n_groups;
    lock->n_groups += config->n_domains[level];
  }
  lock->n_groups++; /* the root */
  lock->groups = (struct lk_hmcs_group *)LK_ALLOC(lock->n_groups * sizeof *lock->groups);
  if (lock->groups == NULL) return false;
  for (unsigned i = 0; i < lock->n_groups; i++) {
    atomic_init(&lock->groups[i].tail, NULL);
    atomic_init(&lock->groups[i].member.next, NULL);
    atomic_init(&lock->groups[i].member.status, LK_HMCS_WAITS);
    atomic_init(&lock->groups[i].parent, NULL);
  }
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_hmcs_destroy(struct lk_hmcs *lock) {
  LK_CANARY_CHECK(lock);
  LK_FREE(lock->groups);
}

static inline struct lk_hmcs_group *lk_hmcs_root(const struct lk_hmcs *lock) {
  return &lock->groups[lock->n_groups - 1];
}

/* From the root down, so that a thread that finds a group linked finds all above it linked. */
static inline bool lk_hmcs_ctx_init(struct lk_hmcs *lock, struct lk_hmcs_ctx *ctx, const struct lk_domain *domain) {
  atomic_init(&ctx->node.next, NULL);
  atomic_init(&ctx->node.status, LK_HMCS_WAITS);
  struct lk_hmcs_group *group = lk_hmcs_root(lock);
  for (unsigned i = lock->n_levels; i-- > 0;) {
    struct lk_hmcs_group *const parent = group;
    struct lk_hmcs_group *none = NULL;
    const unsigned id = lk_domain_id(domain, lock->levels[i].level);
    if (id >= lock->levels[i].n_domains) return false;
    group = &lock->groups[lock->levels[i].first + id];
    /* Acquire and release: pairs with itself. A failure is none: the first to come has decided, and what it had linked
       above is seen. If the domains of two threads contradict each other, the lock is still right, only less near, and
       a parent may be one whose own links we have not met on our way. Acquire on success: C11 wants it, no failure may
       be stronger. */
    (void)atomic_compare_exchange_strong_explicit(&group->parent, &none, parent, memory_order_acq_rel,
                                                  memory_order_acquire);
  }
  ctx->leaf = group;
  ctx->is_flat = lock->n_levels == 0;
  ctx->is_at_root = false;
  return true;
}

static inline void lk_hmcs_ctx_destroy(struct lk_hmcs *lock, struct lk_hmcs_ctx *ctx) { (void)lock, (void)ctx; }

/* Relaxed: set for good before any thread of the group's leaves has its ctx; see ctx_init. */
static inline struct lk_hmcs_group *lk_hmcs_parent(struct lk_hmcs_group *group) {
  return atomic_load_explicit(&group->parent, memory_order_relaxed);
}

static inline void lk_hmcs_lock(struct lk_hmcs *lock, struct lk_hmcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_hmcs_node *node = &ctx->node;
  for (struct lk_hmcs_group *group = ctx->leaf; group != NULL; group = lk_hmcs_parent(group)) {
    /* Relaxed, both: no thread sees the node before the exchange below publishes it; nor the status before the link. */
    atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&node->status, LK_HMCS_WAITS, memory_order_relaxed);
    /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
       Acquire: pairs with the release in hand_over when it empties the queue, so that we use the group's member node
       after its last user; and with the release of the predecessor's own exchange (whose node we write to). */
    struct lk_hmcs_node *const previous = atomic_exchange_explicit(&group->tail, node, memory_order_acq_rel);
    if (previous != NULL) {
      /* Release: pairs with the acquire loads of `next` in pass and hand_over; without it the predecessor's write to
         our status could come before our own. */
      atomic_store_explicit(&previous->next, node, memory_order_release);
      uint32_t status;
      /* Acquire: pairs with the release store in grant: the last owner's section is seen. */
      while ((status = atomic_load_explicit(&node->status, memory_order_acquire)) == LK_HMCS_WAITS) lk_pause();
      if (status != LK_HMCS_ASCEND) return;
    }
    /* Relaxed: the first of a row; only we read it, in pass. */
    atomic_store_explicit(&node->status, 0, memory_order_relaxed);
    node = &group->member;
  }
}

static inline void lk_hmcs_grant(struct lk_hmcs_node *next, uint32_t status) {
  /* Release: pairs with the acquire load in lock. */
  atomic_store_explicit(&next->status, status, memory_order_release);
}

/* Gives the queue of one group to the successor with that status, or leaves it empty. */
static inline void lk_hmcs_hand_over(struct lk_hmcs_group *group, struct lk_hmcs_node *node, uint32_t status) {
  /* Acquire: pairs with the release store of the link in lock. */
  struct lk_hmcs_node *next = atomic_load_explicit(&node->next, memory_order_acquire);
  if (next == NULL) {
    struct lk_hmcs_node *last = node;
    /* Release: pairs with the acquires on the tail in lock and try. Relaxed on failure: what we need to know of the
       queue comes with the link. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&group->tail, &last, NULL, memory_order_release,
                                                          memory_order_relaxed)))
      return;
    /* A successor has swung the tail and is about to link itself: a few instructions, unless preempted. */
    while ((next = atomic_load_explicit(&node->next, memory_order_acquire)) == NULL) lk_pause(); /* as above */
  }
  lk_hmcs_grant(next, status);
}

/* Hands all levels over to the next of the same group; false if there is none, or it is another group's turn. */
static inline bool lk_hmcs_pass(struct lk_hmcs_node *node) {
  /* Relaxed: we own it; the acquire in lock has read it, or we have written it. */
  const uint32_t count = atomic_load_explicit(&node->status, memory_order_relaxed);
  if (count + 1 >= LK_HMCS_THRESHOLD) return false;
  /* Acquire: pairs with the release store of the link in lock. */
  struct lk_hmcs_node *const next = atomic_load_explicit(&node->next, memory_order_acquire);
  if (next == NULL) return false;
  lk_hmcs_grant(next, count + 1);
  return true;
}

/* Releases the levels above first: the thread that gets the group's queue with ASCEND joins them as the last. */
LK_COLD static void lk_hmcs_release(struct lk_hmcs_group *group, struct lk_hmcs_node *node) {
  struct lk_hmcs_group *const parent = lk_hmcs_parent(group);
  if (parent == NULL) {
    lk_hmcs_hand_over(group, node, 0); /* at the root all is FIFO: nothing to count */
  } else if (!lk_hmcs_pass(node)) {
    lk_hmcs_release(parent, &group->member);
    lk_hmcs_hand_over(group, node, LK_HMCS_ASCEND);
  }
}

static inline bool lk_hmcs_trylock(struct lk_hmcs *lock, struct lk_hmcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_hmcs_node *free = NULL;
  atomic_store_explicit(&ctx->node.next, NULL, memory_order_relaxed); /* as in lock */
  /* As the exchange in lock, but the acquire has only the emptying hand_over to pair with. Relaxed on failure: nothing
     was acquired. */
  return ctx->is_at_root = atomic_compare_exchange_strong_explicit(&lk_hmcs_root(lock)->tail, &free, &ctx->node,
                                                                   memory_order_acq_rel, memory_order_relaxed);
}

static inline void lk_hmcs_unlock(struct lk_hmcs *lock, struct lk_hmcs_ctx *ctx) {
  if (LK_UNLIKELY(ctx->is_at_root)) {
    ctx->is_at_root = false;
    lk_hmcs_hand_over(lk_hmcs_root(lock), &ctx->node, 0);
  } else if (ctx->is_flat || LK_UNLIKELY(!lk_hmcs_pass(&ctx->node))) { /* nothing to count where it is flat */
    lk_hmcs_release(ctx->leaf, &ctx->node);
  }
}

#endif
