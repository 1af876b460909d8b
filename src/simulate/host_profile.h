// SPDX-License-Identifier: MIT
/*
 * host_profile.h: the profile of a machine that `lockbench run` has been on, from the rulers in that run's host.json.
 * What no ruler tells stays as it is usual, with its range: a calibration against the run's rows can narrow it.
 */
#ifndef HOST_PROFILE_H
#define HOST_PROFILE_H

#include <jansson.h>
#include <stdbool.h>

/* Whether it is a host.json. */
bool host_profile_is_host(const json_t *json);

/* A profile as machine_profile.h describes it, which the caller owns. */
json_t *host_profile_make(const json_t *host);

#endif
