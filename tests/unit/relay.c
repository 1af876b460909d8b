// SPDX-License-Identifier: MIT
/*
 * The bound of `relay`, in time: by a clock that stands still until the test moves it, each waiter is in line when its
 * patience is over, and not before; is overtaken for a tenure after the one before it and no longer, however often
 * another comes again; and they are served in the order of their arrival. Who runs on the owner's CPU is in line after
 * one yield. So no speed of this machine decides, and nothing of where it lets a thread run.
 */
#define LK_CLOCK_H /* our clock and our CPUs instead of the real ones */
#define LK_CPU_H

#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include "lk_arch.h"
#include "sleep.h"

static _Atomic(uint64_t) clock_ns = 1;

static inline uint64_t lk_clock_ns(void) { return atomic_load_explicit(&clock_ns, memory_order_relaxed); }

static inline void lk_clock_pause_until(uint64_t time_ns) {
  do sleep_us(10);
  while (lk_clock_ns() < time_ns);
}

static _Thread_local unsigned n_yields; /* an heir pauses, or naps */

static inline void lk_clock_yield_until(uint64_t time_ns) {
  n_yields++;
  lk_clock_pause_until(time_ns);
}

static _Thread_local uint32_t cpu; /* the owner's: 0 */

static inline uint32_t lk_cpu(void) { return cpu; }

#include "relay.h"

enum { N_WAITERS = 6, N_AGAIN = 100, N_LOOKS = 50 };

static struct lk_relay lock = LK_RELAY_INIT;
static struct lk_relay_ctx ctx;
static _Atomic(unsigned) n_served;
static unsigned order[N_WAITERS], yields[N_WAITERS]; /* protected by the lock */

static void let_pass(uint64_t ns) { atomic_fetch_add_explicit(&clock_ns, ns, memory_order_relaxed); }

static unsigned served(void) { return atomic_load_explicit(&n_served, memory_order_acquire); }

static uintptr_t line(void) { return atomic_load_explicit(&lock.line, memory_order_relaxed); }

static bool is_called(void) { return atomic_load_explicit(&lock.call, memory_order_relaxed) & LK_RELAY_WANTED; }

/* Of two waiters one. The first is not: with nobody in line it would be the heir whenever it came. */
static bool is_on_owners_cpu(unsigned number) { return number % 2 == 1; }

static void *wait_in_line(void *argument) {
  const unsigned number = (unsigned)(uintptr_t)argument;
  cpu = is_on_owners_cpu(number) ? 0 : 1;
  lk_relay_lock(&lock, &ctx);
  order[served()] = number;
  yields[number] = n_yields;
  atomic_fetch_add_explicit(&n_served, 1, memory_order_release);
  lk_relay_unlock(&lock, &ctx);
  return NULL;
}

/* The clock goes on by a look at a time, so that a waiter sees what has happened. */
static void wait_a_look(void) {
  sleep_us(10);
  let_pass(LK_RELAY_LOOK_NS);
}

/* The lock is ours: its line grows by one, the heir first. While there is an heir, others look until their patience is
   over, or until they find that they run where we do. */
static void start(pthread_t *thread, unsigned number) {
  const uintptr_t before = line();
  if (pthread_create(thread, NULL, wait_in_line, (void *)(uintptr_t)number) != 0) abort();
  if (is_on_owners_cpu(number)) {
    while (line() == before) wait_a_look();
    return;
  }
  for (int i = 0; i < N_LOOKS; i++) wait_a_look();
  if (number > 0 && N_LOOKS * LK_RELAY_LOOK_NS < LK_RELAY_PATIENCE_NS) CHECK_EQ(before, line());
  while (line() == before) {
    sleep_us(10);
    let_pass(LK_RELAY_PATIENCE_NS);
  }
}

/* We come again and again, in no time: the heir may find the lock free and get in, or not. */
static void come_again(void) {
  const unsigned n = served();
  for (int i = 0; i < N_AGAIN && served() == n; i++) {
    lk_relay_unlock(&lock, &ctx);
    while (!lk_relay_trylock(&lock, &ctx)) wait_a_look();
  }
}

static void check_bound(void) {
  pthread_t threads[N_WAITERS];
  lk_relay_lock(&lock, &ctx);
  for (unsigned i = 0; i < N_WAITERS; i++) start(&threads[i], i);
  for (unsigned n = 0; n < N_WAITERS; n = served()) {
    check_about("after %u of %u", n, N_WAITERS);
    come_again();
    if (served() > n) continue;
    let_pass(LK_RELAY_TENURE_NS);
    while (!is_called()) sleep_us(10);
    lk_relay_unlock(&lock, &ctx);
    /* It is the heir's, whether that runs or not: no try gets in before it. */
    while (!lk_relay_trylock(&lock, &ctx)) wait_a_look();
    if (!CHECK(served() > n)) break;
  }
  lk_relay_unlock(&lock, &ctx);
  for (unsigned i = 0; i < N_WAITERS; i++) pthread_join(threads[i], NULL);
  check_about("order");
  for (unsigned i = 0; i < N_WAITERS; i++) CHECK_EQ(i, order[i]);
  for (unsigned i = 0; i < N_WAITERS; i++)
    if (is_on_owners_cpu(i)) CHECK_EQ(1, yields[i]);
}

int main(void) {
  check_bound();
  CHECK_EQ(0, line());
  CHECK_EQ(0, atomic_load_explicit(&lock.call, memory_order_relaxed));
  CHECK(sizeof lock <= 16);
  return check_result();
}
