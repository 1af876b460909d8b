// SPDX-License-Identifier: MIT
/* Which CPU quotas a process is under, on systems that we do not have. */
#include "machine/cpu_quota.h"

#include "check.h"
#include "fake_root.h"

#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/cpu,cpuacct"

static void set_process(const char *cgroup, const char *mountinfo) {
  fake_root_write("/proc/self/cgroup", cgroup);
  fake_root_write("/proc/self/mountinfo", mountinfo);
}

/* Finds n quotas, of which `path` has the tightest. */
static void check(unsigned n, const char *path, double cpus, double throttled_s) {
  struct cpu_quota quota;
  cpu_quota_find(&quota, fake_root);
  const struct cpu_quota_group *tightest = cpu_quota_tightest(&quota);
  if (!CHECK_EQ(n, quota.n_groups) || !CHECK((tightest != NULL) == (n > 0)) || n == 0) return;
  CHECK_TEXT(path, tightest->path + strlen(fake_root));
  CHECK_NEAR(cpus, tightest->quota_us / tightest->period_us, 1e-9);
  CHECK_NEAR(throttled_s, cpu_quota_throttled_s(&quota), 1e-9);
}

static const char version_2[] = "24 1 0:2 / /proc rw - proc proc rw\n"
                                "31 23 0:28 / " V2 " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char version_1[] = "31 23 0:27 / " V2 " ro - tmpfs tmpfs ro,mode=755\n"
                                "32 31 0:28 / " V2 "/cpuset rw - cgroup cgroup rw,cpuset\n"
                                "33 31 0:29 / " V1 " rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
                                "34 31 0:30 / " V2 "/unified rw - cgroup2 cgroup2 rw\n";

static void a_group_of_version_2_and_those_above(void) {
  set_process("0::/user.slice/job.scope/leaf\n", version_2);
  fake_root_write(V2 "/user.slice/job.scope/leaf/cpu.max", "max 100000\n");
  fake_root_write(V2 "/user.slice/job.scope/cpu.max", "max 100000\n");
  fake_root_write(V2 "/user.slice/cpu.max", "max 100000\n");
  check(0, "", 0, 0);
  fake_root_write(V2 "/user.slice/cpu.max", "50000 100000\n");
  fake_root_write(V2 "/user.slice/cpu.stat", "usage_usec 9\nnr_throttled 4\nthrottled_usec 2500000\n");
  check(1, V2 "/user.slice", 0.5, 2.5);
  fake_root_write(V2 "/user.slice/job.scope/leaf/cpu.max", "150000 100000\n");
  fake_root_write(V2 "/user.slice/job.scope/leaf/cpu.stat", "throttled_usec 500000\n");
  check(2, V2 "/user.slice", 0.5, 3.0);
}

static void a_group_of_version_1(void) {
  set_process("5:cpuset:/elsewhere\n4:cpu,cpuacct:/batch\n0::/user.slice\n", version_1);
  fake_root_write(V1 "/batch/cpu.cfs_quota_us", "-1\n");
  fake_root_write(V1 "/batch/cpu.cfs_period_us", "100000\n");
  check(0, "", 0, 0);
  fake_root_write(V1 "/batch/cpu.cfs_quota_us", "20000\n");
  fake_root_write(V1 "/batch/cpu.cfs_period_us", "10000\n");
  fake_root_write(V1 "/batch/cpu.stat", "nr_periods 3\nnr_throttled 1\nthrottled_time 7000000\n");
  check(1, V1 "/batch", 2, 0.007);
}

/* A container sees its own part: as the whole (a name space of its own), or by a name that the mount does not have. */
static void what_a_container_sees(void) {
  fake_root_write(V2 "/cpu.max", "25000 100000\n");
  fake_root_write(V2 "/cpu.stat", "throttled_usec 1000000\n");
  set_process("0::/\n", version_2);
  check(1, V2, 0.25, 1);
  set_process("0::/docker/0123\n", "31 23 0:28 /docker/0123 " V2 " ro - cgroup2 cgroup ro\n");
  check(1, V2, 0.25, 1);
  set_process("0::/../sibling\n", version_2);
  check(1, V2, 0.25, 1);
  set_process("0::/docker/01234\n", "31 23 0:28 /docker/0123 " V2 " ro - cgroup2 cgroup ro\n");
  check(1, V2, 0.25, 1);
  fake_root_write("/mnt/c g/cpu.max", "75000 100000\n");
  fake_root_write("/mnt/c g/cpu.stat", "throttled_usec 3000000\n");
  set_process("0::/\n", "31 23 0:28 / /mnt/c\\040g rw - cgroup2 cgroup2 rw\n");
  check(1, "/mnt/c g", 0.75, 3);
}

static void nonsense_is_no_quota(void) {
  struct cpu_quota quota;
  static const char *const cgroups[] = {"", "0", "0::", "nothing\n", "0::/no/such/folder\n", ":::\n"};
  for (size_t i = 0; i < sizeof cgroups / sizeof *cgroups; i++) {
    check_about("%s", cgroups[i]);
    set_process(cgroups[i], "31 23 0:28 / /nowhere rw - cgroup2 cgroup2 rw\n\n31\n - \n");
    check(0, "", 0, 0);
  }
  check_about("%s", "");
  cpu_quota_find(&quota, "/no such folder");
  CHECK_EQ(0, quota.n_groups);
  CHECK(isnan(cpu_quota_throttled_s(&quota)));
  cpu_quota_find(&quota, ""); /* whatever this machine has */
  CHECK(quota.n_groups > 0 || isnan(cpu_quota_throttled_s(&quota)));
}

int main(void) {
  fake_root_make();
  a_group_of_version_2_and_those_above();
  a_group_of_version_1();
  what_a_container_sees();
  nonsense_is_no_quota();
  fake_root_remove();
  return check_result();
}
