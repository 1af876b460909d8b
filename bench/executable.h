// SPDX-License-Identifier: MIT
/* executable.h: what a program's file tells of whether its locks can be replaced from outside. */
#ifndef EXECUTABLE_H
#define EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>

struct executable {
  char path[4096];
  const char *own_locks; /* of a program whose language locks by itself: who does that; else NULL */
};

/*
 * Finds a program as the shell does and looks at its file, or at that of the interpreter that its first line names.
 * Returns 0, or EINVAL with one line in `why`: there is none, or none that a library can be put into (static,
 * set-user-ID or the like, for another machine or C library).
 */
int executable_find(struct executable *executable, const char *name, char *why, size_t why_bytes);

#endif
