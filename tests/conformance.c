// SPDX-License-Identifier: MIT
/* conformance LOCK [CASE]: the client that every lock passes. Rulers are no locks and are skipped. */
#include "conformance.h"

#include <time.h>

#include "check.h"

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
  const struct lk_ops *ops = n_arguments > 1 ? registry_find(arguments[1]) : NULL;
  const char *only = n_arguments > 2 ? arguments[2] : NULL;
  if (ops == NULL) {
    fprintf(stderr, "usage: conformance LOCK [CASE]\n");
    return 2;
  }
  if (ops->traits & LK_RULER) {
    printf("%s is a ruler: it excludes nobody\n", ops->name);
    return CHECK_SKIPPED;
  }
  unsigned n = run_all(conformance_exclusive, ops, only);
  n += run_all(conformance_order, ops, only);
  n += run_all(conformance_bypass, ops, only);
  if (ops->traits & LK_DOMAINS) n += run_all(conformance_domains, ops, only);
  if (ops->lock_shared != NULL) {
    n += run_all(conformance_shared, ops, only);
    n += run_all(conformance_phases, ops, only);
  }
  CHECK(n > 0);
  return check_result();
}
