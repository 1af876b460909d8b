// SPDX-License-Identifier: MIT
#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "machine/provenance.h"
#include "message.h"

static const char advice_of_run[] = ", or finish an interrupted run with --resume";

static int set_paths(struct folder *folder, const char *path) {
  const int n = snprintf(folder->path, sizeof folder->path, "%s", path);
  if (n >= (int)sizeof folder->path) {
    message_error("the folder's name is longer than %zu characters", sizeof folder->path - 1);
    return EINVAL;
  }
  snprintf(folder->csv_path, sizeof folder->csv_path, "%s/results.csv", folder->path);
  snprintf(folder->host_path, sizeof folder->host_path, "%s/host.json", folder->path);
  snprintf(folder->profile_path, sizeof folder->profile_path, "%s/profile.json", folder->path);
  return 0;
}

/* results/<date>-<host>-<sha7><tag>, the first that does not exist yet. */
static int make_default(struct folder *folder, const char *tag) {
  char date[16], name[1024];
  const time_t now = time(NULL);
  struct tm utc;
  strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
  if (mkdir("results", 0777) != 0 && errno != EEXIST) {
    message_error("cannot create the folder 'results': %s; name another with --out", strerror(errno));
    return EINVAL;
  }
  for (unsigned i = 1; i < 10000; i++) {
    int n = snprintf(name, sizeof name, "results/%s-%s-%.7s%s", date, provenance_host(), provenance_git_sha, tag);
    if (i > 1) snprintf(name + n, sizeof name - (size_t)n, "-%u", i);
    if (mkdir(name, 0777) == 0) return set_paths(folder, name);
    if (errno != EEXIST) break;
  }
  message_error("cannot create the folder '%s': %s; name another with --out", name, strerror(errno));
  return EINVAL;
}

static void tell_that_it_exists(const char *out, const char *advice) {
  message_error("'%s' exists; name a new folder with --out%s", out, advice);
}

bool folder_is_free(const char *out) {
  if (out == NULL || access(out, F_OK) != 0) return true;
  tell_that_it_exists(out, advice_of_run);
  return false;
}

static int make_named(struct folder *folder, const char *out, const char *advice) {
  if (set_paths(folder, out) != 0) return EINVAL;
  if (mkdir(out, 0777) == 0) return 0;
  if (errno == EEXIST)
    tell_that_it_exists(out, advice);
  else
    message_error("cannot create the folder '%s': %s", out, strerror(errno));
  return EINVAL;
}

/* Returns 0 or an errno after a message. */
static int keep_profile(const struct folder *folder, const struct profile *profile) {
  errno = 0;
  FILE *file = fopen(folder->profile_path, "we");
  bool is_whole = file != NULL && fwrite(profile->text, 1, profile->n_bytes, file) == profile->n_bytes;
  if (file != NULL && fclose(file) != 0) is_whole = false;
  if (is_whole) return 0;
  const int error = errno != 0 ? errno : EIO;
  message_error("cannot write '%s': %s", folder->profile_path, strerror(error));
  return error;
}

int folder_make(struct folder *folder, const char *out, const char *tag) {
  return out != NULL ? make_named(folder, out, "") : make_default(folder, tag);
}

int folder_create(struct folder *folder, const char *out, const json_t *host, const struct profile *profile,
                  bool can_resume, struct record_file *csv) {
  int error = out != NULL ? make_named(folder, out, can_resume ? advice_of_run : "") : make_default(folder, "");
  if (error != 0) return error;
  error = record_file_create(csv, folder->csv_path);
  if (error == 0 && profile != NULL) error = keep_profile(folder, profile);
  /* Last: with host.json there is a run that can be resumed. */
  if (error == 0 && json_dump_file(host, folder->host_path, JSON_INDENT(2)) != 0) {
    error = errno != 0 ? errno : EIO;
    message_error("cannot write '%s': %s", folder->host_path, strerror(error));
  }
  if (error == 0) return 0;
  unlink(folder->csv_path);
  unlink(folder->profile_path);
  unlink(folder->host_path);
  rmdir(folder->path);
  return error;
}

int folder_open(struct folder *folder, const char *path, json_t **host) {
  if (set_paths(folder, path) != 0) return EINVAL;
  json_error_t why;
  *host = json_load_file(folder->host_path, 0, &why);
  if (*host != NULL) return 0;
  message_error("'%s' is not the folder of a run: %s: %s", path, folder->host_path, why.text);
  return EINVAL;
}
