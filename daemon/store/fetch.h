/* SPDX-License-Identifier: PostgreSQL */
/*
 * A result's rows on their way into an arena. A fetch remembers that the arena had no room, so that a row's texts are
 * copied without a check each; fetch_done reports it.
 */
#ifndef SHOUWANG_STORE_FETCH_H
#define SHOUWANG_STORE_FETCH_H

#include "base/arena.h"
#include "base/status.h"
#include "io/pg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch {
    struct pg_result *result; /* NULL when the query failed */
    struct arena *arena;
    size_t rows;
    size_t row; /* the current one */
    bool failed;
};

/* Runs the query. Whatever happens, fetch_done must be called. */
enum status fetch_query(struct fetch *fetch, struct pg *pg, const char *sql, const struct pg_param *params,
                        struct arena *arena, struct error *err) WARN_UNUSED;
/* Room for one item per row, zeroed; NULL without rows or without room. */
void *fetch_array(struct fetch *fetch, size_t item_bytes);
/* The whole of it, for a query of one column of whole numbers: an array in the arena, NULL without rows. */
enum status fetch_int64s(struct pg *pg, const char *sql, const struct pg_param *params, struct arena *arena,
                         const int64_t **numbers, size_t *count, struct error *err) WARN_UNUSED;
/* A text column of the current row; "" for null. */
const char *fetch_text(struct fetch *fetch, int column);
/* Frees the result. `status` is what the caller has so far; if that is STATUS_OK, a lack of room is reported. */
enum status fetch_done(struct fetch *fetch, enum status status, struct error *err) WARN_UNUSED;

#endif
