/* SPDX-License-Identifier: PostgreSQL */
/*
 * What all of delivery's statements have in common: claims, results and what is given up share one asynchronous connection.
 * Threading: the loop thread.
 */
#ifndef SHOUWANG_DELIVERY_STATEMENT_H
#define SHOUWANG_DELIVERY_STATEMENT_H

#include "base/status.h"

struct pg_async;

enum { STATEMENT_TIMEOUT_MS = 10000 };

/* Logs why a statement failed. That it was lost with its connection is not told again: the loss was, once. */
void statement_failed(const struct pg_async *pg, const struct error *err);

#endif
