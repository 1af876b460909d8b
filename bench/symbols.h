// SPDX-License-Identifier: MIT
/*
 * symbols.h: names for the return addresses in a recording: `function (file.c:12)` by addr2line (of binutils) where
 * there is debug information, `function+0x1c (library.so)` by the file's own table of symbols, `library.so+0x1234`
 * where it has none.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/recording.h"

struct symbols;

/* Starts addr2line once for each file that is named in the recording. NULL: no memory. */
struct symbols *symbols_read(const struct recording *recording);
void symbols_free(struct symbols *symbols);

/* The text of an address that is in the recording. is_wrapper (may be NULL): it lies in what only wraps a lock
   (wrappers.h), and says nothing; who called it does. */
const char *symbols_text(const struct symbols *symbols, uint32_t image, uint64_t address, bool *is_wrapper);

#endif
