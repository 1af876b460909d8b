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

enum { MAX_CELLS = 1000000 };

static const double MAX_TRIAL_BYTES = 1024.0 * 1024 * 1024;

/* What all the nested loops over the options share. */
struct builder {
  struct matrix *matrix;
  const struct options *options;
  struct selection selection;
  unsigned first_placement, end_placement; /* of the matrix's, those that cells are made for now */
  bool spares_spinners;                    /* threads by default: not every lock is measured with all of them */
  unsigned capacity;
  char *why;
  size_t why_bytes;
};

static bool cannot_be_tried(const struct lk_ops *lock) { return lock->try_lock == NULL; }

static bool is_baseline(const struct lk_ops *lock) { return lock->traits & LK_BASELINE; }

static bool never_parks(const struct lk_ops *lock) { return !(lock->traits & LK_PARKS); }

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

/* Splits at the commas that are not inside of a list:0,2,4-7. */
static int choose_placements(struct builder *builder, const struct topology *topology) {
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
    const int error =
        placement_make(&matrix->placements[matrix->n_placements], topology, name, builder->why, builder->why_bytes);
    free(name);
    if (error != 0) return error;
    matrix->n_placements++;
    from += length;
    if (*from == '\0') return 0;
  }
}

/* The name says what is always of interest, and of the rest what differs from the plain workload. */
static char *name_cell(const struct cell *cell) {
  const struct workload *w = &cell->workload;
  char *name = NULL;
  size_t n_bytes;
  FILE *text = open_memstream(&name, &n_bytes);
  if (text == NULL) return NULL;
  fprintf(text, "%s/%s", registry_kind(cell->lock), cell->lock->name);
  if (w->has_fixed_roles)
    fprintf(text, "/readers:%u/writers:%u", w->n_readers, w->n_writers);
  else
    fprintf(text, "/threads:%u/read_pct:%.10g", w->n_threads, w->read_pct);
  if (w->n_keys != 5) fprintf(text, "/keys:%u", w->n_keys);
  if (w->n_locks != 1) fprintf(text, "/locks:%u", w->n_locks);
  fprintf(text, "/cs_ns:%llu", (unsigned long long)w->cs_ns);
  if (w->cs_lines != 0) fprintf(text, "/cs_lines:%u", w->cs_lines);
  if (w->think != THINK_NONE)
    fprintf(text, "/think:%s:%llu", w->think == THINK_SPIN ? "spin" : "sleep", (unsigned long long)w->think_ns);
  fprintf(text, "/placement:%s", cell->placement->name);
  if (w->layout == LAYOUT_TOGETHER) fprintf(text, "/layout:together");
  if (w->spin_ns != 1000) fprintf(text, "/spin_ns:%llu", (unsigned long long)w->spin_ns);
  if (w->backoff_max_ns != 10000) fprintf(text, "/backoff_max_ns:%llu", (unsigned long long)w->backoff_max_ns);
  if (w->tries) fprintf(text, "/trylock");
  if (cell->times_waits) fprintf(text, "/latency");
  fclose(text);
  return name;
}

static int add_cell(struct builder *builder, struct cell cell) {
  struct matrix *matrix = builder->matrix;
  if (trial_memory_bytes(cell.lock, &cell.workload) > MAX_TRIAL_BYTES) {
    snprintf(builder->why, builder->why_bytes,
             "%u threads, %u locks, %u keys and %u lines need more than 1 GiB; ask for fewer", cell.workload.n_threads,
             cell.workload.n_locks, cell.workload.n_keys, cell.workload.cs_lines);
    return EINVAL;
  }
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
  cell.name = name_cell(&cell);
  if (cell.name == NULL) return ENOMEM;
  matrix->cells[matrix->n_cells++] = cell;
  return 0;
}

/* One lock, without and, if asked for, with the waits timed. A baseline waits for nothing. */
static int add_lock(struct builder *builder, const struct lk_ops *lock, const struct workload *workload,
                    const struct placement *placement) {
  if (workload->tries && cannot_be_tried(lock)) return 0;
  if (builder->spares_spinners && !threads_suit(lock, workload->n_threads, placement)) return 0;
  struct cell cell = {.lock = lock, .workload = *workload, .placement = placement};
  const int error = add_cell(builder, cell);
  if (error != 0 || !builder->options->times_waits || is_baseline(lock)) return error;
  cell.times_waits = true;
  return add_cell(builder, cell);
}

#define EACH(i, list) (unsigned i = 0; i < (list).n && error == 0; i++)

static int add_workload(struct builder *builder, struct workload workload, const struct placement *placement) {
  const struct options *options = builder->options;
  workload.tries = options->tries;
  int error = 0;
  for
    EACH (spin, options->spin_ns)
    for
      EACH (backoff, options->backoff_max_ns)
      for
        EACH (i, builder->selection) {
          workload.spin_ns = (uint64_t)options->spin_ns.values[spin];
          workload.backoff_max_ns = (uint64_t)options->backoff_max_ns.values[backoff];
          error = add_lock(builder, builder->selection.locks[i], &workload, placement);
        }
  return error;
}

static int add_layouts(struct builder *builder, struct workload workload, const struct placement *placement) {
  int error = 0;
  for (enum layout layout = LAYOUT_APART; layout <= LAYOUT_TOGETHER && error == 0; layout++) {
    workload.layout = layout;
    if (builder->options->layouts[layout]) error = add_workload(builder, workload, placement);
  }
  return error;
}

static int add_thinks(struct builder *builder, struct workload workload, const struct placement *placement) {
  const struct options *options = builder->options;
  int error = 0;
  if (options->thinks[THINK_NONE]) error = add_layouts(builder, workload, placement);
  for (enum think think = THINK_SPIN; think <= THINK_SLEEP; think++)
    for (unsigned i = 0; options->thinks[think] && i < options->think_ns.n && error == 0; i++) {
      workload.think = think;
      workload.think_ns = (uint64_t)options->think_ns.values[i];
      error = add_layouts(builder, workload, placement);
    }
  return error;
}

static int add_sections(struct builder *builder, struct workload workload) {
  const struct options *options = builder->options;
  int error = 0;
  for
    EACH (keys, options->keys)
    for
      EACH (locks, options->locks_count)
      for
        EACH (ns, options->cs_ns)
        for
          EACH (lines, options->cs_lines)
            for (unsigned p = builder->first_placement; p < builder->end_placement && error == 0; p++) {
              workload.n_keys = (unsigned)options->keys.values[keys];
              workload.n_locks = (unsigned)options->locks_count.values[locks];
              workload.cs_ns = (uint64_t)options->cs_ns.values[ns];
              workload.cs_lines = (unsigned)options->cs_lines.values[lines];
              error = add_thinks(builder, workload, &builder->matrix->placements[p]);
            }
  return error;
}

static int add_threads(struct builder *builder, unsigned n_threads) {
  int error = 0;
  for
    EACH (p, builder->options->read_pct) {
      const struct workload workload = {.n_threads = n_threads, .read_pct = builder->options->read_pct.values[p]};
      error = add_sections(builder, workload);
    }
  return error;
}

/* The thread counts of each placement are its own: see threads.h. */
static int add_default_threads(struct builder *builder, const struct topology *topology) {
  unsigned n_most_cpus = 0;
  int error = 0;
  builder->spares_spinners = true;
  for (unsigned p = 0; p < builder->matrix->n_placements && error == 0; p++) {
    const struct placement *placement = &builder->matrix->placements[p];
    unsigned counts[THREADS_MAX_COUNTS];
    const unsigned n = threads_default(placement, topology, OPTIONS_MAX_THREADS, counts);
    builder->first_placement = p;
    builder->end_placement = p + 1;
    for (unsigned i = 0; i < n && error == 0; i++) error = add_threads(builder, counts[i]);
    if (placement->n_cpus > n_most_cpus) n_most_cpus = placement->n_cpus;
  }
  if (error != 0) return error;
  if (8 * n_most_cpus > OPTIONS_MAX_THREADS)
    return note(builder, "without --threads, %u threads (8 on a CPU) are left out; the most are %d", 8 * n_most_cpus,
                OPTIONS_MAX_THREADS);
  return note_locks(builder, "without --threads, 8 threads on a CPU are left out for what never parks", never_parks);
}

static int add_roles(struct builder *builder, const struct topology *topology) {
  const struct options *options = builder->options;
  int error = 0;
  for
    EACH (r, options->readers)
    for
      EACH (w, options->writers) {
        struct workload workload = {.has_fixed_roles = true,
                                    .n_readers = (unsigned)options->readers.values[r],
                                    .n_writers = (unsigned)options->writers.values[w]};
        workload.n_threads = workload.n_readers + workload.n_writers;
        if (workload.n_threads == 0 || workload.n_threads > OPTIONS_MAX_THREADS) {
          snprintf(builder->why, builder->why_bytes, "%u readers and %u writers are %u threads; allowed are 1 to %d",
                   workload.n_readers, workload.n_writers, workload.n_threads, OPTIONS_MAX_THREADS);
          return EINVAL;
        }
        error = add_sections(builder, workload);
      }
  if (options->readers.n > 0) return error;
  if (options->threads.n == 0) return add_default_threads(builder, topology);
  for
    EACH (t, options->threads) error = add_threads(builder, (unsigned)options->threads.values[t]);
  return error;
}

int matrix_make(struct matrix *matrix, const struct options *options, const struct topology *topology, char *why,
                size_t why_bytes) {
  *matrix = (struct matrix){0};
  struct builder builder = {.matrix = matrix, .options = options, .why = why, .why_bytes = why_bytes};
  snprintf(why, why_bytes, "no memory for the matrix");
  int error = selection_make(&builder.selection, options->locks, why, why_bytes);
  if (error == 0 && options->tries)
    error = note_locks(&builder, "--trylock leaves out what has no trylock", cannot_be_tried);
  if (error == 0 && options->times_waits)
    error = note_locks(&builder, "--latency leaves out what waits for nothing, the baselines", is_baseline);
  if (error == 0) error = choose_placements(&builder, topology);
  builder.end_placement = matrix->n_placements;
  if (error == 0) error = add_roles(&builder, topology);
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
