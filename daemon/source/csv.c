/* SPDX-License-Identifier: PostgreSQL */
/*
 * How it is read: the marks at which fields end are found some thousand bytes ahead (csv_scan.h); everything between two marks
 * is taken over untouched. A row with as many fields as the header and nothing unusual about its quotes is a run of commas and
 * one LF, and is taken at one go; any other is read carefully, from one comma, quote, LF or NUL to the next. A row that the
 * window does not hold whole is begun anew in the next window, so that no state lives inside a row.
 */
#include "config.h"

#include "source/csv.h"

#include <stdio.h>
#include <string.h>

void csv_init(struct csv *csv)
{
    memset(csv, 0, offsetof(struct csv, names));
    csv->field[CSV_NO_COLUMN] = (struct slice){"", 0};
    csv->next_line = 1;
    csv->scan = csv_scan_best();
}

/* --- marks ------------------------------------------------------------------------------------------------ */

/* What is known ahead is forgotten; scanning begins anew at the row. */
static void scan_anew(struct csv *csv, size_t bytes)
{
    csv->scanned = csv->quoted_until = csv->row;
    csv->phase = csv_phase_begin();
    csv->mark_at = csv->mark_count = 0;
    csv->scan_bytes = bytes;
}

/* Scans on until `wanted` marks (at most CSV_COLUMNS_MAX) lie ahead, or the window's end; returns how many do. */
static size_t find_marks(struct csv *csv, size_t wanted)
{
    size_t ahead = csv->mark_count - csv->mark_at;
    memmove(csv->marks, csv->marks + csv->mark_at, ahead * sizeof *csv->marks);
    csv->mark_at = 0;
    while (ahead < wanted && csv->scanned < csv->end) {
        size_t left = (size_t)(csv->end - csv->scanned),
               bytes = left < csv->scan_bytes ? left : csv->scan_bytes;
        csv->phase.quotes = false;
        ahead += csv->scan(csv->scanned, bytes, (uint32_t)(csv->scanned - csv->window), &csv->phase,
                           csv->marks + ahead);
        csv->scanned += bytes;
        if (csv->phase.quotes)
            csv->quoted_until = csv->scanned;
        csv->scan_bytes = 2 * csv->scan_bytes < CSV_SCAN_BYTES ? 2 * csv->scan_bytes : CSV_SCAN_BYTES;
    }
    csv->mark_count = ahead;
    return ahead;
}

/* A row was read carefully. With an odd number of quotes the scan believes itself within quotes at its end, which is wrong. */
static void pass_marks(struct csv *csv)
{
    if (csv->odd_quotes || csv->scanned < csv->row) {
        scan_anew(csv, CSV_SCAN_BYTES_FIRST);
        return;
    }
    size_t row = (size_t)(csv->row - csv->window);
    while (csv->mark_at < csv->mark_count && csv->marks[csv->mark_at] < row)
        csv->mark_at++;
}

void csv_window(struct csv *csv, const char *bytes, size_t length, bool last)
{
    csv->window = csv->row = bytes;
    csv->end = bytes + length;
    csv->last = last;
    scan_anew(csv, CSV_SCAN_BYTES);
}

size_t csv_rest(const struct csv *csv)
{
    return (size_t)(csv->end - csv->row);
}

/* --- one row ------------------------------------------------------------------------------------------------ */

enum row_end { ROW_WHOLE, ROW_PARTIAL, ROW_BROKEN };

static enum row_end break_file(struct csv *csv, enum csv_fault fault, uint64_t line)
{
    csv->fault = fault;
    csv->fault_line = line;
    csv->broken = true;
    return ROW_BROKEN;
}

/* `field` counts from 1. */
static void spoil_row(struct csv *csv, enum csv_fault fault, unsigned field)
{
    if (csv->fault != CSV_FAULT_NONE)
        return;
    csv->fault = fault;
    csv->fault_line = csv->next_line;
    csv->found = field;
}

static inline void put_field(struct csv *csv, const char *bytes, size_t length)
{
    if (length > CSV_FIELD_MAX)
        spoil_row(csv, CSV_FAULT_FIELD_LENGTH, csv->fields + 1);
    if (csv->fields < CSV_COLUMNS_MAX)
        csv->field[csv->fields] = (struct slice){bytes, length};
    csv->fields++;
}

/* The window ended inside a row. */
static enum row_end row_cut_off(struct csv *csv)
{
    if (csv->end - csv->row > CSV_ROW_MAX)
        return break_file(csv, CSV_FAULT_ROW_LENGTH, csv->line);
    return ROW_PARTIAL;
}

static bool keep_unquoted(struct csv *csv, const char *bytes, size_t length)
{
    if (length > sizeof csv->unquoted - csv->unquoted_length)
        return false;
    memcpy(csv->unquoted + csv->unquoted_length, bytes, length);
    csv->unquoted_length += length;
    return true;
}

/* The next comma, quote, LF or NUL, or the window's end. */
static const char *next_mark(struct csv *csv)
{
    const char *mark = csv_scan_next(csv->at, csv->end);
    if (mark < csv->end) {
        csv->odd_quotes ^= *mark == '"';
        csv->at = mark + 1;
    }
    return mark;
}

/* From behind an opening quote to its closing one, which *close gets. */
static enum row_end read_quoted(struct csv *csv, const char *begin, const char **close)
{
    const char *piece = begin;
    size_t kept_from = csv->unquoted_length;
    csv->quote_line = csv->next_line;
    for (;;) {
        const char *mark = next_mark(csv);
        if (mark == csv->end)
            return csv->last ? break_file(csv, CSV_FAULT_UNCLOSED, csv->quote_line) : row_cut_off(csv);
        if (*mark == '\n')
            csv->next_line++;
        else if (*mark == '\0')
            return break_file(csv, CSV_FAULT_NUL, csv->next_line);
        if (*mark != '"')
            continue;
        if (mark + 1 == csv->end && !csv->last)
            return row_cut_off(csv); /* the next byte says whether it is doubled */
        if (mark + 1 < csv->end && mark[1] == '"') {
            (void)next_mark(csv);
            if (!keep_unquoted(csv, piece, (size_t)(mark + 1 - piece)))
                return break_file(csv, CSV_FAULT_ROW_LENGTH, csv->line);
            piece = mark + 2;
            continue;
        }
        *close = mark;
        if (piece == begin) {
            put_field(csv, begin, (size_t)(mark - begin));
            return ROW_WHOLE;
        }
        if (!keep_unquoted(csv, piece, (size_t)(mark - piece)))
            return break_file(csv, CSV_FAULT_ROW_LENGTH, csv->line);
        put_field(csv, csv->unquoted + kept_from, csv->unquoted_length - kept_from);
        return ROW_WHOLE;
    }
}

/* A field ended at `mark`. After a quoted one nothing may stand before the mark. */
static inline void end_field(struct csv *csv, const char *begin, const char *mark, bool quoted)
{
    if (!quoted)
        put_field(csv, begin, (size_t)(mark - begin));
    else if (mark != begin)
        spoil_row(csv, CSV_FAULT_QUOTE, csv->fields);
}

static enum row_end end_row(struct csv *csv, const char *begin, const char *mark, bool quoted)
{
    const char *text_end = mark > begin && mark[-1] == '\r' ? mark - 1 : mark;
    const char *next = mark < csv->end ? mark + 1 : mark;
    if (next - csv->row > CSV_ROW_MAX)
        return break_file(csv, CSV_FAULT_ROW_LENGTH, csv->line);
    end_field(csv, begin, text_end, quoted);
    csv->row = next;
    csv->next_line++;
    return ROW_WHOLE;
}

static enum row_end read_row(struct csv *csv)
{
    const char *begin = csv->row;
    bool quoted = false; /* the field was quoted and closed before `begin` */
    csv->at = csv->row;
    csv->odd_quotes = false;
    for (;;) {
        const char *mark = next_mark(csv);
        if (mark == csv->end)
            return csv->last ? end_row(csv, begin, mark, quoted) : row_cut_off(csv);
        switch (*mark) {
        case ',':
            end_field(csv, begin, mark, quoted);
            begin = mark + 1;
            quoted = false;
            break;
        case '\n':
            return end_row(csv, begin, mark, quoted);
        case '"':
            if (mark == begin && !quoted) {
                enum row_end end = read_quoted(csv, mark + 1, &mark);
                if (end != ROW_WHOLE)
                    return end;
                begin = mark + 1;
                quoted = true;
            } else {
                spoil_row(csv, CSV_FAULT_QUOTE, quoted ? csv->fields : csv->fields + 1);
            }
            break;
        default:
            return break_file(csv, CSV_FAULT_NUL, csv->next_line);
        }
    }
}

/* Takes the quotes away from fields that are quoted as a whole; false: there is something else about one. */
static bool unquote_fields(struct csv *csv)
{
    for (size_t i = 0; i < csv->columns; i++) {
        struct slice *field = &csv->field[i];
        if (field->length == 0 || field->bytes[0] != '"')
            continue;
        if (field->length == 1 || field->bytes[field->length - 1] != '"')
            return false;
        *field = (struct slice){field->bytes + 1, field->length - 2};
    }
    return true;
}

/* As many fields as the header, plain or quoted as a whole, which is how nearly all rows are; false: nothing was passed. */
static inline bool read_plain_row(struct csv *csv)
{
    size_t columns = csv->columns; /* 0 before the header */
    if (csv->mark_count - csv->mark_at < columns && find_marks(csv, columns) < columns)
        return false;
    if (columns == 0 || csv->broken)
        return false;
    const char *window = csv->window, *begin = csv->row;
    const uint32_t *mark = csv->marks + csv->mark_at, *last = mark + columns - 1;
    const char *end = window + *last;
    if (*end != '\n' || end - begin > CSV_FIELD_MAX)
        return false;
    struct slice *field = csv->field;
    int other = 0;
#pragma GCC unroll 4
    for (; mark < last; mark++, field++) {
        const char *at = window + *mark;
        other |= *at ^ ',';
        field->bytes = begin;
        field->length = (size_t)(at - begin);
        begin = at + 1;
    }
    field->bytes = begin;
    field->length = (size_t)(end - begin);
    field->length -= field->length > 0 && end[-1] == '\r';
    if (other != 0 || (columns == 1 && field->length == 0) ||
        (csv->row < csv->quoted_until && !unquote_fields(csv)))
        return false;
    csv->mark_at += columns;
    csv->row = end + 1;
    csv->next_line++;
    return true;
}

/* --- rows and the header -------------------------------------------------------------------------------------- */

static struct slice trimmed(struct slice name)
{
    name = slice_trim(name);
    while (name.length > 0 && name.bytes[name.length - 1] == '\r')
        name.length--;
    return name;
}

static enum csv_step take_header(struct csv *csv)
{
    if (csv->fault == CSV_FAULT_NONE && csv->fields > CSV_COLUMNS_MAX)
        csv->fault = CSV_FAULT_COLUMNS;
    csv->columns = 0;
    for (unsigned i = 0; csv->fault == CSV_FAULT_NONE && i < csv->fields; i++) {
        struct slice name = trimmed(csv->field[i]);
        if (name.length >= CSV_COLUMN_NAME_MAX || memchr(name.bytes, '\n', name.length)) {
            csv->fault = CSV_FAULT_COLUMN_NAME;
            csv->found = i + 1;
            break;
        }
        memcpy(csv->names[i], name.bytes, name.length);
        csv->names[i][name.length] = '\0';
        if (name.length > 0 && csv_column(csv, csv->names[i]) >= 0) {
            csv->fault = CSV_FAULT_COLUMN_TWICE;
            csv->found = i + 1;
        }
        csv->columns++;
    }
    if (csv->fault != CSV_FAULT_NONE) {
        (void)break_file(csv, csv->fault, csv->line);
        return CSV_BROKEN;
    }
    csv->header_read = true;
    return CSV_HEADER;
}

static enum csv_step at_end(struct csv *csv)
{
    if (!csv->last)
        return CSV_MORE;
    if (csv->header_read)
        return CSV_END;
    (void)break_file(csv, CSV_FAULT_NO_HEADER, 1);
    return CSV_BROKEN;
}

enum { EMPTY_LINE = -1 }; /* is no row */

/* What must be looked at mark by mark: an enum csv_step, or EMPTY_LINE. Apart, so that the way of most rows stays short. */
static __attribute__((noinline)) int next_carefully(struct csv *csv)
{
    if (csv->broken)
        return CSV_BROKEN;
    if (csv->row == csv->end)
        return at_end(csv);
    const char *row = csv->row;
    csv->fields = 0;
    csv->fault = CSV_FAULT_NONE;
    csv->unquoted_length = 0;
    enum row_end end = read_row(csv);
    if (end == ROW_BROKEN)
        return CSV_BROKEN;
    if (end == ROW_PARTIAL) {
        csv->row = row;
        csv->next_line = csv->line;
        return CSV_MORE;
    }
    pass_marks(csv);
    bool empty = csv->fields == 1 && csv->field[0].length == 0 && *row != '"';
    if (empty && csv->fault == CSV_FAULT_NONE)
        return EMPTY_LINE;
    if (!csv->header_read)
        return take_header(csv);
    csv->rows++;
    if (csv->fault == CSV_FAULT_NONE && csv->fields == csv->columns)
        return CSV_ROW;
    if (csv->fault == CSV_FAULT_NONE) {
        csv->fault = CSV_FAULT_FIELD_COUNT;
        csv->fault_line = csv->line;
        csv->found = csv->fields;
    }
    return CSV_BAD_ROW;
}

enum csv_step csv_next(struct csv *csv)
{
    int step;
    do {
        csv->line = csv->next_line;
        if (read_plain_row(csv)) {
            csv->fault = CSV_FAULT_NONE;
            csv->rows++;
            return CSV_ROW;
        }
        step = next_carefully(csv);
    } while (step == EMPTY_LINE);
    return (enum csv_step)step;
}

void csv_adopt_header(struct csv *csv, const char *const *names, unsigned count)
{
    csv_init(csv);
    csv->columns = count < CSV_COLUMNS_MAX ? count : CSV_COLUMNS_MAX;
    for (unsigned i = 0; i < csv->columns; i++)
        snprintf(csv->names[i], sizeof csv->names[i], "%s", names[i]);
    csv->header_read = true;
}

int csv_column(const struct csv *csv, const char *name)
{
    for (unsigned i = 0; i < csv->columns; i++)
        if (strcmp(csv->names[i], name) == 0)
            return (int)i;
    return -1;
}

const char *csv_column_name(const struct csv *csv, unsigned column)
{
    return column < csv->columns ? csv->names[column] : "";
}

/* --- words ---------------------------------------------------------------------------------------------------- */

static const struct fault_words {
    const char *reason, *found, *expected; /* with %u for the number found */
} fault_words[] = {
    [CSV_FAULT_NONE] = {"", "", ""},
    [CSV_FAULT_FIELD_COUNT] = {"row.fields", "%u fields", ""},
    [CSV_FAULT_FIELD_LENGTH] = {"row.field_length", "field %u is longer", "at most 4096 bytes"},
    [CSV_FAULT_QUOTE] = {"row.quote", "a quote inside field %u or text behind its end",
                         "quotes around the whole field, those inside doubled"},
    [CSV_FAULT_NUL] = {"file.nul", "a NUL byte", "text"},
    [CSV_FAULT_UNCLOSED] = {"file.quote", "a quote that is never closed", "a closing quote"},
    [CSV_FAULT_ROW_LENGTH] = {"file.row_length", "a row of more than 65536 bytes",
                              "a shorter one (is a quote not closed?)"},
    [CSV_FAULT_NO_HEADER] = {"file.header", "no header row", "a first row with the names of the columns"},
    [CSV_FAULT_COLUMN_TWICE] = {"file.header", "column %u has the name of an earlier one", "each name once"},
    [CSV_FAULT_COLUMN_NAME] = {"file.header", "a damaged name of column %u", "a name of at most 127 bytes"},
    [CSV_FAULT_COLUMNS] = {"file.header", "more columns", "at most 64"},
};

const char *csv_fault_reason(enum csv_fault fault)
{
    return fault_words[fault].reason;
}

void csv_fault_describe(const struct csv *csv, char *found, char *expected, size_t size)
{
    const char *pattern = fault_words[csv->fault].found;
    const char *at = strstr(pattern, "%u");
    if (at)
        snprintf(found, size, "%.*s%u%s", (int)(at - pattern), pattern, csv->found, at + 2);
    else
        snprintf(found, size, "%s", pattern);
    if (csv->fault == CSV_FAULT_FIELD_COUNT)
        snprintf(expected, size, "%u, as the header has", csv->columns);
    else
        snprintf(expected, size, "%s", fault_words[csv->fault].expected);
}
