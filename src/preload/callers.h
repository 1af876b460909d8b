// SPDX-License-Identifier: MIT
/* callers.h: who called. */
#ifndef PRELOAD_CALLERS_H
#define PRELOAD_CALLERS_H

#include <stdint.h>

/*
 * Writes at most n return addresses of the calling thread's stack, innermost first, from `first` on, which is one of
 * them, and zeros behind the last. By the unwinder of the compiler's own library, linked into this one: it allocates
 * nothing, and where glibc has _dl_find_object (2.35) takes no lock. Some microseconds: for slow paths.
 */
void callers_find(uint64_t *callers, unsigned n, uint64_t first);

#endif
