// SPDX-License-Identifier: MIT
#include "selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

static bool is_common(const struct lk_ops *lock) {
  for (unsigned i = 0; registry_common[i] != NULL; i++)
    if (registry_common[i] == lock) return true;
  return false;
}

static bool is_meant(const struct lk_ops *lock, const char *word) {
  if (*word == '\0') return false; /* what a baseline says for how it waits */
  if (lock->twin_of != NULL) return strcmp(word, lock->name) == 0;
  if (strcmp(word, "all") == 0) return true;
  if (strcmp(word, "common") == 0) return is_common(lock);
  if (strcmp(word, "fifo") == 0) return strcmp(registry_fifo(lock), "yes") == 0;
  const char *const words[] = {lock->name, registry_kind(lock), registry_waits(lock), registry_source(lock)};
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(word, words[i]) == 0) return true;
  return false;
}

static void add(struct selection *selection, const struct lk_ops *lock) {
  for (unsigned i = 0; i < selection->n; i++)
    if (selection->locks[i] == lock) return;
  selection->locks[selection->n++] = lock;
}

int selection_make(struct selection *selection, const char *names, char *why, size_t why_bytes) {
  *selection = (struct selection){0};
  for (const char *from = names;; from++) {
    char word[64];
    const size_t length = strcspn(from, ",");
    snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), from);
    bool is_known = false;
    for (unsigned i = 0; registry[i] != NULL && i < SELECTION_MAX; i++) {
      if (!is_meant(registry[i], word)) continue;
      add(selection, registry[i]);
      is_known = true;
    }
    if (!is_known) {
      char near[256];
      registry_suggest(word, near, sizeof near);
      snprintf(why, why_bytes, "unknown lock '%s'; did you mean %s? `lockbench list` shows all", word, near);
      return EINVAL;
    }
    from += length;
    if (*from == '\0') return 0;
  }
}

bool selection_add_twins(struct selection *selection) {
  bool has_original = true;
  for (unsigned i = 0; registry[i] != NULL; i++) {
    if (registry[i]->twin_of == NULL) continue;
    const unsigned n_before = selection->n;
    add(selection, registry_find(registry[i]->twin_of));
    has_original &= selection->n == n_before;
    add(selection, registry[i]);
  }
  return !has_original;
}

int selection_make_of_locks(struct selection *selection, const char *names, char *why, size_t why_bytes) {
  const int error = selection_make(selection, names, why, why_bytes);
  if (error != 0) return error;
  char baselines[256] = "";
  unsigned n = 0;
  size_t used = 0;
  for (unsigned i = 0; i < selection->n; i++) {
    const struct lk_ops *lock = selection->locks[i];
    if (!(lock->traits & LK_BASELINE))
      selection->locks[n++] = lock;
    else if (used < sizeof baselines)
      used += (size_t)snprintf(baselines + used, sizeof baselines - used, " %s", lock->name);
  }
  selection->n = n;
  if (n == 0) {
    snprintf(why, why_bytes, "only baselines, which exclude no thread:%s", baselines);
    return EINVAL;
  }
  if (used > 0) message_note("left out, since baselines exclude no thread:%s", baselines);
  return 0;
}
