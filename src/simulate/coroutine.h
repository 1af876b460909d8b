// SPDX-License-Identifier: MIT
/*
 * coroutine.h: threads of a simulation as stacks that one thread of the system switches between, by Boost.Context: 6 ns
 * a switch, where makecontext(3) takes a microsecond, since it asks the kernel to keep the signal mask.
 */
#ifndef COROUTINE_H
#define COROUTINE_H

#include <stddef.h>

struct coroutine {
  void *context; /* Boost's, while it does not run */
  void (*body)(void *);
  void *argument;
};

/* The first switch to it calls body(argument), which must not return. */
void coroutine_make(struct coroutine *coroutine, void *stack, size_t n_bytes, void (*body)(void *), void *argument);

/* Leaves what runs now in `from` and goes on with `to`; returns when somebody switches to `from`. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);

#endif
