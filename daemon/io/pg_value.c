/* SPDX-License-Identifier: PostgreSQL */
/* Values on the wire: parameters, results, numeric. PostgreSQL's binary formats (the *_send functions of src/backend/utils/adt). */
#include "io/pg_internal.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* src/include/catalog/pg_type.dat; these numbers are permanent. */
enum {
    OID_BOOL = 16,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_TID = 27,
    OID_JSON = 114,
    OID_INT2_ARRAY = 1005,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMPTZ = 1184,
    OID_TIMESTAMPTZ_ARRAY = 1185,
    OID_UUID = 2950,
    OID_UUID_ARRAY = 2951,
    OID_JSONB = 3802,
};

/* 2000-01-01 in Unix time. */
#define PG_EPOCH_UNIX_MS INT64_C(946684800000)

/* --- bytes --- */

static void add_uint16(struct text *out, uint16_t v)
{
    v = __builtin_bswap16(v);
    text_add(out, (const char *)&v, sizeof v);
}

static void add_uint32(struct text *out, uint32_t v)
{
    v = __builtin_bswap32(v);
    text_add(out, (const char *)&v, sizeof v);
}

static void add_uint64(struct text *out, uint64_t v)
{
    v = __builtin_bswap64(v);
    text_add(out, (const char *)&v, sizeof v);
}

static int64_t timestamp_to_pg(int64_t unix_ms)
{
    int64_t us;
    if (unix_ms == INT64_MAX || __builtin_mul_overflow(unix_ms - PG_EPOCH_UNIX_MS, INT64_C(1000), &us))
        return unix_ms < 0 ? INT64_MIN : INT64_MAX; /* -infinity, infinity */
    return us;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pg_uuid_bytes(const char *text, unsigned char out[16])
{
    size_t n = 0;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        int high = hex_digit(text[i]);
        int low = high < 0 ? -1 : hex_digit(text[i + 1]);
        if (low < 0)
            return false;
        out[n++] = (unsigned char)(high << 4 | low);
        i++;
    }
    return text[UUID_TEXT_SIZE - 1] == '\0';
}

const char *pg_uuid_format(const unsigned char bytes[16], char out[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
    return out;
}

/* --- parameters --- */

struct pg_param pg_of_null(void)
{
    return (struct pg_param){.kind = PG_NULL};
}

struct pg_param pg_of_int64(int64_t value)
{
    return (struct pg_param){.kind = PG_INT64, .number = value};
}

struct pg_param pg_of_int32(int32_t value)
{
    return (struct pg_param){.kind = PG_INT32, .number = value};
}

struct pg_param pg_of_int16(int value)
{
    assert(value >= INT16_MIN && value <= INT16_MAX);
    return (struct pg_param){.kind = PG_INT16, .number = value};
}

struct pg_param pg_of_bool(bool value)
{
    return (struct pg_param){.kind = PG_BOOL, .number = value};
}

struct pg_param pg_of_day(day_t day)
{
    return (struct pg_param){.kind = day == DAY_NONE ? PG_NULL : PG_DAY, .number = day};
}

struct pg_param pg_of_timestamp(int64_t unix_ms)
{
    return (struct pg_param){.kind = PG_TIMESTAMP, .number = unix_ms};
}

struct pg_param pg_of_slice(struct slice text)
{
    return (struct pg_param){.kind = text.bytes ? PG_TEXT : PG_NULL, .text = text};
}

struct pg_param pg_of_text(const char *text)
{
    return pg_of_slice(slice_of(text));
}

struct pg_param pg_of_uuid(const char *text)
{
    return (struct pg_param){.kind = text ? PG_UUID : PG_NULL, .text = slice_of(text)};
}

static struct pg_param array_param(enum pg_kind kind, const void *values, size_t count)
{
    return (struct pg_param){.kind = kind, .array = values, .count = count};
}

struct pg_param pg_of_int64_array(const int64_t *values, size_t count)
{
    return array_param(PG_INT64_ARRAY, values, count);
}

struct pg_param pg_of_int32_array(const int32_t *values, size_t count)
{
    return array_param(PG_INT32_ARRAY, values, count);
}

struct pg_param pg_of_int16_array(const int16_t *values, size_t count)
{
    return array_param(PG_INT16_ARRAY, values, count);
}

struct pg_param pg_of_text_array(const struct slice *texts, size_t count)
{
    return array_param(PG_TEXT_ARRAY, texts, count);
}

struct pg_param pg_of_uuid_array(const char *const *texts, size_t count)
{
    return array_param(PG_UUID_ARRAY, texts, count);
}

static const Oid type_oids[] = {
    [PG_END] = 0,
    [PG_NULL] = 0, /* the server works it out */
    [PG_INT64] = OID_INT8,
    [PG_INT32] = OID_INT4,
    [PG_INT16] = OID_INT2,
    [PG_BOOL] = OID_BOOL,
    [PG_DAY] = OID_DATE,
    [PG_TIMESTAMP] = OID_TIMESTAMPTZ,
    [PG_TEXT] = OID_TEXT,
    [PG_UUID] = OID_UUID,
    [PG_INT64_ARRAY] = OID_INT8_ARRAY,
    [PG_INT32_ARRAY] = OID_INT4_ARRAY,
    [PG_INT16_ARRAY] = OID_INT2_ARRAY,
    [PG_TEXT_ARRAY] = OID_TEXT_ARRAY,
    [PG_UUID_ARRAY] = OID_UUID_ARRAY,
};

static const Oid element_oids[] = {
    [PG_INT64_ARRAY] = OID_INT8, [PG_INT32_ARRAY] = OID_INT4, [PG_INT16_ARRAY] = OID_INT2,
    [PG_TEXT_ARRAY] = OID_TEXT,  [PG_UUID_ARRAY] = OID_UUID,
};

/* A length and a value. */
static bool add_element(struct text *out, const struct pg_param *param, size_t i)
{
    switch (param->kind) {
    case PG_INT64_ARRAY:
        add_uint32(out, 8);
        add_uint64(out, (uint64_t)((const int64_t *)param->array)[i]);
        return true;
    case PG_INT32_ARRAY:
        add_uint32(out, 4);
        add_uint32(out, (uint32_t)((const int32_t *)param->array)[i]);
        return true;
    case PG_INT16_ARRAY:
        add_uint32(out, 2);
        add_uint16(out, (uint16_t)((const int16_t *)param->array)[i]);
        return true;
    case PG_TEXT_ARRAY: {
        struct slice text = ((const struct slice *)param->array)[i];
        add_uint32(out, text.bytes ? (uint32_t)text.length : UINT32_MAX);
        if (text.bytes)
            text_add(out, text.bytes, text.length);
        return true;
    }
    case PG_UUID_ARRAY: {
        unsigned char bytes[16];
        if (!pg_uuid_bytes(((const char *const *)param->array)[i], bytes))
            return false;
        add_uint32(out, 16);
        text_add(out, (const char *)bytes, sizeof bytes);
        return true;
    }
    default:
        assert(!"not an array");
        return false;
    }
}

static bool add_array(struct text *out, const struct pg_param *param)
{
    add_uint32(out, param->count ? 1 : 0); /* dimensions */
    add_uint32(out, 1);                    /* there may be nulls */
    add_uint32(out, element_oids[param->kind]);
    if (param->count) {
        add_uint32(out, (uint32_t)param->count);
        add_uint32(out, 1); /* lower bound */
    }
    for (size_t i = 0; i < param->count; i++)
        if (!add_element(out, param, i))
            return false;
    return true;
}

static bool add_param(struct text *out, const struct pg_param *param)
{
    unsigned char uuid[16];
    switch (param->kind) {
    case PG_INT64:
        add_uint64(out, (uint64_t)param->number);
        return true;
    case PG_INT32:
        add_uint32(out, (uint32_t)param->number);
        return true;
    case PG_INT16:
        add_uint16(out, (uint16_t)param->number);
        return true;
    case PG_BOOL:
        text_add_char(out, (char)param->number);
        return true;
    case PG_DAY:
        add_uint32(out, (uint32_t)civil_to_pg((day_t)param->number));
        return true;
    case PG_TIMESTAMP:
        add_uint64(out, (uint64_t)timestamp_to_pg(param->number));
        return true;
    case PG_TEXT:
        text_add(out, param->text.bytes, param->text.length);
        return true;
    case PG_UUID:
        if (!pg_uuid_bytes(param->text.bytes, uuid))
            return false;
        text_add(out, (const char *)uuid, sizeof uuid);
        return true;
    default:
        return add_array(out, param);
    }
}

enum status pg_encode(const struct pg_param *params, struct pg_encoded *encoded, struct error *err)
{
    size_t offsets[PG_PARAMS_MAX];
    encoded->count = 0;
    text_init(&encoded->bytes);
    text_add_char(&encoded->bytes, '\0'); /* so that an empty first value has an address */
    for (; params->kind != PG_END; params++) {
        int i = encoded->count++;
        assert(i < PG_PARAMS_MAX);
        offsets[i] = encoded->bytes.length;
        encoded->types[i] = type_oids[params->kind];
        encoded->formats[i] = 1;
        if (params->kind != PG_NULL && !add_param(&encoded->bytes, params))
            return error_set(err, STATUS_REJECT,
                             "parameter %d is no UUID; expected 8-4-4-4-12 hexadecimal digits", i + 1);
        encoded->lengths[i] = params->kind == PG_NULL ? -1 : (int)(encoded->bytes.length - offsets[i]);
    }
    if (encoded->bytes.failed || encoded->bytes.length > INT32_MAX)
        return error_set(err, STATUS_FATAL, "database: no memory for a statement's parameters");
    for (int i = 0; i < encoded->count; i++)
        encoded->values[i] = encoded->lengths[i] < 0 ? NULL : encoded->bytes.bytes + offsets[i];
    return STATUS_OK;
}

void pg_encoded_fini(struct pg_encoded *encoded)
{
    text_fini(&encoded->bytes);
}

/* --- results --- */

static const PGresult *rows_of(const struct pg_result *result)
{
    return (const PGresult *)result;
}

size_t pg_result_rows(const struct pg_result *result)
{
    return result ? (size_t)PQntuples(rows_of(result)) : 0;
}

void pg_result_free(struct pg_result *result)
{
    PQclear((PGresult *)result);
}

bool pg_is_null(const struct pg_result *result, size_t row, int column)
{
    return PQgetisnull(rows_of(result), (int)row, column);
}

static const unsigned char *value_of(const struct pg_result *result, size_t row, int column)
{
    return (const unsigned char *)PQgetvalue(rows_of(result), (int)row, column);
}

static int16_t wire_int16(const unsigned char *p)
{
    return (int16_t)(p[0] << 8 | p[1]);
}

int64_t pg_get_int64(const struct pg_result *result, size_t row, int column)
{
    if (PQftype(rows_of(result), column) != OID_INT8)
        return pg_get_int32(result, row, column);
    return pg_is_null(result, row, column) ? 0 : (int64_t)pg_wire_uint64(value_of(result, row, column));
}

int32_t pg_get_int32(const struct pg_result *result, size_t row, int column)
{
    if (PQftype(rows_of(result), column) != OID_INT4)
        return pg_get_int16(result, row, column);
    return pg_is_null(result, row, column) ? 0 : (int32_t)pg_wire_uint32(value_of(result, row, column));
}

int16_t pg_get_int16(const struct pg_result *result, size_t row, int column)
{
    assert(PQftype(rows_of(result), column) == OID_INT2);
    return pg_is_null(result, row, column) ? (int16_t)0 : wire_int16(value_of(result, row, column));
}

bool pg_get_bool(const struct pg_result *result, size_t row, int column)
{
    assert(PQftype(rows_of(result), column) == OID_BOOL);
    return !pg_is_null(result, row, column) && *value_of(result, row, column);
}

day_t pg_get_day(const struct pg_result *result, size_t row, int column)
{
    assert(PQftype(rows_of(result), column) == OID_DATE);
    if (pg_is_null(result, row, column))
        return DAY_NONE;
    return civil_from_pg((int32_t)pg_wire_uint32(value_of(result, row, column)));
}

int64_t pg_get_unix_ms(const struct pg_result *result, size_t row, int column)
{
    assert(PQftype(rows_of(result), column) == OID_TIMESTAMPTZ);
    if (pg_is_null(result, row, column))
        return INT64_MIN;
    int64_t us = (int64_t)pg_wire_uint64(value_of(result, row, column));
    if (us == INT64_MIN || us == INT64_MAX)
        return us;
    int64_t ms = us / 1000 - (us % 1000 < 0); /* towards the past, also before 2000 */
    return ms + PG_EPOCH_UNIX_MS;
}

struct slice pg_get_text(const struct pg_result *result, size_t row, int column)
{
    Oid type = PQftype(rows_of(result), column);
    assert(type == OID_TEXT || type == OID_VARCHAR || type == OID_NAME || type == OID_JSON ||
           type == OID_JSONB);
    struct slice text = {(const char *)value_of(result, row, column),
                         (size_t)PQgetlength(rows_of(result), (int)row, column)};
    if (type == OID_JSONB && text.length) { /* a version byte comes first */
        text.bytes++;
        text.length--;
    }
    return text;
}

const char *pg_get_uuid(const struct pg_result *result, size_t row, int column, char out[UUID_TEXT_SIZE])
{
    assert(PQftype(rows_of(result), column) == OID_UUID);
    out[0] = '\0';
    return pg_is_null(result, row, column) ? out : pg_uuid_format(value_of(result, row, column), out);
}

void pg_get_tid(const struct pg_result *result, size_t row, int column, uint32_t *block, uint16_t *offset)
{
    assert(PQftype(rows_of(result), column) == OID_TID);
    const unsigned char *p = value_of(result, row, column);
    *block = pg_wire_uint32(p);
    *offset = (uint16_t)(p[4] << 8 | p[5]);
}

/* --- rows for COPY --- */

static const char copy_header[] = "PGCOPY\n\377\r\n\0" /* signature, with its terminating zero */
                                  "\0\0\0\0\0\0\0\0";  /* no flags, no extension */
enum { COPY_HEADER_BYTES = 19 };

void pg_rows_init(struct pg_rows *rows)
{
    text_init(&rows->bytes);
    rows->count = 0;
}

void pg_rows_fini(struct pg_rows *rows)
{
    text_fini(&rows->bytes);
    rows->count = 0;
}

bool pg_rows_full(const struct pg_rows *rows)
{
    return rows->bytes.length >= PG_ROWS_FULL_BYTES;
}

static size_t begin_row(struct pg_rows *rows)
{
    if (rows->count++ == 0)
        text_add(&rows->bytes, copy_header, COPY_HEADER_BYTES);
    return rows->bytes.length;
}

size_t pg_rows_begin(struct pg_rows *rows, int columns)
{
    size_t begin = begin_row(rows);
    add_uint16(&rows->bytes, (uint16_t)columns);
    return begin;
}

void pg_rows_copy(struct pg_rows *rows, const struct pg_rows *from, size_t begin, size_t end)
{
    begin_row(rows);
    text_add(&rows->bytes, from->bytes.bytes + begin, end - begin);
}

/* A length and a value of fixed width in one go: this is where an import's time goes. */
static void put_fixed(struct pg_rows *rows, uint32_t width, uint64_t big_endian)
{
    char cell[12];
    uint32_t length = __builtin_bswap32(width);
    memcpy(cell, &length, 4);
    memcpy(cell + 4, &big_endian, 8);
    text_add(&rows->bytes, cell, 4 + width);
}

void pg_put_null(struct pg_rows *rows)
{
    add_uint32(&rows->bytes, UINT32_MAX);
}

void pg_put_int64(struct pg_rows *rows, int64_t value)
{
    put_fixed(rows, 8, __builtin_bswap64((uint64_t)value));
}

void pg_put_int32(struct pg_rows *rows, int32_t value)
{
    put_fixed(rows, 4, __builtin_bswap32((uint32_t)value));
}

void pg_put_int16(struct pg_rows *rows, int value)
{
    assert(value >= INT16_MIN && value <= INT16_MAX);
    put_fixed(rows, 2, __builtin_bswap16((uint16_t)value));
}

void pg_put_bool(struct pg_rows *rows, bool value)
{
    put_fixed(rows, 1, value);
}

void pg_put_day(struct pg_rows *rows, day_t day)
{
    if (day == DAY_NONE)
        pg_put_null(rows);
    else
        pg_put_int32(rows, civil_to_pg(day));
}

void pg_put_text(struct pg_rows *rows, struct slice text)
{
    if (!text.bytes) {
        pg_put_null(rows);
        return;
    }
    add_uint32(&rows->bytes, (uint32_t)text.length);
    text_add(&rows->bytes, text.bytes, text.length);
}

void pg_put_str(struct pg_rows *rows, const char *text)
{
    pg_put_text(rows, slice_of(text));
}

void pg_put_jsonb(struct pg_rows *rows, struct slice json)
{
    add_uint32(&rows->bytes, (uint32_t)json.length + 1);
    text_add_char(&rows->bytes, 1); /* version */
    text_add(&rows->bytes, json.bytes, json.length);
}

void pg_put_uuid(struct pg_rows *rows, const char *text)
{
    unsigned char bytes[16];
    if (!text) {
        pg_put_null(rows);
        return;
    }
    bool valid = pg_uuid_bytes(text, bytes);
    assert(valid);
    if (!valid)
        rows->bytes.failed = true;
    add_uint32(&rows->bytes, sizeof bytes);
    text_add(&rows->bytes, (const char *)bytes, sizeof bytes);
}
