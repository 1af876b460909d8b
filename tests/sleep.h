// SPDX-License-Identifier: MIT
/* sleep.h: for tests that look again and again whether something has come about. */
#ifndef SLEEP_H
#define SLEEP_H

#include <time.h>

/* The whole of it, whatever signals come. */
static inline void sleep_us(long us) {
  struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

#endif
