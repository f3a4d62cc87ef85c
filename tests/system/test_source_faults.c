/* SPDX-License-Identifier: PostgreSQL */
/*
 * Feeds and the register when memory or the disk fails at any one place, against a real database. After each failure:
 * the database is as before or the batch is whole; each file lies in the drop folder or in the archive, once; the error
 * names what failed. Then everything works again, and one more scan brings the same end as if nothing had been.
 *
 * Memory: every allocation of a scan and of an import; system calls: every call, with every error that it may have
 * (tests/unit/faults.h). SHOUWANG_LONG=1 fails each one; otherwise a seeded sample of those that are many.
 */
#include "config.h"

#include "source_fixture.h"

#include "../unit/allocation.h"
#include "../unit/faults.h"
#include "base/random.h"
#include "source/manifest.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLE_MEMORY = 25, SAMPLE_DISK = 10, SEED = 20261122 };

static bool is_long(void)
{
    return getenv("SHOUWANG_LONG") != NULL;
}

/* --- what is failed, and how it went ------------------------------------------------------------------------------ */

static char conninfo[512]; /* known before anything fails: libcheck allocates */

/* kind NULL: the n-th allocation. */
struct fault {
    const struct fault_kind *kind;
    int n;
};

static void arm(const struct fault *fault)
{
    if (fault->kind != NULL)
        fault_at(fault->kind, fault->n);
    else
        allocation_fail_at(fault->n);
}

static bool disarm(const struct fault *fault)
{
    return fault->kind != NULL ? fault_happened() : allocation_failed();
}

static const char *describe(const struct fault *fault)
{
    static char text[5000];
    if (fault->kind == NULL)
        snprintf(text, sizeof text, "allocation %d", fault->n);
    else
        snprintf(text, sizeof text, "%s %d (%s %s)", fault->kind->name, fault->n, fault_call(), fault_path());
    return text;
}

/* The words of an error tell what failed: memory; or the reason, and the file or its folder. */
static void check_words(const struct fault *fault, enum status status)
{
    if (fault->kind == NULL) {
        ck_assert_msg(status == STATUS_FATAL && strstr(err.text, "memory") != NULL, "%s: %s: %s",
                      describe(fault), status_name(status), err.text);
        return;
    }
    ck_assert_msg(!fault->kind->passes, "%s: %s", describe(fault), err.text);
    ck_assert_msg(status == STATUS_RETRY || status == STATUS_CONFIG, "%s: %s: %s", describe(fault),
                  status_name(status), err.text);
    const char *slash = strrchr(fault_path(), '/');
    ck_assert_msg(strstr(err.text, slash != NULL ? slash + 1 : fault_path()) != NULL, "%s: %s",
                  describe(fault), err.text);
    ck_assert_msg(strstr(err.text, strerror(fault->kind->number)) != NULL, "%s: %s", describe(fault),
                  err.text);
}

/* Of allocations some depend on the length of numbers: the last may not come. */
static void check_it_came(const struct fault *fault, bool happened)
{
    ck_assert_msg(happened || (fault->kind == NULL && fault->n > 50), "%s did not come", describe(fault));
}

/* Runs `once` with every fault of a kind, or a sample of them; the count is that of a run without one. */
static void sweep(const struct fault_kind *kind, void (*once)(const struct fault *fault))
{
    struct fault fault = {.kind = kind, .n = 0};
    fixture_conninfo(NULL, conninfo);
    once(&fault); /* nothing fails; calls are counted */
    const int count = kind != NULL ? fault_count() : allocation_count();
    struct random random;
    random_seed(&random, SEED);
    const int sample = kind != NULL ? SAMPLE_DISK : SAMPLE_MEMORY;
    int left = count, wanted = is_long() || count < sample ? count : sample;
    for (fault.n = 1; fault.n <= count; fault.n++, left--) {
        if (random_below(&random, (uint64_t)left) >= (uint64_t)wanted)
            continue;
        wanted--;
        once(&fault);
    }
    if (kind == NULL)
        ck_assert_int_gt(count, 50);
}

/* --- feeds -------------------------------------------------------------------------------------------------------- */

static const char *const places[] = {"drop/medical_insurance",    "drop/housing",
                                     "archive/medical_insurance", "archive/medical_insurance/refused",
                                     "archive/housing",           "archive/housing/refused"};
enum { PLACES = sizeof places / sizeof *places };

static void put_files(void)
{
    put_feed("medical_insurance", "good",
             HEADER ID_A ",,王小明," PAID ",1.00,2021-06-01,,D1\n" ID_B ",,王五," PAID
                         ",2.00,2021-06-01,,D2\n" ID_X ",,陌生人," PAID ",4.00,2021-06-01,,D3\n"
                         ",H2,,housing.grade,C,2021-01-01,,\n"
                         "5.1E+17,,," PAID ",1,2021-06-02,,D4\n",
             NULL);
    put_feed("housing", "bad", HEADER ",H1,,housing.grade,D,2021-01-01,,\n", &(struct given){.rows = 7});
}

static int remove_file(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)info, (void)ftw;
    return flag == FTW_F ? remove(path) : 0;
}

/* As before the first feed came. */
static void start_again(void)
{
    nftw(drop_root, remove_file, 16, FTW_PHYS);
    nftw(archive_root, remove_file, 16, FTW_PHYS);
    fixture_sql("delete from person_fact where batch_id > 1; delete from household_fact where batch_id > 1;"
                "delete from stranger_fact; delete from quarantine where batch_id > 1;"
                "delete from batch where source <> 0; delete from audit where action like 'feed.%'");
}

static int copies_of(const char *name)
{
    int copies = 0;
    for (int i = 0; i < PLACES; i++)
        copies += file_is_there("%s/%s/%s", root, places[i], name);
    return copies;
}

static void check_files(const struct fault *fault)
{
    static const char *const names[] = {"good.csv", "good.csv" MANIFEST_SUFFIX, "bad.csv",
                                        "bad.csv" MANIFEST_SUFFIX};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(copies_of(names[i]) == 1, "%s: %s lies in %d places", describe(fault), names[i],
                      copies_of(names[i]));
}

static bool batch_is_whole(void)
{
    return strcmp(fixture_text("select rows_total, rows_stored, rows_quarantined, rows_stranger,"
                               " (select count(*) from person_fact p where p.batch_id = b.batch_id),"
                               " (select count(*) from household_fact p where p.batch_id = b.batch_id),"
                               " (select count(*) from stranger_fact p where p.batch_id = b.batch_id),"
                               " (select count(*) from quarantine p where p.batch_id = b.batch_id)"
                               " from batch b where source = 1 and status = 'accepted'"),
                  "5,3,1,1,2,1,1,2") == 0;
}

static enum status scan_once(void)
{
    struct pg *pg = NULL;
    enum status status = pg_connect(conninfo, "test", 10000, &pg, &err);
    if (status == STATUS_OK)
        status = ingest_scan(pg, &settings, NULL, NULL, &err);
    pg_close(pg);
    return status;
}

static void check_the_end(const struct fault *fault)
{
    enum status status = scan_once();
    ck_assert_msg(status == STATUS_OK, "%s, afterwards: %s", describe(fault), err.text);
    ck_assert_msg(batch_is_whole(), "%s: not accepted once and whole", describe(fault));
    check_files(fault);
    ck_assert_msg(file_is_there("%s/medical_insurance/good.csv", archive_root) &&
                      file_is_there("%s/medical_insurance/good.csv" MANIFEST_SUFFIX, archive_root) &&
                      file_is_there("%s/housing/refused/bad.csv", archive_root) &&
                      file_is_there("%s/housing/refused/bad.csv" MANIFEST_SUFFIX, archive_root),
                  "%s: not everything is in the archive", describe(fault));
}

static void scan_with(const struct fault *fault)
{
    char before[64], after[64];
    start_again();
    settings.small_rows =
        fault->n % 2 ? INT64_MAX : -1; /* with the keys of the file, or of the whole register */
    put_files();
    state(before);
    err.text[0] = '\0';
    arm(fault);
    enum status status = scan_once();
    bool happened = disarm(fault);
    if (fault->n == 0)
        ck_assert_msg(status == STATUS_OK, "%s", err.text);
    else
        check_it_came(fault, happened);
    state(after);
    ck_assert_msg(strcmp(before, after) == 0 || batch_is_whole(), "%s: neither as before nor whole",
                  describe(fault));
    check_files(fault);
    if (status != STATUS_OK)
        check_words(fault, status);
    if (happened && fault->kind != NULL && strstr(fault_path(), "/housing"))
        ck_assert_msg(batch_is_whole(), "%s: it held up another feed: %s", describe(fault), err.text);
    check_the_end(fault);
}

START_TEST(a_scan_whose_memory_fails)
{
    sweep(NULL, scan_with);
}
END_TEST

START_TEST(a_scan_whose_disk_fails)
{
    for (size_t i = 0; i < fault_kind_count; i++)
        sweep(&fault_kinds[i], scan_with);
}
END_TEST

/* --- the register ------------------------------------------------------------------------------------------------- */

static int snapshots;

/* Another register each time: one comes, one goes, one moves, one has another name. */
static void write_snapshot(void)
{
    char households[512], persons[512], facts[512];
    int n = ++snapshots;
    snprintf(households, sizeof households,
             "household_no,township_code,village_code,area,address\n"
             "H1,610922100,610922100001,rural,城关镇一村%d号\nN%d,610922101,610922101002,urban,二街\n",
             n, n);
    snprintf(persons, sizeof persons,
             "household_no,id_number,name,kinship,labour\n"
             "%s," ID_A ",王小%s,02,full\nH1," ID_B ",李四,10,\nN%d,5.1E+17,赵六,02,weak\n",
             n % 2 ? "H1" : "N", n % 2 ? "明" : "朋", n);
    snprintf(facts, sizeof facts,
             "household_no,id_number,code,value,from,to,ref,as_of\n"
             ",%s,income.wage,%d.50,2020-07-01,2021-06-30,W1,\nH1,,housing.grade,C,2020-01-01,,,\n",
             ID_B, n);
    put_register(households, persons, facts);
}

static enum status import_once(void)
{
    struct pg *pg = NULL;
    struct import_result result;
    struct import_settings import = {.dictionary = dictionary, .allow_shrink = true, .actor = "test"};
    char folder[128];
    snprintf(folder, sizeof folder, "%s/register", root);
    if (!civil_parse(slice_of("2021-07-31"), &import.today))
        return STATUS_FATAL;
    enum status status = pg_connect(conninfo, "test", 10000, &pg, &err);
    if (status == STATUS_OK)
        status = import_directory(pg, &import, folder, &result, &err);
    pg_close(pg);
    return status;
}

static void import_with(const struct fault *fault)
{
    char before[64], after[64];
    write_snapshot();
    state(before);
    err.text[0] = '\0';
    arm(fault);
    enum status status = import_once();
    bool happened = disarm(fault);
    check_it_came(fault, happened || fault->n == 0);
    state(after);
    if (status != STATUS_OK) {
        ck_assert_msg(strcmp(before, after) == 0, "%s: the register has changed", describe(fault));
        check_words(fault, status);
        status = import_once();
    }
    ck_assert_msg(status == STATUS_OK, "%s, afterwards: %s", describe(fault), err.text);
    ck_assert_msg(fixture_int("select count(*) from household where valid_to is null") == 2 &&
                      fixture_int("select count(*) from person_fact where ref = 'W1'") == 1 &&
                      fixture_int("select value from person_fact where ref = 'W1'") == snapshots * 100 + 50,
                  "%s: the register is not that of snapshot %d", describe(fault), snapshots);
}

START_TEST(an_import_whose_memory_fails)
{
    sweep(NULL, import_with);
}
END_TEST

START_TEST(an_import_whose_disk_fails)
{
    for (size_t i = 0; i < fault_kind_count; i++)
        sweep(&fault_kinds[i], import_with);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source faults");
    TCase *cases = tcase_create("faults");
    tcase_set_timeout(cases, 3600);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, source_fixture_register, source_fixture_drop);
    tcase_add_test(cases, a_scan_whose_memory_fails);
    tcase_add_test(cases, a_scan_whose_disk_fails);
    tcase_add_test(cases, an_import_whose_memory_fails);
    tcase_add_test(cases, an_import_whose_disk_fails);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
