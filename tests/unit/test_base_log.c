/* SPDX-License-Identifier: PostgreSQL */
/* The log is read back from a file: what counts is the bytes that an operator's tools see. */
#include "config.h"

#include "test_base.h"

#include "base/log.h"
#include "base/text.h"
#include "cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static void open_log(bool journal)
{
    struct error err;
    snprintf(folder, sizeof folder, "/tmp/shouwang-log.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    ck_assert_msg(log_open(path, journal, &err) == STATUS_OK, "%s", err.text);
    log_set_level(LOG_LEVEL_DEBUG);
}

static void close_log(void)
{
    struct error err;
    ck_assert_int_eq(log_open(NULL, false, &err), STATUS_OK);
    unlink(path);
    rmdir(folder);
}

static size_t read_log(const char *from, char *out, size_t size)
{
    FILE *file = fopen(from, "r");
    ck_assert_ptr_nonnull(file);
    size_t length = fread(out, 1, size - 1, file);
    out[length] = '\0';
    fclose(file);
    return length;
}

/* What follows "time=… " of the only line. */
static const char *only_line(char *out, size_t size)
{
    size_t length = read_log(path, out, size);
    ck_assert_msg(length > 0 && strchr(out, '\n') == out + length - 1, "not one line: %s", out);
    out[length - 1] = '\0';
    ck_assert_msg(strncmp(out, "time=", 5) == 0, "%s", out);
    return strchr(out, ' ') + 1;
}

START_TEST(a_line_is_logfmt)
{
    char out[4096];
    open_log(false);
    log_event(LOG_DAEMON_START, log_int("round", 812), log_int("least", INT64_MIN), log_text("state", "open"),
              log_day("on", 18808), log_day("until", DAY_NONE), log_text("nothing", NULL));
    ck_assert_str_eq(only_line(out, sizeof out),
                     "level=notice event=daemon.start round=812 least=-9223372036854775808 state=open "
                     "on=2021-06-30 until=\"\" nothing=\"\"");
    close_log();
}
END_TEST

START_TEST(an_event_needs_no_fields)
{
    char out[4096];
    open_log(false);
    log_event(LOG_DAEMON_STOP);
    ck_assert_str_eq(only_line(out, sizeof out), "level=notice event=daemon.stop");
    close_log();
}
END_TEST

START_TEST(texts_are_escaped)
{
    static const struct {
        const char *text, *written;
    } cases[] = {{"plain-word_1.2/3:4", "plain-word_1.2/3:4"},
                 {"two words", "\"two words\""},
                 {"a=b", "\"a=b\""},
                 {"say \"no\"", "\"say \\\"no\\\"\""},
                 {"c:\\tmp", "\"c:\\\\tmp\""},
                 {"one\nlevel=alert event=forged", "\"one\\nlevel=alert event=forged\""},
                 {"a\tb\rc", "\"a\\tb\\rc\""},
                 {"\x1b[31mred\x7f", "\"\\u001b[31mred\\u007f\""},
                 {"\xC2\x9B"
                  "31m",
                  "\"\\u009b31m\""},
                 {"守望", "\"守望\""},
                 {"\xF0\x9F\x8F\xA0", "\"\xF0\x9F\x8F\xA0\""},
                 {"bad\xFF\xE5\xAE", "\"bad\\ufffd\\ufffd\\ufffd\""},
                 {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
                 {"\xEF\xBB\xBF"
                  "mark",
                  "\"\\ufeffmark\""},
                 {"\xE2\x80\xAE"
                  "txt",
                  "\"\\u202etxt\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[4096], expected[256];
        open_log(false);
        log_event(LOG_DAEMON_START, log_text("t", cases[i].text));
        snprintf(expected, sizeof expected, "level=notice event=daemon.start t=%s", cases[i].written);
        ck_assert_str_eq(only_line(out, sizeof out), expected);
        close_log();
    }
}
END_TEST

START_TEST(a_line_is_bounded_and_stays_logfmt)
{
    char out[8192], text[6000];
    for (size_t offset = 0; offset < 6; offset++) {
        /* Characters of three bytes, then escapes of two and six: the cut falls into none of them. */
        static const char *const unit[] = {"望", "\"", "\x01"};
        for (size_t kind = 0; kind < 3; kind++) {
            memset(text, 'a', offset);
            size_t at = offset, step = strlen(unit[kind]);
            for (; at + step < sizeof text; at += step)
                memcpy(text + at, unit[kind], step);
            text[at] = '\0';
            open_log(false);
            log_event(LOG_DAEMON_START, log_int("before", 1), log_text("t", text), log_int("after", 2));
            size_t length = read_log(path, out, sizeof out);
            ck_assert_uint_le(length, LOG_LINE_MAX);
            ck_assert_uint_gt(length, LOG_LINE_MAX - 16);
            ck_assert(utf8_valid(out, length));
            ck_assert_str_eq(out + length - 10, "\" cut=yes\n");
            ck_assert_ptr_null(strstr(out, "after"));
            if (kind == 1) /* the closing quote is no escaped one */
                ck_assert_uint_eq(
                    (size_t)(strrchr(out, '"') - (strstr(out, " t=\"") + 4) - (ptrdiff_t)offset) % 2, 0);
            close_log();
        }
    }
    /* A plain word or a number that does not fit is left out whole. */
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_log(false);
    log_event(LOG_DAEMON_START, log_int("before", 1), log_text("t", text));
    ck_assert_str_eq(only_line(out, sizeof out), "level=notice event=daemon.start before=1 cut=yes");
    close_log();
}
END_TEST

START_TEST(every_length_is_bounded)
{
    char out[8192], text[LOG_LINE_MAX + 64];
    for (size_t length = LOG_LINE_MAX - 160; length < LOG_LINE_MAX + 8; length++) {
        memset(text, ' ', length);
        text[length] = '\0';
        open_log(false);
        log_event(LOG_DAEMON_START, log_text("t", text), log_int("round", 123456));
        size_t got = read_log(path, out, sizeof out);
        ck_assert_uint_le(got, LOG_LINE_MAX);
        const char *end = strstr(out, "\" round=123456\n") ? "\" round=123456\n" : "\" cut=yes\n";
        ck_assert_str_eq(out + got - strlen(end), end);
        close_log();
    }
}
END_TEST

START_TEST(the_journal_gets_a_priority)
{
    char out[4096];
    open_log(true);
    log_event(LOG_DAEMON_READY);
    log_event(LOG_CONTROL_REQUEST, log_text("verb", "status"));
    read_log(path, out, sizeof out);
    ck_assert_str_eq(out,
                     "<5>level=notice event=daemon.ready\n<6>level=info event=control.request verb=status\n");
    close_log();
}
END_TEST

START_TEST(a_level_silences_what_lies_below)
{
    char out[4096];
    open_log(true);
    log_set_level(LOG_LEVEL_NOTICE);
    log_event(LOG_CONTROL_REQUEST);
    log_event(LOG_DAEMON_STOP);
    read_log(path, out, sizeof out);
    ck_assert_str_eq(out, "<5>level=notice event=daemon.stop\n");
    close_log();
}
END_TEST

START_TEST(a_rotated_log_goes_on_in_a_new_file)
{
    char out[4096], rotated[128];
    struct error err;
    open_log(true);
    log_event(LOG_DAEMON_START);
    snprintf(rotated, sizeof rotated, "%s.1", path);
    ck_assert_int_eq(rename(path, rotated), 0);
    log_event(LOG_DAEMON_READY);
    ck_assert_msg(log_reopen(&err) == STATUS_OK, "%s", err.text);
    log_event(LOG_DAEMON_STOP);
    read_log(rotated, out, sizeof out);
    ck_assert_str_eq(out, "<5>level=notice event=daemon.start\n<5>level=notice event=daemon.ready\n");
    read_log(path, out, sizeof out);
    ck_assert_str_eq(out, "<5>level=notice event=daemon.stop\n");
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0027, 0); /* not for others, not to be written by the group */
    unlink(rotated);
    close_log();
}
END_TEST

/* logrotate's copytruncate, and an operator's `> log`. */
START_TEST(a_truncated_log_goes_on_at_its_beginning)
{
    char out[4096];
    open_log(true);
    log_event(LOG_DAEMON_START);
    ck_assert_int_eq(truncate(path, 0), 0);
    log_event(LOG_DAEMON_STOP);
    ck_assert_uint_gt(read_log(path, out, sizeof out), 0);
    ck_assert_str_eq(out, "<5>level=notice event=daemon.stop\n");
    close_log();
}
END_TEST

START_TEST(a_log_that_cannot_be_opened_keeps_the_old)
{
    char out[4096];
    struct error err;
    open_log(true);
    ck_assert_int_eq(log_open("/nonexistent/folder/log", true, &err), STATUS_CONFIG);
    ck_assert_msg(strstr(err.text, "/nonexistent/folder/log") != NULL, "%s", err.text);
    log_event(LOG_DAEMON_STOP);
    read_log(path, out, sizeof out);
    ck_assert_str_eq(out, "<5>level=notice event=daemon.stop\n");
    close_log();
}
END_TEST

START_TEST(lost_lines_are_counted_and_reported)
{
    char out[4096];
    struct error err;
    ck_assert_int_eq(log_open("/dev/full", true, &err), STATUS_OK);
    log_event(LOG_DAEMON_START);
    log_event(LOG_DAEMON_READY);
    open_log(true);
    log_event(LOG_DAEMON_STOP);
    read_log(path, out, sizeof out);
    ck_assert_str_eq(out, "<3>level=error event=log.lost lines=2\n<5>level=notice event=daemon.stop\n");
    close_log();
}
END_TEST

START_TEST(an_error_is_one_field)
{
    char out[4096];
    struct error err;
    error_set(&err, STATUS_REJECT, "line 3: no date");
    open_log(false);
    log_event(LOG_DAEMON_STOP, log_error(&err));
    ck_assert_str_eq(only_line(out, sizeof out), "level=notice event=daemon.stop err=\"line 3: no date\"");
    close_log();
}
END_TEST

START_TEST(every_event_is_described)
{
    for (int id = 0; id < LOG_EVENT_COUNT; id++) {
        const struct log_event_info *info = log_event_info((enum log_event_id)id);
        ck_assert_uint_lt(strlen(info->name), 64);
        ck_assert_msg(strspn(info->name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(info->name),
                      "%s", info->name);
        ck_assert_uint_gt(strlen(info->meaning), 10);
        for (int other = 0; other < id; other++)
            ck_assert_str_ne(info->name, log_event_info((enum log_event_id)other)->name);
    }
}
END_TEST

Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *line = tcase_create("line");
    tcase_add_test(line, a_line_is_logfmt);
    tcase_add_test(line, an_event_needs_no_fields);
    tcase_add_test(line, texts_are_escaped);
    tcase_add_test(line, a_line_is_bounded_and_stays_logfmt);
    tcase_add_test(line, every_length_is_bounded);
    tcase_add_test(line, the_journal_gets_a_priority);
    tcase_add_test(line, a_level_silences_what_lies_below);
    tcase_add_test(line, an_error_is_one_field);
    suite_add_tcase(suite, line);
    TCase *file = tcase_create("file");
    tcase_add_test(file, a_rotated_log_goes_on_in_a_new_file);
    tcase_add_test(file, a_truncated_log_goes_on_at_its_beginning);
    tcase_add_test(file, a_log_that_cannot_be_opened_keeps_the_old);
    tcase_add_test(file, lost_lines_are_counted_and_reported);
    tcase_add_test(file, every_event_is_described);
    suite_add_tcase(suite, file);
    return suite;
}
