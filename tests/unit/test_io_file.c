/* SPDX-License-Identifier: PostgreSQL */
/* Files: bounds, whole writes, moves, listings, and errors that name path and reason. */
#include "config.h"

#include "cases.h"
#include "io/file.h"
#include "io_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static void set_up(void)
{
    folder = io_make_folder();
}

static void tear_down(void)
{
    io_remove_folder(folder);
}

static const char *in_folder(const char *name)
{
    return io_path(folder, name);
}

static void put(const char *name, const char *bytes)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(bytes, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_content(const char *name, const char *bytes)
{
    struct error err;
    struct text text;
    text_init(&text);
    io_ok(file_read(in_folder(name), 1 << 20, &text, &err), err);
    ck_assert_uint_eq(text.length, strlen(bytes));
    ck_assert(text.length == 0 || memcmp(text.bytes, bytes, text.length) == 0);
    text_fini(&text);
}

static void expect_error(const struct error *err, const char *path, const char *reason)
{
    ck_assert_msg(strstr(err->text, path) != NULL && strstr(err->text, reason) != NULL,
                  "\"%s\" lacks %s or %s", err->text, path, reason);
}

START_TEST(files_are_read_up_to_their_bound)
{
    struct error err;
    struct text text;
    text_init(&text);
    put("empty", "");
    put("ten", "0123456789");
    text_add_str(&text, "before:");
    io_ok(file_read(in_folder("ten"), 10, &text, &err), err); /* appended; exactly the bound */
    ck_assert_str_eq(text.bytes, "before:0123456789");
    text_clear(&text);
    ck_assert_int_eq(file_read(in_folder("ten"), 9, &text, &err), STATUS_REJECT);
    expect_error(&err, in_folder("ten"), "10 bytes, expected at most 9");
    io_ok(file_read(in_folder("empty"), 0, &text, &err), err);
    ck_assert_uint_eq(text.length, 0);
    text_fini(&text);

    char *large = malloc(100001);
    memset(large, 'L', 100000);
    large[100000] = '\0';
    put("large", large);
    expect_content("large", large);
    free(large);
}
END_TEST

START_TEST(what_is_no_file_is_refused_with_its_reason)
{
    struct error err;
    struct text text;
    text_init(&text);
    ck_assert_int_eq(file_read(in_folder("missing"), 10, &text, &err), STATUS_CONFIG);
    expect_error(&err, in_folder("missing"), strerror(ENOENT));
    ck_assert_int_eq(file_read(folder, 1 << 20, &text, &err), STATUS_CONFIG);
    expect_error(&err, folder, "not a regular file");
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    ck_assert_int_eq(file_read(in_folder("fifo"), 10, &text, &err), STATUS_CONFIG); /* and does not hang */
    expect_error(&err, in_folder("fifo"), "not a regular file");
    ck_assert_int_eq(file_read("/proc/self/status", 1 << 20, &text, &err),
                     STATUS_REJECT); /* says 0, holds more */
    expect_error(&err, "/proc/self/status", "grew while it was read");
    text_fini(&text);
}
END_TEST

START_TEST(secrets_tell_whether_others_may_read_them)
{
    static const struct {
        mode_t mode;
        bool exposed;
    } table[] = {{0600, false}, {0640, false}, {0644, true}, {0604, true}, {0660, false}};
    struct error err;
    struct text text;
    text_init(&text);
    put("key", "whsec_x");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool exposed = !table[i].exposed;
        ck_assert_int_eq(chmod(in_folder("key"), table[i].mode), 0);
        text_clear(&text);
        io_ok(file_read_secret(in_folder("key"), 100, &text, &exposed, &err), err);
        ck_assert_int_eq(exposed, table[i].exposed);
        ck_assert_str_eq(text.bytes, "whsec_x");
    }
    text_fini(&text);
}
END_TEST

/* Hidden ones too, but "." and "..". */
static int entries_of_folder(void)
{
    DIR *stream = opendir(folder);
    int entries = -2;
    while (readdir(stream) != NULL)
        entries++;
    closedir(stream);
    return entries;
}

START_TEST(writes_are_whole_or_not_there)
{
    struct error err;
    struct stat st;
    put("state", "old");
    ck_assert_int_eq(chmod(in_folder("state"), 0640), 0);
    ck_assert_int_eq(symlink("state", in_folder("link")), 0);
    io_ok(file_replace(in_folder("link"), "new", 3, &err), err);
    ck_assert_int_eq(lstat(in_folder("link"), &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    expect_content("state", "new");
    ck_assert_int_eq(stat(in_folder("state"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(file_replace(in_folder("nowhere/state"), "x", 1, &err), STATUS_CONFIG);
    expect_error(&err, in_folder("nowhere/state"), strerror(ENOENT));
    /* Where the target cannot be replaced, nothing is left beside it. */
    ck_assert_int_eq(mkdir(in_folder("taken"), 0700), 0);
    ck_assert_int_ne(file_replace(in_folder("taken"), "x", 1, &err), STATUS_OK);
    ck_assert_int_eq(entries_of_folder(), 3);
    /* A disk that is full (here: a limit on files' sizes): the old content stands. */
    struct rlimit limit, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 2;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum status status = file_replace(in_folder("state"), "newer", 5, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_ne(status, STATUS_OK);
    expect_error(&err, in_folder("state"), strerror(EFBIG));
    expect_content("state", "new");
    ck_assert_int_eq(entries_of_folder(), 3);
}
END_TEST

START_TEST(moves_replace_only_when_told_to)
{
    struct error err;
    put("a", "A");
    put("b", "B");
    ck_assert_int_eq(file_rename(in_folder("a"), in_folder("b"), false, &err), STATUS_REJECT);
    expect_error(&err, in_folder("b"), "exists");
    expect_content("b", "B");
    io_ok(file_rename(in_folder("a"), in_folder("b"), true, &err), err);
    expect_content("b", "A");
    io_ok(file_make_directory(in_folder("archive/2021/06"), 0750, &err), err);
    io_ok(file_rename(in_folder("b"), in_folder("archive/2021/06/b"), false, &err), err);
    expect_content("archive/2021/06/b", "A");
    ck_assert_int_eq(file_rename(in_folder("b"), in_folder("c"), false, &err), STATUS_CONFIG);
    expect_error(&err, in_folder("b"), strerror(ENOENT));
}
END_TEST

START_TEST(listings_are_sorted_by_bytes_and_bounded)
{
    static const char *const names[] = {"b.csv", "B.csv", "a.csv", "\xe5\x8c\xbb.csv", ".hidden", "a.csv.x"};
    static const char *const sorted[] = {"B.csv", "a.csv", "a.csv.x", "b.csv", "\xe5\x8c\xbb.csv"};
    struct error err;
    struct file_list list;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(names[i], "");
    io_ok(file_list_open(&list, folder, 5, &err), err);
    ck_assert_uint_eq(list.count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(list.names[i], sorted[i]);
    file_list_close(&list);
    ck_assert_int_eq(file_list_open(&list, folder, 4, &err), STATUS_REJECT);
    expect_error(&err, folder, "more than 4");
    ck_assert_uint_eq(list.count, 0);
    ck_assert_int_eq(file_list_open(&list, in_folder("missing"), 5, &err), STATUS_CONFIG);
    io_ok(file_make_directory(in_folder("none"), 0700, &err), err);
    io_ok(file_list_open(&list, in_folder("none"), 5, &err), err);
    ck_assert_uint_eq(list.count, 0);
    file_list_close(&list);
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    struct error err;
    struct file_info info;
    io_ok(file_make_directory(in_folder("a/b//c/"), 0750, &err), err);
    io_ok(file_make_directory(in_folder("a/b/c"), 0700, &err), err); /* there already */
    io_ok(file_stat(in_folder("a/b/c"), &info, &err), err);
    ck_assert(info.exists && info.is_directory && !info.is_file);
    put("file", "12345");
    io_ok(file_stat(in_folder("file"), &info, &err), err);
    ck_assert(info.exists && info.is_file && !info.is_directory);
    ck_assert_uint_eq(info.size_bytes, 5);
    ck_assert_int_le(llabs(info.modified_unix_ms - clock_unix_ms()), 60 * 1000);
    io_ok(file_stat(in_folder("file/x"), &info, &err), err);
    ck_assert(!info.exists);
    ck_assert_int_eq(file_make_directory(in_folder("file"), 0700, &err), STATUS_CONFIG);
    expect_error(&err, in_folder("file"), "not a folder");
    ck_assert_int_eq(file_make_directory(in_folder("file/x"), 0700, &err), STATUS_CONFIG);
    ck_assert_int_eq(file_make_directory("", 0700, &err), STATUS_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_file");
    TCase *all = tcase_create("file");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, files_are_read_up_to_their_bound);
    tcase_add_test(all, what_is_no_file_is_refused_with_its_reason);
    tcase_add_test(all, secrets_tell_whether_others_may_read_them);
    tcase_add_test(all, writes_are_whole_or_not_there);
    tcase_add_test(all, moves_replace_only_when_told_to);
    tcase_add_test(all, listings_are_sorted_by_bytes_and_bounded);
    tcase_add_test(all, folders_are_made_with_their_parents);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
