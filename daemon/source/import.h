/* SPDX-License-Identifier: PostgreSQL */
/*
 * The register: households, persons and the register's own facts (source 0), from CSV files or from a
 * county's own views. A snapshot: what it no longer holds is ended, not deleted; the same snapshot again
 * changes nothing.
 *
 * Rows that are wrong are listed (quarantine, by file and line) and do not stop the import:
 *   household   number, township, village or area damaged; number twice (the first stands)
 *   person      household unknown; kinship or labour damaged; the same ID twice, be it in two households or
 * in one (the first row stands) person with an unusable ID: kept without identity and listed for correction;
 * known again at the next import by household, the ID as written, and name fact        as in a feed
 * (feed_rows.h), and a subject that is not in the snapshot A household without persons is kept. What stops
 * it: a file that is missing, damaged or without its columns (fact.csv may have no rows); a snapshot that
 * would end more than 20 % of the households and at least 10 of them, unless allow_shrink.
 *
 * The import is one transaction under the ingest lease. It is a batch of source 0, named by the hash of its
 * files; when nothing at all would change, no batch is written and import_result.batch_id is 0. Facts that
 * were known about people before they came on the register become theirs in the same transaction.
 *
 * Blocking, for a worker or shouwangctl. Errors: STATUS_REJECT the snapshot is refused (text says why; a
 * refused batch is recorded); STATUS_RETRY database or disk; STATUS_CONFIG a folder or view is missing.
 */
#ifndef SHOUWANG_SOURCE_IMPORT_H
#define SHOUWANG_SOURCE_IMPORT_H

#include "base/civil.h"
#include "base/status.h"
#include "source/encoding.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dictionary;
struct pg;

enum {
    IMPORT_SHRINK_PERCENT = 20, /* more than any real month; a truncated extract is usually far beyond */
    IMPORT_SHRINK_LEAST = 10,   /* so that a village of a test or a pilot can change */
};

enum import_stage {
    IMPORT_HOUSEHOLDS,
    IMPORT_PERSONS,
    IMPORT_FACTS,
    IMPORT_COMPARE,
    IMPORT_WRITE,
    IMPORT_STAGES
};
const char *import_stage_name(enum import_stage stage);

/* rows so far and in all; total 0 = not known. Called at most about every 50,000 rows. */
typedef void import_progress(void *context, enum import_stage stage, int64_t rows, int64_t total);

struct import_settings {
    const struct dictionary *dictionary;
    enum encoding encoding;
    day_t today; /* DAY_NONE = today */
    bool allow_shrink;
    const char *actor;         /* for the audit */
    import_progress *progress; /* NULL allowed */
    void *context;
    const atomic_bool *cancel; /* NULL allowed */
};

struct import_counts {
    int64_t rows, quarantined, kept; /* kept: listed, but stored */
    int64_t added, changed, ended, unchanged;
};

struct import_result {
    int64_t batch_id; /* 0 when nothing changed */
    struct import_counts households, persons, facts;
    int64_t without_identity; /* persons whose ID is unusable */
    int64_t empty_households;
    int64_t strangers_moved; /* facts that now belong to somebody on the register */
    int64_t stage_ms[IMPORT_STAGES];
};

enum status import_directory(struct pg *pg, const struct import_settings *settings, const char *directory,
                             struct import_result *result, struct error *err) WARN_UNUSED;

/*
 * The same from the views of a county's own database. `county` is a connection to it, `schema` holds
 *   household (household_no text, township_code text, village_code text, area text, address text)
 *   person    (household_no text, id_number text, name text, kinship text, labour text)
 *   fact      (household_no text, id_number text, code text, value text, "from" date, "to" date, ref text,
 * as_of date, amount bigint (fen) or numeric (yuan), null where `value` holds the value) They are read in one
 * snapshot, by columns' names; a text column may also be varchar or char. Lines in the quarantine are the
 * rows' numbers.
 */
enum status import_views(struct pg *pg, struct pg *county, const char *schema,
                         const struct import_settings *settings, struct import_result *result,
                         struct error *err) WARN_UNUSED;

#endif
