// SPDX-License-Identifier: MIT
#include "line_transfer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "clock.h"
#include "sorting.h"

enum { N_BATCHES = 400, ROUND_TRIPS_PER_BATCH = 50, DURATION_NS = 2 * 1000 * 1000, LIMIT_NS = 10 * 1000 * 1000 };

struct court {
  _Alignas(LK_LINE_BYTES) _Atomic(uint32_t) ball; /* odd: on its way to b; even: on its way back */
  /* No value of the ball: one that is returned too late would overwrite it. */
  _Alignas(LK_LINE_BYTES) _Atomic(bool) is_over;
  _Alignas(LK_LINE_BYTES) const struct topology *topology;
  unsigned cpu_a, cpu_b;
  _Atomic(uint32_t) n_ready;
  _Atomic(int) error;
  double one_way_ns;
};

/* Binds the thread and waits for the other. No pause in any of these loops: it would be measured too. */
static int take_side(struct court *court, unsigned cpu) {
  const int error = topology_bind_self(court->topology, cpu);
  if (error != 0) atomic_store_explicit(&court->error, error, memory_order_relaxed);
  /* Acquire and release: a thread that sees the other ready sees its error too. */
  atomic_fetch_add_explicit(&court->n_ready, 1, memory_order_acq_rel);
  while (atomic_load_explicit(&court->n_ready, memory_order_acquire) != 2) {
  }
  return atomic_load_explicit(&court->error, memory_order_relaxed);
}

static void *return_balls(void *argument) {
  struct court *court = argument;
  if (take_side(court, court->cpu_b) != 0) return NULL;
  for (uint32_t last = 0;;) {
    /* Acquire and release on both sides: the ball carries nothing else, but a real hand-off would. */
    const uint32_t ball = atomic_load_explicit(&court->ball, memory_order_acquire);
    if (ball == last || ball % 2 == 0) {
      if (atomic_load_explicit(&court->is_over, memory_order_relaxed)) return NULL; /* it only ends the loop */
      continue;
    }
    last = ball + 1;
    atomic_store_explicit(&court->ball, last, memory_order_release);
  }
}

/* False if it does not come back in time: then another process has the other thread's CPU. */
static bool wait_for(const _Atomic(uint32_t) *ball, uint32_t wanted, uint64_t limit_ns) {
  do {
    for (unsigned i = 0; i < 100000; i++)
      if (atomic_load_explicit(ball, memory_order_acquire) == wanted) return true; /* as in return_balls */
  } while (clock_now_ns() < limit_ns);
  return false;
}

static void *serve_balls(void *argument) {
  struct court *court = argument;
  if (take_side(court, court->cpu_a) != 0) return NULL;
  double one_way_ns[N_BATCHES];
  unsigned n_batches = 0;
  uint32_t ball = 0;
  const uint64_t start_ns = clock_now_ns();
  bool is_in_time = true;
  for (uint64_t now_ns = start_ns; n_batches < N_BATCHES && now_ns - start_ns < DURATION_NS;) {
    for (int i = 0; i < ROUND_TRIPS_PER_BATCH && is_in_time; i++, ball += 2) {
      atomic_store_explicit(&court->ball, ball + 1, memory_order_release); /* as in return_balls */
      is_in_time = wait_for(&court->ball, ball + 2, start_ns + LIMIT_NS);
    }
    if (!is_in_time) break;
    const uint64_t end_ns = clock_now_ns();
    one_way_ns[n_batches++] = (double)(end_ns - now_ns) / (2 * ROUND_TRIPS_PER_BATCH);
    now_ns = end_ns;
  }
  atomic_store_explicit(&court->is_over, true, memory_order_relaxed); /* as in return_balls */
  sort_reals(one_way_ns, n_batches);
  if (n_batches > 0) court->one_way_ns = one_way_ns[n_batches / 2];
  return NULL;
}

double line_transfer_ns(const struct topology *topology, unsigned a, unsigned b) {
  if (topology->cpus[a].os_index == topology->cpus[b].os_index) return NAN;
  struct court court = {.topology = topology, .cpu_a = a, .cpu_b = b, .one_way_ns = NAN};
  pthread_t server, returner;
  if (pthread_create(&server, NULL, serve_balls, &court) != 0) return NAN;
  if (pthread_create(&returner, NULL, return_balls, &court) != 0) {
    atomic_store_explicit(&court.error, EAGAIN, memory_order_relaxed);
    atomic_fetch_add_explicit(&court.n_ready, 1, memory_order_acq_rel); /* as in take_side */
  } else {
    pthread_join(returner, NULL);
  }
  pthread_join(server, NULL);
  return court.one_way_ns;
}
