/* SPDX-License-Identifier: PostgreSQL */
/*
 * CSV (RFC 4180) over memory, window by window, so that a file of any size needs a fixed amount of memory.
 *
 * The first row names the columns. Fields may be quoted, a quote in a quoted field is doubled, rows end with
 * LF or CRLF (the last one may end with the file), quoted fields may hold line ends. An empty line is no row.
 * Text is UTF-8 already (encoding.h): no byte of it is looked at but ',', '"', LF, CR before LF, and NUL.
 *
 *     csv_init(&csv);
 *     csv_window(&csv, bytes, length, last);
 *     for (;;) switch (csv_next(&csv)) {
 *     case CSV_HEADER: csv_column(&csv, "code") …
 *     case CSV_ROW: csv.field[i] …
 *     case CSV_BAD_ROW: csv.problem says why; the next row can be read
 *     case CSV_MORE: keep csv_rest(&csv) bytes at the end of the window, add what follows, csv_window again
 *     case CSV_END: …
 *     case CSV_BROKEN: csv.problem says why; nothing more can be read
 *     }
 *
 * What breaks a file: no header, a NUL byte, a quote that is never closed, a row of more than 64 KiB (its end
 * cannot be believed), a header that is damaged, names a column twice or has more than 64. What breaks a row:
 * more or fewer fields than the header, a field of more than 4 KiB, text around a quoted field.
 *
 * Ownership: fields borrow from the window and from the reader, until the next csv_next. No allocation.
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_CSV_H
#define SHOUWANG_SOURCE_CSV_H

#include "base/text.h"
#include "source/csv_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CSV_COLUMNS_MAX = 64,             /* the widest partner table that was seen has about 40 */
    CSV_NO_COLUMN = CSV_COLUMNS_MAX,  /* stands where a file lacks a column */
    CSV_FIELD_MAX = 4096,             /* bytes, without quotes; an address has at most some hundred */
    CSV_ROW_MAX = 64 * 1024,          /* bytes, line ends included */
    CSV_WINDOW_MIN = 2 * CSV_ROW_MAX, /* a window that is not the last must hold more than one row */
    CSV_COLUMN_NAME_MAX = 128,
    CSV_SCAN_BYTES = 4096,      /* scanned at once; the marks of these and of a row are kept */
    CSV_SCAN_BYTES_FIRST = 256, /* at first, where it may have to be done again */
};

enum csv_step { CSV_HEADER, CSV_ROW, CSV_BAD_ROW, CSV_MORE, CSV_END, CSV_BROKEN };

enum csv_fault {
    CSV_FAULT_NONE,
    /* of a row */
    CSV_FAULT_FIELD_COUNT,
    CSV_FAULT_FIELD_LENGTH,
    CSV_FAULT_QUOTE,
    /* of the file */
    CSV_FAULT_NUL,
    CSV_FAULT_UNCLOSED,
    CSV_FAULT_ROW_LENGTH,
    CSV_FAULT_NO_HEADER,
    CSV_FAULT_COLUMN_TWICE,
    CSV_FAULT_COLUMN_NAME,
    CSV_FAULT_COLUMNS,
};

struct csv {
    /* The row: `line` is where it begins (the header is line 1), `field` has the header's order. */
    uint64_t line;
    unsigned columns;                        /* of the header */
    struct slice field[CSV_COLUMNS_MAX + 1]; /* CSV_NO_COLUMN is always empty */
    uint64_t rows;                           /* without the header, damaged ones included */

    enum csv_fault fault;
    uint64_t fault_line; /* where the damage is, or where the unclosed quote stands */
    unsigned found;      /* FIELD_COUNT: fields; else the field, from 1 */

    /* private */
    const char *window, *end, *row;
    csv_scan *scan;
    const char *scanned; /* up to here `marks` holds those not yet passed, from mark_at to mark_count */
    struct csv_phase phase;
    const char *quoted_until; /* behind this nothing that was scanned has quotes */
    size_t mark_at, mark_count, scan_bytes;
    const char *at;  /* of a row that is read mark by mark */
    bool odd_quotes; /* so far in that row */
    uint64_t next_line, quote_line;
    unsigned fields;
    bool last, header_read, broken;
    size_t unquoted_length;
    char names[CSV_COLUMNS_MAX][CSV_COLUMN_NAME_MAX];
    uint32_t marks[CSV_COLUMNS_MAX + CSV_SCAN_BYTES + CSV_SCAN_SLACK]; /* places in the window */
    char unquoted[CSV_ROW_MAX]; /* fields whose doubled quotes were undone */
};

void csv_init(struct csv *csv);
/* At most 4 GiB, which must begin with what csv_rest left over of the window before. `last`: nothing follows. */
void csv_window(struct csv *csv, const char *bytes, size_t length, bool last);
enum csv_step csv_next(struct csv *csv);
/* How many bytes at the window's end were not consumed; at most CSV_ROW_MAX after CSV_MORE. */
size_t csv_rest(const struct csv *csv);

/* For rows that come from elsewhere (a county's views): the header is given, the caller sets line and fields. */
void csv_adopt_header(struct csv *csv, const char *const *names, unsigned count);

/* The index of a column, -1 when the file has none of that name. Blanks around names do not count. */
int csv_column(const struct csv *csv, const char *name);
const char *csv_column_name(const struct csv *csv, unsigned column);

/* "row.fields" …: the stable word for the quarantine. */
const char *csv_fault_reason(enum csv_fault fault);
/* "7 fields", "as many fields as the header, 8"; both at most size bytes. */
void csv_fault_describe(const struct csv *csv, char *found, char *expected, size_t size);

#endif
