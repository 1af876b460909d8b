// SPDX-License-Identifier: MIT
/*
 * conformance [--short] LOCK [CASE]: the client that every lock passes. Baselines are no locks and are skipped.
 * --short, for a build that is slow or not the first: shorter rounds of fewer threads, and overtaking is not
 * counted.
 */
#include "conformance.h"

#include <string.h>
#include <time.h>

#include "check.h"
#include "crowd.h"

unsigned conformance_round_ms = 25, conformance_max_threads = CROWD_MAX;

static unsigned run_all(const struct conformance_case *cases, const struct lk_ops *ops, const char *only) {
  unsigned n = 0;
  for (; cases->name != NULL; cases++) {
    struct timespec start, end;
    if (only != NULL && strcmp(only, cases->name) != 0) continue;
    clock_gettime(CLOCK_MONOTONIC, &start);
    cases->run(ops);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%s: %-20s %6.0f ms\n", ops->name, cases->name,
           1e3 * (double)(end.tv_sec - start.tv_sec) + 1e-6 * (double)(end.tv_nsec - start.tv_nsec));
    fflush(stdout);
    n++;
  }
  return n;
}

int main(int n_arguments, char **arguments) {
  const bool is_short = n_arguments > 1 && strcmp(arguments[1], "--short") == 0;
  char **const names = arguments + 1 + is_short; /* ends with NULL */
  const struct lk_ops *ops = n_arguments > 1 + is_short ? registry_find(names[0]) : NULL;
  const char *only = ops != NULL ? names[1] : NULL;
  if (ops == NULL) {
    fprintf(stderr, "usage: conformance [--short] LOCK [CASE]\n");
    return 2;
  }
  if (ops->traits & LK_BASELINE) {
    printf("%s is a baseline: it excludes no thread\n", ops->name);
    return CHECK_SKIPPED;
  }
  if (is_short) {
    conformance_round_ms = 10;
    conformance_max_threads = 16;
  }
  unsigned n = run_all(conformance_exclusive, ops, only);
  n += run_all(conformance_order, ops, only);
  if (!is_short) n += run_all(conformance_bypass, ops, only);
  n += run_all(conformance_freed, ops, only);
  n += run_all(conformance_timed, ops, only);
  n += run_all(conformance_processes, ops, only);
  if (conformance_domains != NULL && ops->traits & LK_DOMAINS) n += run_all(conformance_domains, ops, only);
  if (ops->lock_shared != NULL) {
    n += run_all(conformance_shared, ops, only);
    n += run_all(conformance_phases, ops, only);
  }
  CHECK(n > 0);
  return check_result();
}
