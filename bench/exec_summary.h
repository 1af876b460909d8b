// SPDX-License-Identifier: MIT
/* exec_summary.h: what a program did with its locks under `lockbench exec`, in a few lines on standard error. */
#ifndef EXEC_SUMMARY_H
#define EXEC_SUMMARY_H

struct page;
struct exec_locks;

/* `status` as waitpid has it. */
void exec_summary_print(const struct page *page, const struct exec_locks *locks, const char *program, unsigned n_cpus,
                        int status);

#endif
