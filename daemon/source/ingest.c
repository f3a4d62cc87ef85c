/* SPDX-License-Identifier: PostgreSQL */
/*
 * One file goes through three steps, each of which may end it:
 *   judge_files                      what lies there: manifest, hash   → waits, or STATUS_REJECT
 *   ingest_take_in (ingest_batch.c)  the transaction                   → archived before, or STATUS_REJECT; else accepted
 *   record_refusal, move_files       what was refused is recorded, and files are moved
 * STATUS_REJECT means throughout: this file is refused, and the error's text is the reason.
 */
#include "source/ingest_attempt.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "domain/resident_id.h"
#include "io/pg.h"
#include "source/table.h"
#include "store/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD_AHEAD_MAX_DAYS = 366 }; /* a roster may speak of the year that it is made for */

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
    resident_id_hide(shown->text);
    return shown->text;
}

/* --- what lies there -------------------------------------------------------------------------------------------------- */

static const char gone_reason[] = "it is not there any more";

enum status ingest_wait_for(struct ingest_attempt *attempt, const char *reason)
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
static enum status refuse_if_settled(struct ingest_attempt *attempt, struct error *err)
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
    return changed ? ingest_wait_for(attempt, "it is still being written") : STATUS_REJECT;
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

static enum status check_manifest(struct ingest_attempt *attempt, struct error *err)
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

static enum status check_hash(struct ingest_attempt *attempt, struct error *err)
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

static bool waits(const struct ingest_attempt *attempt)
{
    return attempt->result->outcome == INGEST_WAITING;
}

static enum status judge(struct ingest_attempt *attempt, struct error *err)
{
    const struct drop_state *state = &attempt->state;
    if (!state->csv_there && !state->manifest_there)
        return ingest_wait_for(attempt, gone_reason);
    if (!state->manifest_there)
        return ingest_wait_for(attempt, "no manifest beside it yet");
    if ((state->csv_there && !state->csv_is_file) || !state->manifest_is_file)
        return error_set(err, STATUS_REJECT,
                         "found something else than a file, expected a CSV file and its manifest");
    enum status status = check_manifest(attempt, err);
    if (status != STATUS_OK || waits(attempt))
        return status;
    return state->csv_there ? check_hash(attempt, err) : STATUS_OK;
}

static enum status judge_files(struct ingest_attempt *attempt, struct error *err)
{
    enum status status = drop_look(&attempt->file, &attempt->state, err);
    if (status == STATUS_OK)
        status = judge(attempt, err);
    /* One file that we may not read, or cannot, does not hold up the others. */
    bool unreadable = status == STATUS_CONFIG || (status == STATUS_RETRY && !is_cancelled(attempt->settings));
    return unreadable ? ingest_wait_for(attempt, err->text) : status;
}

struct batch_manifest ingest_describe(const struct ingest_attempt *attempt)
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

/* --- putting away ----------------------------------------------------------------------------------------------------- */

/*
 * Whoever led before may put the files away while we judge them: to us they look as if they had come a second time. What
 * is gone, or cannot be looked at now, is not refused; the next scan sees.
 */
static const char *reason_to_wait(const struct ingest_attempt *attempt, struct error *err)
{
    struct drop_state now;
    if (drop_look(&attempt->file, &now, err) != STATUS_OK)
        return err->text;
    return now.csv_there || now.manifest_there ? NULL : gone_reason;
}

/* A transaction of its own: the batch's was rolled back. */
static enum status record_refusal(struct ingest_attempt *attempt, struct error *err)
{
    struct ingest_result *result = attempt->result;
    result->outcome = INGEST_REFUSED;
    struct shown shown;
    drop_clean_text(show(&shown, err->text, attempt->file.name), result->reason, sizeof result->reason);
    struct batch_manifest batch = ingest_describe(attempt);
    const char *wait = reason_to_wait(attempt, err);
    if (wait)
        return ingest_wait_for(attempt, wait);
    bool refused;
    enum status status = ingest_find_refusal(attempt, &refused, err);
    if (status != STATUS_OK || refused)
        return status;
    struct batch_counts counts = {.rows_total = result->rows_total};
    status = lease_begin(attempt->pg, attempt->settings->leader, err);
    if (status == STATUS_OK)
        status = batch_refuse(attempt->pg, &batch, result->reason, &counts, &result->batch_id, err);
    if (status == STATUS_OK)
        status = ingest_audit(attempt, "feed.refused", err);
    KILL_POINT("ingest.before_refusal");
    if (status == STATUS_OK)
        status = ingest_commit(attempt, err);
    if (status == STATUS_OK)
        KILL_POINT("ingest.refused");
    if (status != STATUS_OK)
        pg_rollback(attempt->pg);
    return status;
}

/* What is done is done: a file that cannot be moved is met again by the next scan, and recognised. */
static void move_files(const struct ingest_attempt *attempt)
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

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* Without memory it is said again. */
static void note_said(struct ingest_said *said, uint64_t hash)
{
    if (said->count == said->capacity) {
        size_t capacity = said->capacity ? 2 * said->capacity : 64;
        uint64_t *grown = realloc(said->hashes, capacity * sizeof *grown);
        if (!grown)
            return;
        said->hashes = grown;
        said->capacity = capacity;
    }
    said->hashes[said->count++] = hash;
}

void ingest_end_memory(struct ingest_memory *memory, bool whole)
{
    for (size_t i = 0; !whole && i < memory->before.count; i++)
        note_said(&memory->now, memory->before.hashes[i]);
    free(memory->before.hashes);
    memory->before = memory->now;
    memory->now = (struct ingest_said){0};
    if (memory->before.count > 0)
        qsort(memory->before.hashes, memory->before.count, sizeof *memory->before.hashes, compare_hashes);
}

void ingest_memory_fini(struct ingest_memory *memory)
{
    free(memory->before.hashes);
    free(memory->now.hashes);
}

/* True once for each file, reason and time of its last change, as long as scans meet it. */
static bool is_news(struct ingest_memory *memory, const struct ingest_result *result)
{
    if (!memory)
        return true;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    fold(&hash, result->feed, strlen(result->feed) + 1);
    fold(&hash, result->file_name, strlen(result->file_name) + 1);
    fold(&hash, result->reason, strlen(result->reason));
    fold(&hash, &result->waiting_since_unix_ms, sizeof result->waiting_since_unix_ms);
    note_said(&memory->now, hash);
    return !memory->before.hashes || !bsearch(&hash, memory->before.hashes, memory->before.count,
                                              sizeof *memory->before.hashes, compare_hashes);
}

void ingest_log_outcome(const struct ingest_settings *settings, const struct ingest_result *result)
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
        if (batch_is_unusable(&(struct batch_counts){.rows_total = result->rows_total,
                                                     .rows_quarantined = result->rows_quarantined}))
            log_event(LOG_FEED_UNUSABLE, feed, batch, log_int("batch_id", result->batch_id),
                      log_int("rows", result->rows_total), log_int("quarantined", result->rows_quarantined));
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

enum status ingest_attempt_begin(struct ingest_attempt *attempt, struct pg *pg,
                                 const struct ingest_settings *settings, const struct feed_config *config,
                                 const char *csv_path, struct ingest_result *result, struct error *err)
{
    *attempt = (struct ingest_attempt){.pg = pg, .settings = settings, .config = config, .result = result};
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
    struct ingest_attempt attempt;
    enum status status = ingest_attempt_begin(&attempt, pg, settings, config, csv_path, result, err);
    if (status != STATUS_OK)
        return status;
    status = judge_files(&attempt, err);
    if (status == STATUS_OK && !waits(&attempt))
        status = ingest_take_in(&attempt, err);
    if (status == STATUS_RETRY && attempt.table != NULL && attempt.table->disk_failed)
        status = ingest_wait_for(&attempt, err->text); /* as one that could not be read to begin with */
    if (status == STATUS_REJECT)
        status = record_refusal(&attempt, err);
    table_close(attempt.table);
    if (status != STATUS_OK)
        return error_wrap(err, "feed %s", config->name);
    if (!waits(&attempt))
        move_files(&attempt);
    ingest_log_outcome(settings, result);
    KILL_POINT("ingest.done");
    return STATUS_OK;
}
