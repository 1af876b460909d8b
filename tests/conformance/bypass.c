// SPDX-License-Identifier: MIT
/*
 * How often a thread that is in line is overtaken: by acquisitions that began when it was known to be there and were
 * served before it. Never by those of a lock that says LK_FIFO, and not beyond the bound of one that says LK_BOUNDED;
 * what happens at a lock that promises nothing is told.
 *
 *   bypass       a thread holds the lock until the waiter is in line and a latecomer behind it; then it is for them and
 *                several others that come and go
 *   starvation   beside one hog, which holds the lock for long and asks for it again at once (after nsync's test)
 */
#include <stdio.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "machine/clock.h"
#include "sleep.h"

enum { ROUND_MS = 60, MIN_WAITS = 3, MAX_ROUNDS = 50, GIVEN_UP_NS = 20000000, BETWEEN_LOOKS_US = 50 };

/* The threads that take part: a gatekeeper, a waiter, and the others. */
enum { GATEKEEPER, WAITER, LATECOMER, N_OFFICES = LATECOMER };

struct shape {
  const char *name;
  unsigned n_others;
  uint64_t section_ns; /* of the others */
  bool holds_it_shut;  /* the gatekeeper, until the waiter and the first of the others are in line */
};

/* The waits of one thread, numbered from 1. */
struct line {
  struct client client;
  const struct shape *shape;
  struct line_mark mark, latecomer;
  _Atomic(unsigned long) n_asked;  /* the wait that may begin; by the gatekeeper */
  _Atomic(unsigned long) n_known;  /* the last wait that was seen in line; by the gatekeeper */
  _Atomic(unsigned long) n_served; /* by the waiter, inside; release: all of its wait is over */
  unsigned long n_overtaken;       /* in this wait; protected by the lock, as the next two */
  unsigned long most_overtaken;
  unsigned long n_known_and_served;
};

static void wait_once(struct line *line, void *ctx, unsigned long wait) {
  const struct lk_ops *ops = line->client.ops;
  line_arrive(&line->mark, ops);
  ops->lock(line->client.lock, ctx);
  line->n_known_and_served += atomic_load_explicit(&line->n_known, memory_order_relaxed) == wait;
  line->n_overtaken = 0;
  line_leave(&line->mark);
  atomic_store_explicit(&line->n_served, wait, memory_order_release);
  ops->unlock(line->client.lock, ctx);
}

static unsigned long be_waiter(struct line *line, void *ctx) {
  unsigned long n = atomic_load_explicit(&line->n_served, memory_order_relaxed);
  while (crowd_may_go_on()) {
    if (atomic_load_explicit(&line->n_asked, memory_order_relaxed) > n)
      wait_once(line, ctx, ++n);
    else
      sleep_us(BETWEEN_LOOKS_US);
  }
  return 0;
}

static bool is_served(const struct line *line, unsigned long wait) {
  return atomic_load_explicit(&line->n_served, memory_order_acquire) >= wait; /* pairs with wait_once */
}

/* Has the waiter wait, again and again, and tells the others when it is known to be in line. */
static unsigned long be_gatekeeper(struct line *line, void *ctx) {
  const struct lk_ops *ops = line->client.ops;
  while (crowd_may_go_on()) {
    const unsigned long wait = atomic_load_explicit(&line->n_served, memory_order_relaxed) + 1;
    if (line->shape->holds_it_shut) ops->lock(line->client.lock, ctx);
    atomic_store_explicit(&line->n_asked, wait, memory_order_relaxed);
    bool is_in = false;
    while (crowd_may_go_on() && !(is_in = line_is_in(&line->mark)) && !is_served(line, wait))
      sleep_us(BETWEEN_LOOKS_US);
    /* Release: pairs with the acquire in be_another. */
    if (is_in) atomic_store_explicit(&line->n_known, wait, memory_order_release);
    if (line->shape->holds_it_shut) {
      while (crowd_may_go_on() && is_in && !line_is_in(&line->latecomer)) sleep_us(BETWEEN_LOOKS_US);
      ops->unlock(line->client.lock, ctx);
    }
    const uint64_t since_ns = clock_now_ns();
    while (crowd_may_go_on() && !is_served(line, wait) && clock_now_ns() - since_ns < GIVEN_UP_NS)
      sleep_us(BETWEEN_LOOKS_US);
    if (!is_served(line, wait)) break; /* the others must stop before it gets in */
  }
  return 0;
}

static unsigned long known_wait(const struct line *line) {
  /* Acquire: the waiter was in line before, and so before we begin. */
  return atomic_load_explicit(&line->n_known, memory_order_acquire);
}

static unsigned long be_another(struct line *line, void *ctx, bool is_latecomer) {
  const struct lk_ops *ops = line->client.ops;
  unsigned long n = 0;
  for (; crowd_may_go_on(); n++) {
    while (is_latecomer && crowd_may_go_on() && is_served(line, known_wait(line))) sleep_us(BETWEEN_LOOKS_US);
    const unsigned long known = known_wait(line);
    if (is_latecomer) line_arrive(&line->latecomer, ops);
    ops->lock(line->client.lock, ctx);
    if (known > atomic_load_explicit(&line->n_served, memory_order_relaxed) &&
        ++line->n_overtaken > line->most_overtaken)
      line->most_overtaken = line->n_overtaken;
    if (is_latecomer) line_leave(&line->latecomer);
    const uint64_t end_ns = clock_now_ns() + line->shape->section_ns;
    while (line->shape->section_ns > 0 && clock_now_ns() < end_ns) {
    }
    ops->unlock(line->client.lock, ctx);
  }
  return n;
}

static unsigned long take_part(unsigned index, void *argument) {
  struct line *line = argument;
  void *ctx = client_enter(&line->client, index);
  const unsigned long n = index == GATEKEEPER ? be_gatekeeper(line, ctx)
                          : index == WAITER   ? be_waiter(line, ctx)
                                              : be_another(line, ctx, index == LATECOMER && line->shape->holds_it_shut);
  client_leave(&line->client, ctx);
  return n;
}

static void check_overtaking(const struct lk_ops *ops, const struct shape *shape) {
  const unsigned n_threads = N_OFFICES + shape->n_others;
  struct line line = {.client = client_make(ops, n_threads), .shape = shape};
  check_about("%s: %s", ops->name, shape->name);
  for (unsigned round = 0; round < MAX_ROUNDS && line.n_known_and_served < MIN_WAITS; round++)
    crowd_run(n_threads, ROUND_MS, take_part, &line);
  /* Or nothing was seen. A peer's waiter may yield, and so never run for so long that it is known to wait. */
  if (!(ops->traits & LK_PEER)) CHECK(line.n_known_and_served >= MIN_WAITS);
  printf("  in %lu waits overtaken at most %lu times", line.n_known_and_served, line.most_overtaken);
  if (ops->traits & (LK_FIFO | LK_BOUNDED)) {
    const unsigned long bound = ops->traits & LK_FIFO ? 0 : (unsigned long)ops->bypass(&line.client.config);
    printf(", %lu are promised\n", bound);
    check_that(line.most_overtaken <= bound, __FILE__, __LINE__, "overtaken %lu times, at most %lu are promised",
               line.most_overtaken, bound);
  } else {
    printf(", nothing is promised\n");
  }
  client_unmake(&line.client);
}

static void bypass(const struct lk_ops *ops) {
  check_overtaking(ops, &(struct shape){.name = "bypass", .n_others = 4, .holds_it_shut = true});
}

static void starvation(const struct lk_ops *ops) {
  check_overtaking(ops, &(struct shape){.name = "starvation", .n_others = 1, .section_ns = 2500000});
}

const struct conformance_case conformance_bypass[] = {
    {"bypass", bypass},
    {"starvation", starvation},
    {NULL, NULL},
};
