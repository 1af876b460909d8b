// SPDX-License-Identifier: MIT
#include "window.h"

#include <math.h>

/* Of a thread on a CPU that it shares: Linux gives 3 ms, up to the next tick of its clock, which is 4 ms or less. */
static const double TURN_S = 0.004;

double window_s(const struct options *options, bool times_waits, unsigned n_threads, unsigned n_cpus) {
  if (!times_waits || n_threads <= n_cpus) return options->duration_s;
  const unsigned n_most_on_one = (n_threads - 1) / n_cpus + 1;
  return fmax(options->duration_s, fmin(WINDOW_N_TURNS * TURN_S * n_most_on_one, options->timeout_s));
}
