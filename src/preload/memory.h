// SPDX-License-Identifier: MIT
/*
 * memory.h: memory for locks that do not fit into a mutex of the program's, and for what locks allocate. Never malloc:
 * the lock may be an allocator's own.
 */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "process.h"

/* At a multiple of a cache line. Never NULL: a program that has no memory left is stopped. */
void *memory_take(size_t n_bytes);
void memory_give(void *memory);

/*
 * An object that lies beside a lock of the program's, found by that lock's address when a lock there is used for the
 * first time, and only then. Mutexes of C++ are never destroyed, so the address is how an object's end is noticed: the
 * next mutex at the same place gets it.
 */
struct object {
  struct object *next;
  const void *address;
  bool has_lock; /* one was made in it, and not destroyed */
  void *bytes;
};

/* The object of the address, with n_bytes of memory at the first call. Under the process's guard, like all below. */
struct object *memory_object(struct process *process, const void *address, size_t n_bytes);

/* The address has no object any more. */
void memory_forget(struct process *process, struct object *object);

#endif
