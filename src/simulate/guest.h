// SPDX-License-Identifier: MIT
/*
 * guest.h: included by force before every file that is compiled as a guest of the simulator: the timed loop with each
 * lock (trial/instance.c) and the few functions that it calls. They are the same files as those that measure. What they
 * ask of the processor and the system by name is answered by the simulator (services.c); what they load and store, the
 * compiler reports to it (entry.c), since guests are compiled with -fsanitize=thread.
 */
#ifndef GUEST_H
#define GUEST_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern void *guest_alloc(size_t n_bytes);
extern uint32_t guest_cpu(void);
extern void guest_pause(void);
extern int guest_clock_gettime(clockid_t clock, struct timespec *now);
extern int guest_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left);
extern int guest_sched_yield(void);
extern void guest_spend_section(uint64_t n_ns);
extern long guest_syscall(long number, ...);

#define LK_ALLOC(n_bytes) guest_alloc(n_bytes)
#define LK_FREE(memory) ((void)(memory)) /* all of it goes with the trial's process */
#define clock_gettime guest_clock_gettime
#define clock_nanosleep guest_clock_nanosleep
#define sched_yield guest_sched_yield
#define syscall guest_syscall

#define lk_pause lk_pause_of_this_machine
#include "lk_arch.h"
#undef lk_pause
static inline void lk_pause(void) { guest_pause(); }

#define lk_cpu lk_cpu_of_this_machine
#include "lk_cpu.h"
#undef lk_cpu
static inline uint32_t lk_cpu(void) { return guest_cpu(); }

/* What the locks of a process share is memory of the model too: see arena.h. */
#undef LK_PROCESS_WIDE
#define LK_PROCESS_WIDE(type, name, n)                                                                                 \
  static type name[n] __attribute__((section("lk_simulated"), aligned(LK_LINE_BYTES), unused))

/* The clock is the model's, whose tick is a nanosecond, whatever this machine's counter is. */
#define clock_scale guest_clock_scale

/* The guests' own copies of what is compiled a second time. */
#define worker_take_over guest_worker_take_over
#define worker_begin_phase guest_worker_begin_phase
#define worker_end_phase guest_worker_end_phase
#define workload_think guest_workload_think
#define arrivals_make guest_arrivals_make
#define arrivals_begin guest_arrivals_begin
#define arrivals_next guest_arrivals_next
#define arrivals_drop_before guest_arrivals_drop_before
#define arrivals_await guest_arrivals_await
#define await_until guest_await_until

/* Time inside and between sections passes by the clock, as where it is measured, or counted in instructions. */
#define clock_spin clock_spin_by_clock
#include "machine/clock.h"
#undef clock_spin
extern bool guest_counts_sections;
static inline void clock_spin(uint64_t n_ticks) {
  if (guest_counts_sections)
    guest_spend_section(n_ticks);
  else
    clock_spin_by_clock(n_ticks);
}

#endif
