// SPDX-License-Identifier: MIT
/*
 * matrix_file.h: a matrix of latencies between CPUs in CSV, as core-to-core-latency writes and people publish it: a row
 * and a column for each CPU by the system's number, in nanoseconds; one half is enough, and what is empty is not known.
 */
#ifndef MATRIX_FILE_H
#define MATRIX_FILE_H

#include <stddef.h>

/* Reads *n rows into *ns, to be freed: [row * n + column], symmetric. Returns 0, or EINVAL and one line in `why`. */
int matrix_file_read(const char *path, unsigned *n, double **ns, char *why, size_t why_bytes);

#endif
