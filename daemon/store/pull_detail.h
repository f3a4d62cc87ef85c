/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a round needs to know of the households that change, beyond the columns it pulled of all: where they are, and everything
 * about their facts. Asked for by keys, some thousands at a time; best within the round's snapshot.
 */
#ifndef SHOUWANG_STORE_PULL_DETAIL_H
#define SHOUWANG_STORE_PULL_DETAIL_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

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

/* Subjects in the order in which their facts are wanted: those of persons and of households stand in one order, by `places`.
 * No subject twice. */
struct pull_asked {
    const int64_t *ids;
    const uint32_t *places;
    size_t count;
};

/* One fact with all that is known of it. */
struct pull_known_fact {
    uint32_t place; /* its subject's */
    int32_t row_no;
    int64_t value; /* FACT_UNKNOWN for null */
    int64_t batch_id;
    day_t from, to;
    day_t as_of;      /* DAY_NONE when not given */
    struct slice ref; /* length 0 = none */
    int16_t code;
    uint8_t source;
};

/*
 * All facts of these subjects and codes, by place, one after another: they may be many, so that the server puts them in order, and
 * nobody holds them all. The connection belongs to the stream until pull_known_end. A fact's ref is valid until the next call.
 */
struct pull_known;
enum status pull_known_begin(struct pg *pg, const struct pull_asked *persons,
                             const struct pull_asked *households, const int16_t *codes, size_t code_count,
                             struct pull_known **known, struct error *err) WARN_UNUSED;
/* False at the end and after a failure; pull_known_end tells which. */
bool pull_known_next(struct pull_known *known, struct pull_known_fact *fact);
/* After every successful begin; frees. Called before the facts have ended, it breaks the connection. */
enum status pull_known_end(struct pull_known *known, struct error *err) WARN_UNUSED;

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
