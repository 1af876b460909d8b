// SPDX-License-Identifier: MIT
#include "standstill.h"

#include "machine/clock.h"

static uint64_t process_cpu_ns(void) {
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
}

struct standstill standstill_begin(uint64_t open_ns, uint64_t suspended_ns) {
  return (struct standstill){.last_ns = open_ns, .last_cpu_ns = process_cpu_ns(), .suspended_ns = suspended_ns};
}

void standstill_wake(struct standstill *standstill, uint64_t wanted_ns, uint64_t now_ns, uint64_t cpu_ns) {
  const uint64_t late_ns = now_ns > wanted_ns ? now_ns - wanted_ns : 0, ran_ns = cpu_ns - standstill->last_cpu_ns;
  if (late_ns > STANDSTILL_LONG_NS)
    standstill->still_ns += late_ns;
  else if (late_ns > ran_ns)
    standstill->still_ns += late_ns - ran_ns;
  standstill->last_ns = now_ns;
  standstill->last_cpu_ns = cpu_ns;
}

void standstill_sleep(struct standstill *standstill, uint64_t duration_ns) {
  const uint64_t end_ns = standstill->last_ns + duration_ns;
  const uint64_t step_ns = duration_ns / 16 > STANDSTILL_STEP_NS ? duration_ns / 16 : STANDSTILL_STEP_NS;
  while (standstill->last_ns < end_ns) {
    const uint64_t left_ns = end_ns - standstill->last_ns;
    const uint64_t wanted_ns = standstill->last_ns + (left_ns < step_ns ? left_ns : step_ns);
    clock_sleep_until(wanted_ns);
    standstill_wake(standstill, wanted_ns, clock_now_ns(), process_cpu_ns());
  }
}

double standstill_end(struct standstill *standstill, uint64_t close_ns, uint64_t suspended_ns) {
  standstill_wake(standstill, standstill->last_ns, close_ns, process_cpu_ns());
  /* Two readings of two clocks differ by a little, either way. */
  if (suspended_ns > standstill->suspended_ns) standstill->still_ns += suspended_ns - standstill->suspended_ns;
  return (double)standstill->still_ns / 1e9;
}
