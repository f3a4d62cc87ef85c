/* SPDX-License-Identifier: PostgreSQL */
/*
 * The writer of a batch's facts (fact_store.h) from within: what is live of its source is read first (fact_live.c), rows are
 * met and sent as they come (fact_store.c), and in the end the live facts that the batch changed, repeated or no longer
 * states are given what becomes of them (fact_supersede.c).
 */
#ifndef SHOUWANG_STORE_FACT_WRITER_H
#define SHOUWANG_STORE_FACT_WRITER_H

#include "domain/fact.h"
#include "io/pg.h"
#include "store/fact_index.h"
#include "store/fact_store.h"
#include "store/volume.h"

enum {
    SUBJECTS = 3,
    CODES = FACT_CODE_NUMBER_MAX + 1,
};

/* Where facts about each kind of subject lie. */
struct fact_table {
    const char *table, *key;
    int columns;
};
extern const struct fact_table fact_tables[SUBJECTS];

/* What becomes of a live fact. */
enum fate {
    FATE_UNSTATED,   /* full: it is ended */
    FATE_KEPT,       /* full: it was repeated */
    FATE_CHANGED,    /* superseded by a row that differs */
    FATE_RESTATED,   /* delta: it was repeated, and is written anew */
    FATE_RENUMBERED, /* full: it was repeated, and takes this batch's numbers */
    FATE_SPARED      /* full: not stated, but a row about its subject was refused, or it was sent later */
};

struct row_key {
    int64_t subject_id;
    uint32_t begin, end; /* of its bytes */
};

/* One table: a code's partition, all strangers, or a history. */
struct part {
    enum fact_subject subject;
    int code; /* 0 for strangers and histories */
    bool history;
    struct pg_rows rows;
    struct row_key *keys;
    size_t count, capacity;
};

/* A state with a document number: it may have others of the same day beside it. */
struct tie {
    struct fact_print plain; /* the same without a number: what its group is known by */
    uint32_t entry, line;
};

/* Of whom a row was refused. */
struct spared {
    enum fact_subject subject;
    int code; /* 0 = any */
    int64_t id;
};

struct fact_writer {
    struct pg *pg;
    struct fact_plan plan;
    struct sender *sender;
    bool owns_sender;
    struct fact_index index;
    struct part *parts;
    size_t part_count, part_capacity;
    size_t pending_bytes;
    struct tie *ties;
    size_t tie_count, tie_capacity;
    struct spared *spared;
    size_t spared_count, spared_capacity;
    int64_t *later; /* batches of the source that were sent later, in order */
    size_t later_count;
    int64_t added[SUBJECTS], kept, restated;
    struct volume_tally tally;
    struct text codes; /* as int16_t: those that the source had not spoken of */
    bool code_seen[CODES], amount[CODES];
    uint32_t part_at[SUBJECTS][CODES]; /* index + 1 */
    bool scoped;
    /* With a scope: what was live, as it would go to history, in the order of index.live. */
    struct part past[SUBJECTS];
};

/* The table's columns, and its name with the part's code, as they stand in statements. */
void fact_writer_columns(struct text *sql, enum fact_subject subject);
void fact_writer_table(struct text *sql, const struct part *part);
/* The part of a code, made when it is new. */
enum status fact_writer_part(struct fact_writer *writer, enum fact_subject subject, int code,
                             struct part **part, struct error *err) WARN_UNUSED;
/* Whether a batch that was sent later than this one said it: it stands. */
bool fact_writer_is_of_later(const struct fact_writer *writer, const struct fact_live *live);
enum status fact_writer_no_memory(struct error *err);
/* Composes a row in the part; batch_id is that of the batch which stated it. Returns its bytes, 0 when memory has run out. */
size_t fact_writer_compose(const struct fact_writer *writer, struct part *part, const struct fact_row *row,
                           int64_t batch_id);
/* Sends the part's rows in the order of their subjects, and empties it. */
enum status fact_writer_send(struct fact_writer *writer, struct part *part, struct error *err) WARN_UNUSED;

/* fact_live.c: everything that the source ever spoke of, the codes that are seen; nothing when it never had an accepted batch. */
enum status fact_writer_load_live(struct fact_writer *writer, struct error *err) WARN_UNUSED;

/* fact_supersede.c: all rows of the batch were sent. */
enum status fact_writer_supersede(struct fact_writer *writer, struct fact_counts *counts,
                                  struct error *err) WARN_UNUSED;

#endif
