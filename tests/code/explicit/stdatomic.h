// SPDX-License-Identifier: MIT
/* stdatomic.h of the lint: a lock that includes C's header finds nothing in it. */
