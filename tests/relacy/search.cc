// SPDX-License-Identifier: MIT
/*
 * search.cc: runs the clients of one lock under Relacy.
 *
 * Clients of two threads run through every execution with at most 0, 1, 2 ... preemptions, as far as the budget goes:
 * most errors need few (Musuvathi, Qadeer, "Iterative Context Bounding", PLDI 2007). Larger ones run through random
 * executions, the same ones each time.
 */
#include "search.h"

#include <stdint.h>
#include <time.h>

#include "model.h"

#undef clock_gettime

namespace {

enum exit_code { EXIT_HOLDS, EXIT_CAUGHT, EXIT_USAGE };

/* Far beyond what any client takes, but with bad luck: who takes longer does not get on. */
enum { MAX_STEPS = 20000 };

struct options {
  const char *client = NULL;           /* NULL: all */
  const char *expected = NULL;         /* a result that must come */
  unsigned long n_executions = 100000; /* at most, for each client */
  unsigned long seconds = 0;           /* in all, instead of n_executions; 0: not limited */
};

const client *running;
double deadline_s; /* of the running client; 0: none */
bool is_cut_short;

double now_s() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool is_late(rl::iteration_t execution) { return deadline_s > 0 && execution % 1024 == 0 && now_s() > deadline_s; }

template <int n> struct suite : rl::test_suite<suite<n>, n> {
  void before() {
    model_begin();
    running->begin();
  }
  void thread(unsigned index) { running->thread(index); }
  void after() {
    model_finish();
    running->end();
    model_end(RL_INFO);
  }
};

/* Relacy's schedulers, which also stop when the budget is used up. */
template <rl::thread_id_t n> struct exhaustive : rl::context_bound_scheduler<n> {
  typedef rl::context_bound_scheduler<n> base;
  exhaustive(rl::test_params &params, typename base::shared_context_t &shared, rl::thread_id_t n_dynamic)
      : base(params, shared, n_dynamic) {}
  bool iteration_end() {
    if (base::iteration_end()) return true;
    is_cut_short = this->iter_ >= this->params_.iteration_count || is_late(this->iter_);
    return is_cut_short;
  }
};

template <rl::thread_id_t n> struct random : rl::random_scheduler<n> {
  typedef rl::random_scheduler<n> base;
  random(rl::test_params &params, typename base::shared_context_t &shared, rl::thread_id_t n_dynamic)
      : base(params, shared, n_dynamic) {}
  bool iteration_end() { return base::iteration_end() || is_late(this->iter_); }
};

/* An execution that failed is run again to print what happened in it. */
template <typename suite_t, typename scheduler_t> rl::test_result_e search(rl::test_params &params) {
  rl::ostringstream state, unused;
  const rl::test_result_e result = rl::run_test<suite_t, scheduler_t>(params, state, false);
  if (result == rl::test_result_success) return result;
  params.initial_state = state.str();
  params.collect_history = true;
  rl::run_test<suite_t, scheduler_t>(params, unused, true);
  return result;
}

rl::test_params make_params(rl::scheduler_type_e type, rl::iteration_t n_executions) {
  static std::ostream nowhere(NULL);
  rl::test_params params;
  params.progress_stream = &nowhere;
  params.search_type = type;
  params.iteration_count = n_executions;
  params.execution_depth_limit = MAX_STEPS;
  return params;
}

/* More and more preemptions, until the budget is used up or more of them make no difference. */
rl::test_result_e search_all(rl::iteration_t n_executions) {
  rl::iteration_t n_done = 0, n_last = 0;
  unsigned n_preemptions = 0;
  rl::test_params params;
  do {
    params = make_params(rl::sched_bound, n_executions - n_done);
    params.context_bound = n_preemptions;
    is_cut_short = false;
    const rl::test_result_e result = search<suite<2>, exhaustive<2>>(params);
    if (result != rl::test_result_success) return result;
    n_done += params.stop_iteration;
    if (!is_cut_short) {
      if (params.stop_iteration == n_last) break;
      n_last = params.stop_iteration;
      n_preemptions++;
    }
  } while (!is_cut_short && n_done < n_executions);
  printf("%s %s: all %llu executions with at most %u preemptions, %llu in all\n", lock_name, running->name,
         static_cast<unsigned long long>(n_last), n_preemptions - 1, static_cast<unsigned long long>(n_done));
  return rl::test_result_success;
}

template <int n> rl::test_result_e search_random(rl::iteration_t n_executions) {
  rl::test_params params = make_params(rl::sched_random, n_executions);
  const rl::test_result_e result = search<suite<n>, random<n>>(params);
  if (result == rl::test_result_success)
    printf("%s %s: %llu random executions\n", lock_name, running->name,
           static_cast<unsigned long long>(params.stop_iteration));
  return result;
}

rl::test_result_e search_one(const client *client, const options &options, double seconds) {
  running = client;
  deadline_s = options.seconds > 0 ? now_s() + seconds : 0;
  const rl::iteration_t n_executions = options.seconds > 0 ? ~rl::iteration_t(0) : options.n_executions;
  const rl::test_result_e result = client->n_threads == 2   ? search_all(n_executions)
                                   : client->n_threads == 3 ? search_random<3>(n_executions)
                                                            : search_random<4>(n_executions);
  if (result != rl::test_result_success) printf("%s %s: %s\n", lock_name, client->name, rl::test_result_str(result));
  fflush(stdout);
  return result;
}

int usage(const char *given) {
  fprintf(stderr,
          "%s: not an option, or without its value\n"
          "usage: [--client NAME] [--executions N] [--seconds S] [--expect RESULT]; clients:",
          given);
  for (unsigned i = 0; i < n_clients; i++) fprintf(stderr, " %s", clients[i].name);
  fputs("\n", stderr);
  return EXIT_USAGE;
}

} // namespace

int main(int argc, char **argv) {
  options options;
  for (int i = 1; i < argc; i += 2) {
    const char *const value = i + 1 < argc ? argv[i + 1] : NULL;
    if (value == NULL) return usage(argv[i]);
    if (strcmp(argv[i], "--client") == 0)
      options.client = value;
    else if (strcmp(argv[i], "--executions") == 0)
      options.n_executions = strtoul(value, NULL, 10);
    else if (strcmp(argv[i], "--seconds") == 0)
      options.seconds = strtoul(value, NULL, 10);
    else if (strcmp(argv[i], "--expect") == 0)
      options.expected = value;
    else
      return usage(argv[i]);
  }
  unsigned n_run = 0;
  for (unsigned i = 0; i < n_clients; i++) {
    if (options.client != NULL && strcmp(options.client, clients[i].name) != 0) continue;
    n_run++;
    const rl::test_result_e result = search_one(&clients[i], options, double(options.seconds) / n_clients);
    if (result != rl::test_result_success) {
      if (options.expected == NULL) return EXIT_CAUGHT;
      if (strcmp(options.expected, rl::test_result_str(result)) == 0) return EXIT_HOLDS;
    }
  }
  if (n_run == 0) return usage(options.client);
  return options.expected == NULL ? EXIT_HOLDS : EXIT_CAUGHT;
}
