// SPDX-License-Identifier: MIT
/*
 * profile_replay.c: a profile -> the sections of a replay.
 *
 * A worker holds one lock at a time. A section within another one is therefore played behind it, with no gap, and the
 * gap behind both is the shorter for it: so each lock is held for as long, and each thread comes round as fast, as in
 * the program. What is lost is that who waits for the inner lock holds the outer one.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

/* A thread that is there for less of the time is left out, unless such threads make up so much of one together. */
static const double SHORT_LIFE = 0.05, SHORT_LIVES = 0.5;

/* A gap from which on it is so seldom that a few thousand sampled ones do not tell how often it comes. */
static const double LONG_GAP_NS = 100e3;

/* Of the locks that a profile has counted as one, so many are told apart. */
enum { MAX_INSTANCES = 1000 };

struct builder {
  const struct profile *profile;
  struct replay *replay;
  bool is_rw;
  struct profile_run *runs; /* by thread, then by time */
  uint32_t *first_place;    /* of each lock among those of the replay; what is not played has none */
};

static double least(double a, double b) { return a < b ? a : b; }

/* The kind that was waited for longest; where none was, the one with more acquisitions. */
static bool is_of_rw_locks(const struct profile *profile) {
  double wait_ns[2] = {0}, n_acquisitions[2] = {0};
  for (uint32_t i = 0; i < profile->n_locks; i++) {
    wait_ns[profile->locks[i].is_rw] += profile->locks[i].wait_ns;
    n_acquisitions[profile->locks[i].is_rw] += profile->locks[i].n_acquisitions;
  }
  return wait_ns[true] != wait_ns[false] ? wait_ns[true] > wait_ns[false]
                                         : n_acquisitions[true] > n_acquisitions[false];
}

static int by_thread(const void *a, const void *b) {
  const struct profile_run *const x = a, *const y = b;
  if (x->thread != y->thread) return x->thread < y->thread ? -1 : 1;
  return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* Where a section's end was not seen, the lock's others tell how long it was. */
static double hold_ns(const struct builder *builder, const struct profile_event *event) {
  const struct profile_lock *lock = &builder->profile->locks[event->lock];
  if (event->has_hold) return event->hold_ns;
  return lock->n_acquisitions > 0 ? lock->hold_ns / lock->n_acquisitions : 0;
}

static bool is_played(const struct builder *builder, const struct profile_event *event) {
  return builder->profile->locks[event->lock].is_rw == builder->is_rw;
}

/* When a run ended, waits aside. */
static double end_ns(const struct builder *builder, const struct profile_run *run) {
  double ns = run->start_ns;
  for (uint32_t i = 0; i < run->n_events; i++) {
    const struct profile_event *event = &builder->profile->events[run->first + i];
    if (event->depth == 0) ns += (i > 0 ? event->gap_ns : 0) + hold_ns(builder, event);
  }
  return ns;
}

/* The number of runs from the first on that are of one thread, and how long it was at its locks. */
static uint32_t life_of(const struct builder *builder, uint32_t first, double *life_ns) {
  const struct profile_run *const runs = builder->runs;
  uint32_t n = 0;
  double last_ns = 0;
  for (; first + n < builder->profile->n_runs && runs[first + n].thread == runs[first].thread; n++)
    last_ns = fmax(last_ns, end_ns(builder, &runs[first + n]));
  *life_ns = last_ns - runs[first].start_ns;
  return n;
}

/* From which length of life on a thread is played. */
static double least_life(const struct builder *builder) {
  double start_ns = INFINITY, last_ns = 0, life_ns, short_ns = 0;
  const uint32_t n_runs = builder->profile->n_runs;
  for (uint32_t i = 0; i < n_runs; i++) {
    start_ns = least(start_ns, builder->runs[i].start_ns);
    last_ns = fmax(last_ns, end_ns(builder, &builder->runs[i]));
  }
  const double whole_ns = last_ns - start_ns;
  for (uint32_t i = 0; i < n_runs; i += life_of(builder, i, &life_ns))
    if (life_of(builder, i, &life_ns) > 0 && life_ns < SHORT_LIFE * whole_ns) short_ns += life_ns;
  return short_ns < SHORT_LIVES * whole_ns ? SHORT_LIFE * whole_ns : 0;
}

static uint32_t n_places(const struct profile_lock *lock) {
  return (uint32_t)fmax(1, least(floor(lock->n_instances), MAX_INSTANCES));
}

/* Of the locks that are counted as one, each section has another. */
static uint32_t place_of(const struct builder *builder, const struct profile_event *event) {
  const uint32_t first = builder->first_place[event->lock], n = n_places(&builder->profile->locks[event->lock]);
  return first + (uint32_t)((builder->replay->n_sections * UINT64_C(0x9e3779b97f4a7c15) >> 32) % n);
}

static uint32_t whole_ns(double ns) { return (uint32_t)least(ns + 0.5, UINT32_MAX); }

static void add_section(struct builder *builder, const struct profile_event *event, double gap_ns) {
  struct replay *replay = builder->replay;
  replay->sections[replay->n_sections++] = (struct replay_section){
      .place = place_of(builder, event) << 1 | event->reads,
      .gap = whole_ns(gap_ns),
      .hold = whole_ns(hold_ns(builder, event)),
  };
}

/* *elsewhere_ns: the time with locks of the other kind, which the next gap takes up. */
static void add_run(struct builder *builder, const struct profile_run *run, double *elsewhere_ns) {
  struct replay *replay = builder->replay;
  struct replay_span *span = &replay->runs[replay->n_runs];
  double ahead_ns = 0; /* spent in sections behind those that they were within */
  bool is_outside = false;
  span->first = replay->n_sections;
  for (uint32_t i = 0; i < run->n_events; i++) {
    const struct profile_event *event = &builder->profile->events[run->first + i];
    if (event->depth > 0 && is_outside) {
      if (!is_played(builder, event)) continue;
      ahead_ns += hold_ns(builder, event);
      add_section(builder, event, 0);
      continue;
    }
    is_outside |= event->depth == 0; /* until then the outer section is not in the run */
    *elsewhere_ns += event->gap_ns;
    if (is_played(builder, event)) {
      const double saved_ns = least(ahead_ns, *elsewhere_ns);
      add_section(builder, event, *elsewhere_ns - saved_ns);
      ahead_ns -= saved_ns;
      *elsewhere_ns = 0;
    } else {
      *elsewhere_ns += hold_ns(builder, event);
    }
  }
  span->n = replay->n_sections - span->first;
  replay->n_runs += span->n > 0;
}

/* One of the program's threads, if it has something to play. */
static void add_source(struct builder *builder, uint32_t first, uint32_t n) {
  struct replay *replay = builder->replay;
  struct replay_span *span = &replay->sources[replay->n_sources];
  const uint32_t first_section = replay->n_sections;
  double elsewhere_ns = 0;
  span->first = replay->n_runs;
  for (uint32_t i = 0; i < n; i++) add_run(builder, &builder->runs[first + i], &elsewhere_ns);
  span->n = replay->n_runs - span->first;
  if (span->n == 0) return;
  replay->n_sources++;
  struct replay_section *section = &replay->sections[first_section];
  section->gap = whole_ns(section->gap + elsewhere_ns);
}

static void number_places(struct builder *builder) {
  for (uint32_t i = 0; i < builder->profile->n_locks; i++) builder->first_place[i] = UINT32_MAX;
  for (uint32_t e = 0; e < builder->profile->n_events; e++)
    if (is_played(builder, &builder->profile->events[e])) builder->first_place[builder->profile->events[e].lock] = 0;
  for (uint32_t i = 0; i < builder->profile->n_locks; i++) {
    if (builder->first_place[i] == UINT32_MAX) continue;
    builder->first_place[i] = builder->replay->n_locks;
    builder->replay->n_locks += n_places(&builder->profile->locks[i]);
  }
}

static void add_sources(struct builder *builder) {
  const double shortest_ns = least_life(builder);
  double life_ns;
  uint32_t n;
  for (uint32_t i = 0; i < builder->profile->n_runs; i += n) {
    n = life_of(builder, i, &life_ns);
    if (life_ns >= shortest_ns) add_source(builder, i, n);
  }
}

static void count(const struct profile *profile, struct replay *replay) {
  uint32_t n_reads = 0;
  for (uint32_t i = 0; i < replay->n_sections; i++) n_reads += replay->sections[i].place & 1;
  replay->read_pct = 100.0 * n_reads / replay->n_sections;
  replay->n_threads = profile->n_threads < replay->n_sources ? profile->n_threads : replay->n_sources;
  snprintf(replay->name, sizeof replay->name, "%s", profile->name);
}

/* Adds up the locks that are played, and says how many of all acquisitions the others have. */
static struct profile_lock sum_of_locks(const struct builder *builder, double *others_pct) {
  struct profile_lock sum = {0};
  double n_others = 0;
  for (uint32_t i = 0; i < builder->profile->n_locks; i++) {
    const struct profile_lock *lock = &builder->profile->locks[i];
    if (lock->is_rw != builder->is_rw) {
      n_others += lock->n_acquisitions;
      continue;
    }
    sum.n_acquisitions += lock->n_acquisitions;
    sum.n_contended += lock->n_contended;
    sum.wait_ns += lock->wait_ns;
  }
  *others_pct = n_others > 0 ? 100 * n_others / (sum.n_acquisitions + n_others) : 0;
  return sum;
}

/* How many sections all workers make per second if each has its gaps and sections, and that wait between them. */
static double pace(const struct replay *replay, double wait_ns) {
  double per_s = 0;
  for (unsigned worker = 0; worker < replay->n_threads; worker++) {
    double n = 0, ns = 0;
    for (uint32_t s = worker; s < replay->n_sources; s += replay->n_threads)
      for (uint32_t r = replay->sources[s].first; r < replay->sources[s].first + replay->sources[s].n; r++)
        for (uint32_t i = replay->runs[r].first; i < replay->runs[r].first + replay->runs[r].n; i++, n++)
          ns += (double)replay->sections[i].gap + replay->sections[i].hold + wait_ns;
    if (ns > 0) per_s += 1e9 * n / ns;
  }
  return per_s;
}

/* The recorded gaps, of which the long ones are so many times as long. */
static void scale_long_gaps(struct replay *replay, const struct replay_section *recorded, double scale) {
  for (uint32_t i = 0; i < replay->n_sections; i++)
    if (recorded[i].gap > LONG_GAP_NS) replay->sections[i].gap = whole_ns(scale * recorded[i].gap);
}

/*
 * A sampled run that meets a thread without its CPU, or asleep, weighs as much as a thousand that do not. Where that
 * makes the replay slower than the program was over its whole life, long gaps are shortened until it is as fast.
 */
static int hold_against_whole_life(struct replay *replay, double whole_life, double wait_ns) {
  const size_t n_bytes = replay->n_sections * sizeof *replay->sections;
  if (pace(replay, wait_ns) >= whole_life) return 0;
  struct replay_section *recorded = malloc(n_bytes);
  if (recorded == NULL) return ENOMEM;
  memcpy(recorded, replay->sections, n_bytes);
  double low = 0, high = 1;
  for (unsigned i = 0; i < 20; i++) {
    const double middle = (low + high) / 2;
    scale_long_gaps(replay, recorded, middle);
    if (pace(replay, wait_ns) < whole_life)
      high = middle;
    else
      low = middle;
  }
  scale_long_gaps(replay, recorded, low);
  free(recorded);
  return 0;
}

/*
 * The rate is that of the whole life, but that also has the program's start and end. Not below what its threads' gaps
 * and sections come to with the mean wait between them, of which the CPUs do only so many at once.
 */
static int aim(const struct builder *builder, struct profile_target *target) {
  const struct profile *profile = builder->profile;
  struct replay *replay = builder->replay;
  *target = (struct profile_target){.is_rw = builder->is_rw};
  const struct profile_lock sum = sum_of_locks(builder, &target->others_pct);
  const double n = fmax(1, sum.n_acquisitions), wait_ns = sum.wait_ns / n;
  const double whole_life = profile->seconds > 0 ? sum.n_acquisitions / profile->seconds : 0;
  if (hold_against_whole_life(replay, whole_life, wait_ns) != 0) return ENOMEM;
  target->contended = least(1, sum.n_contended / n);
  target->acquisitions_per_s =
      fmax(whole_life, pace(replay, wait_ns) * least(1, (double)profile->n_cpus / replay->n_threads));
  return 0;
}

static int refuse(const char *what, char *why, size_t why_bytes) {
  snprintf(why, why_bytes, "--profile: %s", what);
  return EINVAL;
}

static int build(struct builder *builder, struct profile_target *target, char *why, size_t why_bytes) {
  const struct profile *profile = builder->profile;
  memcpy(builder->runs, profile->runs, profile->n_runs * sizeof *builder->runs);
  qsort(builder->runs, profile->n_runs, sizeof *builder->runs, by_thread);
  number_places(builder);
  add_sources(builder);
  if (builder->replay->n_sections == 0)
    return refuse("none of its runs has a lock of the kind that the program waits for", why, why_bytes);
  count(profile, builder->replay);
  if (aim(builder, target) == 0) return 0;
  refuse("no memory for it", why, why_bytes);
  return ENOMEM;
}

int profile_replay(const struct profile *profile, struct replay *replay, struct profile_target *target, char *why,
                   size_t why_bytes) {
  *replay = (struct replay){
      .sources = calloc(profile->n_runs, sizeof *replay->sources),
      .runs = calloc(profile->n_runs, sizeof *replay->runs),
      .sections = calloc(profile->n_events, sizeof *replay->sections),
  };
  struct builder builder = {
      .profile = profile,
      .replay = replay,
      .is_rw = is_of_rw_locks(profile),
      .runs = calloc(profile->n_runs, sizeof *builder.runs),
      .first_place = calloc(profile->n_locks, sizeof *builder.first_place),
  };
  const bool has_memory = replay->sources != NULL && replay->runs != NULL && replay->sections != NULL &&
                          builder.runs != NULL && builder.first_place != NULL;
  int error = ENOMEM;
  if (has_memory)
    error = build(&builder, target, why, why_bytes);
  else
    refuse("no memory for it", why, why_bytes);
  free(builder.runs);
  free(builder.first_place);
  if (error != 0) profile_replay_free(replay);
  return error;
}

void profile_replay_free(struct replay *replay) {
  free(replay->sources);
  free(replay->runs);
  free(replay->sections);
  *replay = (struct replay){0};
}
