// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "registry.h"

static void print_json(void) {
  const struct lk_config example = registry_example();
  json_t *locks = json_array();
  for (unsigned i = 0; registry[i] != NULL; i++) {
    const struct lk_ops *lock = registry[i];
    json_array_append_new(
        locks, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:b, s:b, s:b, s:b, s:s, s:I, s:I, s:I}", "name", lock->name,
                         "kind", registry_kind(lock), "fifo", registry_fifo(lock), "waits", registry_waits(lock),
                         "source", registry_source(lock), "twin_of", lock->twin_of, "trylock", lock->try_lock != NULL,
                         "timedlock", lock->timed_lock != NULL, "domains", (lock->traits & LK_DOMAINS) != 0,
                         "processes", (lock->traits & LK_PROCESSES) != 0, "freed_by_last", registry_freed_by_last(lock),
                         "lock_bytes", (json_int_t)lock->lock_bytes, "ctx_bytes", (json_int_t)lock->ctx_bytes,
                         "heap_bytes", (json_int_t)registry_heap_bytes(lock, &example)));
  }
  json_dumpf(locks, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(locks);
}

static void print_table(void) {
  const struct lk_config example = registry_example();
  printf("%-20s %-6s %-5s %-7s %-7s %-8s %-8s %-13s %10s %10s %10s\n", "lock", "kind", "FIFO", "waits", "source",
         "trylock", "domains", "freed by last", "lock bytes", "ctx bytes", "heap bytes");
  for (unsigned i = 0; registry[i] != NULL; i++) {
    const struct lk_ops *lock = registry[i];
    printf("%-20s %-6s %-5s %-7s %-7s %-8s %-8s %-13s %10zu %10zu %10zu\n", lock->name, registry_kind(lock),
           registry_fifo(lock), registry_waits(lock), registry_source(lock), lock->try_lock != NULL ? "yes" : "no",
           lock->traits & LK_DOMAINS ? "yes" : "no", registry_freed_by_last(lock), lock->lock_bytes, lock->ctx_bytes,
           registry_heap_bytes(lock, &example));
  }
}

int command_list(int n_arguments, char **arguments) {
  struct options options;
  int exit_code;
  if (!options_read(&options, COMMAND_LIST, n_arguments, arguments, &exit_code)) return exit_code;
  if (options.wants_json)
    print_json();
  else
    print_table();
  return EXIT_GOOD;
}
