/* SPDX-License-Identifier: PostgreSQL */
/* COPY in both directions, in the binary format. */
#include "base/clock.h"
#include "io/pg_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEND_BYTES =
        256 << 10, /* handed to libpq at once; its buffer keeps this size, so not the whole of the rows */
    COPY_HEADER_BYTES = 19,
};

/* What follows an error adds nothing. */
static void drain(struct pg *pg)
{
    struct error ignored;
    PGresult *result;
    while (pg_next_result(pg, &result, &ignored) == STATUS_OK && result)
        PQclear(result);
}

/* Sends COPY and waits for the server to say that it began. */
static enum status copy_start(struct pg *pg, const char *copy_sql, ExecStatusType expected, struct error *err)
{
    enum status status = pg_call_begin(pg, err);
    if (status)
        return status;
    if (!PQsendQuery(pg->conn, copy_sql))
        return pg_break(pg, err, "connection lost");
    PGresult *result = NULL;
    status = pg_flush(pg, err);
    if (!status)
        status = pg_next_result(pg, &result, err);
    if (status)
        return status;
    if (PQresultStatus(result) == expected) {
        PQclear(result);
        return STATUS_OK;
    }
    status = pg_result_error(result, pg->sqlstate, err);
    PQclear(result);
    drain(pg);
    return status;
}

/* --- in --- */

static enum status send_rows(struct pg *pg, const struct text *bytes, struct error *err)
{
    for (size_t at = 0; at < bytes->length;) {
        size_t part = bytes->length - at < SEND_BYTES ? bytes->length - at : SEND_BYTES;
        int sent = PQputCopyData(pg->conn, bytes->bytes + at, (int)part);
        if (sent < 0)
            return pg_break(pg, err, "connection lost");
        if (sent > 0)
            at += part;
        pg->deadline_ms = clock_monotonic_ms() + pg->call_timeout_ms; /* as long as it moves */
        enum status status = pg_flush(pg, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* In non-blocking mode libpq may want to be asked again. */
static enum status send_end(struct pg *pg, struct error *err)
{
    int sent;
    while ((sent = PQputCopyEnd(pg->conn, NULL)) == 0) {
        enum status status = pg_flush(pg, err);
        if (status)
            return status;
    }
    if (sent < 0)
        return pg_break(pg, err, "connection lost");
    return pg_flush(pg, err);
}

enum status pg_copy_in(struct pg *pg, const char *copy_sql, struct pg_rows *rows, struct error *err)
{
    static const char trailer[2] = "\377\377";
    if (rows->count == 0 && !rows->bytes.failed)
        return STATUS_OK;
    text_add(&rows->bytes, trailer, sizeof trailer);
    if (rows->bytes.failed)
        return error_set(err, STATUS_FATAL, "database: no memory for rows to copy");
    enum status status = copy_start(pg, copy_sql, PGRES_COPY_IN, err);
    if (!status)
        status = send_rows(pg, &rows->bytes, err);
    if (!status)
        status = send_end(pg, err);
    if (!status)
        status = pg_finish_results(pg, NULL, err);
    if (status)
        return status;
    text_clear(&rows->bytes);
    rows->count = 0;
    return STATUS_OK;
}

/* --- out --- */

struct pg_copy_out {
    struct pg *pg;
    char *message; /* libpq's; one row, the first one with the header before it */
    struct pg_row row;
    bool header_seen;
    bool ended;         /* all rows were read */
    bool failed;        /* status and err are set */
    enum status status; /* why it stopped */
    struct error err;
};

enum status pg_copy_out_begin(struct pg *pg, const char *copy_sql, struct pg_copy_out **copy,
                              struct error *err)
{
    *copy = NULL;
    struct pg_copy_out *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "database: no memory for a copy");
    enum status status = copy_start(pg, copy_sql, PGRES_COPY_OUT, err);
    if (status) {
        free(new);
        return status;
    }
    new->pg = pg;
    *copy = new;
    return STATUS_OK;
}

static struct pg_row *stop(struct pg_copy_out *copy, enum status status)
{
    copy->failed = true;
    copy->status = status;
    return NULL;
}

/* The next message: > 0 its length, -1 the end, 0 failed. */
static int next_message(struct pg_copy_out *copy)
{
    struct pg *pg = copy->pg;
    PQfreemem(copy->message);
    copy->message = NULL;
    int length;
    while ((length = PQgetCopyData(pg->conn, &copy->message, 1)) == 0) {
        pg->deadline_ms = clock_monotonic_ms() + pg->call_timeout_ms; /* as long as it moves */
        enum status status = pg_wait(pg, POLLIN, &copy->err);
        if (!status && !PQconsumeInput(pg->conn))
            status = pg_break(pg, &copy->err, "connection lost");
        if (status) {
            stop(copy, status);
            return 0;
        }
    }
    if (length == -2) {
        stop(copy, pg_break(pg, &copy->err, "connection lost"));
        return 0;
    }
    return length;
}

/* Skips the header of the whole before the first row. False: damaged. */
static bool skip_header(struct pg_copy_out *copy)
{
    if (copy->header_seen)
        return true;
    copy->header_seen = true;
    if (copy->row.end - copy->row.at < COPY_HEADER_BYTES || memcmp(copy->row.at, "PGCOPY\n\377\r\n", 11) != 0)
        return false;
    copy->row.at += COPY_HEADER_BYTES;
    return true;
}

struct pg_row *pg_copy_out_next(struct pg_copy_out *copy)
{
    if (copy->failed || copy->ended)
        return NULL;
    /* The row before was not read as it is: decoder and statement do not fit. */
    if (copy->row.bad || copy->row.at != copy->row.end)
        return stop(copy, error_set(&copy->err, STATUS_FATAL,
                                    "database: a COPY's rows are not of the expected form"));
    for (;;) {
        int length = next_message(copy);
        if (length == 0)
            return NULL;
        if (length < 0) {
            copy->ended = true;
            return NULL;
        }
        copy->row.at = (const unsigned char *)copy->message;
        copy->row.end = copy->row.at + length;
        if (!skip_header(copy) || copy->row.end - copy->row.at == 1)
            return stop(copy, error_set(&copy->err, STATUS_FATAL, "database: a COPY is damaged"));
        if (copy->row.at == copy->row.end)
            continue; /* the header in a message of its own */
        int columns = (int16_t)(copy->row.at[0] << 8 | copy->row.at[1]);
        copy->row.at += 2;
        if (columns >= 0)
            return &copy->row;
        copy->row.at = copy->row.end; /* the trailer; the end follows */
    }
}

enum status pg_copy_out_end(struct pg_copy_out *copy, struct error *err)
{
    struct pg *pg = copy->pg;
    enum status status = STATUS_OK;
    if (copy->ended && pg->conn)
        status = pg_finish_results(pg, NULL, err);
    if (!copy->ended) { /* reading what is left may take longer than a new connection */
        PQfinish(pg->conn);
        pg->conn = NULL;
    }
    if (copy->failed) {
        *err = copy->err;
        status = copy->status;
    }
    PQfreemem(copy->message);
    free(copy);
    return status;
}
