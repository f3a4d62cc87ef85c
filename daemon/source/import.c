/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/import.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/pg.h"
#include "source/drop.h"
#include "source/fact_stage.h"
#include "source/import_snapshot.h"
#include "store/arrival.h"
#include "store/batch.h"
#include "store/lease.h"

#include <stdio.h>
#include <string.h>

/* Change it when the same files would now give another register: they are then read again. */
const char import_pipeline_version[] = "1";

const char *import_stage_name(enum import_stage stage)
{
    static const char *const names[] = {
        [IMPORT_HOUSEHOLDS] = "households", [IMPORT_PERSONS] = "persons", [IMPORT_FACTS] = "facts",
        [IMPORT_COMPARE] = "compare",       [IMPORT_WRITE] = "write",
    };
    return names[stage];
}

static struct batch_manifest describe_batch(const struct importing *import)
{
    return (struct batch_manifest){
        .source = SOURCE_REGISTER,
        .name = import->batch_name,
        .mode = BATCH_FULL,
        .period_from = DAY_NONE,
        .period_to = import->today,
        .sent_at_ms = INT64_MIN,
        .file_name = import->rows->file_name,
        .sha256 = import->rows->sha256[0] ? import->rows->sha256 : NULL,
        .encoding = import->rows->encoding,
    };
}

static enum status write_audit(const struct importing *import, const char *action, struct error *err)
{
    char detail[128];
    snprintf(detail, sizeof detail, "{\"batch_id\": %lld}", (long long)import->result->batch_id);
    return arrival_audit(import->pg, import->settings->actor, action, detail, err);
}

static enum status write_counts(const struct importing *import, struct error *err)
{
    const struct import_result *r = import->result;
    struct batch_counts counts = {
        .rows_total = r->households.rows + r->persons.rows + r->facts.rows,
        .rows_stored = r->facts.added + r->facts.unchanged,
        .rows_quarantined = r->households.quarantined + r->persons.quarantined + r->facts.quarantined,
    };
    char detail[512];
    snprintf(detail, sizeof detail,
             "{\"households\": %lld, \"persons\": %lld, \"facts\": %lld, \"kept\": %lld, "
             "\"without_identity\": %lld, "
             "\"empty_households\": %lld, \"households_ended\": %lld, \"strangers_moved\": %lld}",
             (long long)r->households.rows, (long long)r->persons.rows, (long long)r->facts.rows,
             (long long)(r->households.kept + r->persons.kept + r->facts.kept),
             (long long)r->without_identity, (long long)r->empty_households, (long long)r->households.ended,
             (long long)r->strangers_moved);
    return batch_count(import->pg, r->batch_id, &counts, detail, err);
}

/* Not to be cut off: whoever stops us wants to know what became of it. */
static enum status commit(const struct importing *import, struct error *err)
{
    pg_set_cancel(import->pg, NULL);
    enum status status = pg_commit(import->pg, err);
    pg_set_cancel(import->pg, import->settings->cancel);
    return status;
}

/* The snapshot is the one that is there. It is worth a row once a day: see import.h. */
static enum status confirm(struct importing *import, const struct arrival_batch *newest, struct error *err)
{
    import->result->same = true;
    if (newest->period_to != DAY_NONE && newest->period_to >= import->today)
        return STATUS_OK;
    struct batch_manifest batch = describe_batch(import);
    struct batch_counts counts = {.rows_total = newest->rows_total};
    char detail[64];
    snprintf(detail, sizeof detail, "{\"same_as\": %lld}", (long long)newest->batch_id);
    enum status status = batch_accept(import->pg, &batch, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = batch_count(import->pg, import->result->batch_id, &counts, detail, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.confirmed", err);
    KILL_POINT("import.before_confirmation");
    if (status == STATUS_OK)
        status = commit(import, err);
    KILL_POINT("import.confirmed");
    return status;
}

static enum status write_snapshot(struct importing *import, struct error *err)
{
    struct batch_manifest batch = describe_batch(import);
    enum status status = batch_accept(import->pg, &batch, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = sender_new(import->pg, &import->sender, err);
    if (status == STATUS_OK)
        status = quarantine_writer_new(import->pg, import->result->batch_id, import->sender,
                                       &import->quarantine, err);
    if (status == STATUS_OK)
        status = register_writer_new(import->pg, import->today, import->sender, &import->writer, err);
    if (status == STATUS_OK)
        status = import_read_register(import, err);
    if (status == STATUS_OK)
        status = import_read_facts(import, err);
    if (status == STATUS_OK)
        status = quarantine_writer_finish(import->quarantine, err);
    if (status == STATUS_OK)
        status = write_counts(import, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.imported", err);
    KILL_POINT("import.before_commit");
    return status;
}

static enum status run_transaction(struct importing *import, struct error *err)
{
    struct arrival arrival;
    enum status status = pg_begin(import->pg, PG_READ_COMMITTED, err);
    if (status == STATUS_OK)
        status = lease_lock(import->pg, LEASE_INGEST, import->settings->leader, err);
    KILL_POINT("import.transaction_open");
    if (status == STATUS_OK)
        status = arrival_look(import->pg, SOURCE_REGISTER, import->batch_name, import->rows->sha256, &arrival,
                              err);
    if (status != STATUS_OK)
        return status;
    const char *sha256 = import->rows->sha256;
    if (sha256[0] && arrival.newest.exists && strcmp(arrival.newest.sha256, sha256) == 0)
        return confirm(import, &arrival.newest, err);
    status = write_snapshot(import, err);
    sender_free(import->sender); /* and the connection is ours alone */
    import->sender = NULL;
    if (status == STATUS_OK)
        status = commit(import, err);
    if (status == STATUS_OK)
        KILL_POINT("import.committed");
    import_end_stage(import, IMPORT_WRITE);
    return status;
}

static enum status record_refusal(struct importing *import, struct error *err)
{
    struct error why = *err;
    char reason[ERROR_TEXT_MAX];
    drop_clean_text(why.text, reason, sizeof reason);
    struct batch_manifest batch = describe_batch(import);
    struct batch_counts none = {0};
    enum status status = lease_begin(import->pg, import->settings->leader, err);
    if (status == STATUS_OK)
        status = batch_refuse(import->pg, &batch, reason, &none, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.refused", err);
    KILL_POINT("import.before_refusal");
    if (status == STATUS_OK)
        status = commit(import, err);
    KILL_POINT("import.refused");
    if (status != STATUS_OK) {
        pg_rollback(import->pg);
        return status;
    }
    log_event(LOG_IMPORT_REFUSED, log_int("batch_id", import->result->batch_id), log_text("reason", reason));
    *err = why;
    return STATUS_REJECT;
}

static void log_done(const struct import_result *result)
{
    if (result->same) {
        log_event(LOG_IMPORT_SAME, log_int("batch_id", result->batch_id));
        return;
    }
    log_event(LOG_IMPORT_DONE, log_int("batch_id", result->batch_id),
              log_int("households", result->households.rows), log_int("persons", result->persons.rows),
              log_int("facts", result->facts.rows),
              log_int("quarantined", result->households.quarantined + result->persons.quarantined +
                                         result->facts.quarantined),
              log_int("without_identity", result->without_identity),
              log_int("households_ended", result->households.ended));
}

enum status import_run(struct pg *pg, const struct import_settings *settings, struct import_rows *rows,
                       struct import_result *result, struct error *err)
{
    struct importing import = {.pg = pg, .settings = settings, .rows = rows, .result = result};
    import.today = settings->today == DAY_NONE ? clock_today() : settings->today;
    import.stage_began_ms = clock_monotonic_ms();
    char day[CIVIL_TEXT_SIZE];
    snprintf(import.batch_name, sizeof import.batch_name, "register-%s-%lld", civil_format(import.today, day),
             (long long)clock_unix_ms());
    *result = (struct import_result){0};
    enum status status = run_transaction(&import, err);
    register_writer_free(import.writer);
    quarantine_writer_free(import.quarantine);
    pg_rollback(pg); /* does nothing after a commit */
    if (status != STATUS_OK)
        result->batch_id = 0;
    if (status == STATUS_REJECT)
        return record_refusal(&import, err);
    if (status == STATUS_OK)
        log_done(result);
    return status;
}
