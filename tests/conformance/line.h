// SPDX-License-Identifier: MIT
/* line.h: whether a thread that asks for a lock is in line for it, as far as another can know. */
#ifndef LINE_H
#define LINE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "registry.h"

/* Of one thread that asks, for others to look at. Zero it first. */
struct line_mark {
  bool lock_parks;
  pthread_t thread;
  pid_t thread_id;
  long arrived_cpu_ns;       /* of its own CPU time, when it was about to ask for the lock */
  _Atomic(bool) is_arriving; /* release and acquire: those above come with it */
};

/* By the thread itself, right before it asks and once it has been served. */
void line_arrive(struct line_mark *mark, const struct lk_ops *ops);
void line_leave(struct line_mark *mark);

/* By another, while the thread is in line: what it has done until now counts no more. */
void line_begin_again(struct line_mark *mark);

/* True: it is in line. False: perhaps not yet. */
bool line_is_in(const struct line_mark *mark);

#endif
