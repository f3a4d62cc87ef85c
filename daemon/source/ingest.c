/* SPDX-License-Identifier: PostgreSQL */
/*
 * One file goes through three steps, each of which may end it:
 *   judge_files   what lies there: manifest, hash          → waits, or STATUS_REJECT
 *   take_in       the transaction                          → archived before, or STATUS_REJECT; else accepted
 *   put_away      refusals are recorded, files are moved
 * STATUS_REJECT means throughout: this file is refused, and the error's text is the reason.
 */
#include "config.h"

#include "source/ingest.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/file.h"
#include "io/pg.h"
#include "source/drop.h"
#include "source/fact_stage.h"
#include "source/subject_keys.h"
#include "source/table.h"
#include "store/arrival.h"
#include "store/batch.h"
#include "store/lease.h"
#include "store/register.h"
#include "store/sender.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOLDERS_MAX = 1000,
    PERIOD_AHEAD_MAX_DAYS = 366, /* a roster may speak of the year that it is made for */
};

struct attempt {
    struct pg *pg;
    const struct ingest_settings *settings;
    const struct feed_config *config;
    struct drop_file file;
    struct drop_state state;
    struct manifest manifest;
    bool manifest_read; /* without a refusal */
    bool half_refused;  /* its CSV was refused and is in the archive */
    struct table *table;
    struct ingest_result *result;
};

const char *ingest_outcome_name(enum ingest_outcome outcome)
{
    static const char *const names[] = {
        [INGEST_ACCEPTED] = "accepted",
        [INGEST_REFUSED] = "refused",
        [INGEST_ARCHIVED] = "archived",
        [INGEST_WAITING] = "waiting",
    };
    return names[outcome];
}

static bool is_cancelled(const struct ingest_settings *settings)
{
    return settings->cancel && atomic_load_explicit(settings->cancel, memory_order_relaxed);
}

/* --- what is said of files: their names, and batches', are the sender's, and may be a person's ----------------------- */

static const char *loggable(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    return strspn(name, plain) == strlen(name) ? name : "(not shown)";
}

struct shown {
    char text[2048];
};

/* A text in which the file's name may stand, and any number. */
static const char *show(struct shown *shown, const char *text, const char *name)
{
    char *out = shown->text, *end = shown->text + sizeof shown->text - 1;
    const size_t length = loggable(name) == name ? 0 : strlen(name);
    while (*text != '\0' && out < end) {
        const bool is_name = length > 0 && strncmp(text, name, length) == 0;
        const char *add = is_name ? loggable(name) : text;
        size_t count = is_name ? strlen(add) : 1;
        text += is_name ? length : 1;
        for (; count > 0 && out < end; count--)
            *out++ = *add++;
    }
    *out = '\0';
    drop_hide_numbers(shown->text);
    return shown->text;
}

/* --- what lies there -------------------------------------------------------------------------------------------------- */

static enum status wait_for(struct attempt *attempt, const char *reason)
{
    struct ingest_result *result = attempt->result;
    const struct drop_state *state = &attempt->state;
    result->outcome = INGEST_WAITING;
    result->waiting_since_unix_ms = state->csv_modified_ms > state->manifest_modified_ms
                                        ? state->csv_modified_ms
                                        : state->manifest_modified_ms;
    struct shown shown;
    drop_clean_text(show(&shown, reason, attempt->file.name), result->reason, sizeof result->reason);
    return STATUS_OK;
}

/*
 * Something about the files does not fit, and err says what. Refuses, or waits when they are still on their way: the
 * rule stands in ingest.h.
 */
static enum status refuse_if_settled(struct attempt *attempt, struct error *err)
{
    const struct drop_state *state = &attempt->state;
    const struct ingest_settings *settings = attempt->settings;
    if (attempt->manifest_read && state->manifest_modified_ms >= state->csv_modified_ms)
        return STATUS_REJECT;
    bool changed;
    struct error why = *err;
    enum status status =
        drop_settle(&attempt->file, state, settings->settle_ms ? settings->settle_ms : INGEST_SETTLE_MS,
                    settings->cancel, &changed, err);
    if (status != STATUS_OK)
        return status;
    *err = why;
    return changed ? wait_for(attempt, "it is still being written") : STATUS_REJECT;
}

/* A period that ends in another age is a slip: it would keep the source fresh, and later rosters out, until then. */
static enum status check_period(const struct manifest *manifest, struct error *err)
{
    char found[CIVIL_TEXT_SIZE];
    if (manifest->period_to <= clock_today() + PERIOD_AHEAD_MAX_DAYS)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT,
                     "manifest: period_to: found %s, expected a day at most %d days ahead",
                     civil_format(manifest->period_to, found), PERIOD_AHEAD_MAX_DAYS);
}

static enum status check_manifest(struct attempt *attempt, struct error *err)
{
    struct manifest *manifest = &attempt->manifest;
    enum status status = manifest_read(attempt->file.manifest, manifest, err);
    snprintf(attempt->result->batch, sizeof attempt->result->batch, "%s", manifest->batch);
    if (status == STATUS_REJECT)
        return refuse_if_settled(attempt, err);
    if (status != STATUS_OK)
        return status;
    attempt->manifest_read = true;
    KILL_POINT("ingest.manifest_read");
    if (strcmp(manifest->feed, attempt->config->name) != 0)
        return error_set(err, STATUS_REJECT,
                         "manifest: feed: found \"%s\", expected \"%s\" as the folder is called",
                         manifest->feed, attempt->config->name);
    return check_period(manifest, err);
}

static enum status check_hash(struct attempt *attempt, struct error *err)
{
    enum status status = table_open(&attempt->table, attempt->file.csv, attempt->config->encoding,
                                    attempt->settings->cancel, err);
    if (status == STATUS_REJECT)
        return refuse_if_settled(attempt, err);
    if (status != STATUS_OK)
        return status;
    attempt->result->bytes = attempt->table->bytes;
    attempt->state.csv_mark =
        attempt->table->mark; /* what is read may already be another than what was seen */
    if (strcmp(attempt->table->sha256, attempt->manifest.sha256) == 0)
        return STATUS_OK;
    error_set(err, STATUS_REJECT,
              "manifest: sha256: found that of another file, expected %.12s… (the file is truncated or was "
              "altered)",
              attempt->table->sha256);
    return refuse_if_settled(attempt, err);
}

static bool waits(const struct attempt *attempt)
{
    return attempt->result->outcome == INGEST_WAITING;
}

static enum status judge(struct attempt *attempt, struct error *err)
{
    const struct drop_state *state = &attempt->state;
    if (!state->csv_there && !state->manifest_there)
        return wait_for(attempt, "it is not there any more");
    if (!state->manifest_there)
        return wait_for(attempt, "no manifest beside it yet");
    if ((state->csv_there && !state->csv_is_file) || !state->manifest_is_file)
        return error_set(err, STATUS_REJECT,
                         "found something else than a file, expected a CSV file and its manifest");
    enum status status = check_manifest(attempt, err);
    if (status != STATUS_OK || waits(attempt))
        return status;
    return state->csv_there ? check_hash(attempt, err) : STATUS_OK;
}

static enum status judge_files(struct attempt *attempt, struct error *err)
{
    enum status status = drop_look(&attempt->file, &attempt->state, err);
    if (status == STATUS_OK)
        status = judge(attempt, err);
    /* One file that we may not read, or cannot, does not hold up the others. */
    bool unreadable = status == STATUS_CONFIG || (status == STATUS_RETRY && !is_cancelled(attempt->settings));
    return unreadable ? wait_for(attempt, err->text) : status;
}

static struct batch_manifest describe_batch(const struct attempt *attempt)
{
    const struct manifest *manifest = &attempt->manifest;
    const struct table *table = attempt->table;
    bool decoded = table && table->encoding != ENCODING_AUTO;
    return (struct batch_manifest){
        .source = attempt->config->source,
        .name = manifest->batch[0] ? manifest->batch : attempt->result->file_name,
        .mode = manifest->mode == MANIFEST_FULL ? BATCH_FULL : BATCH_DELTA,
        .period_from = manifest->period_from,
        .period_to = manifest->period_to,
        .sent_at_ms = manifest->sent_at_unix_ms,
        .file_name = attempt->result->file_name,
        .sha256 = table ? table->sha256 : NULL,
        .encoding = decoded ? encoding_name(table->encoding) : NULL,
    };
}

/* --- is it new? ------------------------------------------------------------------------------------------------------- */

/* The same bytes say something new when they say that nothing changed: see ingest.h. */
static bool says_the_same_again(const struct manifest *manifest, const struct arrival_batch *other)
{
    if (manifest->rows == 0)
        return false;
    return manifest->mode == MANIFEST_DELTA || other->mode == BATCH_DELTA ||
           other->period_to >= manifest->period_to;
}

/* Whether the files of a refusal that was recorded still have to be moved: the CSV, or what follows it. */
static enum status look_in_archive(const struct attempt *attempt, bool *moved, struct error *err)
{
    const char *archive = attempt->settings->archive_directory, *feed = attempt->config->name;
    bool half;
    if (attempt->state.csv_there)
        return drop_is_archived(&attempt->file, archive, feed, true,
                                attempt->manifest_read ? &attempt->manifest : NULL, moved, err);
    enum status status = drop_is_half_refused(&attempt->file, archive, feed, &half, err);
    *moved = !half;
    return status;
}

/* A refusal that was committed by a daemon that died before it had moved the files. What was refused, moved, and sent
 * again as it was is refused again. */
static enum status find_refusal(struct attempt *attempt, bool *refused, struct error *err)
{
    struct batch_manifest batch = describe_batch(attempt);
    struct arrival_batch before;
    bool moved = true;
    enum status status = arrival_refused(attempt->pg, batch.source, batch.name, batch.file_name, batch.sha256,
                                         !attempt->state.csv_there, &before, err);
    if (status == STATUS_OK && before.exists)
        status = look_in_archive(attempt, &moved, err);
    *refused = status == STATUS_OK && !moved;
    if (*refused)
        attempt->result->batch_id = before.batch_id;
    return status;
}

/* The file may be in the archive already: of a refused one the manifest only has to follow. */
static enum status judge_manifest_alone(struct attempt *attempt, struct error *err)
{
    enum status status = drop_is_half_refused(&attempt->file, attempt->settings->archive_directory,
                                              attempt->config->name, &attempt->half_refused, err);
    if (status == STATUS_OK && attempt->half_refused)
        attempt->result->outcome = INGEST_ARCHIVED;
    else if (status == STATUS_OK)
        status = wait_for(attempt, "a manifest without its file");
    return status;
}

static enum status check_arrival(struct attempt *attempt, struct error *err)
{
    const struct manifest *manifest = &attempt->manifest;
    struct arrival arrival;
    enum status status =
        arrival_look(attempt->pg, attempt->config->source, manifest->batch, manifest->sha256, &arrival, err);
    if (status != STATUS_OK)
        return status;
    if (arrival.same_name.exists && strcmp(arrival.same_name.sha256, manifest->sha256) == 0) {
        bool archived;
        status = drop_is_archived(&attempt->file, attempt->settings->archive_directory, attempt->config->name,
                                  false, manifest, &archived, err);
        if (status != STATUS_OK)
            return status;
        if (!archived) {
            attempt->result->outcome = INGEST_ARCHIVED;
            KILL_POINT("ingest.recognised");
            attempt->result->batch_id = arrival.same_name.batch_id;
            return STATUS_OK;
        }
    }
    if (arrival.same_name.exists)
        return error_set(err, STATUS_REJECT,
                         "batch %s was accepted before (number %lld), expected a new name", manifest->batch,
                         (long long)arrival.same_name.batch_id);
    if (!attempt->state.csv_there)
        return judge_manifest_alone(attempt, err);
    if (arrival.same_bytes.exists && says_the_same_again(manifest, &arrival.same_bytes))
        return error_set(err, STATUS_REJECT,
                         "the file was accepted before as batch %s (number %lld), expected a new one",
                         arrival.same_bytes.name, (long long)arrival.same_bytes.batch_id);
    if (manifest->mode == MANIFEST_FULL && arrival.latest.exists &&
        arrival.latest.period_to > manifest->period_to)
        return error_set(
            err, STATUS_REJECT,
            "a full batch of an earlier period than batch %s would end what is newer, expected a later "
            "period_to, or mode delta",
            arrival.latest.name);
    return STATUS_OK;
}

/* --- the transaction ---------------------------------------------------------------------------------------------------- */

/* What lives only while rows are read. */
struct reading {
    struct attempt *attempt;
    struct feed_rows *rows;
    struct subject_keys keys;
    bool small; /* keys are all of the file's */
    struct subjects subjects;
    struct fact_scope scope;
    struct sender *sender;
    struct quarantine_writer *quarantine;
    struct fact_stage *stage;
    struct feed_row row;
};

/* Whether the manifest promises a file that is small beside the register. */
static enum status look_small(const struct attempt *attempt, bool *small, struct error *err)
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
    struct attempt *attempt = reading->attempt;
    bool named = feed_rows_name_column(reading->rows)[0] != '\0';
    enum status status = look_small(attempt, &reading->small, err);
    if (status == STATUS_OK && reading->small)
        status = subject_keys_read(&reading->keys, attempt->table, reading->rows, &reading->row,
                                   attempt->manifest.rows, &reading->small, err);
    if (status == STATUS_OK)
        status = subjects_load(&reading->subjects, attempt->pg, reading->small ? &reading->keys : NULL, named,
                               err);
    if (status == STATUS_OK && reading->small)
        status = subject_keys_scope(&reading->keys, &reading->subjects, &reading->scope, err);
    return status;
}

static enum status reading_begin(struct reading *reading, struct error *err)
{
    struct attempt *attempt = reading->attempt;
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
    struct batch_manifest batch = describe_batch(attempt);
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
        .subjects = &reading->subjects,
        .scope = reading->small && batch.mode == BATCH_DELTA ? &reading->scope : NULL,
        .sender = reading->sender,
        .quarantine = reading->quarantine,
        .strangers = true,
        .by_township = true,
        .expected_facts = (size_t)attempt->manifest.rows,
        .id_column = feed_rows_id_column(reading->rows),
        .household_column = feed_rows_household_column(reading->rows),
        .name_column = feed_rows_name_column(reading->rows),
    };
    return fact_stage_new(&reading->stage, &plan, err);
}

static enum status read_rows(struct reading *reading, struct error *err)
{
    struct attempt *attempt = reading->attempt;
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

/* A full batch that says nothing would end everything that the source ever said. */
static enum status check_not_empty(const struct attempt *attempt, struct error *err)
{
    const struct ingest_result *result = attempt->result;
    if (attempt->manifest.mode != MANIFEST_FULL || attempt->config->allow_empty ||
        result->facts_stored + result->facts_stranger > 0)
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
}

static enum status write_counts(const struct reading *reading, struct error *err)
{
    const struct attempt *attempt = reading->attempt;
    const struct ingest_result *result = attempt->result;
    struct batch_counts counts = {result->rows_total, result->facts_stored, result->rows_quarantined,
                                  result->facts_stranger};
    struct text detail;
    text_init(&detail);
    text_printf(&detail,
                "{\"kept\": %lld, \"names_differ\": %lld, \"unchanged\": %lld, \"ended\": %lld, \"codes\": ",
                (long long)result->rows_kept, (long long)result->names_differ,
                (long long)result->facts_unchanged, (long long)result->facts_ended);
    fact_stage_describe_codes(reading->stage, attempt->settings->dictionary, &detail);
    text_add_str(&detail, "}");
    enum status status = detail.failed
                             ? error_set(err, STATUS_FATAL, "out of memory")
                             : batch_count(attempt->pg, result->batch_id, &counts, detail.bytes, err);
    text_fini(&detail);
    return status;
}

static enum status write_audit(const struct attempt *attempt, const char *action, struct error *err)
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

/* Not to be cut off: whoever stops us wants to know what became of it. */
static enum status commit(const struct attempt *attempt, struct error *err)
{
    pg_set_cancel(attempt->pg, NULL);
    enum status status = pg_commit(attempt->pg, err);
    pg_set_cancel(attempt->pg, attempt->settings->cancel);
    return status;
}

static enum status write_batch(struct reading *reading, struct error *err)
{
    struct attempt *attempt = reading->attempt;
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
    status = check_not_empty(attempt, err);
    if (status == STATUS_OK)
        status = quarantine_writer_finish(reading->quarantine, err);
    if (status == STATUS_OK)
        status = write_counts(reading, err);
    if (status == STATUS_OK)
        status = write_audit(attempt, "feed.accepted", err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.before_commit");
    if (status == STATUS_OK)
        status = commit(attempt, err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.committed");
    attempt->result->commit_ms = clock_monotonic_ms() - began_ms - attempt->result->rows_ms;
    return status;
}

static enum status read_batch(struct attempt *attempt, struct error *err)
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

static enum status take_in(struct attempt *attempt, struct error *err)
{
    KILL_POINT("ingest.before_transaction");
    enum status status = pg_begin(attempt->pg, PG_READ_COMMITTED, err);
    if (status == STATUS_OK)
        status = lease_lock(attempt->pg, LEASE_INGEST, attempt->settings->leader, err);
    KILL_POINT("ingest.transaction_open");
    if (status == STATUS_OK)
        status = check_arrival(attempt, err);
    if (status == STATUS_OK && attempt->result->outcome == INGEST_ACCEPTED)
        status = read_batch(attempt, err);
    if (status != STATUS_OK || attempt->result->outcome != INGEST_ACCEPTED)
        pg_rollback(attempt->pg);
    if (status != STATUS_OK)
        attempt->result->batch_id = 0;
    return status;
}

/* --- putting away ----------------------------------------------------------------------------------------------------- */

/* A transaction of its own: the batch's was rolled back. */
static enum status record_refusal(struct attempt *attempt, struct error *err)
{
    struct ingest_result *result = attempt->result;
    result->outcome = INGEST_REFUSED;
    struct shown shown;
    drop_clean_text(show(&shown, err->text, attempt->file.name), result->reason, sizeof result->reason);
    struct batch_manifest batch = describe_batch(attempt);
    bool refused;
    enum status status = find_refusal(attempt, &refused, err);
    if (status != STATUS_OK || refused)
        return status;
    struct batch_counts counts = {.rows_total = result->rows_total};
    status = lease_begin(attempt->pg, attempt->settings->leader, err);
    if (status == STATUS_OK)
        status = batch_refuse(attempt->pg, &batch, result->reason, &counts, &result->batch_id, err);
    if (status == STATUS_OK)
        status = write_audit(attempt, "feed.refused", err);
    KILL_POINT("ingest.before_refusal");
    if (status == STATUS_OK)
        status = commit(attempt, err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.refused");
    if (status != STATUS_OK)
        pg_rollback(attempt->pg);
    return status;
}

/* What is done is done: a file that cannot be moved is met again by the next scan, and recognised. */
static void move_files(const struct attempt *attempt)
{
    struct error why;
    const struct ingest_result *result = attempt->result;
    bool refused = result->outcome == INGEST_REFUSED || attempt->half_refused;
    enum status status = drop_move(&attempt->file, &attempt->state, attempt->settings->archive_directory,
                                   attempt->config->name, refused, &why);
    struct shown batch, text;
    if (status == STATUS_OK)
        return;
    why.status = status;
    drop_clean_text(show(&text, why.text, attempt->file.name), why.text, sizeof why.text);
    log_event(LOG_FEED_STUCK, log_text("feed", result->feed),
              log_text("batch", show(&batch, result->batch, "")), log_error(&why));
}

static void fold(uint64_t *hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        *hash = (*hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
}

/* True once for each file, reason and time of its last change. */
static bool is_news(struct ingest_memory *memory, const struct ingest_result *result)
{
    if (!memory)
        return true;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    fold(&hash, result->feed, strlen(result->feed) + 1);
    fold(&hash, result->file_name, strlen(result->file_name) + 1);
    fold(&hash, result->reason, strlen(result->reason));
    fold(&hash, &result->waiting_since_unix_ms, sizeof result->waiting_since_unix_ms);
    enum { COUNT = sizeof memory->seen / sizeof *memory->seen };
    for (size_t i = 0; i < COUNT; i++)
        if (memory->seen[i] == hash)
            return false;
    memory->seen[memory->next++ % COUNT] = hash;
    return true;
}

static void log_outcome(const struct ingest_settings *settings, const struct ingest_result *result)
{
    struct shown batch_shown, file_shown;
    struct log_field feed = log_text("feed", result->feed);
    struct log_field batch = log_text("batch", show(&batch_shown, result->batch, ""));
    struct log_field file = log_text("file", show(&file_shown, loggable(result->file_name), ""));
    switch (result->outcome) {
    case INGEST_ACCEPTED:
        log_event(LOG_FEED_ACCEPTED, feed, batch, log_int("batch_id", result->batch_id),
                  log_int("rows", result->rows_total), log_int("stored", result->facts_stored),
                  log_int("strangers", result->facts_stranger),
                  log_int("quarantined", result->rows_quarantined), log_int("kept", result->rows_kept),
                  log_int("ended", result->facts_ended), log_int("ms", result->rows_ms + result->commit_ms));
        break;
    case INGEST_REFUSED:
        log_event(LOG_FEED_REFUSED, feed, batch, log_int("batch_id", result->batch_id), file,
                  log_text("reason", result->reason));
        break;
    case INGEST_ARCHIVED:
        log_event(LOG_FEED_ARCHIVED, feed, batch, log_int("batch_id", result->batch_id));
        break;
    case INGEST_WAITING:
        if (is_news(settings->memory, result))
            log_event(LOG_FEED_WAITING, feed, file, log_text("reason", result->reason));
        break;
    }
}

static enum status attempt_begin(struct attempt *attempt, struct pg *pg,
                                 const struct ingest_settings *settings, const struct feed_config *config,
                                 const char *csv_path, struct ingest_result *result, struct error *err)
{
    *attempt = (struct attempt){.pg = pg, .settings = settings, .config = config, .result = result};
    attempt->manifest =
        (struct manifest){.period_from = DAY_NONE, .period_to = DAY_NONE, .sent_at_unix_ms = INT64_MIN};
    *result = (struct ingest_result){.source = config->source};
    snprintf(result->feed, sizeof result->feed, "%s", config->name);
    enum status status = drop_file_at(&attempt->file, csv_path, err);
    drop_clean_text(attempt->file.name, result->file_name, sizeof result->file_name);
    return status;
}

enum status ingest_file(struct pg *pg, const struct ingest_settings *settings,
                        const struct feed_config *config, const char *csv_path, struct ingest_result *result,
                        struct error *err)
{
    struct attempt attempt;
    enum status status = attempt_begin(&attempt, pg, settings, config, csv_path, result, err);
    if (status != STATUS_OK)
        return status;
    status = judge_files(&attempt, err);
    if (status == STATUS_OK && !waits(&attempt))
        status = take_in(&attempt, err);
    if (status == STATUS_REJECT)
        status = record_refusal(&attempt, err);
    table_close(attempt.table);
    if (status != STATUS_OK)
        return error_wrap(err, "feed %s", config->name);
    if (!waits(&attempt))
        move_files(&attempt);
    log_outcome(settings, result);
    KILL_POINT("ingest.done");
    return STATUS_OK;
}

/* --- scanning ----------------------------------------------------------------------------------------------------------- */

struct candidate {
    const struct feed_config *config;
    char path[DROP_PATH_MAX]; /* of the CSV, which may be missing */
    char batch[MANIFEST_BATCH_MAX + 1];
    int64_t sent_at_unix_ms; /* INT64_MIN: what cannot be read comes first, to be refused */
};

struct scan {
    const struct ingest_settings *settings;
    ingest_done *done;
    void *context;
    bool judge;          /* false: ingest_list */
    struct error failed; /* of the first folder that cannot be used */
    struct candidate *candidates;
    size_t count, capacity;
    struct feed_config **owned;
    size_t owned_count;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *one = a, *other = b;
    if (one->sent_at_unix_ms != other->sent_at_unix_ms)
        return one->sent_at_unix_ms < other->sent_at_unix_ms ? -1 : 1;
    int order = strcmp(one->batch, other->batch);
    return order ? order : strcmp(one->path, other->path);
}

static enum status add_candidate(struct scan *scan, const struct feed_config *config, const char *folder,
                                 const char *name, size_t csv_length, struct error *err)
{
    if (scan->count == scan->capacity) {
        size_t capacity = scan->capacity ? scan->capacity * 2 : 64;
        struct candidate *grown = realloc(scan->candidates, capacity * sizeof *grown);
        if (!grown)
            return error_set(err, STATUS_FATAL, "out of memory");
        scan->candidates = grown;
        scan->capacity = capacity;
    }
    struct candidate *candidate = &scan->candidates[scan->count];
    *candidate = (struct candidate){.config = config, .sent_at_unix_ms = INT64_MIN};
    char manifest_path[DROP_PATH_MAX];
    int length = snprintf(candidate->path, sizeof candidate->path, "%s/%.*s", folder, (int)csv_length, name);
    if (length < 0 || length >= DROP_PATH_MAX)
        return error_set(err, STATUS_CONFIG, "%s: holds a path of %d bytes, expected less than %d", folder,
                         length, DROP_PATH_MAX);
    length = snprintf(manifest_path, sizeof manifest_path, "%s%s", candidate->path, MANIFEST_SUFFIX);
    struct manifest manifest;
    if (length < DROP_PATH_MAX && manifest_read(manifest_path, &manifest, NULL) == STATUS_OK) {
        candidate->sent_at_unix_ms = manifest.sent_at_unix_ms;
        snprintf(candidate->batch, sizeof candidate->batch, "%s", manifest.batch);
    }
    scan->count++;
    return STATUS_OK;
}

/* Each CSV once, be it there itself or only its manifest. Names come sorted: X.csv stands before X.csv.manifest.json. */
static enum status add_folder(struct scan *scan, const struct feed_config *config, const char *folder,
                              struct error *err)
{
    struct file_list list;
    enum status status = file_list_open(&list, folder, INGEST_FILES_MAX, err);
    if (status != STATUS_OK)
        return status == STATUS_REJECT ? (err->status = STATUS_CONFIG) : status;
    const char *last = "";
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        const char *name = list.names[i];
        bool is_manifest;
        size_t csv_length;
        if (!drop_name_is_ours(name, &is_manifest, &csv_length))
            continue;
        if (is_manifest && strlen(last) == csv_length && strncmp(last, name, csv_length) == 0)
            continue;
        if (!is_manifest)
            last = name;
        status = add_candidate(scan, config, folder, name, csv_length, err);
    }
    file_list_close(&list);
    return status;
}

static enum status config_for(struct scan *scan, const char *feed, const struct feed_config **config,
                              struct error *err)
{
    for (size_t i = 0; i < scan->settings->config_count; i++) {
        *config = scan->settings->configs[i];
        if (strcmp((*config)->name, feed) == 0)
            return STATUS_OK;
    }
    struct feed_config **grown = realloc(scan->owned, (scan->owned_count + 1) * sizeof *grown);
    if (!grown)
        return error_set(err, STATUS_FATAL, "out of memory");
    scan->owned = grown;
    enum status status = feed_config_default(feed, &grown[scan->owned_count], err);
    if (status == STATUS_OK)
        *config = grown[scan->owned_count++];
    return status;
}

static void report(struct scan *scan, const struct ingest_result *result)
{
    if (scan->done)
        scan->done(scan->context, result);
}

static void report_unknown_folder(struct scan *scan, const char *feed, const struct error *why)
{
    struct ingest_result result = {.outcome = INGEST_WAITING, .source = -1};
    drop_clean_text(feed, result.file_name, sizeof result.file_name);
    drop_clean_text(why->text, result.reason, sizeof result.reason);
    if (scan->judge)
        log_outcome(scan->settings, &result);
    report(scan, &result);
}

static enum status add_feed(struct scan *scan, const char *feed, struct error *err)
{
    const struct ingest_settings *settings = scan->settings;
    char folder[DROP_PATH_MAX];
    struct file_info info;
    int length = snprintf(folder, sizeof folder, "%s/%s", settings->drop_directory, feed);
    if (length < 0 || length >= DROP_PATH_MAX)
        return error_set(err, STATUS_CONFIG, "%s: its path is too long", settings->drop_directory);
    enum status status = file_stat(folder, &info, err);
    if (status != STATUS_OK || !info.is_directory)
        return status;
    const struct feed_config *config = NULL;
    status = config_for(scan, feed, &config, err);
    if (status == STATUS_CONFIG) {
        report_unknown_folder(scan, feed, err);
        return STATUS_OK;
    }
    if (status == STATUS_OK && scan->judge)
        status = drop_prepare(settings->drop_directory, settings->archive_directory, feed, err);
    return status == STATUS_OK ? add_folder(scan, config, folder, err) : status;
}

/* One agency's folder that cannot be used does not hold up the others': it is told at the end. */
static enum status pass_over(struct scan *scan, enum status status, const struct error *err)
{
    if (status == STATUS_OK || status == STATUS_FATAL)
        return status;
    if (scan->failed.status == STATUS_OK)
        scan->failed = *err;
    return STATUS_OK;
}

static enum status tell_passed_over(const struct scan *scan, enum status status, struct error *err)
{
    if (status != STATUS_OK || scan->failed.status == STATUS_OK)
        return status;
    *err = scan->failed;
    return err->status;
}

static enum status find_candidates(struct scan *scan, struct error *err)
{
    struct file_list feeds;
    enum status status = file_list_open(&feeds, scan->settings->drop_directory, FOLDERS_MAX, err);
    if (status != STATUS_OK)
        return status == STATUS_REJECT ? (err->status = STATUS_CONFIG) : status;
    for (size_t i = 0; status == STATUS_OK && i < feeds.count; i++)
        status = pass_over(scan, add_feed(scan, feeds.names[i], err), err);
    file_list_close(&feeds);
    if (scan->count > 0)
        qsort(scan->candidates, scan->count, sizeof *scan->candidates, compare_candidates);
    return status;
}

static void scan_fini(struct scan *scan)
{
    for (size_t i = 0; i < scan->owned_count; i++)
        feed_config_free(scan->owned[i]);
    free(scan->owned);
    free(scan->candidates);
}

enum status ingest_scan(struct pg *pg, const struct ingest_settings *settings, ingest_done *done,
                        void *context, struct error *err)
{
    struct scan scan = {.settings = settings, .done = done, .context = context, .judge = true};
    enum status status = find_candidates(&scan, err);
    for (size_t i = 0; status == STATUS_OK && i < scan.count; i++) {
        struct ingest_result result;
        KILL_POINT("ingest.found");
        status = ingest_file(pg, settings, scan.candidates[i].config, scan.candidates[i].path, &result, err);
        if (status == STATUS_OK)
            report(&scan, &result);
    }
    scan_fini(&scan);
    return tell_passed_over(&scan, status, err);
}

static enum status list_one(struct scan *scan, const struct candidate *candidate, struct error *err)
{
    struct attempt attempt;
    struct ingest_result result;
    enum status status =
        attempt_begin(&attempt, NULL, scan->settings, candidate->config, candidate->path, &result, err);
    if (status == STATUS_OK)
        status = drop_look(&attempt.file, &attempt.state, err);
    if (status != STATUS_OK)
        return status;
    snprintf(result.batch, sizeof result.batch, "%s", candidate->batch);
    result.bytes = attempt.state.csv_bytes;
    status = wait_for(&attempt, attempt.state.manifest_there ? "" : "no manifest beside it yet");
    report(scan, &result);
    return status;
}

enum status ingest_list(const struct ingest_settings *settings, ingest_done *done, void *context,
                        struct error *err)
{
    struct scan scan = {.settings = settings, .done = done, .context = context};
    enum status status = find_candidates(&scan, err);
    for (size_t i = 0; status == STATUS_OK && i < scan.count; i++)
        status = list_one(&scan, &scan.candidates[i], err);
    scan_fini(&scan);
    return tell_passed_over(&scan, status, err);
}
