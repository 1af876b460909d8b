// SPDX-License-Identifier: MIT
#include "replay.h"

#include <sched.h>

/*
 * A thread that is away from its locks for so long has most likely slept, and does not mind to be woken by a timer.
 * That is late by some 50 us; where the worker has a CPU to itself it gets up early and spins for the rest.
 */
static const double NEAR_NS = 1e6, OWN_EARLY_NS = 0.5e6;

/* One that has slept, as is known, has done so for less too: what others need is its CPU. */
static const double SLEPT_NEAR_NS = 100e3, SLEPT_EARLY_NS = 60e3;

static struct replay_time scaled(struct replay_time time, double ticks_per_ns) {
  const double ticks = time.length * ticks_per_ns + 0.5;
  time.length = ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
  return time;
}

void replay_scale(const struct replay *replay, double gap_scale, double hold_scale, struct replay_section *table) {
  for (uint32_t i = 0; i < replay->n_sections; i++)
    table[i] = (struct replay_section){
        .place = replay->sections[i].place,
        .gap = scaled(replay->sections[i].gap, gap_scale / clock_scale.ns_per_tick),
        .hold = scaled(replay->sections[i].hold, hold_scale / clock_scale.ns_per_tick),
    };
}

/*
 * A worker has the runs of every n_workers-th of the program's threads; where these are fewer than the workers, several
 * workers have the same.
 */
static uint32_t take_runs(const struct replay *replay, unsigned index, unsigned n_workers, struct replay_span *runs) {
  uint32_t n = 0;
  for (uint32_t s = index % replay->n_sources; s < replay->n_sources; s += n_workers)
    for (uint32_t i = 0; i < replay->sources[s].n; i++, n++)
      if (runs != NULL) runs[n] = replay->runs[replay->sources[s].first + i];
  return n;
}

uint32_t replay_most_runs(const struct replay *replay, unsigned n_workers) {
  uint32_t most = 0;
  for (unsigned index = 0; index < n_workers && index < replay->n_sources; index++) {
    const uint32_t n = take_runs(replay, index, n_workers, NULL);
    if (n > most) most = n;
  }
  return most;
}

static uint64_t ticks_of(const struct replay_section *section) {
  return (uint64_t)section->gap.length + section->hold.length;
}

/* The moment `at` of all the time in the cursor's runs; in a section it is that of the section's beginning. */
static void move_to(struct replay_cursor *cursor, uint64_t at) {
  for (uint32_t r = 0; r < cursor->n_runs; r++) {
    cursor->next = cursor->sections + cursor->runs[r].first;
    cursor->end = cursor->next + cursor->runs[r].n;
    for (; cursor->next < cursor->end; cursor->next++) {
      if (at < ticks_of(cursor->next)) {
        cursor->passed = at < cursor->next->gap.length ? at : cursor->next->gap.length;
        return;
      }
      at -= ticks_of(cursor->next);
    }
  }
}

static struct replay_patience patience_of(bool has_own_cpu) {
  const struct await unknown = {.near_ticks = clock_ns_to_ticks(NEAR_NS),
                                .early_ticks = has_own_cpu ? clock_ns_to_ticks(OWN_EARLY_NS) : 0};
  const struct await asleep = {.near_ticks = clock_ns_to_ticks(SLEPT_NEAR_NS),
                               .early_ticks = clock_ns_to_ticks(SLEPT_EARLY_NS)};
  return (struct replay_patience){.unknown = unknown, .asleep = has_own_cpu ? unknown : asleep};
}

struct replay_cursor replay_cursor_make(const struct replay *replay, const struct replay_section *table, unsigned index,
                                        unsigned n_workers, bool has_own_cpu, struct replay_span *runs,
                                        struct random_state *random) {
  struct replay_cursor cursor = {
      .sections = table,
      .runs = runs,
      .n_runs = take_runs(replay, index, n_workers, runs),
      .patience = patience_of(has_own_cpu),
  };
  uint64_t total = 0;
  for (uint32_t r = 0; r < cursor.n_runs; r++)
    for (uint32_t i = 0; i < runs[r].n; i++) total += ticks_of(&table[runs[r].first + i]);
  move_to(&cursor, (uint64_t)((double)(random_next(random) >> 11) * 0x1p-53 * (double)total));
  return cursor;
}

bool replay_pass_idle(const struct replay_patience *patience, uint64_t start, const struct replay_time *time,
                      const _Atomic(uint32_t) *phase, uint32_t during) {
  const uint64_t yields = time->n_yields > 0 ? clock_ticks() : 0;
  for (unsigned i = 0; i < time->n_yields; i++) {
    /* Relaxed: as in loop() of instance.c. */
    if (atomic_load_explicit(phase, memory_order_relaxed) != during) return false;
    sched_yield();
  }
  if (time->n_yields > 0) start += clock_ticks() - yields;
  return await_until(time->is_slept ? &patience->asleep : &patience->unknown, start + time->length, phase, during);
}
