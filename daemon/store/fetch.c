/* SPDX-License-Identifier: PostgreSQL */
#include "store/fetch.h"

enum status fetch_query(struct fetch *fetch, struct pg *pg, const char *sql, const struct pg_param *params,
                        struct arena *arena, struct error *err)
{
    *fetch = (struct fetch){.arena = arena};
    enum status status = pg_query(pg, sql, params, &fetch->result, err);
    fetch->rows = pg_result_rows(fetch->result);
    return status;
}

void *fetch_array(struct fetch *fetch, size_t item_bytes)
{
    if (fetch->rows == 0)
        return NULL;
    void *items = arena_array(fetch->arena, fetch->rows, item_bytes);
    if (!items) {
        fetch->failed = true;
        fetch->rows = 0; /* so that the caller's loop does nothing */
    }
    return items;
}

const char *fetch_text(struct fetch *fetch, int column)
{
    struct slice text = pg_get_text(fetch->result, fetch->row, column);
    const char *copy = arena_copy(fetch->arena, text.bytes, text.length);
    if (copy)
        return copy;
    fetch->failed = true;
    return "";
}

enum status fetch_done(struct fetch *fetch, enum status status, struct error *err)
{
    pg_result_free(fetch->result);
    fetch->result = NULL;
    if (!status && fetch->failed)
        status = error_set(err, STATUS_FATAL, "no memory (or beyond its budget) for what the database holds");
    return status;
}

enum status fetch_int64s(struct pg *pg, const char *sql, const struct pg_param *params, struct arena *arena,
                         const int64_t **numbers, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, sql, params, arena, err);
    int64_t *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = pg_get_int64(fetch.result, fetch.row, 0);
    *numbers = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
