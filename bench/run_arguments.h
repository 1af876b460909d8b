// SPDX-License-Identifier: MIT
/*
 * run_arguments.h: the arguments of `lockbench run`: ours, Google Benchmark's, and those of a run to go on with.
 */
#ifndef RUN_ARGUMENTS_H
#define RUN_ARGUMENTS_H

#include <jansson.h>
#include <stddef.h>

#include "options.h"

/*
 * Hands Google Benchmark its options and reads ours from what is left. --benchmark_repetitions is ours by another
 * name: the repetitions are interleaved, which Google Benchmark's own are not. 0, or EINVAL and one line in `why`.
 * After --help nothing more is read. --resume stands alone, but for --benchmark_out and --benchmark_out_format.
 */
int run_arguments_read(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes);

/*
 * The arguments that the run of this host.json was started with, or NULL without memory; to be freed before the host,
 * which holds their text. Without --benchmark_out, of which *had_file tells whether it was there: that file ended with
 * the run's first part, and must not be written again.
 */
char **run_arguments_of(const json_t *host, int *n_arguments, bool *had_file);

#endif
