// SPDX-License-Identifier: MIT
/* The baselines of a run: what can be said of them on any machine under any load. */
#include <sys/resource.h>

#include "check.h"
#include "machine/call_cost.h"
#include "machine/clock.h"
#include "machine/park_transfer.h"
#include "machine/topology.h"

enum { N_TRIES = 20, LEAST_SWITCHES = 20 }; /* a result stands for ten round trips, each with two that fell asleep */

static void calls_cost_something(void) {
  const struct clock_cost system = call_cost_system_clock(), waits = call_cost_wait_clock();
  CHECK(isfinite(system.read_ns) && system.read_ns > 0);
  CHECK(isfinite(waits.read_ns) && waits.read_ns > 0);
  CHECK(isfinite(system.resolution_ns) && system.resolution_ns >= 1);
  CHECK(isfinite(waits.resolution_ns) && waits.resolution_ns > 0);
  const double wake_ns = call_cost_futex_wake_ns();
  CHECK(isfinite(wake_ns) && wake_ns > 0);
}

static long switches_of_children(void) {
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

static void check_order(struct park_transfer transfer) {
  if (!isnan(transfer.one_way_ns)) CHECK(isfinite(transfer.one_way_ns) && transfer.one_way_ns > 0);
  if (!isnan(transfer.one_way_p99_ns)) CHECK(transfer.one_way_p99_ns >= transfer.one_way_ns);
}

/* Other programs may have the CPU so long that there is nothing to tell, but not each time. */
static void one_cpu_is_enough(const struct topology *topology) {
  struct park_transfer transfer = {.one_way_ns = NAN};
  for (unsigned i = 0; i < N_TRIES && isnan(transfer.one_way_ns); i++) {
    const long before = switches_of_children();
    transfer = park_transfer_measure(topology, 0, 0);
    check_order(transfer);
    if (!isnan(transfer.one_way_ns)) CHECK(switches_of_children() - before >= LEAST_SWITCHES);
  }
  CHECK(!isnan(transfer.one_way_ns));
}

/* Neither side may wait for one that never comes, and what was not measured is not 0. */
static void a_cpu_that_is_not_there(const struct topology *topology) {
  struct topology_cpu cpus[] = {topology->cpus[0], {.os_index = 1000000}};
  struct topology made_up = *topology;
  made_up.cpus = cpus;
  made_up.n_cpus = 2;
  for (unsigned a = 0; a < 2; a++) {
    const struct park_transfer transfer = park_transfer_measure(&made_up, a, 1 - a);
    CHECK(isnan(transfer.one_way_ns) && isnan(transfer.one_way_p99_ns));
  }
}

int main(void) {
  struct topology topology;
  clock_calibrate();
  calls_cost_something();
  if (topology_load(&topology) != 0) return 1;
  one_cpu_is_enough(&topology);
  if (topology.n_cpus > 1) check_order(park_transfer_measure(&topology, 0, 1));
  a_cpu_that_is_not_there(&topology);
  topology_free(&topology);
  return check_result();
}
