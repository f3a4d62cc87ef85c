/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source_fixture.h"

#include "io/crypto.h"
#include "source/manifest.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char root[64];
char drop_root[256];
char archive_root[128];
struct ingest_settings settings;
struct ingest_result scanned[SCANNED_MAX];
size_t scanned_count;

void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s cannot be written", path);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

bool file_is_there(const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return access(path, F_OK) == 0;
}

static void make_folders(void)
{
    const char *temporary = getenv("TMPDIR"); /* in memory, a move costs no disk */
    int length = snprintf(root, sizeof root, "%s/source_test.XXXXXX", temporary ? temporary : "/tmp");
    ck_assert_int_lt(length, (int)sizeof root);
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(drop_root, sizeof drop_root, "%s/drop", root);
    snprintf(archive_root, sizeof archive_root, "%s/archive", root);
    ck_assert_int_eq(mkdir(drop_root, 0755), 0);
    settings = (struct ingest_settings){
        .dictionary = dictionary,
        .drop_directory = drop_root,
        .archive_directory = archive_root,
        .actor = "test",
        .settle_ms = 40,
    };
}

void source_fixture_empty(void)
{
    fixture_migrated();
    make_folders();
}

void source_fixture_register(void)
{
    struct import_result result;
    source_fixture_empty();
    put_register("household_no,township_code,village_code,area,address\n"
                 "H1,610922100,610922100001,rural,城关镇一村1号\n"
                 "H2,610922101,610922101002,urban,二街2号\n",
                 "household_no,id_number,name,kinship,labour\n"
                 "H1," ID_A ",王小明,02,full\nH1," ID_B ",李四,10,\nH2," ID_C ",阿依古丽·买买提,02,weak\n",
                 "household_no,id_number,code,value,from,to,ref,as_of\n");
    ck_assert_msg(import_as_of("2021-06-01", false, &result) == STATUS_OK, "%s", err.text);
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)info, (void)flag, (void)ftw;
    return remove(path);
}

void source_fixture_drop(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    fixture_drop();
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static void sha256_hex(const void *bytes, size_t length, char out[CRYPTO_SHA256_HEX_SIZE])
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    must(crypto_sha256(bytes, length, digest, &err));
    crypto_hex(digest, sizeof digest, out);
}

static int64_t count_rows(const char *bytes, size_t length)
{
    int64_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    return lines > 0 ? lines - 1 : 0;
}

void put_bytes(const char *feed, const char *name, const void *bytes, size_t length,
               const struct given *given)
{
    static const struct given nothing;
    char folder[512], csv[640], manifest[768], sha256[CRYPTO_SHA256_HEX_SIZE], json[1024];
    if (!given)
        given = &nothing;
    snprintf(folder, sizeof folder, "%s/%s", drop_root, feed);
    (void)mkdir(folder, 0755);
    snprintf(csv, sizeof csv, "%s/%s.csv", folder, name);
    snprintf(manifest, sizeof manifest, "%s%s", csv, MANIFEST_SUFFIX);
    write_file(csv, bytes, length);
    sha256_hex(bytes, length, sha256);
    int64_t rows = given->rows == 0 ? count_rows(bytes, length) : given->rows < 0 ? 0 : given->rows;
    snprintf(json, sizeof json,
             "{\"feed\": \"%s\", \"batch\": \"%s\", \"mode\": \"%s\", \"period_from\": \"%s\", "
             "\"period_to\": \"%s\", "
             "\"sent_at\": \"%s\", \"rows\": %lld, \"sha256\": \"%s\"}",
             or_else(given->feed, feed), or_else(given->batch, name), or_else(given->mode, "delta"),
             or_else(given->period_from, "2021-06-01"), or_else(given->period_to, "2021-06-30"),
             or_else(given->sent_at, "2021-07-05T08:00:00+08:00"), (long long)rows,
             or_else(given->sha256, sha256));
    write_text(manifest, json);
}

void put_feed(const char *feed, const char *name, const char *csv, const struct given *given)
{
    put_bytes(feed, name, csv, strlen(csv), given);
}

static void keep_result(void *context, const struct ingest_result *result)
{
    (void)context;
    ck_assert_uint_lt(scanned_count, SCANNED_MAX);
    scanned[scanned_count++] = *result;
}

void scan(void)
{
    scanned_count = 0;
    ck_assert_msg(ingest_scan(db, &settings, keep_result, NULL, &err) == STATUS_OK, "%s", err.text);
}

const struct ingest_result *outcome_of(const char *name)
{
    char file_name[256];
    snprintf(file_name, sizeof file_name, "%s.csv", name);
    for (size_t i = 0; i < scanned_count; i++)
        if (strcmp(scanned[i].file_name, file_name) == 0)
            return &scanned[i];
    ck_abort_msg("the scan said nothing of %s", file_name);
    return NULL;
}

const char *put_register(const char *households, const char *persons, const char *facts)
{
    static char folder[128];
    const char *const names[] = {"household.csv", "person.csv", "fact.csv"};
    const char *const texts[] = {households, persons, facts};
    snprintf(folder, sizeof folder, "%s/register", root);
    (void)mkdir(folder, 0755);
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
        if (texts[i])
            write_text(path, texts[i]);
    }
    return folder;
}

enum status import_as_of(const char *day, bool allow_shrink, struct import_result *result)
{
    char folder[128];
    struct import_settings import = {.dictionary = dictionary, .allow_shrink = allow_shrink, .actor = "test"};
    ck_assert(civil_parse(slice_of(day), &import.today));
    snprintf(folder, sizeof folder, "%s/register", root);
    return import_directory(db, &import, folder, result, &err);
}

void take_way(int way)
{
    settings.small_rows = way == 0 ? -1 : INT64_MAX;
}

const char *facts(void)
{
    return fixture_text(
        "select i.id_packed / 11 % 1000 as who, c.name, f.value, f.from_day, f.to_day, f.ref"
        " from person_fact f join person_identity i using (person_id) join fact_code c using (code)"
        " order by i.id_packed, c.name, f.from_day, f.to_day, f.ref");
}

int64_t fact_count(void)
{
    return fixture_int("select (select count(*) from person_fact) + (select count(*) from household_fact)"
                       " + (select count(*) from stranger_fact)");
}

const char *state(char out[64])
{
    snprintf(
        out, 64, "%s",
        fixture_text(
            "select md5(string_agg(v, '|' order by v)) as m from ("
            " select 'p' || t::text as v from person t union all select 'i' || t::text from person_identity t"
            " union all select 'h' || t::text from household t"
            " union all select 'n' || t::text from household_number t"
            " union all select 'm' || t::text from membership t"
            " union all select 'a' || t::text from person_fact t"
            " union all select 'b' || t::text from household_fact t"
            " union all select 'c' || t::text from stranger_fact t"
            " union all select 'd' || t::text from person_fact_history t"
            " union all select 'e' || t::text from household_fact_history t"
            " union all select 'f' || t::text from stranger_fact_history t"
            " union all select 'q' || t::text from quarantine t"
            " union all select 's' || t::text from batch t where status = 'accepted') x"));
    return out;
}
