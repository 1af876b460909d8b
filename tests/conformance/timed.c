// SPDX-License-Identifier: MIT
/* What lk.h promises of timedlock: it gets in by its deadline or gives up at it, and nobody else waits longer for that.
 */
#include <pthread.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "lk_clock.h"
#include "sleep.h"

enum { FAR_NS = 2000000000 };

/* A thread that asks with a deadline, or without one, and lets go if it got in. */
struct waiter {
  const struct client *client;
  unsigned index;
  uint64_t deadline_ns; /* 0: none */
  pthread_t thread;
  struct line_mark mark;
  bool has_entered;
  uint64_t end_ns;
};

static void *wait_in_line(void *argument) {
  struct waiter *waiter = argument;
  const struct lk_ops *ops = waiter->client->ops;
  void *const lock = waiter->client->lock, *const ctx = client_enter(waiter->client, waiter->index);
  line_arrive(&waiter->mark, ops);
  waiter->has_entered = true;
  if (waiter->deadline_ns == 0)
    ops->lock(lock, ctx);
  else
    waiter->has_entered = ops->timed_lock(lock, ctx, waiter->deadline_ns);
  waiter->end_ns = lk_clock_ns();
  if (waiter->has_entered) ops->unlock(lock, ctx);
  client_leave(waiter->client, ctx);
  return NULL;
}

static void start(struct waiter *waiter, const struct client *client, unsigned index, uint64_t deadline_ns) {
  *waiter = (struct waiter){.client = client, .index = index, .deadline_ns = deadline_ns};
  CHECK(pthread_create(&waiter->thread, NULL, wait_in_line, waiter) == 0);
}

static void wait_until_in_line(const struct waiter *waiter) {
  while (!line_is_in(&waiter->mark)) sleep_us(100);
}

static void alone(const struct client *client, void *ctx) {
  const struct lk_ops *ops = client->ops;
  for (unsigned round = 0; round < 3; round++) {
    const uint64_t deadlines[] = {0, lk_clock_ns(), lk_clock_ns() + FAR_NS};
    if (CHECK(ops->timed_lock(client->lock, ctx, deadlines[round]))) ops->unlock(client->lock, ctx);
  }
}

/* Held throughout: it gives up, not before the deadline, and leaves nothing behind. */
static void in_vain(const struct client *client, void *ctx) {
  const struct lk_ops *ops = client->ops;
  for (unsigned round = 0; round < 3; round++) {
    struct waiter waiter;
    ops->lock(client->lock, ctx);
    start(&waiter, client, 1, round == 0 ? 1 : lk_clock_ns() + round * 2000000);
    pthread_join(waiter.thread, NULL);
    CHECK(!waiter.has_entered);
    CHECK(waiter.end_ns >= waiter.deadline_ns);
    ops->unlock(client->lock, ctx);
    CHECK(ops->try_lock(client->lock, ctx));
    ops->unlock(client->lock, ctx);
  }
}

/* Given back in time: it gets in. */
static void in_time(const struct client *client, void *ctx) {
  struct waiter waiter;
  client->ops->lock(client->lock, ctx);
  start(&waiter, client, 1, lk_clock_ns() + 30 * (uint64_t)FAR_NS);
  wait_until_in_line(&waiter);
  client->ops->unlock(client->lock, ctx);
  pthread_join(waiter.thread, NULL);
  CHECK(waiter.has_entered);
  CHECK(waiter.end_ns < waiter.deadline_ns);
}

/* Given back at about the deadline of one of two: whatever becomes of that one, the other gets in. Nobody is nudged. */
static void beside_another(const struct client *client, void *ctx) {
  for (unsigned round = 0; round < 20; round++) {
    struct waiter late, patient;
    client->ops->lock(client->lock, ctx);
    start(&late, client, 1, lk_clock_ns() + 3000000);
    start(&patient, client, 2, 0);
    while (lk_clock_ns() + round * 20000 < late.deadline_ns) sleep_us(10);
    client->ops->unlock(client->lock, ctx);
    pthread_join(late.thread, NULL);
    pthread_join(patient.thread, NULL);
    CHECK(patient.has_entered);
  }
}

static void deadlines_are_kept(const struct lk_ops *ops) {
  if (ops->timed_lock == NULL) return;
  struct client client = client_make(ops, 3);
  void *ctx = client_enter(&client, 0);
  check_about("%s: deadlines", ops->name);
  alone(&client, ctx);
  in_vain(&client, ctx);
  in_time(&client, ctx);
  beside_another(&client, ctx);
  client_leave(&client, ctx);
  client_unmake(&client);
}

/* What the lock protects: plain, so that two at once lose an addition. */
struct room {
  struct client client;
  unsigned long n_sections;
};

/* Each third with a deadline that is soon, each third with none. */
static unsigned long ask_until_told(unsigned index, void *argument) {
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  void *const ctx = client_enter(&room->client, index), *const lock = room->client.lock;
  unsigned long n = 0;
  for (unsigned long round = index; crowd_may_go_on(); round++) {
    if (round % 3 == 0)
      ops->lock(lock, ctx);
    else if (!ops->timed_lock(lock, ctx, lk_clock_ns() + (round % 3 - 1) * 20000))
      continue;
    const unsigned long before = room->n_sections;
    crowd_linger(round % 32);
    room->n_sections = before + 1;
    ops->unlock(lock, ctx);
    n++;
  }
  client_leave(&room->client, ctx);
  return n;
}

static void those_with_deadlines_exclude(const struct lk_ops *ops) {
  enum { N_THREADS = 4 };
  if (ops->timed_lock == NULL) return;
  static struct room room;
  room = (struct room){.client = client_make(ops, N_THREADS)};
  check_about("%s: deadlines in a crowd", ops->name);
  const unsigned long n = crowd_run(N_THREADS, conformance_round_ms, ask_until_told, &room);
  CHECK_EQ(n, room.n_sections);
  client_unmake(&room.client);
}

const struct conformance_case conformance_timed[] = {
    {"deadlines", deadlines_are_kept},
    {"deadlines-crowd", those_with_deadlines_exclude},
    {NULL, NULL},
};
