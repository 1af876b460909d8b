// SPDX-License-Identifier: MIT
#include "arena.h"

#include <errno.h>
#include <sys/mman.h>

#include "lk_arch.h"
#include "trial/memory.h"

struct arena arena;

/* The linker's names for the section of LK_PROCESS_WIDE; there is none if no lock has such a table. */
extern unsigned char start_of_shared[] __asm__("__start_lk_simulated") __attribute__((weak));
extern unsigned char stop_of_shared[] __asm__("__stop_lk_simulated") __attribute__((weak));

int arena_open(void) {
  const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  arena.shared = (uintptr_t)start_of_shared;
  arena.n_shared_bytes = (size_t)(stop_of_shared - start_of_shared);
  if (mmap((void *)ARENA_BASE, ARENA_BYTES, protection, flags | MAP_FIXED_NOREPLACE, -1, 0) != (void *)ARENA_BASE)
    return errno != 0 ? errno : ENOMEM;
  const size_t n_lines = (ARENA_BYTES + arena.n_shared_bytes) / ARENA_LINE_BYTES + 1;
  arena.lines = mmap(NULL, n_lines * sizeof *arena.lines, protection, flags, -1, 0);
  return arena.lines == MAP_FAILED ? errno : 0;
}

void *arena_take(size_t n_bytes, size_t align) {
  const size_t start = (arena.n_used + align - 1) / align * align;
  if (n_bytes > ARENA_BYTES || start > ARENA_BYTES - n_bytes) return NULL;
  arena.n_used = start + n_bytes;
  return (void *)(ARENA_BASE + start);
}

void *arena_take_anywhere(struct random_state *random, size_t n_bytes) {
  const size_t offset = memory_offset(random);
  unsigned char *memory = arena_take(n_bytes + offset, MEMORY_PAGE_BYTES);
  return memory == NULL ? NULL : memory + offset;
}
