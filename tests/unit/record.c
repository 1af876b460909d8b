// SPDX-License-Identifier: MIT
/* The rows of results.csv: what is written can be read back. */
#include "results/record.h"

#include <stdlib.h>

#include "check.h"
#include "trial/replay.h"

/*
 * Spelled out once more, from the design: a column that is renamed or moved must show here. New ones come behind
 * these, since files with these are out there.
 */
static const char header[] =
    "run_id,started_at,status,lock,kind,fifo,waits,source,placement,threads,readers,writers,read_pct,keys,locks,cs_ns,"
    "cs_lines,think_ns,think,warmup_s,duration_s,repetition,order_index,cpus,reads,writes,ops,ops_per_s,reads_per_s,"
    "writes_per_s,overlap_pct,jain,min_share,max_share,owner_changes,longest_run,handoffs_smt,handoffs_llc,"
    "handoffs_node,handoffs_remote,wait_p50_ns,wait_p90_ns,wait_p99_ns,wait_p999_ns,wait_max_ns,cpu_s,cpu_ns_per_op,"
    "ctx_voluntary,ctx_involuntary,migrations,steal_pct,line_ns,lock_bytes,ctx_bytes,seed,topology_hash,host,git_sha,"
    "schema,spin_ns,backoff_max_ns,trylock,try_success_pct,layout,why,wait_count,waits_open,wait_bound_from_q,"
    "wait_time_1us_pct,wait_time_10us_pct,wait_time_100us_pct,wait_time_1ms_pct,wait_time_10ms_pct,wait_time_100ms_pct,"
    "throttled_pct,rate_per_s,due_ops,saturated,code_layout,twin_of,cpu_kinds,heap_bytes,"
    "profile,hold_scale,gap_scale";

enum { N_COLUMNS = 85, MAX_COLUMNS = 128 };

static char placement_name[] = "list:0,2-4";
static struct placement placement = {.name = placement_name, .is_pinned = true, .n_cpus = 4};
static const struct topology topology = {.n_cpus = 4}; /* hwloc knows no kinds of its CPUs */
static struct trial trial = {.topology = &topology, .placement = &placement, .warmup_s = 0.01};
static struct trial_result result;
static struct record record;
static unsigned n_columns;

static void reset(void) {
  trial.lock = registry_find("ticket");
  trial.times_waits = false;
  trial.code_layout = 3;
  trial.workload = (struct workload){.n_threads = 4, .read_pct = 99.9, .n_keys = 5, .n_locks = 1};
  placement.is_pinned = true;
  result = (struct trial_result){
      .duration_s = 0.5,
      .overlap_pct = 100,
      .n_reads = 3000000000,
      .n_writes = 3000001,
      .fairness = {0.99, 0.2, 0.3},
      .n_owner_changes = 77,
      .longest_run = 1234,
      .n_handoffs = {[DISTANCE_SMT] = 11, [DISTANCE_LLC] = 22, [DISTANCE_NODE] = 33, [DISTANCE_REMOTE] = 44},
      .waits = trial_waits_unmeasured,
      .usage = {.cpu_s = 1.5, .ctx_voluntary = 5, .ctx_involuntary = 6},
      .migrations = 7,
      .steal_pct = 0.25,
      .line_ns = 123.456789,
      .throttled_pct = 0.5,
      .n_due = NAN,
  };
  record = (struct record){
      .run_id = "2026-01-02T03:04:05Z-0badcafe",
      .started_at = "2026-01-02T03:04:06.789Z",
      .trial = &trial,
      .result = &result,
      .seed = UINT64_MAX,
      .repetition = 2,
      .order_index = 41,
      .topology_hash = 0xabc,
      .host = "a \"quoted\", host",
      .git_sha = "0123456789abcdef0123456789abcdef01234567-dirty",
  };
}

/* Prints the record and splits it again; the fields stay valid until the next call. */
static char **round_trip(void) {
  static char *row, *fields[MAX_COLUMNS];
  size_t n_bytes = 0;
  free(row);
  row = NULL;
  FILE *stream = open_memstream(&row, &n_bytes);
  record_print(stream, &record);
  fclose(stream);
  CHECK(n_bytes > 0 && row[n_bytes - 1] == '\n' && strchr(row, '\n') == row + n_bytes - 1);
  CHECK_EQ(n_columns, record_split(row, fields, MAX_COLUMNS));
  return fields;
}

#define CHECK_FIELD(want, fields, name) CHECK_TEXT(want, fields[record_column(name)])

static void what_is_written_can_be_read_back(void) {
  reset();
  char **fields = round_trip();
  CHECK_FIELD("2026-01-02T03:04:05Z-0badcafe", fields, "run_id");
  CHECK_FIELD("2026-01-02T03:04:06.789Z", fields, "started_at");
  CHECK_FIELD("ok", fields, "status");
  CHECK_FIELD("ticket", fields, "lock");
  CHECK_FIELD("mutex", fields, "kind");
  CHECK_FIELD("yes", fields, "fifo");
  CHECK_FIELD("spin", fields, "waits");
  CHECK_FIELD("ours", fields, "source");
  CHECK_FIELD("list:0,2-4", fields, "placement"); /* has a comma: quoted in the file */
  CHECK_FIELD("4", fields, "threads");
  CHECK_FIELD("99.9", fields, "read_pct");
  CHECK_FIELD("none", fields, "think");
  CHECK_FIELD("0.5", fields, "duration_s");
  CHECK_FIELD("2", fields, "repetition");
  CHECK_FIELD("41", fields, "order_index");
  CHECK_FIELD("4", fields, "cpus");
  CHECK_FIELD("3000000000", fields, "reads");
  CHECK_FIELD("3000001", fields, "writes");
  CHECK_FIELD("3003000001", fields, "ops");
  CHECK_NEAR(6006000002, strtod(fields[record_column("ops_per_s")], NULL), 1e-8);
  CHECK_NEAR(6000000000, strtod(fields[record_column("reads_per_s")], NULL), 1e-8);
  CHECK_NEAR(6000002, strtod(fields[record_column("writes_per_s")], NULL), 1e-8);
  CHECK_NEAR(123.456789, strtod(fields[record_column("line_ns")], NULL), 1e-8);
  CHECK_FIELD("77", fields, "owner_changes");
  CHECK_FIELD("1234", fields, "longest_run");
  CHECK_FIELD("11", fields, "handoffs_smt");
  CHECK_FIELD("44", fields, "handoffs_remote");
  CHECK_NEAR(1.5e9 / 3003000001, strtod(fields[record_column("cpu_ns_per_op")], NULL), 1e-8);
  CHECK_FIELD("18446744073709551615", fields, "seed");
  CHECK_FIELD("0000000000000abc", fields, "topology_hash");
  CHECK_FIELD("", fields, "cpu_kinds");
  CHECK_FIELD("a \"quoted\", host", fields, "host");
  CHECK_FIELD("4", fields, "schema");
  CHECK_FIELD("", fields, "simulated");
  CHECK_FIELD("apart", fields, "layout");
  CHECK_FIELD("3", fields, "code_layout");
  CHECK_FIELD("", fields, "twin_of");
  CHECK_FIELD("0", fields, "heap_bytes");
  CHECK_FIELD("", fields, "profile");
  CHECK_FIELD("", fields, "hold_scale");
  CHECK_FIELD("", fields, "gap_scale");

  trial.workload.layout = LAYOUT_TOGETHER;
  CHECK_FIELD("together", round_trip(), "layout");
  trial.lock = registry_find("twin");
  fields = round_trip();
  CHECK_FIELD("baseline", fields, "kind");
  CHECK_FIELD("ticket", fields, "twin_of");
  trial.lock = registry_find("anderson"); /* a line for each of the four threads */
  CHECK_FIELD("512", round_trip(), "heap_bytes");
}

static void a_replay_tells_of_what_and_not_what_it_was_not_asked_for(void) {
  reset();
  const struct replay replay = {.name = "db_bench-0badcafe"};
  trial.workload.replay = &replay;
  trial.workload.hold_scale = 1.25;
  trial.workload.gap_scale = 0.5;
  char **fields = round_trip();
  CHECK_FIELD("db_bench-0badcafe", fields, "profile");
  CHECK_FIELD("1.25", fields, "hold_scale");
  CHECK_FIELD("0.5", fields, "gap_scale");
  CHECK_FIELD("99.9", fields, "read_pct");
  CHECK_FIELD("", fields, "cs_ns");
  CHECK_FIELD("", fields, "think_ns");
  CHECK_FIELD("", fields, "think");
}

static void an_open_loop_tells_whether_it_fell_behind(void) {
  reset();
  trial.workload.rate_per_s = 1500.5;
  result.n_due = 100000;
  result.n_writes = 0;
  result.n_reads = 95001; /* less than a twentieth is left over */
  char **fields = round_trip();
  CHECK_FIELD("1500.5", fields, "rate_per_s");
  CHECK_FIELD("100000", fields, "due_ops");
  CHECK_FIELD("no", fields, "saturated");
  result.n_reads = 94999;
  CHECK_FIELD("yes", round_trip(), "saturated");
  result.n_due = 20; /* two of each of the four threads may be left over */
  result.n_reads = 12;
  CHECK_FIELD("no", round_trip(), "saturated");
  result.n_reads = 11;
  CHECK_FIELD("yes", round_trip(), "saturated");
}

static void what_was_not_measured_is_empty(void) {
  static const char *const of_a_crash[] = {"duration_s",
                                           "reads",
                                           "ops",
                                           "ops_per_s",
                                           "jain",
                                           "max_share",
                                           "longest_run",
                                           "cpu_s",
                                           "cpu_ns_per_op",
                                           "handoffs_llc",
                                           "migrations",
                                           "line_ns",
                                           "waits",
                                           "overlap_pct",
                                           "ctx_voluntary",
                                           "wait_count",
                                           "waits_open",
                                           "wait_bound_from_q",
                                           "wait_time_1ms_pct",
                                           "throttled_pct",
                                           "due_ops",
                                           "saturated",
                                           "rate_per_s"};
  reset();
  char **fields = round_trip();
  CHECK_FIELD("", fields, "readers"); /* mixed roles */
  CHECK_FIELD("", fields, "wait_p50_ns");
  CHECK_FIELD("", fields, "wait_max_ns");

  reset();
  trial.workload.has_fixed_roles = true;
  trial.workload.n_readers = 4;
  fields = round_trip();
  CHECK_FIELD("4", fields, "readers");
  CHECK_FIELD("0", fields, "writers");
  CHECK_FIELD("", fields, "read_pct");

  reset();
  trial.times_waits = true; /* then the rates would tell of the clock */
  result.waits = (struct trial_waits){10, 20, 30, 40, 50, 60, 3, 0.95, {99, 88, 77, 66, 55, 44}};
  fields = round_trip();
  CHECK_FIELD("10", fields, "wait_p50_ns");
  CHECK_FIELD("50", fields, "wait_max_ns");
  CHECK_FIELD("60", fields, "wait_count");
  CHECK_FIELD("3", fields, "waits_open");
  CHECK_FIELD("0.95", fields, "wait_bound_from_q");
  CHECK_FIELD("99", fields, "wait_time_1us_pct");
  CHECK_FIELD("44", fields, "wait_time_100ms_pct");
  CHECK_FIELD("", fields, "ops_per_s");
  CHECK_FIELD("", fields, "writes_per_s");
  CHECK_FIELD("", fields, "cpu_ns_per_op");
  CHECK_FIELD("3003000001", fields, "ops");

  reset();
  placement.is_pinned = false; /* the distance between threads that float is not known */
  fields = round_trip();
  CHECK_FIELD("", fields, "handoffs_smt");
  CHECK_FIELD("", fields, "handoffs_remote");

  reset();
  trial.lock = registry_find("empty");
  result = (struct trial_result){.status = TRIAL_CRASHED,
                                 .duration_s = NAN,
                                 .overlap_pct = NAN,
                                 .fairness = {NAN, NAN, NAN},
                                 .why = "died of signal 6\n(Aborted), \"at once\"",
                                 .waits = trial_waits_unmeasured,
                                 .usage = {NAN, NAN, NAN},
                                 .migrations = NAN,
                                 .steal_pct = NAN,
                                 .line_ns = NAN,
                                 .throttled_pct = NAN,
                                 .n_due = NAN};
  fields = round_trip();
  CHECK_FIELD("crashed", fields, "status");
  CHECK_FIELD("died of signal 6 (Aborted), \"at once\"", fields, "why"); /* on one line */
  CHECK_FIELD("baseline", fields, "kind");
  for (size_t i = 0; i < sizeof of_a_crash / sizeof *of_a_crash; i++) {
    check_about("%s", of_a_crash[i]);
    CHECK_FIELD("", fields, of_a_crash[i]);
  }
  check_about("%s", "");
}

static void the_header_is_the_contract(void) {
  char copy[4096], *names[MAX_COLUMNS];
  snprintf(copy, sizeof copy, "%.*s", (int)strlen(header), record_header());
  CHECK_TEXT(header, copy);
  const char next = record_header()[strlen(header)];
  CHECK(next == '\0' || next == ',');

  snprintf(copy, sizeof copy, "%s", record_header());
  n_columns = record_split(copy, names, MAX_COLUMNS);
  CHECK(n_columns >= N_COLUMNS && n_columns <= MAX_COLUMNS);
  for (unsigned i = 0; i < n_columns; i++) CHECK_EQ(i, record_column(names[i]));
}

static void lines_are_split_as_rfc_4180_says(void) {
  char line[] = "a,,\"b,\"\"c\"\"\",\"\",last\n", *fields[8];
  CHECK_EQ(5, record_split(line, fields, 8));
  CHECK_TEXT("a", fields[0]);
  CHECK_TEXT("", fields[1]);
  CHECK_TEXT("b,\"c\"", fields[2]);
  CHECK_TEXT("", fields[3]);
  CHECK_TEXT("last", fields[4]);
  char too_many[] = "1,2,3";
  fields[2] = NULL;
  CHECK_EQ(3, record_split(too_many, fields, 2));
  CHECK(fields[2] == NULL);
}

int main(void) {
  the_header_is_the_contract();
  lines_are_split_as_rfc_4180_says();
  what_is_written_can_be_read_back();
  a_replay_tells_of_what_and_not_what_it_was_not_asked_for();
  an_open_loop_tells_whether_it_fell_behind();
  what_was_not_measured_is_empty();
  return check_result();
}
