// SPDX-License-Identifier: MIT
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/cpu_kinds.h"
#include "message.h"
#include "trial/replay.h"

/* The words of enum think and enum layout. */
static const char *const think_names[] = {"none", "spin", "sleep"};
static const char *const layout_names[] = {"apart", "together"};

/* The rates of a trial that timed each wait would tell of the clock, not of the lock: not measured. */
static double rate(const struct record *r, double x) {
  return r->trial->times_waits || !(r->result->duration_s > 0) ? NAN : x / r->result->duration_s;
}

/* In an open loop most of it may be spent on waiting until an operation is due. */
static double cpu_ns_per_op(const struct record *r, double n_ops) {
  return r->trial->times_waits || r->trial->workload.rate_per_s > 0 || n_ops == 0
             ? NAN
             : 1e9 * r->result->usage.cpu_s / n_ops;
}

/* A count that exists only if the trial came to its end. */
static double counted(const struct record *r, uint64_t n) { return isnan(r->result->duration_s) ? NAN : (double)n; }

/* Where nothing excludes, increments of the count of sections get lost, so a run may even come out below 0. */
static double longest_run(const struct record *r) {
  return r->trial->lock->traits & LK_BASELINE ? NAN : counted(r, r->result->longest_run);
}

static double try_success_pct(const struct record *r) {
  const double n_ops = counted(r, r->result->n_reads + r->result->n_writes);
  const double n_tries = n_ops + (double)r->result->n_failed_tries;
  return r->trial->workload.tries && n_tries > 0 ? 100 * n_ops / n_tries : NAN;
}

/* Of a closed loop it cannot be told. */
static const char *saturated(const struct record *r) {
  if (isnan(r->result->n_due)) return "";
  return trial_is_saturated(r->trial, r->result) ? "yes" : "no";
}

static double heap_bytes(const struct record *r) {
  const struct lk_config config = trial_config(r->trial);
  return (double)registry_heap_bytes(r->trial->lock, &config);
}

/* Threads that float have no distance. */
static double handoffs(const struct record *r, enum distance distance) {
  return r->trial->placement->is_pinned ? counted(r, r->result->n_handoffs[distance]) : NAN;
}

/*
 * THE list of columns, in the order of the file: TEXT, WHOLE (a number without decimals) or REAL (significant
 * digits). `r` is the record, `w` its workload, `x` its result.
 */
#define COLUMNS(TEXT, WHOLE, REAL)                                                                                     \
  TEXT(run_id, r->run_id)                                                                                              \
  TEXT(started_at, r->started_at)                                                                                      \
  TEXT(status, trial_status_names[x->status])                                                                          \
  TEXT(lock, r->trial->lock->name)                                                                                     \
  TEXT(kind, registry_kind(r->trial->lock))                                                                            \
  TEXT(fifo, registry_fifo(r->trial->lock))                                                                            \
  TEXT(waits, registry_waits(r->trial->lock))                                                                          \
  TEXT(source, registry_source(r->trial->lock))                                                                        \
  TEXT(placement, r->trial->placement->name)                                                                           \
  WHOLE(threads, w->n_threads)                                                                                         \
  WHOLE(readers, w->has_fixed_roles ? w->n_readers : NAN)                                                              \
  WHOLE(writers, w->has_fixed_roles ? w->n_writers : NAN)                                                              \
  REAL(read_pct, w->has_fixed_roles ? NAN : w->read_pct)                                                               \
  WHOLE(keys, w->n_keys)                                                                                               \
  WHOLE(locks, w->n_locks)                                                                                             \
  WHOLE(cs_ns, w->replay == NULL ? (double)w->cs_ns : NAN)                                                             \
  WHOLE(cs_lines, w->cs_lines)                                                                                         \
  WHOLE(think_ns, w->replay == NULL ? (double)w->think_ns : NAN)                                                       \
  TEXT(think, w->replay == NULL ? think_names[w->think] : "")                                                          \
  REAL(warmup_s, r->trial->warmup_s)                                                                                   \
  REAL(duration_s, x->duration_s)                                                                                      \
  WHOLE(repetition, r->repetition)                                                                                     \
  WHOLE(order_index, r->order_index)                                                                                   \
  WHOLE(cpus, r->trial->placement->n_cpus)                                                                             \
  WHOLE(reads, counted(r, x->n_reads))                                                                                 \
  WHOLE(writes, counted(r, x->n_writes))                                                                               \
  WHOLE(ops, counted(r, x->n_reads + x->n_writes))                                                                     \
  REAL(ops_per_s, rate(r, (double)(x->n_reads + x->n_writes)))                                                         \
  REAL(reads_per_s, rate(r, (double)x->n_reads))                                                                       \
  REAL(writes_per_s, rate(r, (double)x->n_writes))                                                                     \
  REAL(overlap_pct, x->overlap_pct)                                                                                    \
  REAL(jain, x->fairness.jain)                                                                                         \
  REAL(min_share, x->fairness.min_share)                                                                               \
  REAL(max_share, x->fairness.max_share)                                                                               \
  WHOLE(owner_changes, counted(r, x->n_owner_changes))                                                                 \
  WHOLE(longest_run, longest_run(r))                                                                                   \
  WHOLE(handoffs_smt, handoffs(r, DISTANCE_SMT))                                                                       \
  WHOLE(handoffs_llc, handoffs(r, DISTANCE_LLC))                                                                       \
  WHOLE(handoffs_node, handoffs(r, DISTANCE_NODE))                                                                     \
  WHOLE(handoffs_remote, handoffs(r, DISTANCE_REMOTE))                                                                 \
  REAL(wait_p50_ns, x->waits.p50_ns)                                                                                   \
  REAL(wait_p90_ns, x->waits.p90_ns)                                                                                   \
  REAL(wait_p99_ns, x->waits.p99_ns)                                                                                   \
  REAL(wait_p999_ns, x->waits.p999_ns)                                                                                 \
  REAL(wait_max_ns, x->waits.max_ns)                                                                                   \
  REAL(cpu_s, x->usage.cpu_s)                                                                                          \
  REAL(cpu_ns_per_op, cpu_ns_per_op(r, (double)(x->n_reads + x->n_writes)))                                            \
  WHOLE(ctx_voluntary, x->usage.ctx_voluntary)                                                                         \
  WHOLE(ctx_involuntary, x->usage.ctx_involuntary)                                                                     \
  WHOLE(migrations, x->migrations)                                                                                     \
  REAL(steal_pct, x->steal_pct)                                                                                        \
  REAL(line_ns, x->line_ns)                                                                                            \
  WHOLE(lock_bytes, (double)r->trial->lock->lock_bytes)                                                                \
  WHOLE(ctx_bytes, (double)r->trial->lock->ctx_bytes)                                                                  \
  TEXT(seed, seed_text)                                                                                                \
  TEXT(topology_hash, hash_text)                                                                                       \
  TEXT(host, r->host)                                                                                                  \
  TEXT(git_sha, r->git_sha)                                                                                            \
  WHOLE(schema, RECORD_SCHEMA)                                                                                         \
  WHOLE(spin_ns, (double)w->spin_ns)                                                                                   \
  WHOLE(backoff_max_ns, (double)w->backoff_max_ns)                                                                     \
  TEXT(trylock, w->tries ? "yes" : "no")                                                                               \
  REAL(try_success_pct, try_success_pct(r))                                                                            \
  TEXT(layout, layout_names[w->layout])                                                                                \
  TEXT(why, x->why)                                                                                                    \
  WHOLE(wait_count, x->waits.n)                                                                                        \
  WHOLE(waits_open, x->waits.n_open)                                                                                   \
  REAL(wait_bound_from_q, x->waits.bound_from_q)                                                                       \
  REAL(wait_time_1us_pct, x->waits.time_pct[0])                                                                        \
  REAL(wait_time_10us_pct, x->waits.time_pct[1])                                                                       \
  REAL(wait_time_100us_pct, x->waits.time_pct[2])                                                                      \
  REAL(wait_time_1ms_pct, x->waits.time_pct[3])                                                                        \
  REAL(wait_time_10ms_pct, x->waits.time_pct[4])                                                                       \
  REAL(wait_time_100ms_pct, x->waits.time_pct[5])                                                                      \
  REAL(throttled_pct, x->throttled_pct)                                                                                \
  REAL(rate_per_s, w->rate_per_s > 0 ? w->rate_per_s : NAN)                                                            \
  WHOLE(due_ops, x->n_due)                                                                                             \
  TEXT(saturated, saturated(r))                                                                                        \
  WHOLE(code_layout, r->trial->code_layout)                                                                            \
  TEXT(twin_of, r->trial->lock->twin_of != NULL ? r->trial->lock->twin_of : "")                                        \
  TEXT(cpu_kinds, kinds_text)                                                                                          \
  WHOLE(heap_bytes, heap_bytes(r))                                                                                     \
  TEXT(profile, w->replay != NULL ? w->replay->name : "")                                                              \
  REAL(hold_scale, w->replay != NULL ? w->hold_scale : NAN)                                                            \
  REAL(gap_scale, w->replay != NULL ? w->gap_scale : NAN)                                                              \
  TEXT(simulated, r->simulated != NULL ? r->simulated : "")

#define NAME(name, value) "," #name
static const char comma_and_header[] = COLUMNS(NAME, NAME, NAME);
#undef NAME

#define NAME(name, value) #name,
static const char *const column_names[] = {COLUMNS(NAME, NAME, NAME)};
#undef NAME

enum { N_COLUMNS = sizeof column_names / sizeof *column_names };

const char *record_header(void) { return comma_and_header + 1; }

static void put_separator(FILE *stream, const char **separator) {
  fputs(*separator, stream);
  *separator = ",";
}

static void put_text(FILE *stream, const char **separator, const char *text) {
  put_separator(stream, separator);
  if (strpbrk(text, ",\"\n") == NULL) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (; *text != '\0'; text++) {
    if (*text == '"') fputc('"', stream);
    fputc(*text == '\n' ? ' ' : *text, stream); /* a row is a line */
  }
  fputc('"', stream);
}

static void put_number(FILE *stream, const char **separator, const char *format, double x) {
  put_separator(stream, separator);
  if (!isnan(x)) fprintf(stream, format, x);
}

void record_print(FILE *stream, const struct record *record) {
  const struct record *const r = record;
  const struct workload *const w = &record->trial->workload;
  const struct trial_result *const x = record->result;
  char seed_text[24], hash_text[24]; /* 64 bits do not fit a double */
  char kinds_text[128];
  cpu_kinds_of_threads(r->trial->topology, r->trial->placement, w->n_threads, kinds_text, sizeof kinds_text);
  snprintf(seed_text, sizeof seed_text, "%" PRIu64, record->seed);
  snprintf(hash_text, sizeof hash_text, "%016" PRIx64, record->topology_hash);
  const char *separator = "";
#define TEXT(name, value) put_text(stream, &separator, value);
#define WHOLE(name, value) put_number(stream, &separator, "%.0f", value);
#define REAL(name, value) put_number(stream, &separator, "%.9g", value);
  COLUMNS(TEXT, WHOLE, REAL)
#undef TEXT
#undef WHOLE
#undef REAL
  fputc('\n', stream);
}

unsigned record_split(char *line, char **fields, unsigned max_fields) {
  unsigned n = 0;
  for (char *in = line;; in++) {
    char *out = in;
    if (n < max_fields) fields[n] = out;
    n++;
    bool is_quoted = *in == '"';
    if (is_quoted) in++;
    while (*in != '\0' && *in != '\n' && (is_quoted || *in != ',')) {
      if (is_quoted && *in == '"') {
        if (in[1] != '"') {
          is_quoted = false;
          in++;
          continue;
        }
        in++;
      }
      *out++ = *in++;
    }
    const bool is_last = *in != ',';
    *out = '\0';
    if (is_last) return n;
  }
}

unsigned record_column(const char *name) {
  for (unsigned i = 0; i < N_COLUMNS; i++)
    if (strcmp(column_names[i], name) == 0) return i;
  message_error("no column is called '%s'", name);
  abort();
}

static int write_whole(struct record_file *file, const char *text, size_t n_bytes) {
  const ssize_t n = write(file->fd, text, n_bytes);
  if (n == (ssize_t)n_bytes) {
    file->n_bytes += n;
    return 0;
  }
  const int error = n < 0 ? errno : ENOSPC;
  message_error("cannot write to '%s': %s; all earlier rows are safe", file->path, strerror(error));
  if (ftruncate(file->fd, file->n_bytes) != 0) message_error("'%s' may end with an unfinished row", file->path);
  return error;
}

static int write_header(struct record_file *file) {
  char header[sizeof comma_and_header + 1];
  return write_whole(file, header, (size_t)snprintf(header, sizeof header, "%s\n", record_header()));
}

/*
 * Keeps every other lockbench away from the file until the last process that has it open, a trial's too, has ended. A
 * file system that knows no such locks must do without. Returns 0 or an errno after a message.
 */
static int claim(const struct record_file *file) {
  if (flock(file->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 0;
  message_error("'%s' is being written by another lockbench, which must end first", file->path);
  return EWOULDBLOCK;
}

int record_file_create(struct record_file *file, const char *path) {
  *file = (struct record_file){.path = path};
  file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file->fd < 0) {
    const int error = errno;
    message_error("cannot create '%s': %s", path, strerror(error));
    return error;
  }
  const int error = claim(file);
  return error != 0 ? error : write_header(file);
}

static bool is_of_run(const struct record_plan *plan, char **fields) {
  char seed[24];
  snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
  return strcmp(fields[record_column("seed")], seed) == 0 && strcmp(fields[record_column("run_id")], plan->run_id) == 0;
}

static bool read_order_index(const char *text, unsigned n_trials, unsigned *order_index) {
  char *end;
  const unsigned long index = strtoul(text, &end, 10);
  *order_index = (unsigned)index;
  return *text != '\0' && *end == '\0' && index < n_trials;
}

/* Reads the rows that are whole; returns 0 with their length, or an errno after a message. */
static int read_done(FILE *stream, const char *path, const struct record_plan *plan, bool *is_done,
                     long long *n_bytes) {
  const unsigned status_column = record_column("status"), order_column = record_column("order_index");
  char *line = NULL, *fields[N_COLUMNS];
  size_t line_bytes = 0;
  int error = 0;
  *n_bytes = 0;
  for (ssize_t n; error == 0 && (n = getline(&line, &line_bytes, stream)) > 0 && line[n - 1] == '\n'; *n_bytes += n) {
    line[n - 1] = '\0';
    if (*n_bytes == 0) {
      if (strcmp(line, record_header()) != 0) {
        message_error(
            "'%s' has other columns than this lockbench writes (schema %d): finish it with the lockbench that "
            "began it, or start a new run",
            path, RECORD_SCHEMA);
        error = EINVAL;
      }
      continue;
    }
    unsigned order_index = 0;
    if (record_split(line, fields, N_COLUMNS) != N_COLUMNS || !is_of_run(plan, fields) ||
        !read_order_index(fields[order_column], plan->n_trials, &order_index)) {
      message_error("'%s': the row at byte %lld is not one of this run (%s, seed %" PRIu64 ")", path, *n_bytes,
                    plan->run_id, plan->seed);
      error = EINVAL;
    } else if (strcmp(fields[status_column], trial_status_names[TRIAL_NOISY]) != 0 &&
               strcmp(fields[status_column], trial_status_names[TRIAL_DISTURBED]) != 0) {
      is_done[order_index] = true;
    }
  }
  free(line);
  return error;
}

/* Reads the rows that are whole and cuts off what is behind them. Returns 0 or an errno after a message. */
static int find_end(struct record_file *file, const struct record_plan *plan, bool *is_done) {
  FILE *stream = fopen(file->path, "re");
  if (stream == NULL) {
    const int error = errno;
    message_error("cannot read '%s': %s", file->path, strerror(error));
    return error;
  }
  int error = read_done(stream, file->path, plan, is_done, &file->n_bytes);
  fclose(stream);
  if (error == 0 && ftruncate(file->fd, file->n_bytes) != 0) {
    error = errno;
    message_error("cannot go on with '%s': %s", file->path, strerror(error));
  }
  return error;
}

int record_file_resume(struct record_file *file, const char *path, const struct record_plan *plan, bool *is_done) {
  *file = (struct record_file){.path = path, .fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (file->fd < 0) {
    const int error = errno;
    message_error("cannot go on with '%s': %s", path, strerror(error));
    return error;
  }
  int error = claim(file);
  if (error == 0) error = find_end(file, plan, is_done);
  if (error == 0 && file->n_bytes == 0) error = write_header(file); /* it was killed before that was whole */
  if (error != 0) close(file->fd);
  return error;
}

int record_file_append(struct record_file *file, const struct record *record) {
  char *row = NULL;
  size_t n_bytes = 0;
  FILE *buffer = open_memstream(&row, &n_bytes);
  if (buffer == NULL) return ENOMEM;
  record_print(buffer, record);
  fclose(buffer);
  const int error = write_whole(file, row, n_bytes);
  free(row);
  return error;
}

int record_file_close(struct record_file *file) {
  const bool is_flushed = fsync(file->fd) == 0 || errno == EINVAL; /* EINVAL: not a file on a disk */
  const int flush_error = errno;
  if (close(file->fd) == 0 && is_flushed) return 0;
  const int error = is_flushed ? errno : flush_error;
  message_error("cannot flush '%s': %s", file->path, strerror(error));
  return error;
}
