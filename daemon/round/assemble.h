/* SPDX-License-Identifier: PostgreSQL */
/*
 * The register, from rows as they were pulled to the columns that the policy machine reads: memberships are counted and placed
 * by household (a counting sort: no comparison, two passes), and the whole is cut into shards (shard.h has the facts).
 *
 * Nothing is allocated per row. 5 bytes per household and 12 per person, 13 with traits; while persons are placed 4 more per person.
 *
 * Ownership: the assembly owns its columns.
 */
#ifndef SHOUWANG_ROUND_ASSEMBLE_H
#define SHOUWANG_ROUND_ASSEMBLE_H

#include "base/civil.h"
#include "base/status.h"
#include "round/match.h"
#include "round/shard.h"
#include "store/pull.h"

#include <stddef.h>
#include <stdint.h>

struct assembly {
    size_t household_count, person_count;
    uint8_t *urban;
    uint32_t *person_begin; /* household_count + 1 */
    int64_t *person_id;     /* ordered by household */
    day_t *birth;
    uint8_t *traits; /* policy_traits(); NULL unless the members have them */
    struct shard_map shards;
};
void assembly_fini(struct assembly *assembly);

/* Fills a zero-initialised assembly from members that were pulled in `parts` stretches. Members of households that are not in
 * `households` (match: household_id → position) are left out. Free with assembly_fini in any case. */
enum status assemble_register(struct assembly *assembly, const struct pull_households *households,
                              const struct match *match, const struct pull_members *members, size_t parts,
                              struct error *err) WARN_UNUSED;

#endif
