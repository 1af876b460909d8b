// SPDX-License-Identifier: MIT
#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

#include "lk.h"
#include "stop.h"

enum { CHUNK_BYTES = 256 * 1024 };

/* Before each block, on a line of its own: how large it is, and the next one while it is free. */
struct header {
  size_t n_bytes;
  struct header *next;
};

static size_t round_up(size_t n_bytes) { return (n_bytes + LK_LINE_BYTES - 1) / LK_LINE_BYTES * LK_LINE_BYTES; }

/* What is left of the last chunk is lost. */
static struct header *cut(struct process *process, size_t n_bytes) {
  const size_t whole = LK_LINE_BYTES + n_bytes;
  if ((size_t)(process->chunk_end - process->chunk) < whole) {
    const size_t n_needed = PAGE_FIRST_WRITTEN + whole;
    const size_t n_mapped = n_needed > CHUNK_BYTES ? n_needed : CHUNK_BYTES;
    unsigned char *const mapped = process_map(n_mapped, false);
    process->chunk = mapped + PAGE_FIRST_WRITTEN; /* for contexts */
    process->chunk_end = mapped + n_mapped;
  }
  struct header *const header = (struct header *)(void *)process->chunk;
  process->chunk += whole;
  header->n_bytes = n_bytes;
  return header;
}

static struct header **free_list(struct process *process, size_t n_bytes) {
  for (int i = 0; i < PROCESS_N_SIZES; i++) {
    if (process->free[i].n_bytes == 0) process->free[i].n_bytes = n_bytes;
    if (process->free[i].n_bytes == n_bytes) return (struct header **)(void *)&process->free[i].first;
  }
  return NULL; /* blocks of further sizes are not used again */
}

/* The guard of memory alone: all that is done under it is done in a few steps, by a thread whose signals are blocked.
 */
void *memory_take(size_t n_bytes) {
  struct process *const process = process_ready();
  n_bytes = round_up(n_bytes);
  lk_futex_lock(&process->memory_guard, NULL);
  struct header **const list = free_list(process, n_bytes);
  struct header *header = list != NULL ? *list : NULL;
  if (header != NULL)
    *list = header->next;
  else
    header = cut(process, n_bytes);
  lk_futex_unlock(&process->memory_guard, NULL);
  return (unsigned char *)header + LK_LINE_BYTES;
}

void memory_give(void *memory) {
  if (memory == NULL) return;
  struct process *const process = process_ready();
  struct header *const header = (struct header *)(void *)((unsigned char *)memory - LK_LINE_BYTES);
  lk_futex_lock(&process->memory_guard, NULL);
  struct header **const list = free_list(process, header->n_bytes);
  if (list != NULL) {
    header->next = *list;
    *list = header;
  }
  lk_futex_unlock(&process->memory_guard, NULL);
}

/* Fibonacci hashing: 2^64 over the golden ratio, of which the upper bits are well mixed. */
static size_t place_of(const void *address) {
  return (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PROCESS_TABLE_BITS);
}

struct object *memory_object(struct process *process, const void *address, size_t n_bytes) {
  if (process->objects == NULL) process->objects = process_map(sizeof(struct object *) << PROCESS_TABLE_BITS, false);
  struct object **const list = &process->objects[place_of(address)];
  for (struct object *object = *list; object != NULL; object = object->next)
    if (object->address == address) return object;
  struct object *const object = memory_take(sizeof *object + LK_LINE_BYTES + n_bytes);
  *object = (struct object){.next = *list, .address = address};
  object->bytes = (unsigned char *)object + round_up(sizeof *object);
  return *list = object;
}

void memory_forget(struct process *process, struct object *object) {
  struct object **link = &process->objects[place_of(object->address)];
  while (*link != object) link = &(*link)->next;
  *link = object->next;
  memory_give(object);
}
