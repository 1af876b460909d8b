// SPDX-License-Identifier: MIT
/*
 * instance.cc: src/trial/instance.c compiled as C++, for the locks of C++ libraries, so that what their headers inline
 * is inlined in the timed loop as it is in that of every other lock. Compiled with -DLK=<name> and -DLK_HEADER.
 *
 * The harness is C: its atomics become std::atomic by C++23's <stdatomic.h>, which is there for this: the same size,
 * alignment and representation on both sides. What it and C++ call differently is named here.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define _Alignas alignas
#define _Alignof alignof

extern "C" {
#include "registry.h"
#include "trial/worker.h"
}

#include "trial/instance.c"
