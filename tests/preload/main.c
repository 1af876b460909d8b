// SPDX-License-Identifier: MIT
/* trap NAME...: springs these traps; without a name it lists them all. */
#include <stdbool.h>
#include <string.h>

#include "trap.h"

int main(int n_arguments, char **arguments) {
  const struct trap *const tables[] = {traps_of_mutexes, traps_of_conditions, traps_of_processes, traps_of_rwlocks};
  for (int i = 1; i < n_arguments || i == 1; i++) {
    bool is_found = n_arguments == 1;
    for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
      for (const struct trap *trap = tables[table]; trap->name != NULL; trap++) {
        if (n_arguments == 1) puts(trap->name);
        if (n_arguments == 1 || strcmp(trap->name, arguments[i]) != 0) continue;
        is_found = true;
        trap->spring();
        printf("%s: ok\n", trap->name);
      }
    if (!is_found) {
      fprintf(stderr, "no trap is called %s\n", arguments[i]);
      return 2;
    }
  }
  return 0;
}
