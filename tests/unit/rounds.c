// SPDX-License-Identifier: MIT
/*
 * `rounds`: a thread that holds the lock lets others line up, gives it back and asks for it again, and again. Each time
 * it may overtake one that was in line before, but no one twice. (How often all together overtake a waiter is counted
 * by the conformance client.) And nothing is left of a crowd when it is served.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "rounds.h"
#include "sleep.h"

enum { N_OTHERS = 3, N_ROUNDS = 200, N_CROWD = 8, N_TIMES = 300 };

static struct lk_rounds lock = LK_ROUNDS_INIT;
static struct lk_rounds_ctx ctx;
static unsigned n_served[N_OTHERS]; /* protected by the lock, as what follows */
static bool is_over;
static unsigned n_all;

static uint64_t n_in_line(void) {
  const uint64_t state = atomic_load_explicit(&lock.state, memory_order_relaxed);
  return lk_rounds_n_waiting(state) + lk_rounds_n_waiting(lk_rounds_turn(state));
}

static void *come_again(void *argument) {
  const unsigned index = (unsigned)(uintptr_t)argument;
  for (bool goes_on = true; goes_on;) {
    lk_rounds_lock(&lock, &ctx);
    n_served[index]++;
    goes_on = !is_over;
    lk_rounds_unlock(&lock, &ctx);
  }
  return NULL;
}

static void check_rounds(void) {
  pthread_t threads[N_OTHERS];
  lk_rounds_lock(&lock, &ctx);
  for (unsigned i = 0; i < N_OTHERS; i++)
    if (pthread_create(&threads[i], NULL, come_again, (void *)(uintptr_t)i) != 0) abort();
  unsigned n_overtaken[N_OTHERS] = {0}; /* in its wait, by us */
  bool is_right = true;
  for (unsigned round = 0; round < N_ROUNDS && is_right; round++) {
    while (n_in_line() < N_OTHERS) sleep_us(10);
    if (round % 2 == 0) sleep_us(100); /* by then they sleep, if they do not look for long */
    unsigned before[N_OTHERS];
    memcpy(before, n_served, sizeof before);
    lk_rounds_unlock(&lock, &ctx);
    lk_rounds_lock(&lock, &ctx);
    check_about("round %u", round);
    for (unsigned i = 0; i < N_OTHERS; i++) {
      n_overtaken[i] = n_served[i] > before[i] ? 0 : n_overtaken[i] + 1;
      is_right = CHECK(n_overtaken[i] <= 1) && is_right;
    }
  }
  is_over = true;
  lk_rounds_unlock(&lock, &ctx);
  for (unsigned i = 0; i < N_OTHERS; i++) pthread_join(threads[i], NULL);
}

static void *come_often(void *argument) {
  for (unsigned i = 0; i < N_TIMES; i++) {
    lk_rounds_lock(&lock, &ctx);
    n_all++;
    if (i % 16 == 0) sched_yield(); /* so that others find it taken */
    lk_rounds_unlock(&lock, &ctx);
  }
  return argument;
}

static void check_crowd(void) {
  pthread_t threads[N_CROWD];
  for (unsigned i = 0; i < N_CROWD; i++)
    if (pthread_create(&threads[i], NULL, come_often, NULL) != 0) abort();
  for (unsigned i = 0; i < N_CROWD; i++) pthread_join(threads[i], NULL);
  check_about("crowd");
  CHECK_EQ(N_CROWD * N_TIMES, n_all);
}

int main(void) {
  check_rounds();
  check_crowd();
  CHECK_EQ(0, atomic_load_explicit(&lock.state, memory_order_relaxed));
  for (unsigned side = 0; side < 2; side++) CHECK_EQ(0, atomic_load_explicit(&lock.calls[side], memory_order_relaxed));
  CHECK(sizeof lock <= 16);
  const struct lk_config most = lk_config_default(LK_ROUNDS_MOST, 1),
                         too_many = lk_config_default(LK_ROUNDS_MOST + 1, 1);
  CHECK(lk_rounds_init(&lock, &most));
  CHECK(!lk_rounds_init(&lock, &too_many));
  return check_result();
}
