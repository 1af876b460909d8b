// SPDX-License-Identifier: MIT
/* registry.c: the list of a program that has one lock, -DLK=<name>. */
#include <stddef.h>

#include "registry.h"

#define OPS_(name) lk_##name##_ops
#define OPS(name) OPS_(name)

extern const struct lk_ops OPS(LK);

const struct lk_ops *const registry[] = {&OPS(LK), NULL};

const struct lk_ops *const registry_common[] = {&OPS(LK), NULL};

#ifdef HAS_GUEST /* and as a guest of the simulator */
#include "simulate/guests.h"
#define GUEST_(lock) guest_##lock##_ops
#define GUEST(lock) GUEST_(lock)
extern const struct lk_ops GUEST(LK);
const struct lk_ops *const guest_locks[] = {&GUEST(LK), NULL};
#else
const struct lk_ops *const guest_locks[] = {NULL};
#endif
