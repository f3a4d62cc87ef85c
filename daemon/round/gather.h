/* SPDX-License-Identifier: PostgreSQL */
/*
 * Gathering: the dossiers of some changed households. The round's columns say who belongs to them; the round's own snapshot is
 * asked for the rest: names, addresses, and their facts with all that is known of each. (The columns have only what decides.)
 */
#ifndef SHOUWANG_ROUND_GATHER_H
#define SHOUWANG_ROUND_GATHER_H

#include "base/arena.h"
#include "base/status.h"
#include "round/dossier.h"
#include "round/load.h"
#include "round/standing.h"

#include <stddef.h>
#include <stdint.h>

/* One question for the particulars of so many households. Above some thousand persons PostgreSQL scans the facts once per
 * question, so the fewer the better; the answer takes some kilobyte per household. */
enum { GATHER_CHUNK = 32768 };

/* What was asked for one chunk; lies in its arena. Dossiers are those of load->policy: for the other one of two, another load
 * with that policy may be put here. */
struct gather {
    const struct load *load;
    const struct standing *standing;
    struct arena *arena;
    size_t place_count, person_count, person_fact_count, household_fact_count;
    const struct pull_place *places;                              /* by household_id */
    const struct pull_person *persons;                            /* by household_id */
    const struct pull_known_fact *person_facts, *household_facts; /* by subject */
};

/* positions: of the standing index, at most GATHER_CHUNK. */
enum status gather_chunk(struct gather *gather, const struct load *load, const struct standing *standing,
                         const uint32_t *positions, size_t count, struct arena *arena,
                         struct error *err) WARN_UNUSED;

/* An arena for one of them, for its dossier, explanation, event and evidence: 64 MB (the largest real ones take some hundred
 * kilobytes), and more where it has very many facts, which are in memory already. NULL when memory has run out. */
struct arena *gather_arena(const struct gather *gather, uint32_t position);

/* One of them; the dossier lies in `arena`. */
enum status gather_dossier(const struct gather *gather, uint32_t position, struct arena *arena,
                           struct dossier *dossier, struct error *err) WARN_UNUSED;

int64_t gather_household_id(const struct load *load, const struct standing *standing, uint32_t position);

#endif
