// SPDX-License-Identifier: MIT
/* results.csv on the disk: never overwritten, continued where it was cut, whole after a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "results/record.h"

enum { N_TRIALS = 5 };

static char folder[] = "/tmp/lockbench-test-XXXXXX";
static char path[64];

static char placement_name[] = "compact";
static const struct placement placement = {.name = placement_name, .n_cpus = 1};
static const struct topology topology = {.n_cpus = 1};
static struct trial trial = {
    .topology = &topology, .placement = &placement, .workload = {.n_threads = 1, .n_keys = 1, .n_locks = 1}};

enum { SEED = 42 };

static const struct record_plan plan = {.run_id = "run", .seed = SEED, .n_trials = N_TRIALS};

static int append(struct record_file *file, unsigned order_index, enum trial_status status) {
  const struct trial_result result = {.status = status, .duration_s = 1, .n_reads = 1};
  const struct record record = {.run_id = "run",
                                .started_at = "now",
                                .trial = &trial,
                                .result = &result,
                                .seed = SEED,
                                .order_index = order_index,
                                .host = "host",
                                .git_sha = "sha"};
  return record_file_append(file, &record);
}

static off_t size(void) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_size : -1;
}

static unsigned count_lines(void) {
  FILE *stream = fopen(path, "r");
  unsigned n = 0;
  for (int c; stream != NULL && (c = fgetc(stream)) != EOF;) n += c == '\n';
  if (stream != NULL) fclose(stream);
  return n;
}

/* A new file with the rows 0, 1, 2. */
static void make_file(struct record_file *file) {
  unlink(path);
  CHECK_EQ(0, record_file_create(file, path));
  for (unsigned i = 0; i < 3; i++) CHECK_EQ(0, append(file, i, TRIAL_OK));
}

static void check_done(const bool *is_done, const char *want) {
  char got[N_TRIALS + 1] = "";
  for (unsigned i = 0; i < N_TRIALS; i++) got[i] = is_done[i] ? '1' : '0';
  CHECK_TEXT(want, got);
}

static void a_file_is_never_overwritten(void) {
  struct record_file file, second;
  make_file(&file);
  const off_t before = size();
  CHECK_EQ(EEXIST, record_file_create(&second, path));
  CHECK_EQ(before, size());
  CHECK_EQ(0, record_file_close(&file));
  CHECK_EQ(4, count_lines());
}

static void a_file_has_one_writer_at_a_time(void) {
  struct record_file file, second;
  bool is_done[N_TRIALS] = {false};
  make_file(&file);
  CHECK_EQ(0, truncate(path, size() - 1)); /* what a second writer would cut off */
  const off_t before = size();
  CHECK_EQ(EWOULDBLOCK, record_file_resume(&second, path, &plan, is_done));
  check_done(is_done, "00000");
  CHECK_EQ(before, size());
  CHECK_EQ(0, record_file_close(&file));
  CHECK_EQ(0, record_file_resume(&second, path, &plan, is_done));
  CHECK_EQ(EWOULDBLOCK, record_file_resume(&file, path, &plan, is_done));
  CHECK_EQ(0, record_file_close(&second));
}

static void an_unfinished_row_is_cut_off(void) {
  struct record_file file;
  bool is_done[N_TRIALS] = {false};
  make_file(&file);
  const off_t whole = size();
  CHECK_EQ(0, append(&file, 3, TRIAL_OK));
  CHECK_EQ(0, record_file_close(&file));
  const off_t longer = size();
  for (off_t cut = longer - 1; cut >= whole; cut -= 7) {
    check_about("cut %d bytes off", (int)(longer - cut));
    memset(is_done, 0, sizeof is_done);
    CHECK_EQ(0, truncate(path, cut));
    CHECK_EQ(0, record_file_resume(&file, path, &plan, is_done));
    check_done(is_done, "11100");
    CHECK_EQ(whole, size());
    CHECK_EQ(0, append(&file, 3, TRIAL_OK));
    CHECK_EQ(longer, size());
    CHECK_EQ(0, record_file_close(&file));
  }
  check_about("%s", "");
}

static void an_unfinished_header_is_written_again(void) {
  struct record_file file;
  bool is_done[N_TRIALS] = {false};
  make_file(&file);
  CHECK_EQ(0, record_file_close(&file));
  CHECK_EQ(0, truncate(path, 20));
  CHECK_EQ(0, record_file_resume(&file, path, &plan, is_done));
  check_done(is_done, "00000");
  CHECK_EQ(strlen(record_header()) + 1, size());
  CHECK_EQ(0, record_file_close(&file));
}

static void only_noisy_and_disturbed_rows_are_repeated(void) {
  struct record_file file;
  bool is_done[N_TRIALS] = {false};
  unlink(path);
  CHECK_EQ(0, record_file_create(&file, path));
  CHECK_EQ(0, append(&file, 4, TRIAL_NOISY));
  CHECK_EQ(0, append(&file, 0, TRIAL_TIMEOUT));
  CHECK_EQ(0, append(&file, 1, TRIAL_CRASHED));
  CHECK_EQ(0, append(&file, 2, TRIAL_BROKEN));
  CHECK_EQ(0, append(&file, 3, TRIAL_NOISY));
  CHECK_EQ(0, append(&file, 3, TRIAL_OK)); /* the repetition of a noisy trial */
  CHECK_EQ(0, append(&file, 4, TRIAL_DISTURBED));
  CHECK_EQ(0, record_file_close(&file));
  CHECK_EQ(0, record_file_resume(&file, path, &plan, is_done));
  check_done(is_done, "11110");
  CHECK_EQ(0, record_file_close(&file));
}

static void write_text(const char *text) {
  FILE *stream = fopen(path, "w");
  CHECK(stream != NULL && fputs(text, stream) >= 0);
  if (stream != NULL) fclose(stream);
}

static void foreign_files_are_refused_and_left_alone(void) {
  struct record_file file;
  bool is_done[N_TRIALS] = {false};
  char text[4096];
  snprintf(text, sizeof text, "%s,one_more\n1,2,3\n", record_header());
  write_text(text);
  CHECK_EQ(EINVAL, record_file_resume(&file, path, &plan, is_done));
  CHECK_EQ(strlen(text), size());

  snprintf(text, sizeof text, "%s\n1,2,3\n", record_header());
  write_text(text);
  CHECK_EQ(EINVAL, record_file_resume(&file, path, &plan, is_done));
  CHECK_EQ(strlen(text), size());

  make_file(&file);
  CHECK_EQ(0, append(&file, N_TRIALS, TRIAL_OK)); /* of a run with more trials than ours */
  CHECK_EQ(0, record_file_close(&file));
  const off_t before = size();
  CHECK_EQ(EINVAL, record_file_resume(&file, path, &plan, is_done));
  CHECK_EQ(before, size());

  static const struct record_plan others[] = {{"run", SEED + 1, N_TRIALS}, {"other", SEED, N_TRIALS}};
  for (unsigned i = 0; i < 2; i++) {
    make_file(&file);
    CHECK_EQ(0, record_file_close(&file));
    const off_t of_one_run = size();
    CHECK_EQ(EINVAL, record_file_resume(&file, path, &others[i], is_done));
    CHECK_EQ(of_one_run, size());
  }

  unlink(path);
  CHECK_EQ(ENOENT, record_file_resume(&file, path, &plan, is_done));
}

/* The limit on a file's size stands in for the disk: it too first takes a part of a row, then nothing. */
static void a_full_disk_loses_no_earlier_row(void) {
  struct record_file file;
  struct rlimit unlimited, limit;
  make_file(&file);
  const off_t whole = size();
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &unlimited);
  limit = unlimited;
  limit.rlim_cur = (rlim_t)whole + 10;
  CHECK_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
  CHECK(append(&file, 3, TRIAL_OK) != 0);
  CHECK_EQ(whole, size());
  limit.rlim_cur = (rlim_t)whole;
  CHECK_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
  CHECK_EQ(EFBIG, append(&file, 3, TRIAL_OK));
  CHECK_EQ(whole, size());
  CHECK_EQ(0, setrlimit(RLIMIT_FSIZE, &unlimited));
  CHECK_EQ(0, append(&file, 3, TRIAL_OK)); /* room was made */
  CHECK_EQ(0, record_file_close(&file));
  CHECK_EQ(5, count_lines());

  struct record_file full = {.fd = open("/dev/full", O_WRONLY | O_CLOEXEC), .path = "/dev/full"};
  if (full.fd < 0) return; /* not every container has it */
  CHECK_EQ(ENOSPC, append(&full, 0, TRIAL_OK));
  CHECK_EQ(0, record_file_close(&full));
}

int main(void) {
  trial.lock = registry_find("ticket");
  if (!CHECK(mkdtemp(folder) != NULL)) return check_result();
  snprintf(path, sizeof path, "%s/results.csv", folder);
  a_file_is_never_overwritten();
  a_file_has_one_writer_at_a_time();
  an_unfinished_row_is_cut_off();
  an_unfinished_header_is_written_again();
  only_noisy_and_disturbed_rows_are_repeated();
  foreign_files_are_refused_and_left_alone();
  a_full_disk_loses_no_earlier_row();
  unlink(path);
  rmdir(folder);
  return check_result();
}
