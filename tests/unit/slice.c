// SPDX-License-Identifier: MIT
/*
 * What a thread says to the kernel through lk_slice.h, on memory and with system calls that stand for the kernel's: so
 * it needs no kernel that extends time slices, and is the same on one that does.
 */
#include "check.h"

#if defined(__has_include) && __has_include(<sys/rseq.h>)

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AREA_BYTES = 64, UNTOUCHED = 0xa5, CONTROL_AT = 28, REQUEST = CONTROL_AT, GRANTED };

/* This thread's struct rseq. */
static unsigned char area[AREA_BYTES];
static unsigned area_bytes; /* as the C library tells it */
static int prctl_error;     /* 0: done */
static unsigned n_prctls, n_yields;

static int fake_prctl(int what, ...) {
  static const long wanted[] = {2, 1, 0, 0}; /* PR_RSEQ_SLICE_EXTENSION_SET, PR_RSEQ_SLICE_EXT_ENABLE */
  va_list arguments;
  va_start(arguments, what);
  CHECK_EQ(79, what);
  for (unsigned i = 0; i < 4; i++) CHECK_EQ(wanted[i], va_arg(arguments, int));
  va_end(arguments);
  n_prctls++;
  errno = prctl_error != 0 ? prctl_error : errno;
  return prctl_error != 0 ? -1 : 0;
}

/* The kernel ends a thread that comes with its request still there. */
static long fake_syscall(long number, ...) {
  CHECK_EQ(471, number);
  CHECK_EQ(0, area[REQUEST]);
  CHECK_EQ(1, area[GRANTED]);
  area[GRANTED] = 0;
  n_yields++;
  errno = ENOSYS;
  return -1;
}

#define prctl fake_prctl
#define syscall fake_syscall
#define __rseq_size area_bytes
#define __rseq_offset (area - (unsigned char *)__builtin_thread_pointer())
#include "lk_slice.h"

/* With the bytes of the control as they are given, and all others as they were. */
static void check_area(int request, int granted) {
  for (unsigned i = 0; i < AREA_BYTES; i++)
    CHECK_EQ(i == REQUEST ? request : i == GRANTED ? granted : UNTOUCHED, area[i]);
}

static void reset(unsigned n_bytes, int error) {
  memset(area, UNTOUCHED, sizeof area);
  area_bytes = n_bytes;
  prctl_error = error;
  n_prctls = n_yields = 0;
  errno = EDOM;
}

static void where_it_is_not_nothing_happens(void) {
  static const struct {
    const char *what;
    unsigned n_bytes;
    int error;
    enum lk_slice_state want;
  } cases[] = {
      {"an old kernel", 28, EINVAL, LK_SLICE_NOT_IN_KERNEL},
      {"an old kernel and C library", 32, EINVAL, LK_SLICE_NOT_IN_KERNEL},
      {"a filter of system calls", 33, EPERM, LK_SLICE_NOT_IN_KERNEL},
      {"turned off", 33, 524, LK_SLICE_TURNED_OFF},
      {"a C library that registers 32 bytes", 32, 524, LK_SLICE_NOT_IN_C_LIBRARY},
      {"the same, on a kernel that does not mind", 32, 0, LK_SLICE_NOT_IN_C_LIBRARY},
      {"a C library that tells what of them it uses", 20, 0, LK_SLICE_NOT_IN_C_LIBRARY},
      {"a C library that was told to register none", 0, ENXIO, LK_SLICE_NOT_IN_C_LIBRARY},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct lk_slice slice;
    check_about("%s", cases[i].what);
    reset(cases[i].n_bytes, cases[i].error);
    CHECK_EQ(cases[i].want, lk_slice_enable(&slice));
    CHECK_EQ(1, n_prctls);
    for (int round = 0; round < 2; round++) {
      lk_slice_request(&slice);
      lk_slice_end(&slice);
    }
    check_area(UNTOUCHED, UNTOUCHED);
    CHECK_EQ(0, n_yields);
    CHECK_EQ(EDOM, errno);
  }
}

/* The kernel writes between request and end, as in the interrupt that ends a slice. */
static void where_it_is_a_grant_is_paid_back(void) {
  struct lk_slice slice;
  check_about("available");
  reset(33, 0);
  area[REQUEST] = area[GRANTED] = 0;
  CHECK_EQ(LK_SLICE_ON, lk_slice_enable(&slice));
  check_area(0, 0);

  check_about("the slice did not end");
  lk_slice_request(&slice);
  check_area(1, 0);
  lk_slice_end(&slice);
  check_area(0, 0);
  CHECK_EQ(0, n_yields);

  check_about("granted");
  lk_slice_request(&slice);
  area[REQUEST] = 0, area[GRANTED] = 1;
  lk_slice_end(&slice);
  check_area(0, 0);
  CHECK_EQ(1, n_yields);

  check_about("granted and revoked");
  lk_slice_request(&slice);
  area[REQUEST] = area[GRANTED] = 0;
  lk_slice_end(&slice);
  check_area(0, 0);
  CHECK_EQ(1, n_yields);
  CHECK_EQ(EDOM, errno);
}

int main(void) {
  where_it_is_not_nothing_happens();
  where_it_is_a_grant_is_paid_back();
  return check_result();
}

#else /* the C library shares no memory with the kernel */
int main(void) { return CHECK_SKIPPED; }
#endif
