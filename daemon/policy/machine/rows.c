/* SPDX-License-Identifier: PostgreSQL */
/* Which rows the households and persons of a batch have (machine.h). */
#include "policy/machine/machine.h"

bool rows_new(struct frame *frame, struct arena *arena)
{
    struct rows *rows = &frame->rows;
    rows->ranks = arena_alloc(arena, sizeof *rows->ranks);
    rows->begin = arena_array(arena, frame->persons_max + 1, sizeof *rows->begin);
    rows->household = arena_array(arena, frame->households_max, sizeof *rows->household);
    rows->person = arena_array(arena, frame->persons_max + 1, sizeof *rows->person);
    return rows->ranks != NULL && rows->begin != NULL && rows->household != NULL && rows->person != NULL;
}

/* A household by itself, large or not: its persons as they stand in the block. */
static void arrange_one(const struct batch *batch)
{
    const struct rows *rows = &batch->frame->rows;
    *rows->ranks = batch->persons;
    rows->household[0] = 0;
    for (size_t i = 0; i <= batch->persons; i++)
        rows->begin[i] = (uint32_t)i;
    for (size_t i = 0; i < batch->persons; i++)
        rows->person[i] = (uint16_t)i;
}

/* more[n]: how many households have more than n persons, which is the first row of those that have n. */
static size_t count_sizes(const uint32_t *begin, size_t households, uint16_t *more)
{
    size_t most = 0;
    for (size_t i = 0; i < households; i++) {
        size_t persons = begin[i + 1] - begin[i];
        more[persons]++;
        most = persons > most ? persons : most;
    }
    uint16_t sum = 0;
    for (size_t persons = most + 1; persons-- > 0;) {
        uint16_t count = more[persons];
        more[persons] = sum;
        sum = (uint16_t)(sum + count);
    }
    return most;
}

void rows_arrange(const struct batch *batch)
{
    if (batch->count == 1) {
        arrange_one(batch);
        return;
    }
    const struct rows *rows = &batch->frame->rows;
    const uint32_t *begin = batch->block->person_begin + batch->first;
    uint16_t more[POLICY_PERSONS_PER_HOUSEHOLD_MAX + 1] = {0}, first[BATCH_HOUSEHOLDS];
    *rows->ranks = count_sizes(begin, batch->count, more);
    rows->begin[0] = 0;
    for (size_t rank = 0; rank < *rows->ranks; rank++)
        rows->begin[rank + 1] = rows->begin[rank] + more[rank];
    for (size_t i = 0; i < batch->count; i++) {
        uint16_t row = more[begin[i + 1] - begin[i]]++;
        rows->household[i] = row;
        first[row] = (uint16_t)(begin[i] - begin[0]);
    }
    for (size_t rank = 0; rank < *rows->ranks; rank++) {
        uint32_t at = rows->begin[rank], count = rows->begin[rank + 1] - at;
        for (size_t row = 0; row < count; row++)
            rows->person[first[row] + rank] = (uint16_t)(at + row);
    }
}
