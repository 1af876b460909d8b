// SPDX-License-Identifier: MIT
#include "cpu_quota.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4096 };

/* Whether `list`, separated by commas, has the word. */
static bool has_word(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (;; list++) {
    const size_t n = strcspn(list, ",");
    if (n == length && strncmp(list, word, length) == 0) return true;
    list += n;
    if (*list == '\0') return false;
  }
}

/* /proc/self/cgroup: the process's group in the hierarchy that has the CPU controller, or of version 2. */
static bool find_own_group(const char *root, bool is_version_1, char *group) {
  char path[CPU_QUOTA_PATH_BYTES], line[LINE_BYTES];
  bool is_found = false;
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  while (!is_found && fgets(line, sizeof line, file) != NULL) { /* hierarchy:controllers:group */
    char *const controllers = strchr(line, ':'), *const own = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (own == NULL) continue;
    *own = '\0';
    is_found = is_version_1 ? has_word(controllers + 1, "cpu") : strcmp(line, "0:") == 0;
    if (is_found) snprintf(group, LINE_BYTES, "%.*s", (int)strcspn(own + 1, "\n"), own + 1);
  }
  fclose(file);
  return is_found;
}

/* The kernel writes blanks and the like as \ooo. */
static void unescape(char *text) {
  char *out = text;
  for (const char *in = text; *in != '\0'; out++) {
    unsigned code;
    if (*in == '\\' && sscanf(in + 1, "%3o", &code) == 1) {
      *out = (char)code;
      in += 4;
    } else {
      *out = *in++;
    }
  }
  *out = '\0';
}

/* A group as seen from a mount that shows what is below `mount_root` only. */
static const char *below(const char *group, const char *mount_root) {
  const size_t n = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
  const bool is_inside = strncmp(group, mount_root, n) == 0 && (group[n] == '/' || group[n] == '\0');
  return is_inside && strncmp(group, "/..", 3) != 0 && strcmp(group + n, "/") != 0 ? group + n : "";
}

/* /proc/self/mountinfo: finds where the group is, with the length of the part that is the mount. */
static bool find_folder(const char *root, bool is_version_1, const char *group, char *folder, size_t *n_mount) {
  char path[CPU_QUOTA_PATH_BYTES], line[LINE_BYTES];
  bool is_found = false;
  snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  while (!is_found && fgets(line, sizeof line, file) != NULL) {
    char mount_root[LINE_BYTES], mount[LINE_BYTES], type[32], options[LINE_BYTES];
    const char *const rest = strstr(line, " - ");
    if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", mount_root, mount) != 2 ||
        sscanf(rest, " - %31s %*s %4095s", type, options) != 2)
      continue;
    if (is_version_1 ? strcmp(type, "cgroup") != 0 || !has_word(options, "cpu") : strcmp(type, "cgroup2") != 0)
      continue;
    unescape(mount_root);
    unescape(mount);
    *n_mount = strlen(root) + strlen(mount);
    const int n = snprintf(folder, CPU_QUOTA_PATH_BYTES, "%s%s%s", root, mount, below(group, mount_root));
    is_found = n < CPU_QUOTA_PATH_BYTES && access(folder, F_OK) == 0;
  }
  fclose(file);
  return is_found;
}

/* The first line of a file in the folder; "" if there is none. */
static void read_line(const char *folder, const char *name, char *line, size_t n_bytes) {
  char path[CPU_QUOTA_PATH_BYTES + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  *line = '\0';
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  if (fgets(line, (int)n_bytes, file) == NULL) *line = '\0';
  fclose(file);
}

/* Fills in the group's quota; false if it has none ("max", or -1). */
static bool read_quota(struct cpu_quota_group *group) {
  char line[64];
  if (!group->is_version_1) {
    read_line(group->path, "cpu.max", line, sizeof line);
    return sscanf(line, "%lf %lf", &group->quota_us, &group->period_us) == 2;
  }
  read_line(group->path, "cpu.cfs_quota_us", line, sizeof line);
  if (sscanf(line, "%lf", &group->quota_us) != 1 || group->quota_us < 0) return false;
  read_line(group->path, "cpu.cfs_period_us", line, sizeof line);
  return sscanf(line, "%lf", &group->period_us) == 1;
}

static void find_version(struct cpu_quota *quota, const char *root, bool is_version_1) {
  char own[LINE_BYTES], folder[CPU_QUOTA_PATH_BYTES];
  size_t n_mount;
  if (!find_own_group(root, is_version_1, own) || !find_folder(root, is_version_1, own, folder, &n_mount)) return;
  while (quota->n_groups < CPU_QUOTA_MAX_GROUPS) {
    struct cpu_quota_group *const group = &quota->groups[quota->n_groups];
    *group = (struct cpu_quota_group){.is_version_1 = is_version_1};
    memcpy(group->path, folder, sizeof folder);
    quota->n_groups += read_quota(group);
    if (strlen(folder) <= n_mount) break;
    *strrchr(folder, '/') = '\0'; /* to the group above */
  }
}

void cpu_quota_find(struct cpu_quota *quota, const char *root) {
  quota->n_groups = 0;
  find_version(quota, root, true);
  find_version(quota, root, false);
}

const struct cpu_quota_group *cpu_quota_tightest(const struct cpu_quota *quota) {
  const struct cpu_quota_group *tightest = NULL;
  for (const struct cpu_quota_group *group = quota->groups; group < quota->groups + quota->n_groups; group++)
    if (tightest == NULL || group->quota_us / group->period_us < tightest->quota_us / tightest->period_us)
      tightest = group;
  return tightest;
}

static double throttled_s(const struct cpu_quota_group *group) {
  const char *const key = group->is_version_1 ? "throttled_time " : "throttled_usec ";
  char path[CPU_QUOTA_PATH_BYTES + 32], line[128];
  double seconds = NAN;
  snprintf(path, sizeof path, "%s/cpu.stat", group->path);
  FILE *file = fopen(path, "re");
  if (file == NULL) return NAN;
  while (isnan(seconds) && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, key, strlen(key)) == 0)
      seconds = strtod(line + strlen(key), NULL) / (group->is_version_1 ? 1e9 : 1e6);
  fclose(file);
  return seconds;
}

double cpu_quota_throttled_s(const struct cpu_quota *quota) {
  double sum = quota->n_groups > 0 ? 0 : NAN;
  for (unsigned i = 0; i < quota->n_groups; i++) sum += throttled_s(&quota->groups[i]);
  return sum;
}
