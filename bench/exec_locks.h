// SPDX-License-Identifier: MIT
/* exec_locks.h: what --lock of `lockbench exec` says -> the libraries that bring these locks into a program. */
#ifndef EXEC_LOCKS_H
#define EXEC_LOCKS_H

#include <stddef.h>

struct exec_locks {
  const char *mutex, *rw;   /* names, or NULL: stays with the system. "none" is a mutex: passed through */
  const char *fifo_spinner; /* that of them which collapses with more threads than CPUs, or NULL */
  char paths[8192];         /* of the libraries, as LD_PRELOAD has them */
};

/*
 * Reads one name, or two, of which one is a mutex and one a readers/writer lock. The libraries lie beside the program,
 * in a build or where it is installed. Returns 0, or EINVAL with one line in `why`.
 */
int exec_locks_find(struct exec_locks *locks, const char *names, char *why, size_t why_bytes);

#endif
