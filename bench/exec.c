// SPDX-License-Identifier: MIT
/*
 * exec.c: `lockbench exec`: runs a program with a library in it that puts our locks in the place of the system's
 * (src/preload), and tells afterwards what the program did with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "exec_locks.h"
#include "exec_summary.h"
#include "executable.h"
#include "message.h"
#include "options.h"
#include "preload/page.h"

enum { EXIT_OF_SIGNAL = 128, WATCH_MS = 200 };

struct run {
  struct exec_locks locks;
  struct executable executable;
  char **arguments; /* of the program, its name first, NULL last */
  struct page *page;
  char page_variable[64];
  char *preload_variable;
  unsigned n_cpus;
  /* How signals were treated before we held them back: so they are in the program. */
  sigset_t mask;
  struct sigaction interrupt, quit;
};

/* The page is a file without a name; who has our process's number finds it, and it is gone when we are. */
static int make_page(struct run *run) {
  const int file = memfd_create("lockbench-exec", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof *run->page) != 0) return errno;
  run->page = mmap(NULL, sizeof *run->page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (run->page == MAP_FAILED) return errno;
  run->page->magic = PAGE_MAGIC;
  run->page->n_bytes = sizeof *run->page;
  snprintf(run->page_variable, sizeof run->page_variable, "%s=/proc/%d/fd/%d", PAGE_VARIABLE, (int)getpid(), file);
  return 0;
}

/* The libraries behind those that the user has in the variable already: a sanitizer's must come first. */
static int make_preload_variable(struct run *run) {
  const char *const before = getenv("LD_PRELOAD");
  const bool has_before = before != NULL && *before != '\0';
  return asprintf(&run->preload_variable, "LD_PRELOAD=%s%s%s", has_before ? before : "", has_before ? ":" : "",
                  run->locks.paths) < 0
             ? ENOMEM
             : 0;
}

/* Tried rather than asked for: an emulator may say yes and not do it. */
static bool kernel_wipes_on_fork(void) {
  const size_t n_bytes = (size_t)sysconf(_SC_PAGESIZE);
  volatile char *const page = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  int status = 1;
  page[0] = 1;
  const pid_t child = madvise((void *)page, n_bytes, MADV_WIPEONFORK) == 0 ? fork() : -1;
  if (child == 0) _exit(page[0]);
  if (child > 0) waitpid(child, &status, 0);
  munmap((void *)page, n_bytes);
  return status == 0;
}

static unsigned count_cpus(void) {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
}

/* In the child. Comes back only if the program could not be started, with the reason in errno. */
static void become(const struct run *run) {
  sigaction(SIGINT, &run->interrupt, NULL);
  sigaction(SIGQUIT, &run->quit, NULL);
  sigprocmask(SIG_SETMASK, &run->mask, NULL);
  putenv(run->preload_variable);
  putenv((char *)run->page_variable);
  execv(run->executable.path, run->arguments);
}

/* Starts the program; *process is its number, or an errno is returned. */
static int start(const struct run *run, pid_t *process) {
  int failure[2], error = 0;
  if (pipe2(failure, O_CLOEXEC) != 0) return errno;
  *process = fork();
  if (*process == 0) {
    become(run);
    error = errno;
    (void)!write(failure[1], &error, sizeof error); /* who does not read it has ended */
    _exit(EXIT_USAGE);
  }
  if (*process < 0) error = errno;
  close(failure[1]);
  /* Nothing comes where the program was started: the other end is closed then. */
  if (*process > 0 && read(failure[0], &error, sizeof error) == sizeof error) waitpid(*process, NULL, 0);
  close(failure[0]);
  return error;
}

/* More threads than CPUs under a lock that hands over to a thread without one: the program may never end, so this is
   told while it runs. */
static bool warn_of_collapse(const struct run *run) {
  const uint32_t n_threads = atomic_load_explicit(&run->page->most_threads, memory_order_relaxed); /* a number */
  if (n_threads <= run->n_cpus) return false;
  message_warning(
      "exec: %s spins in order of arrival, and the program locks with %u threads on %u CPUs: a hand-off to a "
      "thread that has no CPU waits for the scheduler, and the program may hardly move",
      run->locks.fifo_spinner, n_threads, run->n_cpus);
  return true;
}

/* Until the program ends; passes on what would end us. Returns its status as waitpid has it. */
static int wait_for(const struct run *run, pid_t process, const sigset_t *watched) {
  const struct timespec interval = {0, WATCH_MS * 1000000L};
  bool is_watched = run->locks.fifo_spinner != NULL;
  int status;
  while (waitpid(process, &status, WNOHANG) != process) {
    const int number = is_watched ? sigtimedwait(watched, NULL, &interval) : sigwaitinfo(watched, NULL);
    if (number > 0 && number != SIGCHLD) kill(process, number);
    if (is_watched && warn_of_collapse(run)) is_watched = false;
  }
  return status;
}

/* Those that end a program are passed on; those of a terminal's keys reach the program too, which may go on: then so do
   we. */
static void hold_signals(struct run *run, sigset_t *watched) {
  const struct sigaction ignored = {.sa_handler = SIG_IGN};
  sigemptyset(watched);
  sigaddset(watched, SIGCHLD);
  sigaddset(watched, SIGTERM);
  sigaddset(watched, SIGHUP);
  sigprocmask(SIG_BLOCK, watched, &run->mask);
  sigaction(SIGINT, &ignored, &run->interrupt);
  sigaction(SIGQUIT, &ignored, &run->quit);
}

static int run_program(struct run *run) {
  sigset_t watched;
  pid_t process = 0;
  hold_signals(run, &watched);
  const int error = start(run, &process);
  if (error != 0) {
    message_error("exec: '%s' cannot be started: %s", run->executable.path, strerror(error));
    return EXIT_USAGE;
  }
  const int status = wait_for(run, process, &watched);
  exec_summary_print(run->page, &run->locks, run->arguments[0], run->n_cpus, status);
  return WIFSIGNALED(status) ? EXIT_OF_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_under_locks(const char *names, char **arguments) {
  struct run run = {.arguments = arguments, .n_cpus = count_cpus()};
  char why[1024];
  if (exec_locks_find(&run.locks, names, why, sizeof why) != 0 ||
      executable_find(&run.executable, arguments[0], why, sizeof why) != 0) {
    message_error("exec: %s", why);
    return EXIT_USAGE;
  }
  if (!kernel_wipes_on_fork()) {
    message_error("exec: memory is not wiped on a fork here (MADV_WIPEONFORK), by which one is noticed; Linux 4.14 and "
                  "later do it");
    return EXIT_USAGE;
  }
  int error = make_page(&run);
  if (error == 0) error = make_preload_variable(&run);
  if (error != 0) {
    message_error("exec: cannot prepare the program: %s", strerror(error));
    return EXIT_TRIAL_FAILED;
  }
  if (run.executable.own_locks != NULL)
    message_warning("exec: '%s': %s locks by itself, through futex(2); only the locks of C and C++ libraries in it are "
                    "replaced",
                    arguments[0], run.executable.own_locks);
  return run_program(&run);
}

int command_exec(int n_arguments, char **arguments) {
  struct options options;
  int n_own = 0, n_options = 0, exit_code;
  while (n_own < n_arguments && strcmp(arguments[n_own], "--") != 0) n_own++;
  /* Without a `--` what is no option is probably the program. */
  while (n_options < n_own && (n_own < n_arguments || n_options % 2 == 1 || arguments[n_options][0] == '-'))
    n_options++;
  if (!options_read(&options, COMMAND_EXEC, n_options, arguments, &exit_code)) return exit_code;
  const char *wrong = NULL;
  if (options.locks == NULL)
    wrong = "--lock is missing: which lock is to stand in for the program's";
  else if (n_own == n_arguments)
    wrong = "no `--` before the program";
  else if (n_own + 1 == n_arguments)
    wrong = "no program behind `--`";
  if (wrong != NULL) {
    message_error("exec: %s; usage: lockbench exec --lock NAME -- PROGRAM ARGUMENT...", wrong);
    return EXIT_USAGE;
  }
  return run_under_locks(options.locks, arguments + n_own + 1);
}
