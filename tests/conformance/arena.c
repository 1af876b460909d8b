// SPDX-License-Identifier: MIT
#include "arena.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, N_PAGES = 256, FILLING = 0xdd };

/* The pages of a block: its first says how many they are. */
static unsigned char *pages; /* NULL until the first use */
static unsigned n_pages_of[N_PAGES];
static bool is_freed[N_PAGES];
static _Atomic(unsigned) n_taken;
static enum arena_mode mode;
static bool is_on; /* changed while there is one thread */

extern void *__real_malloc(size_t n_bytes);
extern void *__real_aligned_alloc(size_t align, size_t n_bytes);
extern int __real_posix_memalign(void **memory, size_t align, size_t n_bytes);
extern void __real_free(void *memory);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_aligned_alloc(size_t align, size_t n_bytes);
int __wrap_posix_memalign(void **memory, size_t align, size_t n_bytes);
void __wrap_free(void *memory);

static void *take(size_t align, size_t n_bytes) {
  const unsigned n = (unsigned)((n_bytes + PAGE_BYTES - 1) / PAGE_BYTES);
  if (!is_on || n == 0 || n > N_PAGES || align > PAGE_BYTES) return NULL;
  /* Relaxed: a number that no other gets. */
  const unsigned first = atomic_fetch_add_explicit(&n_taken, n, memory_order_relaxed);
  if (first + n > N_PAGES) return NULL;
  n_pages_of[first] = n;
  return pages + (size_t)first * PAGE_BYTES;
}

void *__wrap_malloc(size_t n_bytes) {
  void *memory = take(1, n_bytes);
  return memory != NULL ? memory : __real_malloc(n_bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t n_bytes) {
  void *memory = take(align, n_bytes);
  return memory != NULL ? memory : __real_aligned_alloc(align, n_bytes);
}

int __wrap_posix_memalign(void **memory, size_t align, size_t n_bytes) {
  *memory = take(align, n_bytes);
  return *memory != NULL ? 0 : __real_posix_memalign(memory, align, n_bytes);
}

void __wrap_free(void *memory) {
  const uintptr_t offset = (uintptr_t)memory - (uintptr_t)pages;
  if (pages == NULL || offset >= (size_t)N_PAGES * PAGE_BYTES) {
    __real_free(memory);
    return;
  }
  const size_t first = offset / PAGE_BYTES, n_bytes = (size_t)n_pages_of[first] * PAGE_BYTES;
  is_freed[first] = true;
  if (mode == ARENA_PROTECTS)
    mprotect(memory, n_bytes, PROT_NONE);
  else
    memset(memory, FILLING, n_bytes);
}

void arena_begin(enum arena_mode wanted) {
  const size_t n_bytes = (size_t)N_PAGES * PAGE_BYTES;
  if (pages == NULL) {
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    pages = memory;
  }
  mprotect(pages, n_bytes, PROT_READ | PROT_WRITE);
  memset(is_freed, 0, sizeof is_freed);
  atomic_store_explicit(&n_taken, 0, memory_order_relaxed); /* alone */
  mode = wanted;
  is_on = true;
}

static bool is_filled(const unsigned char *block, size_t n_bytes) {
  for (size_t i = 0; i < n_bytes; i++)
    if (block[i] != FILLING) return false;
  return true;
}

bool arena_end(void) {
  bool is_whole = true;
  is_on = false;
  for (unsigned i = 0; mode == ARENA_OVERWRITES && i < N_PAGES; i++)
    if (is_freed[i] && !is_filled(pages + (size_t)i * PAGE_BYTES, (size_t)n_pages_of[i] * PAGE_BYTES)) is_whole = false;
  return is_whole;
}
