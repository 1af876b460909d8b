// SPDX-License-Identifier: MIT
#include "slice_extension.h"

#include "lk_slice.h"

bool slice_extension_is_available(const char **words) {
  static const char *const states[] = {
      [LK_SLICE_ON] = "available",
      [LK_SLICE_NOT_IN_KERNEL] = "not in the kernel",
      [LK_SLICE_TURNED_OFF] = "turned off in the kernel",
      [LK_SLICE_NOT_IN_C_LIBRARY] = "not in the C library",
  };
  struct lk_slice slice; /* there is no other way to find out; a thread that never asks is not given any */
  const enum lk_slice_state state = lk_slice_enable(&slice);
  if (words != NULL) *words = states[state];
  return state == LK_SLICE_ON;
}
