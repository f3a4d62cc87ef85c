/* SPDX-License-Identifier: PostgreSQL */
/*
 * Gathering: the dossiers of changed households. The round's columns say who belongs to them; the round's own snapshot is asked for
 * the rest: names, addresses, and their facts with all that is known of each. (The columns have only what decides.)
 *
 *     gather_open         asks for some households; where they are and who they are lies in memory
 *     gather_household    makes one of them the current one; the facts of one household at a time come from the server
 *     gather_dossier      lays it out
 *     gather_close        when all is done, or has failed
 *
 * So memory goes by the number of households and persons of a chunk, and by the facts of the richest household, not of all. While it
 * is open the load's first connection is the gather's.
 *
 * Ownership: places and persons lie in the caller's arena; owns the current household's facts.
 */
#ifndef SHOUWANG_ROUND_GATHER_H
#define SHOUWANG_ROUND_GATHER_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "round/dossier.h"
#include "round/load.h"
#include "round/standing.h"

#include <stddef.h>
#include <stdint.h>

struct pull_known;
struct pull_known_fact;

/* One question for the particulars of so many households. PostgreSQL scans the facts once for each question about many, so the fewer
 * the better; places and persons take some 700 bytes a household while the answer is read. */
enum { GATHER_CHUNK = 32768 };

struct gather {
    const struct load *
        load; /* dossiers are those of load->policy: of two, another load with the other one may be put here */
    const struct standing *standing;
    struct arena *arena;
    size_t place_count, person_count;
    const struct pull_place *places;   /* by household_id */
    const struct pull_person *persons; /* by household_id */

    /* The households asked for, in the order in which they are taken. */
    size_t count;
    const uint32_t *positions;
    uint32_t *person_first, *persons_of; /* of `persons` */
    uint32_t *places_begin;              /* the household's place among the subjects; its persons' follow */
    size_t current;

    struct pull_known *known;
    struct pull_known_fact *ahead; /* the first one of a later household; NULL at the end */
    size_t fact_count, fact_capacity;
    struct pull_known_fact *facts; /* of the current household, its own first, then person by person */
    struct text refs;              /* theirs, one after another */
};

/* positions: of the standing index, no more than GATHER_CHUNK, none twice; in the order in which they will be asked for. Must stay
 * until gather_close, which is called whatever happens. */
enum status gather_open(struct gather *gather, const struct load *load, const struct standing *standing,
                        const uint32_t *positions, size_t count, struct arena *arena,
                        struct error *err) WARN_UNUSED;
/* `status` is what the caller has so far; the first failure counts. After one the connection may be broken. */
enum status gather_close(struct gather *gather, enum status status, struct error *err) WARN_UNUSED;

/* The household at that position is the current one; those before it in the order are over. */
enum status gather_household(struct gather *gather, uint32_t position, struct error *err) WARN_UNUSED;
/* An arena for it, for its dossier, explanation, event and evidence: 64 MB (the largest real ones take some hundred
 * kilobytes), and more where it has very many facts, which are in memory already. NULL when memory has run out. */
struct arena *gather_arena(const struct gather *gather);
/* Its dossier, in `arena`; may be asked for more than once. */
enum status gather_dossier(const struct gather *gather, struct arena *arena, struct dossier *dossier,
                           struct error *err) WARN_UNUSED;

int64_t gather_household_id(const struct load *load, const struct standing *standing, uint32_t position);

#endif
