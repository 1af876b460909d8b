// SPDX-License-Identifier: MIT
/*
 * record.h: one trial -> one row of results.csv. The only place in the C code that knows the columns; their
 * meaning is in results/README.md.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdio.h>

#include "trial/trial.h"

enum { RECORD_SCHEMA = 4 };

/* What a row says beside the trial and its result. */
struct record {
  const char *run_id;
  const char *started_at; /* UTC, ISO 8601 */
  const struct trial *trial;
  const struct trial_result *result;
  uint64_t seed;        /* of the run */
  unsigned repetition;  /* from 1 */
  unsigned order_index; /* from 0: the trial's place in the run's random order */
  uint64_t topology_hash;
  const char *host;
  const char *git_sha;
  const char *simulated; /* the profile of the machine that was simulated, its hash and the simulator; NULL: measured */
};

/* The header line, without its end. */
const char *record_header(void);

/* Writes the row with its end to `stream`. Values that were not measured are empty. */
void record_print(FILE *stream, const struct record *record);

/*
 * Splits a line of CSV in place into at most max_fields fields (RFC 4180 quoting, no line breaks inside).
 * Returns how many fields the line has.
 */
unsigned record_split(char *line, char **fields, unsigned max_fields);

/* The number of the column of that name, from 0; aborts if there is none. */
unsigned record_column(const char *name);

/*
 * A results.csv that is being written: whole rows are appended, nothing that is there is ever changed. Only one program
 * writes it at a time; while it is open, another's attempt to resume it ends with EWOULDBLOCK.
 */
struct record_file {
  int fd;
  const char *path;
  long long n_bytes; /* of whole rows */
};

/* Creates the file with its header. It must not exist. Returns 0 or an errno after a message. */
int record_file_create(struct record_file *file, const char *path);

/* What the rows of one run have in common, and how many trials it has. */
struct record_plan {
  const char *run_id;
  uint64_t seed;
  unsigned n_trials;
};

/*
 * Opens an interrupted run's file to go on with it. Cuts an unfinished last line off, and sets is_done[i] for
 * each row with order_index i < n_trials whose trial need not be repeated (every status but noisy and disturbed).
 * Returns 0 or an errno after a message: EINVAL if a row is not one of this run.
 */
int record_file_resume(struct record_file *file, const char *path, const struct record_plan *plan, bool *is_done);

/*
 * Appends one row whole. On a full disk nothing of it stays, earlier rows are safe, and the errno is returned
 * after a message.
 */
int record_file_append(struct record_file *file, const struct record *record);

/* Flushes to the disk and closes. Returns 0 or an errno after a message. */
int record_file_close(struct record_file *file);

#endif
