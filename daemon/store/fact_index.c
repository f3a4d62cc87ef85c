/* SPDX-License-Identifier: PostgreSQL */
#include "store/fact_index.h"

#include "io/crypto.h"
#include "store/fingerprint.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LEAST = 4096, ENTRIES_LEAST = 2048 };
#define ENTRIES_MAX ((size_t)UINT32_MAX - 1)

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for the facts of a source");
}

/* Slots are at most three quarters full. */
static size_t slots_for(size_t entries)
{
    size_t slots = SLOTS_LEAST;
    while (slots / 4 * 3 < entries)
        slots *= 2;
    return slots;
}

enum status fact_index_init(struct fact_index *index, size_t expected, struct error *err)
{
    *index = (struct fact_index){0};
    enum status status = crypto_random(index->seed, sizeof index->seed, err);
    if (status != STATUS_OK)
        return status;
    index->capacity = expected < ENTRIES_LEAST ? ENTRIES_LEAST
                      : expected < ENTRIES_MAX ? expected
                                               : ENTRIES_MAX;
    size_t slots = slots_for(index->capacity);
    index->high = malloc(index->capacity * sizeof *index->high);
    index->slots = calloc(slots, sizeof *index->slots);
    index->mask = slots - 1;
    return index->high && index->slots ? STATUS_OK : out_of_memory(err);
}

void fact_index_fini(struct fact_index *index)
{
    free(index->high);
    free(index->live);
    free(index->slots);
    *index = (struct fact_index){0};
}

/* --- fingerprints ------------------------------------------------------------------------------------------- */

static inline uint64_t two_days(day_t a, day_t b)
{
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

struct fact_print fact_index_print(const struct fact_index *index, const struct fact_identity *identity)
{
    const uint64_t fields[3] = {
        (uint64_t)identity->subject,
        two_days(identity->from, identity->amount ? identity->to : DAY_NONE),
        (uint64_t)identity->code << 8 | (uint64_t)(unsigned)identity->kind,
    };
    struct slice ref = {identity->ref.bytes ? identity->ref.bytes : "", identity->ref.length};
    const struct slice none = {NULL, 0};
    return (struct fact_print){fingerprint_of(index->seed[0], fields, 3, ref, none),
                               (uint32_t)fingerprint_of(index->seed[1], fields, 3, ref, none)};
}

uint64_t fact_index_content(const struct fact_index *index, const struct fact_content *content)
{
    const uint64_t fields[2] = {(uint64_t)content->value, two_days(content->to, content->as_of)};
    return fingerprint_of(index->seed[1], fields, 2, content->detail, content->name);
}

/* --- the table ---------------------------------------------------------------------------------------------- */

static inline size_t home_of(const struct fact_index *index, uint64_t high)
{
    return (size_t)(high >> 20) & index->mask;
}

void fact_index_prefetch(const struct fact_index *index, struct fact_print print)
{
    __builtin_prefetch(&index->slots[home_of(index, print.high)]);
}

static struct fact_slot *probe(const struct fact_index *index, struct fact_print print)
{
    size_t at = home_of(index, print.high);
    for (;;) {
        struct fact_slot *slot = &index->slots[at];
        if (slot->entry == 0 || (slot->tag == print.tag && index->high[slot->entry - 1] == print.high))
            return slot;
        at = (at + 1) & index->mask;
    }
}

size_t fact_index_find(const struct fact_index *index, struct fact_print print)
{
    const struct fact_slot *slot = probe(index, print);
    return slot->entry == 0 ? FACT_INDEX_NONE : slot->entry - 1;
}

static bool grow_entries(struct fact_index *index)
{
    if (index->capacity >= ENTRIES_MAX)
        return false;
    size_t capacity = index->capacity < ENTRIES_MAX / 2 ? index->capacity * 2 : ENTRIES_MAX;
    uint64_t *high = realloc(index->high, capacity * sizeof *high);
    if (!high)
        return false;
    index->high = high;
    index->capacity = capacity;
    return true;
}

/* All slots again, in a table of twice the size. */
static bool grow_slots(struct fact_index *index)
{
    size_t slots = (index->mask + 1) * 2;
    struct fact_slot *old = index->slots, *grown = calloc(slots, sizeof *grown);
    if (!grown)
        return false;
    size_t old_mask = index->mask;
    index->slots = grown;
    index->mask = slots - 1;
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].entry == 0)
            continue;
        size_t at = home_of(index, index->high[old[i].entry - 1]);
        while (grown[at].entry != 0)
            at = (at + 1) & index->mask;
        grown[at] = old[i];
    }
    free(old);
    return true;
}

static bool make_room(struct fact_index *index)
{
    return (index->count < index->capacity || grow_entries(index)) &&
           (index->count + 1 <= (index->mask + 1) / 4 * 3 || grow_slots(index));
}

enum status fact_index_add(struct fact_index *index, struct fact_print print, size_t *entry, bool *added,
                           struct error *err)
{
    if (!make_room(index))
        return out_of_memory(err);
    struct fact_slot *slot = probe(index, print);
    *added = slot->entry == 0;
    if (*added) {
        index->high[index->count++] = print.high;
        *slot = (struct fact_slot){print.tag, (uint32_t)index->count};
    }
    *entry = slot->entry - 1;
    return STATUS_OK;
}

static bool grow_live(struct fact_index *index)
{
    size_t capacity = index->live_capacity ? index->live_capacity * 2 : ENTRIES_LEAST;
    struct fact_live *live = realloc(index->live, capacity * sizeof *live);
    if (!live)
        return false;
    index->live = live;
    index->live_capacity = capacity;
    return true;
}

enum status fact_index_add_live(struct fact_index *index, struct fact_print print,
                                const struct fact_live *live, struct error *err)
{
    size_t entry;
    bool added;
    if (index->live_count == index->live_capacity && !grow_live(index))
        return out_of_memory(err);
    enum status status = fact_index_add(index, print, &entry, &added, err);
    if (status != STATUS_OK)
        return status;
    if (!added)
        index->high[index->count++] = print.high; /* an entry that no slot leads to */
    index->live[index->live_count++] = *live;
    return STATUS_OK;
}
