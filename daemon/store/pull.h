/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pulls of a round: whole tables by binary COPY into columns, all from one snapshot.
 *
 * Two connections can share the snapshot: one exports it, the other imports it; the exporter's transaction
 * must still be open then. No transaction stays open longer than the pull: pull_snapshot_end.
 *
 * Column structs: zero-initialise; a pull appends; all arrays have `count` entries and are owned by the
 * struct, which its _free function empties. Facts, which are many, are not kept: they come some thousand at a time. Rows come
 * in no particular order.
 */
#ifndef SHOUWANG_STORE_PULL_H
#define SHOUWANG_STORE_PULL_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/random.h"
#include "base/status.h"
#include "base/text.h"
#include "policy/policy.h"

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
    PULL_ALL = PULL_VALUE | PULL_FROM | PULL_TO | PULL_BATCH | PULL_ROW,
};

/* What to pull of one code. Columns not asked for cost nothing and are filled with FACT_UNKNOWN, 0 or DAY_NONE. */
struct pull_code {
    int code;
    unsigned columns; /* set of enum pull_columns */
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
    day_t period_to;   /* DAY_NONE when the manifest gave none */
    day_t received_on; /* civil day in Asia/Shanghai */
    day_t sent_on;     /* the same of the manifest's sent_at; DAY_NONE when not given */
    const char *name;
};
enum status pull_batches(struct pg *pg, struct arena *arena, const struct pull_batch **batches, size_t *count,
                         struct error *err) WARN_UNUSED;

/* Which sources ever spoke about which codes, by source and code. */
struct pull_source_code {
    int source;
    int code;
    int64_t first_batch;
};
enum status pull_source_codes(struct pg *pg, struct arena *arena, const struct pull_source_code **pairs,
                              size_t *count, struct error *err) WARN_UNUSED;

/* --- what stands ---------------------------------------------------------------------------------------- */

/* Names of rules, each once; findings refer to them by position. */
struct pull_findings {
    size_t count, capacity;
    int64_t *household_id;
    int64_t *since_round;
    day_t *since_on;
    day_t *stale_since; /* DAY_NONE when the last round confirmed it */
    uint16_t *rule;
    uint8_t *kind;      /* enum policy_clause_kind */
    uint8_t *undecided; /* 0 fired, 1 undecided with evidence */
    uint8_t *level;     /* enum policy_level */
    size_t rule_count;
    char **rules;
};
enum status pull_findings(struct pg *pg, struct pull_findings *findings, struct error *err) WARN_UNUSED;
void pull_findings_free(struct pull_findings *findings);

enum case_state { CASE_OPEN, CASE_ACCEPTED, CASE_VISITED, CASE_ASSISTING, CASE_WATCHING, CASE_CLOSED };
const char *case_state_name(enum case_state state);
bool case_state_parse(struct slice text, enum case_state *state);

/* Open cases (state <> closed). */
struct pull_warnings {
    size_t count, capacity;
    int64_t *household_id;
    char (*warning_id)[UUID_TEXT_SIZE];
    int64_t *township;
    uint8_t *level; /* enum policy_level */
    uint8_t *state; /* enum case_state */
    day_t *raised_on;
    day_t *due_on;
    int64_t *raised_round;
};
enum status pull_warnings(struct pg *pg, struct pull_warnings *warnings, struct error *err) WARN_UNUSED;
void pull_warnings_free(struct pull_warnings *warnings);

/* --- one household -------------------------------------------------------------------------------------- */

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
/* The rows of a query of facts: subject, of_household, code, source, value, from_day, to_day, as_of, batch_id, row_no, ref,
 * detail, the batch's name. */
struct fetch;
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
