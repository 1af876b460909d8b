// SPDX-License-Identifier: MIT
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

void *memory_take(struct random_state *random, size_t n_bytes) {
  const size_t offset = memory_offset(random);
  unsigned char *memory = mmap(NULL, n_bytes + offset, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory + offset;
}

/* Takes what is free below `end`, so that what comes next lies above it. */
static void fill_holes(const void *end) {
  enum { LARGEST_BYTES = 64 * 1024, MANY_SIZES_BYTES = 1024, LEAST_BYTES = 16 };
  void *volatile block; /* volatile: a block that is not used would be left out */
  for (size_t n = LARGEST_BYTES; n >= LEAST_BYTES; n -= n > MANY_SIZES_BYTES ? n / 2 : LEAST_BYTES) {
    do {
      block = malloc(n);
    } while (block != NULL && (uintptr_t)block < (uintptr_t)end);
  }
}

bool memory_move_heap(struct random_state *random) {
  /* So large that no hole left by the parent has room for it, and not so large that it is not taken from the heap. */
  enum { LARGE_BYTES = 64 * 1024 };
  void *volatile gap = malloc(LARGE_BYTES + memory_offset(random)); /* volatile, or it would be left out */
  if (gap != NULL) fill_holes(gap);
  return gap != NULL;
}
