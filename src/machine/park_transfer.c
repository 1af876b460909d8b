// SPDX-License-Identifier: MIT
#include "park_transfer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "child.h"
#include "clock.h"
#include "lk_wait.h"
#include "message.h"
#include "sorting.h"

enum { MIN_ROUNDS = 10, MIN_ROUNDS_P99 = 100, MAX_ROUNDS = 2000 };
enum { DURATION_NS = 20 * 1000 * 1000, MAX_DURATION_NS = 250 * 1000 * 1000 };
enum { MAX_MEDIAN_NS = 2 * 1000 * 1000 }; /* a longer round trip waits for the time slices of other programs */
static const double LIMIT_S = 5;          /* something hangs: no load makes a round so long */

enum holder { SERVER, RETURNER };

struct court {
  _Atomic(uint32_t) token; /* its enum holder; the other sleeps on it */
  /* The holder of the token reads and writes these; it orders them. */
  bool is_over, returner_slept;
  int error;
  const struct topology *topology;
  unsigned cpu_b;
};

/* What the child is sent for. */
struct errand {
  const struct topology *topology;
  unsigned cpu_a, cpu_b;
  struct park_transfer result;
};

static void pass_token(struct court *court, enum holder to) {
  /* Release: pairs with the acquire in await_token. */
  atomic_store_explicit(&court->token, to, memory_order_release);
  lk_wait_wake_one(&court->token);
}

/* Returns whether it slept until the token came. If not, what was passed on was no parked hand-off. */
static bool await_token(struct court *court, enum holder self) {
  bool has_slept = false;
  uint32_t holder;
  /* Acquire: pairs with the release in pass_token. */
  while ((holder = atomic_load_explicit(&court->token, memory_order_acquire)) != self) {
    errno = 0;
    lk_wait_sleep(&court->token, holder);
    has_slept = errno == 0; /* EAGAIN: the token came before the kernel could put it to sleep */
  }
  return has_slept;
}

static void *return_token(void *argument) {
  struct court *court = argument;
  court->error = topology_bind_self(court->topology, court->cpu_b);
  for (;;) {
    pass_token(court, SERVER);
    court->returner_slept = await_token(court, RETURNER);
    if (court->is_over) return NULL;
  }
}

/*
 * Returns how many round trips were timed. The server alone ends the game, and only while it holds the token: there is
 * no end that a late token could overwrite, or that a sleeping returner could miss.
 */
static unsigned play(struct court *court, uint64_t *round_ns) {
  unsigned n_rounds = 0;
  await_token(court, SERVER);
  const uint64_t start_ns = clock_now_ns();
  for (uint64_t now_ns = start_ns; court->error == 0 && n_rounds < MAX_ROUNDS;) {
    const uint64_t played_ns = now_ns - start_ns;
    if (played_ns >= (n_rounds < MIN_ROUNDS ? MAX_DURATION_NS : DURATION_NS)) break;
    pass_token(court, RETURNER);
    const bool has_slept = await_token(court, SERVER);
    const uint64_t end_ns = clock_now_ns();
    if (has_slept && court->returner_slept) round_ns[n_rounds++] = end_ns - now_ns;
    now_ns = end_ns;
  }
  court->is_over = true;
  pass_token(court, RETURNER);
  return n_rounds;
}

/* Woken on the waker's own CPU, a thread may push it aside before it sleeps. One of this class never does. */
static void let_waker_go_on(void) { (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}); }

static void serve_token(void *argument) {
  struct errand *errand = argument;
  struct court court = {.token = RETURNER, .topology = errand->topology, .cpu_b = errand->cpu_b};
  uint64_t round_ns[MAX_ROUNDS];
  pthread_t returner;
  if (errand->cpu_a == errand->cpu_b) let_waker_go_on(); /* inherited by the returner */
  if (topology_bind_self(errand->topology, errand->cpu_a) != 0) return;
  if (pthread_create(&returner, NULL, return_token, &court) != 0) return;
  const unsigned n_rounds = play(&court, round_ns);
  pthread_join(returner, NULL);
  sort_counts(round_ns, n_rounds);
  if (n_rounds < MIN_ROUNDS || round_ns[n_rounds / 2] > MAX_MEDIAN_NS) return;
  errand->result.one_way_ns = (double)round_ns[n_rounds / 2] / 2;
  if (n_rounds >= MIN_ROUNDS_P99) errand->result.one_way_p99_ns = (double)round_ns[n_rounds * 99 / 100] / 2;
}

struct park_transfer park_transfer_measure(const struct topology *topology, unsigned a, unsigned b) {
  const struct park_transfer nothing = {.one_way_ns = NAN, .one_way_p99_ns = NAN};
  struct child_end end;
  char why[128];
  struct errand *errand = child_share(sizeof *errand);
  if (errand == NULL) return nothing;
  *errand = (struct errand){.topology = topology, .cpu_a = a, .cpu_b = b, .result = nothing};
  const int error = child_run(serve_token, errand, LIMIT_S, &end);
  if (error != 0)
    message_warning("the parked hand-off between CPUs %u and %u is left empty: cannot start a process: %s",
                    topology->cpus[a].os_index, topology->cpus[b].os_index, strerror(error));
  else if (!child_has_returned(&end, why, sizeof why))
    message_warning("the parked hand-off between CPUs %u and %u is left empty: its process %s",
                    topology->cpus[a].os_index, topology->cpus[b].os_index, why);
  const struct park_transfer result = errand->result;
  child_unshare(errand, sizeof *errand);
  return result;
}
