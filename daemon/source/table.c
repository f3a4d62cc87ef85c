/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A window and what is decoded into it stay in the second-level cache. */
enum { WINDOW_BYTES = 512 * 1024, RAW_BYTES = 128 * 1024, CHUNK_BYTES = 256 * 1024 };

static enum status disk_error(struct table *table, struct error *err)
{
    table->disk_failed = true;
    return error_set(err, STATUS_RETRY, "%s: cannot be read: %s", table->name, strerror(errno));
}

static bool cancelled(const struct table *table)
{
    return table->cancel && atomic_load_explicit(table->cancel, memory_order_relaxed);
}

/* Reads at most size bytes at the offset; fewer only at the file's end. */
static enum status read_at(struct table *table, uint64_t offset, char *out, size_t size, size_t *got,
                           struct error *err)
{
    *got = 0;
    if (cancelled(table))
        return error_set(err, STATUS_RETRY, "%s: stopped", table->name);
    while (*got < size) {
        ssize_t n = pread(table->fd, out + *got, size - *got, (off_t)(offset + *got));
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return disk_error(table, err);
        *got += n > 0 ? (size_t)n : 0;
    }
    return STATUS_OK;
}

/* A byte that belongs to no character, with its line: line ends are the same byte in both encodings. */
static enum status refuse_byte(struct table *table, uint64_t offset, enum encoding encoding,
                               struct error *err)
{
    uint64_t line = 1;
    char chunk[16384];
    for (uint64_t at = 0; at < offset;) {
        size_t got, want = offset - at < sizeof chunk ? (size_t)(offset - at) : sizeof chunk;
        enum status status = read_at(table, at, chunk, want, &got, err);
        if (status != STATUS_OK)
            return status;
        if (got == 0)
            break;
        for (size_t i = 0; i < got; i++)
            line += chunk[i] == '\n';
        at += got;
    }
    return error_set(err, STATUS_REJECT,
                     "%s:%llu: found a byte that belongs to no character (offset %llu), expected %s",
                     table->name, (unsigned long long)line, (unsigned long long)offset,
                     encoding == ENCODING_UTF8 ? "UTF-8" : "UTF-8 or GB18030");
}

/* --- the first pass ----------------------------------------------------------------------------------------------- */

static enum status scan_file(struct table *table, struct crypto_sha256 *hash, struct error *err)
{
    char *chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = STATUS_OK;
    uint64_t offset = 0;
    while (status == STATUS_OK && offset < table->bytes) {
        size_t got;
        status = read_at(table, offset, chunk, CHUNK_BYTES, &got, err);
        if (status == STATUS_OK && got == 0)
            break;
        if (offset == 0)
            table->bom = got >= sizeof encoding_utf8_bom &&
                         memcmp(chunk, encoding_utf8_bom, sizeof encoding_utf8_bom) == 0;
        crypto_sha256_add(hash, chunk, got);
        encoding_scan_add(&table->scan, chunk, got);
        offset += got;
    }
    free(chunk);
    encoding_scan_end(&table->scan);
    if (status == STATUS_OK && offset != table->bytes)
        return error_set(err, STATUS_REJECT, "%s: changed while it was read", table->name);
    return status;
}

static enum status first_pass(struct table *table, struct error *err)
{
    struct crypto_sha256 *hash;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    encoding_scan_init(&table->scan);
    enum status status = crypto_sha256_new(&hash, err);
    if (status != STATUS_OK)
        return status;
    status = scan_file(table, hash, err);
    enum status ended = crypto_sha256_end(hash, digest, status == STATUS_OK ? err : NULL);
    if (status == STATUS_OK)
        status = ended;
    crypto_sha256_free(hash);
    if (status != STATUS_OK)
        return status;
    crypto_hex(digest, sizeof digest, table->sha256);
    return STATUS_OK;
}

static enum status open_file(struct table *table, const char *path, struct error *err)
{
    struct stat info;
    /* Neither a pipe that nobody writes to nor a terminal may hold us up. */
    table->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (table->fd < 0)
        return error_set(err,
                         errno == EMFILE || errno == ENFILE || errno == EIO ? STATUS_RETRY : STATUS_CONFIG,
                         "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(table->fd, &info) != 0)
        return disk_error(table, err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_CONFIG, "%s: found something else, expected a file", path);
    if (info.st_size > TABLE_BYTES_MAX)
        return error_set(err, STATUS_REJECT, "%s: found %lld bytes, expected at most %lld", table->name,
                         (long long)info.st_size, (long long)TABLE_BYTES_MAX);
    table->bytes = (uint64_t)info.st_size;
    table->mark = file_mark_of(&info);
    return STATUS_OK;
}

enum status table_open(struct table **table, const char *path, enum encoding encoding,
                       const atomic_bool *cancel, struct error *err)
{
    struct table *made = calloc(1, sizeof *made);
    *table = NULL;
    if (!made || !(made->window = malloc(WINDOW_BYTES))) {
        free(made);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    const char *slash = strrchr(path, '/');
    snprintf(made->name, sizeof made->name, "%s", slash ? slash + 1 : path);
    made->fd = -1;
    made->cancel = cancel;
    made->encoding = encoding;
    csv_init(&made->csv);
    csv_window(&made->csv, made->window, 0, false);
    enum status status = open_file(made, path, err);
    if (status == STATUS_OK)
        status = first_pass(made, err);
    if (status != STATUS_OK) {
        table_close(made);
        return status;
    }
    *table = made;
    return STATUS_OK;
}

void table_close(struct table *table)
{
    if (!table)
        return;
    if (table->fd >= 0)
        close(table->fd);
    encoding_gb18030_free(table->decoder);
    free(table->window);
    free(table->raw);
    free(table);
}

/* --- the second pass ---------------------------------------------------------------------------------------------- */

static enum status shrank(const struct table *table, struct error *err)
{
    return error_set(err, STATUS_REJECT, "%s: changed while it was read", table->name);
}

/* Adds to the window, which holds `length` bytes; at least one byte if there is one. */
static enum status add_utf8(struct table *table, size_t *length, struct error *err)
{
    size_t got, want = WINDOW_BYTES - *length;
    if (want > table->bytes - table->offset)
        want = (size_t)(table->bytes - table->offset);
    enum status status = read_at(table, table->offset, table->window + *length, want, &got, err);
    if (status != STATUS_OK)
        return status;
    if (got != want)
        return shrank(table, err);
    bool bom = table->offset == 0 && got >= sizeof encoding_utf8_bom &&
               memcmp(table->window, encoding_utf8_bom, sizeof encoding_utf8_bom) == 0;
    table->offset += got;
    *length += got;
    if (bom) {
        *length -= sizeof encoding_utf8_bom;
        memmove(table->window, table->window + sizeof encoding_utf8_bom, *length);
    }
    return STATUS_OK;
}

static enum status refill_raw(struct table *table, struct error *err)
{
    size_t left = table->raw_length - table->raw_at, got;
    memmove(table->raw, table->raw + table->raw_at, left);
    table->raw_at = 0;
    enum status status = read_at(table, table->offset, table->raw + left, RAW_BYTES - left, &got, err);
    table->raw_length = left + got;
    table->offset += got;
    if (status == STATUS_OK && got == 0 && table->offset < table->bytes)
        return shrank(table, err);
    return status;
}

static enum status add_gb18030(struct table *table, size_t *length, struct error *err)
{
    size_t made_in_all = 0;
    while (made_in_all == 0) {
        if (table->offset < table->bytes && table->raw_length - table->raw_at < RAW_BYTES / 2) {
            enum status status = refill_raw(table, err);
            if (status != STATUS_OK)
                return status;
        }
        size_t used, made, left = table->raw_length - table->raw_at;
        if (left == 0)
            return STATUS_OK;
        bool valid = encoding_gb18030_decode(table->decoder, table->raw + table->raw_at, left, &used,
                                             table->window + *length, WINDOW_BYTES - *length, &made);
        table->raw_at += used;
        *length += made;
        made_in_all += made;
        bool stuck = used == 0 &&
                     made == 0; /* half a character; with more to come it is completed by the next refill */
        if (!valid || (stuck && table->offset == table->bytes))
            return refuse_byte(table, table->offset - (table->raw_length - table->raw_at), ENCODING_GB18030,
                               err);
    }
    return STATUS_OK;
}

static enum status refill(struct table *table, struct error *err)
{
    size_t length = csv_rest(&table->csv);
    if (length > 0)
        memmove(table->window, table->csv.end - length, length);
    enum status status =
        table->encoding == ENCODING_UTF8 ? add_utf8(table, &length, err) : add_gb18030(table, &length, err);
    if (status != STATUS_OK)
        return status;
    bool last = table->offset == table->bytes && table->raw_at == table->raw_length;
    csv_window(&table->csv, table->window, length, last);
    return STATUS_OK;
}

/* Goes on from a step: with more of the file when the window is used up. */
static enum csv_step go_on(struct table *table, enum csv_step step, struct error *err)
{
    for (; step == CSV_MORE; step = csv_next(&table->csv)) {
        if (refill(table, err) == STATUS_OK)
            continue;
        table->csv.broken = true;
        table->csv.fault = CSV_FAULT_NONE;
        return CSV_BROKEN;
    }
    return step;
}

/* Puts the reader's own words where refill did not put any. */
static __attribute__((noinline)) enum csv_step explained(struct table *table, enum csv_step step,
                                                         struct error *err)
{
    char found[96], expected[96];
    if (step != CSV_BROKEN || table->csv.fault == CSV_FAULT_NONE)
        return step;
    csv_fault_describe(&table->csv, found, expected, sizeof found);
    error_set(err, STATUS_REJECT, "%s:%llu: found %s, expected %s", table->name,
              (unsigned long long)table->csv.fault_line, found, expected);
    return step;
}

/* Only now: the hash must be known of a file, too, that cannot be decoded. */
static enum status settle_encoding(struct table *table, struct error *err)
{
    const struct encoding_scan *scan = &table->scan;
    /* Whose BOM says UTF-8 is not read as something else because of a character that was cut in two. */
    if (table->encoding == ENCODING_AUTO && table->bom)
        table->encoding = ENCODING_UTF8;
    if (table->encoding == ENCODING_UTF8 && scan->invalid)
        return refuse_byte(table, scan->invalid_offset, ENCODING_UTF8, err);
    if (table->encoding == ENCODING_AUTO)
        table->encoding = scan->invalid ? ENCODING_GB18030 : ENCODING_UTF8;
    if (table->encoding == ENCODING_UTF8)
        return STATUS_OK;
    table->raw = malloc(RAW_BYTES);
    if (!table->raw)
        return error_set(err, STATUS_FATAL, "out of memory");
    return encoding_gb18030_new(&table->decoder, err);
}

static enum status read_header(struct table *table, struct error *why)
{
    return explained(table, go_on(table, csv_next(&table->csv), why), why) == CSV_HEADER ? STATUS_OK
                                                                                         : why->status;
}

enum status table_header(struct table *table, struct error *err)
{
    struct error local;
    struct error *why = err ? err : &local;
    enum status status = settle_encoding(table, why);
    return status == STATUS_OK ? read_header(table, why) : status;
}

enum status table_rewind(struct table *table, struct error *err)
{
    struct error local;
    struct error *why = err ? err : &local;
    table->offset = 0;
    table->raw_length = table->raw_at = 0;
    csv_init(&table->csv);
    csv_window(&table->csv, table->window, 0, false);
    if (table->decoder) {
        encoding_gb18030_free(table->decoder);
        table->decoder = NULL;
        enum status status = encoding_gb18030_new(&table->decoder, why);
        if (status != STATUS_OK)
            return status;
    }
    return read_header(table, why);
}

enum csv_step table_next(struct table *table, struct error *err)
{
    enum csv_step step = csv_next(&table->csv);
    if (step == CSV_ROW)
        return step;
    return explained(table, go_on(table, step, err), err);
}

enum status table_check(struct table *table, struct error *err)
{
    struct stat info;
    if (fstat(table->fd, &info) != 0)
        return disk_error(table, err);
    const struct file_mark now = file_mark_of(&info);
    if (!file_mark_same_content(&now, &table->mark))
        return shrank(table, err);
    return STATUS_OK;
}
