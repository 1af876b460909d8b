// SPDX-License-Identifier: MIT
#include "matrix.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "selection.h"
#include "threads.h"
#include "trial/replay.h"
#include "window.h"

enum { MAX_CELLS = 1000000 };

static const double MAX_TRIAL_BYTES = 1024.0 * 1024 * 1024;

/* Each of those that are left over is drawn and counted after the window, which takes a second for so many. */
static const double MAX_DUE_OPS = 1e8;

/* What the dimensions and the cells that they span are made of. */
struct builder {
  struct matrix *matrix;
  const struct options *options;
  const struct topology *topology;
  struct options plain;        /* of a run without options */
  struct options_list threads; /* those of --threads, else by default for the placement that is being swept */
  unsigned n_most_cpus;        /* of the placements swept so far */
  double longest_s;            /* of the windows of the cells so far */
  struct selection selection;
  unsigned capacity;
  char *why;
  size_t why_bytes;
};

static bool cannot_be_tried(const struct lk_ops *lock) { return lock->try_lock == NULL; }

static bool is_baseline(const struct lk_ops *lock) { return lock->traits & LK_BASELINE; }

static bool never_parks(const struct lk_ops *lock) { return !(lock->traits & LK_PARKS); }

/* No option says with how many threads to measure. */
static bool has_default_threads(const struct options *options) {
  return options->threads.n == 0 && options->readers.n == 0 && options->replay == NULL;
}

/* Adds a note, unless there is no memory for it. */
__attribute__((format(printf, 2, 3))) static int note(struct builder *builder, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool is_made = vasprintf(&builder->matrix->notes[builder->matrix->n_notes], format, arguments) >= 0;
  va_end(arguments);
  builder->matrix->n_notes += is_made;
  return is_made ? 0 : ENOMEM;
}

/* Names the locks of the selection that are like that, if there are any. */
static int note_locks(struct builder *builder, const char *what, bool (*is_like_that)(const struct lk_ops *)) {
  char *names = NULL;
  size_t n_bytes;
  FILE *text = open_memstream(&names, &n_bytes);
  if (text == NULL) return ENOMEM;
  for (unsigned i = 0; i < builder->selection.n; i++)
    if (is_like_that(builder->selection.locks[i])) fprintf(text, " %s", builder->selection.locks[i]->name);
  fclose(text);
  const int error = n_bytes > 0 ? note(builder, "%s:%s", what, names) : 0;
  free(names);
  return error;
}

/* So that each run says, by what a lock and its twin differ, how far its other differences can be trusted. */
static int add_twins(struct builder *builder) {
  struct selection *const selection = &builder->selection;
  unsigned n_untriable = 0;
  for (unsigned i = 0; i < selection->n; i++) n_untriable += cannot_be_tried(selection->locks[i]);
  if (builder->options->tries && n_untriable == selection->n) return 0; /* nothing to hold it against */
  if (!selection_add_twins(selection)) return 0;
  return note(builder, "%s and its twin are measured too, to tell how small a difference this run can show (--no-twin)",
              selection->locks[selection->n - 1]->twin_of);
}

/* Splits at the commas that are not inside of a list:0,2,4-7. */
static int choose_placements(struct builder *builder) {
  struct matrix *matrix = builder->matrix;
  const char *names = builder->options->placements;
  size_t n_commas = 0;
  for (const char *c = names; *c != '\0'; c++) n_commas += *c == ',';
  matrix->placements = calloc(n_commas + 1, sizeof *matrix->placements);
  if (matrix->placements == NULL) return ENOMEM;
  for (const char *from = names;; from++) {
    const bool is_list = strncmp(from, "list:", 5) == 0;
    size_t length = strcspn(from, ",");
    while (is_list && from[length] == ',' && isdigit((unsigned char)from[length + 1]))
      length += 1 + strcspn(from + length + 1, ",");
    char *name = strndup(from, length);
    if (name == NULL) return ENOMEM;
    const int error = placement_make(&matrix->placements[matrix->n_placements], builder->topology, name, builder->why,
                                     builder->why_bytes);
    free(name);
    if (error != 0) return error;
    matrix->n_placements++;
    from += length;
    if (*from == '\0') return 0;
  }
}

/* The name says what is always of interest, and of the rest what differs from the plain run. */
static char *name_cell(const struct builder *builder, const struct cell *cell) {
  const struct options *const plain = &builder->plain;
  const struct workload *w = &cell->workload;
  char *name = NULL;
  size_t n_bytes;
  FILE *text = open_memstream(&name, &n_bytes);
  if (text == NULL) return NULL;
  fprintf(text, "%s/%s", registry_kind(cell->lock), cell->lock->name);
  if (w->has_fixed_roles)
    fprintf(text, "/readers:%u/writers:%u", w->n_readers, w->n_writers);
  else if (w->replay == NULL)
    fprintf(text, "/threads:%u/read_pct:%.10g", w->n_threads, w->read_pct);
  else
    fprintf(text, "/threads:%u/profile:%s", w->n_threads, w->replay->name);
  if (w->n_keys != plain->keys.values[0]) fprintf(text, "/keys:%u", w->n_keys);
  if (w->replay == NULL && w->n_locks != plain->locks_count.values[0]) fprintf(text, "/locks:%u", w->n_locks);
  if (w->replay == NULL) fprintf(text, "/cs_ns:%llu", (unsigned long long)w->cs_ns);
  if (w->cs_lines != plain->cs_lines.values[0]) fprintf(text, "/cs_lines:%u", w->cs_lines);
  if (w->think != THINK_NONE)
    fprintf(text, "/think:%s:%llu", w->think == THINK_SPIN ? "spin" : "sleep", (unsigned long long)w->think_ns);
  if (w->rate_per_s > 0) fprintf(text, "/rate:%.10g", w->rate_per_s);
  if (w->hold_scale != 1) fprintf(text, "/hold_scale:%.10g", w->hold_scale);
  if (w->gap_scale != 1) fprintf(text, "/gap_scale:%.10g", w->gap_scale);
  fprintf(text, "/placement:%s", cell->placement->name);
  if (w->layout == LAYOUT_TOGETHER) fprintf(text, "/layout:together");
  if ((double)w->spin_ns != plain->spin_ns.values[0]) fprintf(text, "/spin_ns:%llu", (unsigned long long)w->spin_ns);
  if ((double)w->backoff_max_ns != plain->backoff_max_ns.values[0])
    fprintf(text, "/backoff_max_ns:%llu", (unsigned long long)w->backoff_max_ns);
  if (w->tries) fprintf(text, "/trylock");
  if (builder->options->extends_slices) fprintf(text, "/slice_extension");
  if (cell->times_waits) fprintf(text, "/latency");
  fclose(text);
  return name;
}

/* Whether a trial of the cell can be made; EINVAL and one line in `why` if not. */
static int check_cell(const struct builder *builder, const struct cell *cell) {
  const struct workload *w = &cell->workload;
  if (w->n_threads == 0 || w->n_threads > OPTIONS_MAX_THREADS)
    snprintf(builder->why, builder->why_bytes, "%u readers and %u writers are %u threads; allowed are 1 to %d",
             w->n_readers, w->n_writers, w->n_threads, OPTIONS_MAX_THREADS);
  else if (trial_memory_bytes(cell->lock, w, builder->topology) > MAX_TRIAL_BYTES)
    snprintf(builder->why, builder->why_bytes,
             "%u threads, %u locks, %u keys and %u lines need more than 1 GiB; ask for fewer", w->n_threads, w->n_locks,
             w->n_keys, w->cs_lines);
  else if (w->rate_per_s * (builder->options->warmup_s + cell->duration_s) > MAX_DUE_OPS)
    snprintf(builder->why, builder->why_bytes,
             "--rate: %.10g/s for %g s are more than %g operations in a trial; lower the rate or --duration",
             w->rate_per_s, builder->options->warmup_s + cell->duration_s, MAX_DUE_OPS);
  else
    return 0;
  return EINVAL;
}

/* What a note tells of: see matrix_make(). */
static bool is_left_out(const struct builder *builder, const struct cell *cell) {
  return (cell->workload.tries && cannot_be_tried(cell->lock)) ||
         (has_default_threads(builder->options) &&
          !threads_suit(cell->lock, cell->workload.n_threads, cell->placement));
}

/* A program's own locks and roles. */
static void set_replay(const struct replay *replay, struct workload *workload) {
  workload->replay = replay;
  if (replay == NULL) return;
  workload->n_locks = replay->n_locks;
  workload->read_pct = replay->read_pct;
}

static int add_cell(struct builder *builder, struct cell cell) {
  struct matrix *matrix = builder->matrix;
  set_replay(builder->options->replay, &cell.workload);
  if (is_left_out(builder, &cell)) return 0;
  cell.duration_s = window_s(builder->options, cell.times_waits, cell.workload.n_threads, cell.placement->n_cpus);
  if (cell.duration_s > builder->longest_s) builder->longest_s = cell.duration_s;
  if (check_cell(builder, &cell) != 0) return EINVAL;
  if (matrix->n_cells == builder->capacity) {
    if (builder->capacity >= MAX_CELLS) {
      snprintf(builder->why, builder->why_bytes, "more than %d cells; sweep fewer values", MAX_CELLS);
      return EINVAL;
    }
    builder->capacity = builder->capacity == 0 ? 64 : 2 * builder->capacity;
    struct cell *larger = realloc(matrix->cells, builder->capacity * sizeof *larger);
    if (larger == NULL) return ENOMEM;
    matrix->cells = larger;
  }
  cell.name = name_cell(builder, &cell);
  if (cell.name == NULL) return ENOMEM;
  matrix->cells[matrix->n_cells++] = cell;
  return 0;
}

/*
 * A dimension of the matrix sets the i-th of its values in a cell, or returns false if it has no i-th. Later ones see
 * what earlier ones have set.
 */
typedef bool dimension(struct builder *builder, unsigned i, struct cell *cell);

/* A dimension that is an option's list of numbers. */
#define LISTED(list, member)                                                                                           \
  static bool sweep_##list(struct builder *builder, unsigned i, struct cell *cell) {                                   \
    if (i >= builder->options->list.n) return false;                                                                   \
    cell->workload.member = (__typeof__(cell->workload.member))builder->options->list.values[i];                       \
    return true;                                                                                                       \
  }

LISTED(keys, n_keys)
LISTED(locks_count, n_locks)
LISTED(cs_ns, cs_ns)
LISTED(cs_lines, cs_lines)
LISTED(rate, rate_per_s)
LISTED(spin_ns, spin_ns)
LISTED(backoff_max_ns, backoff_max_ns)
LISTED(hold_scale, hold_scale)
LISTED(gap_scale, gap_scale)

/* The thread counts of each placement are its own where none are given: see threads.h. */
static void choose_threads(struct builder *builder, const struct placement *placement) {
  unsigned counts[THREADS_MAX_COUNTS];
  builder->threads.n = threads_default(placement, builder->topology, OPTIONS_MAX_THREADS, counts);
  for (unsigned i = 0; i < builder->threads.n; i++) builder->threads.values[i] = counts[i];
  if (placement->n_cpus > builder->n_most_cpus) builder->n_most_cpus = placement->n_cpus;
}

static bool sweep_placements(struct builder *builder, unsigned i, struct cell *cell) {
  if (i >= builder->matrix->n_placements) return false;
  cell->placement = &builder->matrix->placements[i];
  if (has_default_threads(builder->options)) choose_threads(builder, cell->placement);
  return true;
}

/* Readers with fixed roles, else threads with mixed ones. */
static bool sweep_threads(struct builder *builder, unsigned i, struct cell *cell) {
  const struct options_list *readers = &builder->options->readers;
  cell->workload.has_fixed_roles = readers->n > 0;
  if (i >= (readers->n > 0 ? readers->n : builder->threads.n)) return false;
  if (readers->n > 0)
    cell->workload.n_readers = (unsigned)readers->values[i];
  else
    cell->workload.n_threads = (unsigned)builder->threads.values[i];
  return true;
}

/* Writers with fixed roles, else the share of reads. */
static bool sweep_roles(struct builder *builder, unsigned i, struct cell *cell) {
  const struct options *options = builder->options;
  struct workload *workload = &cell->workload;
  if (i >= (workload->has_fixed_roles ? options->writers.n : options->read_pct.n)) return false;
  if (workload->has_fixed_roles) {
    workload->n_writers = (unsigned)options->writers.values[i];
    workload->n_threads = workload->n_readers + workload->n_writers;
  } else {
    workload->read_pct = options->read_pct.values[i];
  }
  return true;
}

/* No thinking is one value; of the other kinds each has as many as --think-ns. */
static bool sweep_thinks(struct builder *builder, unsigned i, struct cell *cell) {
  const struct options *options = builder->options;
  for (enum think think = THINK_NONE; think <= THINK_SLEEP; think++) {
    const unsigned n = !options->thinks[think] ? 0 : think == THINK_NONE ? 1 : options->think_ns.n;
    if (i < n) {
      cell->workload.think = think;
      cell->workload.think_ns = think == THINK_NONE ? 0 : (uint64_t)options->think_ns.values[i];
      return true;
    }
    i -= n;
  }
  return false;
}

static bool sweep_layouts(struct builder *builder, unsigned i, struct cell *cell) {
  for (enum layout layout = LAYOUT_APART; layout <= LAYOUT_TOGETHER; layout++) {
    if (!builder->options->layouts[layout] || i-- > 0) continue;
    cell->workload.layout = layout;
    return true;
  }
  return false;
}

static bool sweep_locks(struct builder *builder, unsigned i, struct cell *cell) {
  if (i >= builder->selection.n) return false;
  cell->lock = builder->selection.locks[i];
  return true;
}

/* Without and, if asked for, with the waits timed. A baseline waits for nothing. */
static bool sweep_waits(struct builder *builder, unsigned i, struct cell *cell) {
  if (i > 1 || (i == 1 && (!builder->options->times_waits || is_baseline(cell->lock)))) return false;
  cell->times_waits = i == 1;
  return true;
}

/* What is swept, slowest first. */
static dimension *const dimensions[] = {
    sweep_placements, sweep_threads,        sweep_roles, sweep_keys,       sweep_locks_count, sweep_cs_ns,
    sweep_cs_lines,   sweep_thinks,         sweep_rate,  sweep_hold_scale, sweep_gap_scale,   sweep_layouts,
    sweep_spin_ns,    sweep_backoff_max_ns, sweep_locks, sweep_waits,
};

/* Adds every combination of the dimensions from the given one on, with what is set of `cell`. */
static int add_combinations(struct builder *builder, unsigned i_dimension, struct cell cell) {
  if (i_dimension == sizeof dimensions / sizeof *dimensions) return add_cell(builder, cell);
  int error = 0;
  for (unsigned i = 0; error == 0 && dimensions[i_dimension](builder, i, &cell); i++)
    error = add_combinations(builder, i_dimension + 1, cell);
  return error;
}

/* Says which of the default numbers of threads are left out, once all placements are swept. */
static int note_threads(struct builder *builder) {
  const unsigned n_most = 8 * builder->n_most_cpus;
  if (n_most > OPTIONS_MAX_THREADS)
    return note(builder, "without --threads, %u threads (8 on a CPU) are left out; the most are %d", n_most,
                OPTIONS_MAX_THREADS);
  return note_locks(builder, "without --threads, 8 threads on a CPU are left out for what never parks", never_parks);
}

/* Says that the run takes longer than --duration promises. */
static int note_windows(struct builder *builder) {
  if (builder->longest_s <= builder->options->duration_s) return 0;
  return note(
      builder,
      "with more threads than CPUs waits are timed for up to %.3g s a trial, so that each thread has %d turns on "
      "its CPU (at most --timeout)",
      builder->longest_s, WINDOW_N_TURNS);
}

int matrix_make(struct matrix *matrix, const struct options *options, const struct topology *topology, char *why,
                size_t why_bytes) {
  *matrix = (struct matrix){0};
  struct builder builder = {.matrix = matrix,
                            .options = options,
                            .topology = topology,
                            .threads = options->threads,
                            .why = why,
                            .why_bytes = why_bytes};
  snprintf(why, why_bytes, "no memory for the matrix");
  struct cell cell = {.workload.tries = options->tries};
  if (options->replay != NULL && options->threads.n == 0)
    builder.threads = (struct options_list){.n = 1, .values = {options->replay->n_threads}};
  int error = options_parse(&builder.plain, COMMAND_RUN, 0, NULL, why, why_bytes);
  if (error == 0) error = selection_make(&builder.selection, options->locks, why, why_bytes);
  if (error == 0 && !options->has_no_twin) error = add_twins(&builder);
  if (error == 0 && options->tries)
    error = note_locks(&builder, "--trylock leaves out what has no trylock", cannot_be_tried);
  if (error == 0 && options->times_waits)
    error = note_locks(&builder, "--latency leaves out what waits for nothing, the baselines", is_baseline);
  if (error == 0) error = choose_placements(&builder);
  if (error == 0) error = add_combinations(&builder, 0, cell);
  if (error == 0 && has_default_threads(options)) error = note_threads(&builder);
  if (error == 0) error = note_windows(&builder);
  if (error == 0 && matrix->n_cells == 0) {
    snprintf(why, why_bytes, "--trylock: none of these locks has a trylock");
    error = EINVAL;
  }
  if (error != 0) matrix_free(matrix);
  return error;
}

void matrix_free(struct matrix *matrix) {
  for (unsigned i = 0; i < matrix->n_cells; i++) free(matrix->cells[i].name);
  for (unsigned i = 0; i < matrix->n_notes; i++) free(matrix->notes[i]);
  for (unsigned i = 0; i < matrix->n_placements; i++) placement_free(&matrix->placements[i]);
  free(matrix->cells);
  free(matrix->placements);
  free(matrix->order);
  *matrix = (struct matrix){0};
}

void matrix_filter(struct matrix *matrix, bool (*keeps)(const char *name)) {
  unsigned n = 0;
  for (unsigned i = 0; i < matrix->n_cells; i++) {
    if (keeps(matrix->cells[i].name))
      matrix->cells[n++] = matrix->cells[i];
    else
      free(matrix->cells[i].name);
  }
  matrix->n_cells = n;
}

int matrix_shuffle(struct matrix *matrix, unsigned n_repetitions, uint64_t seed) {
  matrix->order = calloc((size_t)matrix->n_cells * n_repetitions, sizeof *matrix->order);
  if (matrix->order == NULL) return ENOMEM;
  matrix->n_slots = matrix->n_cells * n_repetitions;
  struct random_state random = random_seed(seed, UINT64_MAX);
  for (unsigned repetition = 0; repetition < n_repetitions; repetition++) {
    struct slot *pass = matrix->order + (size_t)repetition * matrix->n_cells;
    for (unsigned i = 0; i < matrix->n_cells; i++) { /* Fisher and Yates, inside out */
      const unsigned j = random_below((uint32_t)(random_next(&random) >> 32), i + 1);
      pass[i] = pass[j];
      pass[j] = (struct slot){.cell = i, .repetition = repetition + 1};
    }
  }
  return 0;
}
