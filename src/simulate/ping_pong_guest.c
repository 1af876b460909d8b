// SPDX-License-Identifier: MIT
/* ping_pong_guest.c: the two sides of ping_pong.h; compiled as a guest. */
#include <stdbool.h>

#include "ping_pong.h"

/* Passes the ball on whenever it is this side's, until it has been passed often enough. */
static void play_by_store(struct court *court, uint32_t side) {
  for (;;) {
    /* Acquire and release: the ball carries nothing else, but a real hand-off would. */
    const uint32_t ball = atomic_load_explicit(&court->ball, memory_order_acquire);
    if (ball >= court->n_passes) return;
    if (ball % 2 == side) atomic_store_explicit(&court->ball, ball + 1, memory_order_release);
  }
}

/* The same, tried with compare-and-swap only. */
static void play_by_swap(struct court *court, uint32_t side) {
  for (uint32_t ball = side; ball < court->n_passes;) {
    uint32_t expected = ball;
    /* Acquire and release as above; relaxed on failure: nothing was passed. */
    if (atomic_compare_exchange_strong_explicit(&court->ball, &expected, ball + 1, memory_order_acq_rel,
                                                memory_order_relaxed))
      ball += 2;
  }
}

void ping_pong_store_even(void *court) { play_by_store(court, 0); }
void ping_pong_store_odd(void *court) { play_by_store(court, 1); }
void ping_pong_swap_even(void *court) { play_by_swap(court, 0); }
void ping_pong_swap_odd(void *court) { play_by_swap(court, 1); }
