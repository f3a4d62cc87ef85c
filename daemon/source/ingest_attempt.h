/* SPDX-License-Identifier: PostgreSQL */
/*
 * One file on its way in (ingest.h), as the steps of ingest.c see it: ingest_arrival.c asks whether it is new,
 * ingest_batch.c is its transaction, ingest_scan.c finds the files.
 */
#ifndef SHOUWANG_SOURCE_INGEST_ATTEMPT_H
#define SHOUWANG_SOURCE_INGEST_ATTEMPT_H

#include "source/drop.h"
#include "source/ingest.h"
#include "source/manifest.h"
#include "store/batch.h"

struct table;

struct ingest_attempt {
    struct pg *pg;
    const struct ingest_settings *settings;
    const struct feed_config *config;
    struct drop_file file;
    struct drop_state state;
    struct manifest manifest;
    bool manifest_read; /* without a refusal */
    bool late;          /* another batch of the source was sent later, and is here already */
    bool half_refused;  /* its CSV was refused and is in the archive */
    struct table *table;
    struct ingest_result *result;
};

/* --- ingest.c --- */

enum status ingest_attempt_begin(struct ingest_attempt *attempt, struct pg *pg,
                                 const struct ingest_settings *settings, const struct feed_config *config,
                                 const char *csv_path, struct ingest_result *result,
                                 struct error *err) WARN_UNUSED;
/* The outcome of a file that is still on its way: STATUS_OK. */
enum status ingest_wait_for(struct ingest_attempt *attempt, const char *reason) WARN_UNUSED;
/* What the database is told of the batch; borrows. */
struct batch_manifest ingest_describe(const struct ingest_attempt *attempt);
void ingest_log_outcome(const struct ingest_settings *settings, const struct ingest_result *result);
/* A scan has ended. whole: what it did not meet is gone, and forgotten. */
void ingest_end_memory(struct ingest_memory *memory, bool whole);

/* --- ingest_arrival.c --- */

/* Accepted before, archived already, too old, or new (STATUS_OK with the outcome as it was). */
enum status ingest_check_arrival(struct ingest_attempt *attempt, struct error *err) WARN_UNUSED;
/* A refusal that was committed by a daemon that died before it had moved the files. What was refused, moved, and sent
 * again as it was is refused again. */
enum status ingest_find_refusal(struct ingest_attempt *attempt, bool *refused, struct error *err) WARN_UNUSED;

/* --- ingest_batch.c --- */

/* The transaction: committed, or nothing of it stays. */
enum status ingest_take_in(struct ingest_attempt *attempt, struct error *err) WARN_UNUSED;
enum status ingest_audit(const struct ingest_attempt *attempt, const char *action,
                         struct error *err) WARN_UNUSED;
/* Not to be cut off: whoever stops us wants to know what became of it. */
enum status ingest_commit(const struct ingest_attempt *attempt, struct error *err) WARN_UNUSED;

#endif
