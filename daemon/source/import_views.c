/* SPDX-License-Identifier: PostgreSQL */
/*
 * The register from the views of a county's own database. Each view is read by binary COPY, its columns as they are on
 * the wire (a cast in the server costs half as much again as the pull), and handed on as text, like a CSV file's.
 *
 * Numeric on the wire (PostgreSQL, src/backend/utils/adt/numeric.c, numeric_send): four int16 (digits, weight, sign,
 * display scale), then base-10000 digits, the first worth 10000^weight.
 */
#include "config.h"

#include "source/import.h"
#include "source/import_rows.h"

#include "base/money.h"
#include "io/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types of columns that are understood (pg_type.dat). */
enum view_type {
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_BPCHAR = 1042,
    TYPE_VARCHAR = 1043,
    TYPE_DATE = 1082,
    TYPE_NUMERIC = 1700,
};

enum {
    VIEW_COLUMNS_MAX = 9,
    VIEW_CELL_MAX = 32, /* a number or a date as text */
    VIEW_SQL_MAX = 1024,
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_POSITIVE = 0,
    NUMERIC_BASE = 10000,
};

static const char *const view_names[IMPORT_TABLES] = {"household", "person", "fact"};

/* Where columns of a view stand that are handed on under another name. */
#define AMOUNT "amount"

static const char *const view_columns[IMPORT_TABLES][VIEW_COLUMNS_MAX + 1] = {
    {"household_no", "township_code", "village_code", "area", "address", NULL},
    {"household_no", "id_number", "name", "kinship", "labour", NULL},
    {"household_no", "id_number", "code", "value", "from", "to", "ref", "as_of", AMOUNT, NULL},
};

struct view_column {
    const char *name;
    int64_t type;
    int to; /* the field it fills; amount fills that of value */
};

struct import_views {
    struct pg *county;
    const char *schema;
    struct csv csv;
    struct view_column columns[VIEW_COLUMNS_MAX];
    size_t column_count;
    struct pg_copy_out *copy;
    char cells[VIEW_COLUMNS_MAX][VIEW_CELL_MAX];
};

static enum status quote_name(char *out, size_t size, const char *name, struct error *err)
{
    size_t made = 0;
    for (const char *at = name; *at; at++) {
        if (made + 3 > size)
            return error_set(err, STATUS_CONFIG, "found a schema's name of more than %zu bytes", size);
        if (*at == '"')
            out[made++] = '"';
        out[made++] = *at;
    }
    out[made] = '\0';
    return STATUS_OK;
}

/* --- columns ------------------------------------------------------------------------------------------------------------ */

static bool type_fits(const char *name, int64_t type)
{
    bool text = type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_BPCHAR;
    if (strcmp(name, AMOUNT) == 0)
        return type == TYPE_INT8 || type == TYPE_NUMERIC;
    if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0 || strcmp(name, "as_of") == 0)
        return text || type == TYPE_DATE;
    return text || type == TYPE_INT8 || type == TYPE_INT4 || type == TYPE_INT2;
}

static enum status take_columns(struct import_views *views, enum import_table table,
                                const struct pg_result *found, struct error *err)
{
    const char *names[VIEW_COLUMNS_MAX];
    unsigned fields = 0;
    views->column_count = 0;
    for (size_t i = 0; view_columns[table][i]; i++)
        for (size_t row = 0; row < pg_result_rows(found); row++) {
            const char *name = view_columns[table][i];
            if (!slice_is(pg_get_text(found, row, 0), name))
                continue;
            int64_t type = pg_get_int64(found, row, 1);
            if (!type_fits(name, type))
                return error_set(
                    err, STATUS_CONFIG, "view %s, column %s: found type number %lld, expected %s",
                    view_names[table], name, (long long)type,
                    strcmp(name, AMOUNT) == 0 ? "bigint or numeric" : "text, a whole number or a date");
            struct view_column *column = &views->columns[views->column_count++];
            *column = (struct view_column){name, type, (int)fields};
            if (strcmp(name, AMOUNT) != 0)
                names[fields++] = name;
        }
    csv_adopt_header(&views->csv, names, fields);
    int value = csv_column(&views->csv, "value");
    for (size_t i = 0; i < views->column_count; i++)
        if (strcmp(views->columns[i].name, AMOUNT) == 0)
            views->columns[i].to = value;
    if (fields == 0)
        return error_set(err, STATUS_CONFIG,
                         "view %s: found none, or one without our columns, expected it in the schema",
                         view_names[table]);
    return STATUS_OK;
}

static enum status find_columns(struct import_views *views, enum import_table table, struct error *err)
{
    struct pg_result *found;
    enum status status = pg_query(
        views->county,
        "select a.attname::text, a.atttypid::bigint from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2"
        " and a.attnum > 0 and not a.attisdropped",
        pg_params(pg_of_text(views->schema), pg_of_text(view_names[table])), &found, err);
    if (status != STATUS_OK)
        return status;
    status = take_columns(views, table, found, err);
    pg_result_free(found);
    return status;
}

static enum status views_begin(void *source, enum import_table table, struct csv **csv, struct error *err)
{
    struct import_views *views = source;
    char sql[VIEW_SQL_MAX], schema[160];
    enum status status = find_columns(views, table, err);
    if (status == STATUS_OK)
        status = quote_name(schema, sizeof schema, views->schema, err);
    if (status != STATUS_OK)
        return status;
    size_t length = (size_t)snprintf(sql, sizeof sql, "copy (select ");
    for (size_t i = 0; i < views->column_count; i++)
        length += (size_t)snprintf(sql + length, sizeof sql - length, "%s\"%s\"", i ? ", " : "",
                                   views->columns[i].name);
    snprintf(sql + length, sizeof sql - length, " from \"%s\".\"%s\") to stdout (format binary)", schema,
             view_names[table]);
    views->csv.line = 1;
    *csv = &views->csv;
    status = pg_copy_out_begin(views->county, sql, &views->copy, err);
    return status == STATUS_OK ? status : error_wrap(err, "view %s", view_names[table]);
}

/* --- cells ---------------------------------------------------------------------------------------------------------------- */

static int16_t wire_int16(const unsigned char *bytes)
{
    return (int16_t)(bytes[0] << 8 | bytes[1]);
}

/* Yuan on the wire to fen; false when it is no such amount: a third decimal, too large, NaN, infinite. */
static bool numeric_to_fen(const unsigned char *bytes, int length, bool *negative, int64_t *fen)
{
    if (length < 8)
        return false;
    int digits = wire_int16(bytes), weight = wire_int16(bytes + 2), sign = (uint16_t)wire_int16(bytes + 4);
    *negative = sign == NUMERIC_NEGATIVE;
    if ((sign != NUMERIC_NEGATIVE && sign != NUMERIC_POSITIVE) || digits < 0 || length != 8 + 2 * digits ||
        weight > 2)
        return false;
    int64_t sum = 0; /* in units of 10000^-1: less than 10000^4 */
    for (int i = 0; i < digits; i++) {
        int64_t digit = wire_int16(bytes + 8 + 2 * i);
        int power = weight - i;
        if (power < -1)
            return false;
        for (int p = -1; p < power; p++)
            digit *= NUMERIC_BASE;
        sum += digit;
    }
    *fen = sum / 100;
    return sum % 100 == 0;
}

static struct slice write_amount(char cell[VIEW_CELL_MAX], bool readable, bool negative, int64_t fen)
{
    char text[MONEY_TEXT_SIZE];
    if (!readable)
        snprintf(cell, VIEW_CELL_MAX, "(no amount)");
    else
        snprintf(cell, VIEW_CELL_MAX, "%s%s", negative ? "-" : "", money_format(fen, text));
    return slice_of(cell);
}

static struct slice read_amount(const struct view_column *column, const unsigned char *bytes, int length,
                                char cell[VIEW_CELL_MAX])
{
    bool negative = false, readable = true;
    int64_t fen = 0;
    if (column->type == TYPE_NUMERIC) {
        readable = numeric_to_fen(bytes, length, &negative, &fen);
    } else {
        int64_t value = (int64_t)pg_wire_uint64(bytes);
        negative = value < 0;
        readable = value != INT64_MIN;
        fen = negative && readable ? -value : value;
    }
    return write_amount(cell, readable, negative, fen);
}

static struct slice read_integer(const unsigned char *bytes, int length, char cell[VIEW_CELL_MAX])
{
    int64_t value = length == 8   ? (int64_t)pg_wire_uint64(bytes)
                    : length == 4 ? (int32_t)pg_wire_uint32(bytes)
                                  : wire_int16(bytes);
    snprintf(cell, VIEW_CELL_MAX, "%lld", (long long)value);
    return slice_of(cell);
}

static struct slice read_cell(const struct view_column *column, const unsigned char *bytes, int length,
                              char cell[VIEW_CELL_MAX])
{
    if (strcmp(column->name, AMOUNT) == 0)
        return read_amount(column, bytes, length, cell);
    switch (column->type) {
    case TYPE_INT8:
    case TYPE_INT4:
    case TYPE_INT2:
        return read_integer(bytes, length, cell);
    case TYPE_DATE:
        return slice_of(civil_format(civil_from_pg((int32_t)pg_wire_uint32(bytes)), cell));
    default:
        return (struct slice){(const char *)bytes, (size_t)length};
    }
}

/* The width that the wire must have; -1 = any. */
static int width_of(int64_t type)
{
    return type == TYPE_INT8 ? 8 : type == TYPE_INT4 || type == TYPE_DATE ? 4 : type == TYPE_INT2 ? 2 : -1;
}

/* --- rows ----------------------------------------------------------------------------------------------------------------- */

static enum csv_step views_next(void *source, enum import_table table, struct error *err)
{
    struct import_views *views = source;
    struct pg_row *row = pg_copy_out_next(views->copy);
    if (!row) {
        enum status status = pg_copy_out_end(views->copy, err);
        views->copy = NULL;
        if (status != STATUS_OK)
            error_wrap(err, "view %s", view_names[table]);
        return status == STATUS_OK ? CSV_END : CSV_BROKEN;
    }
    bool too_long = false;
    views->csv.line++;
    for (size_t i = 0; i < views->column_count; i++) {
        const struct view_column *column = &views->columns[i];
        int length = 0;
        const unsigned char *bytes = pg_row_column(row, width_of(column->type), &length);
        too_long = too_long || length > CSV_FIELD_MAX;
        if (column->to < 0 || (strcmp(column->name, AMOUNT) == 0 && !bytes))
            continue;
        views->csv.field[column->to] =
            bytes ? read_cell(column, bytes, length, views->cells[i]) : (struct slice){"", 0};
    }
    if (!too_long)
        return CSV_ROW;
    views->csv.fault = CSV_FAULT_FIELD_LENGTH;
    views->csv.found = 0;
    views->csv.fields = views->csv.columns;
    return CSV_BAD_ROW;
}

static enum status views_end(void *source, enum import_table table, struct error *err)
{
    (void)source, (void)table, (void)err;
    return STATUS_OK; /* one snapshot: nothing could change */
}

enum status import_views(struct pg *pg, struct pg *county, const char *schema,
                         const struct import_settings *settings, struct import_result *result,
                         struct error *err)
{
    struct import_views *views = calloc(1, sizeof *views);
    *result = (struct import_result){0};
    if (!views)
        return error_set(err, STATUS_FATAL, "out of memory");
    views->county = county;
    views->schema = schema;
    struct import_rows rows = {
        .source = views,
        .begin = views_begin,
        .next = views_next,
        .end = views_end,
        .names = {"view household", "view person", "view fact"},
        .prefixes = {"household", "person", "fact"},
        .file_name = "views",
    };
    enum status status = pg_begin(county, PG_SNAPSHOT, err);
    if (status == STATUS_OK)
        status = import_run(pg, settings, &rows, result, err);
    struct error abandoned; /* an import that ended early does not read the rest */
    if (views->copy && pg_copy_out_end(views->copy, &abandoned) != STATUS_OK)
        views->copy = NULL;
    pg_rollback(county);
    free(views);
    return status;
}
