// SPDX-License-Identifier: MIT
/* The store buffer: what others see of a thread's stores, and when. */
#include "check.h"
#include "simulate/store_buffer.h"

static struct store_buffer buffer;
static uint32_t words[2];

static void put(volatile void *address, uint64_t value, unsigned n_bytes, int64_t done_ps) {
  store_buffer_put(&buffer, (struct store){address, value, n_bytes, done_ps});
}

static void stores_reach_memory_in_order(void) {
  put(&words[0], 1, 4, 10);
  put(NULL, 0, 8, 20); /* a plain one between them */
  put(&words[1], 2, 4, 30);
  CHECK_EQ(3, buffer.n);
  CHECK_EQ(2, buffer.n_atomic);
  store_buffer_commit(&buffer);
  CHECK(words[0] == 1 && words[1] == 0);
  store_buffer_settle(&buffer, 19);
  CHECK_EQ(2, buffer.n); /* the plain one is not done yet */
  store_buffer_commit(&buffer);
  CHECK(words[1] == 2 && buffer.n == 0 && buffer.n_atomic == 0);
}

static void the_thread_itself_finds_the_last_of_its_stores(void) {
  uint64_t value = 0;
  put(&words[0], 3, 4, 40);
  put(&words[0], 4, 4, 50);
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
  for (unsigned i = 0; i < 3 * STORE_BUFFER_MAX; i++) {
    put(&words[i % 2], i, 4, 60 + i);
    store_buffer_commit(&buffer);
    CHECK_EQ(i, words[i % 2]);
  }
}

int main(void) {
  stores_reach_memory_in_order();
  the_thread_itself_finds_the_last_of_its_stores();
  the_ring_goes_round();
  return check_result();
}
