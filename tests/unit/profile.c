// SPDX-License-Identifier: MIT
/* profile.json -> what a replay plays; and what is no profile is refused with a line that says where. */
#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char why[512];
static char path[] = "/tmp/lockbench-profile-XXXXXX";
static struct profile profile;
static struct replay replay;
static struct profile_target target;

static void write_file(const char *text) {
  FILE *file = fopen(path, "we");
  fputs(text, file);
  fclose(file);
}

/* The parts of a profile, each of which has something in it unless a test says what. */
struct parts {
  const char *head, *locks, *runs;
};

#define LOCK(id, kind, acquisitions, contended, wait, instances)                                                       \
  "{\"id\": " #id ", \"name\": \"f\", \"kind\": \"" kind "\", \"acquisitions\": " #acquisitions                        \
  ", \"contended\": " #contended ", \"wait_total_ns\": " #wait ", \"hold_total_ns\": 500, \"instances\": " #instances  \
  "}"
#define RUN(thread, start, events) "{\"thread\": " #thread ", \"start_ns\": " #start ", \"events\": [" events "]}"
#define LATER_RUN(thread, start, before, events)                                                                       \
  "{\"thread\": " #thread ", \"start_ns\": " #start ", \"before\": " #before ", \"events\": [" events "]}"
#define HEAD                                                                                                           \
  "\"schema\": 1, \"program\": [\"/usr/bin/some program\", \"-x\"], \"threads\": 4, \"cpus\": 2, \"seconds\": 1e-5"

static void write_parts(struct parts parts) {
  char text[8192];
  snprintf(text, sizeof text, "{%s, \"locks\": [%s], \"runs\": [%s]}", parts.head != NULL ? parts.head : HEAD,
           parts.locks != NULL ? parts.locks : LOCK(1, "mutex", 10, 5, 1000, 1),
           parts.runs != NULL ? parts.runs : RUN(1, 0, "[1, \"w\", 100, 50, 0]"));
  write_file(text);
}

static void release(void) {
  profile_replay_free(&replay);
  profile_free(&profile);
}

static bool load(const struct parts parts) {
  write_parts(parts);
  why[0] = '\0';
  const bool is_read = profile_read(&profile, path, why, sizeof why) == 0 &&
                       profile_replay(&profile, &replay, &target, why, sizeof why) == 0;
  CHECK_TEXT("", why);
  return is_read;
}

static void check_refused(const char *named) {
  check_about("%s", named);
  why[0] = '\0';
  CHECK_EQ(EINVAL, profile_read(&profile, path, why, sizeof why));
  CHECK(strchr(why, '\n') == NULL && strncmp(why, "--profile: ", 11) == 0);
  check_that(strstr(why, named) != NULL, __FILE__, __LINE__, "'%s' does not say: %s", why, named);
  CHECK(profile.text == NULL && profile.locks == NULL && profile.runs == NULL && profile.events == NULL);
}

static void check_events_refused(const char *events, const char *named) {
  char runs[512];
  snprintf(runs, sizeof runs, "{\"thread\": 1, \"start_ns\": 0, \"events\": [%s]}", events);
  write_parts((struct parts){.runs = runs});
  check_refused(named);
}

static void what_is_no_profile_is_refused(void) {
  static const struct {
    struct parts parts;
    const char *named;
  } cases[] = {
      {{.head = "\"program\": [\"x\"], \"threads\": 4, \"cpus\": 2, \"seconds\": 1e-5"}, "it has no schema"},
      {{.head = "\"schema\": 2, \"program\": [\"x\"], \"threads\": 4, \"cpus\": 2, \"seconds\": 1e-5"},
       "schema 2; this lockbench reads schema 1"},
      {{.head = "\"schema\": 1, \"program\": [], \"threads\": 4, \"cpus\": 2, \"seconds\": 1e-5"},
       "does not name its program"},
      {{.head = "\"schema\": 1, \"program\": [\"x\"], \"threads\": 0, \"cpus\": 2, \"seconds\": 1e-5"},
       "no thread of the program took a lock"},
      {{.head = "\"schema\": 1, \"program\": [\"x\"], \"threads\": 5000, \"cpus\": 2, \"seconds\": 1e-5"},
       "'threads' are not 1 to 4096"},
      {{.head = "\"schema\": 1, \"program\": [\"x\"], \"threads\": \"4\", \"cpus\": 2, \"seconds\": 1e-5"},
       "'threads'"},
      {{.head = HEAD ", \"threads\": 5"}, "duplicate"},
      {{.head = "\"schema\": 1, \"program\": [\"x\"], \"threads\": 4, \"cpus\": null"}, "how many 'cpus' there were"},
      {{.locks = ""}, "it has no locks"},
      {{.locks = "7"}, "lock 1 has no 'id'"},
      {{.locks = LOCK(1, "mutex", 1, 1, 1, 1) "," LOCK(1, "mutex", 1, 1, 1, 1)}, "locks 1 and 2 have the same id, 1"},
      {{.locks = LOCK(1, "futex", 1, 1, 1, 1)}, "lock 1 has no 'kind'"},
      {{.locks = LOCK(1, "mutex", -1, 1, 1, 1)}, "lock 1 has no 'acquisitions'"},
      {{.locks = LOCK(1, "mutex", 1, null, 1, 1)}, "lock 1 has no 'contended'"},
      {{.runs = ""}, "no runs of events"},
      {{.runs = "{\"start_ns\": 0, \"events\": []}"}, "run 1 has no 'thread'"},
      {{.runs = RUN(1, -5, "")}, "run 1 has no 'start_ns'"},
      {{.runs = LATER_RUN(1, 0, -1, "[1, \"w\", 1, 1, 0]")}, "run 1 has no 'before'"},
      {{.runs = RUN(1, 0, "")}, "run 1 has 0 events; 1 to 64 are allowed"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_parts(cases[i].parts);
    check_refused(cases[i].named);
  }
  check_events_refused("7", "event 1 of run 1 is not [lock, mode, gap_ns, hold_ns, depth]");
  check_events_refused("[1, \"w\", 1, 1, 0], [1, \"w\", 1, 1]", "event 2 of run 1 is not [");
  check_events_refused("[2, \"w\", 1, 1, 0]", "a lock that is not in the list of locks");
  check_events_refused("[1, \"x\", 1, 1, 0]", "neither \"r\" nor \"w\"");
  check_events_refused("[1, \"r\", 1, 1, 0]", "no readers/writer lock");
  check_events_refused("[1, \"w\", -1, 1, 0]", "a gap_ns that is not a time");
  check_events_refused("[1, \"w\", null, 1, 0]", "a gap_ns that is not a time");
  check_events_refused("[1, \"w\", 1, \"1\", 0]", "a hold_ns that is not a time");
  check_events_refused("[1, \"w\", 1, 1, -1]", "a depth that is not a number of locks");
  check_events_refused("[1, \"w\", 1, 1, 0, 1]", "does not tell well of how the CPU was given up");
  check_events_refused("[1, \"w\", 1, 1, 0, {\"yields\": -1}]", "how the CPU was given up");
  check_events_refused("[1, \"w\", 1, 1, 0, {}, 1]", "is not [lock, mode,");
}

static void what_is_no_json_is_refused(void) {
  static const char *const texts[][2] = {{"", "line 1"},  {"{", "line 1"},         {"[1,\n2", "line 2"},
                                         {"7", "line 1"}, {"[]", "not a profile"}, {"{\"schema\": 1e400}", "line 1"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    write_file(texts[i][0]);
    check_refused(texts[i][1]);
  }
  check_about("no file");
  CHECK_EQ(EINVAL, profile_read(&profile, "/nowhere/profile.json", why, sizeof why));
  CHECK(strstr(why, "cannot read '/nowhere/profile.json': No such file") != NULL);
  CHECK_EQ(EINVAL, profile_read(&profile, "/", why, sizeof why));
  CHECK(strstr(why, "Is a directory") != NULL);
}

static void check_section(uint32_t i, uint32_t lock, bool reads, uint32_t gap, uint32_t hold) {
  check_about("section %u", i);
  if (!CHECK(i < replay.n_sections)) return;
  CHECK_EQ(lock, replay.sections[i].place >> 1);
  CHECK_EQ(reads, replay.sections[i].place & 1);
  CHECK_EQ(gap, replay.sections[i].gap.length);
  CHECK_EQ(hold, replay.sections[i].hold.length);
}

static void sections_are_as_recorded(void) {
  if (!load((struct parts){
          .locks = LOCK(7, "rwlock", 10, 5, 1000, 1) "," LOCK(3, "rwlock", 30, 5, 1000, 1),
          .runs = RUN(5, 9000, "[7, \"w\", 3, 4, 0]") "," RUN(
              2, 5000, "[3, \"r\", 5000000000, 6.4, 0], [3, \"r\", 8000, 6, 0]") "," RUN(5, 100,
                                                                                         "[3, \"r\", 100, 50, 0], [7, "
                                                                                         "\"w\", 200, null, 0]")}))
    return;
  CHECK_EQ(2, replay.n_locks);
  CHECK_EQ(2, replay.n_sources);
  CHECK_EQ(2, replay.n_threads); /* of its four threads two took locks often */
  CHECK_EQ(3, replay.n_runs);
  CHECK_NEAR(60, replay.read_pct, 1e-9);
  CHECK(strncmp(replay.name, "some_program-", 13) == 0 && strlen(replay.name) == 13 + 8);
  CHECK(target.is_rw);
  CHECK_NEAR(0.25, target.contended, 1e-9);
  check_section(0, 1, true, UINT32_MAX, 6); /* thread 2 */
  check_section(1, 1, true, 8000, 6);
  check_section(2, 1, true, 100, 50);  /* thread 5, by time */
  check_section(3, 0, false, 200, 50); /* an end that was not seen: as long as that lock's others */
  check_section(4, 0, false, 3, 4);
  release();
}

static void check_given_up(const struct replay_time *time, unsigned n_yields, bool is_slept) {
  CHECK_EQ(n_yields, time->n_yields);
  CHECK_EQ(is_slept, time->is_slept);
}

/* In sections, and in gaps: those with locks of the other kind, which are part of the next gap. */
static void the_cpu_is_given_up_as_recorded(void) {
  if (!load((struct parts){
          .locks = LOCK(1, "mutex", 10, 5, 1000, 1) "," LOCK(2, "rwlock", 30, 5, 999, 1),
          .runs =
              RUN(1, 0,
                  "[1, \"w\", 10, 50, 0, {\"yields\": 2, \"gap_slept\": true}], [2, \"r\", 7, 8, 0, "
                  "{\"gap_yields\": 3, \"yields\": 4}], [1, \"w\", 5, 60, 0, {\"gap_yields\": 1, \"slept\": true}], "
                  "[1, \"w\", 5, 60, 0, {\"yields\": 1e9}], [1, \"w\", 5, 60, 0]")}))
    return;
  check_section(0, 0, false, 10, 50);
  check_given_up(&replay.sections[0].gap, 0, true);
  check_given_up(&replay.sections[0].hold, 2, false);
  check_section(1, 0, false, 7 + 8 + 5, 60);
  check_given_up(&replay.sections[1].gap, 3 + 4 + 1, false);
  check_given_up(&replay.sections[1].hold, 0, true);
  check_given_up(&replay.sections[2].hold, UINT16_MAX, false);
  check_section(3, 0, false, 5, 60);
  check_given_up(&replay.sections[3].gap, 0, false);
  check_given_up(&replay.sections[3].hold, 0, false);
  release();
}

static void one_kind_is_played_and_the_other_is_time(void) {
  if (!load((struct parts){
          .locks =
              LOCK(1, "mutex", 10, 5, 1000, 1) "," LOCK(2, "rwlock", 30, 5, 999, 1) "," LOCK(3, "spin", 60, 5, 0, 1),
          .runs = RUN(1, 0,
                      "[2, \"r\", 10, 20, 0], [1, \"w\", 100, 50, 0], [2, \"w\", 7, 8, 1], [2, \"r\", 30, 40, "
                      "0]") "," RUN(1, 5, "[3, \"w\", 1, 2, 0], [2, \"r\", 300, 400, 0]") "," RUN(2, 0,
                                                                                                  "[2, \"r\", "
                                                                                                  "1, 1, 0]")}))
    return;
  CHECK(!target.is_rw);
  CHECK_EQ(1, replay.n_sources); /* thread 2 has none */
  CHECK_NEAR(30, target.others_pct, 1e-9);
  check_section(0, 0, false, 10 + 20 + 100 + 300 + 400, 50); /* what was left over at the end comes before the first */
  check_section(1, 1, false, 30 + 40 + 1, 2);
  CHECK_EQ(2, replay.n_sections);
  release();
}

/* The inner section of 30 ns is played behind the outer one, and the gap behind is the shorter for it. */
static void sections_within_sections_follow_each_other(void) {
  if (!load((struct parts){.locks = LOCK(1, "mutex", 10, 5, 1000, 1) "," LOCK(2, "mutex", 30, 5, 1000, 1),
                           .runs = RUN(1, 0,
                                       "[1, \"w\", 100, 80, 0], [2, \"w\", 10, 30, 1], [1, \"w\", 20, 5, 0], [1, "
                                       "\"w\", 50, 5, 0]") "," RUN(1, 1, "[2, \"w\", 9, 8, 1], [1, \"w\", 7, 6, 0]")}))
    return;
  check_section(0, 0, false, 100, 80);
  check_section(1, 1, false, 0, 30);
  check_section(2, 0, false, 0, 5);
  check_section(3, 0, false, 50 - 10, 5);
  check_section(4, 1, false, 9, 8); /* what it was within is not in the run */
  check_section(5, 0, false, 7, 6);
  release();
}

static void locks_that_are_counted_as_one_are_several(void) {
  enum { N_INSTANCES = 30 };
  char runs[8192] = "{\"thread\": 1, \"start_ns\": 0, \"events\": [";
  for (unsigned i = 0; i < 60; i++)
    snprintf(runs + strlen(runs), sizeof runs - strlen(runs), "%s[2, \"w\", 1, 1, 0]", i > 0 ? "," : "");
  snprintf(runs + strlen(runs), sizeof runs - strlen(runs), ",[1, \"w\", 1, 1, 0]]}");
  if (!load((struct parts){.locks = LOCK(2, "mutex", 60, 0, 0, 30) "," LOCK(1, "mutex", 1, 0, 0, 1), .runs = runs}))
    return;
  bool is_used[N_INSTANCES + 1] = {false};
  unsigned n_used = 0;
  CHECK_EQ(N_INSTANCES + 1, replay.n_locks);
  for (uint32_t i = 0; i < replay.n_sections; i++) {
    const uint32_t lock = replay.sections[i].place >> 1;
    if (!CHECK(lock <= N_INSTANCES)) continue;
    n_used += !is_used[lock];
    is_used[lock] = true;
  }
  CHECK(is_used[N_INSTANCES]);
  CHECK(n_used > N_INSTANCES / 2);
  release();
}

/* The main thread took its locks in the beginning; the threads of the second half are a pool, one after another. */
static void who_is_there_for_a_moment_is_left_out_unless_there_are_many(void) {
  char runs[8192] = "";
  if (!load((struct parts){
          .runs = RUN(1, 0, "[1, \"w\", 0, 10, 0]") "," RUN(2, 10, "[1, \"w\", 0, 10, 0]") "," RUN(
              2, 1000, "[1, \"w\", 0, 10, 0]") "," RUN(3, 10, "[1, \"w\", 0, 20, 0]") "," RUN(3, 990,
                                                                                              "[1, \"w\", 0, 20, 0]")}))
    return;
  CHECK_EQ(2, replay.n_sources);
  check_section(0, 0, false, 0, 10);
  check_section(2, 0, false, 0, 20);
  release();
  for (unsigned i = 0; i < 60; i++)
    snprintf(runs + strlen(runs), sizeof runs - strlen(runs),
             "%s{\"thread\": %u, \"start_ns\": %u, \"events\": [[1, \"w\", 0, 30, 0]]}", i > 0 ? "," : "", i, 30 * i);
  if (!load((struct parts){.runs = runs})) return;
  CHECK_EQ(60, replay.n_sources);
  CHECK_EQ(4, replay.n_threads); /* that were there at once */
  release();
}

/* Two threads, each round 100 + 300 ns and the mean wait of 100 ns: 500 ns. */
static void the_target_is_the_pace_with_the_waits(void) {
  if (!load((struct parts){.runs = RUN(1, 0, "[1, \"w\", 100, 300, 0]") "," RUN(2, 0, "[1, \"w\", 100, 300, 0]")}))
    return;
  CHECK_NEAR(2 * 1e9 / 500, target.acquisitions_per_s, 1e-9);
  CHECK_NEAR(0.5, target.contended, 1e-9);
  release();
  /* Four threads on two CPUs would come to 8 M/s, with two CPUs to no less than half of it; the whole life may tell of
   * more. */
  static const struct {
    const char *n_acquisitions;
    double per_s;
  } cases[] = {{"70", 7e6}, {"10", 4e6}, {"90", 9e6}}; /* in 10 us */
  for (unsigned i = 0; i < 3; i++) {
    char locks[256];
    snprintf(locks, sizeof locks,
             "{\"id\": 1, \"kind\": \"mutex\", \"acquisitions\": %s, \"contended\": 1, \"wait_total_ns\": %s00, "
             "\"hold_total_ns\": 0, \"instances\": 1}",
             cases[i].n_acquisitions, cases[i].n_acquisitions);
    if (!load((struct parts){.locks = locks,
                             .runs =
                                 RUN(1, 0, "[1, \"w\", 100, 300, 0]") "," RUN(2, 0, "[1, \"w\", 100, 300, 0]") "," RUN(
                                     3, 0, "[1, \"w\", 100, 300, 0]") "," RUN(4, 0, "[1, \"w\", 100, 300, 0]")}))
      return;
    check_about("%s acquisitions", cases[i].n_acquisitions);
    CHECK_NEAR(cases[i].per_s, target.acquisitions_per_s, 1e-9);
    release();
  }
}

/* Of 1000 acquisitions the second run stands for nearly all, and the third for as many as that one: both are drawn more
   often. And the rate is that of the thread, 1000 in 0.1 ms, whatever the program's whole life tells. */
static void runs_are_drawn_for_what_they_stand_for(void) {
  static const char runs[] = LATER_RUN(1, 1000, 0, "[1, \"w\", 10, 1, 0]") ", " LATER_RUN(
      1, 50000, 1, "[1, \"w\", 20, 2, 0]") ", " LATER_RUN(1, 100995, 999, "[1, \"w\", 30, 5, 0]");
  unsigned n_drawn[3] = {0};
  if (!load((struct parts){.runs = runs})) return;
  for (uint32_t i = 0; i < replay.n_runs; i++) {
    CHECK_EQ(1, replay.runs[i].n);
    n_drawn[replay.runs[i].first]++;
  }
  CHECK_EQ(1, n_drawn[0]);
  CHECK(n_drawn[1] >= 20 && n_drawn[1] == n_drawn[2]);
  CHECK_EQ(replay.n_runs, replay.sources[0].n);
  CHECK_NEAR(1e9 * 1000 / 100000, target.acquisitions_per_s, 1e-9);
  release();
}

/* Three threads there from the beginning to the end, one of which takes three locks in all. */
static void who_hardly_takes_locks_is_left_out(void) {
  static const char *const events[] = {"[1, \"w\", 0, 10, 0]", "[2, \"w\", 0, 10, 0]", "[1, \"w\", 0, 10, 0]"};
  static const unsigned last[] = {999, 2, 999};
  char runs[1024] = "";
  for (unsigned i = 0; i < 6; i++)
    snprintf(runs + strlen(runs), sizeof runs - strlen(runs),
             "%s{\"thread\": %u, \"start_ns\": %u, \"before\": %u, \"events\": [%s]}", i > 0 ? "," : "", i / 2 + 1,
             i % 2 * 99990, i % 2 * last[i / 2], events[i / 2]);
  if (!load((struct parts){.locks = LOCK(1, "mutex", 2003, 5, 1000, 1) "," LOCK(2, "mutex", 3, 0, 0, 1), .runs = runs}))
    return;
  CHECK_EQ(2, replay.n_sources);
  CHECK_EQ(2, replay.n_threads);
  CHECK_EQ(1, replay.n_locks);
  CHECK_NEAR(2e7, target.acquisitions_per_s, 1e-9);
  release();
}

/* One gap of 1 ms among ten of 100 ns, where the whole life tells of 1 us a round: it is shortened to 9 us. */
static void rare_gaps_weigh_what_the_whole_life_allows(void) {
  const struct parts parts = {
      .head = "\"schema\": 1, \"program\": [\"x\"], \"threads\": 1, \"cpus\": 2, \"seconds\": 1e-5",
      .locks = LOCK(1, "mutex", 10, 0, 0, 1),
      .runs = RUN(1, 0,
                  "[1, \"w\", 1000000, 0, 0], [1, \"w\", 100, 0, 0], [1, \"w\", 100, 0, 0], [1, \"w\", 100, 0, 0], [1, "
                  "\"w\", 100, 0, 0], [1, \"w\", 100, 0, 0], [1, \"w\", 100, 0, 0], [1, \"w\", 100, 0, 0], [1, \"w\", "
                  "100, 0, 0], [1, \"w\", 200, 0, 0]")};
  if (!load(parts)) return;
  CHECK_NEAR(9000, replay.sections[0].gap.length, 0.001);
  check_section(9, 0, false, 200, 0);
  CHECK_NEAR(1e6, target.acquisitions_per_s, 0.001);
  release();
}

int main(void) {
  const int fd = mkstemp(path);
  if (!CHECK(fd >= 0)) return check_result();
  close(fd);
  what_is_no_profile_is_refused();
  what_is_no_json_is_refused();
  sections_are_as_recorded();
  one_kind_is_played_and_the_other_is_time();
  the_cpu_is_given_up_as_recorded();
  sections_within_sections_follow_each_other();
  locks_that_are_counted_as_one_are_several();
  who_is_there_for_a_moment_is_left_out_unless_there_are_many();
  the_target_is_the_pace_with_the_waits();
  runs_are_drawn_for_what_they_stand_for();
  who_hardly_takes_locks_is_left_out();
  rare_gaps_weigh_what_the_whole_life_allows();
  unlink(path);
  return check_result();
}
