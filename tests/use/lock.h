// SPDX-License-Identifier: MIT
/* lock.h: the lock that a program here is compiled with, -DLK=<name>, as names that do not depend on it. */
#ifndef LOCK_H
#define LOCK_H

#define QUOTE_(x) #x
#define QUOTE(x) QUOTE_(x)
#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)

#define FN(operation) PASTE(lk_, LK, _##operation)
#define LOCK_TYPE PASTE(lk_, LK, )
#define CALL(macro, x) macro(x) /* x is what it stands for by then */

#include QUOTE(LK.h)

enum { N_THREADS = 4 };

#endif
