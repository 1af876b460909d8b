// SPDX-License-Identifier: MIT
/* child.h: a piece of work in a process of its own, with a watchdog. If it hangs or crashes, its parent goes on. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>

/* How it ended. */
struct child_end {
  bool is_in_time; /* false: it was killed */
  int status;      /* as wait(2) has it */
  double limit_s;
  double peak_rss_bytes; /* of the process, thread stacks included */
};

/*
 * Runs body(argument) in a child and waits for it, for limit_s at most, not counting time in which it was stopped or
 * all stood still. The child dies with its parent, does not answer Ctrl-C and leaves no core file. Returns 0, or an
 * errno if no process can be made.
 */
int child_run(void (*body)(void *), void *argument, double limit_s, struct child_end *end);

/* Whether body() returned. If not, `why` gets one line that says what happened instead. */
bool child_has_returned(const struct child_end *end, char *why, size_t why_bytes);

/*
 * Whether it died of a signal that no fault of its own sends: killed by somebody, for want of memory, or because it
 * used up a limit of CPU time.
 */
bool child_was_ended_from_outside(const struct child_end *end);

/* Zeroed memory that parent and child share, or NULL. */
void *child_share(size_t n_bytes);
void child_unshare(void *memory, size_t n_bytes);

#endif
