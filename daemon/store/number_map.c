/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "store/number_map.h"

#include "io/crypto.h"
#include "store/fingerprint.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_FIRST = 512 };
#define ENTRIES_MAX ((size_t)1 << 30)

void number_map_init(struct number_map *map)
{
    *map = (struct number_map){0};
}

void number_map_fini(struct number_map *map)
{
    free(map->slots);
    free(map->entries);
    text_fini(&map->numbers);
    number_map_init(map);
}

static uint32_t hash_of(const struct number_map *map, struct slice number)
{
    return (uint32_t)fingerprint_of(map->seed, NULL, 0, number, (struct slice){NULL, 0});
}

static bool is_entry(const struct number_map *map, const struct number_slot *slot, uint32_t hash,
                     struct slice number)
{
    if (slot->hash != hash)
        return false;
    return slice_equal(number_map_at(map, slot->entry - 1), number);
}

static struct number_slot *probe(const struct number_map *map, uint32_t hash, struct slice number)
{
    size_t at = hash & map->mask;
    while (map->slots[at].entry != 0 && !is_entry(map, &map->slots[at], hash, number))
        at = (at + 1) & map->mask;
    return &map->slots[at];
}

static bool grow(struct number_map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : ENTRIES_FIRST;
    struct error err;
    if (capacity > ENTRIES_MAX ||
        (!map->slots && crypto_random(&map->seed, sizeof map->seed, &err) != STATUS_OK))
        return false;
    struct number_entry *entries = realloc(map->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    map->entries = entries;
    struct number_slot *slots = calloc(2 * capacity, sizeof *slots);
    if (!slots)
        return false;
    size_t mask = 2 * capacity - 1;
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].entry == 0)
            continue;
        size_t at = map->slots[i].hash & mask;
        while (slots[at].entry != 0)
            at = (at + 1) & mask;
        slots[at] = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->mask = mask;
    map->capacity = capacity;
    return true;
}

int64_t *number_map_put(struct number_map *map, struct slice number, int64_t value, bool *added)
{
    if (map->count == map->capacity && !grow(map))
        return NULL;
    uint32_t hash = hash_of(map, number);
    struct number_slot *slot = probe(map, hash, number);
    bool fresh = slot->entry == 0;
    if (fresh) {
        size_t begin = map->numbers.length;
        text_add(&map->numbers, number.bytes, number.length);
        if (map->numbers.failed)
            return NULL;
        map->entries[map->count] = (struct number_entry){begin, number.length, value};
        *slot = (struct number_slot){hash, (uint32_t)++map->count};
    }
    if (added)
        *added = fresh;
    return &map->entries[slot->entry - 1].value;
}

int64_t *number_map_get(const struct number_map *map, struct slice number)
{
    if (!map->slots)
        return NULL;
    const struct number_slot *slot = probe(map, hash_of(map, number), number);
    return slot->entry != 0 ? &map->entries[slot->entry - 1].value : NULL;
}

struct slice number_map_at(const struct number_map *map, size_t i)
{
    const struct number_entry *entry = &map->entries[i];
    return (struct slice){map->numbers.bytes + entry->begin, entry->length};
}
