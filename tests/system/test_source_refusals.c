/* SPDX-License-Identifier: PostgreSQL */
/* Feed files that are refused, and what stands beside them that is not: a refusal names its cause and changes nothing. */
#include "config.h"

#include "base/clock.h"
#include "source_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void expect_refused(const char *name, const char *reason_begins)
{
    const struct ingest_result *result = outcome_of(name);
    ck_assert_msg(result->outcome == INGEST_REFUSED, "%s: %s (%s)", name,
                  ingest_outcome_name(result->outcome), result->reason);
    ck_assert_msg(strncmp(result->reason, reason_begins, strlen(reason_begins)) == 0, "%s: found reason %s",
                  name, result->reason);
    ck_assert(!file_is_there("%s/%s/%s.csv", drop_root, result->feed, name));
    ck_assert(file_is_there("%s/%s/refused/%s.csv", archive_root, result->feed, name));
    ck_assert(file_is_there("%s/%s/refused/%s.csv.manifest.json", archive_root, result->feed, name));
    char sql[256];
    snprintf(sql, sizeof sql,
             "select count(*) from batch where status = 'refused' and batch_id = %lld and file_name = "
             "'%s.csv' and reason is not null",
             (long long)result->batch_id, name);
    ck_assert_int_eq(fixture_int(sql), 1);
}

static void write_over(const char *name, const void *bytes, size_t length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/medical_insurance/%s", drop_root, name);
    write_file(path, bytes, length);
}

START_TEST(bad_files_change_nothing)
{
    take_way(_i);
    static const struct {
        const char *name, *csv, *reason;
        struct given given;
    } files[] = {
        {"rows", GOOD, "manifest: rows: found 7, expected 1", {.rows = 7}},
        {"feed",
         GOOD,
         "manifest: feed: found \"education\", expected \"medical_insurance\"",
         {.feed = "education"}},
        {"mode", GOOD, "manifest: mode: found \"partial\"", {.mode = "partial"}},
        {"period",
         GOOD,
         "manifest: period_to: found a day before period_from",
         {.period_from = "2021-07-01"}},
        {"batch", GOOD, "manifest: batch: found \"\"", {.batch = ""}},
        {"hash",
         GOOD,
         "manifest: sha256: found that of another file",
         {.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
        {"nocode", "id_number,value,from\nx,1,2021-01-01\n", "line 1: found no column code", {0}},
        {"twice",
         "id_number,code,code,value,from\n",
         "twice.csv:1: found column 3 has the name",
         {.rows = -1}},
        {"quote",
         HEADER ID_A ",,,\"" PAID ",10.00,2021-06-01,,\n",
         "quote.csv:2: found a quote that is never closed",
         {0}},
        {"neither",
         HEADER ID_A ",,\xFF\xFF," PAID ",10.00,2021-06-01,,\n",
         "neither.csv:2: found a byte that belongs to no character",
         {0}},
        {"empty", "", "empty.csv:1: found no header row", {.rows = -1}},
        {"nothing", HEADER, "a full batch without rows would end everything", {.mode = "full", .rows = -1}},
        {"useless",
         HEADER "5.1E+17,,," PAID ",10.00,2021-06-01,,\n",
         "a full batch of 1 rows none of which",
         {.mode = "full"}},
    };
    char before[64], after[64];
    put_feed("medical_insurance", "before", HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n", NULL);
    scan();
    state(before);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put_feed("medical_insurance", files[i].name, files[i].csv, &files[i].given);
        scan();
        expect_refused(files[i].name, files[i].reason);
        ck_assert_msg(strcmp(before, state(after)) == 0, "%s changed something", files[i].name);
    }
    ck_assert_int_eq(fixture_int("select count(*) from audit where action = 'feed.refused'"),
                     sizeof files / sizeof *files);
}
END_TEST

START_TEST(a_full_batch_that_comes_late)
{
    char before[64], after[64];
    const struct given july = {.mode = "full"}, august = {.mode = "full", .sent_at = AUGUST};
    put_feed("housing", "corrected", HEADER ",H1,,housing.grade,C,2021-01-01,,\n", &august);
    scan();
    state(before);
    put_feed("housing", "late", HEADER ",H2,,housing.grade,D,2021-01-01,,\n", &july);
    put_feed("housing", "more", HEADER ",H2,,housing.grade,B,2021-01-01,,\n", NULL);
    scan();
    expect_refused("late", "a full batch that was sent before the full batch corrected");
    expect_refused("more", "manifest: sent_at: found a time before that of the full batch corrected");
    ck_assert_str_eq(before, state(after));
    /* Only a delta came before: it stands beside the rest. */
    put_feed("medical_insurance", "delta",
             HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n" ID_A ",,," PAID ",2.00,2021-06-01,,D2\n",
             &(struct given){.sent_at = AUGUST});
    scan();
    put_feed("medical_insurance", "full",
             HEADER ID_A ",,," PAID ",9.00,2021-06-01,,D2\n" ID_B ",,," PAID ",3.00,2021-06-01,,D3\n", &july);
    scan();
    ck_assert_int_eq(outcome_of("full")->rows_quarantined, 1);
    ck_assert_str_eq(facts(), "1,expense.medical_self_paid,100,2021-06-01,,D1;"
                              "1,expense.medical_self_paid,200,2021-06-01,,D2;"
                              "2,expense.medical_self_paid,300,2021-06-01,,D3");
}
END_TEST

START_TEST(damaged_after_the_manifest)
{
    char before[64], after[64], altered[sizeof GOOD];
    state(before);
    put_feed("medical_insurance", "short", GOOD, NULL);
    write_over("short.csv", GOOD, sizeof GOOD - 10);
    put_feed("medical_insurance", "altered", GOOD, NULL);
    memcpy(altered, GOOD, sizeof GOOD);
    *strstr(altered, "10.00") = '9';
    write_over("altered.csv", altered, sizeof GOOD - 1);
    put_feed("medical_insurance", "manifest", GOOD, NULL);
    write_over("manifest.csv.manifest.json", "{\"feed\"", 7);
    scan();
    expect_refused("short", "manifest: sha256: found that of another file");
    expect_refused("altered", "manifest: sha256: found that of another file");
    expect_refused("manifest", "manifest: line 1");
    ck_assert_str_eq(before, state(after));
}
END_TEST

START_TEST(an_encoding_that_is_not_declared)
{
    struct feed_config *config;
    must(feed_config_parse("f", slice_of("[feed]\nencoding = utf-8\n"), "medical_insurance", dictionary,
                           &config, &err));
    settings.configs = (const struct feed_config *const *)&config;
    settings.config_count = 1;
    put_feed("medical_insurance", "gbk", HEADER ID_A ",,\xCD\xF5," PAID ",10.00,2021-06-01,,\n", NULL);
    scan();
    expect_refused("gbk", "gbk.csv:2: found a byte that belongs to no character (offset 71), expected UTF-8");
    feed_config_free(config);
}
END_TEST

/* Wherever a small batch is cut off, or one of its bytes is another, the database is as before. */
START_TEST(every_byte)
{
    char before[64], after[64], name[32];
    static const char batch[] = "id_number,name,code,value,from\n" ID_A ",王," PAID ",1.00,2021-06-01\n";
    const size_t length = sizeof batch - 1;
    settings.settle_ms = 1;
    state(before);
    for (size_t i = 0; i < length; i++) {
        char changed[sizeof batch];
        memcpy(changed, batch, sizeof batch);
        changed[i] = (char)(changed[i] ^ 1);
        snprintf(name, sizeof name, "cut%zu", i);
        put_feed("medical_insurance", name, batch, NULL);
        write_over(strcat(name, ".csv"), batch, i);
        snprintf(name, sizeof name, "flip%zu", i);
        put_feed("medical_insurance", name, batch, NULL);
        write_over(strcat(name, ".csv"), changed, length);
    }
    scan();
    ck_assert_uint_eq(scanned_count, 2 * length);
    for (size_t i = 0; i < scanned_count; i++)
        ck_assert_msg(scanned[i].outcome == INGEST_REFUSED, "%s", scanned[i].file_name);
    ck_assert_str_eq(before, state(after));
    put_feed("medical_insurance", "whole", batch, NULL);
    scan();
    ck_assert_int_eq(outcome_of("whole")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(fact_count(), 1);
}
END_TEST

START_TEST(links_are_not_followed)
{
    char from[512], to[512];
    put_feed("medical_insurance", "real", GOOD, NULL);
    snprintf(to, sizeof to, "%s/medical_insurance/real.csv", drop_root);
    snprintf(from, sizeof from, "%s/elsewhere.csv", root);
    ck_assert_int_eq(rename(to, from), 0);
    ck_assert_int_eq(symlink(from, to), 0);
    scan();
    ck_assert_int_eq(outcome_of("real")->outcome, INGEST_REFUSED);
    ck_assert_int_eq(fact_count(), 0);
}
END_TEST

/* --- once ------------------------------------------------------------------------------------------------------------- */

START_TEST(duplicates_are_refused_without_harm)
{
    char before[64], after[64];
    put_feed("medical_insurance", "one", GOOD, NULL);
    scan();
    state(before);
    put_feed("medical_insurance", "one", GOOD, NULL);
    scan();
    expect_refused("one", "batch one was accepted before");
    put_feed("medical_insurance", "one", HEADER ID_A ",,," PAID ",99.00,2021-06-01,,D\n", NULL);
    scan();
    ck_assert_int_eq(outcome_of("one")->outcome, INGEST_REFUSED);
    ck_assert(file_is_there("%s/medical_insurance/refused/one~2.csv", archive_root));
    put_feed("medical_insurance", "two", GOOD, &(struct given){.period_to = "2021-07-31"});
    scan();
    expect_refused("two", "the file was accepted before as batch one");
    put_feed("medical_insurance", "three", GOOD, NULL);
    scan();
    expect_refused("three", "the file was accepted before as batch one");
    ck_assert_str_eq(before, state(after));
    /* Another source may send the same bytes. */
    put_feed("health", "one", GOOD, NULL);
    scan();
    ck_assert_int_eq(outcome_of("one")->outcome, INGEST_ACCEPTED);
}
END_TEST

START_TEST(the_same_roster_later_says_that_nothing_changed)
{
    static const char roster[] = HEADER ",H1,,housing.grade,C,2021-01-01,,\n";
    put_feed("housing", "june", roster, &(struct given){.mode = "full"});
    put_feed(
        "housing", "july", roster,
        &(struct given){.mode = "full", .period_to = "2021-07-31", .sent_at = "2021-08-05T08:00:00+08:00"});
    scan();
    ck_assert_int_eq(outcome_of("june")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("july")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("july")->facts_unchanged, 1);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact_history"), 0);
    put_feed("housing", "may", HEADER ",H2,,housing.grade,C,2021-01-01,,\n",
             &(struct given){.mode = "full", .period_from = "2021-05-01", .period_to = "2021-05-31"});
    scan();
    expect_refused("may", "a full batch of an earlier period than batch july");
}
END_TEST

/* A year mistyped would keep the source fresh, and every later roster out, for a century. */
START_TEST(a_period_that_lies_ahead)
{
    static const char roster[] = HEADER ",H1,,housing.grade,C,2021-01-01,,\n";
    char year_end[CIVIL_TEXT_SIZE], before[64], after[64];
    civil_format(clock_today() + 360, year_end);
    state(before);
    put_feed("housing", "typo", roster, &(struct given){.mode = "full", .period_to = "2121-06-30"});
    put_feed("medical_insurance", "delta", GOOD, &(struct given){.period_to = "2121-06-30"});
    scan();
    expect_refused("typo", "manifest: period_to: found 2121-06-30, expected a day at most 366 days ahead");
    expect_refused("delta", "manifest: period_to: found 2121-06-30");
    ck_assert_str_eq(before, state(after));
    put_feed("housing", "right", roster, &(struct given){.mode = "full"});
    put_feed("housing", "year", HEADER ",H1,,housing.grade,D,2021-01-01,,\n",
             &(struct given){.mode = "full", .period_to = year_end, .sent_at = "2021-07-06T08:00:00+08:00"});
    scan();
    ck_assert_int_eq(outcome_of("right")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("year")->outcome, INGEST_ACCEPTED);
}
END_TEST

START_TEST(empty_batches)
{
    take_way(_i);
    put_feed("medical_insurance", "may", HEADER, &(struct given){.rows = -1});
    put_feed("medical_insurance", "june", HEADER, &(struct given){.rows = -1});
    scan();
    ck_assert_int_eq(outcome_of("may")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("june")->outcome, INGEST_ACCEPTED);
    struct feed_config *config;
    must(feed_config_parse("f", slice_of("[feed]\nallow_empty = yes\n"), "medical_insurance", dictionary,
                           &config, &err));
    put_feed("medical_insurance", "one", GOOD, NULL);
    scan();
    settings.configs = (const struct feed_config *const *)&config;
    settings.config_count = 1;
    put_feed("medical_insurance", "none", HEADER, &(struct given){.mode = "full", .rows = -1});
    scan();
    ck_assert_int_eq(outcome_of("none")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(fact_count(), 0);
    put_feed("medical_insurance", "two", HEADER ID_A ",,," PAID ",11.00,2021-06-02,,\n", NULL);
    put_feed("medical_insurance", "useless", HEADER "5.1E+17,,," PAID ",10.00,2021-06-01,,\n",
             &(struct given){.mode = "full"});
    scan();
    expect_refused("useless", "a full batch of 1 rows none of which can be used");
    ck_assert_int_eq(fact_count(), 1);
    feed_config_free(config);
}
END_TEST

/* Ten rows, each about another day, of the person. */
static const char *ten_rows(struct text *csv, const char *id)
{
    text_init(csv);
    text_add_str(csv, HEADER);
    for (int day = 1; day <= 10; day++)
        text_printf(csv, "%s,,," PAID ",10.00,2021-06-%02d,,\n", id, day);
    return csv->bytes;
}

/* Taken in, it would make the feed fresh, and the sender could not send it again. */
START_TEST(a_batch_of_which_nothing_can_be_used)
{
    char before[64], after[64];
    struct text damaged, sound;
    put_feed("medical_insurance", "before", GOOD, NULL);
    scan();
    state(before);
    put_feed("medical_insurance", "july", ten_rows(&damaged, "6.1E+17"),
             &(struct given){.period_to = "2021-07-31"});
    scan();
    expect_refused("july",
                   "a batch of 10 rows none of which can be used (the first: line 2, column id_number: "
                   "id.scientific, expected an identity number of GB 11643)");
    ck_assert_str_eq(before, state(after));
    put_feed("medical_insurance", "july", ten_rows(&sound, ID_B), &(struct given){.period_to = "2021-07-31"});
    scan();
    ck_assert_int_eq(outcome_of("july")->outcome, INGEST_ACCEPTED);
    text_fini(&damaged);
    text_fini(&sound);
}
END_TEST

START_TEST(another_countys_roster)
{
    char before[64], after[64];
    static const char strangers[] = HEADER ID_X ",,,monitor.marginal,,2021-01-01,,\n";
    const struct given full = {.mode = "full", .period_to = "2021-07-31"};
    put_feed("revitalisation", "leads", strangers, &(struct given){.mode = "full"});
    put_feed("revitalisation", "ours", HEADER ID_A ",,,monitor.unstable,,2021-01-01,,\n", &full);
    scan();
    ck_assert_int_eq(outcome_of("leads")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("ours")->outcome, INGEST_ACCEPTED);
    state(before);
    put_feed("revitalisation", "theirs", HEADER ID_X ",,,monitor.sudden,,2021-01-01,,\n", &full);
    scan();
    expect_refused("theirs", "a full batch of 1 rows none of which is about the register");
    ck_assert_str_eq(before, state(after));
}
END_TEST

/* Memory is set aside for what a file can hold, not for what its manifest promises. */
START_TEST(a_manifest_that_promises_billions)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit most = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &most), 0);
#endif
    put_feed("medical_insurance", "billions", GOOD, &(struct given){.rows = 2000000000});
    put_feed("education", "other", GOOD, NULL);
    scan();
    expect_refused("billions", "manifest: rows: found 2000000000, expected 1");
    ck_assert_int_eq(outcome_of("other")->outcome, INGEST_ACCEPTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *cases = tcase_create("refusals");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, source_fixture_register, source_fixture_drop);
    tcase_add_test(cases, a_full_batch_that_comes_late);
    tcase_add_loop_test(cases, bad_files_change_nothing, 0, WAYS);
    tcase_add_test(cases, damaged_after_the_manifest);
    tcase_add_test(cases, an_encoding_that_is_not_declared);
    tcase_add_test(cases, every_byte);
    tcase_add_test(cases, links_are_not_followed);
    tcase_add_test(cases, duplicates_are_refused_without_harm);
    tcase_add_test(cases, the_same_roster_later_says_that_nothing_changed);
    tcase_add_test(cases, a_period_that_lies_ahead);
    tcase_add_loop_test(cases, empty_batches, 0, WAYS);
    tcase_add_test(cases, a_batch_of_which_nothing_can_be_used);
    tcase_add_test(cases, another_countys_roster);
    tcase_add_test(cases, a_manifest_that_promises_billions);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
