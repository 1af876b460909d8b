// SPDX-License-Identifier: MIT
/*
 * launch.h: runs a program with libraries of src/preload in it, as exec and observe do: what is behind `--` on the
 * command line, found and looked at, started with the user's signals and environment, waited for and passed what would
 * end us.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "executable.h"
#include "preload/page.h"

enum { LAUNCH_MAX_SHARED = 2 };

struct launch {
  const char *command; /* "exec": whose messages these are */
  char **arguments;    /* of the program, its name first, NULL last */
  struct executable executable;
  struct page *page;
  unsigned n_cpus;
  char *preload_variable;
  char shared_variables[LAUNCH_MAX_SHARED][96];
  unsigned n_shared;
  /* How signals were treated before we held them back: so they are in the program. */
  sigset_t mask, awaited;
  struct sigaction interrupt, quit;
};

/* What the caller does while the program runs. */
struct launch_watch {
  int interval_ms; /* 0: nothing; as long as look returns true */
  bool (*look)(void *context);
  int signal; /* of ours, which is not passed on; 0: none */
  void (*on_signal)(void *context);
  void *context;
};

/*
 * Reads OPTION... -- PROGRAM ARGUMENT...: *n_options is how many arguments are options, and *program the index of the
 * program's name, 0 if there is none, with the reason in *wrong.
 */
void launch_split(int n_arguments, char **arguments, int *n_options, int *program, const char **wrong);

/* The library of that name in the folder of a build or an installation; false: there is none. */
bool launch_find_library(const char *name, char *path, size_t path_bytes);

/* Whether LD_PRELOAD can name it; else why not. */
bool launch_may_preload(const char *library, char *why, size_t why_bytes);

/*
 * Finds the program and makes what it is started with; `libraries` as LD_PRELOAD has them. Warns of a program with
 * locks of its own. Returns 0, or an exit code after a message.
 */
int launch_prepare(struct launch *launch, const char *command, char **arguments, const char *libraries);

/* Memory that the program shares with us, found by that variable; it begins with a struct page_head. NULL with errno.
 */
void *launch_share(struct launch *launch, const char *variable, size_t n_bytes, uint32_t magic);

/* Runs it to its end: *status as waitpid has it. Returns 0, or an exit code after a message: it could not be started.
 */
int launch_run(struct launch *launch, const struct launch_watch *watch, int *status);

/* Once more after launch_run, without the libraries, and with nothing to read and nowhere to write. */
int launch_run_plain(struct launch *launch, int *status);

/* Warns of a process of the program's that has used locks and goes on after it: no more will be known of it. */
void launch_warn_of_those_left(const struct launch *launch);

/* The program's exit code, or 128 + n if it died of signal n. */
int launch_exit_code(int status);

#endif
