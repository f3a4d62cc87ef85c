/* SPDX-License-Identifier: PostgreSQL */
/*
 * Batches: one delivery of a source (a feed file with its manifest, or one import of the register), and its
 * quarantine.
 *
 * An accepted batch and all that it brings commit in one transaction:
 *     pg_begin; lease_lock(LEASE_INGEST); batch_accept → batch_id; facts, quarantine; batch_count; pg_commit
 * so batch_id grows in the order of acceptance. A refused file leaves its row (batch_refuse) and quarantine
 * alone. After a commit of unknown outcome, arrival_look (store/arrival.h) tells whether it was accepted.
 */
#ifndef SHOUWANG_STORE_BATCH_H
#define SHOUWANG_STORE_BATCH_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct sender;

enum batch_mode { BATCH_FULL, BATCH_DELTA };
const char *batch_mode_name(enum batch_mode mode); /* "full", "delta" */

/* A sender's clock that is wrong by years must not make all that follows seem late. */
#define BATCH_SENT_BELIEVABLE "sent_at <= received_at + interval '1 day'"

/* What the file and its manifest say. Texts may be NULL where none was given. */
struct batch_manifest {
    int source;
    const char *name; /* manifest: batch */
    enum batch_mode mode;
    day_t period_from, period_to;
    int64_t sent_at_ms;    /* Unix; INT64_MIN = not given */
    const char *file_name; /* without folders */
    const char *sha256;    /* lower-case hex; of the file, or of an import's files together */
    const char *encoding;  /* "utf-8", "gb18030" */
};

struct batch_counts {
    int64_t rows_total, rows_stored, rows_quarantined, rows_stranger;
};

/*
 * Of a tenth of its rows or more (and 10 at the least), or of half of them, something cannot be used: columns or numbers are
 * damaged. Such a batch is in use, but somebody has to ask the agency, and until then it ends nothing, whatever the policy says
 * of swings (unusable.h).
 * The same of a row of `batch`, named with its dot; the index batch_unusable is of it.
 */
bool batch_is_unusable(const struct batch_counts *counts);
#define BATCH_UNUSABLE(b)                                                                                    \
    b "rows_quarantined > 0 and " b "rows_quarantined * 10 >= " b "rows_total and (" b                       \
      "rows_quarantined >= 10 or " b "rows_quarantined * 2 >= " b "rows_total)"

/* Within the transaction that brings the facts. STATUS_REJECT when a batch of that name was accepted before.
 */
enum status batch_accept(struct pg *pg, const struct batch_manifest *manifest, int64_t *batch_id,
                         struct error *err) WARN_UNUSED;
/* At its end. detail_json: an object with counts for the operator, no personal data; NULL = {}. */
enum status batch_count(struct pg *pg, int64_t batch_id, const struct batch_counts *counts,
                        const char *detail_json, struct error *err) WARN_UNUSED;
/* A refused file; reason in our own words. One transaction with its quarantine if the caller opened one. */
enum status batch_refuse(struct pg *pg, const struct batch_manifest *manifest, const char *reason,
                         const struct batch_counts *counts, int64_t *batch_id, struct error *err) WARN_UNUSED;

/* --- quarantine ----------------------------------------------------------------------------------------- */

struct quarantine_row {
    int64_t line; /* the header is line 1 */
    struct slice column;
    const char *reason; /* stable word: "id.scientific" */
    struct slice found; /* cut short and with identity numbers masked by the caller */
    const char *expected;
    bool kept;
};

/* Streams rows by COPY; call within the batch's transaction. sender: borrowed, where one uses the connection at the same
 * time; NULL = none. */
struct quarantine_writer;
enum status quarantine_writer_new(struct pg *pg, int64_t batch_id, struct sender *sender,
                                  struct quarantine_writer **writer, struct error *err) WARN_UNUSED;
enum status quarantine_writer_add(struct quarantine_writer *writer, const struct quarantine_row *row,
                                  struct error *err) WARN_UNUSED;
/* The connection is the caller's again afterwards. */
enum status quarantine_writer_finish(struct quarantine_writer *writer, struct error *err) WARN_UNUSED;
void quarantine_writer_free(struct quarantine_writer *writer); /* NULL is allowed */

/* --- looking -------------------------------------------------------------------------------------------- */

/* One batch as it stands in the table; texts are allocated from the caller's arena. */
struct batch_info {
    int64_t batch_id;
    int source;
    const char *source_name, *source_title;
    const char *name;
    enum batch_mode mode;
    bool accepted;
    const char *reason; /* "" when accepted */
    day_t period_from, period_to;
    int64_t sent_at_ms, received_at_ms; /* INT64_MIN = not given */
    const char *file_name, *sha256, *encoding;
    struct batch_counts counts;
    const char *detail_json;
};

/*
 * The last day of which the batch can tell: its period's, but none after the day on which it came. A roster of a school year, or a
 * year that was mistyped, tells nothing of the months to come, and is as old as it is. DAY_NONE: its period is not known.
 */
day_t batch_speaks_to(const struct batch_info *batch);

/* For `feeds`: of every source that ever sent something the newest accepted batch and, if it is newer still,
 * the newest refused one; ordered by source, newest first. */
enum status batch_list_newest(struct pg *pg, struct arena *arena, const struct batch_info **batches,
                              size_t *count, struct error *err) WARN_UNUSED;
/* All that were accepted, oldest first, without what a round does not ask: reason, file_name, sha256, encoding, detail_json. */
enum status batch_list_accepted(struct pg *pg, struct arena *arena, const struct batch_info **batches,
                                size_t *count, struct error *err) WARN_UNUSED;
/* `feed show`: a batch by its number or, failing that, by its name (the newest of that name). */
enum status batch_lookup(struct pg *pg, const char *number_or_name, struct arena *arena,
                         const struct batch_info **batch, struct error *err) WARN_UNUSED;
/* The same within a feed, by the feed's name. *known: whether there is such a feed. */
enum status batch_lookup_of(struct pg *pg, const char *feed, const char *number_or_name, struct arena *arena,
                            const struct batch_info **batch, bool *known, struct error *err) WARN_UNUSED;
/* Its quarantine in short: rows of one reason and column, the most frequent first. Reads all of it; there are few kinds. */
struct quarantine_kind {
    const char *reason, *column;
    bool kept;
    int64_t rows, first_line;
};
enum status batch_quarantine_kinds(struct pg *pg, int64_t batch_id, struct arena *arena,
                                   const struct quarantine_kind **kinds, size_t *count,
                                   struct error *err) WARN_UNUSED;
/* The rows, ordered by line, at most `limit` (0 = all), piece by piece. Stops early with the callback's status if that is not
 * STATUS_OK. */
typedef enum status (*quarantine_visit)(void *context, const struct quarantine_row *row, struct error *err);
enum status batch_quarantine(struct pg *pg, int64_t batch_id, int64_t limit, quarantine_visit visit,
                             void *context, struct error *err) WARN_UNUSED;

#endif
