// SPDX-License-Identifier: MIT
/*
 * client.h: one lock behind names that do not depend on it, and the plain data that it protects. Compiled with
 *   -DLK=<name>   the lock
 *   -DN=<n>       how many threads there are
 *   -DAGAIN=<0|1> whether the first of them comes twice
 *   -DFRESH=1     each section of a thread has a context of its own, which comes before it and goes after it
 *
 * The clients see a lock as its users do. What it protects is plain, so two owners at once, or one that does not see
 * what the last one did, is a data race, which the checker reports. A wait that never ends is reported too; so is a
 * context or lock that is touched when it is gone, since they are on the heap.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Before the lock: they stand in for the headers of the same names. */
#include "shadow/lk_arch.h"
#include "shadow/lk_clock.h"
#include "shadow/lk_cpu.h"
#include "shadow/lk_wait.h"

#include "../../src/the_lock.h"

#ifndef FRESH
#define FRESH 0
#endif

/* What readers that retry look at must be atomic; for all others it is plain, so that a race is one. */
#if FN(retries)
typedef _Atomic(unsigned) shared_type;
static inline unsigned get(shared_type *place) { return atomic_load_explicit(place, memory_order_relaxed); }
static inline void set(shared_type *place, unsigned value) {
  atomic_store_explicit(place, value, memory_order_relaxed);
}
#else
typedef unsigned shared_type;
static inline unsigned get(const shared_type *place) { return *place; }
static inline void set(shared_type *place, unsigned value) { *place = value; }
#endif

/* A lock with its data: two counts of the writers' sections, equal whenever no thread writes. */
struct guarded {
  lock_type *lock;
  shared_type first, second;
};

static inline void guarded_init(struct guarded *guarded) {
  /* The least of each: a longer wait is only more of the same to a checker that tries every schedule. */
  struct lk_config config = {
      .n_threads = N + 1, .n_cpus = 1, .n_domains = {N + 1, 2, 2, 1}, .spin_pauses = 1, .backoff_max_pauses = 1};
  if (FRESH) config.n_threads = N; /* main has none there, and what was another's is taken over sooner */
  guarded->lock = aligned_alloc(_Alignof(lock_type), sizeof *guarded->lock);
  const bool is_made = FN(init)(guarded->lock, &config);
  assert(is_made);
  set(&guarded->first, 0);
  set(&guarded->second, 0);
}

static inline void guarded_destroy(struct guarded *guarded) {
  FN(destroy)(guarded->lock);
  free(guarded->lock);
}

/* By the thread that uses it: what others see of it is then the lock's doing. Threads lie in two nodes by turns. */
static inline ctx_type *guarded_make_ctx(struct guarded *guarded, unsigned thread) {
  const struct lk_domain domain = {.id = {thread, thread % 2, thread % 2, 0}};
  ctx_type *const ctx = aligned_alloc(_Alignof(ctx_type), sizeof *ctx);
  const bool is_made = FN(ctx_init)(guarded->lock, ctx, &domain);
  assert(is_made);
  return ctx;
}

static inline void guarded_free_ctx(struct guarded *guarded, ctx_type *ctx) {
  FN(ctx_destroy)(guarded->lock, ctx);
  free(ctx);
}

/* Between two sections of a thread. */
static inline ctx_type *guarded_next_ctx(struct guarded *guarded, ctx_type *ctx, unsigned thread) {
  if (!FRESH) return ctx;
  guarded_free_ctx(guarded, ctx);
  return guarded_make_ctx(guarded, thread);
}

/* What a writer does inside. */
static inline void guarded_count(struct guarded *guarded) {
  const unsigned n = get(&guarded->first);
  assert(get(&guarded->second) == n);
  set(&guarded->first, n + 1);
  set(&guarded->second, n + 1);
}

/* Runs N threads of one function, each with its number, and waits for them. */
static inline void run_threads(void *(*thread)(void *)) {
  pthread_t threads[N];
  for (intptr_t i = 0; i < N; i++) {
    if (pthread_create(&threads[i], NULL, thread, (void *)i) != 0) abort();
  }
  lk_clock_let_pass();
  for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
}

static inline int sections_of(int thread) { return thread == 0 && AGAIN ? 2 : 1; }

#endif
