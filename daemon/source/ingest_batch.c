/* SPDX-License-Identifier: PostgreSQL */
/* The transaction of a batch: its rows are decoded, checked and stored, and all of them are there or none. */
#include "config.h"

#include "source/ingest_attempt.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "io/pg.h"
#include "source/fact_stage.h"
#include "source/subject_keys.h"
#include "source/table.h"
#include "store/arrival.h"
#include "store/lease.h"
#include "store/register.h"
#include "store/sender.h"

#include <jansson.h>
#include <stdlib.h>

enum {
    FACT_ROW_LEAST =
        16, /* bytes of a row that states a fact: a number of 15 digits and a comma are as many */
    UNUSABLE_LEAST = 10, /* rows of a batch that is damaged as a whole, and not here and there */
};

/* What lives only while rows are read. */
struct reading {
    struct ingest_attempt *attempt;
    struct feed_rows *rows;
    struct subject_keys keys;
    bool small; /* keys are all of the file's */
    struct subjects subjects;
    struct fact_scope scope;
    struct volume_places places;
    struct sender *sender;
    struct quarantine_writer *quarantine;
    struct fact_stage *stage;
    struct feed_row row;
};

/* How many facts to set memory aside for: what the manifest promises, as far as the file can hold it. */
static size_t expected_facts(const struct ingest_attempt *attempt)
{
    uint64_t most = attempt->table->bytes / FACT_ROW_LEAST, promised = (uint64_t)attempt->manifest.rows;
    return (size_t)(promised < most ? promised : most);
}

/* Whether the manifest promises a file that is small beside the register. */
static enum status look_small(const struct ingest_attempt *attempt, bool *small, struct error *err)
{
    int64_t most = attempt->settings->small_rows;
    if (most == 0) {
        enum status status = register_size(attempt->pg, &most, err);
        if (status != STATUS_OK)
            return status;
        most /= REGISTER_SMALL_SHARE;
    }
    *small = attempt->manifest.rows <= most;
    return STATUS_OK;
}

static enum status load_subjects(struct reading *reading, struct error *err)
{
    struct ingest_attempt *attempt = reading->attempt;
    bool named = feed_rows_name_column(reading->rows)[0] != '\0';
    bool delta = attempt->manifest.mode == MANIFEST_DELTA;
    enum status status = look_small(attempt, &reading->small, err);
    if (status == STATUS_OK && reading->small)
        status = subject_keys_read(&reading->keys, attempt->table, reading->rows, &reading->row,
                                   attempt->manifest.rows, &reading->small, err);
    if (status == STATUS_OK && !reading->small && delta) {
        reading->keys.day_count = 0; /* of a file that is larger than it said, they are not all */
        status = subject_keys_read_days(&reading->keys, attempt->table, reading->rows, &reading->row, err);
    }
    if (status == STATUS_OK)
        status = subjects_load(&reading->subjects, attempt->pg, reading->small ? &reading->keys : NULL, named,
                               err);
    reading->places = subjects_places(&reading->subjects);
    if (status == STATUS_OK && reading->small)
        status = subject_keys_scope(&reading->keys, &reading->subjects, &reading->scope, err);
    return status;
}

static enum status reading_begin(struct reading *reading, struct error *err)
{
    struct ingest_attempt *attempt = reading->attempt;
    struct table *table = attempt->table;
    enum status status = table_header(table, err);
    if (status != STATUS_OK)
        return status;
    attempt->result->encoding = table->encoding;
    status = feed_rows_new(&reading->rows, attempt->settings->dictionary, attempt->config, &table->csv,
                           clock_today(), err);
    if (status != STATUS_OK)
        return status;
    status = load_subjects(reading, err);
    if (status != STATUS_OK)
        return status;
    static const struct fact_days no_days = {0}; /* of a file without facts */
    struct batch_manifest batch = ingest_describe(attempt);
    status = batch_accept(attempt->pg, &batch, &attempt->result->batch_id, err);
    if (status == STATUS_OK)
        status = sender_new(attempt->pg, &reading->sender, err);
    if (status == STATUS_OK)
        status = quarantine_writer_new(attempt->pg, attempt->result->batch_id, reading->sender,
                                       &reading->quarantine, err);
    KILL_POINT("ingest.batch_accepted");
    if (status != STATUS_OK)
        return status;
    struct fact_stage_plan plan = {
        .pg = attempt->pg,
        .source = attempt->config->source,
        .batch_id = attempt->result->batch_id,
        .mode = batch.mode,
        .sent_at_ms = attempt->late ? attempt->manifest.sent_at_unix_ms : INT64_MIN,
        .subjects = &reading->subjects,
        .scope = reading->small && batch.mode == BATCH_DELTA ? &reading->scope : NULL,
        .days = batch.mode != BATCH_DELTA ? NULL
                : reading->keys.days      ? reading->keys.days
                                          : &no_days,
        .day_count = reading->keys.day_count,
        .sender = reading->sender,
        .quarantine = reading->quarantine,
        .strangers = true,
        .by_township = true,
        .places = reading->small ? &reading->places : NULL,
        .expected_facts = expected_facts(attempt),
        .id_column = feed_rows_id_column(reading->rows),
        .household_column = feed_rows_household_column(reading->rows),
        .name_column = feed_rows_name_column(reading->rows),
    };
    return fact_stage_new(&reading->stage, &plan, err);
}

static enum status read_rows(struct reading *reading, struct error *err)
{
    struct ingest_attempt *attempt = reading->attempt;
    for (;;) {
        enum csv_step step = table_next(attempt->table, err);
        if (step == CSV_BROKEN)
            return err->status;
        if (step == CSV_END)
            break;
        feed_rows_read(reading->rows, step == CSV_BAD_ROW, &reading->row);
        enum status status = fact_stage_add(reading->stage, &reading->row, err);
        if (status != STATUS_OK)
            return status;
    }
    attempt->result->rows_total = (int64_t)attempt->table->csv.rows;
    if (attempt->result->rows_total != attempt->manifest.rows)
        return error_set(err, STATUS_REJECT, "manifest: rows: found %lld, expected %lld as the file has",
                         (long long)attempt->manifest.rows, (long long)attempt->result->rows_total);
    return table_check(attempt->table, err);
}

static bool says_something(const struct ingest_result *result)
{
    return result->facts_stored + result->facts_stranger > 0;
}

/*
 * Of many rows none can be used: the columns or the numbers are damaged. Taken in, the batch would make its source fresh
 * though nothing was learned, and its sender could not send it again.
 */
static enum status check_usable(const struct ingest_result *result, const struct row_note *first,
                                struct error *err)
{
    if (says_something(result) || result->rows_quarantined < UNUSABLE_LEAST)
        return STATUS_OK;
    return error_set(
        err, STATUS_REJECT,
        "a batch of %lld rows none of which can be used (the first: line %llu, column %s: %s, expected "
        "%s), expected usable rows",
        (long long)result->rows_total, (unsigned long long)first->line,
        first->column[0] ? first->column : "(the whole row)", first->reason, first->expected);
}

/* A full batch that says nothing would end everything that the source ever said; one that speaks of strangers only, which
 * is another county's, everything about the register. */
static enum status check_not_empty(const struct ingest_attempt *attempt, const struct fact_counts *counts,
                                   struct error *err)
{
    const struct ingest_result *result = attempt->result;
    if (attempt->manifest.mode != MANIFEST_FULL)
        return STATUS_OK;
    if (says_something(result) && result->facts_stored == 0 && counts->ended_registered > 0)
        return error_set(
            err, STATUS_REJECT,
            "a full batch of %lld rows none of which is about the register would end everything, "
            "expected rows about its people (is it another county's?)",
            (long long)result->rows_total);
    if (says_something(result) || (attempt->config->allow_empty && result->rows_quarantined == 0))
        return STATUS_OK;
    if (result->rows_total == 0)
        return error_set(
            err, STATUS_REJECT,
            "a full batch without rows would end everything, expected rows (or allow_empty = yes)");
    return error_set(
        err, STATUS_REJECT,
        "a full batch of %lld rows none of which can be used would end everything, expected usable rows",
        (long long)result->rows_total);
}

static void take_counts(struct ingest_result *result, const struct fact_stage_counts *counts)
{
    result->rows_quarantined = counts->refused;
    result->rows_kept = counts->kept;
    result->names_differ = counts->names_differ;
    result->facts_stored = counts->stored.persons + counts->stored.households;
    result->facts_stranger = counts->stored.strangers;
    result->facts_ended = counts->stored.ended;
    result->facts_unchanged = counts->stored.repeated;
    result->facts_spared = counts->stored.spared;
    result->facts_compared = counts->stored.before;
}

static enum status write_counts(const struct reading *reading, struct error *err)
{
    const struct ingest_attempt *attempt = reading->attempt;
    const struct ingest_result *result = attempt->result;
    struct batch_counts counts = {result->rows_total, result->facts_stored, result->rows_quarantined,
                                  result->facts_stranger};
    struct text detail;
    text_init(&detail);
    text_printf(
        &detail,
        "{\"kept\": %lld, \"names_differ\": %lld, \"unchanged\": %lld, \"ended\": %lld, \"spared\": %lld, "
        "\"codes\": ",
        (long long)result->rows_kept, (long long)result->names_differ, (long long)result->facts_unchanged,
        (long long)result->facts_ended, (long long)result->facts_spared);
    fact_stage_describe_codes(reading->stage, attempt->settings->dictionary, &detail);
    text_add_str(&detail, "}");
    enum status status = detail.failed
                             ? error_set(err, STATUS_FATAL, "out of memory")
                             : batch_count(attempt->pg, result->batch_id, &counts, detail.bytes, err);
    text_fini(&detail);
    return status;
}

enum status ingest_audit(const struct ingest_attempt *attempt, const char *action, struct error *err)
{
    const struct ingest_result *result = attempt->result;
    json_t *detail = json_pack("{s:s, s:s, s:I, s:s}", "feed", result->feed, "batch", result->batch,
                               "batch_id", (json_int_t)result->batch_id, "reason", result->reason);
    char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
    enum status status = text ? arrival_audit(attempt->pg, attempt->settings->actor, action, text, err)
                              : error_set(err, STATUS_FATAL, "out of memory");
    free(text);
    json_decref(detail);
    return status;
}

enum status ingest_commit(const struct ingest_attempt *attempt, struct error *err)
{
    pg_set_cancel(attempt->pg, NULL);
    enum status status = pg_commit(attempt->pg, err);
    pg_set_cancel(attempt->pg, attempt->settings->cancel);
    return status;
}

static enum status write_batch(struct reading *reading, struct error *err)
{
    struct ingest_attempt *attempt = reading->attempt;
    struct fact_stage_counts counts;
    int64_t began_ms = clock_monotonic_ms();
    enum status status = read_rows(reading, err);
    attempt->result->rows_ms = clock_monotonic_ms() - began_ms;
    KILL_POINT("ingest.rows_read");
    if (status == STATUS_OK)
        status = fact_stage_finish(reading->stage, &counts, err);
    if (status != STATUS_OK)
        return status;
    take_counts(attempt->result, &counts);
    status = check_usable(attempt->result, &counts.first_refused, err);
    if (status == STATUS_OK)
        status = check_not_empty(attempt, &counts.stored, err);
    if (status == STATUS_OK)
        status = quarantine_writer_finish(reading->quarantine, err);
    if (status == STATUS_OK)
        status = write_counts(reading, err);
    if (status == STATUS_OK)
        status = ingest_audit(attempt, "feed.accepted", err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.before_commit");
    if (status == STATUS_OK)
        status = ingest_commit(attempt, err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.committed");
    attempt->result->commit_ms = clock_monotonic_ms() - began_ms - attempt->result->rows_ms;
    return status;
}

static enum status read_batch(struct ingest_attempt *attempt, struct error *err)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return error_set(err, STATUS_FATAL, "out of memory");
    reading->attempt = attempt;
    subjects_init(&reading->subjects);
    subject_keys_init(&reading->keys);
    enum status status = reading_begin(reading, err);
    if (status == STATUS_OK)
        status = write_batch(reading, err);
    sender_free(reading->sender); /* and the connection is ours alone */
    fact_stage_free(reading->stage);
    quarantine_writer_free(reading->quarantine);
    subjects_fini(&reading->subjects);
    subject_keys_fini(&reading->keys);
    feed_rows_free(reading->rows);
    free(reading);
    return status;
}

enum status ingest_take_in(struct ingest_attempt *attempt, struct error *err)
{
    KILL_POINT("ingest.before_transaction");
    enum status status = pg_begin(attempt->pg, PG_READ_COMMITTED, err);
    if (status == STATUS_OK)
        status = lease_lock(attempt->pg, LEASE_INGEST, attempt->settings->leader, err);
    KILL_POINT("ingest.transaction_open");
    if (status == STATUS_OK)
        status = ingest_check_arrival(attempt, err);
    if (status == STATUS_OK && attempt->result->outcome == INGEST_ACCEPTED)
        status = read_batch(attempt, err);
    if (status != STATUS_OK || attempt->result->outcome != INGEST_ACCEPTED)
        pg_rollback(attempt->pg);
    if (status != STATUS_OK)
        attempt->result->batch_id = 0;
    return status;
}
