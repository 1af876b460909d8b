// SPDX-License-Identifier: MIT
/* Options -> cells with names -> a random order in which every cell comes once in each pass. */
#include "matrix.h"

#include <errno.h>

#include "check.h"

static char why[512];
static struct options options;

/* Four cores under one cache. */
static struct topology_cpu cpus[] = {{0, {0}, 0}, {1, {1}, 0}, {2, {2}, 0}, {3, {3}, 0}};
static const struct topology machine = {.n_cpus = 4, .cpus = cpus, .n_domains = {4, 1, 1, 1}};

static int make_with_twin(const struct topology *topology, struct matrix *matrix, char *line) {
  char *arguments[16];
  int n = 0;
  check_about("%s", line);
  for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) arguments[n++] = word;
  why[0] = '\0';
  if (!CHECK_EQ(0, options_parse(&options, COMMAND_RUN, n, arguments, why, sizeof why))) return EINVAL;
  return matrix_make(matrix, &options, topology, why, sizeof why);
}

/* Most of what follows is of locks that are asked for. */
static int make_on(const struct topology *topology, struct matrix *matrix, const char *line) {
  char whole[560];
  snprintf(whole, sizeof whole, "--no-twin %s", line);
  return make_with_twin(topology, matrix, whole);
}

static int make(struct matrix *matrix, const char *line) { return make_on(&machine, matrix, line); }

static void check_cells(const char *given, const char *const *want, unsigned n_want) {
  struct matrix matrix;
  char line[512];
  snprintf(line, sizeof line, "%s", given);
  if (!CHECK_EQ(0, make(&matrix, line))) return;
  CHECK_EQ(n_want, matrix.n_cells);
  for (unsigned i = 0; i < n_want && i < matrix.n_cells; i++) CHECK_TEXT(want[i], matrix.cells[i].name);
  matrix_free(&matrix);
}

#define CHECK_CELLS(line, ...)                                                                                         \
  check_cells(line, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void cells_are_named_by_what_they_are(void) {
  CHECK_CELLS("--locks ticket --threads 4", "mutex/ticket/threads:4/read_pct:90/cs_ns:0/placement:compact");
  CHECK_CELLS("--locks ticket,empty --threads 1,2 --read-pct 99.9",
              "mutex/ticket/threads:1/read_pct:99.9/cs_ns:0/placement:compact",
              "baseline/empty/threads:1/read_pct:99.9/cs_ns:0/placement:compact",
              "mutex/ticket/threads:2/read_pct:99.9/cs_ns:0/placement:compact",
              "baseline/empty/threads:2/read_pct:99.9/cs_ns:0/placement:compact");
  CHECK_CELLS("--locks mcs --readers 3 --writers 0,1 --keys 7 --locks-count 9 --cs-ns 50 --cs-lines 2",
              "mutex/mcs/readers:3/writers:0/keys:7/locks:9/cs_ns:50/cs_lines:2/placement:compact",
              "mutex/mcs/readers:3/writers:1/keys:7/locks:9/cs_ns:50/cs_lines:2/placement:compact");
  CHECK_CELLS("--locks mcs --threads 1 --think none,spin,sleep --think-ns 10,20",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/think:spin:10/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/think:spin:20/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/think:sleep:10/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/think:sleep:20/placement:compact");
  CHECK_CELLS("--locks mcs --threads 1 --placement list:3,0-1,none,list:2",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:list:3,0-1",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:none",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:list:2");
  CHECK_CELLS("--locks futex --threads 1 --spin-ns 5,1000 --trylock",
              "mutex/futex/threads:1/read_pct:90/cs_ns:0/placement:compact/spin_ns:5/trylock",
              "mutex/futex/threads:1/read_pct:90/cs_ns:0/placement:compact/trylock");
  CHECK_CELLS("--locks mcs --threads 1 --layout apart,together",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact/layout:together");
  CHECK_CELLS("--locks mcs --threads 1 --layout together --think spin --think-ns 10 --trylock",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/think:spin:10/placement:compact/layout:together/trylock");
  CHECK_CELLS("--locks mcs --threads 1 --rate 0,0.5,1e6 --latency",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact/latency",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/rate:0.5/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/rate:0.5/placement:compact/latency",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/rate:1000000/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/rate:1000000/placement:compact/latency");
  CHECK_CELLS("--locks mcs --threads 1 --latency --slice-extension",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact/slice_extension",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact/slice_extension/latency");
  CHECK_CELLS("--locks empty,mcs --threads 1 --latency", /* a baseline waits for nothing */
              "baseline/empty/threads:1/read_pct:90/cs_ns:0/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact",
              "mutex/mcs/threads:1/read_pct:90/cs_ns:0/placement:compact/latency");
}

/* Beside what is asked for, in each workload, and only once if it is asked for. */
static void a_twin_is_measured_unasked(void) {
  static const struct {
    const char *line;
    unsigned n_notes;
    const char *want[8];
  } cases[] = {
      {"--threads 2 --locks mcs", 1, {"mutex/mcs", "mutex/ticket", "baseline/twin"}},
      {"--threads 2 --locks ticket,mcs", 0, {"mutex/ticket", "mutex/mcs", "baseline/twin"}},
      {"--threads 2 --locks twin,ticket", 0, {"baseline/twin", "mutex/ticket"}},
      {"--threads 2 --locks twin --no-twin", 0, {"baseline/twin"}},
      {"--readers 1 --writers 1 --locks seqlock", 1, {"rw/seqlock", "mutex/ticket", "baseline/twin"}},
      {"--threads 2 --locks mcs --cs-ns 0,50",
       1,
       {"mutex/mcs", "mutex/ticket", "baseline/twin", "mutex/mcs", "mutex/ticket", "baseline/twin"}},
      {"--threads 2 --locks ticket --latency",
       0,
       {"mutex/ticket", "mutex/ticket", "baseline/twin", "baseline/twin"}}, /* it waits as its original does */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct matrix matrix;
    char line[64];
    snprintf(line, sizeof line, "%s", cases[i].line);
    if (!CHECK_EQ(0, make_with_twin(&machine, &matrix, line))) continue;
    CHECK_EQ(cases[i].n_notes, matrix.n_notes);
    for (unsigned n = 0; n < matrix.n_notes; n++) CHECK(strncmp(matrix.notes[n], "ticket and its twin ", 20) == 0);
    unsigned n = 0;
    for (; n < 8 && cases[i].want[n] != NULL; n++)
      CHECK(n < matrix.n_cells && strncmp(matrix.cells[n].name, cases[i].want[n], strlen(cases[i].want[n])) == 0);
    CHECK_EQ(n, matrix.n_cells);
    matrix_free(&matrix);
  }
}

/* How many of the registry's locks `test` holds for. */
static unsigned count(bool (*test)(const struct lk_ops *)) {
  unsigned n = 0;
  for (unsigned i = 0; registry[i] != NULL; i++) n += test(registry[i]);
  return n;
}

static bool is_any(const struct lk_ops *lock) { return lock->twin_of == NULL; }
static bool is_baseline(const struct lk_ops *lock) { return lock->traits & LK_BASELINE; }
static bool is_fifo(const struct lk_ops *lock) { return is_any(lock) && strcmp(registry_fifo(lock), "yes") == 0; }
static bool is_parking(const struct lk_ops *lock) { return strcmp(registry_waits(lock), "park") == 0; }
static bool can_try(const struct lk_ops *lock) { return is_any(lock) && lock->try_lock != NULL; }

static void words_stand_for_many_locks(void) {
  static const struct {
    const char *line;
    bool (*test)(const struct lk_ops *);
  } cases[] = {{"--threads 1 --locks all", is_any},
               {"--threads 1 --locks baseline", is_baseline},
               {"--threads 1 --locks fifo,mcs", is_fifo},
               {"--threads 1 --locks park,park,futex", is_parking},
               {"--threads 1 --locks all --trylock", can_try}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct matrix matrix;
    char line[64];
    snprintf(line, sizeof line, "%s", cases[i].line);
    if (!CHECK_EQ(0, make(&matrix, line))) continue;
    CHECK_EQ(count(cases[i].test), matrix.n_cells);
    for (unsigned c = 0; c < matrix.n_cells; c++) CHECK(cases[i].test(matrix.cells[c].lock));
    matrix_free(&matrix);
  }
}

static void check_notes(const char *given, const char *const *want, unsigned n_want) {
  struct matrix matrix;
  char line[512];
  snprintf(line, sizeof line, "%s", given);
  if (!CHECK_EQ(0, make(&matrix, line))) return;
  CHECK_EQ(n_want, matrix.n_notes);
  for (unsigned i = 0; i < n_want && i < matrix.n_notes; i++) CHECK_TEXT(want[i], matrix.notes[i]);
  matrix_free(&matrix);
}

#define CHECK_NOTES(line, ...)                                                                                         \
  check_notes(line, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void what_is_left_out_is_noted(void) {
  CHECK_NOTES("--locks mcs,clh,futex --threads 1 --trylock", "--trylock leaves out what has no trylock: clh");
  CHECK_NOTES("--locks mcs,counter,empty --threads 1 --latency",
              "--latency leaves out what waits for nothing, the baselines: counter empty");
  check_notes("--locks mcs,empty,clh --threads 1", NULL, 0);
  check_notes("--locks mcs,empty --threads 1 --trylock", NULL, 0);
  check_notes("--locks clh --threads 1 --latency", NULL, 0);
}

static void check_threads(const struct topology *topology, const char *given, const unsigned *want, unsigned n_want) {
  struct matrix matrix;
  char line[64];
  snprintf(line, sizeof line, "%s", given);
  if (!CHECK_EQ(0, make_on(topology, &matrix, line))) return;
  CHECK_EQ(n_want, matrix.n_cells);
  for (unsigned i = 0; i < n_want && i < matrix.n_cells; i++) CHECK_EQ(want[i], matrix.cells[i].workload.n_threads);
  matrix_free(&matrix);
}

#define CHECK_THREADS(topology, line, ...)                                                                             \
  check_threads(topology, line, (const unsigned[]){__VA_ARGS__},                                                       \
                sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

enum { N_MANY_CPUS = 600 };

static struct topology_cpu many_cpus[N_MANY_CPUS];

/* Two packages, each a node, of two caches of three cores of two siblings. */
static void make_uneven(struct topology *topology) {
  for (unsigned i = 0; i < 24; i++) many_cpus[i] = (struct topology_cpu){i, {i / 2, i / 6, i / 12, i / 12}, 0};
  *topology = (struct topology){.n_cpus = 24, .cpus = many_cpus, .n_domains = {12, 4, 2, 2}};
}

static void without_threads_there_is_a_curve_up_to_the_cpus(void) {
  CHECK_THREADS(&machine, "--locks futex", 1, 2, 4, 5, 8, 32);
  CHECK_THREADS(&machine, "--locks ticket", 1, 2, 4, 5, 8); /* 32 would show the scheduler */
  CHECK_THREADS(&machine, "--locks futex --placement list:2", 1, 2, 8);
  CHECK_THREADS(&machine, "--locks futex --placement none", 1, 2, 4, 5, 8, 32);
  check_notes("--locks mcs,futex",
              (const char *const[]){"without --threads, 8 threads on a CPU are left out for what never parks: mcs"}, 1);
  check_notes("--locks futex", NULL, 0);
  check_notes("--locks mcs --threads 32", NULL, 0);
  struct topology uneven;
  make_uneven(&uneven);
  CHECK_THREADS(&uneven, "--locks futex", 1, 2, 4, 6, 8, 12, 16, 24, 25, 48, 192); /* a cache holds 6, a package 12 */
  CHECK_THREADS(&uneven, "--locks futex --placement cores", 1, 2, 3, 4, 6, 8, 12, 16, 24, 25, 48,
                192); /* 3 share one */
  CHECK_THREADS(&uneven, "--locks ticket --placement same-llc,list:0-1", 1, 2, 3, 4, 6, 7, 12, 1, 2, 3, 4);
}

static void threads_that_are_too_many_for_a_default_are_noted(void) {
  static const struct topology larger = {.n_cpus = N_MANY_CPUS, .cpus = many_cpus, .n_domains = {N_MANY_CPUS, 1, 1, 1}};
  struct matrix matrix;
  for (unsigned i = 0; i < larger.n_cpus; i++) many_cpus[i] = (struct topology_cpu){i, {i}, 0};
  char line[] = "--locks futex";
  if (!CHECK_EQ(0, make_on(&larger, &matrix, line))) return;
  CHECK_EQ(1200, matrix.cells[matrix.n_cells - 1].workload.n_threads);
  if (CHECK_EQ(1, matrix.n_notes))
    CHECK_TEXT("without --threads, 4800 threads (8 on a CPU) are left out; the most are 4096", matrix.notes[0]);
  matrix_free(&matrix);
}

/* Seconds of the windows of a cell that does not time waits and one that does. */
static void check_windows(const char *given, double want_rate, double want_waits) {
  struct matrix matrix;
  char line[512];
  snprintf(line, sizeof line, "--locks mcs --latency %s", given);
  if (!CHECK_EQ(0, make(&matrix, line))) return;
  if (CHECK_EQ(2, matrix.n_cells)) {
    CHECK_NEAR(want_rate, matrix.cells[0].duration_s, 1e-9);
    CHECK_NEAR(want_waits, matrix.cells[1].duration_s, 1e-9);
    CHECK_EQ(want_waits > want_rate, matrix.n_notes);
  }
  matrix_free(&matrix);
}

/* Four CPUs; 20 turns of 4 ms for each thread on the CPU that has most of them. */
static void waits_of_threads_that_share_cpus_get_a_window_of_many_turns(void) {
  check_windows("--threads 4", 0.06, 0.06);
  check_windows("--threads 5", 0.06, 0.16);
  check_windows("--threads 8", 0.06, 0.16);
  check_windows("--threads 9", 0.06, 0.24);
  check_windows("--threads 64", 0.06, 1.28);
  check_windows("--threads 2 --placement list:1", 0.06, 0.16);
  check_windows("--readers 3 --writers 2", 0.06, 0.16);
  check_windows("--threads 5 --duration 0.001", 0.001, 0.16);
  check_windows("--threads 5 --duration 3", 3, 3);
  check_windows("--threads 4096", 0.06, 10);
  check_windows("--threads 4096 --timeout 0.5", 0.06, 0.5);
  check_windows("--threads 4096 --timeout 0.5 --duration 2", 2, 2);
  check_notes(
      "--locks mcs --threads 16 --latency",
      (const char *const[]){"with more threads than CPUs waits are timed for up to 0.32 s a trial, so that each "
                            "thread has 20 turns on its CPU (at most --timeout)"},
      1);
}

static void check_refused(const char *given, const char *named) {
  struct matrix matrix;
  char line[512];
  snprintf(line, sizeof line, "%s", given);
  CHECK_EQ(EINVAL, make(&matrix, line));
  CHECK(why[0] != '\0' && strchr(why, '\n') == NULL);
  check_that(strstr(why, named) != NULL, __FILE__, __LINE__, "'%s' does not name %s", why, named);
}

static void what_cannot_be_measured_is_refused(void) {
  check_refused("--locks tikcet", "did you mean ticket?");
  check_refused("--locks mcs,pthread_mutx", "did you mean pthread_mutex?");
  check_refused("--locks mcs,,ticket", "unknown lock ''");
  check_refused("--locks ,mcs", "unknown lock ''");
  check_refused("--locks mcs,", "unknown lock ''");
  check_refused("--locks baselines", "did you mean");
  check_refused("--readers 0 --writers 0", "0 threads");
  check_refused("--readers 4096 --writers 1", "4097 threads");
  check_refused("--placement here", "compact");
  check_refused("--placement compact,", "unknown placement ''");
  check_refused("--placement list:7", "CPU 7");
  check_refused("--placement cross-node", "one NUMA node");
  check_refused("--threads 4096 --locks-count 100000", "1 GiB");
  check_refused("--locks anderson --threads 64 --locks-count 80000", "1 GiB"); /* half of it is slots on the heap */
  check_refused("--rate 1e9 --duration 0.2",
                "1000000000/s for 0.21 s are more than 1e+08 operations"); /* warm-up and window */
  check_refused("--rate 1,1e6 --duration 120", "1000000/s for 120.01 s");
  check_refused("--locks clh --threads 1 --trylock", "none of these locks has a trylock");
}

static bool keeps_tickets(const char *name) { return strstr(name, "/ticket/") != NULL; }

static void a_filter_keeps_what_it_admits(void) {
  struct matrix matrix;
  char line[] = "--locks mcs,ticket,futex --threads 1,2";
  if (!CHECK_EQ(0, make(&matrix, line))) return;
  matrix_filter(&matrix, keeps_tickets);
  CHECK_EQ(2, matrix.n_cells);
  for (unsigned i = 0; i < matrix.n_cells; i++) CHECK_TEXT("ticket", matrix.cells[i].lock->name);
  matrix_free(&matrix);
}

enum { N_CELLS = 12, N_REPETITIONS = 9 };

static void shuffle(struct matrix *matrix, uint64_t seed) {
  char line[] = "--locks mcs,ticket,futex --threads 1,2,3,4";
  CHECK_EQ(0, make(matrix, line));
  CHECK_EQ(0, matrix_shuffle(matrix, N_REPETITIONS, seed));
  CHECK_EQ(N_CELLS * N_REPETITIONS, matrix->n_slots);
}

static void each_pass_has_every_cell_once_in_an_order_of_its_own(void) {
  struct matrix matrix, same, other;
  shuffle(&matrix, 1);
  shuffle(&same, 1);
  shuffle(&other, 2);
  const size_t n_bytes = matrix.n_slots * sizeof *matrix.order;
  CHECK(memcmp(matrix.order, same.order, n_bytes) == 0);
  CHECK(memcmp(matrix.order, other.order, n_bytes) != 0);
  unsigned n_first[N_CELLS] = {0};
  for (unsigned pass = 0; pass < N_REPETITIONS; pass++) {
    bool is_seen[N_CELLS] = {false};
    const struct slot *order = matrix.order + pass * N_CELLS;
    for (unsigned i = 0; i < N_CELLS; i++) {
      CHECK_EQ(pass + 1, order[i].repetition);
      CHECK(!is_seen[order[i].cell]);
      is_seen[order[i].cell] = true;
    }
    n_first[order[0].cell]++;
  }
  for (unsigned i = 0; i < N_CELLS; i++) CHECK(n_first[i] < N_REPETITIONS);
  matrix_free(&matrix);
  matrix_free(&same);
  matrix_free(&other);
}

int main(void) {
  cells_are_named_by_what_they_are();
  a_twin_is_measured_unasked();
  words_stand_for_many_locks();
  what_is_left_out_is_noted();
  without_threads_there_is_a_curve_up_to_the_cpus();
  threads_that_are_too_many_for_a_default_are_noted();
  waits_of_threads_that_share_cpus_get_a_window_of_many_turns();
  what_cannot_be_measured_is_refused();
  a_filter_keeps_what_it_admits();
  each_pass_has_every_cell_once_in_an_order_of_its_own();
  return check_result();
}
