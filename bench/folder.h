// SPDX-License-Identifier: MIT
/* folder.h: the folder of a run: results.csv, host.json, and of a replay profile.json. Made once, never overwritten. */
#ifndef FOLDER_H
#define FOLDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "profile.h"
#include "results/record.h"

struct folder {
  char path[1024];
  char csv_path[1100];
  char host_path[1100];
  char profile_path[1100];
};

/*
 * Creates the folder `out`, or if NULL results/<date>-<host>-<sha7>, with -2, -3 ... behind it if that is taken,
 * with host.json, a results.csv of only a header, and a copy of `profile` unless that is NULL. Returns 0, EINVAL if the
 * user must name another folder (or, if the command can, resume the run in it), or another errno; after a message, and
 * with nothing left behind.
 */
int folder_create(struct folder *folder, const char *out, const json_t *host, const struct profile *profile,
                  bool can_resume, struct record_file *csv);

/* Whether `out` can be a new folder, as far as one can tell without making it; false: after a message. */
bool folder_is_free(const char *out);

/* Creates an empty folder for something else than a run, named likewise, with the tag behind the commit. Returns 0 or
   EINVAL after a message. */
int folder_make(struct folder *folder, const char *out, const char *tag);

/* Finds an existing folder and reads its host.json. Returns 0 or EINVAL after a message. */
int folder_open(struct folder *folder, const char *path, json_t **host);

#endif
