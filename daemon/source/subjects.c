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
    identity_map_init(&subjects->name_of);
    for (size_t i = 0; i < VOLUME_SUBJECTS; i++)
        identity_map_init(&subjects->townships[i]);
}

void subjects_fini(struct subjects *subjects)
{
    identity_map_fini(&subjects->persons);
    number_map_fini(&subjects->households);
    text_fini(&subjects->names);
    identity_map_fini(&subjects->name_of);
    for (size_t i = 0; i < VOLUME_SUBJECTS; i++)
        identity_map_fini(&subjects->townships[i]);
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

static enum status load_households(struct subjects *subjects, struct pg *pg, struct error *err)
{
    struct register_households households = {0};
    enum status status = register_load_households(pg, &households, err);
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

/* Where it lies, as name_at says it. */
static uint64_t keep_name(struct subjects *subjects, struct slice name)
{
    size_t length = utf8_cut(name.bytes, name.length, NAME_LENGTH_MAX);
    uint64_t at = (subjects->names.length << 8 | length) + 1;
    text_add(&subjects->names, name.bytes, length);
    return at;
}

static void take_name(void *context, int64_t person_id, struct slice name)
{
    struct subjects *subjects = context;
    if (subjects->failed || person_id < 0 || person_id >= PERSON_ID_MAX)
        return;
    if (make_room(subjects, person_id))
        subjects->name_at[person_id] = keep_name(subjects, name);
    else
        subjects->failed = true;
}

/* --- of a small file -------------------------------------------------------------------------------------------------- */

static bool take_person(void *context, int64_t person_id, struct slice name, int64_t township)
{
    struct subjects *subjects = context;
    return identity_map_put(&subjects->townships[VOLUME_PERSON], (uint64_t)person_id, township, NULL) &&
           identity_map_put(&subjects->name_of, (uint64_t)person_id, (int64_t)keep_name(subjects, name),
                            NULL);
}

static bool take_household(void *context, int64_t household_id, struct slice number, int64_t township)
{
    struct subjects *subjects = context;
    return identity_map_put(&subjects->townships[VOLUME_HOUSEHOLD], (uint64_t)household_id, township, NULL) &&
           number_map_put(&subjects->households, number, household_id, NULL);
}

static enum status find_households(struct subjects *subjects, struct pg *pg, const struct number_map *map,
                                   struct error *err)
{
    struct slice *numbers = malloc((map->count + 1) * sizeof *numbers);
    if (!numbers)
        return out_of_memory(err);
    for (size_t i = 0; i < map->count; i++)
        numbers[i] = number_map_at(map, i);
    enum status status = register_find_households(pg, numbers, map->count, take_household, subjects, err);
    free(numbers);
    return status;
}

/* In the order of persons, so that neighbours are met together. */
static enum status find_persons(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                                bool with_names, struct error *err)
{
    int64_t *ids = malloc((keys->id_count + 1) * sizeof *ids);
    size_t count = 0;
    if (!ids)
        return out_of_memory(err);
    for (size_t i = 0; i < keys->id_count; i++) {
        const int64_t *id = identity_map_get(&subjects->persons, (uint64_t)keys->ids[i]);
        if (id)
            ids[count++] = *id;
    }
    count = subject_keys_settle(ids, count);
    enum status status = register_find_persons(pg, ids, count, with_names, take_person, subjects, err);
    free(ids);
    return status;
}

static enum status find_subjects(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                                 bool with_names, struct error *err)
{
    enum status status = find_households(subjects, pg, &keys->numbers, err);
    return status == STATUS_OK ? find_persons(subjects, pg, keys, with_names, err) : status;
}

struct volume_places subjects_places(const struct subjects *subjects)
{
    return (struct volume_places){{
        [VOLUME_PERSON] = &subjects->townships[VOLUME_PERSON],
        [VOLUME_HOUSEHOLD] = &subjects->townships[VOLUME_HOUSEHOLD],
    }};
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

static enum status load_all(struct subjects *subjects, struct pg *pg, bool with_names, struct error *err)
{
    enum status status = load_households(subjects, pg, err);
    return status == STATUS_OK && with_names ? arrival_names(pg, take_name, subjects, err) : status;
}

enum status subjects_load(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                          bool with_names, struct error *err)
{
    enum status status = load_persons(subjects, pg, keys, err);
    if (status == STATUS_OK)
        status = keys ? find_subjects(subjects, pg, keys, with_names, err)
                      : load_all(subjects, pg, with_names, err);
    if (status == STATUS_OK && (subjects->failed || subjects->names.failed))
        status = out_of_memory(err);
    return status;
}

static uint64_t name_at(const struct subjects *subjects, int64_t person_id)
{
    const int64_t *at = identity_map_get(&subjects->name_of, (uint64_t)person_id);
    if (at)
        return (uint64_t)*at;
    return person_id >= 0 && (size_t)person_id < subjects->name_count ? subjects->name_at[person_id] : 0;
}

struct slice subjects_name(const struct subjects *subjects, int64_t person_id)
{
    uint64_t at = name_at(subjects, person_id);
    if (at == 0)
        return (struct slice){"", 0};
    return (struct slice){subjects->names.bytes + ((at - 1) >> 8), (at - 1) & NAME_LENGTH_MAX};
}
