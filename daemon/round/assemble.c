/* SPDX-License-Identifier: PostgreSQL */
#include "round/assemble.h"

#include <stdlib.h>
#include <string.h>

static void *array_new(size_t count, size_t size)
{
    void *array = NULL;
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        array = malloc(bytes == 0 ? 1 : bytes);
    return array;
}

void assembly_fini(struct assembly *assembly)
{
    free(assembly->urban);
    free(assembly->person_begin);
    free(assembly->person_id);
    free(assembly->birth);
    free(assembly->traits);
    shard_map_fini(&assembly->shards);
    *assembly = (struct assembly){0};
}

/* begin[i + 1] holds the count of household i; afterwards begin[i] is where i starts, begin[count] the total. */
static void counts_to_begins(uint32_t *begin, size_t count)
{
    begin[0] = 0;
    for (size_t i = 0; i < count; i++)
        begin[i + 1] += begin[i];
}

/* Placing moved each begin[i] to where i ends; this moves them back. */
static void ends_to_begins(uint32_t *begin, size_t count)
{
    memmove(begin + 1, begin, count * sizeof *begin);
    begin[0] = 0;
}

/* household: of each member, part after part. */
static void place_persons(struct assembly *a, const struct pull_members *members, size_t parts,
                          const uint32_t *household, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (household[i] != MATCH_NONE)
            a->person_begin[household[i] + 1]++;
    counts_to_begins(a->person_begin, a->household_count);
    a->person_count = a->person_begin[a->household_count];
    for (size_t part = 0; part < parts; household += members[part].count, part++)
        for (size_t i = 0; i < members[part].count; i++) {
            if (household[i] == MATCH_NONE)
                continue;
            uint32_t at = a->person_begin[household[i]]++;
            a->person_id[at] = members[part].person_id[i];
            a->birth[at] = members[part].birth[i];
            if (a->traits != NULL)
                a->traits[at] = members[part].traits[i];
        }
    ends_to_begins(a->person_begin, a->household_count);
}

static uint32_t *find_households(const struct match *match, const struct pull_members *members, size_t parts,
                                 size_t count)
{
    uint32_t *household = array_new(count, sizeof *household), *at = household;
    for (size_t part = 0; part < parts && household != NULL; at += members[part].count, part++)
        match_find(match, members[part].household_id, members[part].count, at);
    return household;
}

enum status assemble_register(struct assembly *assembly, const struct pull_households *households,
                              const struct match *match, const struct pull_members *members, size_t parts,
                              struct error *err)
{
    size_t count = 0;
    for (size_t part = 0; part < parts; part++)
        count += members[part].count;
    assembly->household_count = households->count;
    assembly->urban = array_new(households->count, sizeof *assembly->urban);
    assembly->person_begin = calloc(households->count + 1, sizeof *assembly->person_begin);
    assembly->person_id = array_new(count, sizeof *assembly->person_id);
    assembly->birth = array_new(count, sizeof *assembly->birth);
    bool traits = parts > 0 && members[0].with_traits;
    assembly->traits = traits ? array_new(count, sizeof *assembly->traits) : NULL;
    uint32_t *household = find_households(match, members, parts, count);
    if (assembly->urban == NULL || assembly->person_begin == NULL || assembly->person_id == NULL ||
        assembly->birth == NULL || (traits && assembly->traits == NULL) || household == NULL) {
        free(household);
        return error_set(err, STATUS_FATAL, "no memory to assemble %zu persons", count);
    }
    if (households->count > 0)
        memcpy(assembly->urban, households->urban, households->count);
    place_persons(assembly, members, parts, household, count);
    free(household);
    return shard_map_init(&assembly->shards, assembly->person_begin, households->count, err);
}
