// SPDX-License-Identifier: MIT
/* The longest run of one owner counts what lies in the window, whatever came before and comes after. */
#include "trial/worker.h"

#include "check.h"

enum { N_WORKERS = 2, NO_WORKER = N_WORKERS };

static struct workload_state state;
static struct worker workers[N_WORKERS];
static const uint8_t classes[N_WORKERS][N_WORKERS + 1] = {{HANDOFF_NONE, DISTANCE_LLC, HANDOFF_NONE},
                                                          {DISTANCE_LLC, HANDOFF_NONE, HANDOFF_NONE}};

static void begin(void) {
  memset(&state, 0, sizeof state);
  memset(workers, 0, sizeof workers);
  state.owner_tag = NO_WORKER;
  for (unsigned i = 0; i < N_WORKERS; i++) {
    workers[i].index = i;
    workers[i].handoff_class = classes[i];
  }
}

static void sections(unsigned worker, enum phase phase, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    worker_enter(&workers[worker], &state, (uint32_t)phase << 16 | worker);
    state.n_sections++;
  }
}

static uint64_t longest(void) {
  uint64_t longest = 0;
  for (unsigned i = 0; i < N_WORKERS; i++) {
    const uint64_t run = atomic_load_explicit(&workers[i].counts.longest_run, memory_order_relaxed);
    if (run > longest) longest = run;
  }
  return longest;
}

static void the_warm_up_does_not_count(void) {
  begin();
  sections(0, PHASE_WARMUP, 1000);
  sections(1, PHASE_WARMUP, 1000);
  sections(0, PHASE_WARMUP, 1);
  for (unsigned i = 0; i < 10; i++) sections(i % 2, PHASE_WINDOW, 1);
  sections(0, PHASE_CLOSED, 1);
  CHECK_EQ(1, longest());
}

/* A run over an edge of the window is cut there, also where the owner stays the same. */
static void runs_are_cut_at_the_edges(void) {
  begin();
  sections(0, PHASE_WARMUP, 1000);
  sections(0, PHASE_WINDOW, 7);
  sections(1, PHASE_WINDOW, 3);
  CHECK_EQ(7, longest());
  sections(0, PHASE_WINDOW, 1);
  sections(1, PHASE_WINDOW, 9);
  sections(1, PHASE_CLOSED, 1000);
  sections(0, PHASE_CLOSED, 1);
  CHECK_EQ(9, longest());
}

/* The owner's own change of phase is no hand-off. */
static void who_goes_on_is_no_other_owner(void) {
  begin();
  sections(0, PHASE_WARMUP, 2);
  sections(0, PHASE_WINDOW, 2);
  CHECK_EQ(0, atomic_load_explicit(&workers[0].counts.n_handoffs[DISTANCE_LLC], memory_order_relaxed));
  sections(1, PHASE_WINDOW, 2);
  CHECK_EQ(1, atomic_load_explicit(&workers[1].counts.n_handoffs[DISTANCE_LLC], memory_order_relaxed));
}

int main(void) {
  the_warm_up_does_not_count();
  runs_are_cut_at_the_edges();
  who_goes_on_is_no_other_owner();
  return check_result();
}
