// SPDX-License-Identifier: MIT
/*
 * watch.h: which bytes a piece of code reads and writes. The code is compiled with -fsanitize=thread, which puts a call
 * before each access; the sanitizer's library, which answers these calls, is not linked: watch.c answers them.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lk_arch.h"

enum { WATCH_READ = 1, WATCH_WROTE = 2, WATCH_MAX_LINES = 64 };

struct watch_line {
  uintptr_t address; /* of its first byte */
  unsigned char bytes[LK_LINE_BYTES];
};

/* Zero it first. */
struct watch {
  _Atomic(bool) is_closed;
  unsigned n_lines;
  struct watch_line lines[WATCH_MAX_LINES];
};

/* What the calling thread does from now on is noted there, until it says NULL or another thread closes it. */
void watch_begin(struct watch *watch);
void watch_close(struct watch *watch);

/* The line of that address, or NULL: it was not touched. */
const struct watch_line *watch_find(const struct watch *watch, uintptr_t address);

#endif
