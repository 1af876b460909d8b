// SPDX-License-Identifier: MIT
#include "provenance.h"

#include <ctype.h>
#include <gnu/libc-version.h>
#include <hwloc.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "build_info.h"
#include "call_cost.h"
#include "clock.h"
#include "cpu_kinds.h"
#include "cpu_quota.h"
#include "line_transfer.h"
#include "park_transfer.h"
#include "priority.h"
#include "slice_extension.h"

const char provenance_git_sha[] = BUILD_GIT_SHA;

const char *provenance_host(void) {
  static char host[64];
  if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') strcpy(host, "unknown");
  for (char *c = host; *c != '\0'; c++)
    if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' && *c != '-') *c = '-';
  return host;
}

/* The first line of a small file, or null. */
static json_t *first_line(const char *path) {
  char line[256];
  FILE *file = fopen(path, "re");
  if (file == NULL) return json_null();
  const bool is_read = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  if (!is_read) return json_null();
  line[strcspn(line, "\n")] = '\0';
  json_t *text = json_string(line);
  return text != NULL ? text : json_null(); /* not UTF-8 */
}

/* The value of the first `key : value` or `key=value` line of a file, or null. */
static json_t *value_in(const char *path, const char *key, char separator) {
  char line[4096];
  json_t *value = NULL;
  FILE *file = fopen(path, "re");
  if (file == NULL) return json_null();
  while (value == NULL && fgets(line, sizeof line, file) != NULL) {
    char *after = strchr(line, separator);
    if (strncmp(line, key, strlen(key)) != 0 || after == NULL) continue;
    const char next = line[strlen(key)];
    if (next != separator && !isspace((unsigned char)next)) continue;
    after++;
    after += strspn(after, " \t");
    after[strcspn(after, "\n")] = '\0';
    value = json_string(after);
  }
  fclose(file);
  return value != NULL ? value : json_null();
}

static json_t *kernel_config(const struct utsname *name, const char *key) {
  char path[sizeof name->release + 16];
  snprintf(path, sizeof path, "/boot/config-%s", name->release);
  return value_in(path, key, '=');
}

/* What kind of machine it is: Arm's cpuinfo names no model, so the parts' numbers must do. */
static json_t *cpu_model(void) {
  json_t *model = value_in("/proc/cpuinfo", "model name", ':');
  if (!json_is_null(model)) return model;
  json_decref(model);
  return value_in("/proc/cpuinfo", "CPU part", ':');
}

/* What hypervisors call themselves, in twelve letters, and what people call them. */
static const char *const vendors[][2] = {
    {"KVMKVMKVM", "KVM"},           {"Microsoft Hv", "Hyper-V"},
    {"VMwareVMware", "VMware"},     {"XenVMMXenVMM", "Xen"},
    {"VBoxVBoxVBox", "VirtualBox"}, {"bhyve bhyve", "bhyve"},
    {"TCGTCGTCGTCG", "QEMU TCG"},   {"ACRNACRNACRN", "ACRN"},
    {"QNXQVMBSQG", "QNX"},          {"prl hyperv", "Parallels"},
    {"lrpepyh  vr", "Parallels"},   {"OpenBSDVMM58", "OpenBSD vmm"},
    {"___ NVMM ___", "NVMM"},       {"Linux KVM Hv", "KVM for Hyper-V"},
    {"Jailhouse", "Jailhouse"},
};

const char *provenance_hypervisor_name(const char vendor[12], char name[13]) {
  size_t n = 12, from = 0;
  while (n > 0 && (vendor[n - 1] == ' ' || vendor[n - 1] == '\0')) n--;
  while (from < n && vendor[from] == ' ') from++;
  for (size_t i = from; i < n; i++)
    if (!isprint((unsigned char)vendor[i])) return "unknown";
  if (from == n) return "unknown";
  snprintf(name, 13, "%.*s", (int)(n - from), vendor + from);
  for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
    if (strcmp(name, vendors[i][0]) == 0) return vendors[i][1];
  return name;
}

/* The hypervisor's name, "unknown" if there is one without a name, null if none shows. */
static json_t *hypervisor(void) {
#if defined(__x86_64__) || defined(__i386__)
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 31 & 1) == 0) return json_null();
  __cpuid(0x40000000, a, b, c, d); /* the leaf that hypervisors agreed on: twelve letters in three registers */
  const unsigned letters[] = {b, c, d};
  char vendor[12], name[13];
  memcpy(vendor, letters, sizeof vendor);
  return json_string(provenance_hypervisor_name(vendor, name));
#else
  json_t *type = first_line("/sys/hypervisor/type");
  return json_is_null(type) ? first_line("/proc/device-tree/hypervisor/compatible") : type;
#endif
}

static json_t *real_or_null(double x) { return isnan(x) ? json_null() : json_real(round(x * 100) / 100); }

enum { MAX_MATRIX_CPUS = 32 };

/* Each pair of CPUs; on a large machine only the pairs with the first, so that it stays within a second or two. */
static json_t *line_transfers(const struct topology *topology) {
  json_t *pairs = json_array();
  const unsigned n_first = topology->n_cpus <= MAX_MATRIX_CPUS ? topology->n_cpus : 1;
  for (unsigned a = 0; a < n_first; a++)
    for (unsigned b = a + 1; b < topology->n_cpus; b++)
      json_array_append_new(
          pairs, json_pack("{s:i, s:i, s:s, s:o}", "cpu_a", (int)topology->cpus[a].os_index, "cpu_b",
                           (int)topology->cpus[b].os_index, "distance",
                           topology_distance_names[topology_distance(&topology->cpus[a], &topology->cpus[b])],
                           "one_way_ns", real_or_null(line_transfer_ns(topology, a, b))));
  return pairs;
}

static json_t *clock_cost(struct clock_cost cost) {
  return json_pack("{s:o, s:o}", "read_ns", real_or_null(cost.read_ns), "resolution_ns",
                   real_or_null(cost.resolution_ns));
}

static json_t *park_transfer(const struct topology *topology, unsigned a, unsigned b) {
  const struct park_transfer transfer = park_transfer_measure(topology, a, b);
  return json_pack("{s:i, s:i, s:s, s:o, s:o}", "cpu_a", (int)topology->cpus[a].os_index, "cpu_b",
                   (int)topology->cpus[b].os_index, "distance",
                   topology_distance_names[topology_distance(&topology->cpus[a], &topology->cpus[b])], "one_way_ns",
                   real_or_null(transfer.one_way_ns), "one_way_p99_ns", real_or_null(transfer.one_way_p99_ns));
}

/* One pair of each distance that there is, nearest first: the scheduler's part outweighs the distance by far. */
static json_t *park_transfers(const struct topology *topology) {
  json_t *pairs = json_array();
  for (enum distance distance = 0; distance < N_DISTANCES; distance++) {
    bool is_found = false;
    for (unsigned a = 0; a < topology->n_cpus && !is_found; a++)
      for (unsigned b = a; b < topology->n_cpus && !is_found; b++) {
        is_found = topology_distance(&topology->cpus[a], &topology->cpus[b]) == distance;
        if (is_found) json_array_append_new(pairs, park_transfer(topology, a, b));
      }
  }
  return pairs;
}

static json_t *allowed_cpus(const struct topology *topology) {
  json_t *cpus = json_array();
  for (unsigned i = 0; i < topology->n_cpus; i++) json_array_append_new(cpus, json_integer(topology->cpus[i].os_index));
  return cpus;
}

__attribute__((format(printf, 2, 3))) static void warn(json_t *warnings, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_array_append_new(warnings, json_string(text));
}

static json_t *find_warnings(const struct topology *topology, const json_t *host) {
  json_t *warnings = json_array();
  const char *hypervisor_name = json_string_value(json_object_get(host, "hypervisor"));
  if (hypervisor_name != NULL)
    warn(warnings, "virtual machine (%s): its CPUs may move and be stolen; read line_ns and steal_pct with every row",
         hypervisor_name);
  const char *governor = json_string_value(json_object_get(host, "governor"));
  if (governor != NULL && strcmp(governor, "performance") != 0)
    warn(warnings, "CPU governor is '%s': frequencies vary; set it to 'performance'", governor);
  const char *boost = json_string_value(json_object_get(host, "boost"));
  if (boost != NULL && strcmp(boost, "1") == 0)
    warn(warnings, "frequency boost is on: few threads run faster than many");
  struct cpu_quota quota;
  cpu_quota_find(&quota, "");
  const struct cpu_quota_group *group = cpu_quota_tightest(&quota);
  if (group != NULL)
    warn(warnings,
         "the control group %.100s may use %.3g CPUs: what needs more is throttled, and throttled_pct tells how much",
         group->path, group->quota_us / group->period_us);
  const char *scheduling = json_string_value(json_object_get(host, "scheduling"));
  if (scheduling != NULL)
    warn(warnings,
         "real-time scheduling (%s): the workers run one priority below, and those of one CPU do not take turns",
         scheduling);
  double load;
  if (getloadavg(&load, 1) == 1 && load > 0.3 * topology->n_cpus)
    warn(warnings, "load average is %.2f on %u CPUs: other programs are running", load, topology->n_cpus);
  if (!clock_scale.uses_counter) warn(warnings, "no trusted cycle counter: waits and delays use the system clock");
  return warnings;
}

/* As cpu.max of version 2 has it, of whichever version; null without a quota. */
static json_t *cgroup_cpu_max(void) {
  struct cpu_quota quota;
  cpu_quota_find(&quota, "");
  const struct cpu_quota_group *group = cpu_quota_tightest(&quota);
  return group != NULL ? json_sprintf("%.0f %.0f", group->quota_us, group->period_us) : json_null();
}

static json_t *scheduling(void) {
  char name[32];
  return priority_is_real_time(name, sizeof name) ? json_string(name) : json_null();
}

json_t *provenance_build(void) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "git_sha", provenance_git_sha, "compiler", BUILD_COMPILER, "flags",
                   BUILD_FLAGS, "type", BUILD_TYPE, "google_benchmark", BUILD_GBENCH_VERSION, "peers", BUILD_PEERS);
}

static json_t *libraries(void) {
  char hwloc[32];
  const unsigned version = hwloc_get_api_version();
  snprintf(hwloc, sizeof hwloc, "API %u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
  return json_pack("{s:s, s:s, s:s}", "libc", gnu_get_libc_version(), "hwloc", hwloc, "jansson", JANSSON_VERSION);
}

json_t *provenance_collect(const struct topology *topology) {
  struct utsname name;
  uname(&name);
  char hash[24];
  snprintf(hash, sizeof hash, "%016" PRIx64, topology_hash(topology));
  char *xml = topology_xml(topology);
  json_t *host = json_pack(
      "{s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:s, s:b, s:f, s:o, s:o, s:o}",
      "host", provenance_host(), "cpu_model", cpu_model(), "hypervisor", hypervisor(), "architecture", name.machine,
      "kernel", name.release, "kernel_version", name.version, "hz", kernel_config(&name, "CONFIG_HZ"), "preemption",
      first_line("/sys/kernel/debug/sched/preempt"), "governor",
      first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), "boost",
      first_line("/sys/devices/system/cpu/cpufreq/boost"), "smt", first_line("/sys/devices/system/cpu/smt/active"),
      "cgroup_cpu_max", cgroup_cpu_max(), "clocksource",
      first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"), "n_cpus_machine",
      (int)topology->n_machine_cpus, "n_cpus_allowed", (int)topology->n_cpus, "allowed_cpus", allowed_cpus(topology),
      "topology_hash", hash, "uses_cycle_counter", clock_scale.uses_counter, "ns_per_tick", clock_scale.ns_per_tick,
      "line_transfers", line_transfers(topology), "build", provenance_build(), "libraries", libraries());
  json_object_set_new(host, "clocks",
                      json_pack("{s:o, s:o}", "system", clock_cost(call_cost_system_clock()), "waits",
                                clock_cost(call_cost_wait_clock())));
  json_object_set_new(host, "futex_wake_without_waiter_ns", real_or_null(call_cost_futex_wake_ns()));
  json_object_set_new(host, "park_transfers", park_transfers(topology));
  json_object_set_new(host, "cpu_kinds", cpu_kinds_describe(topology));
  json_object_set_new(host, "scheduling", scheduling());
  const char *slice_extension;
  slice_extension_is_available(&slice_extension);
  json_object_set_new(host, "slice_extension", json_string(slice_extension));
  json_object_set_new(host, "warnings", find_warnings(topology, host));
  json_object_set_new(host, "topology_xml", xml != NULL ? json_string(xml) : json_null());
  if (xml != NULL) topology_free_xml(topology, xml);
  return host;
}
