/* SPDX-License-Identifier: PostgreSQL */
/*
 * From packed identity numbers to 64-bit values, for a million persons and more: open addressing, linear probing, at
 * most half full, 16 bytes a slot, so that a hit costs one cache line. Lookups come in groups, whose lines are fetched
 * together. Where a key lies depends on a secret of each map's own: a partner chooses the numbers in his file, and without it
 * could choose a million that all want one place.
 *
 * Ownership: owns its memory. Threading: one thread writes, or many read.
 */
#ifndef SHOUWANG_STORE_IDENTITY_MAP_H
#define SHOUWANG_STORE_IDENTITY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct identity_map {
    size_t count;
    /* private */
    size_t mask; /* slots - 1 */
    uint64_t seed[2];
    struct identity_slot {
        uint64_t id_packed; /* 0 = free: never a packed ID */
        int64_t value;
    } * slots;
};

enum { IDENTITY_GROUP = 64, IDENTITY_COUNT_MAX = 1 << 28 };

void identity_map_init(struct identity_map *map);
void identity_map_fini(struct identity_map *map);
/* Room for so many in all; false when memory has run out (or the system has no random numbers, which does not happen). */
bool identity_map_reserve(struct identity_map *map, size_t count);
/* The value that the key has now: an earlier one stands. NULL when memory has run out. *added may be NULL. */
const int64_t *identity_map_put(struct identity_map *map, uint64_t id_packed, int64_t value, bool *added);
/* NULL when it is not there. */
const int64_t *identity_map_get(const struct identity_map *map, uint64_t id_packed);
/* At most IDENTITY_GROUP; a key of 0 or one that is not there gives `missing`. */
void identity_map_get_group(const struct identity_map *map, const uint64_t *keys, size_t count,
                            int64_t missing, int64_t *values);

#endif
