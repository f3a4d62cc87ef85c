/* SPDX-License-Identifier: PostgreSQL */
/* Parallel arrays that grow together, and reading a COPY into them: the pulls and the register's keys. */
#ifndef SHOUWANG_STORE_COLUMNS_H
#define SHOUWANG_STORE_COLUMNS_H

#include "base/status.h"
#include "io/pg.h"

#include <stdbool.h>
#include <stddef.h>

struct column {
    void *array; /* address of the array's pointer */
    size_t item_bytes;
    size_t extra; /* entries beyond `capacity`, such as one for the end of the last text */
};

/* Doubles the capacity of all; false when memory has run out (the old arrays stay valid). */
bool columns_grow(size_t *capacity, const struct column *columns, size_t column_count);
/* Frees all and sets their pointers to NULL. */
void columns_free(const struct column *columns, size_t column_count);

/* Takes one row; false when memory has run out. */
typedef bool columns_read(void *target, struct pg_row *row);
/* copy_sql: "copy … to stdout (format binary)". */
enum status columns_copy(struct pg *pg, const char *copy_sql, columns_read *read, void *target,
                         struct error *err) WARN_UNUSED;

#endif
