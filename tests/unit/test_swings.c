/* SPDX-License-Identifier: PostgreSQL */
#include "round/swings.h"

#include "base/arena.h"
#include "cases.h"
#include "round/freshness.h"

#include <string.h>

static struct error err;

static size_t read_history(struct slice cell, int64_t *history)
{
    size_t count = 0;
    const char *at = cell.bytes, *end = cell.bytes + cell.length;
    while (at < end) {
        ck_assert_uint_lt(count, SWINGS_HISTORY_MOST);
        for (history[count] = 0; at < end && *at != ' '; at++)
            history[count] = history[count] * 10 + (*at - '0');
        count++;
        at += at < end;
    }
    return count;
}

START_TEST(usual_is_what_the_table_says)
{
    struct cases *cases = cases_open("swings.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        int64_t history[SWINGS_HISTORY_MOST], low = -1, high = -1;
        size_t count = read_history(row->cell[0], history);
        bool judged = swings_usual(history, count, (int)case_number(row, 1), &low, &high);
        ck_assert_msg(judged == !case_is(row, 2, "-"), "%s: %s", cases_where(cases), judged ? "yes" : "no");
        if (judged)
            ck_assert_msg(low == case_number(row, 2) && high == case_number(row, 3), "%s: %lld to %lld",
                          cases_where(cases), (long long)low, (long long)high);
    }
    cases_close(cases);
}
END_TEST

static const char policy_text_of_test[] = "政策 试 版本 1 生效 2019-01-01\n"
                                          "文件 甲 \"试\"\n"
                                          "来源 住建局 housing  波动 ≤ 6 倍中位差 按乡镇\n"
                                          "来源 水利局 water  波动 ≤ 6 倍中位差 按乡镇\n"
                                          "事实 房屋 : 代码 取 housing.grade\n"
                                          "事实 饮水 : 是否 取 water.safe\n"
                                          "事实 死亡 : 事件 取 event.death\n"
                                          "人群 成员 = 登记人员 中 非 至今 发生 死亡\n"
                                          "黄 yellow.housing 住房不安全\n"
                                          "  依据 甲 一\n"
                                          "  当 最新 房屋 属于 (C, D)\n"
                                          "  事由 住房\n"
                                          "  理由 \"住房\"\n"
                                          "黄 yellow.water 饮水不安全\n"
                                          "  依据 甲 一\n"
                                          "  当 最新 饮水 = 否\n"
                                          "  事由 饮水\n"
                                          "  理由 \"饮水\"\n";

START_TEST(what_is_unusable_or_swings_is_withheld)
{
    enum { HERE = 610922103, THERE = 610922104, HOUSING = 1 << 0, WATER = 1 << 1 };
    struct dictionary *dictionary = dictionary_new();
    struct arena *arena = arena_new(0);
    struct policy_diagnostics diagnostics;
    struct policy *policy;
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    ck_assert_msg(policy_compile("t", policy_text_of_test, sizeof policy_text_of_test - 1, dictionary, arena,
                                 &diagnostics, &policy, &err) == STATUS_OK,
                  "%s", err.text);
    int housing = policy_source_at(policy, 0)->number, water = policy_source_at(policy, 1)->number;
    ck_assert_int_eq(policy_source_at(policy, 0)->swing, 6);
    const struct pull_source_code pairs[] = {
        {housing, dictionary_by_name(dictionary, slice_of("housing.grade"))->number, 1},
        {water, dictionary_by_name(dictionary, slice_of("water.safe"))->number, 1}};
    const struct volume_swing items[] = {{.source = housing, .township = HERE},
                                         {.source = water, .township = THERE},
                                         {.source = housing, .township = THERE},
                                         {.source = water, .township = VOLUME_NO_TOWNSHIP}};
    struct rules rules;
    rules_init(&rules, policy, UINT64_MAX);
    ck_assert_uint_eq(rules_withheld(&rules, HERE), 0);
    struct swings swings = {3, items};
    ck_assert_int_eq(swings_withhold(&swings, policy, pairs, 2, arena, &rules, &err), STATUS_OK);
    ck_assert_uint_eq(rules_withheld(&rules, HERE), HOUSING);
    ck_assert_uint_eq(rules_withheld(&rules, THERE), HOUSING | WATER);
    ck_assert_uint_eq(rules_withheld(&rules, HERE - 1), 0);
    ck_assert_uint_eq(rules_withheld(&rules, THERE + 1), 0);
    ck_assert_uint_eq(rules_withheld(&rules, 0), 0); /* off the register */
    swings.count = 4;
    ck_assert_int_eq(swings_withhold(&swings, policy, pairs, 2, arena, &rules, &err), STATUS_OK);
    ck_assert_uint_eq(rules_withheld(&rules, HERE), HOUSING | WATER);
    ck_assert_uint_eq(rules_withheld(&rules, 0), WATER);
    struct volume_swing trusted[] = {items[0], items[1], items[2], items[3]};
    trusted[0].trusted = trusted[3].trusted = true;
    swings.items = trusted;
    rules_init(&rules, policy, UINT64_MAX);
    ck_assert_int_eq(swings_withhold(&swings, policy, pairs, 2, arena, &rules, &err), STATUS_OK);
    ck_assert_uint_eq(rules_withheld(&rules, HERE), 0);
    ck_assert_uint_eq(rules_withheld(&rules, THERE), HOUSING | WATER);
    struct unusable unusable[] = {{.source = housing}, {.source = water, .trusted = true}};
    ck_assert_uint_eq(freshness_unusable(policy, pairs, 2, unusable, 2), HOUSING);
    rules.unusable = HOUSING;
    ck_assert_uint_eq(rules_withheld(&rules, HERE), HOUSING);
    ck_assert_uint_eq(rules_withheld(&rules, 0), HOUSING);
    ck_assert_uint_eq(rules_swinging(&rules, HERE), 0);
    policy_free(policy);
    arena_free(arena);
    dictionary_free(dictionary);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("swings");
    TCase *tests = tcase_create("swings");
    tcase_add_test(tests, usual_is_what_the_table_says);
    tcase_add_test(tests, what_is_unusable_or_swings_is_withheld);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
