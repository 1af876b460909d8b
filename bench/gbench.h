// SPDX-License-Identifier: MIT
/*
 * gbench.h: Google Benchmark for C. The one C++ file of the project, gbench.cc, is behind it.
 *
 * One iteration of a benchmark here is one trial with manual time; Google Benchmark's own threads and its CSV
 * are not used: what they mean has changed between its versions.
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

/* Whether --benchmark_list_tests was among them. */
bool gbench_only_lists(void);

/*
 * Whether --benchmark_filter admits the name (a leading - turns the filter round). If the filter is not a
 * regular expression, returns false and points *error at what is wrong with it.
 */
bool gbench_admits(const char *name, const char **error);

/* Registers a benchmark of one iteration with manual time; it runs in the order of registration. */
void gbench_register(const char *name, gbench_function *function, void *argument);

/* Prints the names of what is registered, or runs it with its console or JSON. Returns how many there were. */
unsigned gbench_run(void);

/* Whether all that belongs into the file of --benchmark_out could be written; true without one. After gbench_run(). */
bool gbench_out_is_whole(void);

/* From now on the reporters stay silent and what remains should return at once: the run is being given up. */
void gbench_silence(void);

/* Adds a line to the context that every report carries. */
void gbench_add_context(const char *key, const char *value);

/* Within a gbench_function: the trial took this long. Call exactly once, or gbench_skip() instead. */
void gbench_set_time(struct gbench_state *state, double seconds);

/* Within a gbench_function: a number that the reports carry beside the time. */
void gbench_count(struct gbench_state *state, const char *name, double value);

/* Within a gbench_function: there is no result, and this is why. */
void gbench_skip(struct gbench_state *state, const char *why);

#ifdef __cplusplus
}
#endif

#endif
