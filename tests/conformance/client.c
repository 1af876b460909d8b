// SPDX-License-Identifier: MIT
/*
 * conformance [--short] [--patience S] LOCK [CASE]: the client that every lock passes. Baselines are no locks and are
 * skipped. --short, for a build that is slow or not the first: shorter rounds of fewer threads, overtaking is not
 * counted, and what is freed is protected only. --patience: no thread gets in for so many seconds, and the case hangs;
 * 30 if left out.
 */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "crowd.h"
#include "machine/clock.h"
#include "watchdog.h"

unsigned conformance_round_ms = 25, conformance_max_threads = CROWD_MAX;
bool conformance_is_short;

enum { PATIENCE_S = 30 };

struct order {
  const struct lk_ops *lock;
  const char *only; /* this case; NULL: all */
  unsigned patience_s;
};

/* A case is named when it begins: if it crashes, that was it. `ops`: the lock, or the same lock watched. */
static unsigned run_all(const struct conformance_case *cases, const struct order *order, const struct lk_ops *ops) {
  unsigned n = 0;
  for (; cases->name != NULL; cases++) {
    if (order->only != NULL && strcmp(order->only, cases->name) != 0) continue;
    printf("%s: %s\n", order->lock->name, cases->name);
    fflush(stdout);
    const uint64_t start_ns = clock_now_ns();
    if (ops != order->lock) watchdog_begin(cases->name);
    cases->run(ops);
    watchdog_end();
    printf("  %.0f ms\n", (double)(clock_now_ns() - start_ns) / 1e6);
    fflush(stdout);
    n++;
  }
  return n;
}

static unsigned run_what_suits(const struct order *order) {
  const struct lk_ops *const watched = watchdog_ops(order->lock);
  unsigned n = run_all(conformance_exclusive, order, watched);
  n += run_all(conformance_order, order, watched);
  if (!conformance_is_short) n += run_all(conformance_bypass, order, watched);
  /* In processes of its own, each with an alarm; no number says when unlock has let go. */
  if (LK_WRAPS_AFTER == 0) n += run_all(conformance_freed, order, order->lock);
  n += run_all(conformance_timed, order, watched);
  n += run_all(conformance_processes, order, watched);
  if (conformance_domains != NULL && watched->traits & LK_DOMAINS) n += run_all(conformance_domains, order, watched);
  if (watched->lock_shared != NULL) {
    n += run_all(conformance_shared, order, watched);
    n += run_all(conformance_phases, order, watched);
  }
  return n;
}

/* False: it cannot be read. */
static bool read_order(struct order *order, char **arguments) {
  for (; *arguments != NULL && strncmp(*arguments, "--", 2) == 0; arguments++) {
    if (strcmp(*arguments, "--short") == 0)
      conformance_is_short = true;
    else if (strcmp(*arguments, "--patience") == 0 && arguments[1] != NULL && atoi(arguments[1]) > 0)
      order->patience_s = (unsigned)atoi(*++arguments);
    else
      return false;
  }
  if (*arguments == NULL || (order->lock = registry_find(*arguments)) == NULL) return false;
  order->only = arguments[1];
  return true;
}

int main(int n_arguments, char **arguments) {
  struct order order = {.patience_s = PATIENCE_S};
  if (n_arguments < 1 || !read_order(&order, arguments + 1)) {
    fprintf(stderr, "usage: conformance [--short] [--patience S] LOCK [CASE]\n");
    return 2;
  }
  if (order.lock->traits & LK_BASELINE) {
    printf("%s is a baseline: it excludes no thread\n", order.lock->name);
    return CHECK_SKIPPED;
  }
  if (conformance_is_short) {
    conformance_round_ms = 10;
    conformance_max_threads = 16;
  }
  watchdog_start(order.patience_s);
  if (run_what_suits(&order) > 0) return check_result();
  fprintf(stderr, "conformance: %s has no case '%s'\n", order.lock->name, order.only);
  return 2;
}
