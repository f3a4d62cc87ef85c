/* SPDX-License-Identifier: PostgreSQL */
/* The option tables: every kind of mistake (tests/cases/config_errors.tsv), defaults, the sample, the comparison. */
#include "config.h" /* setenv */

#include "test_app.h"

#include "app/options.h"
#include "base/log.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base_conf[] = "[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = dbname=x\n"
                                "[policy]\nfile = p\n";
static const char base_township[] = "[endpoint]\nurl = https://a.example/hook\nsecret_file = s\n";

struct read {
    struct option_set set;
    struct options conf;
    struct township_options township;
    struct mistakes mistakes;
};

static void read_text(struct read *read, const struct option_table *table, const char *file, const char *text)
{
    *read = (struct read){0};
    mistakes_init(&read->mistakes);
    read->set.table = table;
    read->set.arena = arena_new(0);
    read->set.file = file;
    read->set.values = table == &options_table ? (void *)&read->conf : (void *)&read->township;
    option_set_read(&read->set, slice_of(text), &read->mistakes);
}

static void read_fini(struct read *read)
{
    mistakes_fini(&read->mistakes);
    arena_free(read->set.arena);
}

static void read_conf(struct read *read, const char *more)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%s", base_conf, more);
    read_text(read, &options_table, "shouwang.conf", text);
}

/* Lines against lines: an expected one that ends with '*' leaves the rest open (the words of another module). */
static bool lines_match(const char *found, const char *expected)
{
    while (*found && *expected) {
        size_t found_length = strcspn(found, "\n"), expected_length = strcspn(expected, "\n");
        bool open = expected_length > 0 && expected[expected_length - 1] == '*';
        size_t compared = open ? expected_length - 1 : expected_length;
        if (found_length < compared || (!open && found_length != compared) ||
            memcmp(found, expected, compared) != 0)
            return false;
        found += found_length + (found[found_length] == '\n');
        expected += expected_length + (expected[expected_length] == '\n');
    }
    return !*found && !*expected;
}

START_TEST(every_mistake_is_told_with_its_line)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    struct cases *cases = cases_open("config_errors.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        bool conf = case_is(row, 0, "conf") || case_is(row, 0, "bare");
        bool bare = case_is(row, 0, "bare") || case_is(row, 0, "township-bare");
        struct text text;
        struct read read;
        text_init(&text);
        if (!bare)
            text_add_str(&text, conf ? base_conf : base_township);
        text_add(&text, row->cell[1].bytes, row->cell[1].length);
        read_text(&read, conf ? &options_table : &township_table, conf ? "shouwang.conf" : "610922103.conf",
                  text.bytes);
        /* What does not fit together is looked for when each value is right. */
        if (conf && read.mistakes.count == 0)
            options_check(&read.conf, &read.set, &read.mistakes);
        const char *found = read.mistakes.lines.bytes ? read.mistakes.lines.bytes : "";
        ck_assert_msg(lines_match(found, row->cell[2].bytes), "%s: found\n%s", cases_where(cases), found);
        read_fini(&read);
        text_fini(&text);
    }
    cases_close(cases);
}
END_TEST

START_TEST(defaults_are_there_without_a_word)
{
    struct read read;
    read_conf(&read, "");
    ck_assert_uint_eq(read.mistakes.count, 0);
    const struct options *options = &read.conf;
    ck_assert_int_eq(options->county_code, 610922);
    ck_assert_str_eq(options->county_name, "示范县");
    ck_assert_int_eq(options->database_connect_timeout, 5000);
    ck_assert_int_eq(options->feeds_scan_interval, 30000);
    ck_assert_int_eq(options->delivery_expiry, INT64_C(3) * 86400 * 1000);
    ck_assert_int_eq(options->log_level, LOG_LEVEL_INFO);
    ck_assert(options->rounds_schedule.is_set);
    ck_assert_int_eq(options->rounds_limit.kind, ROUND_LIMIT_PERCENT);
    ck_assert_int_eq(round_limit_count(options->rounds_limit, 330000), 16500);
    ck_assert_int_eq(round_limit_count(options->rounds_limit, 1500), 1000);
    ck_assert(!options->delivery_plain_http);
    ck_assert_str_eq(options->http_listen, "127.0.0.1:8090");
    ck_assert_ptr_null(options->log_file);
    ck_assert_ptr_null(options->facts_dictionary);
    ck_assert_uint_eq(options->delivery_allow.count, 0);
    read_fini(&read);
}
END_TEST

START_TEST(values_are_read)
{
    struct read read;
    read_conf(&read, "[http]\nlisten = off\n[rounds]\nschedule = off ; by hand\nlimit = 12\n"
                     "[delivery]\nallow = 10.61.0.0/16, fd00::/8  127.0.0.1\nexpiry = 36h\nplain_http = yes\n"
                     "# a comment\n; another\n\n[log]\n  level\t=  warn  \r\n");
    ck_assert_msg(read.mistakes.count == 0, "%s", read.mistakes.lines.bytes);
    ck_assert_ptr_null(read.conf.http_listen);
    ck_assert(!read.conf.rounds_schedule.is_set);
    ck_assert_int_eq(read.conf.rounds_limit.kind, ROUND_LIMIT_COUNT);
    ck_assert_int_eq(read.conf.rounds_limit.value, 12);
    ck_assert_uint_eq(read.conf.delivery_allow.count, 3);
    ck_assert_int_eq(read.conf.delivery_expiry, INT64_C(36) * 3600 * 1000);
    ck_assert(read.conf.delivery_plain_http);
    ck_assert_int_eq(read.conf.log_level, LOG_LEVEL_WARN);
    read_fini(&read);
}
END_TEST

START_TEST(paths_begin_at_the_file_that_names_them)
{
    struct read read;
    read_text(&read, &township_table, "/etc/shouwang/townships.d/610922103.conf",
              "[endpoint]\nurl = https://a.example/\nsecret_file = s\nca_file = /etc/ssl/ca.pem\n");
    ck_assert_str_eq(read.township.secret_file, "/etc/shouwang/townships.d/s");
    ck_assert_str_eq(read.township.ca_file, "/etc/ssl/ca.pem");
    read_fini(&read);
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/shouwangd.service", 1);
    read_text(&read, &township_table, "conf",
              "[endpoint]\nurl = https://a.example/\nsecret_file = credential:a\n");
    ck_assert_str_eq(read.township.secret_file, "/run/credentials/shouwangd.service/a");
    read_fini(&read);
    unsetenv("CREDENTIALS_DIRECTORY");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    struct read read;
    char text[512];
    snprintf(text, sizeof text, "\xEF\xBB\xBF%s", base_conf);
    read_text(&read, &options_table, "shouwang.conf", text);
    ck_assert_uint_eq(read.mistakes.count, 0);
    read_fini(&read);
}
END_TEST

START_TEST(a_line_may_be_as_long_as_a_connection_string)
{
    struct read read;
    char more[1500] = "[feeds]\ndirectory = /";
    size_t length = strlen(more);
    memset(more + length, 'a', 1200);
    read_conf(&read, more);
    ck_assert_uint_eq(read.mistakes.count, 0);
    ck_assert_uint_eq(strlen(read.conf.feeds_directory), 1201);
    read_fini(&read);
}
END_TEST

START_TEST(changes_are_found_and_fixed_ones_kept)
{
    struct read before, after;
    read_conf(&before, "[http]\nlisten = 127.0.0.1:1\n[feeds]\nscan_interval = 1s\n");
    read_conf(&after,
              "[http]\nlisten = 127.0.0.1:2\n[feeds]\nscan_interval = 2s\n[state]\ndirectory = /tmp/other\n");
    size_t listen = option_index(&options_table, "http", "listen");
    size_t scan = option_index(&options_table, "feeds", "scan_interval");
    size_t level = option_index(&options_table, "log", "level");
    ck_assert(option_changed(&before.set, &after.set, listen));
    ck_assert(option_changed(&before.set, &after.set, scan));
    ck_assert(!option_changed(&before.set, &after.set, level));
    ck_assert(option_keep_fixed(&before.set, &after.set));
    read_fini(&before);
    ck_assert_str_eq(after.conf.http_listen, "127.0.0.1:1");
    ck_assert_str_eq(after.conf.state_directory, "/var/lib/shouwang");
    ck_assert_int_eq(after.conf.feeds_scan_interval, 2000);
    read_fini(&after);
}
END_TEST

START_TEST(secrets_are_not_shown)
{
    struct read read;
    read_conf(&read, "");
    ck_assert_str_eq(option_shown(&read.set, option_index(&options_table, "database", "conninfo")),
                     "(secret)");
    ck_assert_str_eq(option_shown(&read.set, option_index(&options_table, "log", "file")), "-");
    ck_assert_str_eq(option_shown(&read.set, option_index(&options_table, "log", "level")), "info");
    read_fini(&read);
}
END_TEST

static char *slurp(const char *path)
{
    struct text text;
    char part[4096];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != 0, "%s cannot be read", path);
    text_init(&text);
    for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;)
        text_add(&text, part, n);
    fclose(file);
    return text_take(&text);
}

START_TEST(the_sample_is_the_table)
{
    char path[4096];
    struct text sample;
    snprintf(path, sizeof path, "%s/conf/shouwang.conf", getenv("abs_top_srcdir"));
    char *file = slurp(path);
    text_init(&sample);
    option_print_sample(&options_table, options_heading, &sample);
    ck_assert_msg(
        strcmp(file, sample.bytes) == 0,
        "conf/shouwang.conf is not what the table says: shouwangd --print-config >conf/shouwang.conf");
    struct read read;
    read_text(&read, &options_table, "shouwang.conf", sample.bytes);
    ck_assert_msg(read.mistakes.count == 0, "%s", read.mistakes.lines.bytes);
    read_fini(&read);
    text_fini(&sample);
    free(file);
}
END_TEST

/* Every default and every example is good, and says no less than its comment. */
START_TEST(the_sample_is_good_with_everything_uncommented)
{
    const struct option_table *tables[] = {&options_table, &township_table};
    for (size_t t = 0; t < 2; t++) {
        struct text sample;
        struct read read;
        text_init(&sample);
        option_print_sample(tables[t], "", &sample);
        for (char *at = sample.bytes; (at = strstr(at, "\n#")); at += 2)
            if (at[2] != ' ')
                at[1] = ' ';
        read_text(&read, tables[t], "sample", sample.bytes);
        ck_assert_msg(read.mistakes.count == 0, "%s", read.mistakes.lines.bytes);
        for (size_t i = 0; i < tables[t]->count; i++)
            ck_assert_msg(read.set.lines[i] > 0, "%s is not in the sample", tables[t]->options[i].key);
        read_fini(&read);
        text_fini(&sample);
    }
}
END_TEST

START_TEST(the_manual_names_every_option)
{
    struct text manual;
    text_init(&manual);
    option_print_manual(&options_table, &manual);
    for (size_t i = 0; i < options_table.count; i++) {
        char item[128];
        snprintf(item, sizeof item, "\n.It Cm %s\n", options_table.options[i].key);
        ck_assert_ptr_nonnull(strstr(manual.bytes, item));
    }
    ck_assert_ptr_null(strstr(manual.bytes, "\n.\n"));
    text_fini(&manual);
}
END_TEST

START_TEST(more_mistakes_than_anybody_reads_are_counted)
{
    struct mistakes mistakes;
    struct error err;
    mistakes_init(&mistakes);
    ck_assert_int_eq(mistakes_verdict(&mistakes, &err), STATUS_OK);
    mistakes_add(&mistakes, "f", 3, "first");
    ck_assert_int_eq(mistakes_verdict(&mistakes, &err), STATUS_CONFIG);
    ck_assert_str_eq(err.text, "f:3: first");
    for (int i = 0; i < 200; i++)
        mistakes_add(&mistakes, "f", i, "more");
    ck_assert_uint_eq(mistakes.count, 201);
    ck_assert_int_eq(mistakes_verdict(&mistakes, &err), STATUS_CONFIG);
    ck_assert_str_eq(err.text, "f:3: first (and 200 more)");
    size_t lines = 0;
    for (const char *at = mistakes.lines.bytes; (at = strchr(at, '\n')); at++)
        lines++;
    ck_assert_uint_eq(lines, MISTAKES_MAX);
    mistakes_fini(&mistakes);
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_add_test(tcase, every_mistake_is_told_with_its_line);
    tcase_add_test(tcase, defaults_are_there_without_a_word);
    tcase_add_test(tcase, values_are_read);
    tcase_add_test(tcase, paths_begin_at_the_file_that_names_them);
    tcase_add_test(tcase, a_byte_order_mark_is_passed_over);
    tcase_add_test(tcase, a_line_may_be_as_long_as_a_connection_string);
    tcase_add_test(tcase, changes_are_found_and_fixed_ones_kept);
    tcase_add_test(tcase, secrets_are_not_shown);
    tcase_add_test(tcase, the_sample_is_the_table);
    tcase_add_test(tcase, the_sample_is_good_with_everything_uncommented);
    tcase_add_test(tcase, the_manual_names_every_option);
    tcase_add_test(tcase, more_mistakes_than_anybody_reads_are_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}
