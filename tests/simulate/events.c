// SPDX-License-Identifier: MIT
/*
 * Whatever is put into the queue of events comes out by time, and in the order in which it was put there at one moment:
 * held against a plain search, with times near and far, before the last that was taken, and equal ones.
 */
#include "simulate/events.h"

#include "check.h"
#include "random.h"

enum { N_MOST = 300, N_STEPS = 200000 };

static struct events events;
static struct event plain[N_MOST + 1];
static unsigned n_plain;

static struct event take_plain(void) {
  unsigned best = 0;
  for (unsigned i = 1; i < n_plain; i++)
    if (plain[i].at_ps < plain[best].at_ps ||
        (plain[i].at_ps == plain[best].at_ps && plain[i].order < plain[best].order))
      best = i;
  const struct event event = plain[best];
  plain[best] = plain[--n_plain];
  return event;
}

/* By how much after `now`: most as threads that poll, some as transfers and slices, some at once or too late. */
static int64_t draw_ahead(struct random_state *random) {
  const uint64_t draw = random_next(random), kind = draw >> 60;
  const int64_t value = (int64_t)(draw >> 8 & 0xffffffff);
  return kind < 9 ? value % 25000 : kind < 12 ? value % 900000 : kind < 14 ? value * 8 : kind == 14 ? 0 : -value % 3000;
}

int main(void) {
  struct random_state random = random_seed(1, 0);
  int64_t now_ps = 1000000;
  events_begin(&events);
  CHECK(events_next_ps(&events) == INT64_MAX);
  for (unsigned step = 0; step < N_STEPS; step++) {
    const unsigned n_wanted = step / (N_STEPS / 4) % 2 == 0 ? N_MOST - 1 : 2; /* it fills, and runs nearly empty */
    const struct event event = event_make(&events, now_ps + draw_ahead(&random), EVENT_RUN, step % 4096);
    struct event taken;
    CHECK(event_thread(event) == step % 4096 && event_kind(event) == EVENT_RUN);
    plain[n_plain++] = event;
    if (n_plain > n_wanted + 1 || n_plain == 1) {
      events_add(&events, event);
      if (n_plain == 1) continue;
      taken = events_take(&events);
    } else if (n_plain <= n_wanted && random_next(&random) >> 63 == 0) {
      events_add(&events, event);
      CHECK(events.n == n_plain);
      continue;
    } else {
      taken = events_exchange(&events, event);
    }
    const struct event expected = take_plain();
    CHECK(taken.at_ps == expected.at_ps && taken.order == expected.order && events.n == n_plain);
    if (taken.at_ps > now_ps) now_ps = taken.at_ps;
    if (n_plain > n_wanted) {
      const struct event next = take_plain();
      CHECK(events_next_ps(&events) == next.at_ps && events_take(&events).order == next.order);
    }
  }
  while (n_plain > 0) CHECK(events_take(&events).order == take_plain().order);
  CHECK(events.n == 0 && events_next_ps(&events) == INT64_MAX);
  return 0;
}
