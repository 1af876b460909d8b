// SPDX-License-Identifier: MIT
/* The table of locks: each is found by its name, says what it is, and is offered where it is mistyped. */
#include "registry.h"
#include "check.h"

int main(void) {
  char text[256];
  for (unsigned i = 0; registry[i] != NULL; i++) {
    const struct lk_ops *lock = registry[i];
    const bool excludes_nobody = lock->traits & LK_BASELINE, is_baseline = excludes_nobody || lock->twin_of != NULL;
    check_about("%s", lock->name);
    CHECK(registry_find(lock->name) == lock); /* and so no name comes twice */
    CHECK_EQ(is_baseline, strcmp(registry_kind(lock), "baseline") == 0);
    CHECK_EQ(excludes_nobody, *registry_waits(lock) == '\0');
    CHECK_EQ(excludes_nobody, *registry_fifo(lock) == '\0');
    CHECK(excludes_nobody || (lock->traits & (LK_SPINS | LK_PARKS)));

    if (lock->twin_of != NULL) { /* the same lock once more */
      const struct lk_ops *original = registry_find(lock->twin_of);
      if (CHECK(original != NULL && original != lock)) {
        CHECK_EQ(original->traits, lock->traits);
        CHECK_EQ(original->lock_bytes, lock->lock_bytes);
        CHECK_EQ(original->ctx_bytes, lock->ctx_bytes);
      }
    }

    registry_suggest(lock->name, text, sizeof text);
    CHECK_TEXT(lock->name, text);
  }
  check_about("%s", "");
  CHECK(registry_find("") == NULL);
  CHECK(registry_find("tick") == NULL);
  CHECK(registry_find("tickets") == NULL);
  registry_suggest("pthread-mutxe", text, sizeof text);
  CHECK_TEXT("pthread_mutex", text);

  char endless[1000], narrow[8];
  memset(endless, 'x', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  registry_suggest(endless, text, sizeof text);
  registry_suggest("", narrow, sizeof narrow);
  CHECK(strlen(narrow) < sizeof narrow);
  return check_result();
}
