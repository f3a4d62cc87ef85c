/* SPDX-License-Identifier: PostgreSQL */
/*
 * PostgreSQL connections. This is the only user of libpq.
 *
 * Two kinds:
 *   struct pg        blocking, for worker threads and shouwangctl: one statement at a time, each wait with a deadline
 *   struct pg_async  on the event loop: reconnects by itself, a queue of statements, answers by callback
 *
 * Both connect with client_encoding UTF8, search_path shouwang, the time zone UTC, keepalives and
 * tcp_user_timeout, and exchange values in PostgreSQL's binary format, so that nothing depends on how a
 * server prints dates or numbers.
 *
 * Errors: never libpq's message (it may quote data), but the SQLSTATE with our own words, and the names of
 * table, column and constraint where the server gives them. Classes:
 *   STATUS_RETRY   connection lost or refused, SQLSTATE 08, 40, 53, 55P03, 57, deadline passed, cancelled
 *   STATUS_CONFIG  28 (authentication), 3D, 3F, 42 (schema and statement do not fit, privileges)
 *   STATUS_FATAL   everything else: our statement or our data is wrong, or memory has run out
 *
 * A connection whose deadline passed, that was cancelled or lost its peer is broken: it fails every further
 * call with STATUS_RETRY and can only be closed (pg_is_broken).
 *
 * Settings travel in the start-up parameter `options`. A pooler that does not pass it on (pgbouncer:
 * ignore_startup_parameters = options) leaves them to the account: alter role … set search_path = shouwang, pg_temp.
 *
 * Threading: a connection belongs to one thread at a time and may be handed over whole.
 */
#ifndef SHOUWANG_IO_PG_H
#define SHOUWANG_IO_PG_H

#include "base/civil.h"
#include "base/random.h"
#include "base/status.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct pg_result;

/* --- parameters ----------------------------------------------------------------------------------------- */

enum pg_kind {
    PG_END, /* ends a list */
    PG_NULL,
    PG_INT64,
    PG_INT32,
    PG_INT16,
    PG_BOOL,
    PG_DAY,       /* DAY_NONE is sent as null */
    PG_TIMESTAMP, /* Unix milliseconds → timestamptz */
    PG_TEXT,      /* bytes NULL is sent as null; cast in SQL for jsonb ($1::jsonb) */
    PG_UUID,      /* 36 characters */
    PG_INT64_ARRAY,
    PG_INT32_ARRAY,
    PG_INT16_ARRAY,
    PG_TIMESTAMP_ARRAY, /* int64 Unix milliseconds; INT64_MIN = null */
    PG_TEXT_ARRAY,      /* struct slice; bytes NULL = null */
    PG_UUID_ARRAY,      /* const char * of 36 characters each */
};

/* Borrows what it points to until the call returns. */
struct pg_param {
    enum pg_kind kind;
    int64_t number;
    struct slice text;
    const void *array;
    size_t count;
};

/* pg_query(pg, sql, pg_params(pg_of_int64(7), pg_of_text("x")), …); pg_params() for none. */
#define pg_params(...) ((const struct pg_param[]){__VA_ARGS__ __VA_OPT__(, ){.kind = PG_END}})

struct pg_param pg_of_null(void);
struct pg_param pg_of_int64(int64_t value);
struct pg_param pg_of_int32(int32_t value);
struct pg_param pg_of_int16(int value); /* must fit */
struct pg_param pg_of_bool(bool value);
struct pg_param pg_of_day(day_t day);
struct pg_param pg_of_timestamp(int64_t unix_ms);
struct pg_param pg_of_text(const char *text); /* NULL = null */
struct pg_param pg_of_slice(struct slice text);
struct pg_param pg_of_uuid(const char *text); /* valid (pg_uuid_valid) or NULL = null */
struct pg_param pg_of_int64_array(const int64_t *values, size_t count);
struct pg_param pg_of_int32_array(const int32_t *values, size_t count);
struct pg_param pg_of_int16_array(const int16_t *values, size_t count);
struct pg_param pg_of_timestamp_array(const int64_t *unix_ms, size_t count);
struct pg_param pg_of_text_array(const struct slice *texts, size_t count);
struct pg_param pg_of_uuid_array(const char *const *texts, size_t count);

/* 8-4-4-4-12 hexadecimal digits. */
bool pg_uuid_valid(const char *text);
const char *pg_uuid_format(const unsigned char bytes[16], char out[UUID_TEXT_SIZE]); /* returns out */

/* --- results -------------------------------------------------------------------------------------------- */

/* Rows and columns count from 0. A column read with the wrong type is a programmer's error (assert); reading
 * a null gives 0, false, DAY_NONE, an empty slice or "". Slices live as long as the result; a
 * zero follows their bytes. */
size_t pg_result_rows(const struct pg_result *result); /* 0 for NULL */
bool pg_is_null(const struct pg_result *result, size_t row, int column);
int64_t pg_get_int64(const struct pg_result *result, size_t row,
                     int column); /* bigint, integer or smallint */
int32_t pg_get_int32(const struct pg_result *result, size_t row, int column); /* integer or smallint */
int16_t pg_get_int16(const struct pg_result *result, size_t row, int column);
bool pg_get_bool(const struct pg_result *result, size_t row, int column);
day_t pg_get_day(const struct pg_result *result, size_t row, int column);
int64_t pg_get_unix_ms(const struct pg_result *result, size_t row,
                       int column); /* timestamptz; INT64_MIN/MAX for -/+infinity */
struct slice pg_get_text(const struct pg_result *result, size_t row,
                         int column); /* text, varchar, name, json, jsonb */
const char *pg_get_uuid(const struct pg_result *result, size_t row, int column, char out[UUID_TEXT_SIZE]);
/* ctid, never null: where a row lies. */
void pg_get_tid(const struct pg_result *result, size_t row, int column, uint32_t *block, uint16_t *offset);
/* numeric → fen, exact: false when it is null, NaN, infinite, has a third decimal other than 0, or does not
 * fit. */
bool pg_get_fen(const struct pg_result *result, size_t row, int column, int64_t *fen);
void pg_result_free(struct pg_result *result); /* NULL is allowed */

/* --- the blocking connection ---------------------------------------------------------------------------- */

enum {
    PG_STATEMENT_TIMEOUT_MS =
        600000, /* the server's own limit; a first import of a million persons needs minutes */
    PG_LOCK_TIMEOUT_MS = 30000,         /* nobody holds our locks for longer than a commit takes */
    PG_IDLE_IN_TRANSACTION_MS = 300000, /* a worker that hangs must not hold a snapshot for ever */
    PG_CALL_TIMEOUT_MS = 630000, /* ours, a little above the server's, so that the server speaks first */
};

/* conninfo: as libpq takes it (keywords or URI); parameters given there win over ours. timeout_ms bounds the
 * whole connecting, the resolving of a host name included. */
enum status pg_connect(const char *conninfo, const char *application_name, int timeout_ms, struct pg **pg,
                       struct error *err) WARN_UNUSED;
void pg_close(struct pg *pg); /* NULL is allowed; an open transaction is rolled back by the server */
bool pg_is_broken(const struct pg *pg);

/* How long each later call may wait in all (default PG_CALL_TIMEOUT_MS). */
void pg_set_call_timeout(struct pg *pg, int timeout_ms);
/* A wait ends within 100 ms of *cancel becoming true: STATUS_RETRY, connection broken; the server notices within
 * five seconds and ends the statement. NULL = none. The flag must outlive the connection or be taken back. */
void pg_set_cancel(struct pg *pg, const atomic_bool *cancel);
/* The SQLSTATE of the last failure ("23505"), or "" when it had none. */
const char *pg_sqlstate(const struct pg *pg);
int pg_server_version(const struct pg *pg); /* 150018 */

/* Statements without parameters and rows; several may be joined by ';' (they then are one transaction unless
 * one is open). */
enum status pg_exec(struct pg *pg, const char *sql, struct error *err) WARN_UNUSED;
/* One statement; *affected (may be NULL) gets the number of rows it touched. */
enum status pg_update(struct pg *pg, const char *sql, const struct pg_param *params, int64_t *affected,
                      struct error *err) WARN_UNUSED;
/* One statement with rows. The caller frees *result, which is NULL on failure. */
enum status pg_query(struct pg *pg, const char *sql, const struct pg_param *params, struct pg_result **result,
                     struct error *err) WARN_UNUSED;

enum pg_isolation {
    PG_READ_COMMITTED,
    PG_SNAPSHOT, /* repeatable read, read only */
};
enum status pg_begin(struct pg *pg, enum pg_isolation isolation, struct error *err) WARN_UNUSED;
/* When the connection is lost after COMMIT was sent, nobody knows what happened: STATUS_RETRY, and
 * pg_commit_unknown is true; the caller must look (with a new connection) before it does anything again.
 * Every other failure means that nothing was committed. */
enum status pg_commit(struct pg *pg, struct error *err) WARN_UNUSED;
bool pg_commit_unknown(const struct pg *pg);
/* Rolls back if a transaction is open; a failure leaves the connection broken. */
void pg_rollback(struct pg *pg);

/* --- COPY in: rows are composed in memory and sent in one go -------------------------------------------- */

/*
 * A buffer of rows in the binary COPY format. It remembers the first failed allocation; pg_copy_in reports
 * it. To stream, send whenever pg_rows_full: a COPY per PG_ROWS_FULL_BYTES costs nothing that can be
 * measured, and several tables can be fed in turn over one connection.
 */
enum { PG_ROWS_FULL_BYTES = 4 << 20 };
struct pg_rows {
    struct text bytes;
    int64_t count;
};

void pg_rows_init(struct pg_rows *rows);
void pg_rows_fini(struct pg_rows *rows);
bool pg_rows_full(const struct pg_rows *rows);
/* Then exactly so many puts. Returns where the row begins in `bytes`; it ends where they end after the last put. */
size_t pg_rows_begin(struct pg_rows *rows, int columns);
/* A row that another buffer holds, [begin, end) of its bytes. */
void pg_rows_copy(struct pg_rows *rows, const struct pg_rows *from, size_t begin, size_t end);
void pg_put_null(struct pg_rows *rows);
void pg_put_int64(struct pg_rows *rows, int64_t value);
void pg_put_int32(struct pg_rows *rows, int32_t value);
void pg_put_int16(struct pg_rows *rows, int value);
void pg_put_bool(struct pg_rows *rows, bool value);
void pg_put_day(struct pg_rows *rows, day_t day);             /* DAY_NONE = null */
void pg_put_timestamp(struct pg_rows *rows, int64_t unix_ms); /* INT64_MIN = null */
void pg_put_text(struct pg_rows *rows, struct slice text);    /* bytes NULL = null */
void pg_put_str(struct pg_rows *rows, const char *text);      /* NULL = null */
void pg_put_jsonb(struct pg_rows *rows, struct slice json);
void pg_put_uuid(struct pg_rows *rows, const char *text); /* 36 characters; NULL = null */

/* copy_sql: "copy person (person_id, name) from stdin (format binary)". Empties rows on success. Without rows
 * it does nothing. */
enum status pg_copy_in(struct pg *pg, const char *copy_sql, struct pg_rows *rows,
                       struct error *err) WARN_UNUSED;

/* --- COPY out: rows are read where libpq put them ------------------------------------------------------- */

/*
 * One row of a binary COPY, read column by column, left to right, every column. Each read gives false and leaves
 * *value alone when the column is null. A column of another width, one too many or one too few sets `bad`, which
 * ends the rows and which pg_copy_out_end reports.
 */
struct pg_row {
    const unsigned char *at;
    const unsigned char *end;
    bool bad;
};

struct pg_copy_out;
/* copy_sql: "copy (select …) to stdout (format binary)". */
enum status pg_copy_out_begin(struct pg *pg, const char *copy_sql, struct pg_copy_out **copy,
                              struct error *err) WARN_UNUSED;
/* NULL at the end and after a failure; pg_copy_out_end tells which. The row is valid until the next call. */
struct pg_row *pg_copy_out_next(struct pg_copy_out *copy);
/* Must be called after every successful begin; frees. Called before the rows have ended, it abandons the rest, and the
 * connection is broken. */
enum status pg_copy_out_end(struct pg_copy_out *copy, struct error *err) WARN_UNUSED;

static inline uint32_t pg_wire_uint32(const unsigned char *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t pg_wire_uint64(const unsigned char *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

/* The next column's bytes: NULL for null and for damage (then bad is set). width < 0 = any. */
static inline const unsigned char *pg_row_column(struct pg_row *row, int width, int *length)
{
    if (row->end - row->at < 4) {
        row->bad = true;
        return 0;
    }
    int32_t n = (int32_t)pg_wire_uint32(row->at);
    row->at += 4;
    if (n == -1)
        return 0;
    if (n < 0 || n > row->end - row->at || (width >= 0 && n != width)) {
        row->bad = true;
        row->at = row->end;
        return 0;
    }
    const unsigned char *bytes = row->at;
    row->at += n;
    *length = n;
    return bytes;
}

static inline bool pg_row_int64(struct pg_row *row, int64_t *value)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 8, &length);
    if (bytes)
        *value = (int64_t)pg_wire_uint64(bytes);
    return bytes != 0;
}

static inline bool pg_row_int32(struct pg_row *row, int32_t *value)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 4, &length);
    if (bytes)
        *value = (int32_t)pg_wire_uint32(bytes);
    return bytes != 0;
}

static inline bool pg_row_int16(struct pg_row *row, int16_t *value)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 2, &length);
    if (bytes)
        *value = (int16_t)(bytes[0] << 8 | bytes[1]);
    return bytes != 0;
}

static inline bool pg_row_bool(struct pg_row *row, bool *value)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 1, &length);
    if (bytes)
        *value = bytes[0] != 0;
    return bytes != 0;
}

/* DAY_NONE for null. PostgreSQL counts days from 2000-01-01, 10957 days after 1970-01-01. */
static inline day_t pg_row_day(struct pg_row *row)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 4, &length);
    return bytes ? (day_t)((int32_t)pg_wire_uint32(bytes) + 10957) : DAY_NONE;
}

/* bytes NULL for null. */
static inline struct slice pg_row_text(struct pg_row *row)
{
    int length = 0;
    const unsigned char *bytes = pg_row_column(row, -1, &length);
    return (struct slice){(const char *)bytes, (size_t)length};
}

/* Empty for null. */
static inline void pg_row_uuid(struct pg_row *row, char out[UUID_TEXT_SIZE])
{
    int length = 0;
    const unsigned char *bytes = pg_row_column(row, 16, &length);
    out[0] = '\0';
    if (bytes)
        pg_uuid_format(bytes, out);
}

/* --- the connection on the loop ------------------------------------------------------------------------- */

/*
 * One connection that the loop thread owns. It connects at once, and again whenever it is lost, with
 * exponential back-off and jitter (PG_BACKOFF_MIN_MS doubling to PG_BACKOFF_MAX_MS). Statements are sent in
 * the order in which they were submitted; each stands in a transaction of its own.
 *
 * Callbacks run from the loop, never from inside pg_async_submit. They may submit further statements; they
 * may not free the connection.
 */
struct loop;
struct pg_async;

enum {
    PG_BACKOFF_MIN_MS = 200,
    PG_BACKOFF_MAX_MS = 30000,
    PG_CONNECT_TIMEOUT_MS = 10000,
    PG_PROBE_MS = 15000, /* an idle connection is asked so often whether it still hears us */
    PG_PROBE_TIMEOUT_MS = 5000,
    PG_ASYNC_QUEUE_MAX = 4096, /* more waiting statements than that mean that nobody looks at answers */
};

/* result is NULL unless status is STATUS_OK; it and err are valid during the call only. With STATUS_RETRY the
 * statement may or may not have been executed. */
typedef void (*pg_async_done)(void *context, enum status status, const struct pg_result *result,
                              const struct error *err);
/* Told when the connection comes up (err NULL) and when it goes down or an attempt to connect fails (why). */
typedef void (*pg_async_state)(void *context, bool up, const struct error *err);

/* Copies conninfo. */
enum status pg_async_new(struct loop *loop, const char *conninfo, const char *application_name,
                         pg_async_state state, void *context, struct pg_async **async,
                         struct error *err) WARN_UNUSED;
/* Waiting statements are answered with STATUS_RETRY before it returns. */
void pg_async_free(struct pg_async *async);
bool pg_async_is_up(const struct pg_async *async);
/* Parameters are copied. Refused with STATUS_RETRY at once when the connection is down or the queue is full;
 * once accepted, `done` is called exactly once, after timeout_ms at the latest. */
enum status pg_async_submit(struct pg_async *async, const char *sql, const struct pg_param *params,
                            int timeout_ms, pg_async_done done, void *context, struct error *err) WARN_UNUSED;
size_t pg_async_waiting(const struct pg_async *async);

#endif
