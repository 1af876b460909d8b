// SPDX-License-Identifier: MIT
/* selection.h: what --locks says -> locks. */
#ifndef SELECTION_H
#define SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "registry.h"

enum { SELECTION_MAX = 256 };

struct selection {
  unsigned n;
  const struct lk_ops *locks[SELECTION_MAX]; /* each once, in the order in which they were first named */
};

/*
 * Reads comma separated names of locks and names of groups (those of the CSV: a kind, a way to wait, a
 * source; fifo; common; all). A twin is in no group. Returns 0, or EINVAL with one line in `why`.
 */
int selection_make(struct selection *selection, const char *names, char *why, size_t why_bytes);

/* Adds every twin, and the lock that it is a twin of. Returns whether that lock had not been named. */
bool selection_add_twins(struct selection *selection);

/* The same without the baselines, which exclude no thread; a note names them. EINVAL too if nothing is left. */
int selection_make_of_locks(struct selection *selection, const char *names, char *why, size_t why_bytes);

#endif
