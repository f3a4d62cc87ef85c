/* SPDX-License-Identifier: PostgreSQL */
#include "store/columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1024 };

bool columns_grow(size_t *capacity, const struct column *columns, size_t column_count)
{
    size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    for (size_t i = 0; i < column_count; i++) {
        void *array;
        memcpy(&array, columns[i].array, sizeof array);
        if (wanted > SIZE_MAX / 2 / columns[i].item_bytes)
            return false;
        array = realloc(array, (wanted + columns[i].extra) * columns[i].item_bytes);
        if (!array)
            return false;
        memcpy(columns[i].array, &array, sizeof array);
    }
    *capacity = wanted;
    return true;
}

void columns_free(const struct column *columns, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++) {
        void *array;
        memcpy(&array, columns[i].array, sizeof array);
        free(array);
        memset(columns[i].array, 0, sizeof array);
    }
}

enum status columns_copy(struct pg *pg, const char *copy_sql, columns_read *read, void *target,
                         struct error *err)
{
    struct pg_copy_out *copy;
    enum status status = pg_copy_out_begin(pg, copy_sql, &copy, err);
    if (status)
        return status;
    struct pg_row *row;
    bool room = true;
    while (room && (row = pg_copy_out_next(copy)))
        room = read(target, row);
    status = pg_copy_out_end(copy, err);
    return room ? status : error_set(err, STATUS_FATAL, "no memory for what the database holds");
}
