// SPDX-License-Identifier: MIT
/* process_wide.h: what two more files of the test, one in C and one in C++, do with a lock that this one made. */
#ifndef PROCESS_WIDE_H
#define PROCESS_WIDE_H

struct lk_twa;

#ifdef __cplusplus
extern "C" {
#endif

/* The waiting array that the file's code uses. */
const void *process_wide_in_c(void);
const void *process_wide_in_cpp(void);

/* One section. */
void process_wide_enter_in_c(struct lk_twa *lock);
void process_wide_enter_in_cpp(struct lk_twa *lock);

#ifdef __cplusplus
}
#endif

#endif
