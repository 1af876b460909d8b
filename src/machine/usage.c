// SPDX-License-Identifier: MIT
#include "usage.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool is_placed_on(const struct topology *topology, const struct placement *placement, unsigned os_index) {
  for (unsigned i = 0; i < placement->n_cpus; i++)
    if (topology->cpus[placement->order[i]].os_index == os_index) return true;
  return false;
}

struct cpu_usage usage_of_cpus(const struct topology *topology, const struct placement *placement) {
  struct cpu_usage times = {NAN, NAN};
  FILE *file = fopen("/proc/stat", "re");
  if (file == NULL) return times;
  const double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
  char line[512];
  while (fgets(line, sizeof line, file) != NULL && strncmp(line, "cpu", 3) == 0) {
    unsigned cpu; /* the fields are those of proc(5) */
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &user, &nice, &system, &idle, &iowait, &irq,
               &softirq, &steal) != 9 ||
        !is_placed_on(topology, placement, cpu))
      continue;
    if (isnan(times.busy_s)) times = (struct cpu_usage){0, 0};
    times.busy_s += tick_s * (double)(user + nice + system + irq + softirq);
    times.steal_s += tick_s * (double)steal;
  }
  fclose(file);
  return times;
}

struct usage usage_now(void) {
  struct timespec cpu;
  struct rusage rusage;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  getrusage(RUSAGE_SELF, &rusage);
  return (struct usage){
      .cpu_s = (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec,
      .ctx_voluntary = (double)rusage.ru_nvcsw,
      .ctx_involuntary = (double)rusage.ru_nivcsw,
  };
}

double usage_of_children_s(void) {
  struct rusage rusage;
  getrusage(RUSAGE_CHILDREN, &rusage);
  return (double)(rusage.ru_utime.tv_sec + rusage.ru_stime.tv_sec) +
         1e-6 * (double)(rusage.ru_utime.tv_usec + rusage.ru_stime.tv_usec);
}

static double thread_migrations(const char *task) {
  char path[320], line[160];
  double migrations = NAN;
  snprintf(path, sizeof path, "/proc/self/task/%s/sched", task);
  FILE *file = fopen(path, "re");
  if (file == NULL) return NAN;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "se.nr_migrations : %lf", &migrations) == 1) break;
  fclose(file);
  return migrations;
}

double usage_migrations(void) {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return NAN;
  double sum = 0;
  for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
    if (entry->d_name[0] != '.') sum += thread_migrations(entry->d_name);
  closedir(tasks);
  return sum;
}

struct usage usage_between(const struct usage *start, const struct usage *end) {
  return (struct usage){
      .cpu_s = end->cpu_s - start->cpu_s,
      .ctx_voluntary = end->ctx_voluntary - start->ctx_voluntary,
      .ctx_involuntary = end->ctx_involuntary - start->ctx_involuntary,
  };
}
