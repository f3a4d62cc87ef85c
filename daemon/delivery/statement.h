/* SPDX-License-Identifier: PostgreSQL */
/*
 * What all of delivery's statements have in common: claims, results and what is given up share one asynchronous connection.
 * Threading: the loop thread.
 */
#ifndef SHOUWANG_DELIVERY_STATEMENT_H
#define SHOUWANG_DELIVERY_STATEMENT_H

#include "base/status.h"

#include <stdint.h>

struct pg_async;

enum {
    STATEMENT_TIMEOUT_MS = 10000,
    STATEMENT_TOLD_MS =
        5 * 60 * 1000,     /* a full disk may last a night, and results are written twice a second */
    STATEMENT_REASONS = 4, /* that are told apart: claims and results may fail in different ways */
};

/* Borrows the connection; all else is its own, zero at the beginning. */
struct statements {
    struct pg_async *pg;
    struct statement_reason {
        char text[ERROR_TEXT_MAX]; /* empty: none */
        int64_t told_ms, untold;
    } reasons[STATEMENT_REASONS];
};

/*
 * Logs why a statement failed; the same reason again after STATEMENT_TOLD_MS at the earliest, with how often it was not told
 * meanwhile. That it was lost with its connection is not told either: the loss was, once.
 */
void statement_failed(struct statements *statements, const struct error *err);

#endif
