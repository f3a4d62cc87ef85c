/* SPDX-License-Identifier: PostgreSQL */
/*
 * The register: households, persons and the register's own facts (source 0), from CSV files or from a county's own
 * views. A snapshot: what it no longer holds is ended, not deleted.
 *
 * Rows that are wrong are listed in the quarantine, columns as table.column ("person.id_number"), and do not stop the
 * import:
 *   refused  a household without a usable number (household.number), township (township.unreadable) or area
 *            (area.unknown), or whose number stands above (household.repeat); a person of a household that the snapshot
 *            does not hold (household.unknown), or whose ID stands above, be it in another household or in the same
 *            (person.repeat: the first row stands); a fact as in a feed (feed_rows.h), or about somebody whom the
 *            snapshot does not hold (household.unknown, person.unknown); damaged rows (row.*)
 *   kept     a person with an unusable ID (id.*): without identity, known again at the next import by household, ID as
 *            written, and name, unless it is the damaged row of a member (register.h, 5); a person without a name
 *            (name.missing); kinship or labour that are none (kinship.unknown, labour.unknown): as not given; a village
 *            code that is none or of another township (village.unreadable, village.township)
 * A household without persons is kept, and counted.
 *
 * The row of a household or person whom the register holds ends nothing by being damaged: township or area that are none,
 * a damaged row (row.*) whose number can be told all the same, a person's household that is unknown, and a number that cannot
 * be read where only one member of that name can be meant; what the register says stays, and the row is listed as kept. So it is with facts (fact_store.h).
 *
 * What stops it: a table that is missing, damaged or without its columns (facts may have no rows); a snapshot without
 * households; one that would end more than 20 % of the households or persons, or leave less than half of the facts, and
 * at least 10 of them, unless allow_shrink.
 *
 * The import is one transaction under the ingest lease, and a batch of source 0 whose sha256 is that of everything that
 * was read, with the dictionary's codes. A snapshot that is, byte for byte, the one that was imported last changes
 * nothing: on the same day not even a batch is written; on a later day one is, which only says that the register is
 * still the same (a register that nobody confirms grows stale). Facts then keep the batch they came with. Facts that
 * feeds had stated about people before they came on the register become theirs in the same transaction.
 *
 * Blocking, for a worker or shouwangctl. Errors: STATUS_REJECT the snapshot is refused (the text says why; a refused
 * batch is recorded); STATUS_RETRY database or disk; STATUS_CONFIG a folder, file or view is missing.
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
    IMPORT_SHRINK_FACTS_PERCENT = 50, /* incomes of past periods may be left out all at once */
    IMPORT_SHRINK_LEAST = 10,         /* so that a village of a test or a pilot can change */
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

/* rows so far and in all; total 0 = not known. Called about every 50,000 rows and at the end of each stage. */
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
    int64_t leader; /* the leadership's token (store/lease.h); 0 = shouwangctl, which leads nothing */
};

struct import_counts {
    int64_t rows, quarantined, kept; /* kept: listed, but stored */
    int64_t added, changed, ended, unchanged;
};

struct import_result {
    int64_t batch_id; /* 0 when none was written */
    bool same;        /* the snapshot was that of the last import: only these two fields are filled */
    struct import_counts households, persons, facts;
    int64_t without_identity; /* persons whose ID is unusable */
    int64_t empty_households;
    int64_t strangers_moved; /* facts that now belong to somebody on the register */
    int64_t stage_ms[IMPORT_STAGES];
};

enum status import_directory(struct pg *pg, const struct import_settings *settings, const char *directory,
                             struct import_result *result, struct error *err) WARN_UNUSED;

/*
 * The same from the views (or tables) of a county's own database. `county` is a connection to it, `schema` holds
 *   household (household_no, township_code, village_code, area, address)
 *   person    (household_no, id_number, name, kinship, labour)
 *   fact      (household_no, id_number, code, value, amount, "from", "to", ref, as_of)
 * by columns' names, read in one snapshot. Columns are text (varchar, char) or whole numbers; "from", "to" and as_of may
 * be date; amount is bigint (fen) or numeric (yuan) and, where it is not null, stands for value. address, kinship, labour,
 * amount, "to", ref and as_of may be missing. Every view import writes a batch (its rows are not known before). Lines in the quarantine are the numbers of rows, the first is 2.
 */
enum status import_views(struct pg *pg, struct pg *county, const char *schema,
                         const struct import_settings *settings, struct import_result *result,
                         struct error *err) WARN_UNUSED;

#endif
