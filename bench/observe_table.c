// SPDX-License-Identifier: MIT
#include "observe_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "observe_groups.h"

enum { MAX_GROUPS = 10, MIN_LOOKS = 5 }; /* a share that was estimated from fewer is not told */

static int64_t whole(const json_t *object, const char *key) { return json_integer_value(json_object_get(object, key)); }
static const char *text(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

/* "123", "45.2k", "1.3M" */
static const char *print_count(double n, char *into, size_t n_bytes) {
  if (n < 1000)
    snprintf(into, n_bytes, n < 10 && n > 0 ? "%.2g" : "%.0f", n);
  else if (n < 1e6)
    snprintf(into, n_bytes, "%.3gk", n / 1e3);
  else
    snprintf(into, n_bytes, "%.3gM", n / 1e6);
  return into;
}

static const char *print_ns(double ns, char *into, size_t n_bytes) {
  static const char *const units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  while (ns >= 999.5 && unit < 3) ns /= 1000, unit++;
  snprintf(into, n_bytes, "%.3g %s", ns, units[unit]);
  return into;
}

/* The bucket's upper end below which that share of a histogram lies; "-": it is empty. */
static const char *print_quantile(const json_t *lock, const char *key, double quantile, char *into, size_t n_bytes) {
  const json_t *const histogram = json_object_get(lock, key);
  int64_t n = 0, seen = 0;
  size_t i;
  const json_t *bucket;
  json_array_foreach (histogram, i, bucket) n += json_integer_value(json_array_get(bucket, 1));
  json_array_foreach (histogram, i, bucket) {
    seen += json_integer_value(json_array_get(bucket, 1));
    if ((double)seen >= quantile * (double)n)
      return print_ns((double)json_integer_value(json_array_get(bucket, 0)), into, n_bytes);
  }
  snprintf(into, n_bytes, "-");
  return into;
}

/* From where it was held when others waited longest; a share that was estimated says from how much. */
static void print_cause(const json_t *site, int64_t wait_ns) {
  if (wait_ns == 0 || whole(site, "caused_wait_ns") == 0) return;
  const double share_pct = 100 * (double)whole(site, "caused_wait_ns") / (double)wait_ns;
  const int64_t n_looks = whole(site, "caused_from_looks");
  if (n_looks > 0 && n_looks < MIN_LOOKS) {
    fprintf(stderr, "%75smost of the waiting, as far as seen, while held from %.100s\n", "", text(site, "site"));
    return;
  }
  fprintf(stderr, "%75s%.0f %% of the waiting while held from %.100s", "", share_pct, text(site, "site"));
  if (n_looks > 0) fprintf(stderr, " (estimated from %" PRId64 " looks)", n_looks);
  fputc('\n', stderr);
}

static void print_lock(const json_t *lock, double seconds) {
  char lost[16], rate[16], usual[16], rare[16], longest[16], several[32] = "";
  const double n = (double)whole(lock, "acquisitions"), contended = (double)whole(lock, "contended");
  const int64_t n_instances = whole(lock, "instances"), wait_ns = whole(lock, "wait_total_ns");
  if (n_instances > 1) snprintf(several, sizeof several, "%" PRId64 " locks: ", n_instances);
  fprintf(stderr, "%9s %6.2f %8s %7.2f %9s %9s %9s %4" PRId64 "  %s%.100s\n",
          print_ns((double)wait_ns, lost, sizeof lost), (double)wait_ns * 1e-9 / seconds,
          print_count(n / seconds, rate, sizeof rate), n > 0 ? 100 * contended / n : 0,
          print_quantile(lock, "hold_ns", 0.5, usual, sizeof usual),
          print_quantile(lock, "hold_ns", 0.99, rare, sizeof rare),
          print_ns((double)whole(lock, "wait_longest_ns"), longest, sizeof longest), whole(lock, "threads"), several,
          text(lock, "name"));
  print_cause(json_array_get(json_object_get(lock, "sites"), 0), wait_ns);
  if (whole(lock, "yields") > 0)
    fprintf(stderr, "%75sthe section yields its CPU: %s calls of sched_yield while held\n", "",
            print_count((double)whole(lock, "yields"), rate, sizeof rate));
}

static void print_whole(const json_t *profile, double seconds) {
  char rate[16], count[16];
  double n = 0, contended = 0, wait_ns = 0;
  int64_t n_locks = 0;
  size_t i;
  const json_t *lock, *const locks = json_object_get(profile, "locks");
  json_array_foreach (locks, i, lock) {
    n += (double)whole(lock, "acquisitions");
    contended += (double)whole(lock, "contended");
    wait_ns += (double)whole(lock, "wait_total_ns");
    n_locks += whole(lock, "instances");
  }
  const int64_t n_processes = whole(profile, "processes");
  fprintf(stderr,
          "lockbench observe: %s acquisitions of %" PRId64
          " lock%s in %.3g s (%s/s), %.2f %% waited, %.2f threads on average; at "
          "most %" PRId64 " threads in a process, %" PRId64 " process%s\n",
          print_count(n, count, sizeof count), n_locks, n_locks == 1 ? "" : "s", seconds,
          print_count(n / seconds, rate, sizeof rate), n > 0 ? 100 * contended / n : 0, wait_ns * 1e-9 / seconds,
          whole(profile, "threads"), n_processes, n_processes == 1 ? "" : "es");
}

static void print_cost(const json_t *profile) {
  const json_t *const cost = json_object_get(profile, "cost");
  const json_t *const each = json_object_get(cost, "per_acquisition_ns"), *const plain =
                                                                              json_object_get(cost, "plain_s");
  if (json_is_number(each) && json_is_number(json_object_get(cost, "share_pct")))
    fprintf(stderr,
            "lockbench observe: observing takes %.1f ns for each acquisition of a free lock, here about %.2g %% of the "
            "program's CPU time\n",
            json_number_value(each), json_number_value(json_object_get(cost, "share_pct")));
  if (json_is_number(plain))
    fprintf(
        stderr,
        "lockbench observe: observed it took %.3f s (%.3f s of CPU time), without %.3f s (%.3f s): %+.1f %%; one run "
        "of each, so no more than a hint\n",
        json_number_value(json_object_get(profile, "seconds")), json_number_value(json_object_get(cost, "cpu_s")),
        json_number_value(plain), json_number_value(json_object_get(cost, "plain_cpu_s")),
        100 * (json_number_value(json_object_get(profile, "seconds")) / json_number_value(plain) - 1));
}

/* What is made at one place is one line. */
static void print_locks(const json_t *locks, double seconds) {
  json_t *const groups = observe_groups_make(locks);
  int64_t n_left = 0;
  size_t i;
  const json_t *group;
  if (json_array_size(groups) > 0)
    fprintf(stderr, "%9s %6s %8s %7s %9s %9s %9s %4s  %s\n", "waited", "on avg", "per s", "waits %", "held 50 %",
            "99 %", "longest", "thr", "lock, by where it was made");
  json_array_foreach (groups, i, group)
    if (i < MAX_GROUPS)
      print_lock(group, seconds);
    else
      n_left += whole(group, "instances");
  if (n_left > 0)
    fprintf(stderr, "lockbench observe: %" PRId64 " more lock%s in the profile\n", n_left,
            n_left == 1 ? " is" : "s are");
  json_decref(groups);
}

void observe_table_print(const json_t *profile) {
  const double seconds = json_number_value(json_object_get(profile, "seconds"));
  print_whole(profile, seconds);
  print_locks(json_object_get(profile, "locks"), seconds);
  if (whole(profile, "lost_events") > 0)
    message_warning("observe: %" PRId64 " acquisition%s found no room in the recording and %s in none of the figures",
                    whole(profile, "lost_events"), whole(profile, "lost_events") == 1 ? "" : "s",
                    whole(profile, "lost_events") == 1 ? "is" : "are");
  print_cost(profile);
}
