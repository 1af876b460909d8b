// SPDX-License-Identifier: MIT
#include "lane.h"

/* Relaxed, all of them: only the lane's thread writes it, and lockbench reads numbers. */
static uint64_t read(const _Atomic(uint64_t) *number) { return atomic_load_explicit(number, memory_order_relaxed); }
static void write(_Atomic(uint64_t) *number, uint64_t value) {
  atomic_store_explicit(number, value, memory_order_relaxed);
}

static uint32_t double_slices(struct recording_lane *lane, uint32_t n_doublings) {
  const _Atomic(uint64_t) *const from = lane->waited[n_doublings % 2];
  _Atomic(uint64_t) *const to = lane->waited[(n_doublings + 1) % 2];
  for (int i = 0; i < RECORDING_N_SLICES; i++)
    write(&to[i], 2 * i < RECORDING_N_SLICES ? read(&from[2 * i]) + read(&from[2 * i + 1]) : 0);
  /* Release: pairs with the acquire of lockbench, which finds the slices written. */
  atomic_store_explicit(&lane->n_doublings, n_doublings + 1, memory_order_release);
  return n_doublings + 1;
}

void lane_add(struct recording_lane *lane, uint64_t start, uint64_t end) {
  uint32_t n_doublings = atomic_load_explicit(&lane->n_doublings, memory_order_relaxed); /* its own */
  while (end >> (RECORDING_SLICE_BITS + n_doublings) >= RECORDING_N_SLICES)
    n_doublings = double_slices(lane, n_doublings);
  const uint32_t bits = RECORDING_SLICE_BITS + n_doublings;
  _Atomic(uint64_t) *const waited = lane->waited[n_doublings % 2];
  for (uint64_t i = start >> bits; i <= end >> bits; i++) {
    const uint64_t first = i << bits, next = (i + 1) << bits;
    write(&waited[i], read(&waited[i]) + (end < next ? end : next) - (start > first ? start : first));
  }
}
