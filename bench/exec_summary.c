// SPDX-License-Identifier: MIT
#include "exec_summary.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "exec_locks.h"
#include "message.h"
#include "preload/page.h"

/* Something that is told if there is any of it. */
struct item {
  enum page_count count;
  const char *one, *several;
};

static void add_up(const struct page *page, uint64_t sums[N_COUNTS]) {
  uint32_t n_slots =
      atomic_load_explicit(&page->n_slots, memory_order_relaxed); /* relaxed, all: the program has ended */
  if (n_slots > PAGE_MAX_SLOTS) n_slots = PAGE_MAX_SLOTS;
  memset(sums, 0, N_COUNTS * sizeof *sums);
  for (uint32_t i = 0; i < n_slots; i++)
    for (int count = 0; count < N_COUNTS; count++)
      sums[count] += atomic_load_explicit(&page->slots[i].counts[count], memory_order_relaxed);
}

/* Those of the items that there are, with commas, behind what is in the text already. False: none. */
static bool list_items(const uint64_t sums[N_COUNTS], const struct item *items, char *text, size_t n_bytes) {
  size_t used = strlen(text);
  bool has_any = false;
  for (const struct item *item = items; item->one != NULL && used < n_bytes; item++) {
    const uint64_t n = sums[item->count];
    if (n == 0) continue;
    used += (size_t)snprintf(text + used, n_bytes - used, "%s%" PRIu64 " %s", has_any ? ", " : "", n,
                             n == 1 ? item->one : item->several);
    has_any = true;
  }
  return has_any;
}

static double percent(uint64_t part, uint64_t whole) { return whole > 0 ? 100.0 * (double)part / (double)whole : 0; }

static void print_served(const struct page *page, const struct exec_locks *locks, const uint64_t sums[N_COUNTS]) {
  static const struct item further[] = {{COUNT_TRIED, "trylock", "trylocks"},
                                        {COUNT_TIMED, "lock with a deadline", "locks with a deadline"},
                                        {COUNT_WAITS, "wait for a condition", "waits for conditions"},
                                        {COUNT_SPIN, "acquisition of spin locks", "acquisitions of spin locks"},
                                        {0, NULL, NULL}};
  const unsigned n_processes = atomic_load_explicit(&page->n_processes, memory_order_relaxed);
  const unsigned n_threads = atomic_load_explicit(&page->most_threads, memory_order_relaxed);
  char text[512] = "";
  if (locks->mutex != NULL) {
    if (!list_items(sums, further, text, sizeof text)) snprintf(text, sizeof text, "nothing else");
    fprintf(stderr,
            "lockbench exec: %s: %" PRIu64
            " acquisitions of mutexes, %.2f %% found it held; %s; at most %u threads in a "
            "process, %u process%s\n",
            locks->mutex, sums[COUNT_ACQUIRED], percent(sums[COUNT_CONTENDED], sums[COUNT_ACQUIRED]), text, n_threads,
            n_processes, n_processes == 1 ? "" : "es");
  }
  if (locks->rw != NULL)
    fprintf(stderr,
            "lockbench exec: %s: %" PRIu64 " acquisitions to read, %" PRIu64 " of them by who read already, %" PRIu64
            " to write; %.2f %% found a writer inside\n",
            locks->rw, sums[COUNT_READ], sums[COUNT_READ_AGAIN], sums[COUNT_WRITTEN],
            percent(sums[COUNT_RW_CONTENDED], sums[COUNT_READ] + sums[COUNT_WRITTEN]));
}

static void print_rest(const struct exec_locks *locks, const uint64_t sums[N_COUNTS]) {
  static const struct item system[] = {
      {COUNT_SYSTEM, "acquisition of a mutex that is robust, inherits priority or is shared by processes",
       "acquisitions of mutexes that are robust, inherit priority or are shared by processes"},
      {COUNT_SPIN_SYSTEM, "acquisition of spin locks", "acquisitions of spin locks"},
      {COUNT_RW_SYSTEM, "acquisition of a readers/writer lock that processes share",
       "acquisitions of readers/writer locks that processes share"},
      {0, NULL, NULL}};
  static const struct item mistakes[] = {
      {COUNT_UNLOCKED_FREE, "unlock of a lock that was free", "unlocks of locks that were free"},
      {COUNT_DESTROYED_HELD, "lock destroyed while held", "locks destroyed while held"},
      {COUNT_DESTROYED_WAITED, "condition destroyed while waited for", "conditions destroyed while waited for"},
      {0, NULL, NULL}};
  char text[512] = "";
  if (list_items(sums, system, text, sizeof text))
    fprintf(stderr, "lockbench exec: stayed with the system: %s\n", text);
  if (locks->rw == NULL && sums[COUNT_READ] + sums[COUNT_WRITTEN] > 0)
    fprintf(stderr,
            "lockbench exec: readers/writer locks, the system's own: %" PRIu64 " acquisitions to read, %" PRIu64
            " to write\n",
            sums[COUNT_READ], sums[COUNT_WRITTEN]);
  text[0] = '\0';
  if (list_items(sums, mistakes, text, sizeof text))
    fprintf(stderr, "lockbench exec: mistakes of the program: %s\n", text);
  if (sums[COUNT_DEEPBIND] > 0)
    fprintf(stderr, "lockbench exec: RTLD_DEEPBIND was taken from %" PRIu64 " dlopen: it would lead past these locks\n",
            sums[COUNT_DEEPBIND]);
}

static bool is_crash(int status) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (WIFSIGNALED(status) && WTERMSIG(status) == signals[i]) return true;
  return false;
}

void exec_summary_print(const struct page *page, const struct exec_locks *locks, const char *program, unsigned n_cpus,
                        int status) {
  uint64_t sums[N_COUNTS];
  add_up(page, sums);
  if (atomic_load_explicit(&page->n_processes, memory_order_relaxed) == 0) {
    message_warning("exec: no library could be put into '%s', which ran with its own locks", program);
  } else {
    print_served(page, locks, sums);
    print_rest(locks, sums);
  }
  const unsigned n_threads = atomic_load_explicit(&page->most_threads, memory_order_relaxed);
  if (n_threads > n_cpus && locks->fifo_spinner != NULL)
    fprintf(stderr,
            "lockbench exec: %s spins in order of arrival: with %u threads on %u CPUs a collapse is its nature\n",
            locks->fifo_spinner, n_threads, n_cpus);
  if (is_crash(status))
    message_warning(
        "exec: '%s' died of signal %d (%s); if it does not with --lock none, it does not stand this lock, or the "
        "lock is wrong",
        program, WTERMSIG(status), strsignal(WTERMSIG(status)));
}
