// SPDX-License-Identifier: MIT
#include "system.h"

#include <stddef.h>

#include "libc_symbols.h"
#include "stop.h"

struct system_functions system_functions;
_Atomic(bool) system_is_found;

__attribute__((cold, noinline)) void system_find(void) {
#define SYSTEM_FIND(name) system_functions.name = (__typeof__(&name))libc_symbol(#name);
#define SYSTEM_REQUIRE(name)                                                                                           \
  SYSTEM_FIND(name)                                                                                                    \
  if (system_functions.name == NULL) stop("the C library has no " #name "; is it glibc?");
  SYSTEM_FUNCTIONS(SYSTEM_REQUIRE)
  SYSTEM_NEWER_FUNCTIONS(SYSTEM_FIND)
  /* Release: pairs with the acquire in system_ready. */
  atomic_store_explicit(&system_is_found, true, memory_order_release);
}
