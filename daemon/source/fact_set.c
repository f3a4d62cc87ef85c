/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/fact_set.h"

#include "io/crypto.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LEAST = 4096 };
#define SLOTS_MAX ((size_t)1 << 33)

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for the facts of a file");
}

enum status fact_set_init(struct fact_set *set, size_t expected, struct error *err)
{
    *set = (struct fact_set){0};
    enum status status = crypto_random(set->seed, sizeof set->seed, err);
    if (status != STATUS_OK)
        return status;
    size_t slots = SLOTS_LEAST;
    while (slots < SLOTS_MAX && slots / 2 < expected)
        slots *= 2;
    set->slots = calloc(slots, sizeof *set->slots);
    set->mask = slots - 1;
    return set->slots ? STATUS_OK : out_of_memory(err);
}

void fact_set_fini(struct fact_set *set)
{
    free(set->slots);
    *set = (struct fact_set){0};
}

/* The folded 128-bit product, as wyhash uses it. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_fields(uint64_t seed, const uint64_t fields[3], struct slice ref)
{
    static const uint64_t odd[] = {UINT64_C(0xA0761D6478BD642F), UINT64_C(0xE7037ED1A0B428DB),
                                   UINT64_C(0x8EBC6AF09C88C6E3), UINT64_C(0x589965CC75374CC3)};
    uint64_t hash = mix(seed ^ odd[0], odd[1] ^ ref.length);
    for (int i = 0; i < 3; i++)
        hash = mix(hash ^ fields[i], seed ^ odd[i]);
    for (size_t at = 0; at < ref.length; at += 8) {
        uint64_t word = 0;
        size_t left = ref.length - at;
        memcpy(&word, ref.bytes + at, left < 8 ? left : 8);
        hash = mix(hash ^ word, seed ^ odd[3]);
    }
    return mix(hash ^ odd[2], seed ^ odd[1]);
}

struct fact_print fact_set_print(const struct fact_set *set, int subject_kind, int64_t subject,
                                 const struct fact_code *code, day_t from_day, day_t to_day, struct slice ref)
{
    if (code->kind != FACT_AMOUNT)
        to_day = DAY_NONE;
    uint64_t fields[3] = {
        (uint64_t)subject,
        (uint64_t)(uint32_t)from_day << 32 | (uint32_t)to_day,
        (uint64_t)code->number << 8 | (uint64_t)(unsigned)subject_kind,
    };
    struct fact_print print = {hash_fields(set->seed[0], fields, ref),
                               hash_fields(set->seed[1], fields, ref)};
    print.high |= 1; /* so that no print is that of a free slot */
    return print;
}

void fact_set_prefetch(const struct fact_set *set, struct fact_print print)
{
    __builtin_prefetch(&set->slots[print.low & set->mask]);
}

static struct fact_print *probe(const struct fact_set *set, struct fact_print print)
{
    size_t at = (size_t)print.low & set->mask;
    for (;;) {
        struct fact_print *slot = &set->slots[at];
        if (slot->high == 0 || (slot->low == print.low && slot->high == print.high))
            return slot;
        at = (at + 1) & set->mask;
    }
}

static enum status grow(struct fact_set *set, struct error *err)
{
    struct fact_set grown = *set;
    size_t slots = (set->mask + 1) * 2;
    if (slots > SLOTS_MAX || !(grown.slots = calloc(slots, sizeof *grown.slots)))
        return out_of_memory(err);
    grown.mask = slots - 1;
    for (size_t i = 0; i <= set->mask; i++)
        if (set->slots[i].high != 0)
            *probe(&grown, set->slots[i]) = set->slots[i];
    free(set->slots);
    *set = grown;
    return STATUS_OK;
}

enum status fact_set_add(struct fact_set *set, struct fact_print print, bool *added, struct error *err)
{
    if (2 * (set->count + 1) > set->mask + 1) {
        enum status status = grow(set, err);
        if (status != STATUS_OK)
            return status;
    }
    struct fact_print *slot = probe(set, print);
    *added = slot->high == 0;
    if (*added) {
        *slot = print;
        set->count++;
    }
    return STATUS_OK;
}
