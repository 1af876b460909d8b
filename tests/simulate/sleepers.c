// SPDX-License-Identifier: MIT
/* futex(2) in the model: who sleeps is woken in order or by the time, locks with priority inheritance are handed on,
   and when all sleep the simulation says so. The bodies of these threads call the kernel's part themselves. */
#include <errno.h>
#include <linux/futex.h>

#include "check.h"
#include "simulate/arena.h"
#include "simulate/line.h"
#include "simulate/sleepers.h"
#include "two_sockets.h"

static struct two_sockets machine;
static volatile uint32_t *word;
static unsigned n_woken, woken[8];
static long results[8];

enum { US = 1000000 }; /* in ps */

/* A system in which thread i runs bodies[i] on CPU i % n_cpus, as far as it comes. */
static enum system_end run_on(unsigned n_cpus, unsigned n_threads, void (*const *bodies)(void *)) {
  n_woken = 0;
  *word = 0;
  CHECK(line_begin(&machine.model, 1));
  CHECK_EQ(0, system_begin(&machine.model, n_threads, 1));
  for (unsigned i = 0; i < n_threads; i++) CHECK_EQ(0, system_start_thread(bodies[i], NULL, i % n_cpus, 0));
  return system_run((int64_t)1000 * US);
}

static enum system_end run(unsigned n_threads, void (*const *bodies)(void *)) {
  return run_on(machine.model.n_cpus, n_threads, bodies);
}

static void sleep_on_word(void *unused) {
  (void)unused;
  const unsigned id = guests.current->id;
  guests.current->now_ps += id * US; /* one behind the other */
  system_sync();
  results[id] = futex_wait(word, 0, INT64_MAX);
  woken[n_woken++] = id;
}

static void sleep_for_a_while(void *unused) {
  (void)unused;
  const int64_t deadline_ps = guests.current->now_ps + 50 * US;
  results[guests.current->id] = futex_wait(word, 0, deadline_ps);
  CHECK(guests.current->now_ps >= deadline_ps);
}

static void find_another_value(void *unused) {
  (void)unused;
  results[guests.current->id] = futex_wait(word, 1, INT64_MAX);
}

/* When the others sleep: two of them, and then the rest. */
static void wake_two_and_all(void *unused) {
  (void)unused;
  guests.current->now_ps += 20 * US;
  system_sync();
  CHECK_EQ(2, futex_wake(word, 2));
  guests.current->now_ps += 20 * US;
  system_sync();
  CHECK_EQ(2, n_woken);
  CHECK_EQ(1, futex_wake(word, 7));
  CHECK_EQ(0, futex_wake(word, 7));
}

/* Until the time of who sleeps for a while is up, who then waits for this CPU. */
static void compute_and_wake_all(void *unused) {
  (void)unused;
  guests.current->now_ps += 100 * US;
  system_sync();
  CHECK_EQ(1, futex_wake(word, 7));
}

static void take_and_hand_on(void *unused) {
  (void)unused;
  const unsigned id = guests.current->id;
  guests.current->now_ps += id * US;
  system_sync();
  CHECK_EQ(0, futex_lock_pi(word));
  CHECK_EQ(futex_thread_id(), *word & FUTEX_TID_MASK);
  guests.current->now_ps += 20 * US;
  system_sync();
  woken[n_woken++] = id;
  CHECK_EQ(0, futex_unlock_pi(word));
  CHECK_EQ(-EPERM, futex_unlock_pi(word)); /* it is not ours any more */
}

int main(void) {
  two_sockets_make(&machine, two_sockets_json);
  CHECK_EQ(0, arena_open());
  word = arena_take(ARENA_LINE_BYTES, ARENA_LINE_BYTES);

  CHECK_EQ(SYSTEM_ALL_OVER,
           run(4, (void (*const[])(void *)){sleep_on_word, sleep_on_word, sleep_on_word, wake_two_and_all}));
  CHECK(n_woken == 3 && woken[0] == 0 && woken[1] == 1 && woken[2] == 2);

  CHECK_EQ(SYSTEM_ALL_OVER, run(1, (void (*const[])(void *)){sleep_for_a_while}));
  CHECK_EQ(-ETIMEDOUT, results[0]);
  CHECK_EQ(SYSTEM_ALL_OVER,
           run_on(1, 3, (void (*const[])(void *)){sleep_for_a_while, sleep_on_word, compute_and_wake_all}));
  CHECK(results[0] == -ETIMEDOUT && results[1] == 0 && n_woken == 1);
  CHECK_EQ(SYSTEM_ALL_OVER, run(1, (void (*const[])(void *)){find_another_value}));
  CHECK_EQ(-EAGAIN, results[0]);

  CHECK_EQ(SYSTEM_ALL_OVER, run(3, (void (*const[])(void *)){take_and_hand_on, take_and_hand_on, take_and_hand_on}));
  CHECK(n_woken == 3 && woken[0] == 0 && woken[1] == 1 && woken[2] == 2);
  CHECK_EQ(0, *word);

  CHECK_EQ(SYSTEM_ALL_ASLEEP, run(2, (void (*const[])(void *)){sleep_on_word, sleep_on_word})); /* last: two stay */
  CHECK(guests.threads[0].sleeps_on == word);
  return check_result();
}
