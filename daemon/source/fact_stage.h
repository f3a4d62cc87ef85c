/* SPDX-License-Identifier: PostgreSQL */
/*
 * The last stage of a batch: facts with numbers in, facts of persons, households and strangers out, into the store.
 *
 *   feed_rows_read → fact_stage_add: whom does it concern? stated before in this file? does the name fit?
 *                    → fact_writer, quarantine_writer
 *
 * The register's own facts are about those that its snapshot holds; names are not compared then.
 *
 * A person who is not among the subjects is a stranger (a lead), or, for the register's own facts, a refusal. Facts are
 * looked up in groups of IDENTITY_GROUP, so that the memory they touch is fetched together.
 *
 * Call within the batch's transaction. Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_FACT_STAGE_H
#define SHOUWANG_SOURCE_FACT_STAGE_H

#include "base/status.h"
#include "source/feed_rows.h"
#include "source/subjects.h"
#include "store/batch.h"
#include "store/fact_store.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;
struct register_writer;
struct sender;
struct fact_stage;

struct fact_stage_plan {
    struct pg *pg;
    int source;
    int64_t batch_id;
    enum batch_mode mode;
    int64_t sent_at_ms; /* as of fact_store.h */
    const struct subjects *subjects;
    const struct register_writer *snapshot; /* instead of subjects: those that an import's snapshot holds */
    const struct fact_scope *scope;         /* as of fact_store.h */
    const struct fact_days *days;           /* likewise */
    size_t day_count;
    struct sender *sender;                /* borrowed */
    struct quarantine_writer *quarantine; /* borrowed; the caller finishes it */
    bool strangers;                       /* false: a person who is not among the subjects is refused */
    bool by_township;                     /* as of fact_store.h */
    const struct volume_places *places;   /* likewise */
    size_t expected_facts;
    const char *id_column, *household_column, *name_column; /* as the file names them */
    const char *file_prefix; /* put before a column in the quarantine, such as "fact"; NULL = none */
};

struct fact_stage_counts {
    int64_t refused; /* facts and damaged rows that were quarantined */
    int64_t kept;    /* listed, but stored */
    int64_t names_differ;
    struct row_note first_refused; /* where refused is not 0 */
    struct fact_counts stored;
};

enum status fact_stage_new(struct fact_stage **stage, const struct fact_stage_plan *plan,
                           struct error *err) WARN_UNUSED;
void fact_stage_free(struct fact_stage *stage); /* NULL is allowed */
/* What the row borrows is copied. */
enum status fact_stage_add(struct fact_stage *stage, const struct feed_row *row,
                           struct error *err) WARN_UNUSED;
enum status fact_stage_finish(struct fact_stage *stage, struct fact_stage_counts *counts,
                              struct error *err) WARN_UNUSED;

/* {"expense.medical_self_paid": 12, …}: facts stored by code. Adds to out. */
void fact_stage_describe_codes(const struct fact_stage *stage, const struct dictionary *dictionary,
                               struct text *out);

/* Lists a note in the quarantine; file_prefix as above. */
enum status quarantine_note(struct quarantine_writer *quarantine, const struct row_note *note,
                            const char *file_prefix, struct error *err) WARN_UNUSED;

#endif
