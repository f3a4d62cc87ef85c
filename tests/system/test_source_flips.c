/* SPDX-License-Identifier: PostgreSQL */
/*
 * A small batch, cut off at every byte and with every byte changed, its file and its manifest alike: after each the database
 * is as before, or it holds the whole batch. SHOUWANG_LONG: all eight bits of each byte instead of one value drawn for it.
 */
#include "config.h"

#include "base/random.h"
#include "source_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED "medical_insurance"

/* A person, a household, somebody unknown, a quoted line end, an amount that is kept as unknown, a row that is refused. */
static const char batch[] =
    "id_number,household_no,name,code,value,from,to,ref\r\n" ID_A
    ",,王小明,expense.medical_self_paid,1234.50,2021-06-01,2021-06-05,D1\r\n"
    ",H2,,housing.grade,C,2021-01-01,,\r\n" ID_X ",,\"陌\n生\",relief.dibao,610,2021-02-01,,\r\n" ID_B
    ",,,expense.medical_self_paid,many,2021-06-02,,\"D\"\"2\"\r\n"
    "5.1E+17,,,expense.medical_self_paid,1,2021-06-02,,\r\n";
enum { ROWS = 5, BATCH_LENGTH = sizeof batch - 1, MANIFEST_MAX = 1024 };

enum part { PART_CSV, PART_MANIFEST };

static char whole[64];  /* what the facts are when all of it was taken */
static char before[64]; /* state() without it */
static size_t refused, accepted, waiting;

/* Everything that the batch puts into the database, whatever the batch is called. */
static const char *everything_taken(void)
{
    return fixture_text(
        "select md5(string_agg(v, '|' order by v)) from ("
        " select concat_ws(',', 'p', person_id, code, value, from_day, to_day, ref, detail, row_no) as v from person_fact"
        " union all select concat_ws(',', 'h', household_id, code, value, from_day, to_day, ref, detail, row_no)"
        " from household_fact"
        " union all select concat_ws(',', 's', id_packed, code, value, from_day, to_day, ref, detail, name, row_no)"
        " from stranger_fact"
        " union all select concat_ws(',', 'q', line, column_name, reason, found, expected, kept) from quarantine) x");
}

/* Before, there is no fact at all: quicker to ask than state(), which is asked now and then. */
static void check_untouched(const char *what, size_t at, const char *reason)
{
    enum { SELDOM = 100 };
    char now[64];
    int64_t found = fixture_int(
        "select (exists (select from person_fact) or exists (select from household_fact)"
        " or exists (select from stranger_fact) or exists (select from person_fact_history)"
        " or exists (select from household_fact_history) or exists (select from stranger_fact_history)"
        " or exists (select from quarantine)"
        " or exists (select from batch where status = 'accepted' and source = 1))::int::bigint");
    ck_assert_msg(!found && (at % SELDOM > 0 || strcmp(state(now), before) == 0),
                  "%s at %zu (%s): something has changed", what, at, reason);
}

static void forget_all(void)
{
    fixture_sql(
        "truncate person_fact, household_fact, stranger_fact, person_fact_history, household_fact_history,"
        " stranger_fact_history, quarantine; delete from batch where source = 1");
}

static void paths_of(char csv[512], char manifest[512])
{
    snprintf(csv, 512, "%s/" FEED "/june.csv", drop_root);
    snprintf(manifest, 512, "%s/" FEED "/june.csv" MANIFEST_SUFFIX, drop_root);
}

static size_t read_manifest(const char *path, char out[MANIFEST_MAX])
{
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(out, 1, MANIFEST_MAX, file);
    fclose(file);
    ck_assert_uint_gt(length, 100);
    ck_assert_uint_lt(length, MANIFEST_MAX);
    return length;
}

static void check_outcome(const char *what, size_t at)
{
    ck_assert_uint_eq(scanned_count, 1);
    const struct ingest_result *result = &scanned[0];
    if (result->outcome == INGEST_ACCEPTED) {
        ck_assert_msg(strcmp(everything_taken(), whole) == 0, "%s at %zu: a part of the batch was taken",
                      what, at);
        ck_assert_int_eq(result->rows_total, ROWS);
        accepted++;
        forget_all();
    } else {
        check_untouched(what, at, result->reason);
        ck_assert_msg(result->reason[0], "%s at %zu: no reason", what, at);
        refused += result->outcome == INGEST_REFUSED;
        waiting += result->outcome == INGEST_WAITING;
    }
}

/* The pair as it is, but for one of its files. */
static void try_changed(enum part part, const char *bytes, size_t length, const char *what, size_t at)
{
    static const struct given given = {.rows = ROWS};
    char csv[512], manifest[512];
    paths_of(csv, manifest);
    put_bytes(FEED, "june", batch, BATCH_LENGTH, &given);
    write_file(part == PART_CSV ? csv : manifest, bytes, length);
    scan();
    check_outcome(what, at);
    /* Refused files of one name are numbered, and there would be hundreds. */
    char refused_csv[512], refused_manifest[544];
    snprintf(refused_csv, sizeof refused_csv, "%s/" FEED "/refused/june.csv", archive_root);
    snprintf(refused_manifest, sizeof refused_manifest, "%s" MANIFEST_SUFFIX, refused_csv);
    const char *const left[] = {csv, manifest, refused_csv, refused_manifest};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        (void)remove(left[i]);
}

static void try_flips(enum part part, const char *bytes, size_t length, size_t at, struct random *random)
{
    char changed[MANIFEST_MAX + BATCH_LENGTH];
    bool all_bits = getenv("SHOUWANG_LONG") != NULL;
    memcpy(changed, bytes, length);
    for (unsigned bit = 0; bit < (all_bits ? 8 : 1); bit++) {
        unsigned mask = all_bits ? 1u << bit : 1 + (unsigned)random_below(random, 255);
        changed[at] = (char)((unsigned char)bytes[at] ^ mask);
        try_changed(part, changed, length, part == PART_CSV ? "CSV changed" : "manifest changed", at);
    }
}

static void set_up(char manifest_text[MANIFEST_MAX], size_t *manifest_length)
{
    static const struct given given = {.rows = ROWS};
    char csv[512], manifest[512];
    settings.settle_ms = 1;
    state(before);
    put_bytes(FEED, "june", batch, BATCH_LENGTH, &given);
    paths_of(csv, manifest);
    *manifest_length = read_manifest(manifest, manifest_text);
    scan();
    ck_assert_int_eq(scanned[0].outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(scanned[0].rows_quarantined, 1);
    ck_assert_int_eq(scanned[0].rows_kept, 1);
    ck_assert_int_eq(scanned[0].facts_stored + scanned[0].facts_stranger, 4);
    snprintf(whole, sizeof whole, "%s", everything_taken());
    forget_all();
    char now[64];
    ck_assert_str_eq(state(now), before);
}

START_TEST(the_file)
{
    char manifest[MANIFEST_MAX];
    size_t length;
    struct random random;
    random_seed(&random, 1);
    set_up(manifest, &length);
    for (size_t at = 0; at < BATCH_LENGTH; at++) {
        try_changed(PART_CSV, batch, at, "CSV cut", at);
        try_flips(PART_CSV, batch, BATCH_LENGTH, at, &random);
    }
    ck_assert_uint_eq(accepted + waiting, 0); /* the manifest has its hash */
}
END_TEST

/* Some changes of a manifest leave a manifest: of another name, period or time. Then all of the batch is there. */
START_TEST(the_manifest)
{
    char manifest[MANIFEST_MAX];
    size_t length;
    struct random random;
    random_seed(&random, 2);
    set_up(manifest, &length);
    for (size_t at = 0; at < length; at++) {
        try_changed(PART_MANIFEST, manifest, at, "manifest cut", at);
        try_flips(PART_MANIFEST, manifest, length, at, &random);
    }
    ck_assert_uint_gt(accepted, 0);
    ck_assert_uint_gt(refused, 10 * accepted);
    ck_assert_uint_eq(waiting, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flips");
    TCase *cases = tcase_create("flips");
    tcase_set_timeout(cases, 600);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, source_fixture_register, source_fixture_drop);
    tcase_add_test(cases, the_file);
    tcase_add_test(cases, the_manifest);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
