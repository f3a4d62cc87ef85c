/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/subject_keys.h"

#include "source/subjects.h"

#include <stdlib.h>

enum { IDS_FIRST = 256 };

void subject_keys_init(struct subject_keys *keys)
{
    *keys = (struct subject_keys){0};
    number_map_init(&keys->numbers);
}

void subject_keys_fini(struct subject_keys *keys)
{
    free(keys->ids);
    number_map_fini(&keys->numbers);
    for (size_t i = 0; i < sizeof keys->found / sizeof *keys->found; i++)
        free(keys->found[i]);
    subject_keys_init(keys);
}

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for a file's keys");
}

static bool add_id(struct subject_keys *keys, int64_t id)
{
    if (keys->id_count > 0 && keys->ids[keys->id_count - 1] == id)
        return true;
    if (keys->id_count == keys->id_capacity) {
        size_t capacity = keys->id_capacity ? 2 * keys->id_capacity : IDS_FIRST;
        int64_t *grown = realloc(keys->ids, capacity * sizeof *grown);
        if (!grown)
            return false;
        keys->ids = grown;
        keys->id_capacity = capacity;
    }
    keys->ids[keys->id_count++] = id;
    return true;
}

static bool add_row(struct subject_keys *keys, const struct feed_row *row)
{
    bool room = true;
    for (size_t i = 0; i < row->fact_count && room; i++) {
        const struct feed_fact *fact = &row->facts[i];
        keys->codes[fact->code->number] = true;
        room = fact->id_packed ? add_id(keys, (int64_t)fact->id_packed)
                               : number_map_put(&keys->numbers, fact->household_no, 0, NULL) != NULL;
    }
    for (size_t i = 0; i < row->spoiled_count && room; i++) {
        const struct feed_spoiled *spoiled = &row->spoiled[i];
        room = spoiled->id_packed ? add_id(keys, (int64_t)spoiled->id_packed)
                                  : number_map_put(&keys->numbers, spoiled->household_no, 0, NULL) != NULL;
    }
    return room;
}

static int compare(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* Each once, in order; returns how many. */
static size_t settle(int64_t *ids, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(ids, count, sizeof *ids, compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

enum status subject_keys_read(struct subject_keys *keys, struct table *table, struct feed_rows *rows,
                              struct feed_row *row, int64_t rows_max, bool *whole, struct error *err)
{
    enum csv_step step;
    *whole = true;
    while (*whole && (step = table_next(table, err)) != CSV_END) {
        if (step == CSV_BROKEN)
            return err->status;
        feed_rows_read(rows, step == CSV_BAD_ROW, row);
        if (!add_row(keys, row))
            return out_of_memory(err);
        *whole = (int64_t)table->csv.rows <= rows_max;
    }
    keys->id_count = settle(keys->ids, keys->id_count);
    return table_rewind(table, err);
}

static void add_found(struct subject_keys *keys, struct fact_scope *scope, enum fact_subject subject,
                      int64_t id)
{
    keys->found[subject][scope->counts[subject]++] = id;
}

enum status subject_keys_scope(struct subject_keys *keys, const struct subjects *subjects,
                               struct fact_scope *scope, struct error *err)
{
    *scope = (struct fact_scope){.codes = keys->codes};
    const size_t most[] = {
        [FACT_PERSON] = keys->id_count,
        [FACT_HOUSEHOLD] = keys->numbers.count,
        [FACT_STRANGER] = keys->id_count,
    };
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        keys->found[i] = malloc((most[i] + 1) * sizeof *keys->found[i]);
        if (!keys->found[i])
            return out_of_memory(err);
        scope->ids[i] = keys->found[i];
    }
    for (size_t i = 0; i < keys->id_count; i++) {
        const int64_t *id = identity_map_get(&subjects->persons, (uint64_t)keys->ids[i]);
        add_found(keys, scope, id ? FACT_PERSON : FACT_STRANGER, id ? *id : keys->ids[i]);
    }
    for (size_t i = 0; i < keys->numbers.count; i++) {
        const int64_t *id = number_map_get(&subjects->households, number_map_at(&keys->numbers, i));
        if (id)
            add_found(keys, scope, FACT_HOUSEHOLD, *id);
    }
    /* One person may have had two numbers, and none may be read twice. */
    for (size_t i = 0; i < sizeof most / sizeof *most; i++)
        scope->counts[i] = settle(keys->found[i], scope->counts[i]);
    return STATUS_OK;
}
