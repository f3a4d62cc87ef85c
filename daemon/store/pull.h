/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pulls of a round: whole tables by binary COPY into columns, all from one snapshot.
 *
 * Two connections can share the snapshot: one exports it, the other imports it; the exporter's transaction
 * must still be open then. No transaction stays open longer than the pull: pull_snapshot_end.
 *
 * Column structs: zero-initialise; a pull appends; all arrays have `count` entries and are owned by the struct, which
 * its _free function empties. Facts, which are many, are not kept: they come some thousand at a time. Rows come in no
 * particular order.
 */
#ifndef SHOUWANG_STORE_PULL_H
#define SHOUWANG_STORE_PULL_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

/* --- the snapshot --------------------------------------------------------------------------------------- */

enum { PULL_SNAPSHOT_ID_SIZE = 64 };
/* Begins a read-only transaction on a snapshot of now; id (may be NULL) lets another connection join. */
enum status pull_snapshot_begin(struct pg *pg, char id[PULL_SNAPSHOT_ID_SIZE], struct error *err) WARN_UNUSED;
enum status pull_snapshot_join(struct pg *pg, const char *id, struct error *err) WARN_UNUSED;
void pull_snapshot_end(struct pg *pg);

/* --- the register --------------------------------------------------------------------------------------- */

/* Households on the register (valid_to is null). */
struct pull_households {
    size_t count, capacity;
    int64_t *household_id;
    int64_t *township;
    uint8_t *urban; /* 1 urban, 0 rural */
};
enum status pull_households(struct pg *pg, struct pull_households *households, struct error *err) WARN_UNUSED;
void pull_households_free(struct pull_households *households);

/*
 * A stretch of a table, so that two connections can share a large one: its pages from `first` up to, not including, `end`.
 * Under one snapshot every row lies in one page for good; the last stretch of a table ends at PULL_PAGES_END, whatever its
 * size was thought to be.
 */
#define PULL_PAGES_END UINT32_MAX
struct pull_pages {
    uint32_t first, end;
};
#define PULL_ALL_PAGES ((struct pull_pages){0, PULL_PAGES_END})
/* The size of the table of memberships. */
enum status pull_member_pages(struct pg *pg, uint32_t *pages, struct error *err) WARN_UNUSED;

/* Open memberships. */
struct pull_members {
    size_t count, capacity;
    int64_t *person_id;
    int64_t *household_id;
    day_t *birth;    /* DAY_NONE without a usable number */
    uint8_t *traits; /* policy_traits(); NULL unless with_traits */
    /* Set before: kinship and labour are asked for, too, which costs the server two columns more. */
    bool with_traits;
};
enum status pull_members(struct pg *pg, struct pull_pages pages, struct pull_members *members,
                         struct error *err) WARN_UNUSED;
void pull_members_free(struct pull_members *members);

/* --- facts ---------------------------------------------------------------------------------------------- */

enum pull_subject { PULL_PERSON_FACTS, PULL_HOUSEHOLD_FACTS };

/* Each column costs the server a tenth of what a row costs without any. */
enum pull_columns {
    PULL_VALUE = 1,
    PULL_FROM = 2,
    PULL_TO = 4,
    PULL_BATCH = 8, /* batch_id */
    PULL_ROW = 16,  /* row_no */
    PULL_DAY = 32,  /* instead of from and to: to, or else from; given as `to` */
    PULL_SOURCE = 64,
    PULL_ALL = PULL_VALUE | PULL_FROM | PULL_TO | PULL_BATCH | PULL_ROW | PULL_SOURCE,
};

/* What to pull of one code. Columns not asked for cost nothing and are filled with FACT_UNKNOWN, 0 or DAY_NONE. */
struct pull_code {
    int code;
    unsigned columns; /* set of enum pull_columns */
    uint8_t source;   /* without PULL_SOURCE: whose facts they all are */
    day_t after;      /* only what ends (to, or else from) after that day; DAY_NONE: everything */
};

/* Enough rows to match them in groups, few enough to stay in the cache. */
enum { PULL_FACTS_ROWS = 2048 };
struct pull_facts {
    size_t count;
    int64_t subject_id[PULL_FACTS_ROWS];
    int64_t value[PULL_FACTS_ROWS]; /* FACT_UNKNOWN for null */
    int64_t batch_id[PULL_FACTS_ROWS];
    day_t from[PULL_FACTS_ROWS];
    day_t to[PULL_FACTS_ROWS];
    int32_t row_no[PULL_FACTS_ROWS];
    uint8_t source[PULL_FACTS_ROWS];
};
/* Takes some rows; a failure ends the pull, and the connection with it. */
typedef enum status pull_facts_take(void *context, const struct pull_facts *rows, struct error *err);
/* `rows` is the buffer in which they come; no more memory is needed however many there are. */
enum status pull_facts(struct pg *pg, enum pull_subject subject, const struct pull_code *code,
                       struct pull_pages pages, struct pull_facts *rows, pull_facts_take *take, void *context,
                       struct error *err) WARN_UNUSED;
/* The sizes of the codes' tables; 0: there is no fact of that code. */
enum status pull_fact_pages(struct pg *pg, enum pull_subject subject, const int16_t *codes, size_t code_count,
                            uint32_t *pages, struct error *err) WARN_UNUSED;

/* --- sources -------------------------------------------------------------------------------------------- */

/* The newest accepted batch of each source that has one, by source. */
struct pull_batch {
    int source;
    int64_t batch_id;
    day_t period_to;   /* as of batch_speaks_to; DAY_NONE when the manifest gave none */
    day_t received_on; /* civil day in Asia/Shanghai */
    day_t sent_on;     /* the same of the manifest's sent_at; DAY_NONE when not given */
    const char *name;
};

/* Which sources ever spoke about which codes, by source and code. */
struct pull_source_code {
    int source;
    int code;
    int64_t first_batch;
};
enum status pull_source_codes(struct pg *pg, struct arena *arena, const struct pull_source_code **pairs,
                              size_t *count, struct error *err) WARN_UNUSED;

#endif
