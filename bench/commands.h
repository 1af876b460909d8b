// SPDX-License-Identifier: MIT
/* commands.h: the sub-commands of lockbench. Each gets the arguments behind its name and returns the exit code. */
#ifndef COMMANDS_H
#define COMMANDS_H

enum exit_code { EXIT_GOOD = 0, EXIT_TRIAL_FAILED = 1, EXIT_USAGE = 2 };

int command_run(int n_arguments, char **arguments);
int command_seed(int n_arguments, char **arguments);
int command_stress(int n_arguments, char **arguments);
int command_list(int n_arguments, char **arguments);
int command_topology(int n_arguments, char **arguments);
int command_exec(int n_arguments, char **arguments);
int command_observe(int n_arguments, char **arguments);
int command_simulate(int n_arguments, char **arguments);

#endif
