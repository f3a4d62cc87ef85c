/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "store/identity_map.h"

#include "io/crypto.h"
#include "store/fingerprint.h"

#include <stdlib.h>

enum { SLOTS_LEAST = 1024 };

void identity_map_init(struct identity_map *map)
{
    *map = (struct identity_map){0};
}

void identity_map_fini(struct identity_map *map)
{
    free(map->slots);
    identity_map_init(map);
}

static inline size_t slot_of(const struct identity_map *map, uint64_t id_packed)
{
    return (size_t)fingerprint_mix(id_packed ^ map->seed[0], map->seed[1]) & map->mask;
}

static inline struct identity_slot *probe(const struct identity_map *map, uint64_t id_packed)
{
    size_t at = slot_of(map, id_packed);
    while (map->slots[at].id_packed != 0 && map->slots[at].id_packed != id_packed)
        at = (at + 1) & map->mask;
    return &map->slots[at];
}

bool identity_map_reserve(struct identity_map *map, size_t count)
{
    size_t slots = map->slots ? map->mask + 1 : SLOTS_LEAST;
    if (count > IDENTITY_COUNT_MAX)
        return false;
    while (slots < 2 * count)
        slots *= 2;
    if (map->slots && slots == map->mask + 1)
        return true;
    struct error err;
    struct identity_map grown = {
        .count = map->count, .mask = slots - 1, .seed = {map->seed[0], map->seed[1]}};
    if (!map->slots && crypto_random(grown.seed, sizeof grown.seed, &err) != STATUS_OK)
        return false;
    grown.slots = calloc(slots, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; map->slots && i <= map->mask; i++)
        if (map->slots[i].id_packed != 0)
            *probe(&grown, map->slots[i].id_packed) = map->slots[i];
    free(map->slots);
    *map = grown;
    return true;
}

const int64_t *identity_map_put(struct identity_map *map, uint64_t id_packed, int64_t value, bool *added)
{
    if (2 * (map->count + 1) > (map->slots ? map->mask + 1 : 0) && !identity_map_reserve(map, map->count + 1))
        return NULL;
    struct identity_slot *slot = probe(map, id_packed);
    bool fresh = slot->id_packed == 0;
    if (fresh) {
        *slot = (struct identity_slot){id_packed, value};
        map->count++;
    }
    if (added)
        *added = fresh;
    return &slot->value;
}

const int64_t *identity_map_get(const struct identity_map *map, uint64_t id_packed)
{
    if (!map->slots || id_packed == 0)
        return NULL;
    const struct identity_slot *slot = probe(map, id_packed);
    return slot->id_packed != 0 ? &slot->value : NULL;
}

void identity_map_get_group(const struct identity_map *map, const uint64_t *keys, size_t count,
                            int64_t missing, int64_t *values)
{
    for (size_t i = 0; map->slots && i < count; i++)
        __builtin_prefetch(&map->slots[slot_of(map, keys[i])]);
    for (size_t i = 0; i < count; i++) {
        const int64_t *value = identity_map_get(map, keys[i]);
        values[i] = value ? *value : missing;
    }
}
