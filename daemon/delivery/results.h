/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results of attempts on their way into the database: gathered for a few milliseconds, written together, written again
 * when the database was away. Two buffers: one is being written while the other fills.
 *
 * A daemon that has lost the leadership writes none of them (store/lease.h): the new leader makes those attempts again.
 *
 * Nothing here is lost by waiting: what is never written is an attempt whose lease runs out, and it is made again.
 */
#ifndef SHOUWANG_DELIVERY_RESULTS_H
#define SHOUWANG_DELIVERY_RESULTS_H

#include "base/status.h"
#include "io/loop.h"
#include "store/outbox.h"

#include <stdbool.h>
#include <stddef.h>

struct results;
struct statements;

enum {
    RESULTS_GATHER_MS = 20,   /* a receiver does not notice, and the database shares its work among more */
    RESULTS_WRITE_MAX = 1000, /* one statement */
    RESULTS_AGAIN_MS = 500,   /* after the database was away */
};

/* Those results have been committed; the queue behind them may go on. Their error texts are gone. */
typedef void results_written_fn(void *ctx, const struct outbox_result *results, size_t count);
enum status results_new(struct results **results, struct loop *loop, struct statements *statements,
                        results_written_fn *written, void *ctx, struct error *err) WARN_UNUSED;
void results_free(struct results *results); /* NULL is allowed; what waits is dropped */
/* The leadership under which results are written from now on; those of another wait no more. */
void results_lead(struct results *results, int64_t leader);
/* Copies, the error text too. False without memory: the lease will bring the attempt back. */
bool results_add(struct results *results, const struct outbox_result *result);
/* What waits is written in the next turn. */
void results_write(struct results *results);
size_t results_waiting(const struct results *results); /* not committed yet */

#endif
