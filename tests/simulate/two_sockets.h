// SPDX-License-Identifier: MIT
/* two_sockets.h: a model with round numbers for the tests of this folder: two sockets of two cores, siblings in each.
 */
#ifndef TWO_SOCKETS_H
#define TWO_SOCKETS_H

#include <stdio.h>
#include <stdlib.h>

#include "simulate/machine_profile.h"

/* CPUs 0 1, 2 3 | 4 5, 6 7 are siblings. Transfers: 10 ns between siblings, 50 in a socket, 100 between. No noise. */
static const char two_sockets_json[] =
    "{\"name\": \"two\", \"topology\": \"pack:2 [numa] l3:1 core:2 pu:2\","
    " \"transfers\": {\"source\": \"made up\", \"smt\": {\"ns\": 10}, \"llc\": {\"ns\": 50}, \"remote\": {\"ns\": "
    "100}},"
    " \"parameters\": {"
    "  \"noise\": {\"value\": 0, \"source\": \"made up\"}, \"read_share\": {\"value\": 0.9, \"source\": \"made up\"},"
    "  \"occupancy\": {\"value\": 0.5, \"source\": \"made up\"}, \"bypass\": {\"value\": 0.75, \"source\": \"made "
    "up\"},"
    "  \"invalidate_ns\": {\"value\": 1, \"source\": \"made up\"}, \"rmw_ns\": {\"value\": 5, \"source\": \"made up\"},"
    "  \"memory_ns\": {\"value\": 80, \"source\": \"made up\"}, \"buffer\": {\"value\": 4, \"source\": \"made up\"}}}";

struct two_sockets {
  struct machine_profile profile;
  struct topology topology;
  struct model model;
};

/* Ends the program if it cannot be made. */
static inline void two_sockets_make(struct two_sockets *machine, const char *json) {
  char path[] = "/tmp/two-sockets-XXXXXX.json", why[512] = "";
  const int fd = mkstemps(path, 5);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (file == NULL || fputs(json, file) < 0 || fclose(file) != 0) exit(1);
  const int error = machine_profile_read(&machine->profile, path, why, sizeof why);
  remove(path);
  if (error != 0 || machine_profile_load_topology(&machine->profile, &machine->topology) != 0 ||
      machine_profile_draw(&machine->profile, &machine->topology, 1, 0, &machine->model, why, sizeof why) != 0) {
    fprintf(stderr, "%s\n", why);
    exit(1);
  }
}

#endif
