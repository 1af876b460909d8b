// SPDX-License-Identifier: MIT
/* single_thread [ROUNDS [MS]]: what one thread that meets no other pays for a lock, against the system's mutex. */
#include <stdio.h>
#include <string.h>

#include "solo.h"

static const double MIN_RATIO = 1.3;

int main(int n_arguments, char **arguments) {
  static const char *const names[] = {"pthread_mutex", "mcs", "ticket", "futex"};
  enum { N = sizeof names / sizeof *names };
  static struct solo solos[N];
  unsigned n_rounds = 24, ms = 30;
  int error = 0, exit_code = 0;
  solo_arguments(n_arguments, arguments, &n_rounds, &ms);
  for (unsigned i = 0; i < N && error == 0; i++) error = solo_make(&solos[i], names[i], registry_find(names[i]), NULL);
  if (error == 0) error = solo_compare(solos, N, n_rounds, ms);
  if (error != 0) {
    fprintf(stderr, "cannot measure: %s\n", strerror(error));
    return 2;
  }
  const double system_ns = solo_median_ns(&solos[0]);
  printf("%-14s %7.2f ns an operation (medians of %u x %u ms)\n", names[0], system_ns, n_rounds, ms);
  for (unsigned i = 1; i < N; i++) {
    const double ns = solo_median_ns(&solos[i]);
    printf("%-14s %7.2f ns: %.2f times as fast, at least %.1f\n", names[i], ns, system_ns / ns, MIN_RATIO);
    if (system_ns / ns < MIN_RATIO) exit_code = 1;
  }
  return exit_code;
}
