/* SPDX-License-Identifier: PostgreSQL */
/*
 * Batches that must be refused whole: damaged/CASE/FEED/, one drop folder per case, and damaged/expected.tsv with what
 * must become of each. What they say would turn planted households without a warning yellow: a daemon that believes any
 * of them is found out by expected.tsv.
 */
#include "county.h"

#include <string.h>
#include <sysexits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#define HEADER         "id_number,household_no,name,code,value,from,to,ref\r\n"
#define ROW(household) "," household ",,monitor.sudden,yes,2020-01-01,,\r\n"

static const char good_text[] = HEADER ROW("P0005") ROW("P0006") ROW("P0011") ROW("P0012");

/* What differs from a good batch. */
struct damaged_case {
    const char *name;
    const char *outcome; /* refused, ignored (no batch yet), held (waits for the operator) */
    const char *why;
    const char *text;     /* instead of good_text, or NULL */
    size_t text_length;   /* of it, since it may hold NUL */
    size_t kept;          /* only so many bytes of the text are written, 0 = all; the manifest is of all */
    size_t flipped;       /* this byte of the file is altered after the manifest was made, 0 = none */
    const char *folder;   /* instead of revitalisation */
    const char *feed;     /* instead of the folder's in the manifest */
    const char *mode;     /* instead of delta */
    int rows_off;         /* added to the manifest's rows */
    bool no_manifest;     /* there is none */
    bool cut_manifest;    /* it is no JSON document */
    bool reversed_period; /* it ends before it begins */
    bool known_batch;     /* the name of a batch that was sent with other contents */
};

#define TEXT(literal) .text = literal, .text_length = sizeof(literal) - 1

static const struct damaged_case cases[] = {
    {.name = "truncated", .outcome = "refused", .why = "hash", .kept = 100},
    {.name = "altered", .outcome = "refused", .why = "hash", .flipped = 60},
    {.name = "no-manifest", .outcome = "ignored", .why = "manifest missing", .no_manifest = true},
    {.name = "manifest-cut", .outcome = "refused", .why = "manifest", .cut_manifest = true},
    {.name = "rows-fewer", .outcome = "refused", .why = "row count", .rows_off = 1},
    {.name = "rows-more", .outcome = "refused", .why = "row count", .rows_off = -1},
    {.name = "other-feed", .outcome = "refused", .why = "manifest of another feed", .feed = "housing"},
    {.name = "unknown-feed", .outcome = "ignored", .why = "no feed of this name", .folder = "weather"},
    {.name = "unknown-mode", .outcome = "refused", .why = "manifest mode", .mode = "partial"},
    {.name = "period-reversed", .outcome = "refused", .why = "manifest period", .reversed_period = true},
    {.name = "known-batch", .outcome = "refused", .why = "batch name used before", .known_batch = true},
    {.name = "empty-full",
     .outcome = "held or refused",
     .why = "a full batch without rows",
     .mode = "full",
     TEXT(HEADER)},
    {.name = "no-bytes", .outcome = "refused", .why = "no header", TEXT("")},
    {.name = "no-code-column",
     .outcome = "refused",
     .why = "column code missing",
     TEXT("id_number,household_no,name,value,from,to,ref\r\n,P0005,,yes,2020-01-01,,\r\n")},
    {.name = "column-twice",
     .outcome = "refused",
     .why = "column twice",
     TEXT("id_number,household_no,code,code,value,from,to,ref\r\n,P0005,monitor.sudden,monitor.sudden,yes,"
          "2020-01-01,,\r\n")},
    {.name = "encoding",
     .outcome = "refused",
     .why = "neither UTF-8 nor GB18030",
     TEXT(HEADER ROW("P0005") ",P0006,\xFF\xFE,monitor.sudden,yes,2020-01-01,,\r\n")},
    {.name = "nul-byte",
     .outcome = "refused",
     .why = "NUL byte",
     TEXT(HEADER ROW("P0005") ",P0006,\0,monitor.sudden,yes,2020-01-01,,\r\n")},
    {.name = "quote-open",
     .outcome = "refused",
     .why = "quote never closed",
     TEXT(HEADER ROW("P0005") ",P0006,\",monitor.sudden,yes,2020-01-01,,\r\n")},
};

static void digest_hex(const char *bytes, size_t length, char sha256[COUNTY_SHA256_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL) != 1 || size != 32)
        county_fail(EX_SOFTWARE, "SHA-256 failed");
    for (unsigned i = 0; i < size; i++)
        snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
}

static int count_rows(const char *bytes, size_t length)
{
    int lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    return lines > 0 ? lines - 1 : 0;
}

static void write_manifest(const struct county *county, const struct damaged_case *damaged, const char *path,
                           const char *batch, const char *text, size_t length)
{
    day_t date = county->options.date;
    char sha256[COUNTY_SHA256_HEX_SIZE], day[CIVIL_TEXT_SIZE], sent_at[40];
    digest_hex(text, length, sha256);
    snprintf(sent_at, sizeof sent_at, "%sT22:00:00+08:00", civil_format(date, day));
    county_manifest_write(path, &(struct county_manifest){
                                    .feed = damaged->feed     ? damaged->feed
                                            : damaged->folder ? damaged->folder
                                                              : county_feed_name(COUNTY_REVITALISATION),
                                    .batch = batch,
                                    .period_from = damaged->reversed_period ? date + 1 : date,
                                    .period_to = date,
                                    .mode = damaged->mode ? damaged->mode : "delta",
                                    .rows = (uint64_t)(count_rows(text, length) + damaged->rows_off),
                                    .sha256 = sha256,
                                    .sent_at = sent_at,
                                });
}

static void write_case(const struct county *county, const struct damaged_case *damaged)
{
    const char *folder = damaged->folder ? damaged->folder : county_feed_name(COUNTY_REVITALISATION);
    char path[COUNTY_PATH_MAX], batch[64], bytes[1024];
    const char *text = damaged->text ? damaged->text : good_text;
    size_t length = damaged->text ? damaged->text_length : sizeof good_text - 1;
    if (damaged->known_batch)
        county_batch_name(&county->options, COUNTY_REVITALISATION, 0, batch);
    else
        snprintf(batch, sizeof batch, "damaged-%s", damaged->name);
    county_path(path, "%s/damaged/%s/%s", county->options.out, damaged->name, folder);
    county_make_folder(path);
    county_path(path, "%s/damaged/%s/%s/%s.csv", county->options.out, damaged->name, folder, batch);
    memcpy(bytes, text, length);
    if (damaged->flipped > 0)
        bytes[damaged->flipped] ^= 1;
    county_write_file(path, bytes, damaged->kept > 0 ? damaged->kept : length);
    if (damaged->cut_manifest) {
        county_path(path, "%s/damaged/%s/%s/%s.csv.manifest.json", county->options.out, damaged->name, folder,
                    batch);
        county_write_file(path, "{\"feed\": \"revital", 17);
    } else if (!damaged->no_manifest)
        write_manifest(county, damaged, path, batch, text, length);
}

void county_damaged_write(const struct county *county)
{
    char path[COUNTY_PATH_MAX], text[4096] = "case\toutcome\twhy\n";
    size_t used = strlen(text);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_case(county, &cases[i]);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\t%s\t%s\n", cases[i].name,
                                 cases[i].outcome, cases[i].why);
    }
    county_path(path, "%s/damaged/expected.tsv", county->options.out);
    county_write_file(path, text, used);
}
