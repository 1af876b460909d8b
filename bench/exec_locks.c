// SPDX-License-Identifier: MIT
#include "exec_locks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "launch.h"
#include "registry.h"

static const char pass[] = "none";

static int refuse_name(const char *name, char *why, size_t why_bytes) {
  char path[4096], suggested[256];
  if (registry_find(name) == NULL) {
    registry_suggest(name, suggested, sizeof suggested);
    snprintf(why, why_bytes, "--lock: unknown lock '%.80s'; did you mean %s? `lockbench list` names all", name,
             suggested);
    return EINVAL;
  }
  size_t used =
      (size_t)snprintf(why, why_bytes, "--lock: '%.80s' cannot stand in for a program's locks; allowed: none", name);
  for (unsigned i = 0; registry[i] != NULL && used < why_bytes; i++)
    if (launch_find_library(registry[i]->name, path, sizeof path))
      used += (size_t)snprintf(why + used, why_bytes - used, ", %s", registry[i]->name);
  return EINVAL;
}

static bool is_fifo_spinner(const struct lk_ops *lock) {
  return (lock->traits & (LK_FIFO | LK_SPINS | LK_PARKS)) == (LK_FIFO | LK_SPINS);
}

static int add(struct exec_locks *locks, const char *name, char *why, size_t why_bytes) {
  const struct lk_ops *const lock = registry_find(name);
  const bool is_pass = strcmp(name, pass) == 0;
  char path[4096];
  if (!launch_find_library(name, path, sizeof path)) {
    if (!is_pass) return refuse_name(name, why, why_bytes);
    snprintf(why, why_bytes, "the libraries that bring locks into a program are not beside lockbench");
    return EINVAL;
  }
  if (!launch_may_preload(path, why, why_bytes)) return EINVAL;
  const char **const place = lock != NULL && lock->traits & LK_RW ? &locks->rw : &locks->mutex;
  if (*place != NULL) {
    snprintf(why, why_bytes,
             "--lock: %s and %s are two for one purpose; allowed: a mutex, a readers/writer lock, or one of each",
             *place, name);
    return EINVAL;
  }
  *place = is_pass ? pass : lock->name;
  if (lock != NULL && is_fifo_spinner(lock)) locks->fifo_spinner = lock->name;
  const size_t used = strlen(locks->paths);
  snprintf(locks->paths + used, sizeof locks->paths - used, "%s%s", used > 0 ? ":" : "", path);
  return 0;
}

int exec_locks_find(struct exec_locks *locks, const char *names, char *why, size_t why_bytes) {
  *locks = (struct exec_locks){.mutex = NULL};
  for (const char *from = names;; from++) {
    const size_t length = strcspn(from, ",");
    char name[96];
    snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, from);
    const int error = add(locks, name, why, why_bytes);
    if (error != 0) return error;
    from += length;
    if (*from == '\0') return 0;
  }
}
