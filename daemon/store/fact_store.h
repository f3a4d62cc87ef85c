/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts of one batch, on their way into person_fact, household_fact and stranger_fact.
 *
 * Call within the batch's transaction, after lease_lock(LEASE_INGEST) and batch_accept. Nothing is changed
 * before fact_writer_finish but on the fast path (a source that never had an accepted batch), where rows are
 * copied straight in.
 *
 * Full: everything live of the source is replaced. Delta: rows whose identity is repeated are superseded. A
 * fact's identity within its source is subject, code, from, to and ref; for states and events (every kind but
 * amount) without `to`. What differs or is gone moves to *_history with ended_by = this batch; a row that is
 * repeated with all its values the same is not copied there, but takes the new batch_id and row_no, since the
 * newest batch breaks ties.
 *
 * The caller has refused repeats of an identity within the batch, and codes that are not in the dictionary.
 */
#ifndef SHOUWANG_STORE_FACT_STORE_H
#define SHOUWANG_STORE_FACT_STORE_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "store/batch.h"

#include <stdint.h>

struct pg;
struct fact_writer;

enum fact_subject {
    FACT_PERSON,    /* subject_id is a person_id */
    FACT_HOUSEHOLD, /* a household_id */
    FACT_STRANGER,  /* a packed identity number: somebody who is not on the register */
};

struct fact_row {
    enum fact_subject subject;
    int64_t subject_id;
    int code;
    int64_t value;         /* domain/fact.h; FACT_UNKNOWN is stored as null */
    day_t from, to, as_of; /* DAY_NONE = not given */
    int32_t row_no;
    struct slice ref;    /* empty = none */
    struct slice detail; /* bytes NULL = none */
    struct slice name;   /* of strangers only */
};

struct fact_counts {
    int64_t persons, households, strangers; /* rows stored about each */
    int64_t repeated;                       /* of these, known before with the same values */
    int64_t ended;                          /* rows that moved to history */
};

enum status fact_writer_new(struct pg *pg, int source, int64_t batch_id, enum batch_mode mode,
                            struct fact_writer **writer, struct error *err) WARN_UNUSED;
enum status fact_writer_add(struct fact_writer *writer, const struct fact_row *row,
                            struct error *err) WARN_UNUSED;
enum status fact_writer_finish(struct fact_writer *writer, struct fact_counts *counts,
                               struct error *err) WARN_UNUSED;
void fact_writer_free(struct fact_writer *writer); /* NULL is allowed */

#endif
