// SPDX-License-Identifier: MIT
/* What workers draw of a replay: whole runs, of their own threads of the program, as often as they were recorded. */
#include "trial/replay.h"

#include <sched.h>

#include "check.h"

enum { N_SOURCES = 5, RUNS_EACH = 3, N_IN_RUN = 4, N_RUNS = N_SOURCES * RUNS_EACH, N_SECTIONS = N_RUNS * N_IN_RUN };

enum { YIELD_TICKS = 50000 };

static unsigned n_yields;

/* In the place of libc's. */
int sched_yield(void) {
  const uint64_t start = clock_ticks();
  while (clock_ticks() - start < YIELD_TICKS) {
  }
  n_yields++;
  return 0;
}

static struct replay_section sections[N_SECTIONS], table[N_SECTIONS];
static struct replay_span runs[N_RUNS], sources[N_SOURCES];
static const struct replay replay = {
    .n_sources = N_SOURCES,
    .n_runs = N_RUNS,
    .n_sections = N_SECTIONS,
    .sources = sources,
    .runs = runs,
    .sections = sections,
};

/* A section is known by its hold, its number: of source s, run r and place i in the run. */
static uint32_t number(uint32_t s, uint32_t r, uint32_t i) { return (s * RUNS_EACH + r) * N_IN_RUN + i; }

static void make(void) {
  clock_scale = (struct clock_scale){.uses_counter = false, .ns_per_tick = 1};
  for (uint32_t s = 0; s < N_SOURCES; s++) {
    sources[s] = (struct replay_span){s * RUNS_EACH, RUNS_EACH};
    for (uint32_t r = 0; r < RUNS_EACH; r++) {
      runs[s * RUNS_EACH + r] = (struct replay_span){number(s, r, 0), N_IN_RUN};
      for (uint32_t i = 0; i < N_IN_RUN; i++)
        sections[number(s, r, i)] = (struct replay_section){.gap.length = 100, .hold.length = number(s, r, i)};
    }
  }
  replay_scale(&replay, 1, 1, table);
}

static struct replay_cursor cursor_of(unsigned index, unsigned n_workers, uint64_t seed, struct replay_span *room) {
  struct random_state random = random_seed(seed, index);
  return replay_cursor_make(&replay, table, index, n_workers, true, room, &random);
}

static void times_are_scaled_and_do_not_wrap(void) {
  check_about("scale");
  make();
  clock_scale.ns_per_tick = 0.5;
  sections[0] = (struct replay_section){.place = 7, .gap.length = UINT32_MAX, .hold = {1000, 3, true}};
  replay_scale(&replay, 1, 2.5, table);
  CHECK_EQ(7, table[0].place);
  CHECK_EQ(UINT32_MAX, table[0].gap.length);
  CHECK_EQ(5000, table[0].hold.length);
  CHECK(table[0].hold.n_yields == 3 && table[0].hold.is_slept && !table[0].gap.is_slept); /* as they are */
  replay_scale(&replay, 0, 0, table);
  CHECK_EQ(0, table[0].gap.length);
  CHECK_EQ(0, table[0].hold.length);
}

/* Each of the program's threads is played, by one worker unless there are more workers than threads. */
static void workers_share_the_threads(void) {
  struct replay_span room[N_RUNS];
  make();
  for (unsigned n_workers = 1; n_workers <= 2 * N_SOURCES; n_workers++) {
    unsigned n_players[N_SOURCES] = {0};
    uint32_t most = 0;
    check_about("%u workers", n_workers);
    for (unsigned index = 0; index < n_workers; index++) {
      const struct replay_cursor cursor = cursor_of(index, n_workers, 1, room);
      CHECK_EQ(0, cursor.n_runs % RUNS_EACH);
      for (uint32_t i = 0; i < cursor.n_runs; i += RUNS_EACH) n_players[room[i].first / (RUNS_EACH * N_IN_RUN)]++;
      if (cursor.n_runs > most) most = cursor.n_runs;
    }
    CHECK_EQ(most, replay_most_runs(&replay, n_workers));
    for (unsigned s = 0; s < N_SOURCES; s++) {
      CHECK(n_players[s] >= 1);
      CHECK(n_workers > N_SOURCES || n_players[s] == 1);
    }
  }
}

/* What follows a section is what followed it in the program, but at the end of a run, where any run may. */
static void whole_runs_are_drawn_evenly(void) {
  enum { N_DRAWS = 120000 };
  struct replay_span room[N_RUNS];
  unsigned n_drawn[N_SECTIONS] = {0};
  make();
  check_about("runs");
  struct random_state random = random_seed(3, 0);
  struct replay_cursor cursor = cursor_of(0, 2, 3, room); /* the threads 0, 2 and 4 */
  uint32_t last = N_IN_RUN - 1;
  while (cursor.next != cursor.end) replay_go_on(&cursor, 1); /* the run in which it began */
  for (unsigned n = 0; n < N_DRAWS; n++) {
    const struct replay_section *section = replay_next(&cursor, &random);
    CHECK(section == replay_next(&cursor, &random)); /* until it goes on */
    if (last % N_IN_RUN == N_IN_RUN - 1)
      CHECK_EQ(0, section->hold.length % N_IN_RUN);
    else
      CHECK_EQ(last + 1, section->hold.length);
    last = section->hold.length;
    n_drawn[last]++;
    replay_go_on(&cursor, 1);
  }
  for (uint32_t s = 0; s < N_SOURCES; s++)
    for (uint32_t r = 0; r < RUNS_EACH; r++)
      for (uint32_t i = 0; i < N_IN_RUN; i++) {
        const double expected = s % 2 == 0 ? (double)N_DRAWS / (3 * RUNS_EACH * N_IN_RUN) : 0;
        CHECK_NEAR(expected, n_drawn[number(s, r, i)], 0.1); /* six standard deviations of a run's draws */
      }
}

/* A worker is met in a gap as likely as the gap is long, and somewhere within it. */
static void the_beginning_is_a_random_moment(void) {
  enum { N_WORKERS = 4000, LONG = 9000, SHORT = 1000 };
  struct replay_section two[] = {{.gap.length = LONG}, {.gap.length = SHORT / 2, .hold.length = SHORT / 2}};
  struct replay_span run = {0, 2}, source = {0, 1}, room;
  const struct replay pair = {.n_sources = 1, .n_runs = 1, .n_sections = 2, .sources = &source, .runs = &run};
  unsigned n_in_long = 0;
  double passed = 0;
  check_about("beginning");
  for (unsigned i = 0; i < N_WORKERS; i++) {
    struct random_state random = random_seed(i, 0);
    const struct replay_cursor cursor = replay_cursor_make(&pair, two, 0, 1, true, &room, &random);
    CHECK(cursor.passed <= cursor.next->gap.length);
    if (cursor.next != two) continue;
    n_in_long++;
    passed += (double)cursor.passed;
  }
  CHECK_NEAR(0.9 * N_WORKERS, n_in_long, 0.03);
  CHECK_NEAR(LONG / 2.0, passed / n_in_long, 0.05);
}

/* Where there is no time at all, the first section is as good as any. */
static void no_time_is_no_trouble(void) {
  struct replay_section none[] = {{0}, {0}};
  struct replay_span run = {0, 2}, source = {0, 1}, room;
  const struct replay pair = {.n_sources = 1, .n_runs = 1, .n_sections = 2, .sources = &source, .runs = &run};
  struct random_state random = random_seed(1, 0);
  struct replay_cursor cursor = replay_cursor_make(&pair, none, 0, 1, true, &room, &random);
  for (unsigned i = 0; i < 5; i++) {
    const struct replay_section *section = replay_next(&cursor, &random);
    CHECK(section >= none && section < none + 2);
    replay_go_on(&cursor, 1);
  }
}

static void time_passes_or_is_given_up(void) {
  _Atomic(uint32_t) phase = 1;
  const struct await away = {.near_ticks = 1000000};
  const struct replay_patience patience = {.unknown = away, .asleep = {.near_ticks = 1000}};
  check_about("pass");
  n_yields = 0;
  for (uint32_t ticks = 0; ticks < 4000000; ticks += 1999999) /* none, spun, slept */
    for (int is_slept = 0; is_slept < 2; is_slept++) {
      const struct replay_time time = {.length = ticks, .is_slept = is_slept};
      const uint64_t start = clock_ticks();
      CHECK(replay_pass(&patience, start, &time, &phase, 1));
      CHECK(clock_ticks() - start >= ticks);
    }
  CHECK(!replay_pass(&patience, clock_ticks(), &(struct replay_time){.length = UINT32_MAX}, &phase, 2));
  /* It is over already. */
  CHECK(replay_pass(&patience, clock_ticks() - 3000000, &(struct replay_time){.length = 2000000}, &phase, 2));
  CHECK_EQ(0, n_yields);
}

/* As often as the program did; what a call takes is not part of the time. */
static void a_time_yields(void) {
  enum { N = 5, LENGTH = 100000 };
  _Atomic(uint32_t) phase = 1;
  const struct await away = {.near_ticks = 1000000};
  const struct replay_patience patience = {away, away};
  const struct replay_time time = {.length = LENGTH, .n_yields = N};
  check_about("yields");
  n_yields = 0;
  const uint64_t start = clock_ticks();
  CHECK(replay_pass(&patience, start, &time, &phase, 1));
  CHECK_EQ(N, n_yields);
  CHECK(clock_ticks() - start >= LENGTH + N * YIELD_TICKS);
  CHECK(!replay_pass(&patience, clock_ticks(), &time, &phase, 2)); /* no more once the phase is over */
  CHECK_EQ(N, n_yields);
}

int main(void) {
  times_are_scaled_and_do_not_wrap();
  workers_share_the_threads();
  whole_runs_are_drawn_evenly();
  the_beginning_is_a_random_moment();
  no_time_is_no_trouble();
  time_passes_or_is_given_up();
  a_time_yields();
  return check_result();
}
