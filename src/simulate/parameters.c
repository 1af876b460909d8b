// SPDX-License-Identifier: MIT
#include "parameters.h"

#include <string.h>

#include "store_buffer.h"

#define ROW(name, usual, low, high, allowed, source)                                                                   \
  { #name, offsetof(struct parameters, name), usual, low, high, allowed, source }

/* What a profile may say: the least and the most. */
#define TIME 0, 1e8
#define SHARE 0, 1
#define FACTOR 0, 10
#define ENTRIES 1, STORE_BUFFER_MAX

/* LPD is the lock data of four machines that libmctop publishes, and the fit to it of docs/simulate.md. */
const struct parameter parameter_table[] = {
    ROW(access_ns, 0.4, 0.25, 0.6, TIME, "an instruction a cycle, at 2 to 4 GHz"),
    ROW(hit_ns, 1.3, 1, 2, TIME, "3 to 5 cycles to the first cache: makers' manuals"),
    ROW(store_ns, 0.4, 0.25, 0.6, TIME, "a store a cycle"),
    ROW(rmw_ns, 6, 3, 12, TIME,
        "17 to 25 cycles: makers' manuals; 6.5 ns fit a virtual machine on an AMD of family 26"),
    ROW(pause_ns, 20, 4, 60, TIME, "10, 40 or 140 cycles by processor"),
    ROW(memory_ns, 90, 70, 130, TIME, "usual latency of local memory; decides nothing once a lock is in use"),
    ROW(clock_ns, 20, 10, 30, TIME, "clock_gettime() without a system call"),
    ROW(buffer, 56, 42, 72, ENTRIES,
        "entries of the store buffer: Haswell 42, Skylake 56, Golden Cove and Zen 4 64 to 112"),
    ROW(smt_busy, 1, 0.6, 1.2, FACTOR, "fitted to LPD: MCS with more than one thread on a core"),
    ROW(smt_pause, 0.1, 0, 0.3, FACTOR, "fitted to LPD: MCS with more than one thread on a core"),
    ROW(read_share, 0.9, 0.8, 1, SHARE,
        "David et al., SOSP 2013: a load takes 109 of the 120 cycles of a CAS on a Xeon"),
    ROW(occupancy, 0.3, 0.2, 1, SHARE, "fitted to LPD"),
    ROW(bypass, 0.95, 0.7, 1, SHARE, "fitted to LPD"),
    ROW(contention, 0, 0, 1, FACTOR, "fitted to LPD: test-and-set on eight sockets"),
    ROW(invalidate_ns, 1, 0, 2, TIME, "assumed; little depends on it"),
    ROW(broadcast_ns, 0, 0, 0, TIME, "none, but on protocols that broadcast"),
    ROW(from_writer, 0, 0, 0, SHARE, "MESIF, as Intel's and Arm's; a profile of a MOESI machine says 1"),
    ROW(noise, 0.15, 0.05, 0.25, SHARE, "assumed; it only keeps threads out of step"),
    ROW(syscall_ns, 150, 70, 400, TIME, "a system call that does nothing, without and with mitigations"),
    ROW(switch_ns, 1200, 800, 2500, TIME, "3000 cycles"),
    ROW(slice_ns, 4e6, 3e6, 4e6, TIME, "Linux: 3 ms, up to the next tick of its clock"),
    ROW(wake_ns, 5000, 2000, 30000, TIME, "2 to 5 us to an idle CPU; 30 us seen in a virtual machine"),
    ROW(wake_call_ns, 800, 400, 1500, TIME, "a futex wake with somebody to wake"),
    ROW(futex_check_ns, 100, 50, 200, TIME,
        "fitted to a virtual machine, where the range changes the result 3.5 times"),
    {0},
};

const struct parameter *parameter_find(const char *name) {
  for (const struct parameter *row = parameter_table; row->name != NULL; row++)
    if (strcmp(row->name, name) == 0) return row;
  return NULL;
}
