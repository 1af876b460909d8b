// SPDX-License-Identifier: MIT
/*
 * loading.c: the ways past us to libc's own functions, which would work on our bytes. A library that is loaded with
 * RTLD_DEEPBIND finds libc first, and so does who asks libc's handle for a symbol.
 *
 * Both functions end in a jump to libc's (a sibling call), which looks at the address that it returns to: search paths
 * and RTLD_NEXT go by the library that called.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "export.h"
#include "libc_symbols.h"
#include "process.h"
#include "system.h"
#include "thread.h"

EXPORT void *dlopen(const char *file, int mode) {
  if (mode & RTLD_DEEPBIND) thread_count(thread_ready(), COUNT_DEEPBIND);
  return SYSTEM(dlopen)(file, mode & ~RTLD_DEEPBIND);
}

static bool begins_with(const char *name, const char *prefix) {
  while (*prefix != '\0' && *name == *prefix) name++, prefix++; /* not strncmp: see libc_symbols.c */
  return *prefix == '\0';
}

static bool may_be_replaced(const char *name) {
  return begins_with(name, "pthread_") || begins_with(name, "mtx_") || begins_with(name, "cnd_");
}

/* Of a handle: where libc's own would be the answer, what the whole program has under that name. */
static void *look_up(void *handle, const char *name) {
  void *const found = SYSTEM(dlsym)(handle, name);
  return found != NULL && found == libc_symbol(name) ? SYSTEM(dlsym)(RTLD_DEFAULT, name) : found;
}

EXPORT void *dlsym(void *restrict handle, const char *restrict name) {
  if (handle != RTLD_NEXT && handle != RTLD_DEFAULT && may_be_replaced(name)) return look_up(handle, name);
  return SYSTEM(dlsym)(handle, name);
}

/* So that lockbench knows that we are here, even if the program takes no lock. */
__attribute__((constructor)) static void begin(void) { (void)process_ready(); }
