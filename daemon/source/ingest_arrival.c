/* SPDX-License-Identifier: PostgreSQL */
/* Whether a file is new, by what the database and the archive know. */
#include "source/ingest_attempt.h"

#include "base/kill_point.h"
#include "store/arrival.h"

#include <string.h>

/* The same bytes say something new when they say that nothing changed: see ingest.h. */
static bool says_the_same_again(const struct manifest *manifest, const struct arrival_batch *other)
{
    if (manifest->rows == 0)
        return false;
    return manifest->mode == MANIFEST_DELTA || other->mode == BATCH_DELTA ||
           other->period_to >= manifest->period_to;
}

/* Whether the files of a refusal that was recorded still have to be moved: the CSV, or what follows it. */
static enum status look_in_archive(const struct ingest_attempt *attempt, bool *moved, struct error *err)
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

enum status ingest_find_refusal(struct ingest_attempt *attempt, bool *refused, struct error *err)
{
    struct batch_manifest batch = ingest_describe(attempt);
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
static enum status judge_manifest_alone(struct ingest_attempt *attempt, struct error *err)
{
    enum status status = drop_is_half_refused(&attempt->file, attempt->settings->archive_directory,
                                              attempt->config->name, &attempt->half_refused, err);
    if (status == STATUS_OK && attempt->half_refused)
        attempt->result->outcome = INGEST_ARCHIVED;
    else if (status == STATUS_OK)
        status = ingest_wait_for(attempt, "a manifest without its file");
    return status;
}

/* A file that comes after one that was sent later: what that one says stands. */
static enum status check_order(struct ingest_attempt *attempt, const struct arrival *arrival,
                               struct error *err)
{
    const struct manifest *manifest = &attempt->manifest;
    struct arrival_batch later;
    attempt->late = arrival->last_sent.exists && arrival->last_sent.sent_at_ms > manifest->sent_at_unix_ms;
    if (!attempt->late)
        return STATUS_OK;
    enum status status = arrival_outdated(attempt->pg, attempt->config->source, manifest->period_to,
                                          manifest->sent_at_unix_ms, &later, err);
    if (status != STATUS_OK || !later.exists)
        return status;
    if (manifest->mode == MANIFEST_FULL)
        return error_set(
            err, STATUS_REJECT,
            "a full batch that was sent before the full batch %s (number %lld) would end what is newer, expected "
            "a later sent_at, or mode delta",
            later.name, (long long)later.batch_id);
    return error_set(
        err, STATUS_REJECT,
        "manifest: sent_at: found a time before that of the full batch %s (number %lld), which says all "
        "of its period, expected a later one",
        later.name, (long long)later.batch_id);
}

enum status ingest_check_arrival(struct ingest_attempt *attempt, struct error *err)
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
    return check_order(attempt, &arrival, err);
}
