// SPDX-License-Identifier: MIT
/* slice_extension.h: whether threads may have their time slices extended here: see lk_slice.h. */
#ifndef SLICE_EXTENSION_H
#define SLICE_EXTENSION_H

#include <stdbool.h>

/* Tells in *words, if that is not NULL, what host.json says of it: "available", or what is missing. */
bool slice_extension_is_available(const char **words);

#endif
