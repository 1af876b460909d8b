// SPDX-License-Identifier: MIT
#include "profile.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaint.h"

enum { SCHEMA = 1, MAX_BYTES = 1 << 28, MAX_RUN = 64, MAX_THREADS = 4096 };

/* What is being read, and where to say what is wrong with it. */
struct reader {
  struct profile *profile;
  struct complaint complaint;
};

static int has_no_memory(const struct reader *reader) {
  complain(&reader->complaint, "no memory for it");
  return ENOMEM;
}

static int cannot_read(const struct reader *reader, int error) {
  const struct complaint *complaint = &reader->complaint;
  snprintf(complaint->why, complaint->why_bytes, "--profile: cannot read '%.120s': %s", complaint->path,
           strerror(error));
  return EINVAL;
}

/* The whole file, with a zero behind it. */
static int read_text(const struct reader *reader) {
  struct profile *profile = reader->profile;
  errno = 0;
  FILE *file = fopen(reader->complaint.path, "re");
  if (file == NULL) return cannot_read(reader, errno);
  for (size_t capacity = 0;;) {
    if (profile->n_bytes + 1 >= capacity) {
      capacity = capacity == 0 ? 1 << 16 : 2 * capacity;
      char *larger = capacity > MAX_BYTES ? NULL : realloc(profile->text, capacity);
      if (larger == NULL) {
        fclose(file);
        return complain(&reader->complaint, "larger than %d MiB", MAX_BYTES >> 20);
      }
      profile->text = larger;
    }
    const size_t n = fread(profile->text + profile->n_bytes, 1, capacity - profile->n_bytes - 1, file);
    profile->n_bytes += n;
    if (n == 0) break;
  }
  const int error = ferror(file) ? errno : 0;
  fclose(file);
  profile->text[profile->n_bytes] = '\0';
  return error == 0 ? 0 : cannot_read(reader, error);
}

/* A number of at least 0; false: something else. */
static bool read_amount(const json_t *value, double *amount) {
  *amount = json_number_value(value);
  return json_is_number(value) && isfinite(*amount) && *amount >= 0;
}

static int refuse_field(const struct reader *reader, const char *what, size_t i, const char *field) {
  return complain(&reader->complaint, "%s %zu has no '%s' as it should be", what, i + 1, field);
}

static int read_lock(const struct reader *reader, size_t i, const json_t *object, struct profile_lock *lock) {
  const struct {
    const char *name;
    double *amount;
  } amounts[] = {{"instances", &lock->n_instances},
                 {"acquisitions", &lock->n_acquisitions},
                 {"contended", &lock->n_contended},
                 {"wait_total_ns", &lock->wait_ns},
                 {"hold_total_ns", &lock->hold_ns}};
  const json_t *id = json_object_get(object, "id"), *kind = json_object_get(object, "kind");
  if (!json_is_integer(id)) return refuse_field(reader, "lock", i, "id");
  lock->id = json_integer_value(id);
  for (size_t other = 0; other < i; other++)
    if (reader->profile->locks[other].id == lock->id)
      return complain(&reader->complaint, "locks %zu and %zu have the same id, %" PRId64, other + 1, i + 1, lock->id);
  const char *const word = json_is_string(kind) ? json_string_value(kind) : "";
  lock->is_rw = strcmp(word, "rwlock") == 0;
  if (!lock->is_rw && strcmp(word, "mutex") != 0 && strcmp(word, "spin") != 0)
    return refuse_field(reader, "lock", i, "kind");
  for (size_t a = 0; a < sizeof amounts / sizeof *amounts; a++)
    if (!read_amount(json_object_get(object, amounts[a].name), amounts[a].amount))
      return refuse_field(reader, "lock", i, amounts[a].name);
  return 0;
}

static int read_locks(const struct reader *reader, const json_t *list) {
  struct profile *profile = reader->profile;
  const size_t n = json_array_size(list);
  if (n == 0) return complain(&reader->complaint, "it has no locks");
  profile->locks = calloc(n, sizeof *profile->locks);
  if (profile->locks == NULL) return has_no_memory(reader);
  int error = 0;
  for (; error == 0 && profile->n_locks < n; profile->n_locks++)
    error =
        read_lock(reader, profile->n_locks, json_array_get(list, profile->n_locks), &profile->locks[profile->n_locks]);
  return error;
}

/* The index of the lock with that id; n_locks: there is none. */
static uint32_t find_lock(const struct profile *profile, const json_t *id) {
  uint32_t i = 0;
  while (i < profile->n_locks && !(json_is_integer(id) && profile->locks[i].id == json_integer_value(id))) i++;
  return i;
}

/* How a thread gave up its CPU: keys that profiles had not always, and that only an event has to which they apply. */
static bool read_given_up(const json_t *how, struct profile_event *event) {
  double yields = 0, gap_yields = 0;
  const json_t *value = json_object_get(how, "yields");
  if (!json_is_object(how) || (value != NULL && !read_amount(value, &yields))) return false;
  value = json_object_get(how, "gap_yields");
  if (value != NULL && !read_amount(value, &gap_yields)) return false;
  event->yields = (uint16_t)fmin(yields, UINT16_MAX);
  event->gap_yields = (uint16_t)fmin(gap_yields, UINT16_MAX);
  event->slept = json_is_true(json_object_get(how, "slept"));
  event->gap_slept = json_is_true(json_object_get(how, "gap_slept"));
  return true;
}

static int read_event(const struct reader *reader, size_t run, size_t i, const json_t *list,
                      struct profile_event *event) {
  const json_t *mode = json_array_get(list, 1), *hold = json_array_get(list, 3), *depth = json_array_get(list, 4);
  const char *const word = json_is_string(mode) ? json_string_value(mode) : "";
  event->lock = find_lock(reader->profile, json_array_get(list, 0));
  event->reads = strcmp(word, "r") == 0;
  event->has_hold = !json_is_null(hold);
  event->depth = (uint32_t)json_integer_value(depth);
  const char *wrong = NULL;
  if (json_array_size(list) != 5 && json_array_size(list) != 6)
    wrong = "is not [lock, mode, gap_ns, hold_ns, depth]";
  else if (event->lock == reader->profile->n_locks)
    wrong = "is of a lock that is not in the list of locks";
  else if (!event->reads && strcmp(word, "w") != 0)
    wrong = "has a mode that is neither \"r\" nor \"w\"";
  else if (event->reads && !reader->profile->locks[event->lock].is_rw)
    wrong = "reads under a lock that is no readers/writer lock";
  else if (!read_amount(json_array_get(list, 2), &event->gap_ns))
    wrong = "has a gap_ns that is not a time";
  else if (event->has_hold && !read_amount(hold, &event->hold_ns))
    wrong = "has a hold_ns that is not a time";
  else if (!json_is_integer(depth) || json_integer_value(depth) < 0 || json_integer_value(depth) > UINT32_MAX)
    wrong = "has a depth that is not a number of locks";
  else if (json_array_size(list) == 6 && !read_given_up(json_array_get(list, 5), event))
    wrong = "does not tell well of how the CPU was given up";
  return wrong == NULL ? 0 : complain(&reader->complaint, "event %zu of run %zu %s", i + 1, run + 1, wrong);
}

static int read_run(const struct reader *reader, size_t i, const json_t *object, struct profile_run *run) {
  struct profile *profile = reader->profile;
  const json_t *thread = json_object_get(object, "thread"), *events = json_object_get(object, "events");
  const size_t n = json_array_size(events);
  *run =
      (struct profile_run){.thread = json_integer_value(thread), .first = profile->n_events, .n_events = (uint32_t)n};
  if (!json_is_integer(thread)) return refuse_field(reader, "run", i, "thread");
  if (!read_amount(json_object_get(object, "start_ns"), &run->start_ns))
    return refuse_field(reader, "run", i, "start_ns");
  const json_t *before = json_object_get(object, "before");
  run->n_before = -1;
  if (before != NULL && !read_amount(before, &run->n_before)) return refuse_field(reader, "run", i, "before");
  if (n == 0 || n > MAX_RUN)
    return complain(&reader->complaint, "run %zu has %zu events; 1 to %d are allowed", i + 1, n, MAX_RUN);
  int error = 0;
  for (size_t e = 0; error == 0 && e < n; e++, profile->n_events++)
    error = read_event(reader, i, e, json_array_get(events, e), &profile->events[profile->n_events]);
  return error;
}

static int read_runs(const struct reader *reader, const json_t *list) {
  struct profile *profile = reader->profile;
  const size_t n = json_array_size(list);
  if (n == 0)
    return complain(&reader->complaint, "it has no runs of events: the program took no locks, or none in a row");
  profile->runs = calloc(n, sizeof *profile->runs);
  profile->events = calloc(n * MAX_RUN, sizeof *profile->events);
  if (profile->runs == NULL || profile->events == NULL) return has_no_memory(reader);
  int error = 0;
  for (; error == 0 && profile->n_runs < n; profile->n_runs++)
    error = read_run(reader, profile->n_runs, json_array_get(list, profile->n_runs), &profile->runs[profile->n_runs]);
  return error;
}

/* db_bench-0badcafe: FNV-1a over the file, folded. */
static void set_name(struct profile *profile, const char *program) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < profile->n_bytes; i++) hash = (hash ^ (unsigned char)profile->text[i]) * 0x100000001b3u;
  const char *const slash = strrchr(program, '/');
  char base[40];
  snprintf(base, sizeof base, "%s", slash != NULL && slash[1] != '\0' ? slash + 1 : program);
  for (char *c = base; *c != '\0'; c++)
    if (!isalnum((unsigned char)*c) && strchr("._+-", *c) == NULL) *c = '_';
  snprintf(profile->name, sizeof profile->name, "%s-%08" PRIx32, base, (uint32_t)(hash ^ hash >> 32));
}

static int read_whole(const struct reader *reader, const json_t *root) {
  const json_t *schema = json_object_get(root, "schema"), *threads = json_object_get(root, "threads");
  const json_t *cpus = json_object_get(root, "cpus");
  const json_t *program = json_array_get(json_object_get(root, "program"), 0);
  if (!json_is_object(root) || !json_is_integer(schema))
    return complain(&reader->complaint, "not a profile: it has no schema");
  if (json_integer_value(schema) != SCHEMA)
    return complain(&reader->complaint, "schema %lld; this lockbench reads schema %d",
                    (long long)json_integer_value(schema), SCHEMA);
  if (!json_is_string(program)) return complain(&reader->complaint, "it does not name its program");
  if (json_is_integer(threads) && json_integer_value(threads) == 0)
    return complain(&reader->complaint, "no thread of the program took a lock");
  if (!json_is_integer(threads) || json_integer_value(threads) < 1 || json_integer_value(threads) > MAX_THREADS)
    return complain(&reader->complaint, "its 'threads' are not 1 to %d", MAX_THREADS);
  if (!json_is_integer(cpus) || json_integer_value(cpus) < 1)
    return complain(&reader->complaint, "it does not tell how many 'cpus' there were");
  if (!read_amount(json_object_get(root, "seconds"), &reader->profile->seconds))
    return complain(&reader->complaint, "it does not tell how many 'seconds' it is of");
  reader->profile->n_cpus = (unsigned)json_integer_value(cpus);
  reader->profile->n_threads = (unsigned)json_integer_value(threads);
  set_name(reader->profile, json_string_value(program));
  const int error = read_locks(reader, json_object_get(root, "locks"));
  return error != 0 ? error : read_runs(reader, json_object_get(root, "runs"));
}

int profile_read(struct profile *profile, const char *path, char *why, size_t why_bytes) {
  *profile = (struct profile){0};
  const struct reader reader = {.profile = profile,
                                .complaint = {.begin = "--profile: ",
                                              .end = "; `lockbench observe` writes such files",
                                              .path = path,
                                              .why = why,
                                              .why_bytes = why_bytes}};
  int error = read_text(&reader);
  if (error == 0) {
    json_error_t where;
    json_t *root = json_loadb(profile->text, profile->n_bytes, JSON_REJECT_DUPLICATES, &where);
    error =
        root == NULL ? complain(&reader.complaint, "line %d: %s", where.line, where.text) : read_whole(&reader, root);
    json_decref(root);
  }
  if (error != 0) profile_free(profile);
  return error;
}

void profile_free(struct profile *profile) {
  free(profile->text);
  free(profile->locks);
  free(profile->runs);
  free(profile->events);
  *profile = (struct profile){0};
}
