/* SPDX-License-Identifier: PostgreSQL */
/*
 * A CSV file on disk as rows of UTF-8 fields, in bounded memory.
 *
 * Two passes. table_open reads the file once for its SHA-256 and its encoding; table_next reads it again, decoded and
 * split. The file lies in a folder in which others write, so it is read, not mapped (whoever truncated it would kill the
 * reader), and table_check at the end of the second pass refuses one that changed meanwhile.
 *
 * Errors: STATUS_REJECT: the file is bad (damaged CSV, encoding, too large, changed); STATUS_CONFIG: it cannot be
 * opened; STATUS_RETRY: the disk failed, or it was cancelled. Texts name the file without folders, and the line.
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_TABLE_H
#define SHOUWANG_SOURCE_TABLE_H

#include "io/crypto.h"
#include "io/file.h"
#include "source/csv.h"
#include "source/encoding.h"

#include <stdatomic.h>

enum { TABLE_NAME_MAX = 255 };
/* 8 GiB: a million people with a hundred facts each; more is a mistake. */
#define TABLE_BYTES_MAX (INT64_C(8) << 30)

struct table {
    char name[TABLE_NAME_MAX + 1]; /* without folders */
    char sha256[CRYPTO_SHA256_HEX_SIZE];
    uint64_t bytes;
    struct file_mark mark;  /* of the file that is read, as it was opened */
    enum encoding encoding; /* after table_header: as found, never ENCODING_AUTO */
    struct csv csv;         /* the current row */
    bool disk_failed;       /* that is why the last call came to STATUS_RETRY */
    /* private */
    int fd;
    const atomic_bool *cancel;
    struct encoding_scan scan;
    bool bom; /* of UTF-8 */
    struct encoding_gb18030 *decoder;
    char *window, *raw;
    size_t raw_length, raw_at;
    uint64_t offset; /* of the next byte to read */
};

/* The first pass. `cancel` (NULL allowed) ends either pass early with STATUS_RETRY. */
enum status table_open(struct table **table, const char *path, enum encoding encoding,
                       const atomic_bool *cancel, struct error *err) WARN_UNUSED;
void table_close(struct table *table); /* NULL is allowed */

/* Settles the encoding and reads the header. STATUS_REJECT when either is damaged. Call once, before the first table_next. */
enum status table_header(struct table *table, struct error *err) WARN_UNUSED;
/*
 * CSV_ROW, CSV_BAD_ROW (it can be read on) or CSV_END; CSV_BROKEN when the file is bad or cannot be read: then err says
 * why and with what status.
 */
enum csv_step table_next(struct table *table, struct error *err) WARN_UNUSED;
/* Back behind the header, after table_header: the next table_next gives the first row again. Columns stay bound. */
enum status table_rewind(struct table *table, struct error *err) WARN_UNUSED;
/* STATUS_REJECT when the file is not the one any more that table_open read. */
enum status table_check(struct table *table, struct error *err) WARN_UNUSED;

#endif
