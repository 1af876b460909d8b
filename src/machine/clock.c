// SPDX-License-Identifier: MIT
#include "clock.h"
#include "sorting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct clock_scale clock_scale = {.uses_counter = false, .ns_per_tick = 1};

#if !defined(__aarch64__)
/* Whether the first CPU's flags have that word. All CPUs that a kernel runs on have the same. */
static bool has_flag(const char *flags, const char *flag) {
  const size_t length = strlen(flag);
  for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += length)
    if (at[-1] == ' ' && (at[length] == ' ' || at[length] == '\n')) return true;
  return false;
}

/* Whether the counter runs at one rate whatever the CPU's speed, and goes on while it idles. */
static bool runs_evenly(const char *root) {
  char path[256], line[8192] = "";
  bool is_found = false;
  snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  while (!is_found && fgets(line, sizeof line, file) != NULL) is_found = strncmp(line, "flags", 5) == 0;
  fclose(file);
  return is_found &&
         (has_flag(line, "tsc_reliable") || (has_flag(line, "constant_tsc") && has_flag(line, "nonstop_tsc")));
}

/* Whether the kernel keeps time by it: then it has found no two CPUs' counters apart. */
static bool is_kernels_clock(const char *root) {
  char path[256], source[32] = "";
  snprintf(path, sizeof path, "%s/sys/devices/system/clocksource/clocksource0/current_clocksource", root);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  const bool is_read = fgets(source, sizeof source, file) != NULL;
  fclose(file);
  return is_read && (strcmp(source, "tsc\n") == 0 || strcmp(source, "kvm-clock\n") == 0);
}
#endif

bool clock_may_use_counter(const char *root) {
#if defined(__aarch64__)
  (void)root;
  return true; /* the generic timer is constant-rate and synchronised by the architecture */
#else
  return runs_evenly(root) && is_kernels_clock(root);
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

/* Chooses the counter if it may be used, and measures its rate. */
static void choose(void) {
  clock_scale = (struct clock_scale){.uses_counter = clock_may_use_counter(""), .ns_per_tick = 1};
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

void clock_sleep_until(uint64_t ns) {
  const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
  }
}

uint64_t clock_suspended_ns(void) {
  uint64_t least_ns = UINT64_MAX; /* of several tries, since the two clocks cannot be read at once */
  for (int try = 0; try < 8; try++) {
    struct timespec boot;
    const uint64_t now_ns = clock_now_ns();
    clock_gettime(CLOCK_BOOTTIME, &boot);
    const uint64_t ahead_ns = (uint64_t)boot.tv_sec * 1000000000u + (uint64_t)boot.tv_nsec - now_ns;
    if (ahead_ns < least_ns) least_ns = ahead_ns;
  }
  return least_ns;
}

/* The median of batches, in which spins of many lengths end at any moment between two readings. */
static uint64_t spin_excess(void) {
  enum { N_BATCHES = 101, N_SPINS = 64 };
  const uint64_t shortest = clock_ns_to_ticks(200), step = 1 + clock_ns_to_ticks(200) / N_SPINS;
  uint64_t excess[N_BATCHES];
  for (int batch = 0; batch < N_BATCHES; batch++) {
    uint64_t asked = 0;
    const uint64_t start = clock_ticks_ordered();
    for (uint64_t i = 0; i < N_SPINS; i++) {
      clock_spin(shortest + i * step);
      asked += shortest + i * step;
    }
    const uint64_t lasted = clock_ticks_between(start, clock_ticks_ordered());
    excess[batch] = clock_ticks_between(asked, lasted) / N_SPINS;
  }
  sort_counts(excess, N_BATCHES);
  return excess[N_BATCHES / 2];
}

void clock_calibrate(void) {
  choose();
  clock_scale.spin_excess_ticks = spin_excess();
}
