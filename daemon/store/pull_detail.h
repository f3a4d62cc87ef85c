/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a round needs to know of the few households that change, beyond the columns it pulled of all: where they are,
 * and everything about their facts. Asked for by keys, some thousands at a time; best within the round's snapshot.
 */
#ifndef SHOUWANG_STORE_PULL_DETAIL_H
#define SHOUWANG_STORE_PULL_DETAIL_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "store/pull.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

struct pull_place {
    int64_t household_id;
    const char *household_no, *address;
    int64_t township, village;
    bool urban;
    bool on_register; /* false: it was ended */
};
/* Of these households, by household_id; unknown ones are missing. */
enum status pull_places(struct pg *pg, const int64_t *household_ids, size_t household_count,
                        struct arena *arena, const struct pull_place **places, size_t *count,
                        struct error *err) WARN_UNUSED;

/* One fact with all that is known of it. */
struct pull_known_fact {
    int64_t subject_id;
    int64_t value; /* FACT_UNKNOWN for null */
    int64_t batch_id;
    const char *ref; /* "" = none */
    day_t from, to;
    day_t as_of; /* DAY_NONE when not given */
    int32_t row_no;
    int16_t code;
    uint8_t source;
};
/* Of these subjects and codes, by subject. */
enum status pull_known_facts(struct pg *pg, enum pull_subject subject, const int64_t *subject_ids,
                             size_t subject_count, const int16_t *codes, size_t code_count,
                             struct arena *arena, const struct pull_known_fact **facts, size_t *count,
                             struct error *err) WARN_UNUSED;
/* Those of one subject in such a list: the first; *count becomes how many follow. */
const struct pull_known_fact *pull_known_of(const struct pull_known_fact *facts, size_t fact_count,
                                            int64_t subject_id, size_t *count);

/* What the last round that changed a case wrote about it. NULL when none did. */
struct pull_history {
    int64_t round_id;
    const char *previous_level, *level;
    const char *findings_json, *evidence_json;
};
enum status pull_history_of_warning(struct pg *pg, int64_t household_id, const char *warning_id,
                                    struct arena *arena, const struct pull_history **history,
                                    struct error *err) WARN_UNUSED;

/* A round whose commit was left without an answer: waits until nobody writes a round any more (lease_lock), then reads
 * it. *round stays NULL when there is none of that number. */
struct round_info;
enum status pull_round_settled(struct pg *pg, int64_t round_id, struct arena *arena,
                               const struct round_info **round, struct error *err) WARN_UNUSED;

#endif
