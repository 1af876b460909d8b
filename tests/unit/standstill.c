// SPDX-License-Identifier: MIT
/* What counts as a standstill: nothing ran, or for long. And limits of time that leave such a time out. */
#include "trial/standstill.h"

#include "check.h"
#include "machine/patience.h"

enum { MS = 1000 * 1000 };

/* In ms, after a step of 20 ms. */
static double still_ms(unsigned late, unsigned ran) {
  struct standstill standstill = {.last_ns = 5 * MS, .last_cpu_ns = 7 * MS};
  standstill_wake(&standstill, 25 * MS, (25 + (uint64_t)late) * MS, (7 + (uint64_t)ran) * MS);
  CHECK_EQ((25 + (uint64_t)late) * MS, standstill.last_ns);
  return (double)standstill.still_ns / MS;
}

static void a_late_sleeper_tells_a_standstill_from_a_busy_machine(void) {
  CHECK_NEAR(0, still_ms(0, 40), 1e-9);
  CHECK_NEAR(50, still_ms(50, 0), 1e-9);     /* stopped */
  CHECK_NEAR(0, still_ms(50, 70), 1e-9);     /* the workers ran on */
  CHECK_NEAR(20, still_ms(50, 30), 1e-9);    /* in part */
  CHECK_NEAR(500, still_ms(500, 500), 1e-9); /* a frozen machine's clock of CPU time may have gone on */
}

static double suspended_s(uint64_t before_ns, uint64_t after_ns) {
  struct standstill standstill = standstill_begin(clock_now_ns(), before_ns);
  return standstill_end(&standstill, standstill.last_ns, after_ns);
}

static void a_suspended_machine_stands_still(void) {
  CHECK_NEAR(1.5, suspended_s(2000 * (uint64_t)MS, 3500 * (uint64_t)MS), 1e-9);
  CHECK_EQ(0, suspended_s(2000, 1900)); /* as two readings of two clocks differ */
  const uint64_t now_ns = clock_suspended_ns();
  CHECK(clock_suspended_ns() - now_ns + 1 * MS < 2 * MS);
}

static void a_sleep_takes_its_time(void) {
  const uint64_t open_ns = clock_now_ns();
  struct standstill standstill = standstill_begin(open_ns, 0);
  standstill_sleep(&standstill, 50 * MS);
  CHECK(clock_now_ns() >= open_ns + 50 * MS);
  CHECK(standstill.last_ns >= open_ns + 50 * MS);
}

static void patience_counts_time_in_which_it_looks(void) {
  struct patience patience = {.last_ns = 0};
  uint64_t now_ns = 0;
  for (unsigned i = 0; i < 10; i++) patience_spend(&patience, now_ns += PATIENCE_LOOK_NS);
  CHECK_EQ(10 * (uint64_t)PATIENCE_LOOK_NS, patience.spent_ns);
  now_ns += 3600 * UINT64_C(1000000000); /* a stop of an hour */
  CHECK_EQ(12 * (uint64_t)PATIENCE_LOOK_NS, patience_spend(&patience, now_ns));
  patience_excuse(&patience, now_ns + 90 * MS);
  CHECK_EQ(12 * (uint64_t)PATIENCE_LOOK_NS + 1 * MS, patience_spend(&patience, now_ns + 91 * MS));
}

int main(void) {
  a_late_sleeper_tells_a_standstill_from_a_busy_machine();
  a_suspended_machine_stands_still();
  a_sleep_takes_its_time();
  patience_counts_time_in_which_it_looks();
  return check_result();
}
