// SPDX-License-Identifier: MIT
/* The cost model of a cache line, one transition at a time. */
#include "check.h"
#include "simulate/line.h"
#include "two_sockets.h"

static struct two_sockets machine;
static struct line line;

enum { NS = 1000, LONG_AFTER = 1000000 };

/* A line that core `owner` has written, long ago. */
static void owned_by(unsigned owner) {
  line = (struct line){0};
  CHECK(line_begin(&machine.model, 1));
  (void)line_take(&line, owner, 2 * owner, 0, MISS_STORE);
}

static void the_first_access_is_to_memory(void) {
  line = (struct line){0};
  CHECK(line_begin(&machine.model, 1));
  CHECK_EQ(80 * NS, line_take(&line, 0, 0, 0, MISS_STORE));
  line = (struct line){0};
  CHECK_EQ(LONG_AFTER + 80 * NS, line_fetch(&line, 1, LONG_AFTER));
  CHECK(line_is_owned_by(&line, 1)); /* the only copy: a store to it is a hit */
}

static void a_load_takes_its_share_of_a_transfer(void) {
  owned_by(0);
  CHECK_EQ(LONG_AFTER + 45 * NS, line_fetch(&line, 1, LONG_AFTER)); /* 0.9 of 50 */
  CHECK(line_is_in(&line, 0) && line_is_in(&line, 1) && line.owner == 0);
  owned_by(0);
  CHECK_EQ(LONG_AFTER + 90 * NS, line_fetch(&line, 2, LONG_AFTER));
  CHECK_EQ(LONG_AFTER * 2 + 45 * NS, line_fetch(&line, 3, LONG_AFTER * 2)); /* the nearest copy */
}

static void a_store_waits_for_the_farthest_copy(void) {
  owned_by(0);
  CHECK_EQ(LONG_AFTER + 50 * NS, line_take(&line, 1, 2, LONG_AFTER, MISS_STORE));
  owned_by(0);
  (void)line_fetch(&line, 2, LONG_AFTER);
  const uint64_t n_before = tally.n_invalidated;
  CHECK_EQ(LONG_AFTER * 2 + 102 * NS, line_take(&line, 1, 2, LONG_AFTER * 2, MISS_STORE)); /* and 1 for each of two */
  CHECK_EQ(2, tally.n_invalidated - n_before);
  CHECK(line_is_owned_by(&line, 1) && !line_is_in(&line, 0) && !line_is_in(&line, 2));
}

static void an_upgrade_is_no_hit(void) {
  owned_by(0);
  (void)line_fetch(&line, 1, LONG_AFTER);
  const uint64_t n_before = tally.n_upgrades;
  CHECK_EQ(LONG_AFTER * 2 + 51 * NS, line_take(&line, 1, 2, LONG_AFTER * 2, MISS_RMW));
  CHECK_EQ(1, tally.n_upgrades - n_before);
}

static void requests_queue_at_the_line(void) {
  owned_by(0);
  CHECK_EQ(LONG_AFTER + 50 * NS, line_take(&line, 1, 2, LONG_AFTER, MISS_RMW));
  /* Begins when the first has done its read-modify-write, 5 ns after it got the line. */
  CHECK_EQ(LONG_AFTER + 155 * NS, line_take(&line, 2, 4, LONG_AFTER, MISS_RMW));
  CHECK_EQ(LONG_AFTER + 160 * NS + 45 * NS, line_fetch(&line, 3, LONG_AFTER));
}

static void readers_of_a_copy_delay_each_other_by_their_occupancy(void) {
  owned_by(0);
  (void)line_fetch(&line, 1, LONG_AFTER);
  const int64_t at = LONG_AFTER * 2;
  CHECK_EQ(at + 90 * NS, line_fetch(&line, 2, at));
  CHECK_EQ(at + 45 * NS + 45 * NS, line_fetch(&line, 3, at)); /* behind half of 90, from core 2 beside it */
}

static void who_wants_it_alone_passes_most_loads(void) {
  owned_by(0);
  (void)line_fetch(&line, 1, LONG_AFTER);
  const int64_t at = LONG_AFTER * 2;
  (void)line_fetch(&line, 2, at); /* books the line for 45 ns from `at` on */
  const int64_t free_at = line.exclusive_until_ps;
  const int64_t booked = line.reads_until_ps - free_at;
  const int64_t from = free_at + booked / 4 > at ? free_at + booked / 4 : at;
  CHECK_EQ(from + 102 * NS, line_take(&line, 3, 6, at, MISS_RMW) - 1 * NS); /* three copies */
}

static void siblings_share_a_request(void) {
  owned_by(0);
  const int64_t done = line_take(&line, 1, 2, LONG_AFTER, MISS_RMW);
  const uint64_t n_before = tally.n_merged;
  CHECK_EQ(done, line_take(&line, 1, 3, LONG_AFTER + 10 * NS, MISS_RMW));
  CHECK_EQ(1, tally.n_merged - n_before);
}

static void misses_are_counted_by_kind_and_distance(void) {
  owned_by(0);
  const struct counts before = tally;
  (void)line_fetch(&line, 1, LONG_AFTER);
  (void)line_take(&line, 2, 4, LONG_AFTER * 2, MISS_RMW);
  CHECK_EQ(1, tally.n_misses[MISS_LOAD][DISTANCE_LLC] - before.n_misses[MISS_LOAD][DISTANCE_LLC]);
  CHECK_EQ(1, tally.n_misses[MISS_RMW][DISTANCE_REMOTE] - before.n_misses[MISS_RMW][DISTANCE_REMOTE]);
}

int main(void) {
  two_sockets_make(&machine, two_sockets_json);
  the_first_access_is_to_memory();
  a_load_takes_its_share_of_a_transfer();
  a_store_waits_for_the_farthest_copy();
  an_upgrade_is_no_hit();
  requests_queue_at_the_line();
  readers_of_a_copy_delay_each_other_by_their_occupancy();
  who_wants_it_alone_passes_most_loads();
  siblings_share_a_request();
  misses_are_counted_by_kind_and_distance();
  return check_result();
}
