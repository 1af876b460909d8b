// SPDX-License-Identifier: MIT
#include "coroutine.h"

/* The C interface under Boost.Context's C++ one: two functions in assembly, for each processor that it knows. */
struct transfer {
  void *context, *data;
};
extern struct transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *stack_top, size_t n_bytes, void (*entry)(struct transfer));

static struct coroutine *arriving; /* for entry(): to whom was switched */

static void arrive(struct transfer transfer) { ((struct coroutine *)transfer.data)->context = transfer.context; }

static void entry(struct transfer transfer) {
  struct coroutine *self = arriving;
  arrive(transfer);
  self->body(self->argument);
}

void coroutine_make(struct coroutine *coroutine, void *stack, size_t n_bytes, void (*body)(void *), void *argument) {
  *coroutine = (struct coroutine){
      .context = make_fcontext((char *)stack + n_bytes, n_bytes, entry), .body = body, .argument = argument};
}

void coroutine_switch(struct coroutine *from, struct coroutine *to) {
  arriving = to;
  arrive(jump_fcontext(to->context, from));
}
