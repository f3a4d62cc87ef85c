/* SPDX-License-Identifier: PostgreSQL */
/* A policy beside the feeds that are configured: what nobody can send, what a feed does not carry, what nobody reads. */
#include "config.h"

#include "policy/compile/supply.h"
#include "test_policy.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = FACT_CODE_NUMBER_MAX / 64 + 1 };

struct supplied {
    struct fixture fixture;
    struct policy_diagnostics warnings, notices;
    uint64_t codes[WORDS];
};

static void carry(struct supplied *s, const char *code)
{
    int number = dictionary_by_name(s->fixture.dictionary, slice_of(code))->number;
    s->codes[number / 64] |= UINT64_C(1) << number % 64;
}

static void open_policy(struct supplied *s)
{
    *s = (struct supplied){0};
    fixture_open(&s->fixture);
    char *text = after_prelude(
        "查 x 试\n  依据 甲 一\n  当 贫\n  且 存在(成员, 本年 自付 > 0)\n  且 存在(成员, 现有 学段)\n  理由 \"理\"\n");
    fixture_compile_good(&s->fixture, text, "supply");
    free(text);
}

static void check(struct supplied *s, const struct policy_feed *feeds, size_t count, bool whole)
{
    struct policy_supply supply = {
        .count = count, .feeds = feeds, .whole = whole, .folder = "/c/feeds.d", .drop = "/d"};
    ck_assert_int_eq(policy_check_supply(s->fixture.policy, &supply, s->fixture.arena, &s->warnings,
                                         &s->notices, &s->fixture.err),
                     STATUS_OK);
}

static int source(const char *name)
{
    return source_by_name(slice_of(name))->number;
}

static void expect(const struct policy_diagnostic *found, int line, int column, const char *text)
{
    ck_assert_msg(found->line == line && found->column == column && strcmp(found->text, text) == 0,
                  "%d:%d %s", found->line, found->column, found->text);
}

START_TEST(a_source_that_nobody_can_send)
{
    struct supplied s;
    open_policy(&s);
    const struct policy_feed feeds[] = {
        {.source = source("medical_insurance"), .name = "medical_insurance", .where = "/d/x"},
        {.source = source("tax"), .name = "tax", .where = "/d/y"}};
    check(&s, feeds, 2, true);
    ck_assert_uint_eq(s.warnings.count, 1);
    ck_assert_uint_eq(s.notices.count, 0);
    expect(
        &s.warnings.items[0], 4, 4,
        "来源“教育局”没有配置:没有 /d/education/ 或 /c/feeds.d/education.conf,谁也送不来它的数据;请让对方往那里送,或者删去这个来源");
    check(&s, feeds, 0, true);
    ck_assert_uint_eq(s.warnings.count, 3);
    check(&s, feeds, 0, false); /* it cannot be said who is missing */
    ck_assert_uint_eq(s.warnings.count, 0);
    fixture_close(&s.fixture);
}
END_TEST

/* The register is imported: it needs no feed. */
START_TEST(the_register_as_a_source)
{
    struct supplied s = {0};
    fixture_open(&s.fixture);
    char *text =
        after_prelude("来源 登记 register  时效 400天\n查 x 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n");
    fixture_compile_good(&s.fixture, text, "register");
    free(text);
    const struct policy_feed feeds[] = {{.source = source("tax"), .name = "tax", .where = "/d/y"}};
    check(&s, feeds, 1, true);
    ck_assert_uint_eq(s.warnings.count, 2); /* 医保局, 教育局 */
    ck_assert_int_eq(s.warnings.items[1].line, 4);
    fixture_close(&s.fixture);
}
END_TEST

START_TEST(a_fact_that_its_source_does_not_carry)
{
    struct supplied s;
    open_policy(&s);
    carry(&s, "income.wage");
    const struct policy_feed feeds[] = {
        {.source = source("medical_insurance"),
         .name = "medical_insurance",
         .where = "/c/m.conf",
         .codes = s.codes},
        {.source = source("education"), .name = "education", .where = "/c/e.conf", .codes = s.codes},
        {.source = source("tax"), .name = "tax", .where = "/c/t.conf", .codes = s.codes}};
    check(&s, feeds, 3, true);
    /* 学费 and 存款 are expected of nobody, or read by no clause: the register may bring the former. */
    ck_assert_uint_eq(s.warnings.count, 2);
    ck_assert_uint_eq(s.notices.count, 0);
    expect(
        &s.warnings.items[0], 18, 50,
        "“自付 expense.medical_self_paid”应由“医保局”提供,可是 /c/m.conf 里没有这个代码;请在那里加上,或者改这里的来源");
    expect(
        &s.warnings.items[1], 29, 30,
        "“学段 student.stage”应由“教育局”提供,可是 /c/e.conf 里没有这个代码;请在那里加上,或者改这里的来源");
    carry(&s, "expense.medical_self_paid");
    carry(&s, "student.stage");
    check(&s, feeds, 3, true);
    ck_assert_uint_eq(s.warnings.count, 0);
    fixture_close(&s.fixture);
}
END_TEST

START_TEST(a_feed_of_which_nothing_is_read)
{
    struct supplied s;
    open_policy(&s);
    carry(&s, "water.safe"); /* declared, and read by no clause */
    const struct policy_feed feeds[] = {
        {.source = source("water"), .name = "water", .where = "/c/w.conf", .codes = s.codes},
        {.source = source("housing"), .name = "housing", .where = "/d/housing"}}; /* may bring anything */
    check(&s, feeds, 2, false);
    ck_assert_uint_eq(s.notices.count, 1);
    expect(&s.notices.items[0], 1, 1,
           "“water”(/c/w.conf)送来的,这份政策一样也不读;请在政策里用上,或者停掉它");
    fixture_close(&s.fixture);
}
END_TEST

Suite *policy_supply_suite(void)
{
    Suite *suite = suite_create("policy supply");
    TCase *tcase = tcase_create("supply");
    tcase_add_test(tcase, a_source_that_nobody_can_send);
    tcase_add_test(tcase, the_register_as_a_source);
    tcase_add_test(tcase, a_fact_that_its_source_does_not_carry);
    tcase_add_test(tcase, a_feed_of_which_nothing_is_read);
    suite_add_tcase(suite, tcase);
    return suite;
}
