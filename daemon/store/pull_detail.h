/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a round needs to know of the few households that change, beyond the columns it pulled of all: where they are,
 * when their facts were recorded and under which document. Asked for by keys, some thousands at a time; best within the
 * round's snapshot.
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

/* A fact whose source gave the day of recording or a document number. */
struct pull_note {
    int64_t subject_id;
    int code;
    int64_t batch_id;
    int32_t row_no;
    day_t as_of; /* DAY_NONE when not given */
    const char *ref;
};
/* Of these subjects and codes, ordered by subject, code, batch and row. Facts with neither are missing. */
enum status pull_notes(struct pg *pg, enum pull_subject subject, const int64_t *subject_ids,
                       size_t subject_count, const int16_t *codes, size_t code_count, struct arena *arena,
                       const struct pull_note **notes, size_t *count, struct error *err) WARN_UNUSED;
/* The note of one fact in such a list; NULL when it has none. */
const struct pull_note *pull_note_find(const struct pull_note *notes, size_t count, int64_t subject_id,
                                       int code, int64_t batch_id, int32_t row_no);

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
