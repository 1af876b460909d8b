// SPDX-License-Identifier: MIT
#include "clock.h"

#include <stdio.h>
#include <string.h>

struct clock_scale clock_scale = {.uses_counter = false, .ns_per_tick = 1};

/* The kernel has examined the counter better than we could: if it keeps time by it, so may we. */
static bool kernel_trusts_counter(void) {
#if defined(__aarch64__)
  return true; /* the generic timer is constant-rate and synchronised by the architecture */
#else
  char source[32] = "";
  FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
  if (file == NULL) return false;
  const bool read = fgets(source, sizeof source, file) != NULL;
  fclose(file);
  return read && (strcmp(source, "tsc\n") == 0 || strcmp(source, "kvm-clock\n") == 0);
#endif
}

/* One reading of both clocks, as close together as they can be had: the closest of several tries. */
static void read_both(uint64_t *ns, uint64_t *ticks) {
  uint64_t closest = UINT64_MAX;
  for (int try = 0; try < 16; try++) {
    const uint64_t before = clock_ticks_ordered();
    const uint64_t now = clock_now_ns();
    const uint64_t after = clock_ticks_ordered();
    if (after - before >= closest) continue;
    closest = after - before;
    *ns = now;
    *ticks = before + closest / 2;
  }
}

void clock_calibrate(void) {
  clock_scale = (struct clock_scale){.uses_counter = kernel_trusts_counter(), .ns_per_tick = 1};
  if (!clock_scale.uses_counter) return;
  uint64_t ns[2] = {0}, ticks[2] = {0};
  read_both(&ns[0], &ticks[0]);
  nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
  read_both(&ns[1], &ticks[1]);
  if (ticks[1] == ticks[0]) {
    clock_scale.uses_counter = false; /* a counter that stands still, as some emulators have */
    return;
  }
  clock_scale.ns_per_tick = (double)(ns[1] - ns[0]) / (double)(ticks[1] - ticks[0]);
}
