// SPDX-License-Identifier: MIT
/*
 * ping_pong.h: what a cache line takes from one CPU of the model to another, measured there as machine/line_transfer.c
 * measures it on a machine: by store and load, which is two transfers and what is around them, and as profiles have it,
 * by compare-and-swap, which is one. The second must be what the model was told.
 */
#ifndef PING_PONG_H
#define PING_PONG_H

#include <stdatomic.h>
#include <stdint.h>

#include "lk_arch.h"
#include "model.h"

/* Two threads and the ball between them. */
struct court {
  _Alignas(LK_LINE_BYTES) _Atomic(uint32_t) ball;
  _Alignas(LK_LINE_BYTES) uint32_t n_passes; /* both ways together; nobody writes it */
};

/* The two sides, as guests; argument: the court. */
void ping_pong_store_even(void *court);
void ping_pong_store_odd(void *court);
void ping_pong_swap_even(void *court);
void ping_pong_swap_odd(void *court);

/* One way, in ns; of an arena that is open and a system that nothing else runs in. 0 without memory. */
double ping_pong_ns(const struct model *model, unsigned cpu_a, unsigned cpu_b);
double ping_pong_swap_ns(const struct model *model, unsigned cpu_a, unsigned cpu_b);

#endif
