/* SPDX-License-Identifier: PostgreSQL */
/* Files of the sample county: folders, CSV with a running hash, manifests. */
#include "county.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* Every field quoted and doubled, with its commas; GB18030 needs at most 4 bytes where UTF-8 has 1. */
enum { ROW_BYTES_MAX = COUNTY_FIELDS_MAX * (2 * COUNTY_FIELD_BYTES_MAX + 4), STREAM_BUFFER = 16384 };

void county_fail(int exit_code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("shouwang-county: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(exit_code);
}

void county_path(char out[COUNTY_PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out, COUNTY_PATH_MAX, format, args);
    va_end(args);
    if (length < 0 || length >= COUNTY_PATH_MAX)
        county_fail(EX_USAGE, "the path is longer than %d bytes", COUNTY_PATH_MAX - 1);
}

void county_make_folder(const char *path)
{
    char part[COUNTY_PATH_MAX];
    county_path(part, "%s", path);
    for (char *c = part + 1;; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        char end = *c;
        *c = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            county_fail(EX_CANTCREAT, "%s: %s", part, strerror(errno));
        *c = end;
        if (end == '\0')
            return;
    }
}

void county_require_empty(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        if (errno == ENOENT)
            return;
        county_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            county_fail(EX_CANTCREAT, "%s: found files in it, expected a new or empty folder", path);
    closedir(folder);
}

static FILE *open_stream(const char *path)
{
    FILE *stream = fopen(path, "wb");
    if (!stream)
        county_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
    return stream;
}

static void close_stream(FILE *stream)
{
    if (ferror(stream) || fclose(stream) != 0)
        county_fail(EX_IOERR, "writing failed: %s", strerror(errno));
}

void county_write_file(const char *path, const void *bytes, size_t length)
{
    FILE *stream = open_stream(path);
    fwrite(bytes, 1, length, stream);
    close_stream(stream);
}

static void put_bytes(struct county_file *file, const char *bytes, size_t length)
{
    fwrite(bytes, 1, length, file->stream);
    if (EVP_DigestUpdate(file->digest, bytes, length) != 1)
        county_fail(EX_SOFTWARE, "SHA-256 failed");
}

static void put_as_gb18030(struct county_file *file, char *bytes, size_t length)
{
    char out[ROW_BYTES_MAX];
    char *source = bytes, *target = out;
    size_t left = length, room = sizeof out;
    if (iconv(file->converter, &source, &left, &target, &room) == (size_t)-1 || left != 0)
        county_fail(EX_SOFTWARE, "a row does not convert to GB18030");
    put_bytes(file, out, sizeof out - room);
}

static size_t add_field(char *row, size_t used, const char *field)
{
    size_t length = strlen(field);
    if (length > COUNTY_FIELD_BYTES_MAX)
        county_fail(EX_SOFTWARE, "a field of %zu bytes, expected at most %d", length, COUNTY_FIELD_BYTES_MAX);
    if (strpbrk(field, ",\"\r\n") == NULL) {
        memcpy(row + used, field, length);
        return used + length;
    }
    row[used++] = '"';
    for (const char *c = field; *c != '\0'; c++) {
        if (*c == '"')
            row[used++] = '"';
        row[used++] = *c;
    }
    row[used++] = '"';
    return used;
}

static void put_row(struct county_file *file, const char *const *fields, size_t count)
{
    char row[ROW_BYTES_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count && i < COUNTY_FIELDS_MAX; i++) {
        if (i > 0)
            row[used++] = ',';
        used = add_field(row, used, fields[i] ? fields[i] : "");
    }
    row[used++] = '\r';
    row[used++] = '\n';
    if (file->encoding == COUNTY_GB18030)
        put_as_gb18030(file, row, used);
    else
        put_bytes(file, row, used);
}

void county_file_open(struct county_file *file, const char *path, enum county_encoding encoding,
                      const char *const *columns, size_t count)
{
    *file = (struct county_file){
        .stream = open_stream(path),
        .digest = EVP_MD_CTX_new(),
        .encoding = encoding,
    };
    if (!file->digest || EVP_DigestInit_ex(file->digest, EVP_sha256(), NULL) != 1)
        county_fail(EX_SOFTWARE, "SHA-256 is not available");
    if (encoding == COUNTY_GB18030 && (file->converter = iconv_open("GB18030", "UTF-8")) == (iconv_t)-1)
        county_fail(EX_OSERR, "this C library cannot convert UTF-8 to GB18030");
    if (encoding == COUNTY_UTF8_BOM)
        put_bytes(file, "\xEF\xBB\xBF", 3);
    put_row(file, columns, count);
}

void county_file_row(struct county_file *file, const char *const *fields, size_t count)
{
    put_row(file, fields, count);
    file->rows++;
}

void county_file_close(struct county_file *file, char sha256[COUNTY_SHA256_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(file->digest, digest, &length) != 1 || length != 32)
        county_fail(EX_SOFTWARE, "SHA-256 failed");
    for (unsigned i = 0; i < length; i++)
        snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(file->digest);
    if (file->encoding == COUNTY_GB18030)
        iconv_close(file->converter);
    close_stream(file->stream);
}

void county_manifest_write(const char *csv_path, const struct county_manifest *manifest)
{
    char path[COUNTY_PATH_MAX], from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE], text[1024];
    county_path(path, "%s.manifest.json", csv_path);
    int length =
        snprintf(text, sizeof text,
                 "{\"feed\": \"%s\", \"batch\": \"%s\", \"period_from\": \"%s\", \"period_to\": \"%s\", "
                 "\"mode\": \"%s\", \"rows\": %llu, \"sha256\": \"%s\", \"sent_at\": \"%s\"}\n",
                 manifest->feed, manifest->batch, civil_format(manifest->period_from, from),
                 civil_format(manifest->period_to, to), manifest->mode, (unsigned long long)manifest->rows,
                 manifest->sha256, manifest->sent_at);
    county_write_file(path, text, (size_t)length);
}
