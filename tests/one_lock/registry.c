// SPDX-License-Identifier: MIT
/* registry.c: the list of a program that has one lock, -DLK=<name>. */
#include <stddef.h>

#include "registry.h"

#define OPS_(name) lk_##name##_ops
#define OPS(name) OPS_(name)

extern const struct lk_ops OPS(LK);

const struct lk_ops *const registry[] = {&OPS(LK), NULL};

const struct lk_ops *const registry_common[] = {&OPS(LK), NULL};
