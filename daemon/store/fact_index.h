/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which facts of a source are live, and which a batch has stated already.
 *
 * A fact is known by a 96-bit fingerprint of its identity (subject, code, from, ref; for amounts also `to`), made with a
 * secret seed, so that ten million rows fit and nobody can write a file whose rows collide: two different facts of one
 * file are taken for the same with a probability of rows² / 2^97, 10^-15 for ten million. What it says beside (value,
 * as_of, detail, `to`, a stranger's name) is a fingerprint of 64 bits: a change is missed with a probability of 2^-64.
 *
 * Memory: 19 to 29 bytes for each fact, and 32 more for each that is live.
 * Ownership: owns its memory. Threading: one thread at a time.
 */
#ifndef SHOUWANG_STORE_FACT_INDEX_H
#define SHOUWANG_STORE_FACT_INDEX_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fact_print {
    uint64_t high;
    uint32_t tag;
};

/* A live fact: where it lies, and what becomes of it. */
struct fact_live {
    uint64_t content;
    uint32_t block; /* its ctid */
    uint16_t offset;
    uint8_t fate; /* the writer's */
    uint8_t spare;
    uint32_t part;  /* the writer's: which table */
    uint32_t line;  /* in this batch's file; 0 = not stated (yet) */
    uint32_t batch; /* that brought it, and its line there */
    int32_t row_no;
};

struct fact_index {
    size_t count; /* of all entries; the live ones come first */
    size_t live_count;
    struct fact_live *live;
    /* private */
    uint64_t *high; /* by entry */
    size_t capacity, live_capacity, mask;
    uint64_t seed[2];
    struct fact_slot {
        uint32_t tag, entry; /* entry + 1; 0 = free */
    } * slots;
};

/* What a fingerprint is made of. kind tells persons, households and strangers apart. */
struct fact_identity {
    int kind, code;
    bool amount;
    int64_t subject;
    day_t from, to;
    struct slice ref;
};
struct fact_content {
    int64_t value;
    day_t to, as_of;
    struct slice detail, name; /* bytes NULL = none */
};

#define FACT_INDEX_NONE SIZE_MAX

/* expected: how many there will be; it may be wrong. */
enum status fact_index_init(struct fact_index *index, size_t expected, struct error *err) WARN_UNUSED;
void fact_index_fini(struct fact_index *index);

struct fact_print fact_index_print(const struct fact_index *index, const struct fact_identity *identity);
uint64_t fact_index_content(const struct fact_index *index, const struct fact_content *content);
void fact_index_prefetch(const struct fact_index *index, struct fact_print print);
/* Its entry, FACT_INDEX_NONE when it is not there. */
size_t fact_index_find(const struct fact_index *index, struct fact_print print);
/* *added is false when it was there. STATUS_FATAL when memory has run out. */
enum status fact_index_add(struct fact_index *index, struct fact_print print, size_t *entry, bool *added,
                           struct error *err) WARN_UNUSED;
/* Before any fact of the batch is added. A second one of the same identity is kept, but not found. */
enum status fact_index_add_live(struct fact_index *index, struct fact_print print,
                                const struct fact_live *live, struct error *err) WARN_UNUSED;

#endif
