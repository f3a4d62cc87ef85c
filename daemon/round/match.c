/* SPDX-License-Identifier: PostgreSQL */
#include "round/match.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A plain array of up to this many entries per id still costs less than the table's slots. */
enum { DENSE_FACTOR = 4 };

struct slot {
    int64_t id;
    uint32_t position; /* MATCH_NONE: free */
};

struct match {
    /* dense: array[id - first] */
    bool is_dense;
    int64_t first;
    uint64_t range;
    uint32_t *array;
    /* hashed */
    struct slot *slots;
    unsigned shift; /* 64 - log2(slots) */
    size_t mask;
};

/* Fibonacci hashing: the high bits of a product with 2^64 / golden ratio. Ids in sequence spread evenly. */
static size_t home_slot(const struct match *match, int64_t id)
{
    return (size_t)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> match->shift);
}

static enum status duplicate(const char *what, size_t a, size_t b, struct error *err)
{
    return error_set(err, STATUS_REJECT, "%s: rows %zu and %zu have one key; expected each key once", what, a,
                     b);
}

static enum status fill_dense(struct match *match, const int64_t *ids, size_t count, const char *what,
                              struct error *err)
{
    match->array = malloc((size_t)match->range * sizeof *match->array);
    if (match->array == NULL)
        return error_set(err, STATUS_FATAL, "no memory to match %zu rows of %s", count, what);
    memset(match->array, 0xFF, (size_t)match->range * sizeof *match->array);
    for (size_t i = 0; i < count; i++) {
        uint32_t *entry = &match->array[ids[i] - match->first];
        if (*entry != MATCH_NONE)
            return duplicate(what, *entry, i, err);
        *entry = (uint32_t)i;
    }
    return STATUS_OK;
}

static enum status fill_hashed(struct match *match, const int64_t *ids, size_t count, const char *what,
                               struct error *err)
{
    unsigned bits = 4;
    while ((UINT64_C(1) << bits) < (uint64_t)count * 2)
        bits++;
    size_t slots = (size_t)1 << bits;
    match->shift = 64 - bits;
    match->mask = slots - 1;
    match->slots = malloc(slots * sizeof *match->slots);
    if (match->slots == NULL)
        return error_set(err, STATUS_FATAL, "no memory to match %zu rows of %s", count, what);
    for (size_t i = 0; i < slots; i++)
        match->slots[i] = (struct slot){0, MATCH_NONE};
    for (size_t group = 0; group < count; group += MATCH_GROUP) {
        size_t end = count - group < MATCH_GROUP ? count : group + MATCH_GROUP;
        for (size_t i = group; i < end; i++)
            __builtin_prefetch(&match->slots[home_slot(match, ids[i])], 1);
        for (size_t i = group; i < end; i++) {
            size_t s = home_slot(match, ids[i]);
            for (; match->slots[s].position != MATCH_NONE; s = (s + 1) & match->mask) {
                if (match->slots[s].id == ids[i])
                    return duplicate(what, match->slots[s].position, i, err);
            }
            match->slots[s] = (struct slot){ids[i], (uint32_t)i};
        }
    }
    return STATUS_OK;
}

static void find_range(const int64_t *ids, size_t count, int64_t *first, uint64_t *range)
{
    int64_t lowest = 0, highest = -1;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || ids[i] < lowest)
            lowest = ids[i];
        if (i == 0 || ids[i] > highest)
            highest = ids[i];
    }
    *first = lowest;
    *range = (uint64_t)highest - (uint64_t)lowest + 1; /* 0 when it wraps: not dense */
}

enum status match_new(struct match **match, const int64_t *ids, size_t count, const char *what,
                      struct error *err)
{
    *match = NULL;
    if (count >= MATCH_NONE)
        return error_set(err, STATUS_REJECT, "%s: %zu rows; at most %u can be matched", what, count,
                         MATCH_NONE - 1);
    struct match *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "no memory to match %zu rows of %s", count, what);
    find_range(ids, count, &made->first, &made->range);
    made->is_dense = count > 0 && made->range > 0 && made->range <= (uint64_t)count * DENSE_FACTOR;
    enum status status =
        made->is_dense ? fill_dense(made, ids, count, what, err) : fill_hashed(made, ids, count, what, err);
    if (status != STATUS_OK) {
        match_free(made);
        return status;
    }
    *match = made;
    return STATUS_OK;
}

void match_free(struct match *match)
{
    if (match == NULL)
        return;
    free(match->array);
    free(match->slots);
    free(match);
}

static void find_dense(const struct match *match, const int64_t *ids, size_t count, uint32_t *positions)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)ids[i] - (uint64_t)match->first;
        if (offset < match->range)
            __builtin_prefetch(&match->array[offset]);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)ids[i] - (uint64_t)match->first;
        positions[i] = offset < match->range ? match->array[offset] : MATCH_NONE;
    }
}

static void find_hashed(const struct match *match, const int64_t *ids, size_t count, uint32_t *positions)
{
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&match->slots[home_slot(match, ids[i])]);
    for (size_t i = 0; i < count; i++) {
        size_t s = home_slot(match, ids[i]);
        while (match->slots[s].position != MATCH_NONE && match->slots[s].id != ids[i])
            s = (s + 1) & match->mask;
        positions[i] = match->slots[s].position;
    }
}

void match_find(const struct match *match, const int64_t *ids, size_t count, uint32_t *positions)
{
    for (size_t group = 0; group < count; group += MATCH_GROUP) {
        size_t n = count - group < MATCH_GROUP ? count - group : MATCH_GROUP;
        if (match->is_dense)
            find_dense(match, ids + group, n, positions + group);
        else
            find_hashed(match, ids + group, n, positions + group);
    }
}
