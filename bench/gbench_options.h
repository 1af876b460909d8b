// SPDX-License-Identifier: MIT
/*
 * gbench_options.h: which of Google Benchmark's options a run passes on, and which it refuses, since they would change
 * how often a trial runs, or whether at all. Each may come as an argument or from the environment (BENCHMARK_...).
 */
#ifndef GBENCH_OPTIONS_H
#define GBENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an argument is meant for Google Benchmark. */
bool gbench_options_is_one(const char *argument);

/* The most arguments that the environment can stand for. */
enum { GBENCH_OPTIONS_MAX_ENVIRONMENT = 16 };

/*
 * Fills `arguments` with what the environment asks of Google Benchmark, as arguments (--benchmark_...=...); valid until
 * the next call. Sets *n. Returns 0, or EINVAL or ENOMEM with one line in `why`.
 */
int gbench_options_of_environment(char *arguments[GBENCH_OPTIONS_MAX_ENVIRONMENT], int *n, char *why, size_t why_bytes);

/* Whether a run may pass the argument on. Returns 0, or EINVAL and one line in `why`. */
int gbench_options_check(const char *argument, char *why, size_t why_bytes);

#endif
