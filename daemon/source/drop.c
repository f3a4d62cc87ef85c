/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/drop.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "io/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 20, ARCHIVE_MODE = 0750 };

static const char suffix[] = ".csv";
enum { SUFFIX_LENGTH = sizeof suffix - 1 };

static enum status join(char out[DROP_PATH_MAX], struct error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum status join(char out[DROP_PATH_MAX], struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out, DROP_PATH_MAX, format, args);
    va_end(args);
    if (length >= 0 && length < DROP_PATH_MAX)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT, "found a path of %d bytes, expected less than %d", length,
                     DROP_PATH_MAX);
}

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t end_length = strlen(end);
    return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

bool drop_name_is_ours(const char *name, bool *is_manifest, size_t *csv_length)
{
    size_t length = strlen(name);
    *is_manifest = ends_with(name, length, MANIFEST_SUFFIX);
    *csv_length = *is_manifest ? length - strlen(MANIFEST_SUFFIX) : length;
    return *csv_length <= DROP_NAME_MAX && ends_with(name, *csv_length, suffix);
}

enum status drop_file_at(struct drop_file *file, const char *csv_path, struct error *err)
{
    const char *slash = strrchr(csv_path, '/');
    const char *name = slash ? slash + 1 : csv_path;
    bool is_manifest;
    size_t length;
    if (!drop_name_is_ours(name, &is_manifest, &length) || is_manifest)
        return error_set(err, STATUS_REJECT, "found a file that is not called *.csv, expected one that is");
    snprintf(file->name, sizeof file->name, "%s", name);
    enum status status = join(file->csv, err, "%s", csv_path);
    return status == STATUS_OK ? join(file->manifest, err, "%s%s", csv_path, MANIFEST_SUFFIX) : status;
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

/* A symbolic link is no file of the sender's: it would have us read what only we may read. */
static enum status look_at(const char *path, bool *there, bool *is_file, uint64_t *bytes,
                           int64_t *modified_ms, struct file_mark *mark, struct error *err)
{
    struct stat info;
    *there = lstat(path, &info) == 0;
    if (!*there && errno != ENOENT && errno != ENOTDIR)
        return error_set(err, STATUS_RETRY, "%s: cannot be looked at: %s", path, strerror(errno));
    if (!*there)
        return STATUS_OK;
    *is_file = S_ISREG(info.st_mode);
    *bytes = (uint64_t)info.st_size;
    *mark = file_mark_of(&info);
    *modified_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    return STATUS_OK;
}

enum status drop_look(const struct drop_file *file, struct drop_state *state, struct error *err)
{
    *state = (struct drop_state){0};
    enum status status = look_at(file->csv, &state->csv_there, &state->csv_is_file, &state->csv_bytes,
                                 &state->csv_modified_ms, &state->csv_mark, err);
    if (status == STATUS_OK)
        status = look_at(file->manifest, &state->manifest_there, &state->manifest_is_file,
                         &state->manifest_bytes, &state->manifest_modified_ms, &state->manifest_mark, err);
    return status;
}

static bool same_state(const struct drop_state *a, const struct drop_state *b)
{
    return a->csv_there == b->csv_there && a->manifest_there == b->manifest_there &&
           a->csv_bytes == b->csv_bytes && a->manifest_bytes == b->manifest_bytes &&
           a->csv_modified_ms == b->csv_modified_ms && a->manifest_modified_ms == b->manifest_modified_ms;
}

enum status drop_settle(const struct drop_file *file, const struct drop_state *before, int settle_ms,
                        const atomic_bool *cancel, bool *changed, struct error *err)
{
    int64_t until_ms = clock_monotonic_ms() + settle_ms;
    int64_t modified_ms = before->csv_modified_ms > before->manifest_modified_ms
                              ? before->csv_modified_ms
                              : before->manifest_modified_ms;
    for (;;) {
        struct drop_state now;
        enum status status = drop_look(file, &now, err);
        if (status != STATUS_OK)
            return status;
        *changed = !same_state(before, &now);
        /* A modification in the future (a clock that is wrong) is watched for the whole time. */
        int64_t age_ms = clock_unix_ms() - modified_ms;
        if (*changed || age_ms >= settle_ms || clock_monotonic_ms() >= until_ms)
            return STATUS_OK;
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
            return error_set(err, STATUS_RETRY, "stopped");
        nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
    }
}

/* --- the archive ------------------------------------------------------------------------------------------------------ */

static enum status folder_of(char out[DROP_PATH_MAX], const char *archive_directory, const char *feed,
                             bool refused, struct error *err)
{
    return join(out, err, "%s/%s%s", archive_directory, feed, refused ? "/refused" : "");
}

/* A disk that fails is not the operator's mistake. */
static enum status folder_failed(const char *folder, const char *what, struct error *err)
{
    const int number = errno;
    return error_set(err, number == EIO || number == ESTALE ? STATUS_RETRY : STATUS_CONFIG, "%s: %s: %s",
                     folder, what, strerror(number));
}

static enum status check_folder(const char *folder, dev_t device, struct error *err)
{
    struct stat info;
    if (stat(folder, &info) != 0 || access(folder, W_OK | X_OK) != 0)
        return folder_failed(folder, "files cannot be moved there, expected a folder of ours", err);
    if (info.st_dev != device)
        return error_set(err, STATUS_CONFIG,
                         "%s: lies on another file system than the drop directory, expected the same",
                         folder);
    return STATUS_OK;
}

enum status drop_prepare(const char *drop_directory, const char *archive_directory, const char *feed,
                         struct error *err)
{
    char from[DROP_PATH_MAX], refused[DROP_PATH_MAX];
    struct stat info;
    enum status status = join(from, err, "%s/%s", drop_directory, feed);
    if (status == STATUS_OK)
        status = folder_of(refused, archive_directory, feed, true, err);
    if (status == STATUS_OK)
        status = file_make_directory(refused, ARCHIVE_MODE, err);
    if (status != STATUS_OK)
        return status;
    if (stat(from, &info) != 0 || access(from, W_OK | X_OK) != 0)
        return folder_failed(from, "files cannot be moved from there, expected a folder we may write to",
                             err);
    return check_folder(refused, info.st_dev, err);
}

/* X.csv, X~2.csv, X~3.csv … */
static enum status numbered(char out[DROP_PATH_MAX], const char *folder, const char *name, int number,
                            struct error *err)
{
    int stem = (int)(strlen(name) - SUFFIX_LENGTH);
    if (number == 1)
        return join(out, err, "%s/%s", folder, name);
    return join(out, err, "%s/%.*s~%d%s", folder, stem, name, number, suffix);
}

static enum status exists(const char *path, bool *there, struct error *err)
{
    struct file_info info;
    enum status status = file_stat(path, &info, err);
    *there = status == STATUS_OK && info.exists;
    return status;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

/* What takes a number. */
enum taken_by { TAKEN_BY_EITHER, TAKEN_BY_MANIFEST };

struct place {
    char csv[DROP_PATH_MAX], manifest[DROP_PATH_MAX];
};

static enum status place_at(struct place *place, const char *folder, const char *name, int number,
                            struct error *err)
{
    enum status status = numbered(place->csv, folder, name, number, err);
    return status == STATUS_OK ? join(place->manifest, err, "%s%s", place->csv, MANIFEST_SUFFIX) : status;
}

static enum status is_taken(const char *folder, const char *name, int number, enum taken_by by, bool *taken,
                            struct error *err)
{
    struct place place;
    enum status status = place_at(&place, folder, name, number, err);
    if (status == STATUS_OK)
        status = exists(place.manifest, taken, err);
    if (status == STATUS_OK && !*taken && by == TAKEN_BY_EITHER)
        status = exists(place.csv, taken, err);
    return status;
}

/*
 * A free number whose predecessor is taken, or 1: doubled until one is free, then halved between. With a CSV whose
 * manifest has not followed, a search by manifests takes the same turns as the one that found the CSV's place, so it ends
 * there.
 */
static enum status find_free(const char *folder, const char *name, enum taken_by by, int *number,
                             struct error *err)
{
    int taken = 0, free = 1;
    bool there;
    enum status status;
    while ((status = is_taken(folder, name, free, by, &there, err)) == STATUS_OK && there) {
        taken = free;
        free *= 2;
        if (free > DROP_SAME_NAME_MAX)
            return error_set(err, STATUS_CONFIG,
                             "%s: holds %d files of one name, expected old ones to be removed", folder,
                             DROP_SAME_NAME_MAX);
    }
    while (status == STATUS_OK && free - taken > 1) {
        int middle = taken + (free - taken) / 2;
        status = is_taken(folder, name, middle, by, &there, err);
        *(there ? &taken : &free) = middle;
    }
    *number = free;
    return status;
}

static bool is_of(const char *path, const struct manifest *manifest)
{
    struct manifest other;
    return !manifest ||
           (manifest_read(path, &other, NULL) == STATUS_OK && strcmp(other.batch, manifest->batch) == 0 &&
            strcmp(other.sha256, manifest->sha256) == 0);
}

/* The newest first: what is sent again and again was sent lately. */
enum status drop_is_archived(const struct drop_file *file, const char *archive_directory, const char *feed,
                             bool refused, const struct manifest *manifest, bool *archived, struct error *err)
{
    char folder[DROP_PATH_MAX];
    int number;
    *archived = false;
    enum status status = folder_of(folder, archive_directory, feed, refused, err);
    if (status == STATUS_OK)
        status = find_free(folder, file->name, TAKEN_BY_MANIFEST, &number, err);
    while (status == STATUS_OK && !*archived && --number >= 1) {
        struct place place;
        bool there;
        status = place_at(&place, folder, file->name, number, err);
        if (status == STATUS_OK)
            status = exists(place.manifest, &there, err);
        *archived = status == STATUS_OK && there && is_of(place.manifest, manifest);
    }
    return status;
}

/* The place where a manifest that stands alone would go, and whether its CSV is there. */
static enum status find_half(struct place *place, const char *folder, const char *name, bool *half,
                             struct error *err)
{
    int number;
    *half = false;
    enum status status = find_free(folder, name, TAKEN_BY_MANIFEST, &number, err);
    if (status == STATUS_OK)
        status = place_at(place, folder, name, number, err);
    return status == STATUS_OK ? exists(place->csv, half, err) : status;
}

enum status drop_is_half_refused(const struct drop_file *file, const char *archive_directory,
                                 const char *feed, bool *half, struct error *err)
{
    char folder[DROP_PATH_MAX];
    struct place place;
    *half = false;
    enum status status = folder_of(folder, archive_directory, feed, true, err);
    return status == STATUS_OK ? find_half(&place, folder, file->name, half, err) : status;
}

/* --- moving ----------------------------------------------------------------------------------------------------------- */

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return file_mark_same_content(a, b) && a->changed_ns == b->changed_ns;
}

/* Which of the two move: the rule stands in drop.h. */
static void choose(const struct drop_state *judged, const struct drop_state *now, bool *csv, bool *manifest)
{
    bool csv_same = now->csv_there && judged->csv_there && same_mark(&now->csv_mark, &judged->csv_mark);
    bool csv_touched = now->csv_there && judged->csv_there && !csv_same &&
                       file_mark_same_content(&now->csv_mark, &judged->csv_mark);
    bool manifest_same = now->manifest_there && judged->manifest_there &&
                         same_mark(&now->manifest_mark, &judged->manifest_mark);
    *csv = csv_same && (manifest_same || !now->manifest_there);
    *manifest = manifest_same && !csv_touched;
}

enum status drop_move(const struct drop_file *file, const struct drop_state *judged,
                      const char *archive_directory, const char *feed, bool refused, struct error *err)
{
    char folder[DROP_PATH_MAX];
    struct place place;
    struct drop_state now;
    bool csv = false, manifest = false, half = false;
    int number;
    enum status status = drop_look(file, &now, err);
    if (status == STATUS_OK)
        status = folder_of(folder, archive_directory, feed, refused, err);
    if (status == STATUS_OK)
        choose(judged, &now, &csv, &manifest);
    if (status == STATUS_OK && manifest && !now.csv_there)
        status = find_half(&place, folder, file->name, &half, err);
    if (status == STATUS_OK && !half)
        status = find_free(folder, file->name, TAKEN_BY_EITHER, &number, err);
    if (status == STATUS_OK && !half)
        status = place_at(&place, folder, file->name, number, err);
    KILL_POINT("archive.before_file");
    if (status == STATUS_OK && csv)
        status = file_rename(file->csv, place.csv, false, err);
    KILL_POINT("archive.between");
    if (status == STATUS_OK && manifest)
        status = file_rename(file->manifest, place.manifest, false, err);
    KILL_POINT("archive.moved");
    return status;
}

void drop_clean_text(const char *text, char *out, size_t size)
{
    size_t length = strlen(text), made = 0;
    for (size_t at = 0; at < length;) {
        size_t step = utf8_char_length(text + at, length - at);
        bool plain = step > 1 || (step == 1 && text[at] >= ' ' && text[at] != 0x7F);
        if (made + (plain ? step : 1) >= size)
            break;
        if (plain)
            memcpy(out + made, text + at, step);
        else
            out[made] = '?';
        made += plain ? step : 1;
        at += step ? step : 1;
    }
    out[made] = '\0';
}
