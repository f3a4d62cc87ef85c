/* SPDX-License-Identifier: PostgreSQL */
/* The archive: which number a name gets among many, and that only what was judged is moved. */
#include "config.h"

#include "cases.h"
#include "source/drop.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEED "housing"

static char root[64];
static char archive[80];
static struct drop_file file;
static struct error err;

static void write_at(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_at(const char *text, const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

/* What a file of the archive says; "" when it is not there. */
static const char *text_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *text_at(const char *format, ...)
{
    static char text[64];
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    text[0] = '\0';
    FILE *in = fopen(path, "rb");
    if (in) {
        text[fread(text, 1, sizeof text - 1, in)] = '\0';
        fclose(in);
    }
    return text;
}

static void setup(void)
{
    char folder[128];
    snprintf(root, sizeof root, "/tmp/test_drop.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(archive, sizeof archive, "%s/archive", root);
    snprintf(folder, sizeof folder, "%s/" FEED, root);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(drop_prepare(root, archive, FEED, &err), STATUS_OK);
    snprintf(folder, sizeof folder, "%s/" FEED "/x.csv", root);
    ck_assert_int_eq(drop_file_at(&file, folder, &err), STATUS_OK);
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)info, (void)flag, (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct drop_state put(const char *csv, const char *manifest)
{
    struct drop_state state;
    if (csv)
        write_at(csv, "%s", file.csv);
    if (manifest)
        write_at(manifest, "%s", file.manifest);
    ck_assert_int_eq(drop_look(&file, &state, &err), STATUS_OK);
    return state;
}

/* Another file under the same name, as a sender that renames makes it. */
static void replace(const char *path, const char *text)
{
    char beside[DROP_PATH_MAX + 8];
    snprintf(beside, sizeof beside, "%s.new", path);
    write_at(text, "%s", beside);
    ck_assert_int_eq(rename(beside, path), 0);
}

static void move(const struct drop_state *judged, bool refused)
{
    ck_assert_msg(drop_move(&file, judged, archive, FEED, refused, &err) == STATUS_OK, "%s", err.text);
}

static void fill_number(int number, bool csv, bool manifest)
{
    char tail[16] = "";
    if (number > 1)
        snprintf(tail, sizeof tail, "~%d", number);
    if (csv)
        write_at("old", "%s/" FEED "/refused/x%s.csv", archive, tail);
    if (manifest)
        write_at("{}", "%s/" FEED "/refused/x%s.csv" MANIFEST_SUFFIX, archive, tail);
}

/* Every count up to some, and one beyond what was once the limit. */
START_TEST(the_next_number)
{
    for (int count = 0; count < 1100; count++) {
        struct drop_state judged;
        if (count >= 36 && count < 1097) {
            fill_number(count + 1, true, true);
            continue;
        }
        judged = put("csv", "manifest");
        move(&judged, true);
        char tail[16] = "";
        if (count > 0)
            snprintf(tail, sizeof tail, "~%d", count + 1);
        ck_assert_str_eq(text_at("%s/" FEED "/refused/x%s.csv", archive, tail), "csv");
        ck_assert_str_eq(text_at("%s/" FEED "/refused/x%s.csv" MANIFEST_SUFFIX, archive, tail), "manifest");
        fill_number(count + 1, true, true);
    }
}
END_TEST

/* Cut off between the two moves: the manifest follows its CSV, whatever gaps an operator left. */
START_TEST(a_manifest_follows_its_csv)
{
    static const int gaps[] = {0, 1, 2, 5, 16, 23, 40};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (int number = 1; number <= 40; number++)
            fill_number(number, true, true);
        char path[512];
        for (int which = 0; which < 2 && gaps[g] > 0; which++) {
            snprintf(path, sizeof path, "%s/" FEED "/refused/x%s%.0d.csv%s", archive, gaps[g] > 1 ? "~" : "",
                     gaps[g] > 1 ? gaps[g] : 0, which ? MANIFEST_SUFFIX : "");
            ck_assert_msg(remove(path) == 0, "%s", path);
        }
        struct drop_state judged = put("csv", "manifest");
        bool half;
        ck_assert_int_eq(remove(file.manifest), 0);
        move(&judged, true);
        judged = put(NULL, "manifest");
        ck_assert_int_eq(drop_is_half_refused(&file, archive, FEED, &half, &err), STATUS_OK);
        ck_assert_msg(half, "with %d free", gaps[g]);
        move(&judged, true);
        ck_assert_int_eq(drop_is_half_refused(&file, archive, FEED, &half, &err), STATUS_OK);
        ck_assert(!half);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(another_csv_stays)
{
    struct drop_state judged = put("read", "manifest");
    replace(file.csv, "new!");
    move(&judged, false);
    ck_assert_str_eq(text_at("%s", file.csv), "new!");
    ck_assert_str_eq(text_at("%s", file.manifest), "");
    ck_assert_str_eq(text_at("%s/" FEED "/x.csv" MANIFEST_SUFFIX, archive), "manifest");
    ck_assert_str_eq(text_at("%s/" FEED "/x.csv", archive), "");
    /* The new one is whole, and finds its own place. */
    judged = put(NULL, "its own");
    move(&judged, false);
    ck_assert_str_eq(text_at("%s/" FEED "/x~2.csv", archive), "new!");
    ck_assert_str_eq(text_at("%s/" FEED "/x~2.csv" MANIFEST_SUFFIX, archive), "its own");
}
END_TEST

START_TEST(written_to_it_stays)
{
    struct drop_state judged = put("read", "manifest");
    write_at("more", "%s", file.csv); /* as long, the same inode */
    move(&judged, false);
    ck_assert_str_eq(text_at("%s", file.csv), "more");
    ck_assert_str_eq(text_at("%s/" FEED "/x.csv", archive), "");
}
END_TEST

START_TEST(both_stay)
{
    /* another manifest; a changed mode; both new */
    for (int what = 0; what < 3; what++) {
        struct drop_state judged = put("read", "manifest");
        if (what == 1)
            ck_assert_int_eq(chmod(file.csv, 0640), 0);
        else
            replace(file.manifest, "new one");
        if (what == 2)
            replace(file.csv, "new!");
        move(&judged, what == 1);
        ck_assert_str_eq(text_at("%s", file.csv), what == 2 ? "new!" : "read");
        ck_assert_str_eq(text_at("%s", file.manifest), what == 1 ? "manifest" : "new one");
    }
}
END_TEST

START_TEST(a_csv_that_was_not_judged_stays)
{
    struct drop_state judged = put(NULL, "manifest");
    put("late", NULL);
    move(&judged, false);
    ck_assert_str_eq(text_at("%s", file.csv), "late");
    ck_assert_str_eq(text_at("%s/" FEED "/x.csv" MANIFEST_SUFFIX, archive), "manifest");
}
END_TEST

/* Beyond a gap, too, the newest first; a name alone is not enough. */
START_TEST(what_is_archived_is_found)
{
    struct manifest manifest = {.batch = "b"};
    bool archived;
    for (int number = 1; number <= 300; number++)
        write_at("{}", "%s/" FEED "/x%s%.0d.csv" MANIFEST_SUFFIX, archive, number > 1 ? "~" : "",
                 number > 1 ? number : 0);
    ck_assert_int_eq(drop_is_archived(&file, archive, FEED, false, &manifest, &archived, &err), STATUS_OK);
    ck_assert(!archived);
    memset(manifest.sha256, '0', sizeof manifest.sha256 - 1);
    char json[512];
    snprintf(json, sizeof json,
             "{\"feed\":\"" FEED "\",\"batch\":\"b\",\"period_from\":\"2021-06-01\",\"period_to\":"
             "\"2021-06-30\",\"mode\":\"delta\",\"rows\":1,\"sha256\":\"%s\",\"sent_at\":"
             "\"2021-07-01T08:00:00+08:00\"}",
             manifest.sha256);
    write_at(json, "%s/" FEED "/x~77.csv" MANIFEST_SUFFIX, archive);
    ck_assert_int_eq(drop_is_archived(&file, archive, FEED, false, &manifest, &archived, &err), STATUS_OK);
    ck_assert(archived);
    manifest.batch[0] = 'c';
    ck_assert_int_eq(drop_is_archived(&file, archive, FEED, false, &manifest, &archived, &err), STATUS_OK);
    ck_assert(!archived);
    ck_assert_int_eq(drop_is_archived(&file, archive, FEED, false, NULL, &archived, &err), STATUS_OK);
    ck_assert(archived);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drop");
    TCase *cases = tcase_create("drop");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_next_number);
    tcase_add_test(cases, a_manifest_follows_its_csv);
    tcase_add_test(cases, another_csv_stays);
    tcase_add_test(cases, written_to_it_stays);
    tcase_add_test(cases, both_stay);
    tcase_add_test(cases, a_csv_that_was_not_judged_stays);
    tcase_add_test(cases, what_is_archived_is_found);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
