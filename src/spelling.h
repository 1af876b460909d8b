// SPDX-License-Identifier: MIT
/* spelling.h: how far a word is from another, for "did you mean ...?". */
#ifndef SPELLING_H
#define SPELLING_H

/* Levenshtein's edit distance: letters inserted, deleted or replaced; of `b` the first 63 characters count. */
unsigned spelling_distance(const char *a, const char *b);

#endif
