// SPDX-License-Identifier: MIT
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "exec_paths.h" /* generated: where the libraries are, seen from where the program is */
#include "message.h"

enum { EXIT_OF_SIGNAL = 128 };

void launch_split(int n_arguments, char **arguments, int *n_options, int *program, const char **wrong) {
  int n_own = 0;
  while (n_own < n_arguments && strcmp(arguments[n_own], "--") != 0) n_own++;
  *n_options = *program = 0;
  *wrong = NULL;
  /* Without a `--` what is no option is probably the program. */
  while (*n_options < n_own && (n_own < n_arguments || *n_options % 2 == 1 || arguments[*n_options][0] == '-'))
    (*n_options)++;
  if (n_own == n_arguments)
    *wrong = "no `--` before the program";
  else if (n_own + 1 == n_arguments)
    *wrong = "no program behind `--`";
  else
    *program = n_own + 1;
}

bool launch_find_library(const char *name, char *path, size_t path_bytes) {
  static const char *const folders[] = {EXEC_PATH_BUILT, EXEC_PATH_INSTALLED};
  char program[2048];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
  if (length <= 0 || length >= (ssize_t)sizeof program) return false;
  program[length] = '\0';
  *strrchr(program, '/') = '\0';
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    const bool is_absolute = folders[i][0] == '/';
    const int n = snprintf(path, path_bytes, "%s%s%s/lockbench-preload-%s.so", is_absolute ? "" : program,
                           is_absolute ? "" : "/", folders[i], name);
    if ((size_t)n < path_bytes && access(path, R_OK) == 0) return true;
  }
  return false;
}

bool launch_may_preload(const char *library, char *why, size_t why_bytes) {
  if (strpbrk(library, " :") == NULL) return true;
  snprintf(why, why_bytes, "'%s' has a space or a colon in it, which LD_PRELOAD takes for its end", library);
  return false;
}

/* A limit of file sizes (ulimit -f), which holds for this one too, would end us without a word. */
static int set_size(int file, off_t n_bytes) {
  const struct sigaction ignored = {.sa_handler = SIG_IGN};
  struct sigaction before;
  sigaction(SIGXFSZ, &ignored, &before);
  const int result = ftruncate(file, n_bytes), error = errno;
  sigaction(SIGXFSZ, &before, NULL);
  errno = error;
  return result;
}

/* A file without a name; who has our process's number finds it, and it is gone when we are. */
void *launch_share(struct launch *launch, const char *variable, size_t n_bytes, uint32_t magic) {
  const int file = memfd_create("lockbench", MFD_CLOEXEC);
  if (file < 0 || set_size(file, (off_t)n_bytes) != 0) return NULL;
  struct page_head *const head = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (head == MAP_FAILED) return NULL;
  *head = (struct page_head){magic, (uint32_t)n_bytes};
  char *const text = launch->shared_variables[launch->n_shared++];
  snprintf(text, sizeof launch->shared_variables[0], "%s=/proc/%d/fd/%d", variable, (int)getpid(), file);
  return head;
}

/* Leaves out those of a lockbench that we run under: its locks would be in front of ours. */
static void leave_out_own(char *libraries) {
  char *end = libraries;
  for (const char *at = libraries; *at != '\0';) {
    const size_t n = strcspn(at, " :"), n_all = n + (at[n] != '\0');
    if (memmem(at, n, "/lockbench-preload-", strlen("/lockbench-preload-")) == NULL) {
      memmove(end, at, n_all);
      end += n_all;
    }
    at += n_all;
  }
  *end = '\0';
}

/* The libraries behind those that the user has in the variable already: a sanitizer's must come first. */
static int make_preload_variable(struct launch *launch, const char *libraries) {
  const char *const inherited = getenv("LD_PRELOAD");
  char *const before = strdup(inherited != NULL ? inherited : "");
  if (before == NULL) return ENOMEM;
  leave_out_own(before);
  const int n = asprintf(&launch->preload_variable, "LD_PRELOAD=%s%s%s", before, *before != '\0' ? ":" : "", libraries);
  free(before);
  return n < 0 ? ENOMEM : 0;
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

int launch_prepare(struct launch *launch, const char *command, char **arguments, const char *libraries) {
  *launch = (struct launch){.command = command, .arguments = arguments, .n_cpus = count_cpus()};
  char why[1024];
  if (executable_find(&launch->executable, arguments[0], why, sizeof why) != 0) {
    message_error("%s: %s", command, why);
    return EXIT_USAGE;
  }
  if (!kernel_wipes_on_fork()) {
    message_error("%s: memory is not wiped on a fork here (MADV_WIPEONFORK), by which one is noticed; Linux 4.14 and "
                  "later do it",
                  command);
    return EXIT_USAGE;
  }
  launch->page = launch_share(launch, PAGE_VARIABLE, sizeof *launch->page, PAGE_MAGIC);
  const int error = launch->page == NULL ? errno : make_preload_variable(launch, libraries);
  if (error != 0) {
    message_error("%s: cannot prepare the program: %s", command, strerror(error));
    return EXIT_TRIAL_FAILED;
  }
  if (launch->executable.own_locks != NULL)
    message_warning("%s: '%s': %s locks by itself, through futex(2); only the locks of C and C++ libraries in it are "
                    "reached",
                    command, arguments[0], launch->executable.own_locks);
  return 0;
}

static void listen_to_nothing(void) {
  const int nothing = open("/dev/null", O_RDWR);
  for (int stream = STDIN_FILENO; nothing >= 0 && stream <= STDERR_FILENO; stream++) dup2(nothing, stream);
  if (nothing > STDERR_FILENO) close(nothing);
}

/* In the child. Comes back only if the program could not be started, with the reason in errno. */
static void become(const struct launch *launch, bool is_plain) {
  sigaction(SIGINT, &launch->interrupt, NULL);
  sigaction(SIGQUIT, &launch->quit, NULL);
  sigprocmask(SIG_SETMASK, &launch->mask, NULL);
  if (is_plain)
    listen_to_nothing();
  else
    putenv(launch->preload_variable);
  for (unsigned i = 0; i < launch->n_shared && !is_plain; i++) putenv((char *)launch->shared_variables[i]);
  execv(launch->executable.path, launch->arguments);
}

/* Starts the program; *process is its number, or an errno is returned. */
static int start(const struct launch *launch, bool is_plain, pid_t *process) {
  int failure[2], error = 0;
  if (pipe2(failure, O_CLOEXEC) != 0) return errno;
  *process = fork();
  if (*process == 0) {
    become(launch, is_plain);
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

/* Until the program ends; passes on what would end us. Returns its status as waitpid has it. */
static int wait_for(const struct launch_watch *watch, pid_t process, const sigset_t *awaited) {
  const struct timespec interval = {watch->interval_ms / 1000, watch->interval_ms % 1000 * 1000000L};
  bool looks = watch->interval_ms > 0;
  int status;
  while (waitpid(process, &status, WNOHANG) != process) {
    const int number = looks ? sigtimedwait(awaited, NULL, &interval) : sigwaitinfo(awaited, NULL);
    if (number > 0 && number == watch->signal)
      watch->on_signal(watch->context);
    else if (number > 0 && number != SIGCHLD)
      kill(process, number);
    if (looks) looks = watch->look(watch->context);
  }
  return status;
}

/* Those that end a program, or tell it something, are passed on; those of a terminal's keys reach the program too,
   which may go on: then so do we. */
static void hold_signals(struct launch *launch, const struct launch_watch *watch) {
  sigset_t *const awaited = &launch->awaited;
  const struct sigaction ignored = {.sa_handler = SIG_IGN};
  sigemptyset(awaited);
  sigaddset(awaited, SIGCHLD);
  sigaddset(awaited, SIGTERM);
  sigaddset(awaited, SIGHUP);
  sigaddset(awaited, SIGUSR1);
  sigaddset(awaited, SIGUSR2);
  if (watch->signal != 0) sigaddset(awaited, watch->signal);
  sigprocmask(SIG_BLOCK, awaited, &launch->mask);
  sigaction(SIGINT, &ignored, &launch->interrupt);
  sigaction(SIGQUIT, &ignored, &launch->quit);
}

static int run(struct launch *launch, const struct launch_watch *watch, bool is_plain, int *status) {
  pid_t process = 0;
  const int error = start(launch, is_plain, &process);
  if (error != 0) {
    message_error("%s: '%s' cannot be started: %s", launch->command, launch->executable.path, strerror(error));
    return EXIT_USAGE;
  }
  *status = wait_for(watch, process, &launch->awaited);
  return 0;
}

/* Not one that has ended and that nobody has waited for. */
static bool is_alive(int process) {
  char path[64], state = 'Z';
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  FILE *const file = fopen(path, "re");
  if (file == NULL) return false;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z'; /* a name with a bracket in it; no such is told of */
  fclose(file);
  return state != 'Z' && state != 'X';
}

void launch_warn_of_those_left(const struct launch *launch) {
  const uint32_t n_slots = atomic_load_explicit(&launch->page->n_slots, memory_order_relaxed); /* a bound */
  for (uint32_t i = 0; i < n_slots && i < PAGE_MAX_SLOTS; i++) {
    const int process = launch->page->slots[i].process;
    if (process == 0 || (i > 0 && process == launch->page->slots[i - 1].process) || !is_alive(process)) continue;
    message_warning("%s: '%s' has ended, and process %d of it goes on: what that does from now on is in no figure",
                    launch->command, launch->arguments[0], process);
    return;
  }
}

int launch_run(struct launch *launch, const struct launch_watch *watch, int *status) {
  hold_signals(launch, watch);
  const int code = run(launch, watch, false, status);
  free(launch->preload_variable);
  launch->preload_variable = NULL;
  return code;
}

int launch_run_plain(struct launch *launch, int *status) {
  const struct launch_watch nothing = {0};
  return run(launch, &nothing, true, status);
}

int launch_exit_code(int status) {
  return WIFSIGNALED(status) ? EXIT_OF_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
