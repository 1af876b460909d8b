// SPDX-License-Identifier: MIT
/* await.h: how a worker passes a time that may be long: it sleeps for most of what is far, and spins for the rest. */
#ifndef AWAIT_H
#define AWAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct await {
  uint64_t near_ticks;  /* what is not farther is spun away */
  uint64_t early_ticks; /* a sleep ends so much before the time: at least as long as it takes to wake up, or 0 */
};

/* Returns true when the clock has come to `due`, at once if it was so before; false if *phase is no longer `during`. */
bool await_until(const struct await *await, uint64_t due, const _Atomic(uint32_t) *phase, uint32_t during);

#endif
