/* SPDX-License-Identifier: PostgreSQL */
/* The language by its examples: conditions, clauses, the Shaanxi scheme, English, and policy_test itself. */
#include "config.h"

#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy_test_result run_examples(struct fixture *fixture)
{
    struct policy_test_result result;
    ck_assert_int_eq(policy_test(fixture->policy, fixture->arena, &result, &fixture->err), STATUS_OK);
    return result;
}

static void check_holds(struct fixture *fixture, const char *text, const char *where)
{
    fixture_compile_good(fixture, text, where);
    struct policy_test_result result = run_examples(fixture);
    ck_assert_msg(result.examples > 0, "%s: no examples", where);
    ck_assert_msg(result.failed == 0, "%s: %s", where,
                  result.failures.count > 0 ? result.failures.items[0].text : "?");
}

/* The condition as a check, and its negation as a tag (two checks would contradict each other): what one finds true the other
 * finds false. */
static void check_condition(struct fixture *fixture, const struct case_row *row, const char *where)
{
    const char *opposite = case_is(row, 2, "查") ? "无" : case_is(row, 2, "无") ? "签" : "未定";
    bool no_members = strstr(row->cell[1].bytes, "死亡 自 2021-06-30") != NULL &&
                      strstr(row->cell[1].bytes, "人口 1") != NULL;
    char clauses[4096];
    snprintf(clauses, sizeof clauses,
             "查 c 条件\n  依据 甲 一\n  当 %s\n  理由 \"理\"\n签 n 反面\n  依据 甲 一\n  当 非 (%s)\n  理由 "
             "\"理\"\n例 c 例 %s 得 %s c %s n\n",
             row->cell[0].bytes, row->cell[0].bytes, row->cell[1].bytes, row->cell[2].bytes,
             no_members ? "无" : opposite);
    char *text = after_prelude(clauses);
    check_holds(fixture, text, where);
    free(text);
}

START_TEST(conditions)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct cases *cases = cases_open("policy_conditions.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;)
        check_condition(&fixture, row, cases_where(cases));
    cases_close(cases);
    fixture_close(&fixture);
}
END_TEST

START_TEST(clauses)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct cases *cases = cases_open("policy_clauses.tsv", 2);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;) {
        char *text = after_prelude(row->cell[0].bytes);
        check_holds(&fixture, text, cases_where(cases));
        free(text);
    }
    cases_close(cases);
    fixture_close(&fixture);
}
END_TEST

START_TEST(shaanxi_holds_and_is_covered)
{
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    check_holds(&fixture, text, "shaanxi");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_msg(result.missing.count == 0, "%s",
                  result.missing.count > 0 ? result.missing.items[0].text : "");
    ck_assert_uint_ge(result.examples, 100);
    ck_assert_uint_eq(policy_clause_count(fixture.policy), 19);
    ck_assert_str_eq(policy_clause_at(fixture.policy, 1)->citation, "004 篇五 (一)分类预警");
    ck_assert_int_eq(policy_clause_at(fixture.policy, 1)->due_days, 3);
    ck_assert_str_eq(policy_clause_at(fixture.policy, 1)->referrals[0], "医保局");
    ck_assert_int_eq(policy_clause_on(fixture.policy, "orange.margin", DAY_NONE), 4);
    ck_assert_int_eq(policy_clause_on(fixture.policy, "orange", DAY_NONE), -1);
    ck_assert_str_eq(policy_statistic_name(fixture.policy, 0), "income_unknown");
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* The text with one part replaced; the part must be there. */
static char *replace(const char *text, const char *part, const char *by)
{
    const char *at = strstr(text, part);
    ck_assert_msg(at != NULL, "%s is not in the policy", part);
    size_t length = strlen(text) + strlen(by) + 1;
    char *changed = malloc(length);
    ck_assert_ptr_nonnull(changed);
    snprintf(changed, length, "%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
    return changed;
}

/* Examples that no change of the policy makes fail would prove nothing. */
START_TEST(shaanxi_examples_notice_changes)
{
    static const char *const changes[][2] = {
        {"当   人均收入 < 低保\n", "当   人均收入 ≤ 低保\n"},
        {"且   人均收入 ≥ 低保\n  且   扣减后人均 <", "且   人均收入 > 低保\n  且   扣减后人均 <"},
        {"且   扣减后人均 < 低收入线\n  事由 就学", "且   扣减后人均 ≤ 低收入线\n  事由 就学"},
        {"刚性支出 > 支出占比", "刚性支出 ≥ 支出占比"},
        {"刚性支出 > 大额支出", "刚性支出 ≥ 大额支出"},
        {"年收入 ≤ 骤减比", "年收入 < 骤减比"},
        {"近24月 至 近12月", "近25月 至 近13月"},
        {"近24月 至 近12月", "近23月 至 近11月"},
        {"= 3/2 ", "= 1.4999 "},
        {"= 7/10 ", "= 0.69999 "},
        {"大额支出   : 元/年/户 = 10000.00", "大额支出   : 元/年/户 = 10000.01"},
        {"大额自付   : 元/年/人 = 10000.00", "大额自付   : 元/年/人 = 10000.01"},
        {"农村 4830.00", "农村 4830.01"},
        {"城市 7320.00", "城市 7320.01"},
        {"限于 本年 末日有 收入申报 且 上年 末日有 收入申报", "限于 本年 末日有 收入申报"},
        {"年龄 ≥ 6岁", "年龄 > 6岁"},
        {"年龄 ≤ 15岁", "年龄 < 15岁"},
        {"人均收入 ≥ 低收入线\n  理由", "人均收入 > 低收入线\n  理由"},
        {"凭   含未知(刚性支出)", "当   含未知(刚性支出)"},
        {"凭   存在(成员 与 本户, 两年内", "当   存在(成员 与 本户, 两年内"},
        {"成员 与 本年亡故 与 本户", "成员 与 本户"},
        {"最新 残疾等级 ≤ 2", "最新 残疾等级 ≤ 1"},
        {"最新 残疾类别 属于 (5, 6)", "最新 残疾类别 属于 (6)"},
        {"= 7 且 未定", "= 7 且 未定 且 现有 重病"},
        {"取 income.wage  由", "取 income.wage 先"},
        {"等级 属于 (红, 橙)", "等级 属于 (红)"},
        {"  无成员亦查\n", ""},
        {"限于 在保 且 农村", "限于 在保"},
    };
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *changed = replace(text, changes[i][0], changes[i][1]);
        fixture_compile_good(&fixture, changed, changes[i][1]);
        struct policy_test_result result = run_examples(&fixture);
        ck_assert_msg(result.failed > 0, "no example notices that \"%s\" became \"%s\"", changes[i][0],
                      changes[i][1]);
        free(changed);
    }
    free(text);
    fixture_close(&fixture);
}
END_TEST

static bool told(const struct policy_diagnostics *diagnostics, const char *part)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        if (strstr(diagnostics->items[i].text, part) != NULL)
            return true;
    }
    return false;
}

START_TEST(failures_and_gaps_are_told)
{
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude("黄 y 试\n  依据 甲 一\n  当 人均 < 低保\n  事由 收入\n  理由 \"理\"\n"
                               "例 y 错 日期 2021-06-30 农村 人口 1 工资 6000.00 得 黄 y\n"
                               "例 y 对 日期 2021-06-30 农村 人口 1 工资 6000.00 得 无 y 无\n");
    fixture_compile_good(&fixture, text, "failures");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_uint_eq(result.examples, 2);
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_uint_eq(result.failures.count, 2);
    ck_assert_str_eq(result.failures.items[0].text, "例“y 错”应为黄色预警,实为无预警");
    ck_assert_str_eq(result.failures.items[1].text, "例“y 错”:y 应成立,实为不成立");
    /* on its line and a miss are there; a hit, a fen above, a fen below and an unknown are not */
    ck_assert_uint_eq(result.missing.count, 4);
    ck_assert(told(&result.missing, "多一分") && told(&result.missing, "少一分"));
    ck_assert(told(&result.missing, "没有成立的例") && told(&result.missing, "金额未知"));
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* An amount that comes out otherwise than the example says, at either end or both. */
START_TEST(amounts_that_differ_are_told)
{
    static const char *const told_of[] = {"s 的金额“补差”应为0.00..4500.01,实为0.00..4500.00",
                                          "s 的金额“补差”应为0.01..4500.00,实为0.00..4500.00",
                                          "s 的金额“补差”应为4500.00,实为0.00..4500.00",
                                          "s 的金额“补差”应为5999.99,实为6000.00"};
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude(
        "议 s 试\n  依据 甲 一\n  当 存在(成员, 现有 残疾证)\n  理由 \"理\"\n"
        "  金额 补差 = 低保 - 人均\n"
        "例 s 一 日期 2021-06-30 农村 人口 2 残疾证 工资 ? 工资 3000.00 得 议 s 金额 0.00..4500.00\n"
        "例 s 二 同上 得 议 s 金额 0.00..4500.01\n例 s 三 同上 得 议 s 金额 0.01..4500.00\n"
        "例 s 四 同上 得 议 s 金额 4500.00\n例 s 五 同上 工资 无 得 议 s 金额 5999.99\n"
        "例 s 六 同上 残疾证 无 得 议 s 金额 5999.99\n");
    fixture_compile_good(&fixture, text, "amounts");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_uint_eq(result.failed, 5);
    for (size_t i = 0; i < sizeof told_of / sizeof told_of[0]; i++)
        ck_assert_msg(told(&result.failures, told_of[i]), "nothing says %s", told_of[i]);
    /* That the last one does not fire is told, and no amount of it. */
    ck_assert_uint_eq(result.failures.count, 5);
    ck_assert_ptr_nonnull(strstr(result.failures.items[4].text, "s 应成立,实为不成立"));
    free(text);
    fixture_close(&fixture);
}
END_TEST

START_TEST(failures_are_told_in_english)
{
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("tests/cases/policy_english.policy", &length);
    char *changed = replace(text, "one fen below  date 2021-06-30 rural persons 1 stated wage 7199.99",
                            "one fen below  date 2021-06-30 rural persons 1 stated wage 7200.00");
    fixture_compile_good(&fixture, changed, "english");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_uint_eq(result.failures.count, 2);
    ck_assert_str_eq(result.failures.items[0].text,
                     "example \"o.poor one fen below\": expected orange, got none");
    ck_assert_str_eq(result.failures.items[1].text,
                     "example \"o.poor one fen below\": o.poor: expected fires, got does not fire");
    free(changed);
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* A date for which the policy has no value is refused as a round's would be, and said of each example. */
START_TEST(examples_behind_the_end_of_a_standard_are_told)
{
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude("标准 旧 : 元/年/人\n  2018-01-01 起 至 2021-12-31 5000.00 依据 甲 一\n"
                               "黄 y 试\n  依据 甲 一\n  当 人均 < 旧\n  事由 收入\n  理由 \"理\"\n"
                               "例 y 末日 日期 2021-12-31 农村 人口 1 工资 4999.99 得 黄 y\n"
                               "例 y 次日 日期 2022-01-01 农村 人口 1 工资 4999.99 得 黄 y\n");
    fixture_compile_good(&fixture, text, "ended");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_uint_eq(result.failures.count, 1);
    ck_assert_ptr_nonnull(strstr(result.failures.items[0].text, "y 次日"));
    ck_assert_ptr_nonnull(strstr(result.failures.items[0].text, "2022-01-01"));
    free(text);
    fixture_close(&fixture);
}
END_TEST

START_TEST(amounts_that_no_example_names_are_told)
{
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude("议 s 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n"
                               "  金额 一半 = 1/2 × 低保\n  金额 取暖 = 300.00元/户\n"
                               "例 s 一半 日期 2021-06-30 农村 人口 1 得 议 s 金额 一半 3000.00\n");
    fixture_compile_good(&fixture, text, "amounts");
    struct policy_test_result result = run_examples(&fixture);
    ck_assert_uint_eq(result.failed, 0);
    ck_assert(told(&result.missing, "没有写明金额“取暖”的例"));
    ck_assert(!told(&result.missing, "没有写明金额“一半”的例"));
    free(text);
    fixture_close(&fixture);
}
END_TEST

START_TEST(english)
{
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("tests/cases/policy_english.policy", &length);
    check_holds(&fixture, text, "english");
    ck_assert_uint_eq(run_examples(&fixture).missing.count, 0);
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* The prelude and one check, under the trial; its outcome for a household of one with such an income, on 2021-06-30. */
static bool fires_under(const char *trial, int64_t income_fen)
{
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude(
        "设定 占比 : 比 = 1/2 依据 甲 一\n查 x 试\n  依据 甲 一\n  当 人均 < 占比 × 低保\n  理由 \"理\"\n"
        "查 y 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n"
        "例 x 一 日期 2021-06-30 农村 人口 1 工资 1.00 得 查 x y\n"
        "试算 提线一成\n  低保 × 1.1\n  占比 = 3/5\n"
        "试算 定数\n  低保 = 农村 100.00 城市 200.00\n  停用 y\n");
    struct policy *policy = NULL;
    ck_assert_int_eq(policy_compile_trial("t", text, strlen(text), fixture.dictionary, trial, fixture.arena,
                                          &fixture.diagnostics, &policy, &fixture.err),
                     STATUS_OK);
    ck_assert_uint_eq(policy_trial_count(policy), 2);
    ck_assert_str_eq(policy_trial_name(policy, 1), "定数");
    if (trial == NULL || trial[0] == '\0')
        ck_assert_ptr_null(policy_trial(policy));
    else
        ck_assert_str_eq(policy_trial(policy), trial);
    ck_assert_uint_eq(policy_clause_count(policy), trial != NULL && strcmp(trial, "定数") == 0 ? 1 : 2);
    struct block_maker *maker = block_maker_new(policy);
    block_household(maker, false);
    block_person(maker, day_of("1980-01-01"));
    block_fact(maker, "income.wage", income_fen, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    struct policy_run *run = NULL;
    struct policy_outcome outcome;
    ck_assert_int_eq(policy_run_new(policy, day_of("2021-06-30"), &run, &fixture.err), STATUS_OK);
    ck_assert_int_eq(policy_run_evaluate(run, block_finish(maker), &outcome, &fixture.err), STATUS_OK);
    policy_run_free(run);
    block_maker_free(maker);
    policy_free(policy);
    free(text);
    fixture_close(&fixture);
    return (outcome.fired & 1) != 0;
}

static void check_refused(const char *trials, const char *message)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct policy *policy = NULL;
    char body[256];
    snprintf(body, sizeof body, "查 x 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n%s", trials);
    char *text = after_prelude(body);
    ck_assert_int_eq(policy_compile_trial("t", text, strlen(text), fixture.dictionary, "乙乙", fixture.arena,
                                          &fixture.diagnostics, &policy, &fixture.err),
                     STATUS_CONFIG);
    ck_assert_ptr_null(policy);
    ck_assert_str_eq(fixture.diagnostics.items[0].text, message);
    free(text);
    fixture_close(&fixture);
}

START_TEST(trials_change_what_they_say)
{
    ck_assert(fires_under(NULL, 299999) && !fires_under(NULL, 300000));             /* 1/2 of 6000.00 */
    ck_assert(fires_under("", 299999) && !fires_under("", 300000));                 /* no trial at all */
    ck_assert(fires_under("提线一成", 395999) && !fires_under("提线一成", 396000)); /* 3/5 of 6600.00 */
    ck_assert(fires_under("定数", 4999) && !fires_under("定数", 5000));             /* 1/2 of 100.00 */
    check_refused("试算 甲甲\n  倍数 = 2\n", "没有名为“乙乙”的试算;有:甲甲");
    check_refused("", "没有名为“乙乙”的试算;这个政策里没有试算");
}
END_TEST

START_TEST(shown_as_a_page)
{
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    fixture_compile_good(&fixture, text, "shaanxi");
    struct text page;
    text_init(&page);
    ck_assert_int_eq(policy_show(fixture.policy, &page, &fixture.err), STATUS_OK);
    static const char *const parts[] = {"# 陕西县级低收入人口监测\n",
                                        "### 红 red.rigid 刚性支出骤增\n\n依据 004 篇五 (一)分类预警\n",
                                        "- 凭 刚性支出 > 支出占比 × 年收入 或 刚性支出 > 大额支出\n",
                                        "- 某 成员\n  - 当 年龄 ≥ 6岁",
                                        "2021-01-01 起 农村 4830.00 城市 7320.00  〔依据 004 篇五 监测标准〕",
                                        "- 算 扣减后人均 : 元/年/人 = (年收入 - 刚性支出) ÷ 人口\n",
                                        "- 时段 上年 = 近24月 至 近12月\n",
                                        "- 人群 本年亡故 = 登记人员 中 本年 发生 死亡\n",
                                        "- 事由 灾害 当 存在(成员 与 本户, 本年 发生 受灾)\n",
                                        "- 转介 医保局 乡镇 办理 3天\n",
                                        "- 例 恰好一半"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(strstr(page.bytes, parts[i]) != NULL, "the page lacks \"%s\"", parts[i]);
    text_fini(&page);
    free(text);
    fixture_close(&fixture);
}
END_TEST

static void check_shown(struct fixture *fixture,
                        enum status (*show)(const struct policy *, struct text *, struct error *),
                        const char *const parts[], size_t count)
{
    struct text page;
    text_init(&page);
    ck_assert_int_eq(show(fixture->policy, &page, &fixture->err), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(strstr(page.bytes, parts[i]) != NULL, "the page lacks \"%s\"", parts[i]);
    text_fini(&page);
}

static int times(const char *page, const char *part)
{
    int count = 0;
    for (const char *at = page; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* Every anchor stands once, and every link leads to one. */
static void check_anchors(const char *page, const char *where)
{
    char wanted[512];
    int anchors = 0;
    for (const char *at = page; (at = strstr(at, " id=\"")) != NULL; at++, anchors++) {
        int length = (int)strcspn(at + 5, "\"") + 6;
        snprintf(wanted, sizeof wanted, "%.*s", length, at);
        ck_assert_msg(times(page, wanted) == 1, "%s: %s stands twice", where, wanted);
    }
    for (const char *at = page; (at = strstr(at, "<a href=\"#")) != NULL; at++) {
        int length = (int)strcspn(at + 10, "\"");
        snprintf(wanted, sizeof wanted, " id=\"%.*s\"", length, at + 10);
        ck_assert_msg(times(page, wanted) == 1, "%s: a link leads to %s", where, wanted);
    }
    ck_assert_int_gt(anchors, 10);
}

START_TEST(anchors_of_the_page)
{
    static const char *const shipped[] = {
        "conf/policies/shaanxi-county.policy", "conf/policies/shaanxi-county-classes.policy",
        "conf/policies/ningxia-special-care.policy", "tests/cases/policy_english.policy"};
    struct fixture fixture;
    struct text page;
    fixture_open(&fixture);
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        size_t length;
        char *text = read_source(shipped[i], &length);
        policy_free(fixture.policy);
        fixture.policy = NULL;
        fixture_compile_good(&fixture, text, shipped[i]);
        text_init(&page);
        ck_assert_int_eq(policy_show_html(fixture.policy, &page, &fixture.err), STATUS_OK);
        check_anchors(page.bytes, shipped[i]);
        text_fini(&page);
        free(text);
    }
    fixture_close(&fixture);
}
END_TEST

/* One anchor for each version of a clause, by its name and the day on which it begins, with the examples of its own days. */
START_TEST(versions_have_anchors_of_their_own)
{
    static const char clause[] = "%s r.a 试\n  依据 甲 一\n  %s\n  当 贫\n  事由 收入\n  理由 \"理\"\n";
    struct fixture fixture;
    struct text policy, page;
    text_init(&policy);
    text_init(&page);
    text_printf(&policy, clause, "红", "生效 2019-01-01 至 2020-12-31");
    text_printf(&policy, clause, "橙", "生效 2021-01-01 至 2021-12-31");
    text_printf(&policy, clause, "橙", "生效 2022-01-01");
    text_add_str(
        &policy,
        "查 red 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n"
        "例 r.a 头例 日期 2020-12-31 农村 人口 1 得 红 r.a 查 red\n例 r.a 次例 同上 日期 2021-06-30 得 橙 r.a\n"
        "例 r.a 三例 同上 日期 2022-01-01 得 橙 r.a\n例 r.a 四例 同上 工资 9000.00 得 无 r.a\n");
    char *text = after_prelude(policy.bytes);
    fixture_open(&fixture);
    fixture_compile_good(&fixture, text, "versions");
    ck_assert_int_eq(policy_show_html(fixture.policy, &page, &fixture.err), STATUS_OK);
    check_anchors(page.bytes, "versions");
    static const char *const expected[] = {
        "<article class=\"clause red\" id=\"clause-r-a-2019-01-01\">",
        "<article class=\"clause orange\" id=\"clause-r-a-2021-01-01\">",
        "<article class=\"clause orange\" id=\"clause-r-a-2022-01-01\">",
        "<article class=\"clause check\" id=\"clause-red\">",
        "<li><a href=\"#clause-r-a-2019-01-01\">试</a> <code>2019-01-01 至 2020-12-31</code></li>",
        "<li><a href=\"#clause-r-a-2022-01-01\">试</a> <code>2022-01-01</code></li>",
        "<li><a href=\"#clause-red\">试</a></li>",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(times(page.bytes, expected[i]) == 1, "the page lacks \"%s\":\n%s", expected[i],
                      page.bytes);
    ck_assert_int_eq(times(page.bytes, "<summary>例 1</summary>"), 2);
    ck_assert_int_eq(times(page.bytes, "<summary>例 2</summary>"), 1);
    for (const char *const *title =
             (const char *const[]){"r.a 头例", "r.a 次例", "r.a 三例", "r.a 四例", NULL};
         *title; title++)
        ck_assert_msg(times(page.bytes, *title + 4) == 1, "%s stands %d times", *title,
                      times(page.bytes, *title + 4));
    text_fini(&policy);
    text_fini(&page);
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* Every kind of statement is shown, as text and as a page. */
START_TEST(every_statement_is_shown)
{
    static const char *const text[] = {"- gradual_exit leaving: after aided ended",
                                       "  - within 12 months, when poor  [cite County rules 2020 article 10]",
                                       "- clear once it is denied and insurance has sent 2 more batches\n",
                                       "- clear when 3 consecutive rounds have denied it\n",
                                       "- valid for 12 months\n",
                                       "- amount once = 1/2 * dibao",
                                       "- dibao * 11/10",
                                       "- disable c.leaving",
                                       "may_not_clear",
                                       "last_24_months to last_12_months"};
    static const char *const html[] = {
        "<b>leaving</b> <span class=\"unit\"></span></div><div>After <a href=",
        "and insurance has sent 2 more batches</span><span>clear when 3 consecutive rounds have denied it</span>",
        "<span>valid for 12 months</span>",
        "<b>once</b> = ",
        "<h3>higher</h3>",
        "disable c.leaving</td>",
        "<a href=\"#trials\">",
        "last_24_months to last_12_months"};
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *policy = read_source("tests/cases/policy_english.policy", &length);
    fixture_compile_good(&fixture, policy, "english");
    check_shown(&fixture, policy_show, text, sizeof text / sizeof text[0]);
    check_shown(&fixture, policy_show_html, html, sizeof html / sizeof html[0]);
    free(policy);
    fixture_close(&fixture);
}
END_TEST

/* What may be left out, and signs that mean something in HTML. */
START_TEST(odd_statements_are_shown)
{
    static const char *const text[] = {"### 查 x \n",
                                       "- 生效 2021-01-01\n",
                                       "- 生效 2021-01-01 至 2021-12-31\n",
                                       "- 金额 100.00元/户",
                                       "2020-01-01 起 至 2020-12-31",
                                       "- 办理 3天",
                                       "近30日",
                                       "- 例 一 二(第 "};
    static const char *const html[] = {"<code>x</code>",
                                       "<span>生效 2021-01-01</span>",
                                       "<span>生效 2021-01-01 至 2021-12-31</span>",
                                       "&lt;一&gt; &amp; &#39;二&#39; 一",
                                       "<span>办理 3天</span>",
                                       "无成员亦查",
                                       "近30日",
                                       "}",
                                       "<var>收入</var>"};
    struct fixture fixture;
    fixture_open(&fixture);
    char *policy = after_prelude(
        "文件 乙 \"<一> & '二'\"\n标准 线 : 元/年/人\n  2018-01-01 起 1.00 依据 甲 一\n  2020-01-01 起 至 2020-12-31 2.00 依据 甲 一\n  2021-01-01 起 3.00 依据 甲 一\n"
        "时段 近来 = 近30日\n人群 老人 = 成员 中 年龄 ≥ 60岁\n"
        "查 x\n  依据 乙 一\n  生效 2021-01-01\n  无成员亦查\n  当 存在(登记人员, 至今 发生 死亡)\n  理由 \"死亡 }\"\n  办理 3天\n"
        "黄 y 试\n  依据 甲 一\n  生效 2021-01-01 至 2021-12-31\n  当 贫 依据 甲 二\n  事由 收入 当 农村\n  事由 其他\n  理由 \"{收入}\"\n"
        "议 s 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n  金额 100.00元/户 依据 甲 二\n"
        "例 y 一 二 日期 2021-06-30 农村\n  人口 1 工资 1.00\n  得 黄 y # 注\n例 y 日期 2021-06-30 农村 人口 1 得 黄 y");
    fixture_compile_good(&fixture, policy, "odd");
    check_shown(&fixture, policy_show, text, sizeof text / sizeof text[0]);
    check_shown(&fixture, policy_show_html, html, sizeof html / sizeof html[0]);
    free(policy);
    fixture_close(&fixture);
}
END_TEST

/* What stands between the words is not shown, and several things that a policy may go without. */
START_TEST(words_alone_are_shown)
{
    static const char *const text[] = {"- people both = members with registered\n",
                                       "- window lately = last_30_days\n",
                                       "35days, may_not_raise, may_clear\n",
                                       "- holds poor = income < 1.00yuan/year/household and not urban\n",
                                       "- when poor or urban\n",
                                       "- reason a #  b\n",
                                       "- floor * 2  it is\n  - 2020-01-01 since 7.00  [cite Rules one]\n",
                                       "- disable c.one One  [cite Rules one]\n"};
    static const char *const html[] = {
        "<a href=\"#d6\">members</a> with registered</div>",
        "<div>last_30_days</div>",
        "<td>may_not_raise</td><td>may_clear</td>",
        "<tr><td><a href=\"#d1\">floor</a> * 2</td>",
        "<td><div>2020-01-01 since 7.00 <span class=\"cite\">〔Rules one〕</span></div></td>",
        "<td>One <span class=\"cite\">〔Rules one〕</span></td>",
        "<li><code>first date 2021-06-30 rural persons 1 wage 2.00 expect check c.one</code></li>"};
    static const char policy[] =
        "policy small version 1 effective 2020-01-01\ndocument d \"Rules\"\n"
        "source tax tax may_not_raise may_clear\n"
        "standard floor : yuan\n  2020-01-01 since 7.00 cite d one\n"
        "setting share : ratio\n  2020-01-01 since 1/2 cite d one\n"
        "window year = last_12_months\nwindow lately = last_30_days\n"
        "fact wage : yuan range 0..100.00 take income.wage\n"
        "people members = registered\npeople both = members with registered\n"
        "compute income : yuan/year/household = sum(members, year wage)\n"
        "holds poor = income < 1.00yuan/year/household # very\n\tand not\r\n  urban\n"
        "check c.one One\n  cite d one\n  when (poor # or\n  or urban)\n  reason \"a #  b\"\n"
        "check c.two Two\n  cite d two\n  when poor\n  reason \"b\"\n"
        "trial higher\n  floor  *\t2 # twice\ntrial without\n  disable  c.one\n"
        "example c.one first date 2021-06-30 rural # who\n\n# what\n\tpersons 1 wage   2.00 expect check c.one # so\n\n";
    struct fixture fixture;
    struct text page;
    fixture_open(&fixture);
    fixture_compile_good(&fixture, policy, "small");
    check_shown(&fixture, policy_show, text, sizeof text / sizeof text[0]);
    check_shown(&fixture, policy_show_html, html, sizeof html / sizeof html[0]);
    text_init(&page);
    ck_assert_int_eq(policy_show_html(fixture.policy, &page, &fixture.err), STATUS_OK);
    ck_assert_int_eq(times(page.bytes, "<h3>setting</h3>"), 0); /* the only one has dates */
    ck_assert_int_eq(times(page.bytes, "very"), 0);
    ck_assert_int_eq(times(page.bytes, "twice"), 0);
    text_fini(&page);
    fixture_close(&fixture);
}
END_TEST

Suite *policy_examples_suite(void)
{
    Suite *suite = suite_create("policy examples");
    TCase *tcase = tcase_create("examples");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, conditions);
    tcase_add_test(tcase, clauses);
    tcase_add_test(tcase, shaanxi_holds_and_is_covered);
    tcase_add_test(tcase, shaanxi_examples_notice_changes);
    tcase_add_test(tcase, failures_and_gaps_are_told);
    tcase_add_test(tcase, amounts_that_differ_are_told);
    tcase_add_test(tcase, failures_are_told_in_english);
    tcase_add_test(tcase, examples_behind_the_end_of_a_standard_are_told);
    tcase_add_test(tcase, amounts_that_no_example_names_are_told);
    tcase_add_test(tcase, english);
    tcase_add_test(tcase, trials_change_what_they_say);
    tcase_add_test(tcase, shown_as_a_page);
    tcase_add_test(tcase, every_statement_is_shown);
    tcase_add_test(tcase, anchors_of_the_page);
    tcase_add_test(tcase, versions_have_anchors_of_their_own);
    tcase_add_test(tcase, odd_statements_are_shown);
    tcase_add_test(tcase, words_alone_are_shown);
    suite_add_tcase(suite, tcase);
    return suite;
}
