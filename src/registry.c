// SPDX-License-Identifier: MIT
#include "registry.h"

#include <stdio.h>
#include <string.h>

#include "spelling.h"

const struct lk_ops *registry_find(const char *name) {
  for (size_t i = 0; registry[i] != NULL; i++)
    if (strcmp(registry[i]->name, name) == 0) return registry[i];
  return NULL;
}

void registry_suggest(const char *name, char *text, size_t n_bytes) {
  unsigned nearest = 64;
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; registry[i] != NULL; i++) {
    unsigned distance = spelling_distance(name, registry[i]->name);
    /* A part of a name is as near to it as one slip of the pen. */
    if (distance > 1 && *name != '\0' && strstr(registry[i]->name, name) != NULL) distance = 1;
    if (distance > nearest) continue;
    if (distance < nearest) used = 0;
    nearest = distance;
    if (used < n_bytes)
      used += (size_t)snprintf(text + used, n_bytes - used, "%s%s", used ? ", " : "", registry[i]->name);
  }
}

size_t registry_heap_bytes(const struct lk_ops *lock, const struct lk_config *config) {
  return lock->heap_bytes != NULL ? lock->heap_bytes(config) : 0;
}

struct lk_config registry_example(void) {
  struct lk_config config = lk_config_default(64, 64);
  config.n_domains[LK_CORE] = 64;
  config.n_domains[LK_LLC] = config.n_domains[LK_NODE] = config.n_domains[LK_PACKAGE] = 2;
  return config;
}

bool registry_is_baseline(const struct lk_ops *lock) { return lock->traits & LK_BASELINE || lock->twin_of != NULL; }

const char *registry_kind(const struct lk_ops *lock) {
  return registry_is_baseline(lock) ? "baseline" : lock->traits & LK_RW ? "rw" : "mutex";
}

const char *registry_fifo(const struct lk_ops *lock) {
  return lock->traits & LK_BASELINE  ? ""
         : lock->traits & LK_FIFO    ? "yes"
         : lock->traits & LK_BOUNDED ? "bounded"
                                     : "no";
}

const char *registry_waits(const struct lk_ops *lock) {
  const unsigned how = lock->traits & (LK_SPINS | LK_PARKS);
  return how == (LK_SPINS | LK_PARKS) ? "hybrid" : how == LK_PARKS ? "park" : how == LK_SPINS ? "spin" : "";
}

const char *registry_freed_by_last(const struct lk_ops *lock) {
  return lock->traits & LK_BASELINE ? "" : lock->traits & LK_FREED_BY_LAST ? "yes" : "no";
}

const char *registry_source(const struct lk_ops *lock) {
  return lock->traits & LK_PEER ? "peer" : lock->traits & LK_SYSTEM ? "system" : "ours";
}
