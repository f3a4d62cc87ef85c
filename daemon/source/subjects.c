/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/subjects.h"

#include "source/subject_keys.h"
#include "store/arrival.h"
#include "store/register.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_LENGTH_MAX = 255 };
/* Person numbers are given out one after the other; one beyond this was not given by us. */
#define PERSON_ID_MAX (INT64_C(1) << 31)

void subjects_init(struct subjects *subjects)
{
    *subjects = (struct subjects){0};
    identity_map_init(&subjects->persons);
    number_map_init(&subjects->households);
    text_init(&subjects->names);
}

void subjects_fini(struct subjects *subjects)
{
    identity_map_fini(&subjects->persons);
    number_map_fini(&subjects->households);
    text_fini(&subjects->names);
    free(subjects->name_at);
    subjects->name_at = NULL;
    subjects->name_count = 0;
}

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for the register's keys");
}

static enum status load_persons(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                                struct error *err)
{
    struct register_identities identities = {0};
    enum status status = keys ? register_find_identities(pg, keys->ids, keys->id_count, &identities, err)
                              : register_load_identities(pg, &identities, err);
    if (status == STATUS_OK && !identity_map_reserve(&subjects->persons, identities.count))
        status = out_of_memory(err);
    for (size_t i = 0; status == STATUS_OK && i < identities.count; i++) {
        uint64_t id_packed = (uint64_t)identities.id_packed[i];
        if (!identity_map_put(&subjects->persons, id_packed, identities.person_id[i], NULL))
            status = out_of_memory(err);
    }
    register_identities_free(&identities);
    return status;
}

static enum status find_households(struct pg *pg, const struct number_map *map,
                                   struct register_households *households, struct error *err)
{
    struct slice *numbers = malloc((map->count + 1) * sizeof *numbers);
    if (!numbers)
        return out_of_memory(err);
    for (size_t i = 0; i < map->count; i++)
        numbers[i] = number_map_at(map, i);
    enum status status = register_find_households(pg, numbers, map->count, households, err);
    free(numbers);
    return status;
}

static enum status load_households(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                                   struct error *err)
{
    struct register_households households = {0};
    enum status status = keys ? find_households(pg, &keys->numbers, &households, err)
                              : register_load_households(pg, &households, err);
    for (size_t i = 0; status == STATUS_OK && i < households.count; i++) {
        struct slice number = {households.numbers.bytes + households.number_begin[i],
                               households.number_begin[i + 1] - households.number_begin[i]};
        if (!number_map_put(&subjects->households, number, households.household_id[i], NULL))
            status = out_of_memory(err);
    }
    register_households_free(&households);
    return status;
}

/* Fresh memory from calloc costs nothing where nothing is put. */
static bool make_room(struct subjects *subjects, int64_t person_id)
{
    size_t count = subjects->name_count ? subjects->name_count : 1024;
    while (count <= (size_t)person_id)
        count *= 2;
    if (count == subjects->name_count)
        return true;
    uint64_t *grown = calloc(count, sizeof *grown);
    if (!grown)
        return false;
    if (subjects->name_count > 0)
        memcpy(grown, subjects->name_at, subjects->name_count * sizeof *grown);
    free(subjects->name_at);
    subjects->name_at = grown;
    subjects->name_count = count;
    return true;
}

static void take_name(void *context, int64_t person_id, struct slice name)
{
    struct subjects *subjects = context;
    if (subjects->failed || person_id < 0 || person_id >= PERSON_ID_MAX)
        return;
    if (!make_room(subjects, person_id)) {
        subjects->failed = true;
        return;
    }
    size_t length = utf8_cut(name.bytes, name.length, NAME_LENGTH_MAX);
    subjects->name_at[person_id] = (subjects->names.length << 8 | length) + 1;
    text_add(&subjects->names, name.bytes, length);
}

static enum status find_names(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                              struct error *err)
{
    int64_t *ids = malloc((keys->id_count + 1) * sizeof *ids), greatest = 0;
    size_t count = 0;
    if (!ids)
        return out_of_memory(err);
    for (size_t i = 0; i < keys->id_count; i++) {
        const int64_t *id = identity_map_get(&subjects->persons, (uint64_t)keys->ids[i]);
        if (!id)
            continue;
        greatest = *id > greatest ? *id : greatest;
        ids[count++] = *id;
    }
    enum status status =
        greatest < PERSON_ID_MAX && make_room(subjects, greatest) ? STATUS_OK : out_of_memory(err);
    if (status == STATUS_OK)
        status = arrival_names_of(pg, ids, count, take_name, subjects, err);
    free(ids);
    return status;
}

enum status subjects_load(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                          bool with_names, struct error *err)
{
    enum status status = load_persons(subjects, pg, keys, err);
    if (status == STATUS_OK)
        status = load_households(subjects, pg, keys, err);
    if (status != STATUS_OK || !with_names)
        return status;
    status = keys ? find_names(subjects, pg, keys, err) : arrival_names(pg, take_name, subjects, err);
    if (status == STATUS_OK && (subjects->failed || subjects->names.failed))
        status = out_of_memory(err);
    return status;
}

struct slice subjects_name(const struct subjects *subjects, int64_t person_id)
{
    if (person_id < 0 || (size_t)person_id >= subjects->name_count || subjects->name_at[person_id] == 0)
        return (struct slice){"", 0};
    uint64_t at = subjects->name_at[person_id] - 1;
    return (struct slice){subjects->names.bytes + (at >> 8), at & NAME_LENGTH_MAX};
}
