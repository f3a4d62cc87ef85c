/* SPDX-License-Identifier: PostgreSQL */
/*
 * From rows as they were pulled to the block of columns that the policy machine reads.
 *
 * 1. assemble_persons: memberships are counted and placed by household (a counting sort: no comparison, two passes).
 * 2. assemble_facts_add: the rows of one code become facts of the machine, each with the position of its subject in
 *    the spare bytes. Facts about nobody on the register are dropped here. Codes are independent of each other: two
 *    threads may work on two codes.
 * 3. assemble_facts: facts are counted and placed by subject. Lists are taken in the order of codes, so that the facts
 *    of a subject come out ordered by code; a chunk is freed as soon as it is placed.
 *
 * Nothing is allocated per row. At its peak (step 3) 64 bytes per fact, 24 per person, 24 per household.
 *
 * Ownership: the assembly owns its columns; a block borrows them.
 */
#ifndef SHOUWANG_ROUND_ASSEMBLE_H
#define SHOUWANG_ROUND_ASSEMBLE_H

#include "base/civil.h"
#include "base/status.h"
#include "policy/policy.h"
#include "round/match.h"
#include "store/pull.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2 MiB a chunk: few enough to map and unmap, and pages that a rare code never touches cost nothing. */
enum { ASSEMBLE_CHUNK_FACTS = 65536 };

struct assemble_chunk {
    struct assemble_chunk *next;
    size_t count;
    struct policy_fact facts[ASSEMBLE_CHUNK_FACTS];
};

/* The facts of one code about one kind of subject, in the order in which they came. Zero-initialise. */
struct assemble_list {
    struct assemble_chunk *first, *last;
    size_t count;
    size_t strangers; /* rows about nobody on the register, dropped */
    size_t excluded;  /* rows of batches that did not count */
};
void assemble_list_free(struct assemble_list *list);

struct assembly {
    size_t household_count, person_count, household_fact_count, person_fact_count;
    uint8_t *urban;
    int64_t *person_id; /* ordered by household */
    day_t *birth;
    uint32_t *person_begin;
    uint32_t *household_fact_begin, *person_fact_begin;
    struct policy_fact *household_facts, *person_facts;
};
void assembly_init(struct assembly *assembly);
void assembly_fini(struct assembly *assembly);

/* Members of households that are not in `households` (match: household_id → position) are left out. */
enum status assemble_persons(struct assembly *assembly, const struct pull_households *households,
                             const struct match *match, const struct pull_members *members,
                             struct error *err) WARN_UNUSED;

/* Batches whose facts do not count (a dry run of an earlier date), ascending. */
struct assemble_exclusion {
    const int64_t *batches;
    size_t count;
};

/* Adds pulled rows of one code; `code` is its position in policy_codes(). */
enum status assemble_list_add(struct assemble_list *list, const struct pull_facts *rows,
                              const struct match *subjects, size_t code,
                              const struct assemble_exclusion *exclusion, struct error *err) WARN_UNUSED;

enum assemble_subject { ASSEMBLE_HOUSEHOLDS, ASSEMBLE_PERSONS };
/* Places the facts of all lists, which are in the order of codes and empty afterwards. After assemble_persons. */
enum status assemble_facts(struct assembly *assembly, enum assemble_subject subject,
                           struct assemble_list *lists, size_t list_count, struct error *err) WARN_UNUSED;

/* The block over households [first, first + count). Offsets into persons and facts stay those of the whole. */
struct policy_block assembly_block(const struct assembly *assembly, size_t first, size_t count);

/* What the assembly holds. */
size_t assembly_bytes(const struct assembly *assembly);

#endif
