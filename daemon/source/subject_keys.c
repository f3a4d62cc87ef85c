/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/subject_keys.h"

#include "source/subjects.h"

#include <stdlib.h>

enum {
    KEYS_FIRST = 256,
    NOTHING_STATED = -1, /* of whom a row was refused */
};

void subject_keys_init(struct subject_keys *keys)
{
    *keys = (struct subject_keys){0};
    number_map_init(&keys->numbers);
}

void subject_keys_fini(struct subject_keys *keys)
{
    free(keys->ids);
    free(keys->persons.keys);
    free(keys->households.keys);
    number_map_fini(&keys->numbers);
    free(keys->days);
    for (size_t i = 0; i < sizeof keys->found / sizeof *keys->found; i++) {
        free(keys->found[i].ids);
        free(keys->found[i].spans);
    }
    subject_keys_init(keys);
}

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for a file's keys");
}

static bool add_key(struct subject_key_list *list, int64_t id, int code)
{
    const struct subject_key *last = list->count > 0 ? &list->keys[list->count - 1] : NULL;
    if (last && last->id == id && last->code == code)
        return true;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : KEYS_FIRST;
        struct subject_key *grown = realloc(list->keys, capacity * sizeof *grown);
        if (!grown)
            return false;
        list->keys = grown;
        list->capacity = capacity;
    }
    list->keys[list->count++] = (struct subject_key){id, code};
    return true;
}

static bool add_household(struct subject_keys *keys, struct slice number, int code)
{
    const int64_t *place = number_map_put(&keys->numbers, number, (int64_t)keys->numbers.count, NULL);
    return place && add_key(&keys->households, *place, code);
}

/* --- days ------------------------------------------------------------------------------------------------------------- */

static struct fact_days *days_of(struct subject_keys *keys, int code)
{
    size_t at = keys->day_last; /* rows of one code come together */
    if (at < keys->day_count && keys->days[at].code == code)
        return &keys->days[at];
    for (at = 0; at < keys->day_count && keys->days[at].code != code;)
        at++;
    if (at == keys->day_capacity) {
        size_t capacity = keys->day_capacity ? 2 * keys->day_capacity : 16;
        struct fact_days *grown = realloc(keys->days, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        keys->days = grown;
        keys->day_capacity = capacity;
    }
    if (at == keys->day_count) {
        const struct fact_day_range none = {.first = DAY_MAX, .last = DAY_NONE};
        keys->days[keys->day_count++] = (struct fact_days){code, none, none};
    }
    keys->day_last = at;
    return &keys->days[at];
}

static void widen(struct fact_day_range *range, day_t day)
{
    if (day == DAY_NONE) {
        range->open = true;
        return;
    }
    range->first = day < range->first ? day : range->first;
    range->last = day > range->last ? day : range->last;
}

static bool add_days(struct subject_keys *keys, const struct feed_row *row)
{
    for (size_t i = 0; i < row->fact_count; i++) {
        struct fact_days *days = days_of(keys, row->facts[i].code->number);
        if (!days)
            return false;
        widen(&days->from, row->facts[i].from_day);
        widen(&days->to, row->facts[i].to_day);
    }
    return true;
}

enum status subject_keys_read_days(struct subject_keys *keys, struct table *table, struct feed_rows *rows,
                                   struct feed_row *row, struct error *err)
{
    enum csv_step step;
    while ((step = table_next(table, err)) != CSV_END) {
        if (step == CSV_BROKEN)
            return err->status;
        feed_rows_read(rows, step == CSV_BAD_ROW, row);
        if (!add_days(keys, row))
            return out_of_memory(err);
    }
    return table_rewind(table, err);
}

/* --- keys ------------------------------------------------------------------------------------------------------------- */

static bool add_row(struct subject_keys *keys, const struct feed_row *row)
{
    bool room = add_days(keys, row);
    for (size_t i = 0; i < row->fact_count && room; i++) {
        const struct feed_fact *fact = &row->facts[i];
        room = fact->id_packed ? add_key(&keys->persons, (int64_t)fact->id_packed, fact->code->number)
                               : add_household(keys, fact->household_no, fact->code->number);
    }
    for (size_t i = 0; i < row->spoiled_count && room; i++) {
        const struct feed_spoiled *spoiled = &row->spoiled[i];
        room = spoiled->id_packed ? add_key(&keys->persons, (int64_t)spoiled->id_packed, NOTHING_STATED)
                                  : add_household(keys, spoiled->household_no, NOTHING_STATED);
    }
    return room;
}

static int compare(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

size_t subject_keys_settle(int64_t *ids, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(ids, count, sizeof *ids, compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

static bool list_ids(struct subject_keys *keys)
{
    keys->ids = malloc((keys->persons.count + 1) * sizeof *keys->ids);
    for (size_t i = 0; keys->ids && i < keys->persons.count; i++)
        keys->ids[i] = keys->persons.keys[i].id;
    keys->id_count = keys->ids ? subject_keys_settle(keys->ids, keys->persons.count) : 0;
    return keys->ids != NULL;
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
    return list_ids(keys) ? table_rewind(table, err) : out_of_memory(err);
}

/* --- as our own keys -------------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const struct subject_key *one = a, *other = b;
    if (one->code != other->code)
        return one->code < other->code ? -1 : 1;
    return one->id < other->id ? -1 : one->id > other->id;
}

/* Code by code. One person may have had two numbers, and none may be read twice. */
static bool put_in_order(struct subject_key_list *list, int64_t **ids, struct fact_span **spans)
{
    const struct subject_key *keys = list->keys;
    size_t count = 0;
    if (list->count > 0)
        qsort(list->keys, list->count, sizeof *keys, compare_keys);
    *ids = malloc((list->count + 1) * sizeof **ids);
    *spans = calloc(list->count + 1, sizeof **spans);
    struct fact_span *span = *spans;
    for (size_t i = 0; *ids && *spans && i < list->count; i++) {
        if (i > 0 && compare_keys(&keys[i - 1], &keys[i]) == 0)
            continue;
        if (i > 0 && keys[i - 1].code != keys[i].code)
            span++;
        if (span->count++ == 0) {
            span->code = keys[i].code;
            span->ids = *ids + count;
        }
        (*ids)[count++] = keys[i].id;
    }
    return *ids && *spans;
}

/* Who is not on the register is a stranger, whose facts of all codes lie together. */
static bool find_persons(const struct subject_keys *keys, const struct subjects *subjects,
                         struct subject_key_list *found)
{
    bool room = true;
    for (size_t i = 0; i < keys->persons.count && room; i++) {
        const struct subject_key *key = &keys->persons.keys[i];
        if (key->code == NOTHING_STATED)
            continue;
        const int64_t *id = identity_map_get(&subjects->persons, (uint64_t)key->id);
        room = id ? add_key(&found[FACT_PERSON], *id, key->code) : add_key(&found[FACT_STRANGER], key->id, 0);
    }
    return room;
}

static bool find_households(const struct subject_keys *keys, const struct subjects *subjects,
                            struct subject_key_list *found)
{
    bool room = true;
    for (size_t i = 0; i < keys->households.count && room; i++) {
        const struct subject_key *key = &keys->households.keys[i];
        if (key->code == NOTHING_STATED)
            continue;
        const int64_t *id =
            number_map_get(&subjects->households, number_map_at(&keys->numbers, (size_t)key->id));
        room = !id || add_key(&found[FACT_HOUSEHOLD], *id, key->code);
    }
    return room;
}

enum status subject_keys_scope(struct subject_keys *keys, const struct subjects *subjects,
                               struct fact_scope *scope, struct error *err)
{
    struct subject_key_list found[3] = {{0}};
    bool room = find_persons(keys, subjects, found) && find_households(keys, subjects, found);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        room = room && put_in_order(&found[i], &keys->found[i].ids, &keys->found[i].spans);
        scope->spans[i] = keys->found[i].spans;
        free(found[i].keys);
    }
    return room ? STATUS_OK : out_of_memory(err);
}
