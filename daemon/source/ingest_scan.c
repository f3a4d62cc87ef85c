/* SPDX-License-Identifier: PostgreSQL */
/* Which files lie in the drop folders, and each taken in in the order of their sending. */
#include "source/ingest_attempt.h"

#include "base/kill_point.h"
#include "base/log.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDERS_MAX = 1000 };

struct candidate {
    const struct feed_config *config;
    char path[DROP_PATH_MAX]; /* of the CSV, which may be missing */
    char batch[MANIFEST_BATCH_MAX + 1];
    int64_t sent_at_unix_ms; /* INT64_MIN: what cannot be read comes first, to be refused */
    size_t turn;             /* among its feed's */
};

struct scan {
    const struct ingest_settings *settings;
    ingest_done *done;
    void *context;
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

static int compare_turns(const void *a, const void *b)
{
    const struct candidate *one = a, *other = b;
    return one->turn != other->turn ? (one->turn < other->turn ? -1 : 1) : compare_candidates(a, b);
}

/* Each feed's by their sending, and the feeds in turn: they do not depend on each other. */
static void put_in_order(struct scan *scan)
{
    size_t turns[SOURCE_NUMBER_MAX + 1] = {0};
    if (scan->count == 0)
        return;
    qsort(scan->candidates, scan->count, sizeof *scan->candidates, compare_candidates);
    for (size_t i = 0; i < scan->count; i++)
        scan->candidates[i].turn = turns[scan->candidates[i].config->source]++;
    qsort(scan->candidates, scan->count, sizeof *scan->candidates, compare_turns);
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
    ingest_log_outcome(scan->settings, &result);
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
    if (status == STATUS_OK)
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
    put_in_order(scan);
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
    struct scan scan = {.settings = settings, .done = done, .context = context};
    enum status status = find_candidates(&scan, err);
    for (size_t i = 0; status == STATUS_OK && i < scan.count; i++) {
        struct ingest_result result;
        KILL_POINT("ingest.found");
        status = ingest_file(pg, settings, scan.candidates[i].config, scan.candidates[i].path, &result, err);
        if (status == STATUS_OK)
            report(&scan, &result);
    }
    status = tell_passed_over(&scan, status, err);
    if (settings->memory)
        ingest_end_memory(settings->memory, status == STATUS_OK);
    scan_fini(&scan);
    return status;
}
