/* SPDX-License-Identifier: PostgreSQL */
/*
 * The drop directory and the archive: what lies there, whether it still changes, and where it goes.
 *
 *   <drop>/<feed>/X.csv, X.csv.manifest.json
 *   <archive>/<feed>/X.csv, X.csv.manifest.json        accepted
 *   <archive>/<feed>/refused/X.csv, X.csv.manifest.json
 * A name that is taken in the archive becomes X~2.csv, X~3.csv …; nothing there is ever overwritten. The number is one
 * that is free while the one before it is taken, found with some twenty looks however many there are; where old ones were
 * taken away it may be any such gap. The CSV moves before its manifest, so that a manifest alone is the trace of a move
 * that was cut off; and the same looks lead it to its CSV.
 *
 * Threading: none shared.
 */
#ifndef SHOUWANG_SOURCE_DROP_H
#define SHOUWANG_SOURCE_DROP_H

#include "base/status.h"
#include "io/file.h"
#include "source/manifest.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DROP_PATH_MAX = 1024, DROP_NAME_MAX = 255, DROP_SAME_NAME_MAX = 1 << 20 };

/* One file and its manifest; either may be missing. */
struct drop_file {
    char csv[DROP_PATH_MAX];
    char manifest[DROP_PATH_MAX];
    char name[DROP_NAME_MAX + 1]; /* X.csv, as the folder has it */
};
/* STATUS_REJECT when the path is too long or is no CSV file's. */
enum status drop_file_at(struct drop_file *file, const char *csv_path, struct error *err) WARN_UNUSED;

/* "X.csv" → true; "X.csv.manifest.json" → true and *is_manifest, *csv_length = the length of "X.csv". */
bool drop_name_is_ours(const char *name, bool *is_manifest, size_t *csv_length);

/* What can be seen of both at one moment. */
struct drop_state {
    bool csv_there, manifest_there;
    bool csv_is_file, manifest_is_file;
    uint64_t csv_bytes, manifest_bytes;
    int64_t csv_modified_ms, manifest_modified_ms; /* Unix */
    struct file_mark csv_mark, manifest_mark;
};
enum status drop_look(const struct drop_file *file, struct drop_state *state, struct error *err) WARN_UNUSED;

/*
 * Watches until nothing has changed for settle_ms since the last modification, at most settle_ms from now: *changed
 * tells whether it did change after `before`. STATUS_RETRY when cancelled.
 */
enum status drop_settle(const struct drop_file *file, const struct drop_state *before, int settle_ms,
                        const atomic_bool *cancel, bool *changed, struct error *err) WARN_UNUSED;

/* Makes the feed's archive folders; STATUS_CONFIG when files cannot be moved there from the drop folder. */
enum status drop_prepare(const char *drop_directory, const char *archive_directory, const char *feed,
                         struct error *err) WARN_UNUSED;

/* Whether the archive (refused: its folder of the refused) holds this batch under the file's name: its name and hash stand
 * in a manifest there. manifest NULL: it cannot be read, and any manifest under that name will do. */
enum status drop_is_archived(const struct drop_file *file, const char *archive_directory, const char *feed,
                             bool refused, const struct manifest *manifest, bool *archived,
                             struct error *err) WARN_UNUSED;

/* Whether the manifest, which stands alone, belongs to a CSV that was refused and moved before a crash. */
enum status drop_is_half_refused(const struct drop_file *file, const char *archive_directory,
                                 const char *feed, bool *half, struct error *err) WARN_UNUSED;

/*
 * Moves what was judged of the two, which `judged` tells by its marks: csv_mark that of the file that was read. refused:
 * into the folder of the refused. What has come under the same name meanwhile stays for the next scan:
 *   another CSV        the manifest that was judged moves alone, so that it is not taken for the new one's
 *   another manifest   both stay: the new one may be meant for the CSV
 *   chmod or the like  both stay, and are recognised
 * A CSV that is gone was moved by whoever led before: its manifest follows it.
 */
enum status drop_move(const struct drop_file *file, const struct drop_state *judged,
                      const char *archive_directory, const char *feed, bool refused,
                      struct error *err) WARN_UNUSED;

/* Bytes that are no UTF-8 text, and control characters, become '?'; cut at a whole character. */
void drop_clean_text(const char *text, char *out, size_t size);

#endif
