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
                           int64_t *modified_ms, struct error *err)
{
    struct stat info;
    *there = lstat(path, &info) == 0;
    if (!*there && errno != ENOENT && errno != ENOTDIR)
        return error_set(err, STATUS_RETRY, "%s: cannot be looked at: %s", path, strerror(errno));
    if (!*there)
        return STATUS_OK;
    *is_file = S_ISREG(info.st_mode);
    *bytes = (uint64_t)info.st_size;
    *modified_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    return STATUS_OK;
}

enum status drop_look(const struct drop_file *file, struct drop_state *state, struct error *err)
{
    *state = (struct drop_state){0};
    enum status status = look_at(file->csv, &state->csv_there, &state->csv_is_file, &state->csv_bytes,
                                 &state->csv_modified_ms, err);
    if (status == STATUS_OK)
        status = look_at(file->manifest, &state->manifest_there, &state->manifest_is_file,
                         &state->manifest_bytes, &state->manifest_modified_ms, err);
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

enum status drop_is_archived(const struct drop_file *file, const char *archive_directory, const char *feed,
                             bool refused, const struct manifest *manifest, bool *archived, struct error *err)
{
    char folder[DROP_PATH_MAX], csv[DROP_PATH_MAX], path[DROP_PATH_MAX];
    *archived = false;
    enum status status = folder_of(folder, archive_directory, feed, refused, err);
    for (int number = 1; status == STATUS_OK && number <= DROP_SAME_NAME_MAX; number++) {
        bool there;
        struct manifest other;
        status = numbered(csv, folder, file->name, number, err);
        if (status == STATUS_OK)
            status = join(path, err, "%s%s", csv, MANIFEST_SUFFIX);
        if (status == STATUS_OK)
            status = exists(path, &there, err);
        if (status != STATUS_OK || !there)
            return status;
        *archived = !manifest || (manifest_read(path, &other, NULL) == STATUS_OK &&
                                  strcmp(other.batch, manifest->batch) == 0 &&
                                  strcmp(other.sha256, manifest->sha256) == 0);
        if (*archived)
            return STATUS_OK;
    }
    return status;
}

/* The first number under which neither of the two is taken, or, for a manifest alone, under which it is missing. */
static enum status free_place(char csv[DROP_PATH_MAX], char manifest[DROP_PATH_MAX], const char *folder,
                              const char *name, bool manifest_alone, struct error *err)
{
    for (int number = 1; number <= DROP_SAME_NAME_MAX; number++) {
        bool csv_there, manifest_there;
        enum status status = numbered(csv, folder, name, number, err);
        if (status == STATUS_OK)
            status = join(manifest, err, "%s%s", csv, MANIFEST_SUFFIX);
        if (status == STATUS_OK)
            status = exists(csv, &csv_there, err);
        if (status == STATUS_OK)
            status = exists(manifest, &manifest_there, err);
        if (status != STATUS_OK)
            return status;
        if (!manifest_there && (manifest_alone || !csv_there))
            return STATUS_OK;
    }
    return error_set(err, STATUS_CONFIG, "%s: holds %d files of one name, expected old ones to be removed",
                     folder, DROP_SAME_NAME_MAX);
}

enum status drop_is_half_refused(const struct drop_file *file, const char *archive_directory,
                                 const char *feed, bool *half, struct error *err)
{
    char folder[DROP_PATH_MAX], csv[DROP_PATH_MAX], manifest[DROP_PATH_MAX];
    bool there = false;
    *half = false;
    enum status status = folder_of(folder, archive_directory, feed, true, err);
    /* Where drop_move would put a manifest that stands alone. */
    if (status == STATUS_OK)
        status = free_place(csv, manifest, folder, file->name, true, err);
    if (status == STATUS_OK)
        status = exists(csv, &there, err);
    *half = there;
    return status;
}

enum status drop_move(const struct drop_file *file, const char *archive_directory, const char *feed,
                      bool refused, struct error *err)
{
    char folder[DROP_PATH_MAX], csv[DROP_PATH_MAX], manifest[DROP_PATH_MAX];
    struct drop_state state;
    enum status status = drop_look(file, &state, err);
    if (status == STATUS_OK)
        status = folder_of(folder, archive_directory, feed, refused, err);
    if (status == STATUS_OK)
        status = free_place(csv, manifest, folder, file->name, !state.csv_there, err);
    KILL_POINT("archive.before_file");
    if (status == STATUS_OK && state.csv_there)
        status = file_rename(file->csv, csv, false, err);
    KILL_POINT("archive.between");
    if (status == STATUS_OK && state.manifest_there)
        status = file_rename(file->manifest, manifest, false, err);
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
