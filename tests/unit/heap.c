// SPDX-License-Identifier: MIT
/*
 * A lock allocates what its lk_x_heap_bytes says, and says so when there is no memory. Counted by malloc's own calls,
 * which the linker leads here (--wrap).
 */
#include <stdlib.h>

#include "check.h"
#include "registry.h"

enum { N_THREADS = 5 };

static size_t n_bytes;       /* allocated since */
static long n_until_failure; /* calls that still succeed; negative: all */

void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

void *__wrap_aligned_alloc(size_t align, size_t n) {
  if (n_until_failure == 0) return NULL;
  n_until_failure--;
  n_bytes += n;
  return __real_aligned_alloc(align, n);
}

static void *take(size_t n) { return __real_aligned_alloc(LK_LINE_BYTES, (n / LK_LINE_BYTES + 1) * LK_LINE_BYTES); }

/* Makes a lock with all its contexts; returns whether that worked, and leaves nothing behind. */
static bool make(const struct lk_ops *ops, const struct lk_config *config) {
  void *const lock = take(ops->lock_bytes), *contexts[N_THREADS];
  unsigned n = 0;
  const bool is_made = ops->init(lock, config);
  if (is_made) {
    for (; n < N_THREADS; n++) {
      contexts[n] = take(ops->ctx_bytes);
      if (!ops->ctx_init(lock, contexts[n], NULL)) {
        free(contexts[n]);
        break;
      }
    }
  }
  const bool is_whole = n == N_THREADS;
  while (n-- > 0) {
    ops->ctx_destroy(lock, contexts[n]);
    free(contexts[n]);
  }
  if (is_made) ops->destroy(lock);
  free(lock);
  return is_whole;
}

static void check_lock(const struct lk_ops *ops, const struct lk_config *config) {
  check_about("%s", ops->name);
  n_bytes = 0;
  n_until_failure = -1;
  CHECK(make(ops, config));
  CHECK_EQ(registry_heap_bytes(ops, config), n_bytes);
  const long n_calls = -1 - n_until_failure;
  for (long n = 0; n < n_calls; n++) {
    n_until_failure = n;
    CHECK(!make(ops, config));
  }
}

int main(void) {
  struct lk_config config = lk_config_default(N_THREADS, 16);
  check_lock(registry_find("anderson"), &config);
  CHECK(registry_find("anderson")->heap_bytes(&config) == 8 * LK_LINE_BYTES);
  for (unsigned i = 0; registry[i] != NULL; i++) check_lock(registry[i], &config);
  config.n_domains[LK_CORE] = 8;
  config.n_domains[LK_LLC] = 4;
  config.n_domains[LK_NODE] = 2;
  for (unsigned i = 0; registry[i] != NULL; i++) check_lock(registry[i], &config);
  return check_result();
}
