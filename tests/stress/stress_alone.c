// SPDX-License-Identifier: MIT
/* `lockbench stress` by itself, which needs no library: for machines whose libraries are not here. */
#include "commands.h"

int main(int n_arguments, char **arguments) { return command_stress(n_arguments - 1, arguments + 1); }
