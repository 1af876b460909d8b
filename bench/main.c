// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "build_info.h"
#include "commands.h"
#include "message.h"
#include "surroundings.h"

static const struct {
  const char *name;
  int (*run)(int, char **);
  const char *help;
} commands[] = {
    {"run", command_run, "measure locks and write a folder of results"},
    {"seed", command_seed, "the Go program's workload: 100 readers, 10 writers, 5 keys, 1 ms sleeps, 1 s"},
    {"stress", command_stress, "try to break locks: threads that are delayed, preempted, interrupted, replaced"},
    {"exec", command_exec, "run a program with its locks replaced by one of these"},
    {"observe", command_observe, "record what a program does with its locks"},
    {"list", command_list, "the locks and their traits"},
    {"topology", command_topology, "what the machine has, and which CPUs each placement takes"},
#ifdef HAS_SIMULATE
    {"simulate", command_simulate, "run locks on the model of another machine"},
#endif
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
  puts("Usage: lockbench COMMAND [OPTION...]\n\nMeasures mutual-exclusion locks under one reader/writer workload.\n");
  for (unsigned i = 0; i < N_COMMANDS; i++) printf("  %-10s %s\n", commands[i].name, commands[i].help);
  puts("\n`lockbench COMMAND --help` tells more.");
}

/* Complains, and tells all that is allowed. */
static int refuse(const char *what) {
  char allowed[256] = "";
  for (unsigned i = 0, used = 0; i < N_COMMANDS && used < sizeof allowed; i++)
    used += (unsigned)snprintf(allowed + used, sizeof allowed - used, "%s, ", commands[i].name);
  message_error("%s; allowed: %s--help, --version", what, allowed);
  return EXIT_USAGE;
}

static int run_command(int n_arguments, char **arguments) {
  if (n_arguments == 0) return refuse("no command given");
  const char *name = arguments[0];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
    print_help();
    return EXIT_GOOD;
  }
  if (strcmp(name, "--version") == 0) {
    printf("lockbench %s %s\n", BUILD_VERSION, BUILD_GIT_SHA);
    return EXIT_GOOD;
  }
  for (unsigned i = 0; i < N_COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0) return commands[i].run(n_arguments - 1, arguments + 1);
  char what[320];
  snprintf(what, sizeof what, "unknown command '%.256s'", name);
  return refuse(what);
}

int main(int n_arguments, char **arguments) {
  surroundings_hold_descriptors();
  if (!surroundings_check_arguments(n_arguments, arguments)) return EXIT_USAGE;
  return surroundings_finish(run_command(n_arguments > 0 ? n_arguments - 1 : 0, arguments + 1));
}
