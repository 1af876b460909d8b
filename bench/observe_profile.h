// SPDX-License-Identifier: MIT
/* observe_profile.h: a recording of what a program did with its locks -> profile.json, as docs/profile.md has it. */
#ifndef OBSERVE_PROFILE_H
#define OBSERVE_PROFILE_H

#include <jansson.h>
#include <stdint.h>

#include "preload/page.h"
#include "preload/recording.h"

/* What a recording does not say itself. */
struct observe_run {
  char **arguments; /* the program, NULL last */
  const char *ended;
  double seconds;
  int64_t started_at; /* seconds since 1970 */
  unsigned n_cpus;
  double cost_ns;                     /* of an acquisition; NAN: not measured */
  double cpu_s, plain_s, plain_cpu_s; /* NAN: not known */
};

/* The whole profile; may be made while the program runs. NULL: no memory. */
json_t *observe_profile_make(const struct recording *recording, const struct page *page, const struct observe_run *run);

/* What observation cost, by what the run says now. */
void observe_profile_set_cost(json_t *profile, const struct observe_run *run);

#endif
