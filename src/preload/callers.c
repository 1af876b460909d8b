// SPDX-License-Identifier: MIT
#include "callers.h"

#include <unwind.h>

enum { MAX_OWN_FRAMES = 12 }; /* of this library, below the first that is asked for */

struct search {
  uint64_t *callers, first;
  unsigned n, n_found, n_skipped;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *argument) {
  struct search *const search = argument;
  const uint64_t address = _Unwind_GetIP(context);
  if (search->n_found == 0 && address != search->first)
    return ++search->n_skipped < MAX_OWN_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
  if (search->n_found == search->n || address == 0) return _URC_END_OF_STACK;
  search->callers[search->n_found++] = address;
  return _URC_NO_REASON;
}

void callers_find(uint64_t *callers, unsigned n, uint64_t first) {
  struct search search = {.callers = callers, .first = first, .n = n};
  _Unwind_Backtrace(visit, &search);
  if (search.n_found == 0) callers[search.n_found++] = first; /* code without tables for unwinding */
  while (search.n_found < n) callers[search.n_found++] = 0;
}
