// SPDX-License-Identifier: MIT
/*
 * search.cc: runs the clients of one lock under Relacy. See the head of client.cc for how to call it.
 *
 * Clients of two threads run through every execution with at most 0, 1, 2 ... preemptions, as far as the budget goes:
 * most errors need few (Musuvathi, Qadeer, "Iterative Context Bounding", PLDI 2007). Larger ones run through random
 * executions, the same ones each time; when time is the budget, those of three threads are searched in both ways.
 */
#include "search.h"

#include <limits.h>
#include <time.h>

#include "system.h"

namespace {

enum exit_code { EXIT_HOLDS, EXIT_CAUGHT, EXIT_USAGE };

/* Ten times what the longest client takes with bad luck: one that needs more does not get on. */
enum { MAX_STEPS = 5000 };

struct options {
  const char *client;                  /* NULL: all */
  const char *expected;                /* a result that some client must come to; NULL: all must hold */
  unsigned long n_executions, seconds; /* the budget: for each client, or of all together if it is not 0 */
};

const client *running;
double deadline_s; /* of the running search; 0: none */
bool is_cut_short;

double now_s() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool is_late(rl::iteration_t n_done) { return deadline_s > 0 && n_done % 1024 == 0 && now_s() > deadline_s; }

template <int n> struct suite : rl::test_suite<suite<n>, n> {
  void before() {
    system_begin();
    running->begin();
  }
  void thread(unsigned index) { running->thread(index); }
  void after() {
    system_finish();
    running->end();
    system_end(RL_INFO);
  }
};

/* Relacy's schedulers, but they stop when the budget is used up. */
template <int n> struct exhaustive : rl::context_bound_scheduler<n> {
  typedef rl::context_bound_scheduler<n> base;
  exhaustive(rl::test_params &params, typename base::shared_context_t &shared, rl::thread_id_t n_dynamic)
      : base(params, shared, n_dynamic) {}
  bool iteration_end() {
    if (base::iteration_end()) return true;
    return is_cut_short = this->iter_ >= this->params_.iteration_count || is_late(this->iter_);
  }
};

template <int n> struct random : rl::random_scheduler<n> {
  typedef rl::random_scheduler<n> base;
  random(rl::test_params &params, typename base::shared_context_t &shared, rl::thread_id_t n_dynamic)
      : base(params, shared, n_dynamic) {}
  bool iteration_end() { return base::iteration_end() || is_late(this->iter_); }
};

rl::test_params make_params(rl::scheduler_type_e type, rl::iteration_t n_executions) {
  static std::ostream nowhere(NULL);
  rl::test_params params;
  params.progress_stream = &nowhere;
  params.search_type = type;
  params.iteration_count = n_executions;
  params.execution_depth_limit = MAX_STEPS;
  return params;
}

/* An execution that failed is run once more, to print what happened in it. */
template <typename suite_t, typename scheduler_t> rl::test_result_e search(rl::test_params &params) {
  rl::ostringstream state, unused;
  const rl::test_result_e result = rl::run_test<suite_t, scheduler_t>(params, state, false);
  if (result == rl::test_result_success) return result;
  params.initial_state = state.str();
  params.collect_history = true;
  rl::run_test<suite_t, scheduler_t>(params, unused, true);
  return result;
}

/* More and more preemptions, until the budget is used up or one more makes no difference. */
template <int n> rl::test_result_e search_all(rl::iteration_t n_executions) {
  rl::iteration_t n_done = 0, n_complete = 0;
  unsigned n_preemptions = 0;
  bool is_all = false;
  for (is_cut_short = false; !is_cut_short && !is_all && n_done < n_executions;) {
    rl::test_params params = make_params(rl::sched_bound, n_executions - n_done);
    params.context_bound = n_preemptions;
    const rl::test_result_e result = search<suite<n>, exhaustive<n>>(params);
    if (result != rl::test_result_success) return result;
    n_done += params.stop_iteration;
    if (is_cut_short) break;
    is_all = params.stop_iteration == n_complete;
    n_complete = params.stop_iteration;
    n_preemptions++;
  }
  printf("%s %s: %llu executions; ", lock_name, running->name, static_cast<unsigned long long>(n_done));
  if (is_all)
    printf("that is all there are\n");
  else if (n_preemptions > 0)
    printf("among them all with at most %u preemptions\n", n_preemptions - 1);
  else
    printf("not all without preemption\n");
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

/* seconds: this client's share; 0: the budget is n_executions. */
rl::test_result_e search_client(unsigned long n_executions, double seconds) {
  deadline_s = 0;
  if (seconds > 0) {
    n_executions = ULONG_MAX;
    deadline_s = now_s() + seconds;
  }
  switch (running->n_threads) {
    case 2:
      return search_all<2>(n_executions);
    case 3:
      if (seconds > 0) {
        deadline_s -= seconds / 2;
        const rl::test_result_e result = search_all<3>(n_executions);
        if (result != rl::test_result_success) return result;
        deadline_s += seconds / 2;
      }
      return search_random<3>(n_executions);
    default:
      return search_random<4>(n_executions);
  }
}

/* The exit code. */
int check(const options &options) {
  unsigned n_run = 0;
  for (unsigned i = 0; i < n_clients; i++) {
    running = &clients[i];
    if (options.client != NULL && strcmp(options.client, running->name) != 0) continue;
    n_run++;
    const unsigned n_shares = options.client != NULL ? 1 : n_clients;
    const rl::test_result_e result = search_client(options.n_executions, double(options.seconds) / n_shares);
    fflush(stdout);
    if (result == rl::test_result_success) continue;
    const char *const name = rl::test_result_str(result);
    printf("%s %s: %s\n", lock_name, running->name, name);
    return options.expected != NULL && strcmp(options.expected, name) == 0 ? EXIT_HOLDS : EXIT_CAUGHT;
  }
  if (n_run == 0) {
    fprintf(stderr, "--client %s: there is no such client; there are", options.client);
    for (unsigned i = 0; i < n_clients; i++) fprintf(stderr, " %s", clients[i].name);
    fputc('\n', stderr);
    return EXIT_USAGE;
  }
  if (options.expected == NULL) return EXIT_HOLDS;
  printf("%s: no client came to %s\n", lock_name, options.expected);
  return EXIT_CAUGHT;
}

bool parse_count(const char *name, const char *text, unsigned long *count) {
  char *end;
  *count = strtoul(text, &end, 10);
  if (*text >= '0' && *text <= '9' && *end == '\0' && *count > 0 && *count < ULONG_MAX) return true;
  fprintf(stderr, "%s %s: must be a whole number from 1\n", name, text);
  return false;
}

bool parse(int n_arguments, char **arguments, options *options) {
  for (int i = 0; i < n_arguments; i += 2) {
    const char *const name = arguments[i], *const value = arguments[i + 1]; /* NULL after the last */
    bool is_right = value != NULL;
    if (is_right && strcmp(name, "--client") == 0) {
      options->client = value;
    } else if (is_right && strcmp(name, "--expect") == 0) {
      options->expected = value;
    } else if (is_right && strcmp(name, "--executions") == 0) {
      is_right = parse_count(name, value, &options->n_executions);
    } else if (is_right && strcmp(name, "--seconds") == 0) {
      is_right = parse_count(name, value, &options->seconds);
    } else {
      fprintf(stderr, "%s: must be --client NAME, --expect RESULT, --executions N or --seconds S\n", name);
      is_right = false;
    }
    if (!is_right) return false;
  }
  return true;
}

} // namespace

/* 0, the ordinary case, comes first in a full search. */
bool engine_chooses() { return rl::rand(rl::ctx().is_random_sched() ? 4 : 2) == 1; }

void engine_log(rl::debug_info_param site, const char *event) {
  if (rl::ctx().collecting_history()) rl::ctx().exec_log_msg(site, event);
}

static bool tries[MAX_THREADS];

void engine_begin_try() { tries[rl::ctx().threadx_->index_] = true; }
void engine_end_try() { tries[rl::ctx().threadx_->index_] = false; }

void engine_wait(rl::debug_info_param site) {
  bool &is_try = tries[rl::ctx().threadx_->index_];
  if (!is_try) return;
  is_try = false; /* the next execution begins afresh */
  rl::ctx().fail_test("a try waits", rl::test_result_user_assert_failed, site);
}

int main(int argc, char **argv) {
  options options = {NULL, NULL, 100000, 0};
  const char *const seconds = getenv("RELACY_SECONDS"); /* a setup of meson can set nothing else */
  if (seconds != NULL && !parse_count("RELACY_SECONDS", seconds, &options.seconds)) return EXIT_USAGE;
  if (!parse(argc - 1, argv + 1, &options)) return EXIT_USAGE;
  return check(options);
}
