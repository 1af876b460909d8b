// SPDX-License-Identifier: MIT
/*
 * overhead [ROUNDS [MS]]: what the harness adds to an operation. Its loop around `empty` against the same loop
 * written by hand: the same draws, stores, counts and stop flag, and none of the harness's abstractions.
 */
#include <stdio.h>
#include <string.h>

#include "solo.h"
#include "trial/code_layout.h"

static const double MAX_OVERHEAD_PCT = 3;

static inline __attribute__((always_inline)) void loop_by_hand(struct worker *worker) {
  struct workload_state *const state = (struct workload_state *)(void *)(worker->locks + worker->state_offset);
  struct worker_signal *const signal = worker->signal;
  const uint64_t read_below = worker->read_below, n_keys = worker->workload.n_keys;
  const uint32_t tag = PHASE_WINDOW << 16;
  uint64_t x = worker->random.state, sum = worker->sum;
  while (atomic_load_explicit(&signal->phase, memory_order_relaxed) == PHASE_WINDOW) {
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    const uint64_t bits = x * 0x2545f4914f6cdd1du;
    const bool reads = (uint32_t)bits < read_below;
    struct workload_key *const key = &state->keys[((bits >> 32) * n_keys) >> 32];
    /* As in instance.c: a read stores too, on a line of its own, so that no branch is left in the section. */
    struct workload_key *stored = reads ? &worker->unshared_key : key;
    __asm__ volatile("" : "+r"(stored));
    uint32_t value = 0;
    if (!reads) {
      x ^= x >> 12;
      x ^= x << 25;
      x ^= x >> 27;
      value = (uint32_t)((((x * 0x2545f4914f6cdd1du) >> 32) * 100) >> 32);
    }
    atomic_signal_fence(memory_order_acq_rel); /* here the section would begin, and it must not move */
    if (__builtin_expect(state->owner_tag != tag, 0)) worker_take_over(worker, state, tag);
    state->n_sections++;
    sum += key->value;
    stored->value = value;
    stored->n_writes++;
    atomic_signal_fence(memory_order_acq_rel);
    _Atomic(uint64_t) *const n = reads ? &worker->counts.n_reads : &worker->counts.n_writes;
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
  }
  worker->random.state = x;
  worker->sum = sum;
}

/* In the same layouts as the harness's loops, so that only the code differs. */
#define BY_HAND(n)                                                                                                     \
  __attribute__((noinline)) CODE_LAYOUT_LINE static void by_hand_##n(struct worker *worker) {                          \
    CODE_LAYOUT_PAD(n);                                                                                                \
    loop_by_hand(worker);                                                                                              \
  }
BY_HAND(0)
BY_HAND(1)
BY_HAND(2)
BY_HAND(3)

static void by_hand(struct worker *worker) {
  static void (*const loops[N_CODE_LAYOUTS])(struct worker *) = {by_hand_0, by_hand_1, by_hand_2, by_hand_3};
  loops[worker->code_layout](worker);
}

int main(int n_arguments, char **arguments) {
  static struct solo solos[2];
  unsigned n_rounds = 24, ms = 50; /* a multiple of the layouts */
  const struct lk_ops *empty = registry_find("empty");
  solo_arguments(n_arguments, arguments, &n_rounds, &ms);
  int error = solo_make(&solos[0], "harness", empty, NULL);
  if (error == 0) error = solo_make(&solos[1], "by hand", empty, by_hand);
  if (error == 0) error = solo_compare(solos, 2, n_rounds, ms);
  if (error != 0) {
    fprintf(stderr, "cannot measure: %s\n", strerror(error));
    return 2;
  }
  const double harness = solo_median_ns(&solos[0]), hand = solo_median_ns(&solos[1]);
  const double overhead_pct = 100 * (harness / hand - 1);
  printf("harness %.3f ns, by hand %.3f ns an operation (medians of %u x %u ms): %+.1f %%, at most %.0f %%\n", harness,
         hand, n_rounds, ms, overhead_pct, MAX_OVERHEAD_PCT);
  return overhead_pct <= MAX_OVERHEAD_PCT ? 0 : 1;
}
