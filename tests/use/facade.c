// SPDX-License-Identifier: MIT
/*
 * facade.c: one lock as a program uses it, compiled with -DLK=<name> and, if it has one, -DINIT=<its initialiser>:
 * entered in one function and left in another, nested, tried, and with a condition variable. Returns 1 and says what
 * is wrong.
 */
#include <pthread.h>
#include <stdio.h>

#include "lk_clock.h"
#include "lk_cond.h"
#include "lk_enter.h"
#include "lock.h"

#if FN(is_rw)
CALL(LK_RW_ENTER, LK);
#define ENTER FN(wrenter)
#define LEAVE FN(wrleave)
#define TRYENTER FN(trywrenter)
#else
CALL(LK_ENTER, LK);
CALL(LK_COND, LK);
#define ENTER FN(enter)
#define LEAVE FN(leave)
#define TRYENTER FN(tryenter)
#endif
#if !FN(no_trylock)
#if FN(is_rw)
CALL(LK_RW_TRYENTER, LK);
#else
CALL(LK_TRYENTER, LK);
#endif
#endif

enum { N_ROUNDS = 100, N_TURNS = 20 };

#ifdef INIT
static struct LOCK_TYPE outer = INIT, inner = INIT;
static struct LOCK_TYPE turns = INIT;
#else
static struct LOCK_TYPE outer, inner, turns;
#endif
static unsigned long n_outer, n_inner;

static void begin(void) {
  ENTER(&outer);
  ENTER(&inner);
}

/* The outer first: places need not be given back in the reverse order. */
static void end(void) {
  n_outer++;
  LEAVE(&outer);
  n_inner++;
  LEAVE(&inner);
}

static void *visit(void *unused) {
  for (int i = 0; i < N_ROUNDS; i++) {
    begin();
    end();
  }
  return unused;
}

#if !FN(is_rw)
static struct lk_cond changed[N_THREADS] = {LK_COND_INIT, LK_COND_INIT, LK_COND_INIT, LK_COND_INIT};
static unsigned turn, n_late;

/* Each in its turn; every other wait has a time limit that is often over. */
static void *take_turns(void *argument) {
  const unsigned mine = *(unsigned *)argument;
  const struct lk_domain here = {{0, 0, 0, 0}};
  struct FN(ctx) ctx;
  if (!FN(ctx_init)(&turns, &ctx, &here)) return NULL;
  FN(lock)(&turns, &ctx);
  for (unsigned i = 0; i < N_TURNS; i++) {
    while (turn != mine) {
      if (i % 2 == 0)
        FN(cond_wait)(&turns, &ctx, &changed[mine % 2]);
      else
        n_late += !FN(cond_wait_until)(&turns, &ctx, &changed[mine % 2], lk_clock_ns() + 50000);
    }
    turn = (turn + 1) % N_THREADS;
    lk_cond_broadcast(&changed[turn % 2]);
  }
  FN(unlock)(&turns, &ctx);
  FN(ctx_destroy)(&turns, &ctx);
  return argument;
}
#endif

static int run(void *(*work)(void *)) {
  pthread_t threads[N_THREADS];
  unsigned numbers[N_THREADS];
  for (unsigned i = 0; i < N_THREADS; i++) {
    numbers[i] = i;
    if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0) return 1;
  }
  int n_failed = 0;
  for (unsigned i = 0; i < N_THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    n_failed += result == NULL;
  }
  return n_failed;
}

int main(void) {
#ifndef INIT
  const struct lk_config config = lk_config_default(N_THREADS, 2);
  if (!FN(init)(&outer, &config) || !FN(init)(&inner, &config) || !FN(init)(&turns, &config)) return 1;
#endif
  int n_failed = run(visit);
  if (n_outer != N_THREADS * N_ROUNDS || n_inner != n_outer) n_failed += printf("%lu visits lost\n", n_outer);
#if !FN(no_trylock)
  ENTER(&outer);
  if (TRYENTER(&outer)) n_failed += printf("a held lock was entered\n");
  LEAVE(&outer);
  if (!TRYENTER(&outer)) n_failed += printf("a free lock was not entered\n");
  LEAVE(&outer);
#endif
#if !FN(is_rw)
  n_failed += run(take_turns);
  if (turn != 0) n_failed += printf("a turn was lost\n");
#endif
  FN(destroy)(&outer);
  FN(destroy)(&inner);
  FN(destroy)(&turns);
  return n_failed > 0;
}
