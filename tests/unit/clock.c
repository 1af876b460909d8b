// SPDX-License-Identifier: MIT
/* Which clock times the waits, on machines whose counter may and may not be trusted; and no wait is negative. */
#include "machine/clock.h"

#include "check.h"
#include "fake_root.h"
#include "sorting.h"

static bool may_use_counter(const char *flags, const char *source) {
  char cpuinfo[512], line[64];
  snprintf(cpuinfo, sizeof cpuinfo,
           "processor\t: 0\nmodel name\t: of a test\nflags\t\t: fpu %s\nbugs\t\t: tsc_reliable\n\n", flags);
  snprintf(line, sizeof line, "%s\n", source);
  fake_root_write("/proc/cpuinfo", cpuinfo);
  fake_root_write("/sys/devices/system/clocksource/clocksource0/current_clocksource", line);
  return clock_may_use_counter(fake_root);
}

static void the_counter_is_used_where_it_is_even_and_the_kernels_clock(void) {
#if defined(__x86_64__) || defined(__i386__)
  static const struct {
    const char *flags, *source;
    bool want;
  } cases[] = {{"tsc constant_tsc rep_good nonstop_tsc sse", "tsc", true},
               {"tsc constant_tsc rep_good nonstop_tsc", "kvm-clock", true},
               {"tsc tsc_reliable sse", "tsc", true},
               {"tsc sse", "kvm-clock", false},
               {"tsc constant_tsc", "tsc", false},
               {"tsc nonstop_tsc", "kvm-clock", false},
               {"tsc constant_tsc_of_old nonstop_tsc", "tsc", false},
               {"tsc not_constant_tsc nonstop_tsc", "tsc", false},
               {"tsc constant_tsc nonstop_tsc", "hpet", false},
               {"tsc constant_tsc nonstop_tsc", "acpi_pm", false},
               {"tsc tsc_reliable", "refined-jiffies", false}};
  CHECK(!clock_may_use_counter("/no such folder"));
  fake_root_make();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check_about("%s under %s", cases[i].flags, cases[i].source);
    CHECK_EQ(cases[i].want, may_use_counter(cases[i].flags, cases[i].source));
  }
  check_about("%s", "");
  fake_root_remove();
#endif
}

static void no_time_is_negative(void) {
  CHECK_EQ(5, clock_ticks_between(10, 15));
  CHECK_EQ(0, clock_ticks_between(10, 10));
  CHECK_EQ(0, clock_ticks_between(15, 10));
  CHECK_EQ(0, clock_ticks_between(UINT64_MAX, 0));
}

/* To 1 %, however long the test is kept from running between two readings. */
static void both_clocks_run_alike(void) {
  clock_calibrate();
  CHECK_EQ(clock_may_use_counter(""), clock_scale.uses_counter);
  const uint64_t before_ns = clock_now_ns(), start = clock_ticks_ordered(), start_ns = clock_now_ns();
  while (clock_now_ns() - start_ns < 50 * 1000 * 1000) {
  }
  const uint64_t end_ns = clock_now_ns(), end = clock_ticks_ordered(), after_ns = clock_now_ns();
  const double between_ns = clock_ticks_to_ns((double)clock_ticks_between(start, end));
  CHECK(between_ns > 0.99 * (double)(end_ns - start_ns));
  CHECK(between_ns < 1.01 * (double)(after_ns - before_ns));
}

/*
 * What the readings of the clock add to a spin, some tens of ns, is taken off: by the median of batches, most of which
 * nothing interrupts. In a virtual machine it would be 8 % of the shortest.
 */
static void a_spin_lasts_as_long_as_asked(void) {
  enum { N_BATCHES = 201, N_SPINS = 50 };
  double lasted_ns[N_BATCHES];
  clock_calibrate();
  for (double asked_ns = 400; asked_ns < 5000; asked_ns *= 3) {
    for (int batch = 0; batch < N_BATCHES; batch++) {
      const uint64_t start = clock_ticks_ordered();
      for (int i = 0; i < N_SPINS; i++) clock_spin(clock_ns_to_ticks(asked_ns * (0.5 + (double)i / N_SPINS)));
      lasted_ns[batch] = clock_ticks_to_ns((double)clock_ticks_between(start, clock_ticks_ordered())) / N_SPINS;
    }
    sort_reals(lasted_ns, N_BATCHES);
    check_about("%g ns", asked_ns);
    CHECK_NEAR(asked_ns, lasted_ns[N_BATCHES / 2], 0.05 * asked_ns);
  }
  check_about("%s", "");
}

int main(void) {
  the_counter_is_used_where_it_is_even_and_the_kernels_clock();
  no_time_is_negative();
  both_clocks_run_alike();
  a_spin_lasts_as_long_as_asked();
  return check_result();
}
