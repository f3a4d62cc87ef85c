/* SPDX-License-Identifier: PostgreSQL */
/*
 * Everything that is known about one household, and the people of some: for explanations and the bodies of events.
 *
 * Best read within a snapshot (store/pull.h). Everything returned lies in the caller's arena.
 */
#ifndef SHOUWANG_STORE_PULL_ONE_H
#define SHOUWANG_STORE_PULL_ONE_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct fetch;

struct pull_one_member {
    int64_t person_id;
    uint64_t id_packed; /* 0 = no usable number */
    const char *name;
    day_t birth;
    int kinship; /* -1 = not given */
    const char *labour;
    day_t since;
};

struct pull_one_fact {
    int64_t subject_id; /* person_id, or household_id */
    bool of_household;
    int code;
    int source;
    int64_t value; /* FACT_UNKNOWN for null */
    day_t from, to, as_of;
    int64_t batch_id;
    int32_t row_no;
    const char *ref, *detail, *batch_name;
};

struct pull_one {
    int64_t household_id;
    const char *household_no, *address;
    int64_t township, village;
    bool urban;
    bool on_register; /* false: it was ended */
    size_t member_count;
    const struct pull_one_member *members; /* by line in person.csv */
    size_t fact_count;
    const struct pull_one_fact *facts; /* by code, then subject, source, from, batch, row */
};
/* The row of a query of a household: household_id, household_no, address, township_code, village_code, urban, whether it is on the
 * register; NULL without one. */
struct pull_one *pull_household_of_one(struct fetch *fetch);
/* The rows of a query of facts: subject, of_household, code, source, value, from_day, to_day, as_of, batch_id, row_no, ref,
 * detail, the batch's name. */
void pull_facts_of_one(struct fetch *fetch, struct pull_one *one);
/* Everything about one household, from `arena`. *one stays NULL when the number is not known. Best within a
 * snapshot. */
enum status pull_one(struct pg *pg, const char *household_no, struct arena *arena,
                     const struct pull_one **one, struct error *err) WARN_UNUSED;
/* The household that a warning is about: its number, or NULL. warning_id must be a UUID's 36 characters. */
enum status pull_household_of_warning(struct pg *pg, const char *warning_id, struct arena *arena,
                                      const char **household_no, struct error *err) WARN_UNUSED;

/* Names and identity numbers of the current members of some households, for the bodies of their events. By
 * household. */
struct pull_person {
    int64_t household_id;
    struct pull_one_member member;
};
enum status pull_persons(struct pg *pg, const int64_t *household_ids, size_t household_count,
                         struct arena *arena, const struct pull_person **persons, size_t *count,
                         struct error *err) WARN_UNUSED;

#endif
