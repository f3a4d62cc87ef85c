/* SPDX-License-Identifier: PostgreSQL */
/*
 * Values in PostgreSQL's binary format: parameters of statements, answers, rows of a COPY in both directions. They know no
 * connection; those are in pg.h.
 *
 * Sources: the *_send and *_recv functions of src/backend/utils/adt; "COPY, Binary Format" in PostgreSQL's manual.
 */
#ifndef SHOUWANG_IO_PG_VALUE_H
#define SHOUWANG_IO_PG_VALUE_H

#include "base/civil.h"
#include "base/random.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    PG_TEXT_ARRAY, /* struct slice; bytes NULL = null */
    PG_UUID_ARRAY, /* const char * of 36 characters each */
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
struct pg_param
pg_of_uuid(const char *text); /* 8-4-4-4-12 hexadecimal digits, else STATUS_REJECT; NULL = null */
struct pg_param pg_of_int64_array(const int64_t *values, size_t count);
struct pg_param pg_of_int32_array(const int32_t *values, size_t count);
struct pg_param pg_of_int16_array(const int16_t *values, size_t count);
struct pg_param pg_of_text_array(const struct slice *texts, size_t count);
struct pg_param pg_of_uuid_array(const char *const *texts, size_t count);

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
void pg_result_free(struct pg_result *result); /* NULL is allowed */

/* --- rows on their way in: composed in memory and sent in one go ------------------------------------------ */

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
void pg_put_day(struct pg_rows *rows, day_t day);          /* DAY_NONE = null */
void pg_put_text(struct pg_rows *rows, struct slice text); /* bytes NULL = null */
void pg_put_str(struct pg_rows *rows, const char *text);   /* NULL = null */
void pg_put_jsonb(struct pg_rows *rows, struct slice json);
void pg_put_uuid(struct pg_rows *rows, const char *text); /* 36 characters; NULL = null */

/* --- rows on their way out: read where libpq put them ------------------------------------------------------ */

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

#endif
