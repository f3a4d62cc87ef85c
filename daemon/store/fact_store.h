/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts of one batch, on their way into person_fact, household_fact and stranger_fact.
 *
 * Call within the batch's transaction, after lease_lock(LEASE_INGEST) and batch_accept. What is live of the source is
 * read once (of a delta batch with a scope or days: what it may meet), as fingerprints (fact_index.h); every row is
 * compared with it here, and only what differs is written: new rows by COPY straight into the table of their code, in
 * the order of their subjects, while the caller composes the next ones (sender.h).
 *
 * Full: everything live of the source that is not stated again is ended, but what fact_writer_spare was told of. Delta:
 * rows whose identity is repeated are superseded. A fact's identity within its source is subject, code, from, to and
 * ref; for states and events (every kind but amount) without `to`. What differs or is gone moves to *_history with
 * ended_by = this batch.
 *
 * A row that is repeated with all its values the same stays as it is in a full batch: batch_id and row_no say who
 * stated it first, and everything live of a source was stated by its newest full batch, too, or could not be read
 * there. In a delta batch it takes the new batch_id and row_no, and what it was before is kept in *_history like any
 * other, so that what a round knew can be told later, line by line. Of the states of one subject, code and source that
 * begin on one day (they differ in ref) the newest batch's last row wins; so where the rows of such a group would not
 * stand in the order of the newest batch, they take the new batch_id and row_no in a full batch as well.
 *
 * Memory: fact_index.h's, and about 64 MB for rows on their way.
 */
#ifndef SHOUWANG_STORE_FACT_STORE_H
#define SHOUWANG_STORE_FACT_STORE_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "store/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct sender;
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
    int64_t before; /* live of the source, as far as it was read: all, or of the scope and the days */
    int64_t ended;  /* rows that moved to history */
    int64_t spared; /* full: live, and stated by none but refused rows, or by a batch that was sent later */
    int64_t ended_registered; /* of these, about the register's persons and households */
};

/* The only subjects and codes that a delta batch speaks of, so that what else is known need not be read. Borrowed until
 * fact_writer_new returns. */
struct fact_span {
    int code; /* 0: of strangers, all codes */
    size_t count;
    const int64_t *ids; /* each once, best in order */
};
struct fact_scope {
    const struct fact_span *spans[3]; /* by enum fact_subject, each code once; the last has a count of 0 */
};

/*
 * By which days the facts of a delta batch that state one code are known: the only ones of which something live can be repeated or
 * superseded. What was said of all the years before need not be read, however long the county has run.
 */
struct fact_days {
    int code;
    struct fact_day_range {
        day_t first, last; /* last < first: none has a day */
        bool open;         /* some have none */
    } from, to;
};

struct fact_plan {
    int source;
    int64_t batch_id;
    enum batch_mode mode;
    int64_t sent_at_ms;   /* of a batch that comes late: Unix; 0 and INT64_MIN = none was sent later */
    size_t expected_rows; /* may be wrong */
    const struct fact_scope *scope; /* NULL = anybody; of a full batch always NULL */
    /* Each code once, all that the batch states; NULL = any. Borrowed as the scope is; never of a full batch. */
    const struct fact_days *days;
    size_t day_count;
    bool by_township;                   /* count them (volume.h): of feeds */
    const struct volume_places *places; /* where they live, borrowed; NULL = asked at the end */
    struct sender *sender;              /* borrowed; NULL = one of its own */
};

enum { FACT_GROUP = 64 };

enum status fact_writer_new(struct pg *pg, const struct fact_plan *plan, struct fact_writer **writer,
                            struct error *err) WARN_UNUSED;
enum fact_met {
    FACT_TAKEN,
    FACT_REPEATED, /* not stored: the batch stated it before */
    FACT_OUTDATED, /* not stored: a batch that was sent later says something else */
};
/* At most FACT_GROUP rows; met[i] says what became of row i. */
enum status fact_writer_add(struct fact_writer *writer, const struct fact_row *rows, size_t count,
                            enum fact_met *met, struct error *err) WARN_UNUSED;
/* A row about this subject was refused; code 0 = of any code (of strangers it does not matter). In a full batch that ends
 * nothing of theirs: what cannot be read is no word that something has ended. */
enum status fact_writer_spare(struct fact_writer *writer, enum fact_subject subject, int64_t subject_id,
                              int code, struct error *err) WARN_UNUSED;
enum status fact_writer_finish(struct fact_writer *writer, struct fact_counts *counts,
                               struct error *err) WARN_UNUSED;
void fact_writer_free(struct fact_writer *writer); /* NULL is allowed */

#endif
