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

/* Threads of a tenth of the acquisitions that all have on average are left out too, as long as together they have no
   more of all acquisitions, and of the time in sections. */
static const double IDLE = 0.1, FEW_ACQUISITIONS = 0.02, LITTLE_TIME = 0.05;

/* A gap from which on it is so seldom that a few thousand sampled ones do not tell how often it comes. */
static const double LONG_GAP_NS = 100e3;

/* Of the locks that a profile has counted as one, so many are told apart. */
enum { MAX_INSTANCES = 1000 };

/* Runs that stand for more of a thread's acquisitions than others are drawn more often, by standing in the list so
   often. */
enum { SHARES_PER_RUN = 16, MOST_PER_RUN = SHARES_PER_RUN + 2 };

/* One of the program's threads: its runs, and what it did in all. */
struct life {
  uint32_t first, n;
  double ns, n_acquired; /* from its first run to its last; n_acquired 0: not known */
  double hold_ns;        /* of all its sections */
};

struct builder {
  const struct profile *profile;
  struct replay *replay;
  bool is_rw;
  struct profile_run *runs; /* by thread, then by time */
  struct life *lives;       /* of threads; those that are played come first, in the order of the sources */
  uint32_t n_lives;
  uint32_t *first_place; /* of each lock among those of the replay; what is not played has none */
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

/* Of the thread whose runs begin at `first`. */
static struct life life_of(const struct builder *builder, uint32_t first) {
  const struct profile_run *const runs = builder->runs;
  struct life life = {.first = first};
  double last_ns = 0, n_events = 0;
  for (; first + life.n < builder->profile->n_runs && runs[first + life.n].thread == runs[first].thread; life.n++) {
    const struct profile_run *const run = &runs[first + life.n];
    last_ns = fmax(last_ns, end_ns(builder, run));
    n_events += run->n_events;
    for (uint32_t i = 0; i < run->n_events; i++)
      life.hold_ns += hold_ns(builder, &builder->profile->events[run->first + i]);
  }
  const struct profile_run *const last = &runs[first + life.n - 1];
  life.ns = last_ns - runs[first].start_ns;
  if (life.n > 1 && runs[first].n_before >= 0 && last->n_before > runs[first].n_before)
    life.n_acquired = last->n_before - runs[first].n_before + last->n_events;
  life.hold_ns *= fmax(1, life.n_acquired / n_events);
  return life;
}

/* From which length of life on a thread is played. */
static double least_life(const struct builder *builder) {
  double start_ns = INFINITY, last_ns = 0, short_ns = 0, longest_ns = 0;
  for (uint32_t i = 0; i < builder->profile->n_runs; i++) {
    start_ns = least(start_ns, builder->runs[i].start_ns);
    last_ns = fmax(last_ns, end_ns(builder, &builder->runs[i]));
  }
  const double shortest_ns = SHORT_LIFE * (last_ns - start_ns);
  for (uint32_t i = 0; i < builder->n_lives; i++) {
    longest_ns = fmax(longest_ns, builder->lives[i].ns);
    if (builder->lives[i].ns < shortest_ns) short_ns += builder->lives[i].ns;
  }
  const bool are_many = short_ns >= SHORT_LIVES * (last_ns - start_ns) || longest_ns < shortest_ns;
  return are_many ? 0 : shortest_ns;
}

static double n_acquired(const struct builder *builder, const struct life *life) {
  double n = 0;
  for (uint32_t i = 0; i < life->n; i++) n += builder->runs[life->first + i].n_events;
  return fmax(n, life->n_acquired);
}

static void remove_life(struct builder *builder, uint32_t which) {
  builder->n_lives--;
  memmove(&builder->lives[which], &builder->lives[which + 1], (builder->n_lives - which) * sizeof *builder->lives);
}

static void leave_out_the_idle(struct builder *builder) {
  double n_all = 0, ns_all = 0, n_out = 0, ns_out = 0; /* acquisitions, and time in sections */
  for (uint32_t i = 0; i < builder->n_lives; i++) {
    n_all += n_acquired(builder, &builder->lives[i]);
    ns_all += builder->lives[i].hold_ns;
  }
  const double n_idle = IDLE * n_all / builder->n_lives;
  for (;;) {
    uint32_t idlest = 0;
    for (uint32_t i = 1; i < builder->n_lives; i++)
      if (n_acquired(builder, &builder->lives[i]) < n_acquired(builder, &builder->lives[idlest])) idlest = i;
    const struct life *const life = &builder->lives[idlest];
    n_out += n_acquired(builder, life);
    ns_out += life->hold_ns;
    if (n_acquired(builder, life) > n_idle || n_out > FEW_ACQUISITIONS * n_all || ns_out > LITTLE_TIME * ns_all) return;
    remove_life(builder, idlest);
  }
}

static void choose_lives(struct builder *builder) {
  for (uint32_t i = 0; i < builder->profile->n_runs; i += builder->lives[builder->n_lives++].n)
    builder->lives[builder->n_lives] = life_of(builder, i);
  const double shortest_ns = least_life(builder);
  for (uint32_t i = builder->n_lives; i-- > 0;)
    if (builder->lives[i].ns < shortest_ns) remove_life(builder, i);
  leave_out_the_idle(builder);
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

/* Of a thread between two sections that are played. */
struct gap {
  double ns;
  unsigned n_yields;
  bool is_slept;
};

static struct replay_time time_of(struct gap gap) {
  return (struct replay_time){.length = whole_ns(gap.ns),
                              .n_yields = gap.n_yields < UINT16_MAX ? (uint16_t)gap.n_yields : UINT16_MAX,
                              .is_slept = gap.is_slept};
}

static void add_to_gap(struct gap *gap, double ns, unsigned n_yields, bool is_slept) {
  gap->ns += ns;
  gap->n_yields += n_yields;
  gap->is_slept |= is_slept;
}

static void add_section(struct builder *builder, const struct profile_event *event, struct gap gap) {
  struct replay *replay = builder->replay;
  replay->sections[replay->n_sections++] = (struct replay_section){
      .place = place_of(builder, event) << 1 | event->reads,
      .gap = time_of(gap),
      .hold = time_of((struct gap){hold_ns(builder, event), event->yields, event->slept}),
  };
}

/* *elsewhere: with locks of the other kind, which the next gap takes up. */
static void add_run(struct builder *builder, const struct profile_run *run, struct gap *elsewhere) {
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
      add_section(builder, event, (struct gap){0});
      continue;
    }
    is_outside |= event->depth == 0; /* until then the outer section is not in the run */
    add_to_gap(elsewhere, event->gap_ns, event->gap_yields, event->gap_slept);
    if (is_played(builder, event)) {
      const double saved_ns = least(ahead_ns, elsewhere->ns);
      elsewhere->ns -= saved_ns;
      add_section(builder, event, *elsewhere);
      ahead_ns -= saved_ns;
      *elsewhere = (struct gap){0};
    } else {
      add_to_gap(elsewhere, hold_ns(builder, event), event->yields, event->slept);
    }
  }
  span->n = replay->n_sections - span->first;
  replay->n_runs += span->n > 0;
}

/* How many of its thread's acquisitions a run stands for: those until the next one. */
static double weight(const struct builder *builder, const struct life *life, uint32_t i) {
  const struct profile_run *const run = &builder->runs[life->first + i];
  if (life->n_acquired == 0) return 1;
  if (i + 1 < life->n) return fmax(run->n_events, run[1].n_before - run->n_before);
  return fmax(run->n_events, run->n_before - run[-1].n_before); /* as the one before */
}

static double unit_of_weight(const struct builder *builder, const struct life *life) {
  double smallest = INFINITY, sum = 0;
  for (uint32_t i = 0; i < life->n; i++) {
    smallest = least(smallest, weight(builder, life, i));
    sum += weight(builder, life, i);
  }
  return fmax(smallest, sum / (SHARES_PER_RUN * life->n));
}

/* One of the program's threads, if it has something to play. */
static bool add_source(struct builder *builder, const struct life *life) {
  struct replay *replay = builder->replay;
  struct replay_span *source = &replay->sources[replay->n_sources];
  const uint32_t first_section = replay->n_sections;
  const double unit = unit_of_weight(builder, life);
  struct gap elsewhere = {0};
  source->first = replay->n_runs;
  for (uint32_t i = 0; i < life->n; i++) {
    const struct replay_span *const span = &replay->runs[replay->n_runs];
    add_run(builder, &builder->runs[life->first + i], &elsewhere);
    if (span->n == 0) continue;
    for (double more = round(weight(builder, life, i) / unit); more > 1; more--) replay->runs[replay->n_runs++] = *span;
  }
  source->n = replay->n_runs - source->first;
  if (source->n == 0) return false;
  replay->n_sources++;
  struct replay_section *section = &replay->sections[first_section];
  add_to_gap(&elsewhere, section->gap.length, section->gap.n_yields, section->gap.is_slept);
  section->gap = time_of(elsewhere);
  return true;
}

/* Of the locks that the threads which are played take. */
static void number_places(struct builder *builder) {
  for (uint32_t i = 0; i < builder->profile->n_locks; i++) builder->first_place[i] = UINT32_MAX;
  for (uint32_t i = 0; i < builder->n_lives; i++)
    for (uint32_t r = builder->lives[i].first; r < builder->lives[i].first + builder->lives[i].n; r++)
      for (uint32_t e = builder->runs[r].first; e < builder->runs[r].first + builder->runs[r].n_events; e++)
        if (is_played(builder, &builder->profile->events[e]))
          builder->first_place[builder->profile->events[e].lock] = 0;
  for (uint32_t i = 0; i < builder->profile->n_locks; i++) {
    if (builder->first_place[i] == UINT32_MAX) continue;
    builder->first_place[i] = builder->replay->n_locks;
    builder->replay->n_locks += n_places(&builder->profile->locks[i]);
  }
}

static void add_sources(struct builder *builder) {
  for (uint32_t i = 0; i < builder->n_lives;) {
    if (add_source(builder, &builder->lives[i]))
      i++;
    else
      remove_life(builder, i);
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
          ns += (double)replay->sections[i].gap.length + replay->sections[i].hold.length + wait_ns;
    if (ns > 0) per_s += 1e9 * n / ns;
  }
  return per_s;
}

static double share_played(const struct builder *builder, const struct life *life) {
  double n = 0, n_played = 0;
  for (uint32_t r = life->first; r < life->first + life->n; r++)
    for (uint32_t i = 0; i < builder->runs[r].n_events; i++, n++)
      n_played += is_played(builder, &builder->profile->events[builder->runs[r].first + i]) ? 1 : 0;
  return n_played / n;
}

/* How many the program's threads made in the place of the workers, from each one's first run to its last; 0: that is
   not known of all. */
static double pace_of_lives(const struct builder *builder) {
  const unsigned n_workers = builder->replay->n_threads;
  double per_s = 0;
  for (unsigned worker = 0; worker < n_workers; worker++) {
    double n = 0, ns = 0;
    for (uint32_t i = worker; i < builder->n_lives; i += n_workers) {
      const struct life *const life = &builder->lives[i];
      if (life->n_acquired == 0) return 0;
      n += life->n_acquired * share_played(builder, life);
      ns += life->ns;
    }
    per_s += 1e9 * n / ns;
  }
  return per_s;
}

/* The recorded gaps, of which the long ones are so many times as long. */
static void scale_long_gaps(struct replay *replay, const struct replay_section *recorded, double scale) {
  for (uint32_t i = 0; i < replay->n_sections; i++)
    if (recorded[i].gap.length > LONG_GAP_NS) replay->sections[i].gap.length = whole_ns(scale * recorded[i].gap.length);
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
 * The rate is that of the threads that are played, each from its first run to its last: the program's start and end
 * aside. Where the profile does not tell that, it is the whole life's, or what the gaps and sections come to with the
 * mean wait between them, of which the CPUs do only so many at once.
 */
static int aim(const struct builder *builder, struct profile_target *target) {
  const struct profile *profile = builder->profile;
  struct replay *replay = builder->replay;
  *target = (struct profile_target){.is_rw = builder->is_rw};
  const struct profile_lock sum = sum_of_locks(builder, &target->others_pct);
  const double n = fmax(1, sum.n_acquisitions), wait_ns = sum.wait_ns / n;
  double per_s = pace_of_lives(builder);
  const bool is_known = per_s > 0;
  if (!is_known && profile->seconds > 0) per_s = sum.n_acquisitions / profile->seconds;
  if (hold_against_whole_life(replay, per_s, wait_ns) != 0) return ENOMEM;
  if (!is_known) per_s = fmax(per_s, pace(replay, wait_ns) * least(1, (double)profile->n_cpus / replay->n_threads));
  target->contended = least(1, sum.n_contended / n);
  target->acquisitions_per_s = per_s;
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
  choose_lives(builder);
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
      .runs = calloc(profile->n_runs, MOST_PER_RUN * sizeof *replay->runs),
      .sections = calloc(profile->n_events, sizeof *replay->sections),
  };
  struct builder builder = {
      .profile = profile,
      .replay = replay,
      .is_rw = is_of_rw_locks(profile),
      .runs = calloc(profile->n_runs, sizeof *builder.runs),
      .lives = calloc(profile->n_runs, sizeof *builder.lives),
      .first_place = calloc(profile->n_locks, sizeof *builder.first_place),
  };
  const bool has_memory = replay->sources != NULL && replay->runs != NULL && replay->sections != NULL &&
                          builder.runs != NULL && builder.lives != NULL && builder.first_place != NULL;
  int error = ENOMEM;
  if (has_memory)
    error = build(&builder, target, why, why_bytes);
  else
    refuse("no memory for it", why, why_bytes);
  free(builder.runs);
  free(builder.lives);
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
