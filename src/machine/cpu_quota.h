// SPDX-License-Identifier: MIT
/*
 * cpu_quota.h: the CPU quotas that this process is under: of its own control group and of those above it, of cgroup
 * version 2 (cpu.max) and version 1 (cpu.cfs_quota_us). A group that has used up its quota is throttled: none of its
 * threads runs until the next period, 100 ms by default.
 */
#ifndef CPU_QUOTA_H
#define CPU_QUOTA_H

#include <stdbool.h>

enum { CPU_QUOTA_MAX_GROUPS = 8, CPU_QUOTA_PATH_BYTES = 512 };

struct cpu_quota_group {
  bool is_version_1;
  char path[CPU_QUOTA_PATH_BYTES]; /* of its folder */
  double quota_us, period_us;      /* so much CPU time, of all CPUs together, in each period */
};

/* Those that have a quota, the process's own first. */
struct cpu_quota {
  unsigned n_groups;
  struct cpu_quota_group groups[CPU_QUOTA_MAX_GROUPS];
};

/* Looks at the /proc and the mounts under `root`, "" but for tests. What cannot be read has no quota. */
void cpu_quota_find(struct cpu_quota *quota, const char *root);

/* The group that allows least, or NULL without a quota. */
const struct cpu_quota_group *cpu_quota_tightest(const struct cpu_quota *quota);

/*
 * For how long they have kept CPUs from running what was ready to, so far, summed over CPUs and groups. NaN without a
 * quota, or where the kernel does not tell.
 */
double cpu_quota_throttled_s(const struct cpu_quota *quota);

#endif
