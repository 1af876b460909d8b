// SPDX-License-Identifier: MIT
/*
 * gbench.h: Google Benchmark for C. The one C++ file of the project, gbench.cc, is behind it.
 *
 * A benchmark here is one trial, run once. The reports show its operations as the iterations, so that their time is
 * the time of one operation, which is what the tools around Google Benchmark compare. Its own threads and its CSV are
 * not used: what they mean has changed between its versions.
 */
#ifndef GBENCH_H
#define GBENCH_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gbench_state;

/* Runs once per registered benchmark: sets its time, counters or error. */
typedef void gbench_function(struct gbench_state *state, void *argument);

/* Takes Google Benchmark's own options (--benchmark_...) out of the arguments. */
void gbench_initialize(int *n_arguments, char **arguments);

/* Whether standard output carries the console, not JSON. */
bool gbench_has_console(void);

/* Whether there is a --benchmark_out, now or in an earlier gbench_initialize(). */
bool gbench_has_file(void);

/* Whether --benchmark_list_tests was among them. */
bool gbench_only_lists(void);

/*
 * Whether --benchmark_filter admits the name (a leading - turns the filter round). If the filter is not a
 * regular expression, returns false and points *error at what is wrong with it.
 */
bool gbench_admits(const char *name, const char **error);

/*
 * Whether Google Benchmark, as it is set up now, runs a benchmark of one iteration once and reports it once: tried with
 * one that does nothing.
 */
bool gbench_runs_once(void);

/* Registers a benchmark that is one trial; it runs in the order of registration. */
void gbench_register(const char *name, gbench_function *function, void *argument);

/*
 * Prints the names of what is registered, or runs it with its console or JSON. Returns how many there were; a
 * benchmark that Google Benchmark would run again is not: the report then shows an error in its place.
 */
unsigned gbench_run(void);

/* Whether all that belongs into the file of --benchmark_out could be written; true without one. After gbench_run(). */
bool gbench_out_is_whole(void);

/* From now on the reporters stay silent and what remains should return at once: the run is being given up. */
void gbench_silence(void);

/* Adds a line to the context that every report carries. */
void gbench_add_context(const char *key, const char *value);

/*
 * Within a gbench_function: n_ops operations, more than 0, took so many seconds together, and so many CPU seconds. Call
 * exactly once, or gbench_skip() instead.
 */
void gbench_set_result(struct gbench_state *state, double n_ops, double seconds, double cpu_seconds);

/* Within a gbench_function: a number that the reports carry beside the time; NaN, not measured, they do not. */
void gbench_count(struct gbench_state *state, const char *name, double value);

/* Within a gbench_function: there is no result, and this is why. */
void gbench_skip(struct gbench_state *state, const char *why);

#ifdef __cplusplus
}
#endif

#endif
