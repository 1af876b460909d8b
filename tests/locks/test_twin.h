// SPDX-License-Identifier: MIT
/*
 * test_twin: the ticket lock under another name. Made for calibration: a comparison of the two must find no
 * difference (tests/benchmarks/calibrate_compare.py).
 *
 * Macros, so that it is the same code and not a copy that may drift.
 */
#ifndef LK_TEST_TWIN_H
#define LK_TEST_TWIN_H

#include "ticket.h"

enum { lk_test_twin_traits = lk_ticket_traits };

#define lk_test_twin lk_ticket
#define lk_test_twin_no_ctx 1
#define lk_test_twin_ctx lk_ticket_ctx
#define lk_test_twin_init lk_ticket_init
#define lk_test_twin_destroy lk_ticket_destroy
#define lk_test_twin_ctx_init lk_ticket_ctx_init
#define lk_test_twin_ctx_destroy lk_ticket_ctx_destroy
#define lk_test_twin_lock lk_ticket_lock
#define lk_test_twin_trylock lk_ticket_trylock
#define lk_test_twin_unlock lk_ticket_unlock

#endif
