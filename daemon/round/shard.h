/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts between their pull and their evaluation. They come code by code, in no order of subjects; the policy machine wants
 * them subject by subject. So the register is cut into shards, stretches of some thousand households; every fact is thrown into
 * the shard of its subject as it comes, and a shard's facts are put in order when its turn to be evaluated comes, in a buffer
 * that stays in the processor's cache. Facts are held once, and never all of them in the machine's wide form.
 *
 * 16 bytes for an amount of which the day alone counts (policy_run_need), 32 for any other, and some 20 per household for
 * chunks that are not full. Memory comes from the system by the mebibyte and goes back to it as a whole: malloc would keep it.
 *
 * Within a subject the facts come out by code; the facts of one code in no particular order.
 *
 * Threading: a map is immutable. A bag belongs to one thread while it is filled; full bags may be read by many. Nothing is
 * allocated per fact.
 */
#ifndef SHOUWANG_ROUND_SHARD_H
#define SHOUWANG_ROUND_SHARD_H

#include "base/status.h"
#include "policy/policy.h"
#include "round/match.h"
#include "store/pull.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the map ------------------------------------------------------------------------------------------------------ */

/* So many that their facts, in the machine's form, and the machine's own columns fit into a core's cache together. */
enum { SHARD_HOUSEHOLDS = 2048 };

/* Shard s has the households [household_begin[s], household_begin[s + 1]) and the persons likewise; its subjects are numbered
 * in this order: households, then persons. */
struct shard_map {
    size_t count;
    uint32_t *household_begin, *person_begin; /* count + 1 */
    uint32_t *of_person;                      /* the shard of every SHARD_STRIDE-th person */
};
enum { SHARD_STRIDE = 1024 };

/* person_begin: household_count + 1 (struct assembly). Free with shard_map_fini in any case. */
enum status shard_map_init(struct shard_map *map, const uint32_t *person_begin, size_t household_count,
                           struct error *err) WARN_UNUSED;
void shard_map_fini(struct shard_map *map);

/* --- a bag of facts ------------------------------------------------------------------------------------------------ */

/* Batches whose facts do not count (a dry run of an earlier date), ascending. */
struct shard_exclusion {
    const int64_t *batches;
    size_t count;
};
bool shard_is_excluded(const struct shard_exclusion *exclusion, int64_t batch); /* NULL: nothing is */

struct shard_chunk;
struct shard_list {
    struct shard_chunk *first, *last;
    size_t used; /* of the last; those before it are full */
};

struct shard_bag {
    const struct shard_map *map;
    struct shard_list *lists; /* of each shard: amounts, others */
    struct shard_slab *slabs;
    size_t slab_used;
    size_t count;
    size_t strangers; /* rows about nobody on the register, dropped */
    size_t excluded;  /* rows of batches that did not count */
    size_t unread;    /* rows about persons of a household with more than POLICY_PERSONS_READ_MAX, dropped */
};
/* The map is borrowed. */
enum status shard_bag_init(struct shard_bag *bag, const struct shard_map *map, struct error *err) WARN_UNUSED;
void shard_bag_fini(struct shard_bag *bag);

/* What the rows of one pull are about. */
struct shard_rows {
    enum pull_subject subject;
    uint16_t code; /* position in policy_codes() */
    bool amounts;  /* of each the day, given as `to`, and the value are all that counts */
};
/* subjects: persons or households to positions. */
enum status shard_bag_add(struct shard_bag *bag, const struct shard_rows *what, const struct pull_facts *rows,
                          const struct match *subjects, const struct shard_exclusion *exclusion,
                          struct error *err) WARN_UNUSED;

/* --- a shard in order ------------------------------------------------------------------------------------------------ */

/* What a thread puts shards in order with; kept from one to the next. Zero-initialise. */
struct shard_table {
    uint32_t *person_begin, *fact_begin;
    struct policy_fact *facts;
    size_t household_capacity, subject_capacity, fact_capacity;
};
void shard_table_fini(struct shard_table *table);

/* The register, as the block wants it. */
struct shard_register {
    const uint8_t *urban;
    const uint32_t *person_begin;
    const day_t *birth;
    const uint8_t *traits; /* NULL: nothing is known of anybody */
};
/* The facts of one shard out of all bags. The block is valid until the table is used again. */
enum status shard_table_fill(struct shard_table *table, const struct shard_map *map, size_t shard,
                             const struct shard_bag *bags, size_t bag_count,
                             const struct shard_register *about, struct policy_block *block,
                             struct error *err) WARN_UNUSED;

#endif
