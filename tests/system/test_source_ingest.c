/* SPDX-License-Identifier: PostgreSQL */
/* Feed files against a real database: whole or not at all, in order, across crashes. What is refused: test_source_refusals.c. */
#include "config.h"

#include "base/clock.h"
#include "source_fixture.h"
#include "store/lease.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t value_of(const char *ref)
{
    char sql[128];
    snprintf(sql, sizeof sql, "select coalesce(value, -1) from person_fact where ref = '%s'", ref);
    return fixture_int(sql);
}

START_TEST(rows_find_their_subjects)
{
    take_way(_i);
    put_feed("medical_insurance", "june",
             HEADER ID_A
             ",,王小明," PAID ",1234.50,2021-06-01,2021-06-05,D1\n" ID_B ",,王五," PAID
             ",2.00,2021-06-01,2021-06-05,D2\n" ID_C ",,阿依古丽•买买提," PAID
             ",3.00,2021-06-01,2021-06-05,D3\n" ID_X ",,陌生人," PAID ",4.00,2021-06-01,2021-06-05,D4\n"
             ",H2,,housing.grade,C,2021-01-01,,\n"
             ",H9,,housing.grade,C,2021-01-01,,\n" ID_A ",,," PAID ",many,2021-06-02,,D5\n"
             "5.1E+17,,," PAID ",1,2021-06-02,,D6\n" ID_A ",,," PAID ",9.99,2021-06-01,2021-06-05,D1\n",
             NULL);
    scan();
    const struct ingest_result *result = outcome_of("june");
    ck_assert_int_eq(result->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(result->source, 1);
    ck_assert_int_eq(result->rows_total, 9);
    ck_assert_int_eq(result->facts_stored, 5);
    ck_assert_int_eq(result->facts_stranger, 1);
    ck_assert_int_eq(result->rows_quarantined, 3);
    ck_assert_int_eq(result->rows_kept, 2);
    ck_assert_int_eq(result->names_differ, 1);
    ck_assert_int_eq(value_of("D1"), 123450);
    ck_assert_int_eq(value_of("D5"), -1);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact where value = 3"), 1);
    ck_assert_str_eq(fixture_text("select name, value from stranger_fact"), "陌生人,400");
    ck_assert_str_eq(
        fixture_text("select line, column_name, reason, found, kept from quarantine order by line"),
        "3,name,name.differs,王*,t;7,household_no,household.unknown,H9,f;8,value,amount.unreadable,many,t;"
        "9,id_number,id.scientific,5.1E+17,f;10,\"\",fact.repeat,\"\",f");
    ck_assert_str_eq(
        fixture_text("select source, batch, mode, status, file_name, encoding, rows_total, rows_stored,"
                     " rows_quarantined, rows_stranger, period_to from batch where source = 1"),
        "1,june,delta,accepted,june.csv,utf-8,9,5,3,1,2021-06-30");
    ck_assert_int_eq(fixture_int("select count(*) from audit where action = 'feed.accepted'"), 1);
    ck_assert(file_is_there("%s/medical_insurance/june.csv", archive_root));
    ck_assert(file_is_there("%s/medical_insurance/june.csv.manifest.json", archive_root));
    ck_assert(!file_is_there("%s/medical_insurance/june.csv", drop_root));
    ck_assert(!file_is_there("%s/medical_insurance/june.csv.manifest.json", drop_root));
}
END_TEST

START_TEST(delta_adds_and_supersedes)
{
    take_way(_i);
    put_feed("medical_insurance", "one",
             HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n" ID_A ",,," PAID ",2.00,2021-06-01,,D2\n", NULL);
    scan();
    put_feed("medical_insurance", "two",
             HEADER ID_A ",,," PAID ",5.00,2021-06-01,,D2\n" ID_A ",,," PAID ",3.00,2021-06-01,,D3\n", NULL);
    scan();
    ck_assert_int_eq(outcome_of("two")->facts_ended, 1);
    ck_assert_str_eq(facts(), "1,expense.medical_self_paid,100,2021-06-01,,D1;"
                              "1,expense.medical_self_paid,500,2021-06-01,,D2;"
                              "1,expense.medical_self_paid,300,2021-06-01,,D3");
}
END_TEST

START_TEST(full_ends_what_is_absent)
{
    take_way(_i);
    const struct given full = {.mode = "full"};
    put_feed("housing", "one",
             HEADER ",H1,,housing.grade,C,2021-01-01,,\n,H2,,housing.grade,D,2021-01-01,,\n" ID_X
                    ",,,water.safe,no,2021-01-01,,\n",
             &full);
    scan();
    ck_assert_int_eq(fact_count(), 3);
    put_feed("housing", "two", HEADER ",H2,,housing.grade,B,2021-01-01,,\n",
             &(struct given){.mode = "full", .period_to = "2021-07-31"});
    scan();
    ck_assert_int_eq(outcome_of("two")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(fact_count(), 1);
    ck_assert_int_eq(fixture_int("select value from household_fact"), 2);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact_history"), 2);
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact_history"), 1);
}
END_TEST

/* A row that cannot be read is no word that something has ended. */
START_TEST(a_refused_row_ends_nothing)
{
    take_way(_i);
    put_feed("housing", "one",
             HEADER ",H1,,housing.grade,D,2021-01-01,,\n,H1,,water.safe,no,2021-01-01,,\n"
                    ",H2,,housing.grade,C,2021-01-01,,\n" ID_A ",,,relief.housing,,2021-01-01,,\n" ID_B
                    ",,,relief.housing,,2021-01-01,,\n" ID_C ",,,relief.housing,,2021-01-01,,\n" ID_C
                    ",,,illness.serious,C50,2021-01-01,,\n" ID_X ",,,relief.housing,,2021-01-01,,\n",
             &(struct given){.mode = "full"});
    scan();
    put_feed("housing", "two",
             HEADER ",H1,,housing.grade,E,2021-01-01,,\n" ID_A ",,,relief.housing,,2021-02-30,,\n" ID_C
                    ",,,relief.hosing,,2021-01-01,,\n" ID_X
                    ",,,relief.housing,some,2021-01-01,,\n,H2,,water.safe,"
                    "yes,2021-07-01,,\n",
             &(struct given){.mode = "full", .period_to = "2021-07-31"});
    scan();
    ck_assert_int_eq(outcome_of("two")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("two")->rows_quarantined, 4);
    ck_assert_int_eq(outcome_of("two")->facts_spared, 5);
    ck_assert_int_eq(outcome_of("two")->facts_ended, 3); /* H1's water, H2's grade, B's relief */
    ck_assert_str_eq(
        fixture_text("select n.household_no, c.name, f.value from household_fact f join fact_code c"
                     " using (code) join household_number n using (household_id) order by 1, 2"),
        "H1,housing.grade,4;H2,water.safe,1");
    ck_assert_str_eq(facts(), "1,relief.housing,1,2021-01-01,,\"\";104,illness.serious,1,2021-01-01,,\"\";"
                              "104,relief.housing,1,2021-01-01,,\"\"");
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact"), 1);
    ck_assert_int_eq(fixture_int("select (detail->>'spared')::int from batch where batch = 'two'"), 5);
    put_feed("housing", "three", HEADER ",H2,,water.safe,yes,2021-07-01,,\n",
             &(struct given){.mode = "full", .period_to = "2021-08-31"});
    scan();
    ck_assert_int_eq(outcome_of("three")->facts_ended, 5);
    ck_assert_int_eq(fact_count(), 1);
}
END_TEST

START_TEST(scan_keeps_the_order_of_sending)
{
    take_way(_i);
    put_feed("medical_insurance", "a", HEADER ID_A ",,," PAID ",2.00,2021-06-01,,D\n",
             &(struct given){.sent_at = "2021-07-05T09:00:00+08:00"});
    put_feed("medical_insurance", "b", HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D\n",
             &(struct given){.sent_at = "2021-07-05T00:30:00Z"});
    scan();
    ck_assert_str_eq(scanned[0].batch, "b");
    ck_assert_int_eq(value_of("D"), 200);
}
END_TEST

/* The file of July comes, is corrected in August, and comes again or for the first time after that. */
START_TEST(what_was_sent_later_stands)
{
    take_way(_i);
    const struct given july = {.period_to = "2021-07-31"},
                       august = {.period_to = "2021-07-31", .sent_at = AUGUST};
    put_feed("medical_insurance", "wrong_clock", HEADER ID_C ",,," PAID ",7.00,2021-06-01,,D7\n",
             &(struct given){.sent_at = "2121-07-05T08:00:00+08:00"});
    scan();
    put_feed("medical_insurance", "corrected",
             HEADER ID_A ",,," PAID ",2.00,2021-06-01,,D1\n" ID_A
                         ",,,relief.medical,,2021-01-01,2021-06-30,\n" ID_B ",,," PAID
                         ",3.00,2021-06-01,,D2\n",
             &august);
    scan();
    put_feed("medical_insurance", "late",
             HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n" ID_A ",,,relief.medical,,2021-01-01,,\n" ID_B
                         ",,," PAID ",3.00,2021-06-01,,D2\n" ID_B ",,," PAID ",4.00,2021-06-02,,D3\n" ID_C
                         ",,," PAID ",8.00,2021-06-01,,D7\n",
             &july);
    scan();
    const struct ingest_result *late = outcome_of("late");
    ck_assert_int_eq(late->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(late->facts_stored, 3);
    ck_assert_int_eq(late->rows_quarantined, 2);
    ck_assert_str_eq(facts(), "1,expense.medical_self_paid,200,2021-06-01,,D1;"
                              "1,relief.medical,1,2021-01-01,2021-06-30,\"\";"
                              "104,expense.medical_self_paid,800,2021-06-01,,D7;"
                              "2,expense.medical_self_paid,300,2021-06-01,,D2;"
                              "2,expense.medical_self_paid,400,2021-06-02,,D3");
    ck_assert_str_eq(fixture_text("select line, reason from quarantine order by line"),
                     "2,fact.outdated;3,fact.outdated");
}
END_TEST

/* --- waiting ---------------------------------------------------------------------------------------------------------- */

START_TEST(without_a_manifest_it_waits)
{
    char manifest[512];
    put_feed("medical_insurance", "lonely", GOOD, NULL);
    snprintf(manifest, sizeof manifest, "%s/medical_insurance/lonely.csv.manifest.json", drop_root);
    char kept[512];
    snprintf(kept, sizeof kept, "%s/kept.json", root);
    ck_assert_int_eq(rename(manifest, kept), 0);
    scan();
    ck_assert_int_eq(outcome_of("lonely")->outcome, INGEST_WAITING);
    ck_assert_str_eq(outcome_of("lonely")->reason, "no manifest beside it yet");
    ck_assert(outcome_of("lonely")->waiting_since_unix_ms > 0);
    ck_assert(file_is_there("%s/medical_insurance/lonely.csv", drop_root));
    ck_assert_int_eq(fixture_int("select count(*) from batch where source = 1"), 0);
    ck_assert_int_eq(rename(kept, manifest), 0);
    scan();
    ck_assert_int_eq(outcome_of("lonely")->outcome, INGEST_ACCEPTED);
}
END_TEST

START_TEST(a_manifest_alone_waits)
{
    put_feed("medical_insurance", "late", GOOD, NULL);
    char csv[512];
    snprintf(csv, sizeof csv, "%s/medical_insurance/late.csv", drop_root);
    ck_assert_int_eq(remove(csv), 0);
    scan();
    ck_assert_int_eq(outcome_of("late")->outcome, INGEST_WAITING);
    write_text(csv, GOOD);
    scan();
    ck_assert_int_eq(outcome_of("late")->outcome, INGEST_ACCEPTED);
}
END_TEST

struct upload {
    char path[512];
    atomic_bool stop;
};

static void *keep_writing(void *context)
{
    struct upload *upload = context;
    while (!atomic_load(&upload->stop)) {
        FILE *file = fopen(upload->path, "ab");
        fputc(' ', file);
        fclose(file);
        usleep(2000);
    }
    return NULL;
}

static bool is_younger_than_its_manifest(const char *csv)
{
    char manifest[600];
    struct stat one, other;
    snprintf(manifest, sizeof manifest, "%s.manifest.json", csv);
    ck_assert(stat(csv, &one) == 0 && stat(manifest, &other) == 0);
    return one.st_mtim.tv_sec * 1000 + one.st_mtim.tv_nsec / 1000000 >
           other.st_mtim.tv_sec * 1000 + other.st_mtim.tv_nsec / 1000000;
}

/* The sender wrote the manifest first, and the file is still on its way. */
START_TEST(a_growing_file_waits)
{
    struct upload upload = {.stop = false};
    put_feed("medical_insurance", "growing", GOOD, NULL);
    snprintf(upload.path, sizeof upload.path, "%s/medical_insurance/growing.csv", drop_root);
    write_file(upload.path, GOOD, 10);
    settings.settle_ms = 5000; /* it is seen to change long before */
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_writing, &upload), 0);
    while (!is_younger_than_its_manifest(upload.path))
        usleep(1000);
    scan();
    atomic_store(&upload.stop, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(outcome_of("growing")->outcome, INGEST_WAITING);
    ck_assert_int_eq(fixture_int("select count(*) from batch where source = 1"), 0);
    write_text(upload.path, GOOD);
    scan();
    ck_assert_int_eq(outcome_of("growing")->outcome, INGEST_ACCEPTED);
}
END_TEST

START_TEST(a_folder_of_nobody)
{
    put_feed("medical_insurance", "here", GOOD, NULL);
    put_feed("medcal_insurance", "there", GOOD, NULL);
    scan();
    ck_assert_uint_eq(scanned_count, 2);
    ck_assert_int_eq(scanned[0].source, -1);
    ck_assert_int_eq(scanned[0].outcome, INGEST_WAITING);
    ck_assert_int_eq(outcome_of("here")->outcome, INGEST_ACCEPTED);
    ck_assert(file_is_there("%s/medcal_insurance/there.csv", drop_root));
}
END_TEST

/* --- stopped in the middle ------------------------------------------------------------------------------------------ */

static void move_back(const char *name)
{
    char from[512], to[512];
    snprintf(from, sizeof from, "%s/medical_insurance/%s", archive_root, name);
    snprintf(to, sizeof to, "%s/medical_insurance/%s", drop_root, name);
    ck_assert_int_eq(rename(from, to), 0);
}

START_TEST(killed_between_commit_and_archive)
{
    char before[64], after[64];
    put_feed("medical_insurance", "one", GOOD, NULL);
    scan();
    state(before);
    int64_t batches = fixture_int("select count(*) from batch");
    move_back("one.csv");
    move_back("one.csv.manifest.json");
    scan();
    ck_assert_int_eq(outcome_of("one")->outcome, INGEST_ARCHIVED);
    ck_assert(file_is_there("%s/medical_insurance/one.csv", archive_root));
    move_back("one.csv.manifest.json"); /* between the two moves */
    scan();
    ck_assert_int_eq(outcome_of("one")->outcome, INGEST_ARCHIVED);
    ck_assert(file_is_there("%s/medical_insurance/one.csv.manifest.json", archive_root));
    ck_assert(!file_is_there("%s/medical_insurance/one.csv.manifest.json", drop_root));
    ck_assert_int_eq(fixture_int("select count(*) from batch"), batches);
    ck_assert_str_eq(before, state(after));
}
END_TEST

START_TEST(stopped_before_the_commit)
{
    atomic_bool cancel = true;
    char before[64], after[64];
    state(before);
    put_feed("medical_insurance", "one", GOOD, NULL);
    settings.cancel = &cancel;
    ck_assert_int_eq(ingest_scan(db, &settings, NULL, NULL, &err), STATUS_RETRY);
    ck_assert(file_is_there("%s/medical_insurance/one.csv", drop_root));
    ck_assert_str_eq(before, state(after));
    settings.cancel = NULL;
    scan();
    ck_assert_int_eq(outcome_of("one")->outcome, INGEST_ACCEPTED);
}
END_TEST

START_TEST(the_archive_must_be_ours)
{
    write_text(archive_root, "a file where a folder should be");
    put_feed("medical_insurance", "one", GOOD, NULL);
    ck_assert_int_eq(ingest_scan(db, &settings, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_int_eq(fact_count(), 0);
    ck_assert(file_is_there("%s/medical_insurance/one.csv", drop_root));
}
END_TEST

START_TEST(one_folder_does_not_hold_up_the_others)
{
    char blocked[512], crowded[512];
    ck_assert_int_eq(mkdir(archive_root, 0755), 0);
    snprintf(blocked, sizeof blocked, "%s/education", archive_root);
    write_text(blocked, "a file where a folder should be");
    snprintf(crowded, sizeof crowded, "%s/housing", drop_root);
    ck_assert_int_eq(mkdir(crowded, 0755), 0);
    for (int i = 0; i <= INGEST_FILES_MAX; i++) {
        char path[640];
        snprintf(path, sizeof path, "%s/%d", crowded, i);
        write_text(path, "");
    }
    put_feed("education", "one", GOOD, NULL);
    put_feed("medical_insurance", "two", GOOD, NULL);
    ck_assert_int_eq(ingest_scan(db, &settings, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_msg(strstr(err.text, "education") != NULL, "%s", err.text); /* the first that failed */
    ck_assert(file_is_there("%s/education/one.csv", drop_root));
    ck_assert(file_is_there("%s/medical_insurance/two.csv", archive_root));
    ck_assert_int_eq(fact_count(), 1);
}
END_TEST

/* --- agencies with columns of their own --------------------------------------------------------------------------------- */

START_TEST(columns_of_their_own_in_gb18030)
{
    take_way(_i);
    char path[1024];
    struct feed_config *config;
    const char *top = getenv("abs_top_srcdir");
    snprintf(path, sizeof path, "%s/conf/feeds.d/medical_insurance.native.conf.example", top ? top : ".");
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    char text[8192];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    must(feed_config_parse(path, (struct slice){text, length}, "medical_insurance", dictionary, &config,
                           &err));
    settings.configs = (const struct feed_config *const *)&config;
    settings.config_count = 1;
    /* 单据号,身份证号,姓名,入院日期,结算日期,自付金额,大病病种,大病认定日期,大病终止日期,医疗救助,医疗救助日期,医疗救助截止 */
    static const char gb[] =
        "\xB5\xA5\xBE\xDD\xBA\xC5,\xC9\xED\xB7\xDD\xD6\xA4\xBA\xC5,\xD0\xD5\xC3\xFB,"
        "\xC8\xEB\xD4\xBA\xC8\xD5\xC6\xDA,\xBD\xE1\xCB\xE3\xC8\xD5\xC6\xDA,\xD7\xD4\xB8\xB6\xBD\xF0\xB6\xEE,"
        "\xB4\xF3\xB2\xA1\xB2\xA1\xD6\xD6,\xB4\xF3\xB2\xA1\xC8\xCF\xB6\xA8\xC8\xD5\xC6\xDA,"
        "\xB4\xF3\xB2\xA1\xD6\xD5\xD6\xB9\xC8\xD5\xC6\xDA,\xD2\xBD\xC1\xC6\xBE\xC8\xD6\xFA,"
        "\xD2\xBD\xC1\xC6\xBE\xC8\xD6\xFA\xC8\xD5\xC6\xDA,"
        "\xD2\xBD\xC1\xC6\xBE\xC8\xD6\xFA\xBD\xD8\xD6\xB9\r\n"
        "D7," ID_A ",\xCD\xF5\xD0\xA1\xC3\xF7,20210601,20210605,400001,,,,,,\r\n"
        "," ID_B ",,,,,C50,20210301,,\xD2\xD1\xBE\xC8\xD6\xFA,20210401,\r\n";
    put_bytes("medical_insurance", "native", gb, sizeof gb - 1, NULL);
    scan();
    ck_assert_msg(outcome_of("native")->outcome == INGEST_ACCEPTED, "%s", outcome_of("native")->reason);
    ck_assert_int_eq(outcome_of("native")->names_differ, 0);
    ck_assert_int_eq(outcome_of("native")->rows_quarantined, 0);
    ck_assert_int_eq(value_of("D7"), 400001);
    ck_assert_str_eq(fixture_text("select c.name, f.value, f.detail, f.from_day from person_fact f"
                                  " join fact_code c using (code) where ref = '' order by 1"),
                     "illness.serious,1,C50,2021-03-01;relief.medical,1,,2021-04-01");
    ck_assert_str_eq(fixture_text("select encoding from batch where batch = 'native'"), "gb18030");
    feed_config_free(config);
}
END_TEST

/* More than one window of a table, and more than one group of facts. */
START_TEST(many_rows)
{
    take_way(_i);
    enum { ROWS = 20000 };
    struct text csv;
    text_init(&csv);
    text_add_str(&csv, HEADER);
    for (int i = 0; i < ROWS; i++)
        text_printf(&csv, "%s,,\"王小\n明\"," PAID ",%d.%02d,2021-06-%02d,,\"R%d\"\n", i % 3 ? ID_A : ID_X, i,
                    i % 100, i % 30 + 1, i);
    put_bytes("medical_insurance", "many", csv.bytes, csv.length, &(struct given){.rows = ROWS});
    scan();
    ck_assert_msg(outcome_of("many")->outcome == INGEST_ACCEPTED, "%s", outcome_of("many")->reason);
    ck_assert_int_eq(fixture_int("select count(*) from person_fact"), ROWS - (ROWS + 2) / 3);
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact"), (ROWS + 2) / 3);
    ck_assert_int_eq(fixture_int("select count(*) from person_fact where value <> substr(ref, 2)::int * 100 +"
                                 " substr(ref, 2)::int % 100 or row_no <> substr(ref, 2)::int * 2 + 2"),
                     0);
    text_fini(&csv);
}
END_TEST

/* Two sources, subjects of each kind, rows changed, restated, new, and codes that the delta does not speak of. */
START_TEST(delta_meets_what_is_live)
{
    take_way(_i);
    const char *first =
        HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n" ID_A ",,," PAID ",2.00,2021-06-01,,D2\n" ID_B
                    ",,," PAID ",3.00,2021-06-01,,D3\n" ID_X ",,陌生人," PAID ",4.00,2021-06-01,,D4\n" ID_X
                    ",,陌生人," PAID ",5.00,2021-06-01,,D5\n,H1,,housing.grade,C,2021-01-01,,\n"
                    ",H2,,housing.grade,C,2021-01-01,,\n,H1,,water.safe,no,2021-01-01,,\n";
    put_feed("medical_insurance", "one", first, NULL);
    put_feed("housing", "one", first, NULL);
    scan();
    put_feed("medical_insurance", "two",
             HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n" ID_A ",,," PAID ",2.50,2021-06-01,,D2\n" ID_X
                         ",,陌生人," PAID ",4.00,2021-06-01,,D4\n" ID_X ",,陌生人," PAID
                         ",5.50,2021-06-01,,D5\n,H1,,housing.grade,C,2021-01-01,,\n"
                         ",H2,,housing.grade,D,2021-01-01,,\n" ID_C ",,," PAID ",9.00,2021-06-01,,D9\n",
             NULL);
    scan();
    ck_assert_int_eq(outcome_of("two")->facts_unchanged, 3);
    ck_assert_int_eq(outcome_of("two")->facts_ended, 3);
    ck_assert_str_eq(
        fixture_text("select ref, value, f.batch_id - b.first as batch, row_no from person_fact f,"
                     " (select min(batch_id) as first from batch where source = 1) b where source = 1"
                     " order by ref"),
        "D1,100,1,2;D2,250,1,3;D3,300,0,4;D9,900,1,8");
    ck_assert_str_eq(fixture_text("select ref, value from stranger_fact where source = 1 order by ref"),
                     "D4,400;D5,550");
    ck_assert_str_eq(
        fixture_text("select household_id, value from household_fact where source = 1 order by 1, 2"),
        "1,0;1,3;2,4");
    ck_assert_str_eq(fixture_text("select (select count(*) from person_fact where source <> 1),"
                                  " (select count(*) from household_fact where source <> 1),"
                                  " (select count(*) from stranger_fact where source <> 1)"),
                     "3,3,2");
    ck_assert_str_eq(
        fixture_text("select (select string_agg(ref, ' ' order by ref) from person_fact_history),"
                     " (select string_agg(value::text, ' ') from household_fact_history),"
                     " (select string_agg(ref, ' ' order by ref) from stranger_fact_history)"),
        "\"D1 D2\",\"3 3\",\"D4 D5\"");
}
END_TEST

/* What a delta batch is compared with does not grow with the years: no other days than its own. */
START_TEST(delta_after_years)
{
    enum { YEARS = 10 };
    char csv[1024], name[16];
    take_way(_i);
    for (int year = 0; year < YEARS; year++) {
        snprintf(csv, sizeof csv,
                 HEADER ID_A ",,," PAID ",1.00,%d-06-01,%d-06-30,P\n" ID_A ",,," PAID
                             ",2.00,,%d-07-31,Q\n" ID_A ",,," PAID ",3.00,%d-08-01,,R\n" ID_X ",,陌生人," PAID
                             ",4.00,%d-06-01,%d-06-30,S\n" ID_B
                             ",,,event.accident,yes,%d-06-03,,\n,H1,,housing.grade,C,2001-01-01,%d-12-31,\n",
                 2001 + year, 2001 + year, 2001 + year, 2001 + year, 2001 + year, 2001 + year, 2001 + year,
                 2001 + year);
        snprintf(name, sizeof name, "y%d", year);
        put_feed("medical_insurance", name, csv, NULL);
        scan();
        /* of the same day there is the grade alone */
        ck_assert_int_eq(outcome_of(name)->facts_compared, year == 0 ? 0 : 1);
        ck_assert_int_eq(outcome_of(name)->facts_ended, year == 0 ? 0 : 1);
    }
    ck_assert_int_eq(fixture_int("select count(*) from person_fact"), 4 * YEARS);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact"), 1);

    /* one fact of each form is corrected, years later; and one says the same */
    put_feed("medical_insurance", "late",
             HEADER ID_A ",,," PAID ",1.10,2003-06-01,2003-06-30,P\n" ID_A ",,," PAID
                         ",2.20,,2003-07-31,Q\n" ID_A ",,," PAID ",3.30,2003-08-01,,R\n" ID_X ",,陌生人," PAID
                         ",4.40,2003-06-01,2003-06-30,S\n" ID_B
                         ",,,event.accident,no,2003-06-03,,\n,H1,,housing.grade,D,2001-01-01,,\n",
             NULL);
    scan();
    ck_assert_int_eq(outcome_of("late")->facts_ended, 6);
    ck_assert_int_le(outcome_of("late")->facts_compared, 7);
    ck_assert_str_eq(
        fixture_text("select ref, value from person_fact where value % 100 > 1 or value = 0 order by 1"),
        "\"\",0;P,110;Q,220;R,330");
    ck_assert_str_eq(
        fixture_text(
            "select value, (select value from household_fact) from stranger_fact where value % 100 <> 0"),
        "440,4");
    ck_assert_int_eq(fixture_int("select count(*) from person_fact"), 4 * YEARS);
    put_feed("medical_insurance", "none", HEADER, &(struct given){.rows = -1});
    scan();
    ck_assert_int_eq(outcome_of("none")->outcome, INGEST_ACCEPTED);
    ck_assert_int_eq(outcome_of("none")->facts_compared, 0);
}
END_TEST

/* --- while it is taken in --------------------------------------------------------------------------------------------- */

static void *scan_there(void *context)
{
    (void)context;
    scan();
    return NULL;
}

static void rename_over(const char *feed, const char *from, const char *to)
{
    char one[512], other[512];
    snprintf(one, sizeof one, "%s/%s/%s", drop_root, feed, from);
    snprintf(other, sizeof other, "%s/%s/%s", drop_root, feed, to);
    ck_assert_int_eq(rename(one, other), 0);
}

/* A file is read and its transaction waits, until resume(). */
struct pause {
    struct pg *other;
    pthread_t thread;
};

static struct pause scan_paused(void)
{
    struct pause pause = {.other = fixture_connect(NULL)};
    struct pg_result *result = NULL;
    must(pg_begin(pause.other, PG_READ_COMMITTED, &err));
    must(lease_lock(pause.other, LEASE_INGEST, 0, &err));
    ck_assert_int_eq(pthread_create(&pause.thread, NULL, scan_there, NULL), 0);
    int64_t waiting = 0;
    const int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (waiting == 0 && clock_monotonic_ms() < until_ms) {
        struct error why;
        ck_assert_int_eq(
            pg_query(pause.other,
                     "select count(*) from pg_stat_activity where datname = current_database() and"
                     " wait_event_type = 'Lock' and application_name = 'test'",
                     pg_params(), &result, &why),
            STATUS_OK);
        waiting = pg_get_int64(result, 0, 0);
        pg_result_free(result);
        usleep(1000);
    }
    ck_assert_int_eq(waiting, 1);
    return pause;
}

static void resume(struct pause *pause)
{
    pg_rollback(pause->other);
    pthread_join(pause->thread, NULL);
    pg_close(pause->other);
}

/* The sender puts another in its place. */
START_TEST(a_new_file_of_the_same_name_is_left)
{
    put_feed("medical_insurance", "june", HEADER ID_A ",,," PAID ",1.00,2021-06-01,,D1\n",
             &(struct given){.batch = "one"});
    struct pause pause = scan_paused();
    put_feed("medical_insurance", "new", HEADER ID_A ",,," PAID ",2.00,2021-06-01,,D2\n",
             &(struct given){.batch = "two"});
    rename_over("medical_insurance", "new.csv", "june.csv");
    resume(&pause);
    ck_assert_int_eq(outcome_of("june")->outcome, INGEST_ACCEPTED);
    ck_assert(file_is_there("%s/medical_insurance/june.csv", drop_root));
    ck_assert(!file_is_there("%s/medical_insurance/june.csv", archive_root));
    ck_assert(file_is_there("%s/medical_insurance/june.csv.manifest.json", archive_root));
    scan(); /* its manifest is not there yet */
    ck_assert_int_eq(outcome_of("june")->outcome, INGEST_WAITING);
    rename_over("medical_insurance", "new.csv.manifest.json", "june.csv.manifest.json");
    scan();
    ck_assert_msg(outcome_of("june")->outcome == INGEST_ACCEPTED, "%s", outcome_of("june")->reason);
    ck_assert_int_eq(value_of("D1"), 100);
    ck_assert_int_eq(value_of("D2"), 200);
    ck_assert(file_is_there("%s/medical_insurance/june~2.csv", archive_root));
    ck_assert(!file_is_there("%s/medical_insurance/june.csv", drop_root));
}
END_TEST

static void put_away(const char *file, bool away)
{
    char there[512], here[512];
    snprintf(there, sizeof there, "%s/medical_insurance/%s", archive_root, file);
    snprintf(here, sizeof here, "%s/medical_insurance/%s", drop_root, file);
    ck_assert_int_eq(away ? rename(here, there) : rename(there, here), 0);
}

/* Who led before took the file in, was frozen, and wakes up to put it away: both files (0), or the CSV so far (1). */
START_TEST(whoever_led_before_puts_it_away)
{
    put_feed("medical_insurance", "june", GOOD, NULL);
    scan();
    ck_assert_int_eq(outcome_of("june")->outcome, INGEST_ACCEPTED);
    put_away("june.csv", false);
    put_away("june.csv.manifest.json", false);
    struct pause pause = scan_paused();
    put_away("june.csv", true);
    if (_i == 0)
        put_away("june.csv.manifest.json", true);
    resume(&pause);
    ck_assert_int_eq(outcome_of("june")->outcome, _i == 0 ? INGEST_WAITING : INGEST_ARCHIVED);
    ck_assert_int_eq(fixture_int("select count(*) from batch where status = 'refused'"), 0);
    ck_assert(file_is_there("%s/medical_insurance/june.csv", archive_root));
    ck_assert(file_is_there("%s/medical_insurance/june.csv.manifest.json", archive_root));
    ck_assert(!file_is_there("%s/medical_insurance/june.csv.manifest.json", drop_root));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ingest");
    TCase *cases = tcase_create("ingest");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, source_fixture_register, source_fixture_drop);
    tcase_add_loop_test(cases, rows_find_their_subjects, 0, WAYS);
    tcase_add_loop_test(cases, delta_adds_and_supersedes, 0, WAYS);
    tcase_add_loop_test(cases, full_ends_what_is_absent, 0, WAYS);
    tcase_add_loop_test(cases, a_refused_row_ends_nothing, 0, WAYS);
    tcase_add_loop_test(cases, scan_keeps_the_order_of_sending, 0, WAYS);
    tcase_add_loop_test(cases, what_was_sent_later_stands, 0, WAYS);
    tcase_add_test(cases, without_a_manifest_it_waits);
    tcase_add_test(cases, a_manifest_alone_waits);
    tcase_add_test(cases, a_growing_file_waits);
    tcase_add_test(cases, a_folder_of_nobody);
    tcase_add_test(cases, killed_between_commit_and_archive);
    tcase_add_test(cases, stopped_before_the_commit);
    tcase_add_test(cases, the_archive_must_be_ours);
    tcase_add_test(cases, one_folder_does_not_hold_up_the_others);
    tcase_add_loop_test(cases, columns_of_their_own_in_gb18030, 0, WAYS);
    tcase_add_loop_test(cases, many_rows, 0, WAYS);
    tcase_add_loop_test(cases, delta_meets_what_is_live, 0, WAYS);
    tcase_add_loop_test(cases, delta_after_years, 0, WAYS);
    tcase_add_test(cases, a_new_file_of_the_same_name_is_left);
    tcase_add_loop_test(cases, whoever_led_before_puts_it_away, 0, 2);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
