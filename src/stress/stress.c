// SPDX-License-Identifier: MIT
#include "stress.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/child.h"
#include "machine/nudge.h"
#include "machine/patience.h"
#include "message.h"
#include "stress_disturb.h"
#include "stress_round.h"
#include "stress_step.h"
#include "stress_worker.h"

const char *const stress_verdict_names[STRESS_N_VERDICTS] = {"ok", "broken", "hung", "crashed"};

enum {
  ROUND_NS = 20 * 1000 * 1000,
  STEP_NS = 50 * 1000, /* between two looks of the main thread at its workers */
  MAX_THREADS = 1024,
};

/* Without a single section for so long, those that wait wait for ever; if the lock is known to be broken, no matter. */
static const uint64_t HANG_NS = UINT64_C(5000000000), BROKEN_HANG_NS = 500000000;

static const struct plan {
  unsigned min_per_cpu, max_per_cpu; /* threads */
  unsigned n_locks, n_nested;
  bool has_hogs, has_signals, steps, churns;
} plans[STRESS_N_PHASES] = {
    [STRESS_PAIR] = {1, 1, 1, 1, false, false, false, false},
    [STRESS_CROWD] = {2, 8, 1, 1, false, false, false, false},
    [STRESS_NESTED] = {1, 4, 8, 3, false, false, false, false},
    [STRESS_HOGS] = {1, 2, 1, 1, true, false, false, false},
    [STRESS_SIGNALS] = {1, 4, 1, 1, false, true, false, false},
    [STRESS_STEPS] = {1, 1, 1, 1, false, false, true, false},
    [STRESS_CHURN] = {1, 4, 2, 1, false, false, false, true},
    [STRESS_ALL] = {1, 8, 4, 2, true, true, false, true},
};

_Static_assert(STRESS_MAX_LOCKS >= 8, "the plans ask for so many");

static uint32_t draw(struct random_state *random, uint32_t below) {
  return random_below((uint32_t)(random_next(random) >> 32), below);
}

static unsigned draw_n_threads(const struct plan *plan, struct random_state *random) {
  const unsigned n_cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
  const unsigned n = n_cpus * (plan->min_per_cpu + draw(random, plan->max_per_cpu - plan->min_per_cpu + 1));
  if (plan->steps) return 2 + draw(random, 2); /* with more of them, the next to wait wakes one that was forgotten */
  return n < 2 ? 2 : n > MAX_THREADS ? MAX_THREADS : n;
}

static void make_rooms(struct stress_round *round, struct random_state *random) {
  static const uint32_t spin_pauses[] = {0, 1, 40, 1000};
  struct lk_config config = lk_config_default(round->n_slots, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
  memcpy(config.n_domains, (const unsigned[LK_N_LEVELS]){4, 2, 2, 1}, sizeof config.n_domains);
  config.spin_pauses = spin_pauses[draw(random, 4)];
  round->rooms = stress_memory(round, round->n_locks * sizeof *round->rooms);
  memset(round->rooms, 0, round->n_locks * sizeof *round->rooms);
  for (unsigned i = 0; i < round->n_locks; i++) {
    round->rooms[i].lock = stress_memory(round, round->ops->lock_bytes);
    if (!round->ops->init(round->rooms[i].lock, &config))
      stress_report(round, STRESS_CRASHED, "the lock could not be initialised");
  }
}

static void start_workers(struct stress_round *round, struct random_state *random) {
  round->slots = stress_memory(round, round->n_slots * sizeof *round->slots);
  memset(round->slots, 0, round->n_slots * sizeof *round->slots);
  const uint64_t seed = random_next(random);
  for (unsigned i = 0; i < round->n_slots; i++) {
    struct stress_slot *const slot = &round->slots[i];
    slot->round = round;
    slot->index = i;
    slot->random = random_seed(seed, i);
    slot->thread = stress_thread(round, stress_work, slot);
  }
}

static uint64_t n_sections_of(const struct stress_round *round) {
  uint64_t n = 0;
  for (unsigned i = 0; i < round->n_slots; i++)
    n += atomic_load_explicit(&round->slots[i].n_sections, memory_order_relaxed);
  return n;
}

/* Of those that have not ended, how many wait; nudges them if they can only be spinning (see nudge.h). */
static unsigned look_at_workers(const struct stress_round *round, bool may_nudge, bool *all_ended) {
  const bool only_spins = (round->ops->traits & (LK_SPINS | LK_PARKS)) == LK_SPINS;
  unsigned n_waiting = 0;
  *all_ended = true;
  for (unsigned i = 0; i < round->n_slots; i++) {
    const struct stress_slot *slot = &round->slots[i];
    if (atomic_load_explicit(&slot->has_ended, memory_order_relaxed)) continue;
    *all_ended = false;
    n_waiting += atomic_load_explicit(&slot->waits, memory_order_relaxed);
    const pid_t thread_id = atomic_load_explicit(&slot->thread_id, memory_order_relaxed);
    if (may_nudge && only_spins && thread_id != 0) (void)tgkill(getpid(), thread_id, NUDGE_SIGNAL);
  }
  return n_waiting;
}

static void sleep_step(void) { nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL); }

/* Waits until all have left. False: they do not any more. */
static bool drain(struct stress_round *round) {
  uint64_t n_before = 0;
  struct patience patience = patience_begin();
  for (bool all_ended = false;;) {
    const unsigned n_waiting = look_at_workers(round, true, &all_ended);
    if (all_ended) return true;
    const uint64_t n = n_sections_of(round);
    if (n != n_before) patience = patience_begin();
    n_before = n;
    /* Relaxed: only how patient to be. */
    const bool is_reported = atomic_load_explicit(&round->is_reported, memory_order_relaxed);
    if (patience_spend(&patience, clock_now_ns()) > (is_reported ? BROKEN_HANG_NS : HANG_NS)) {
      stress_report(round, STRESS_HUNG, "%u of %u threads wait, and none has got in for %.0f s", n_waiting,
                    round->n_slots, (double)HANG_NS / 1e9);
      return false;
    }
    sleep_step();
  }
}

static void check_rooms(struct stress_round *round) {
  for (unsigned i = 0; i < round->n_locks; i++) {
    const struct stress_room *room = &round->rooms[i];
    uint64_t n = 0, sum = 0;
    for (unsigned s = 0; s < round->n_slots; s++) {
      n += round->slots[s].n_exclusive[i];
      sum += round->slots[s].sums[i];
    }
    const uint64_t n_counted = atomic_load_explicit(&room->words[0].n_sections, memory_order_relaxed);
    if (n_counted != n)
      stress_report(round, STRESS_BROKEN, "%llu sections counted inside of %llu done", (unsigned long long)n_counted,
                    (unsigned long long)n);
    else if (atomic_load_explicit(&room->checksum, memory_order_relaxed) != sum)
      stress_report(round, STRESS_BROKEN, "the checksum of %llu sections is wrong", (unsigned long long)n);
  }
}

static void add_counts(const struct stress_round *round) {
  struct stress_counts *counts = &round->result->of[round->phase];
  counts->n_rounds++;
  counts->n_sections += n_sections_of(round);
  for (unsigned i = 0; i < round->n_slots; i++) {
    const uint64_t wait_ns = atomic_load_explicit(&round->slots[i].longest_wait_ns, memory_order_relaxed);
    if (wait_ns > counts->longest_wait_ns) counts->longest_wait_ns = wait_ns;
  }
}

static void end_round(struct stress_round *round) {
  for (unsigned i = 0; i < round->n_slots; i++) pthread_join(round->slots[i].thread, NULL);
  check_rooms(round);
  for (unsigned i = 0; i < round->n_locks; i++) {
    round->ops->destroy(round->rooms[i].lock);
    free(round->rooms[i].lock);
  }
  free(round->rooms);
  free(round->slots);
}

/* False: it is over with this lock. */
static bool run_round(const struct lk_ops *ops, struct stress_result *result, enum stress_phase phase,
                      struct random_state *random) {
  static const uint32_t shared_below[] = {0, 32768, 60000, 65000};
  const struct plan *const plan = &plans[phase];
  struct stress_round round = {
      .ops = ops,
      .phase = phase,
      .n_slots = draw_n_threads(plan, random),
      .n_locks = plan->n_locks,
      .n_nested = plan->n_nested,
      .shared_below = shared_below[draw(random, 4)],
      .steps = plan->steps,
      .churns = plan->churns,
      .spares_waiters = draw(random, 2) == 0,
      .result = result,
  };
  make_rooms(&round, random);
  start_workers(&round, random);
  struct stress_hogs hogs = {0};
  if (plan->has_hogs) hogs = stress_start_hogs(&round);
  const uint64_t end_ns = clock_now_ns() + ROUND_NS;
  while (clock_now_ns() < end_ns && !stress_must_stop(&round)) {
    if (plan->has_signals) stress_interrupt(&round, random);
    sleep_step();
  }
  atomic_store_explicit(&round.must_stop, true, memory_order_relaxed);
  stress_join_hogs(&hogs);
  const bool have_all_left = drain(&round);
  add_counts(&round);
  if (!have_all_left) return false;
  end_round(&round);
  return !atomic_load_explicit(&round.is_reported, memory_order_relaxed);
}

struct order {
  const struct lk_ops *lock;
  double time_s;
  struct stress_result *result;
};

static void run_rounds(void *argument) {
  const struct order *order = argument;
  const uint64_t start_ns = clock_now_ns(), end_ns = start_ns + (uint64_t)(order->time_s * 1e9);
  struct random_state random = random_seed(start_ns, (uint64_t)getpid());
  nudge_prepare();
  stress_prepare_interrupts();
  stress_prepare_steps();
  bool is_good = true;
  for (unsigned i = 0; is_good && (i < STRESS_N_PHASES || clock_now_ns() < end_ns); i++)
    is_good = run_round(order->lock, order->result, i % STRESS_N_PHASES, &random);
  if (is_good) order->result->verdict = STRESS_OK;
}

int stress_run(const struct lk_ops *lock, double time_s, struct stress_result *result) {
  /* Rounds of a crowd overrun, a machine may be loaded: run_rounds() is the one that knows a hang when it sees one. */
  const double limit_s = 2 * time_s + 60;
  struct stress_result *shared = child_share(sizeof *shared);
  if (shared == NULL) {
    message_error("cannot prepare the stress: %s", strerror(errno));
    return errno;
  }
  shared->verdict = STRESS_CRASHED;
  struct order order = {.lock = lock, .time_s = time_s, .result = shared};
  struct child_end end;
  const int error = child_run(run_rounds, &order, limit_s, &end);
  if (error != 0) {
    message_error("cannot start a process: %s", strerror(error));
  } else {
    char why[sizeof result->why];
    const bool has_returned = child_has_returned(&end, why, sizeof why);
    *result = *shared;
    if (!has_returned && result->verdict != STRESS_BROKEN) {
      result->verdict = end.is_in_time ? STRESS_CRASHED : STRESS_HUNG;
      memcpy(result->why, why, sizeof why);
    }
  }
  child_unshare(shared, sizeof *shared);
  return error;
}
