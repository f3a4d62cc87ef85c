/* SPDX-License-Identifier: PostgreSQL */
/*
 * Files, as the daemon needs them: bounded reads, writes that are whole or not there, sorted listings.
 *
 * Every error names the path and the reason. A full disk, too many open files and input/output errors are
 * STATUS_RETRY; memory is STATUS_FATAL; a file that is larger than its bound, or changes while it is read, is
 * STATUS_REJECT; all else (missing, no permission, a folder where a file should be) is STATUS_CONFIG.
 *
 * These block on the disk: on the loop's thread use them for small files only. Threading: none shared.
 */
#ifndef SHOUWANG_IO_FILE_H
#define SHOUWANG_IO_FILE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is there. exists = false is not an error. */
struct file_info {
    bool exists;
    bool is_file; /* regular; symbolic links are followed */
    bool is_directory;
    uint64_t size_bytes;
    int64_t modified_unix_ms;
};
enum status file_stat(const char *path, struct file_info *info, struct error *err) WARN_UNUSED;

/* Which file it is, and in what state: another file under the same name, and the same one written to, differ. */
struct file_mark {
    uint64_t device, inode, size_bytes;
    int64_t modified_ns, changed_ns; /* Unix; changed: also by chmod, chown and rename */
};
struct stat;
struct file_mark file_mark_of(const struct stat *info);
/* The same bytes, as far as can be seen without reading them: everything but changed_ns. */
bool file_mark_same_content(const struct file_mark *a, const struct file_mark *b);

/* Appends the whole regular file to out. */
enum status file_read(const char *path, size_t max_bytes, struct text *out, struct error *err) WARN_UNUSED;
/*
 * The same for a key or a password. *exposed tells whether other users than owner and group may read it: the
 * caller warns. The caller wipes out (crypto_wipe) when done.
 */
enum status file_read_secret(const char *path, size_t max_bytes, struct text *out, bool *exposed,
                             struct error *err) WARN_UNUSED;

/* Writes the new content beside the file, fsyncs, renames it over it and fsyncs the folder: after a crash either the old or
 * the new is there. The file, which must exist, keeps its owner, group and mode; symbolic links to it stay. Refused where its
 * owner and group cannot be kept: the next reader might be one who no longer may. */
enum status file_replace(const char *path, const void *bytes, size_t length, struct error *err) WARN_UNUSED;
/* Moves within one file system and fsyncs both folders. With replace = false an existing target is
 * STATUS_REJECT. */
enum status file_rename(const char *from, const char *to, bool replace, struct error *err) WARN_UNUSED;

/*
 * First in main: of the descriptors 0, 1 and 2 those that the starter closed are opened on /dev/null. Otherwise the next connection or
 * file takes such a number, and what is printed goes into it. Printing to a standard output that was closed still fails.
 */
void file_fill_standard(void);

/* The names in a folder in order of their bytes, without those that begin with a dot. STATUS_REJECT beyond
 * max_names. */
struct file_list {
    char **names;
    size_t count;
};
enum status file_list_open(struct file_list *list, const char *directory, size_t max_names,
                           struct error *err) WARN_UNUSED;
void file_list_close(struct file_list *list);

/* The folder and its missing parents. One that exists is left as it is. */
enum status file_make_directory(const char *path, mode_t mode, struct error *err) WARN_UNUSED;

#endif
