/* SPDX-License-Identifier: PostgreSQL */
/* policy_diff: what is said of a change, that nothing is said where nothing changed, and that order makes no difference. */
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The changes' lines, joined by |; free() it. */
static char *said(struct fixture *before, struct fixture *after)
{
    struct policy_differences differences;
    struct text text;
    text_init(&text);
    ck_assert_int_eq(policy_diff(before->policy, after->policy, before->arena, &differences, &before->err),
                     STATUS_OK);
    for (size_t i = 0; i < differences.count; i++)
        text_printf(&text, "%s%s", i == 0 ? "" : "|", differences.items[i].text);
    if (differences.count == 0)
        text_add_str(&text, "(none)");
    return text_take(&text);
}

/* Fails the test unless that is the whole of what is said. */
static void check_said(const char *before, const char *after, const char *wanted, const char *where)
{
    struct fixture fixtures[2];
    fixture_open(&fixtures[0]);
    fixture_open(&fixtures[1]);
    fixture_compile_good(&fixtures[0], before, where);
    /* its examples need not pass, but they name what there is */
    ck_assert_msg(fixture_compile(&fixtures[1], after, strlen(after)) == STATUS_OK, "%s: %s", where,
                  fixtures[1].err.text);
    char *told = said(&fixtures[0], &fixtures[1]);
    ck_assert_msg(strcmp(told, wanted) == 0, "%s: %s", where, told);
    free(told);
    fixture_close(&fixtures[1]);
    fixture_close(&fixtures[0]);
}

static void check_change(const struct case_row *row, const char *where)
{
    size_t length;
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    if (strstr(text, row->cell[0].bytes) == NULL) {
        free(text);
        text = read_source("tests/cases/policy_english.policy", &length);
    }
    const char *at = strstr(text, row->cell[0].bytes);
    ck_assert_msg(at != NULL, "%s: not in the policy", where);
    size_t size = strlen(text) + row->cell[1].length + 1;
    char *changed = malloc(size);
    ck_assert_ptr_nonnull(changed);
    snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, row->cell[1].bytes, at + row->cell[0].length);
    check_said(text, changed, row->cell[2].bytes, where);
    free(changed);
    free(text);
}

/* A policy needs a clause. */
static char *behind_prelude(const struct slice *lines)
{
    struct text text;
    text_init(&text);
    text_printf(&text, "查 there 有一条\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n%s", lines->bytes + 1);
    char *whole = after_prelude(text.bytes);
    text_fini(&text);
    return whole;
}

static void check_behind_prelude(const struct case_row *row, const char *where)
{
    char *before = behind_prelude(&row->cell[0]), *after = behind_prelude(&row->cell[1]);
    check_said(before, after, row->cell[2].bytes, where);
    free(before);
    free(after);
}

START_TEST(what_is_said)
{
    struct cases *cases = cases_open("policy_diffs.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;)
        (row->cell[0].bytes[0] == '+' ? check_behind_prelude : check_change)(row, cases_where(cases));
    cases_close(cases);
}
END_TEST

/* Two clauses and their examples change places, and one policy goes without the last clause. */
START_TEST(order_and_whole_clauses)
{
    static const char head[] =
        "政策 试 版本 1 生效 2021-01-01\n文件 甲 \"文\"\n事实 死亡 : 事件 取 event.death\n"
        "人群 成员 = 登记人员 中 非 至今 发生 死亡\n";
    static const char one[] = "查 c.one 一\n  依据 甲 一\n  当 农村\n  且 计数(成员) ≥ 2人\n  理由 \"理\"\n";
    static const char turned[] =
        "查 c.one 一\n  依据 甲 一\n  当 计数(成员) ≥ 2人\n  且 农村\n  理由 \"理\"\n";
    static const char two[] = "查 c.two 二\n  依据 甲 二\n  当 城市\n  理由 \"理\"\n";
    char a[2048], b[2048], c[2048], d[2048];
    struct fixture first, second, third, fourth;
    snprintf(a, sizeof a, "%s%s%s", head, one, two);
    snprintf(b, sizeof b, "%s%s%s", head, two, turned);
    snprintf(c, sizeof c, "%s%s", head, one);
    snprintf(d, sizeof d, "%s%s%s%s", head, one, "签", two + strlen("查"));
    fixture_open(&first);
    fixture_open(&second);
    fixture_open(&third);
    fixture_open(&fourth);
    fixture_compile_good(&fourth, d, "d");
    fixture_compile_good(&first, a, "a");
    fixture_compile_good(&second, b, "b");
    fixture_compile_good(&third, c, "c");
    char *told[] = {said(&first, &second), said(&first, &third), said(&third, &first), said(&first, &fourth)};
    ck_assert_str_eq(told[0], "(none)");
    ck_assert_str_eq(told[1], "去掉 查 c.two");
    ck_assert_str_eq(told[2], "增加 查 c.two");
    ck_assert_str_eq(told[3], "签 c.two:种类由“查”改为“签”");
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        free(told[i]);
    fixture_close(&fourth);
    fixture_close(&third);
    fixture_close(&second);
    fixture_close(&first);
}
END_TEST

Suite *policy_diff_suite(void)
{
    Suite *suite = suite_create("policy diff");
    TCase *tcase = tcase_create("diff");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, what_is_said);
    tcase_add_test(tcase, order_and_whole_clauses);
    suite_add_tcase(suite, tcase);
    return suite;
}
