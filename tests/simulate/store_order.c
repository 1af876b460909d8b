// SPDX-License-Identifier: MIT
/* The store buffer: what others see of a thread's stores, and when. */
#include "check.h"
#include "simulate/store_buffer.h"
#include "two_sockets.h"

enum { NS = 1000, MINE = 0, OTHERS = 1, LONG_AFTER = 1000000 };

static struct two_sockets machine;
static struct store_buffer buffer;
static uint32_t words[2];
static struct line lines[2];

/* An empty buffer, of a core that has both lines. */
static void begin(void) {
  CHECK(line_begin(&machine.model, 1));
  buffer = (struct store_buffer){.who = {.core = MINE}};
  for (unsigned i = 0; i < 2; i++) {
    lines[i] = (struct line){0};
    words[i] = 0;
    (void)line_take(&lines[i], MINE, MINE, 0, MISS_STORE);
  }
}

static bool put(volatile void *address, uint64_t value, unsigned n_bytes, struct line *line) {
  return store_buffer_put(&buffer, (struct store){.address = address, .value = value, .n_bytes = n_bytes, .line = line},
                          LONG_AFTER);
}

static void stores_reach_memory_in_order(void) {
  begin();
  CHECK(put(&words[0], 1, 4, &lines[0]));
  CHECK(!put(NULL, 0, 8, &lines[0])); /* a plain one between them */
  CHECK(!put(&words[1], 2, 4, &lines[1]));
  CHECK_EQ(3, buffer.n);
  CHECK_EQ(2, buffer.n_atomic);
  CHECK(store_buffer_commit(&buffer));
  CHECK(words[0] == 1 && words[1] == 0);
  CHECK(store_buffer_commit(&buffer));
  CHECK(words[1] == 0 && buffer.n == 1);
  CHECK(!store_buffer_commit(&buffer));
  CHECK(words[1] == 2 && buffer.n == 0 && buffer.n_atomic == 0);
}

/* The first has to get its line from another core. */
static int64_t second_is_done_at(bool is_looked_at) {
  begin();
  (void)line_take(&lines[0], OTHERS, OTHERS, 0, MISS_STORE);
  CHECK(put(&words[0], 1, 4, &lines[0]));
  CHECK_EQ(LONG_AFTER + 50 * NS, buffer.done_ps);
  CHECK(!put(&words[1], 1, 4, &lines[1]));
  if (is_looked_at) (void)line_fetch(&lines[1], OTHERS, LONG_AFTER);
  CHECK(store_buffer_commit(&buffer));
  return buffer.done_ps;
}

static void a_line_that_was_lost_meanwhile_is_asked_for_again(void) {
  CHECK_EQ(LONG_AFTER + 50 * NS + machine.model.store_ps, second_is_done_at(false));
  CHECK_EQ(LONG_AFTER + 50 * NS + 51 * NS, second_is_done_at(true)); /* and 1 for the copy */
  CHECK(line_is_owned_by(&lines[1], MINE) && !line_is_in(&lines[1], OTHERS));
}

static void the_thread_itself_finds_the_last_of_its_stores(void) {
  uint64_t value = 0;
  begin();
  put(&words[0], 3, 4, &lines[0]);
  put(&words[0], 4, 4, &lines[0]);
  CHECK_EQ(STORE_SAME, store_buffer_find(&buffer, &words[0], 4, &value));
  CHECK_EQ(4, value);
  CHECK_EQ(STORE_NONE, store_buffer_find(&buffer, &words[1], 4, &value));
  CHECK_EQ(STORE_OTHER, store_buffer_find(&buffer, &words[0], 1, &value)); /* a byte of the word */
  CHECK_EQ(STORE_OTHER, store_buffer_find(&buffer, &words[0], 8, &value)); /* and more than it */
  store_buffer_commit(&buffer);
  store_buffer_commit(&buffer);
  CHECK_EQ(4, words[0]);
}

static void the_ring_goes_round(void) {
  begin();
  for (unsigned i = 0; i < 3 * STORE_BUFFER_MAX; i++) {
    CHECK(put(&words[i % 2], i, 4, &lines[i % 2]));
    CHECK(!store_buffer_commit(&buffer));
    CHECK_EQ(i, words[i % 2]);
  }
}

int main(void) {
  two_sockets_make(&machine, two_sockets_json);
  stores_reach_memory_in_order();
  a_line_that_was_lost_meanwhile_is_asked_for_again();
  the_thread_itself_finds_the_last_of_its_stores();
  the_ring_goes_round();
  return check_result();
}
