/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"
#include "source/feed_config.h"
#include "source/feed_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dictionary *base_dictionary(void)
{
    struct error err;
    struct dictionary *dictionary = dictionary_new();
    ck_assert_ptr_nonnull(dictionary);
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    return dictionary;
}

START_TEST(configurations)
{
    struct dictionary *dictionary = base_dictionary();
    struct cases *cases = cases_open("feed_configs.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct feed_config *config;
        struct error err;
        enum status status =
            feed_config_parse("f.conf", row->cell[1], row->cell[0].bytes, dictionary, &config, &err);
        const char *said = status == STATUS_OK ? "ok" : err.text;
        ck_assert_msg(case_is(row, 2, said), "%s: found %s", cases_where(cases), said);
        ck_assert(status == STATUS_OK || (status == STATUS_CONFIG && !config));
        feed_config_free(config);
    }
    cases_close(cases);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(what_is_kept)
{
    static const char text[] =
        "[feed]\nencoding = gb18030 ; a comment\ntitle = 医保中心\ncodes = expense.*\n"
        "allow_empty = yes\nschedule = monthly\n"
        "[map]\nid_number = 身份证号\nname = 姓名\n"
        "[fact.paid]\ncode = expense.medical_self_paid\nvalue = 自付 金额\nunit = fen\n"
        "from = 起\nto = 止\nref = 单据号\nas_of = 登记\ndate_format = YYYY/M/D | YYYYMMDD\n"
        "when = 状态=已 结算\n";
    struct dictionary *dictionary = base_dictionary();
    struct feed_config *config;
    struct error err;
    ck_assert_int_eq(feed_config_parse("f", slice_of(text), "medical_insurance", dictionary, &config, &err),
                     STATUS_OK);
    ck_assert_str_eq(config->name, "medical_insurance");
    ck_assert_int_eq(config->source, 1);
    ck_assert_str_eq(config->title, "医保中心");
    ck_assert_int_eq(config->encoding, ENCODING_GB18030);
    ck_assert(config->allow_empty && config->restricted && config->mapped);
    ck_assert_str_eq(config->schedule, "monthly");
    ck_assert(feed_config_allows(config, dictionary_by_name(dictionary, slice_of("expense.rent"))));
    ck_assert(!feed_config_allows(config, dictionary_by_name(dictionary, slice_of("water.safe"))));
    ck_assert_str_eq(config->id_column, "身份证号");
    ck_assert_ptr_null(config->household_column);
    ck_assert_uint_eq(config->fact_count, 1);
    const struct feed_fact_map *map = &config->facts[0];
    ck_assert_str_eq(map->code->name, "expense.medical_self_paid");
    ck_assert_str_eq(map->value, "自付 金额");
    ck_assert_ptr_null(map->constant);
    ck_assert(map->fen);
    ck_assert_uint_eq(map->date_format_count, 2);
    ck_assert_str_eq(map->date_formats[0], "YYYY/M/D");
    ck_assert_str_eq(map->date_formats[1], "YYYYMMDD");
    ck_assert_str_eq(map->when_column, "状态");
    ck_assert_str_eq(map->when_value, "已 结算");
    feed_config_free(config);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(without_configuration)
{
    struct feed_config *config;
    struct error err;
    ck_assert_int_eq(feed_config_default("emergency", &config, &err), STATUS_OK);
    ck_assert_int_eq(config->source, 6);
    ck_assert(!config->mapped && !config->restricted && !config->allow_empty);
    feed_config_free(config);
    ck_assert_int_eq(feed_config_default("river_office", &config, &err), STATUS_CONFIG);
    ck_assert_int_eq(feed_config_default("register", &config, &err), STATUS_CONFIG);
    ck_assert_int_eq(feed_config_default("../x", &config, &err), STATUS_CONFIG);
    ck_assert_ptr_null(config);
}
END_TEST

/* The examples that are shipped must load. */
START_TEST(shipped_examples)
{
    static const char *const names[] = {"medical_insurance", "disabled_federation"};
    struct dictionary *dictionary = base_dictionary();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[1024];
        const char *top = getenv("abs_top_srcdir");
        snprintf(path, sizeof path, "%s/conf/feeds.d/%s.native.conf.example", top ? top : ".", names[i]);
        FILE *file = fopen(path, "r");
        ck_assert_msg(file != NULL, "%s is missing", path);
        char bytes[8192];
        size_t length = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        struct feed_config *config;
        struct error err;
        ck_assert_msg(feed_config_parse(path, (struct slice){bytes, length}, names[i], dictionary, &config,
                                        &err) == STATUS_OK,
                      "%s", err.text);
        ck_assert(config->mapped);
        feed_config_free(config);
    }
    dictionary_free(dictionary);
}
END_TEST

START_TEST(files)
{
    struct dictionary *dictionary = base_dictionary();
    struct feed_config *config;
    struct error err;
    ck_assert_int_eq(feed_config_load("/nowhere/housing.conf", dictionary, &config, &err), STATUS_CONFIG);
    ck_assert_ptr_null(config);
    ck_assert_int_eq(feed_config_load("/nowhere/housing.ini", dictionary, &config, &err), STATUS_CONFIG);
    char folder[] = "/tmp/test_feed_config.XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/housing.conf", folder);
    FILE *file = fopen(path, "w");
    fputs("\xEF\xBB\xBF[feed]\r\nencoding = utf-8\r\n", file);
    fclose(file);
    ck_assert_msg(feed_config_load(path, dictionary, &config, &err) == STATUS_OK, "%s", err.text);
    ck_assert_int_eq(config->encoding, ENCODING_UTF8);
    feed_config_free(config);
    remove(path);
    remove(folder);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(dates)
{
    struct cases *cases = cases_open("feed_dates.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        day_t day;
        char text[CIVIL_TEXT_SIZE];
        const char *found =
            feed_date_parse(row->cell[0].bytes, row->cell[1], &day) ? civil_format(day, text) : "none";
        ck_assert_msg(case_is(row, 2, found), "%s: found %s", cases_where(cases), found);
    }
    cases_close(cases);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_config");
    TCase *tests = tcase_create("feed_config");
    tcase_add_test(tests, configurations);
    tcase_add_test(tests, what_is_kept);
    tcase_add_test(tests, without_configuration);
    tcase_add_test(tests, shipped_examples);
    tcase_add_test(tests, files);
    tcase_add_test(tests, dates);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
