// SPDX-License-Identifier: MIT
/* surroundings.h: what lockbench makes sure of before a command and after it, whatever it was started from. */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include <stdbool.h>

/*
 * Occupies those of the descriptors 0 to 2 that were closed when the program started: the next file that it opened
 * would get their number, and text for the console would land in results.csv. Their use fails as that of a closed one
 * does.
 */
void surroundings_hold_descriptors(void);

/*
 * Whether all arguments are UTF-8, or a message and false: host.json could not hold others, and a run that is resumed
 * by it would measure something else. What comes behind a `--` is another program's.
 */
bool surroundings_check_arguments(int n_arguments, char **arguments);

/* The exit code of the program: the command's, unless standard output could not be written, of which it complains. */
int surroundings_finish(int exit_code);

#endif
