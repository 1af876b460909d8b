// SPDX-License-Identifier: MIT
/*
 * thread_pool: workers that take jobs from a bounded ring. A mutex of ours, entered without contexts, and two condition
 * variables: for workers that wait for a job, and for threads that hand one in while the ring is full.
 *
 *   cc $(pkg-config --cflags lockbench) thread_pool.c $(pkg-config --libs lockbench) -o thread_pool && ./thread_pool
 */
#include <pthread.h>
#include <stdio.h>

#include <lockbench/futex.h>
#include <lockbench/lk_cond.h>

LK_COND(futex);

enum { N_WORKERS = 4, N_PLACES = 8, N_JOBS = 20000 };

struct job {
  void (*run)(void *argument);
  void *argument;
};

struct pool {
  struct lk_futex lock;
  struct lk_cond has_job, has_place;
  struct job ring[N_PLACES]; /* this and below: guarded by the lock */
  unsigned n_in, n_out;      /* jobs that came and that were taken, ever */
  bool is_closed;
};

static struct pool pool = {.lock = LK_FUTEX_INIT, .has_job = LK_COND_INIT, .has_place = LK_COND_INIT};

static void pool_add(struct pool *to, struct job job) {
  struct lk_futex_ctx ctx; /* a futex needs none; other locks do */
  lk_futex_lock(&to->lock, &ctx);
  while (to->n_in - to->n_out == N_PLACES) lk_futex_cond_wait(&to->lock, &ctx, &to->has_place);
  to->ring[to->n_in++ % N_PLACES] = job;
  /* Taken inside, woken outside: the worker does not meet a lock that we still hold. */
  struct lk_cond_waiter *const worker = lk_cond_take_one(&to->has_job);
  lk_futex_unlock(&to->lock, &ctx);
  lk_cond_wake(worker);
}

/* false: the pool is closed and empty. */
static bool pool_take(struct pool *from, struct job *job) {
  struct lk_futex_ctx ctx;
  lk_futex_lock(&from->lock, &ctx);
  while (from->n_in == from->n_out && !from->is_closed) lk_futex_cond_wait(&from->lock, &ctx, &from->has_job);
  const bool has_one = from->n_in != from->n_out;
  struct lk_cond_waiter *adder = NULL;
  if (has_one) {
    *job = from->ring[from->n_out++ % N_PLACES];
    adder = lk_cond_take_one(&from->has_place);
  }
  lk_futex_unlock(&from->lock, &ctx);
  lk_cond_wake(adder);
  return has_one;
}

/* The workers end when all jobs are done. */
static void pool_close(struct pool *of) {
  struct lk_futex_ctx ctx;
  lk_futex_lock(&of->lock, &ctx);
  of->is_closed = true;
  lk_cond_broadcast(&of->has_job);
  lk_futex_unlock(&of->lock, &ctx);
}

static void *work(void *argument) {
  struct job job = {NULL, NULL};
  while (pool_take(argument, &job)) job.run(job.argument);
  return NULL;
}

static unsigned n_runs[N_JOBS];

static void count(void *argument) { ++*(unsigned *)argument; }

int main(void) {
  pthread_t workers[N_WORKERS];
  for (int i = 0; i < N_WORKERS; i++) {
    if (pthread_create(&workers[i], NULL, work, &pool) != 0) return 1;
  }
  for (int i = 0; i < N_JOBS; i++) pool_add(&pool, (struct job){count, &n_runs[i]});
  pool_close(&pool);
  for (int i = 0; i < N_WORKERS; i++) pthread_join(workers[i], NULL);
  int n_wrong = 0;
  for (int i = 0; i < N_JOBS; i++) n_wrong += n_runs[i] != 1;
  printf("%d jobs, %d of them not run exactly once\n", N_JOBS, n_wrong);
  return n_wrong > 0;
}
