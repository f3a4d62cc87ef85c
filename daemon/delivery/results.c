/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/results.h"

#include "base/arena.h"
#include "base/kill_point.h"
#include "delivery/statement.h"
#include "io/pg.h"

#include <stdlib.h>

enum { ERROR_TEXT_CUT = 200 }; /* in the table; the log has it whole */

struct buffer {
    struct arena *texts;
    struct outbox_result *items;
    size_t count, capacity;
};

struct results {
    struct loop *loop;
    struct statements *statements;
    struct loop_timer *timer;
    results_written_fn *written;
    void *ctx;
    struct buffer filling, writing;
    bool in_statement;
    int64_t leader, writing_leader; /* the leadership that filling and writing belong to */
};

static void buffer_fini(struct buffer *buffer)
{
    free(buffer->items);
    arena_free(buffer->texts);
    *buffer = (struct buffer){0};
}

static bool buffer_add(struct buffer *buffer, const struct outbox_result *result)
{
    if (buffer->count == buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 64;
        struct outbox_result *grown = realloc(buffer->items, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        buffer->items = grown;
        buffer->capacity = capacity;
    }
    struct outbox_result copy = *result;
    if (copy.error != NULL && buffer->texts == NULL && (buffer->texts = arena_new(0)) == NULL)
        return false;
    if (copy.error != NULL &&
        (copy.error = arena_printf(buffer->texts, "%.*s", ERROR_TEXT_CUT, copy.error)) == NULL)
        return false;
    buffer->items[buffer->count++] = copy;
    return true;
}

/* Keeps the memory. */
static void buffer_clear(struct buffer *buffer)
{
    arena_free(buffer->texts);
    buffer->texts = NULL;
    buffer->count = 0;
}

/* Without those that must not be written twice. */
static void buffer_keep_repeatable(struct buffer *buffer)
{
    size_t kept = 0;
    for (size_t i = 0; i < buffer->count; i++)
        if (buffer->items[i].outcome != OUTBOX_RELEASED)
            buffer->items[kept++] = buffer->items[i];
    buffer->count = kept;
}

static void recorded(void *context, enum status status, int64_t affected, const struct error *err)
{
    (void)affected;
    struct results *results = context;
    KILL_POINT("results.written");
    results->in_statement = false;
    if (status != STATUS_OK)
        statement_failed(results->statements, err);
    if (status == STATUS_RETRY && results->writing_leader == results->leader) {
        buffer_keep_repeatable(&results->writing);
        loop_timer_arm(results->timer, RESULTS_AGAIN_MS);
        if (results->writing.count > 0)
            return;
    }
    /* What the database will never take is dropped, or it would stop all others: its lease brings the attempt back. */
    size_t count = results->writing.count;
    buffer_clear(&results->writing); /* its items stay where they are until it is filled again */
    if (results->filling.count > 0)
        loop_timer_arm(results->timer, RESULTS_GATHER_MS);
    results->written(results->ctx, results->writing.items, count);
}

static void write_now(void *ctx)
{
    struct results *results = ctx;
    struct error err;
    if (results->in_statement)
        return;
    if (results->writing.count == 0) {
        struct buffer spare = results->writing;
        results->writing = results->filling;
        results->filling = spare;
        results->writing_leader = results->leader;
    }
    if (results->writing.count == 0)
        return;
    KILL_POINT("results.before_write");
    if (outbox_record_async(results->statements->pg, results->writing_leader, results->writing.items,
                            results->writing.count, STATEMENT_TIMEOUT_MS, recorded, results,
                            &err) == STATUS_OK)
        results->in_statement = true;
    else
        loop_timer_arm(results->timer, RESULTS_AGAIN_MS);
}

enum status results_new(struct results **out, struct loop *loop, struct statements *statements,
                        results_written_fn *written, void *ctx, struct error *err)
{
    struct results *results = calloc(1, sizeof *results);
    if (results != NULL)
        results->timer = loop_timer_new(loop, write_now, results);
    if (results == NULL || results->timer == NULL) {
        free(results);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    results->loop = loop;
    results->statements = statements;
    results->written = written;
    results->ctx = ctx;
    *out = results;
    return STATUS_OK;
}

void results_free(struct results *results)
{
    if (results == NULL)
        return;
    loop_timer_free(results->timer);
    buffer_fini(&results->filling);
    buffer_fini(&results->writing);
    free(results);
}

void results_lead(struct results *results, int64_t leader)
{
    if (leader == results->leader)
        return;
    results->leader = leader;
    buffer_fini(&results->filling);
    if (!results->in_statement)
        buffer_fini(&results->writing);
}

bool results_add(struct results *results, const struct outbox_result *result)
{
    if (!buffer_add(&results->filling, result))
        return false;
    if (results->filling.count >= RESULTS_WRITE_MAX)
        loop_timer_arm(results->timer, 0);
    else if (!loop_timer_armed(results->timer))
        loop_timer_arm(results->timer, RESULTS_GATHER_MS);
    return true;
}

void results_write(struct results *results)
{
    loop_timer_arm(results->timer, 0);
}

size_t results_waiting(const struct results *results)
{
    return results->filling.count + results->writing.count;
}
