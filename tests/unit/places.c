// SPDX-License-Identifier: MIT
/*
 * Everything that a trial touches lies at a line of a page that differs from trial to trial, and not with the same
 * seed.
 */
#include "anderson.h"
#include "check.h"
#include "machine/child.h"
#include "machine/clock.h"
#include "trial/memory.h"
#include "trial/trial.h"
#include "trial/worker.h"

enum { LOCK, CONTEXT, WORKER, SIGNAL, STACK, HEAP, N_PIECES };

static const char *const names[N_PIECES] = {"lock", "context", "worker", "signal", "stack", "heap"};

/* What a trial tells of its worker. */
static uintptr_t *places;
static const struct lk_ops *anderson; /* which takes memory of its own from the heap */

static void watch_work(struct worker *worker) {
  places[LOCK] = (uintptr_t)worker->locks;
  places[CONTEXT] = (uintptr_t)worker->contexts;
  places[WORKER] = (uintptr_t)worker;
  places[SIGNAL] = (uintptr_t)worker->signal;
  places[STACK] = (uintptr_t)__builtin_frame_address(0) / LK_LINE_BYTES * LK_LINE_BYTES;
  places[HEAP] = (uintptr_t)((struct lk_anderson *)(void *)worker->locks)->slots;
  anderson->work(worker);
}

static void run(const struct topology *topology, const struct placement *placement, uint64_t seed) {
  struct lk_ops spy = *anderson;
  spy.work = watch_work;
  const struct trial trial = {
      .lock = &spy,
      .workload = {.n_threads = 1, .n_keys = 5, .n_locks = 1},
      .topology = topology,
      .placement = placement,
      .duration_s = 0.001,
      .pause_ns = 10,
      .timeout_s = 30,
      .seed = seed,
  };
  struct trial_result result;
  memset(places, 0, N_PIECES * sizeof *places);
  CHECK_EQ(0, trial_run(&trial, true, &result, NULL));
  CHECK(result.status == TRIAL_OK || result.status == TRIAL_NOISY); /* noisy: the machine is loaded, no matter here */
}

enum { N_TRIALS = 120 };

/* Of 32 lines, 120 draws meet 31 on average. */
static void each_piece_is_everywhere(const struct topology *topology, const struct placement *placement) {
  bool is_met[N_PIECES][MEMORY_LINES_PER_PAGE] = {{false}};
  unsigned n_alike = 0;
  for (uint64_t seed = 0; seed < N_TRIALS; seed++) {
    run(topology, placement, seed);
    for (unsigned i = 0; i < N_PIECES; i++) {
      CHECK_EQ(0, places[i] % LK_LINE_BYTES);
      is_met[i][places[i] % MEMORY_PAGE_BYTES / LK_LINE_BYTES] = true;
    }
    n_alike += places[LOCK] % MEMORY_PAGE_BYTES == places[CONTEXT] % MEMORY_PAGE_BYTES;
  }
  for (unsigned i = 0; i < N_PIECES; i++) {
    unsigned n_met = 0;
    for (unsigned line = 0; line < MEMORY_LINES_PER_PAGE; line++) n_met += is_met[i][line];
    check_that(n_met >= 24, __FILE__, __LINE__, "the %s lay at %u lines of %d only", names[i], n_met,
               MEMORY_LINES_PER_PAGE);
  }
  CHECK(n_alike < 30); /* each by itself: 4 are expected */
}

static void a_seed_is_a_layout(const struct topology *topology, const struct placement *placement) {
  uintptr_t first[N_PIECES];
  run(topology, placement, 7);
  memcpy(first, places, sizeof first);
  run(topology, placement, 7);
  for (unsigned i = 0; i < N_PIECES; i++) CHECK_EQ(first[i] % MEMORY_PAGE_BYTES, places[i] % MEMORY_PAGE_BYTES);
}

enum { N_NEIGHBOURS = 3 };

static void watch_neighbours(struct worker *worker) {
  places[worker->index] = (uintptr_t)worker->contexts;
  worker->contexts[worker->context_bytes - 1] = 0; /* it is there to the end */
  registry_find("seqlock")->work(worker);
}

/* The contexts of two threads have no line in common, however small they are. */
static void neighbours_share_no_line(const struct topology *topology, const struct placement *placement) {
  struct lk_ops spy = *registry_find("seqlock");
  spy.work = watch_neighbours;
  CHECK(spy.ctx_bytes < LK_LINE_BYTES / 2);
  for (uint64_t seed = 0; seed < 8; seed++) {
    const struct trial trial = {
        .lock = &spy,
        .workload = {.n_threads = N_NEIGHBOURS, .n_keys = 5, .n_locks = 2},
        .topology = topology,
        .placement = placement,
        .duration_s = 0.001,
        .pause_ns = 10,
        .timeout_s = 30,
        .seed = seed,
    };
    struct trial_result result;
    CHECK_EQ(0, trial_run(&trial, true, &result, NULL));
    for (unsigned i = 0; i < N_NEIGHBOURS; i++) {
      CHECK(places[i] != 0 && places[i] % LK_LINE_BYTES == 0);
      for (unsigned j = 0; j < i; j++) {
        const uintptr_t distance = places[i] > places[j] ? places[i] - places[j] : places[j] - places[i];
        CHECK(distance >= trial.workload.n_locks * (uintptr_t)LK_LINE_BYTES);
      }
    }
    memset(places, 0, N_PIECES * sizeof *places);
  }
}

/* What a trial may take is said before, the gaps included. */
static void the_gaps_are_counted(const struct topology *topology) {
  const struct workload few = {.n_threads = 1, .n_keys = 5, .n_locks = 1},
                        many = {.n_threads = 101, .n_keys = 5, .n_locks = 1};
  const double per_thread =
      (trial_memory_bytes(anderson, &many, topology) - trial_memory_bytes(anderson, &few, topology)) / 100;
  CHECK(per_thread >= 3 * (MEMORY_PAGE_BYTES - LK_LINE_BYTES));
  CHECK(memory_cost(1000) >= 1000 + (MEMORY_LINES_PER_PAGE - 1) * LK_LINE_BYTES);
}

int main(void) {
  struct topology topology;
  struct placement placement;
  char why[256];
  clock_calibrate();
  anderson = registry_find("anderson");
  if (!CHECK_EQ(0, topology_load(&topology))) return check_result();
  if (!CHECK_EQ(0, placement_make(&placement, &topology, "none", why, sizeof why))) return check_result();
  places = child_share(N_PIECES * sizeof *places);
  if (!CHECK(places != NULL)) return check_result();
  each_piece_is_everywhere(&topology, &placement);
  a_seed_is_a_layout(&topology, &placement);
  neighbours_share_no_line(&topology, &placement);
  the_gaps_are_counted(&topology);
  child_unshare(places, N_PIECES * sizeof *places);
  placement_free(&placement);
  topology_free(&topology);
  return check_result();
}
