/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every place at which a policy's life allocates fails once: compiling, testing, running, explaining, asking what would change it,
 * showing, comparing, and telling what is wrong with it end with a clean error.
 */
#include "config.h"

#include "allocation.h"
#include "cases.h"
#include "policy/compile/supply.h"
#include "policy/policy.h"
#include "policy/tell/whatif.h"
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dictionary *dictionary;

static void open_dictionary(void)
{
    struct error err;
    dictionary = dictionary_new();
    ck_assert(dictionary != NULL && dictionary_add_base(dictionary, &err) == STATUS_OK);
}

/* One household with one person and one fact of code 0. */
static const uint8_t urban[1] = {0};
static const uint32_t person_begin[2] = {0, 1}, household_fact_begin[2] = {0, 0},
                      person_fact_begin[2] = {0, 1};
static const day_t birth[1] = {0};
static const struct policy_fact person_facts[1] = {{.value = 100, .from = 18700, .to = DAY_NONE}};
static const struct policy_block block = {.household_count = 1,
                                          .urban = urban,
                                          .person_begin = person_begin,
                                          .birth = birth,
                                          .household_fact_begin = household_fact_begin,
                                          .household_facts = person_facts,
                                          .person_fact_begin = person_fact_begin,
                                          .person_facts = person_facts};

/* A household too large for the sums to be proven, and one that comes after it. */
enum { MANY = POLICY_PERSONS_PER_HOUSEHOLD_MAX + 1 };
static const uint8_t two_rural[2];
static const day_t many_births[MANY + 1];
static const uint32_t many_begin[3] = {0, MANY, MANY + 1}, no_fact_begin[3], many_fact_begin[MANY + 2];
static const struct policy_block large = {.household_count = 2,
                                          .urban = two_rural,
                                          .person_begin = many_begin,
                                          .birth = many_births,
                                          .household_fact_begin = no_fact_begin,
                                          .person_fact_begin = many_fact_begin};

static enum status run_all(const struct policy *policy, struct arena *arena, struct error *err)
{
    struct policy_run *run = NULL;
    struct policy_outcome outcome, two[2];
    struct policy_explanation explanation;
    struct policy_changes changes;
    enum { DATE = 18800 };
    enum status status = policy_run_new(policy, DATE, &run, err);
    if (status == STATUS_OK)
        status = policy_run_evaluate(run, &block, &outcome, err);
    if (status == STATUS_OK)
        status = policy_run_evaluate(run, &large, two, err);
    if (status == STATUS_OK)
        status = policy_explain(run, &block, 0, arena, &explanation, err);
    if (status == STATUS_OK)
        status = policy_what_would_change(run, &block, 0, arena, &changes, err);
    policy_run_free(run);
    return status;
}

/* No feed at all, and one that brings nothing. */
static enum status supply_all(const struct policy *policy, struct arena *arena, struct error *err)
{
    static const uint64_t nothing[(FACT_CODE_NUMBER_MAX + 64) / 64];
    const struct policy_feed feeds[] = {
        {source_by_name(slice_of("tax"))->number, "tax", "tax.conf", nothing}};
    const struct policy_supply supply = {1, feeds, true, "feeds.d", "drop"};
    struct policy_diagnostics warnings, notices;
    return policy_check_supply(policy, &supply, arena, &warnings, &notices, err);
}

static enum status show_all(const struct policy *policy, const struct policy *other, struct arena *arena,
                            struct error *err)
{
    struct policy_differences differences;
    struct text page;
    text_init(&page);
    enum status status = policy_show(policy, &page, err);
    if (status == STATUS_OK)
        status = policy_show_html(policy, &page, err);
    text_fini(&page);
    if (status == STATUS_OK)
        status = policy_format(policy, &page, err);
    text_fini(&page);
    if (status == STATUS_OK)
        status = policy_diff(policy, other, arena, &differences, err);
    return status;
}

/* A part of a policy's life, from its compilation on; each part by itself, so that what came before is not done time and again. */
enum part { COMPILED, RUN, TESTED, MUTATED, SHOWN, TRIED, SUPPLIED, PARTS };
struct life {
    const char *bytes, *other; /* other: NULL, or what it is compared with */
    enum part part;
};

static enum status compile(const char *bytes, const char *trial, struct arena *arena, struct policy **policy,
                           struct error *err)
{
    struct policy_diagnostics diagnostics;
    return policy_compile_trial("p", bytes, strlen(bytes), dictionary, trial, arena, &diagnostics, policy,
                                err);
}

static enum status try_all(const struct life *life, const struct policy *policy, struct arena *arena,
                           struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < policy_trial_count(policy); i++) {
        struct policy *trial = NULL;
        status = compile(life->bytes, policy_trial_name(policy, i), arena, &trial, err);
        policy_free(trial);
    }
    return status;
}

static enum status live_in(const struct life *life, struct policy **policy, struct policy **other,
                           struct arena *arena, struct error *err)
{
    struct policy_test_result result;
    struct policy_mutation mutation;
    enum status status = compile(life->bytes, NULL, arena, policy, err);
    if (status == STATUS_OK && life->other != NULL)
        status = compile(life->other, NULL, arena, other, err);
    if (status != STATUS_OK)
        return status;
    switch (life->part) {
    case RUN:
        return run_all(*policy, arena, err);
    case TESTED:
        return policy_test(*policy, arena, &result, err);
    case MUTATED:
        return policy_mutate(*policy, arena, NULL, &mutation, err);
    case SHOWN:
        return show_all(*policy, *other != NULL ? *other : *policy, arena, err);
    case SUPPLIED:
        return supply_all(*policy, arena, err);
    case TRIED:
        return try_all(life, *policy, arena, err);
    default:
        return STATUS_OK;
    }
}

static enum status live(const struct life *life, struct error *err)
{
    struct policy *policy = NULL, *other = NULL;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = live_in(life, &policy, &other, arena, err);
    policy_free(other);
    policy_free(policy);
    arena_free(arena);
    return status;
}

/* Each place that allocates fails once. Returns how many there were. */
static int fail_each(const struct life *life, enum status whole, const char *where)
{
    struct error err = {.status = STATUS_OK};
    int n = -1;
    bool again;
    do {
        n++;
        allocation_fail_at_new_place();
        enum status status = live(life, &err);
        again = allocation_failed();
        ck_assert_msg(status == (again ? STATUS_FATAL : whole), "%s: place %d: status %s: %s", where, n,
                      status_name(status), err.text);
    } while (again);
    return n;
}

START_TEST(a_dictionary)
{
    struct error err;
    bool again;
    int n = 0;
    do {
        allocation_fail_at_new_place();
        dictionary = dictionary_new();
        enum status status = dictionary == NULL ? STATUS_FATAL : dictionary_add_base(dictionary, &err);
        again = allocation_failed();
        ck_assert_int_eq(status, again ? STATUS_FATAL : STATUS_OK);
        dictionary_free(dictionary);
        n++;
    } while (again);
    ck_assert_int_gt(n, 5);
}
END_TEST

/* Few mutants, so that making all of them time and again is quick; of each kind that allocates by itself. */
static const char small[] =
    "政策 小 版本 1 生效 2021-01-01\n文件 甲 \"试\"\n来源 税务 tax\n来源 人社局 hr_social_security\n"
    "标准 线 : 元/年/人 按 城乡\n  2021-01-01 起 至 2021-12-31 农村 48.00 城市 50.00 依据 甲 一\n"
    "  2022-01-01 起 农村 50.00 城市 52.00 依据 甲 二\n"
    "事实 工资 : 元 范围 0..100.00 取 income.wage 先 人社局\n事实 低保 : 是否 取 relief.dibao\n事实 证 : 是否 取 disability.certificate\n"
    "人群 成员 = 登记人员 中 非 现有 低保\n渐退 退 自 证\n  6月 当 农村 依据 甲 一\n"
    "查 c 试\n  依据 甲 一\n  无成员亦查\n  当 退 或 存在(登记人员, 近12月 不一致 工资 或 亲属 属于 (子, 女))\n  理由 \"理\"\n"
    "橙 o 试\n  依据 甲 一\n  生效 2021-01-01 至 2022-12-31\n  当 最大(成员, 近12月 工资) < 线\n  事由 收入\n  理由 \"低\"\n"
    "议 s 试\n  依据 甲 一\n  限于 等级 属于 (橙)\n  当 农村 或 计数(成员, 年龄 ≥ 60岁) > 1/2 × 3人\n  理由 \"理\"\n  金额 100.00元/户\n"
    "例 o 一 日期 2021-06-30 农村 人口 1 工资 47.99 得 橙 o 议 s 金额 100.00\n例 o 二 同上 工资 48.00 得 无 o\n"
    "例 o 三 同上 日期 2021-07-01 得 无 o\n"
    "等效 工资 \"0\" \"0.01\" 理由 \"试\"\n等效 工资 \"没有\" \"这样\" 理由 \"试\"\n等效 线 \"48.00\" \"47.99\" 理由 \"试\"\n";

START_TEST(a_good_policy)
{
    size_t length;
    int places = 0;
    open_dictionary();
    char *english = read_source("tests/cases/policy_english.policy", &length),
         *chinese = read_source("tests/cases/policy_mutants.policy", &length);
    for (int part = COMPILED; part < PARTS; part++) {
        if (part == MUTATED)
            continue;
        places += fail_each(&(struct life){english, part == SHOWN ? chinese : NULL, (enum part)part},
                            STATUS_OK, "english");
        places += fail_each(&(struct life){chinese, part == SHOWN ? english : NULL, (enum part)part},
                            STATUS_OK, "chinese");
    }
    ck_assert_int_gt(places, 250);
    ck_assert_int_gt(fail_each(&(struct life){small, NULL, MUTATED}, STATUS_OK, "mutants"), 50);
    free(english);
    free(chinese);
    dictionary_free(dictionary);
}
END_TEST

static void fail_cases(const char *name, int cells, enum status whole)
{
    open_dictionary();
    struct cases *cases = cases_open(name, cells);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;) {
        const char *snippet = row->cell[0].bytes;
        bool of_its_own = strncmp(snippet, "政策", strlen("政策")) == 0 ||
                          strncmp(snippet, "policy", 6) == 0 || case_is(row, cells - 1, "whole");
        char *text = of_its_own ? strdup(snippet) : after_prelude(snippet);
        fail_each(&(struct life){text, NULL, whole == STATUS_OK ? TESTED : COMPILED}, whole,
                  cases_where(cases));
        if (whole == STATUS_OK)
            fail_each(&(struct life){text, NULL, SHOWN}, whole, cases_where(cases));
        free(text);
    }
    cases_close(cases);
    dictionary_free(dictionary);
}

/* More steps than there is room for at first, and more text than is read. */
START_TEST(a_large_policy)
{
    size_t length;
    open_dictionary();
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    fail_each(&(struct life){text, NULL, COMPILED}, STATUS_OK, "shaanxi");
    free(text);
    text = calloc(1, POLICY_TEXT_MAX_BYTES + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, '#', POLICY_TEXT_MAX_BYTES + 1);
    ck_assert_int_gt(fail_each(&(struct life){text, NULL, COMPILED}, STATUS_CONFIG, "too large"), 0);
    free(text);
    dictionary_free(dictionary);
}
END_TEST

/* So many statements, after those that the other tests begin with. Every @ is the number. */
static char *repeated(const char *line, int count, const char *more)
{
    struct text text;
    char *prelude = after_prelude("");
    text_init(&text);
    text_add_str(&text, prelude);
    free(prelude);
    for (int i = 1; i <= count; i++) {
        for (const char *c = line; *c != '\0'; c++) {
            if (*c == '@')
                text_printf(&text, "%d", i);
            else
                text_add_char(&text, *c);
        }
    }
    text_add_str(&text, more);
    ck_assert(!text.failed);
    char *whole = strdup(text.bytes);
    text_fini(&text);
    return whole;
}

#define CLAUSE "查 x 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n"

/* More steps than there is room for at first; a trial with more mistakes than are kept. */
START_TEST(more_than_at_first)
{
    open_dictionary();
    char *steps = repeated("断 d@ = 收入 > @.00元/年/户\n", 400, CLAUSE),
         *mistakes = repeated("算 q@ : 元/年/户 = 收入 ÷ 除数\n", POLICY_DIAGNOSTICS_MAX + 10,
                              CLAUSE "试算 零\n  除数 = 0\n"),
         *with_divisor = malloc(strlen(mistakes) + 100);
    ck_assert_ptr_nonnull(with_divisor);
    const char *first = strstr(mistakes, "算 q1 ");
    sprintf(with_divisor, "%.*s设定 除数 : 比 = 2 依据 甲 一\n%s", (int)(first - mistakes), mistakes, first);
    ck_assert_int_gt(fail_each(&(struct life){steps, NULL, COMPILED}, STATUS_OK, "steps"), 0);
    ck_assert_int_gt(fail_each(&(struct life){with_divisor, NULL, COMPILED}, STATUS_CONFIG, "mistakes"), 0);
    free(steps);
    free(mistakes);
    free(with_divisor);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(policies_that_are_refused)
{
    fail_cases("policy_diagnostics.tsv", 5, STATUS_CONFIG);
}
END_TEST

START_TEST(clauses_of_all_kinds)
{
    fail_cases("policy_clauses.tsv", 2, STATUS_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy allocation");
    TCase *tcase = tcase_create("allocation");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, a_dictionary);
    tcase_add_test(tcase, a_good_policy);
    tcase_add_test(tcase, a_large_policy);
    tcase_add_test(tcase, more_than_at_first);
    tcase_add_test(tcase, policies_that_are_refused);
    tcase_add_test(tcase, clauses_of_all_kinds);
    suite_add_tcase(suite, tcase);
    return unit_run(&suite, 1);
}
