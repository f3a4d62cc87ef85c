/* SPDX-License-Identifier: PostgreSQL */
/*
 * Feeds from the drop directory into the store: one file, one transaction, all or nothing.
 *
 *   <drop>/<feed>/X.csv + X.csv.manifest.json
 *     → manifest read and checked against the file (hash, rows, feed, encoding)
 *     → ingest lease locked → identity and household maps → rows decoded, checked, resolved
 *       (small beside the register: its rows are read once ahead, so that the maps hold only whom it speaks of, and
 *       of what the source said only what a delta batch may meet is compared: the work is that of the file)
 *     → batch row, facts, quarantine, audit: one commit
 *     → <archive>/<feed>/X.csv and its manifest
 * A bad file changes nothing but a `refused` batch row, which says why, and moves to
 * <archive>/<feed>/refused/.
 *
 * After a crash:
 *   before the commit           nothing happened; the next scan ingests the file
 *   after it, before the move   the next scan finds an accepted batch of the same name and hash that is not in the archive:
 *                               it moves the files and says nothing more
 *   between the two moves       the CSV goes first, so a manifest stands alone: it follows, as above; that of a refused file
 *                               follows the file
 * A refusal that was recorded is not recorded again: its files are moved.
 *
 * A file is judged only beside its manifest, which the sender writes last. Where something does not fit:
 *   the manifest is legible and no older than the CSV: the sender was done, so the file is damaged: refused at once
 *   else one of them may still be on its way: it is watched until nothing has changed for settle_ms, then refused;
 *   if something did change, it waits for the next scan.
 *
 * Duplicates are refused without harm: a name that was accepted before, or the same bytes as an accepted
 * batch of this source. Not a duplicate are a file without rows, and a full batch with the same bytes for a
 * later period: it says that nothing changed. A full batch that speaks of an earlier time (period_to) than an
 * accepted full one is refused, because it would end what is newer; so is one whose period ends more than a year ahead,
 * which would refuse all that follow it. Of the same period the one that was sent later (sent_at) stands; a batch that
 * comes after one that was sent later leaves alone what that one said, and is refused where that one is full.
 *
 * Blocking, for a worker thread with a connection of its own. Errors: STATUS_RETRY database or disk (nothing
 * was changed, the files are where they were); STATUS_CONFIG and STATUS_FATAL as of pg.h. A refused file is
 * no error.
 */
#ifndef SHOUWANG_SOURCE_INGEST_H
#define SHOUWANG_SOURCE_INGEST_H

#include "base/status.h"
#include "io/crypto.h"
#include "source/encoding.h"
#include "source/feed_config.h"
#include "source/manifest.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

enum {
    INGEST_SETTLE_MS = 1000,  /* an upload that pauses longer must write its manifest last, as it should */
    INGEST_FILES_MAX = 10000, /* files of one folder; more is not a feed */
    INGEST_REASON_MAX = 480,
};

enum ingest_outcome {
    INGEST_ACCEPTED,
    INGEST_REFUSED,
    INGEST_ARCHIVED, /* accepted before a crash, moved now */
    INGEST_WAITING,  /* no manifest yet, or still changing */
};
const char *ingest_outcome_name(enum ingest_outcome outcome);

/* What was said of files that wait, so that each is logged once, however many they are; zero it and keep it from scan to scan. */
struct ingest_memory {
    struct ingest_said {
        uint64_t *hashes;
        size_t count, capacity;
    } before, now; /* by the scans before, in order; by this one */
};
void ingest_memory_fini(struct ingest_memory *memory);

struct ingest_settings {
    const struct dictionary *dictionary;
    const char *drop_directory, *archive_directory;
    /* Of the feeds that have one; others that are known by name take feed_config_default. */
    const struct feed_config *const *configs;
    size_t config_count;
    const char *actor;  /* for the audit: "shouwangd", "operator:NAME" */
    int64_t leader;     /* the leadership's token (store/lease.h); 0 = not checked */
    int settle_ms;      /* 0 = INGEST_SETTLE_MS */
    int64_t small_rows; /* files of at most so many are small; 0 = by REGISTER_SMALL_SHARE, < 0 = none */
    struct ingest_memory *memory; /* NULL: what waits is logged by every scan */
    const atomic_bool *cancel;    /* NULL allowed: ends at once with STATUS_RETRY, nothing changed */
};

struct ingest_result {
    enum ingest_outcome outcome;
    int source; /* -1 when the folder names no feed */
    char feed[MANIFEST_FEED_MAX + 1];
    char file_name[256];                /* without folders; bytes that are no UTF-8 as '?' */
    char batch[MANIFEST_BATCH_MAX + 1]; /* "" when the manifest did not say */
    char reason[INGEST_REASON_MAX];     /* of INGEST_REFUSED and INGEST_WAITING; no personal data */
    int64_t batch_id;                   /* 0 when nothing was recorded */
    int64_t waiting_since_unix_ms;      /* of INGEST_WAITING: when it was last changed */
    enum encoding encoding;
    uint64_t bytes;
    int64_t rows_total, rows_quarantined, rows_kept;
    int64_t facts_stored, facts_stranger;               /* a row of a mapped feed may make several facts */
    int64_t facts_ended, facts_unchanged, facts_spared; /* spared: live still, since their row was refused */
    int64_t
        facts_compared; /* live of the source before, as far as they were read: what the work and the memory grow with */
    int64_t names_differ;
    int64_t rows_ms, commit_ms; /* from the header to the last row; from there to the commit's answer */
};

/* One file of a feed, now. */
enum status ingest_file(struct pg *pg, const struct ingest_settings *settings,
                        const struct feed_config *config, const char *csv_path, struct ingest_result *result,
                        struct error *err) WARN_UNUSED;

typedef void ingest_done(void *context, const struct ingest_result *result);
/*
 * Every file of every feed; `done` (NULL allowed) is told of each. A feed's files come in the order of sent_at and then batch,
 * and feeds take turns, so that the thousand files of one do not hold up the others'.
 * Stops at the first error of the database. A folder that cannot be used is passed over, and its error is the scan's when
 * all others are done; a file that cannot be read waits. A folder that names no feed is reported as waiting, with the
 * reason. Logs each outcome.
 */
enum status ingest_scan(struct pg *pg, const struct ingest_settings *settings, ingest_done *done,
                        void *context, struct error *err) WARN_UNUSED;

#endif
