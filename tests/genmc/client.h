// SPDX-License-Identifier: MIT
/*
 * client.h: one lock behind names that do not depend on it, for the programs of this folder. Compiled with -DLK=<name>.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Before the lock: they stand in for the headers of the same names. */
#include "shadow/lk_arch.h"
#include "shadow/lk_futex.h"

#define CLIENT_QUOTE_(x) #x
#define CLIENT_QUOTE(x) CLIENT_QUOTE_(x)
#define CLIENT_PASTE_(a, b, c) a##b##c
#define CLIENT_PASTE(a, b, c) CLIENT_PASTE_(a, b, c)
#define FN(operation) CLIENT_PASTE(lk_, LK, _##operation)

#include CLIENT_QUOTE(LK.h)

#ifndef N
#define N 3 /* threads */
#endif

typedef struct CLIENT_PASTE(lk_, LK, ) lock_type;
typedef struct FN(ctx) ctx_type;

#if FN(is_rw)
static inline void acquire(lock_type *lock, ctx_type *ctx) { FN(wrlock)(lock, ctx); }
static inline void release(lock_type *lock, ctx_type *ctx) { FN(wrunlock)(lock, ctx); }
#else
static inline void acquire(lock_type *lock, ctx_type *ctx) { FN(lock)(lock, ctx); }
static inline void release(lock_type *lock, ctx_type *ctx) { FN(unlock)(lock, ctx); }
#endif

/* Waits as short as they get: each pause more is only more of the same to a checker that tries every schedule. */
static inline void client_init(lock_type *lock) {
  const struct lk_config config = {
      .n_threads = N, .n_cpus = N, .n_domains = {N, 2, 2, 1}, .spin_pauses = 1, .backoff_max_pauses = 1};
  FN(init)(lock, &config);
}

/*
 * On the heap, so that the checker sees whoever touches a context that is gone. Made by the thread that uses it: what
 * others see of it is then the lock's doing, and not that of pthread_create. Threads lie in two nodes by turns.
 */
static inline ctx_type *client_make_ctx(lock_type *lock, unsigned index) {
  const struct lk_domain domain = {.id = {index, index % 2, index % 2, 0}};
  ctx_type *const ctx = aligned_alloc(_Alignof(ctx_type), sizeof *ctx);
  FN(ctx_init)(lock, ctx, &domain);
  return ctx;
}

static inline void client_free_ctx(lock_type *lock, ctx_type *ctx) {
  FN(ctx_destroy)(lock, ctx);
  free(ctx);
}

/* Runs N threads of one function, each with its number, and waits for them. */
static inline void client_run(void *(*thread)(void *)) {
  pthread_t threads[N];
  for (intptr_t i = 0; i < N; i++) {
    if (pthread_create(&threads[i], NULL, thread, (void *)i) != 0) abort();
  }
  for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
}

#endif
