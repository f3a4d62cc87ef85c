/* SPDX-License-Identifier: PostgreSQL */
/*
 * From household numbers (any text of the county's, or of a partner's file) to 64-bit values. Owns copies of the numbers. Where a
 * number lies depends on a secret of each map's own, so that nobody can choose numbers that all want one place.
 * Threading: one thread writes, or many read.
 */
#ifndef SHOUWANG_STORE_NUMBER_MAP_H
#define SHOUWANG_STORE_NUMBER_MAP_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_map {
    size_t count;
    /* private */
    size_t mask, capacity;
    uint64_t seed;
    struct number_slot {
        uint32_t hash;  /* of the number */
        uint32_t entry; /* index + 1; 0 = free */
    } * slots;
    struct number_entry {
        size_t begin, length;
        int64_t value;
    } * entries;
    struct text numbers;
};

void number_map_init(struct number_map *map);
void number_map_fini(struct number_map *map);
/* The value that the number has now: an earlier one stands. NULL when memory has run out. *added may be NULL. Valid
 * until the next put. */
int64_t *number_map_put(struct number_map *map, struct slice number, int64_t value, bool *added);
/* NULL when it is not there. */
int64_t *number_map_get(const struct number_map *map, struct slice number);
/* The i-th that was put, i < count. Valid until the next put. */
struct slice number_map_at(const struct number_map *map, size_t i);

#endif
