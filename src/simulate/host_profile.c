// SPDX-License-Identifier: MIT
#include "host_profile.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/topology.h"
#include "parameters.h"
#include "sorting.h"

/* How far off a ruler may be that was read once. */
static const double RULER_RANGE = 0.15;
/* A ball that is passed on by load and store takes so many transfers, and so long beside: see ping_pong.h and a test.
 */
static const double TRANSFERS_PER_PASS = 1.9, PASS_NS = 10, MOST_PER_PASS = 4;
/* Less than that no switch takes: the rulers do not fit together then. */
static const double LEAST_SWITCH_NS = 100;

static double real_of(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The one-way times of a list of transfers over that distance, sorted into `ns`. Returns how many. */
static size_t collect(const json_t *transfers, const char *distance, double *ns) {
  size_t i, n = 0;
  json_t *transfer;
  json_array_foreach (transfers, i, transfer) {
    const char *word = json_string_value(json_object_get(transfer, "distance"));
    const double one_way_ns = real_of(transfer, "one_way_ns");
    if (word != NULL && strcmp(word, distance) == 0 && one_way_ns > 0) ns[n++] = one_way_ns;
  }
  sort_reals(ns, n);
  return n;
}

static double transfer_ns(double one_way_ns) {
  return fmax((one_way_ns - PASS_NS) / TRANSFERS_PER_PASS, one_way_ns / MOST_PER_PASS);
}

static json_t *make_transfers(const json_t *host) {
  const json_t *rulers = json_object_get(host, "line_transfers");
  json_t *made =
      json_pack("{s:s}", "source", "line_transfers of the run: by load and store, which is 1.9 transfers and 10 ns");
  double *ns = calloc(json_array_size(rulers) + 1, sizeof *ns);
  for (enum distance distance = DISTANCE_SMT; ns != NULL && distance < N_DISTANCES; distance++) {
    const size_t n = collect(rulers, topology_distance_names[distance], ns);
    if (n > 0)
      json_object_set_new(made, topology_distance_names[distance],
                          json_pack("{s:f, s:f, s:f}", "ns", transfer_ns(ns[n / 2]), "low",
                                    transfer_ns(ns[0] * (1 - RULER_RANGE)), "high",
                                    transfer_ns(ns[n - 1] * (1 + RULER_RANGE))));
  }
  free(ns);
  return made;
}

static void set_parameter(json_t *parameters, const char *name, double ns, const char *source) {
  if (ns >= 0)
    json_object_set_new(parameters, name,
                        json_pack("{s:f, s:f, s:f, s:s}", "value", ns, "low", ns * (1 - RULER_RANGE), "high",
                                  ns * (1 + RULER_RANGE), "source", source));
}

static double usual(const char *name) { return parameter_find(name)->usual; }

/* The median one-way time of passing a token by futex from one CPU to another, or on one. */
static double park_ns(const json_t *host, bool on_one_cpu) {
  const json_t *rulers = json_object_get(host, "park_transfers");
  double *ns = calloc(json_array_size(rulers) + 1, sizeof *ns), found = NAN;
  for (unsigned i = 0; ns != NULL && i < N_DISTANCES; i++) {
    if ((i == DISTANCE_SAME_CPU) != on_one_cpu) continue;
    const size_t n = collect(rulers, topology_distance_names[i], ns);
    if (n > 0 && isnan(found)) found = ns[n / 2]; /* the nearest that was measured */
  }
  free(ns);
  return found;
}

/* What the calls of sleepers.c add up to when a token is passed is taken off what the rulers say. */
static json_t *make_parameters(const json_t *host) {
  json_t *made = json_object();
  const double call_ns = real_of(host, "futex_wake_without_waiter_ns");
  const double syscall_ns = isnan(call_ns) ? usual("syscall_ns") : call_ns;
  const double check_ns = usual("futex_check_ns"), wake_call_ns = usual("wake_call_ns");
  const double switch_ns = (park_ns(host, true) - wake_call_ns - 2 * syscall_ns - check_ns) / 1.5;
  const double wake_ns = park_ns(host, false) - wake_call_ns - syscall_ns;
  set_parameter(made, "pause_ns", real_of(host, "pause_ns"), "pause_ns of the run");
  set_parameter(made, "clock_ns", real_of(json_object_get(json_object_get(host, "clocks"), "system"), "read_ns"),
                "clocks.system.read_ns of the run");
  set_parameter(made, "syscall_ns", call_ns, "futex_wake_without_waiter_ns of the run");
  if (switch_ns >= LEAST_SWITCH_NS)
    set_parameter(made, "switch_ns", switch_ns, "park_transfers of the run on one CPU, without the calls");
  set_parameter(made, "wake_ns", wake_ns, "park_transfers of the run between CPUs, without the calls");
  return made;
}

/* A name that a profile may have. */
static json_t *name_of(const json_t *host) {
  const char *given = json_string_value(json_object_get(host, "host"));
  char name[64];
  snprintf(name, sizeof name, "%s", given != NULL && *given != '\0' ? given : "host");
  for (char *c = name; *c != '\0'; c++)
    if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-') *c = '_';
  return json_string(name);
}

bool host_profile_is_host(const json_t *json) {
  const bool has_what_runs_tell =
      json_is_array(json_object_get(json, "line_transfers")) || json_is_string(json_object_get(json, "cpu_model"));
  return has_what_runs_tell && json_object_get(json, "transfers") == NULL;
}

json_t *host_profile_make(const json_t *host) {
  json_t *profile = json_object();
  json_object_set_new(profile, "name", name_of(host));
  json_object_set(profile, "cpu", json_object_get(host, "cpu_model"));
  json_object_set(profile, "topology_xml", json_object_get(host, "topology_xml"));
  json_object_set_new(profile, "transfers", make_transfers(host));
  json_object_set_new(profile, "parameters", make_parameters(host));
  return profile;
}
