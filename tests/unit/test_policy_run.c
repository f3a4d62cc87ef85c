/* SPDX-License-Identifier: PostgreSQL */
/* Runs: dates, limits, batches; and that a household's outcome depends on nothing but the household. */
#include "config.h"

#include "base/random.h"
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_shaanxi(struct fixture *fixture)
{
    size_t length;
    fixture_open(fixture);
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    fixture_compile_good(fixture, text, "shaanxi");
    free(text);
}

static struct policy_run *run_on(struct fixture *fixture, const char *date)
{
    struct policy_run *run = NULL;
    enum status status = policy_run_new(fixture->policy, day_of(date), &run, &fixture->err);
    ck_assert_msg(status == STATUS_OK, "%s", fixture->err.text);
    return run;
}

START_TEST(dates_that_the_policy_knows)
{
    struct fixture fixture;
    struct policy_run *run;
    open_shaanxi(&fixture);
    ck_assert_int_eq(policy_run_new(fixture.policy, day_of("2020-12-31"), &run, &fixture.err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture.err.text, "2021-01-01"));
    ck_assert_ptr_null(run);
    ck_assert_int_eq(policy_run_new(fixture.policy, DAY_MAX + 1, &run, &fixture.err), STATUS_CONFIG);
    ck_assert_ptr_null(run);
    ck_assert_int_eq(policy_run_new(fixture.policy, DAY_MAX, &run, &fixture.err), STATUS_OK);
    policy_run_free(run);
    run = run_on(&fixture, "2021-01-01");
    policy_run_free(run);
    policy_run_free(NULL);

    char *text = after_prelude("标准 线 : 元/年/人\n  2019-01-01 起 至 2020-12-31 1.00 依据 甲 一\n查 x 试\n "
                               " 依据 甲 一\n  当 人均 < 线\n  理由 \"理\"\n");
    fixture_compile_good(&fixture, text, "ended");
    free(text);
    policy_run_free(run_on(&fixture, "2020-12-31"));
    ck_assert_int_eq(policy_run_new(fixture.policy, day_of("2021-01-01"), &run, &fixture.err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture.err.text, "线"));
    fixture_close(&fixture);
}
END_TEST

/* Every amount at the end of its range, for the greatest household: the sums are exact and nothing wraps. */
START_TEST(greatest_amounts)
{
    struct fixture fixture;
    fixture_open(&fixture);
    char *text = after_prelude("查 x 试\n  依据 甲 一\n  当 收入 = 4096000000.00元/年/户\n  理由 \"理\"\n"
                               "查 y 试\n  依据 甲 一\n  当 收入 ≥ 4096000000.00元/年/户\n  且 收入 > "
                               "2047999999.99元/年/户 × 2\n  理由 \"理\"\n");
    fixture_compile_good(&fixture, text, "greatest");
    free(text);
    struct policy_run *run = run_on(&fixture, "2021-06-30");
    struct policy_outcome outcome;
    struct block_maker *maker = block_maker_new(fixture.policy);
    block_household(maker, false);
    for (int i = 0; i < 16; i++) {
        block_person(maker, DAY_NONE);
        for (int f = 0; f < POLICY_FACTS_PER_HOUSEHOLD_MAX / 16; f++)
            block_fact(maker, "income.wage", 100000000, day_of("2021-06-30"), DAY_NONE, SOURCE_REGISTER, 1);
    }
    ck_assert_int_eq(policy_run_evaluate(run, block_finish(maker), &outcome, &fixture.err), STATUS_OK);
    ck_assert_uint_eq(outcome.fired, 3);
    block_maker_free(maker);
    policy_run_free(run);
    fixture_close(&fixture);
}
END_TEST

/* --- large households ------------------------------------------------------------------------------------------------ */

/* Evaluated between two neighbours, which must come out as they do alone; explained alike. */
static struct policy_outcome evaluate_between(struct fixture *fixture,
                                              void (*fill)(struct block_maker *, int), int size,
                                              struct policy_large *large)
{
    struct policy_outcome outcomes[3];
    struct policy_explanation explanation;
    struct policy_run *run = run_on(fixture, "2021-06-30");
    struct block_maker *maker = block_maker_new(fixture->policy);
    for (int h = 0; h < 3; h++) {
        block_household(maker, false);
        if (h == 1) {
            fill(maker, size);
            continue;
        }
        block_person(maker, day_of("1980-01-01"));
        block_fact(maker, "income.wage", 700, day_of("2021-05-31"), DAY_NONE, SOURCE_REGISTER, 1);
    }
    const struct policy_block *block = block_finish(maker);
    ck_assert_int_eq(policy_run_evaluate(run, block, outcomes, &fixture->err), STATUS_OK);
    *large = policy_run_large(run);
    ck_assert_int_eq(memcmp(&outcomes[0], &outcomes[2], sizeof outcomes[0]), 0);
    ck_assert_uint_ne(outcomes[0].fired, 0);
    struct arena *arena = arena_new(0);
    ck_assert_int_eq(policy_explain(run, block, 1, arena, &explanation, &fixture->err), STATUS_OK);
    ck_assert_int_eq(memcmp(&explanation.outcome, &outcomes[1], sizeof outcomes[1]), 0);
    ck_assert_uint_le(explanation.fact_count, POLICY_FACTS_PER_HOUSEHOLD_MAX);
    arena_free(arena);
    block_maker_free(maker);
    policy_run_free(run);
    return outcomes[1];
}

/* One clause for each condition: bit i of the outcome's masks is condition i. */
static void open_conditions(struct fixture *fixture, const char *const conditions[], size_t count)
{
    char more[4096] = "";
    fixture_open(fixture);
    for (size_t i = 0; i < count; i++)
        snprintf(more + strlen(more), sizeof more - strlen(more),
                 "查 x%zu 试\n  依据 甲 一\n  当 %s\n  理由 \"理\"\n", i, conditions[i]);
    char *text = after_prelude(more);
    fixture_compile_good(fixture, text, "conditions");
    free(text);
}

static const int fact_counts[] = {4095, 4096, 4097, 100000};

static void many_facts_of_one(struct block_maker *maker, int count)
{
    block_person(maker, DAY_NONE);
    block_facts(maker, count, "income.wage", 100, day_of("2021-05-31"));
}

static void many_facts_of_three(struct block_maker *maker, int count)
{
    block_facts(maker, 7, "income.wage", 100, day_of("2021-05-31"));
    block_person(maker, DAY_NONE);
    block_facts(maker, count - 10, "income.wage", 100, day_of("2021-05-31"));
    block_person(maker, DAY_NONE);
    block_facts(maker, 3, "income.wage", 100, day_of("2021-05-31"));
}

/* Sums stay exact, to the fen, whatever the number of facts. */
START_TEST(any_number_of_facts)
{
    char exact[64], above[64];
    const char *const conditions[] = {exact, above, "收入 ≥ 7.00元/年/户"};
    void (*const fills[])(struct block_maker *, int) = {many_facts_of_one, many_facts_of_three};
    int count = fact_counts[_i / 2];
    struct fixture fixture;
    struct policy_large large;
    snprintf(exact, sizeof exact, "收入 = %d.00元/年/户", count);
    snprintf(above, sizeof above, "收入 > %d.00元/年/户", count);
    open_conditions(&fixture, conditions, 3);
    struct policy_outcome outcome = evaluate_between(&fixture, fills[_i % 2], count, &large);
    ck_assert_uint_eq(outcome.fired, 5);
    ck_assert_uint_eq(outcome.denied, 2);
    ck_assert_uint_eq(large.households, count > POLICY_FACTS_PER_HOUSEHOLD_MAX);
    ck_assert_uint_eq(large.bounded, 0);
    fixture_close(&fixture);
}
END_TEST

static void many_great_facts(struct block_maker *maker, int count)
{
    block_person(maker, DAY_NONE);
    block_facts(maker, count, "income.wage", 100000000, day_of("2021-05-31"));
}

static void many_unknown_facts(struct block_maker *maker, int count)
{
    block_person(maker, DAY_NONE);
    block_facts(maker, count, "income.wage", FACT_UNKNOWN, day_of("2021-05-31"));
    block_fact(maker, "income.wage", 700, day_of("2021-05-31"), DAY_NONE, SOURCE_REGISTER, 1);
}

/* Beyond the greatest sum that was proven: what lies below it is decided, what lies beyond is not. */
START_TEST(sums_beyond_the_proven)
{
    static const char *const conditions[] = {
        "收入 ≥ 4096000000.00元/年/户", "收入 > 3000000000.00元/年/户", "收入 = 4096000000.00元/年/户",
        "收入 < 4096000000.00元/年/户", "收入 < 3000000000.00元/年/户", "20元/年/户 - 收入 < 10元/年/户",
        "收入 ≥ 7.00元/年/户",          "收入 < 7.00元/年/户",
    };
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    for (size_t i = 2; i < 4; i++) {
        struct policy_outcome outcome = evaluate_between(&fixture, many_great_facts, fact_counts[i], &large);
        ck_assert_uint_eq(outcome.fired, 0x63);
        ck_assert_uint_eq(outcome.denied, 0x98);
        ck_assert_uint_eq(large.bounded, 1);
        outcome = evaluate_between(&fixture, many_unknown_facts, fact_counts[i], &large);
        ck_assert_uint_eq(outcome.fired, 0x40);
        ck_assert_uint_eq(outcome.denied, 0x80);
        ck_assert_uint_eq(large.bounded, 1);
    }
    fixture_close(&fixture);
}
END_TEST

static void many_great_facts_and_another(struct block_maker *maker, int count)
{
    many_great_facts(maker, count);
    block_fact(maker, "income.wage", 700, day_of("2021-05-31"), DAY_NONE, 4, 1);
}

static void many_unknown_facts_and_another(struct block_maker *maker, int count)
{
    many_unknown_facts(maker, count);
    block_fact(maker, "income.wage", 700, day_of("2021-05-31"), DAY_NONE, 4, 1);
}

/* So does what lies between two sources. */
START_TEST(gaps_beyond_the_proven)
{
    static const char *const conditions[] = {
        "存在(成员, 本年 不一致 工资)",
        "存在(成员, 本年 不一致 工资 超过 3000000000.00元)",
        "存在(成员, 本年 不一致 工资 超过 4096000000.00元)",
        "收入 ≥ 7.00元/年/户",
    };
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    for (size_t i = 2; i < 4; i++) {
        struct policy_outcome outcome =
            evaluate_between(&fixture, many_great_facts_and_another, fact_counts[i], &large);
        ck_assert_uint_eq(outcome.fired, 0xb);
        ck_assert_uint_eq(outcome.denied, 0x0);
        ck_assert_uint_eq(large.bounded, 1);
        outcome = evaluate_between(&fixture, many_unknown_facts_and_another, fact_counts[i], &large);
        ck_assert_uint_eq(outcome.fired, 0x8);
        ck_assert_uint_eq(outcome.denied, 0x0);
        outcome = evaluate_between(&fixture, many_great_facts, fact_counts[i], &large);
        ck_assert_uint_eq(outcome.denied, 0x7);
    }
    fixture_close(&fixture);
}
END_TEST

/* What three persons earn, or spend, is more than was proven of a household. */
static void three_great_amounts(struct block_maker *maker, const char *code, int count)
{
    for (int i = 0; i < 3; i++) {
        block_person(maker, DAY_NONE);
        block_facts(maker, count, code, 100000000, day_of("2021-05-31"));
    }
}

static void three_great_incomes(struct block_maker *maker, int count)
{
    three_great_amounts(maker, "income.wage", count);
}

static void three_great_expenses(struct block_maker *maker, int count)
{
    three_great_amounts(maker, "expense.medical_self_paid", count);
}

/* A sum may leave what was proven at either end: 12,288,000,000.00 yuan, of which 4,096,000,000.00 were, whether or not the
 * amounts of each person do as well. */
START_TEST(sums_beyond_either_end)
{
    static const char *const conditions[] = {
        "合计(成员, 本年 工资 - 本年 自付) > 0",
        "合计(成员, 本年 工资 - 本年 自付) + 4096000000.00元/年/户 ≤ 0",
        "合计(成员, 本年 工资 - 本年 自付) ≥ 4096000000.00元/年/户",
        /* a product of it */
        "合计(成员, 本年 工资 - 本年 自付) × 人口 + 1人 × 12288000000.00元/年/户 ≥ 0",
        "合计(成员, 本年 工资 - 本年 自付) × 人口 ≤ 1人 × 12288000000.00元/年/户",
        /* whether an amount is known is not known of one that is more than was proven */
        "计数(成员, 含未知(本年 工资 + 本年 自付)) = 3人",
        "收入 ≥ 7.00元/年/户",
    };
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    for (int more = 0; more < 2; more++) {
        uint64_t unknown = more ? 0x20 : 0;
        int count = POLICY_FACTS_PER_HOUSEHOLD_MAX + more;
        struct policy_outcome outcome = evaluate_between(&fixture, three_great_incomes, count, &large);
        ck_assert_uint_eq(outcome.fired, 0x4d | unknown);
        ck_assert_uint_eq(outcome.denied, 0x22 & ~unknown);
        ck_assert_uint_eq(large.bounded, 1);
        outcome = evaluate_between(&fixture, three_great_expenses, count, &large);
        ck_assert_uint_eq(outcome.fired, 0x2 | unknown);
        ck_assert_uint_eq(outcome.denied, 0x65 & ~unknown);
        ck_assert_uint_eq(large.bounded, 1);
    }
    fixture_close(&fixture);
}
END_TEST

static void many_old_and_one_in_debt(struct block_maker *maker, int count)
{
    for (int i = 0; i < count; i++)
        block_person(maker, day_of(i < 5 ? "1950-01-01" : "1980-01-01"));
    block_fact(maker, "income.wage", 700, day_of("2021-05-31"), DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(maker, "expense.medical_self_paid", 1400, day_of("2021-05-31"), DAY_NONE, SOURCE_REGISTER, 1);
}

/* 1,999 persons, of whom 1,000 are counted with certainty: nothing is decided by there being no more of them. */
START_TEST(products_beyond_the_proven)
{
    static const char *const conditions[] = {
        "计数(成员, 年龄 ≥ 60岁) < 2000人 - 人口",                              /* 5 < 1 */
        "合计(成员, 本年 工资 - 本年 自付) × 人口 + 1人 × 7000.00元/年/户 ≥ 0", /* −13,993.00 */
        "收入 × (2000人 - 人口) ≥ 1人 × 7000.00元/年/户",                       /* 7.00 */
        "收入 × 人口 ≥ 1人 × 7000.00元/年/户",                                  /* 13,993.00 */
        "收入 × 人口 > 1人 × 7000.00元/年/户",
        "收入 ≥ 7.00元/年/户",
    };
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    struct policy_outcome outcome = evaluate_between(&fixture, many_old_and_one_in_debt, 1999, &large);
    ck_assert_uint_eq(outcome.fired, 0x28);
    ck_assert_uint_eq(outcome.denied, 0);
    ck_assert_uint_eq(large.bounded, 1);
    outcome = evaluate_between(&fixture, many_old_and_one_in_debt, 999, &large);
    ck_assert_uint_eq(outcome.fired, 0x27); /* 5 < 1,001; −6,993.00; 7,007.00; 6,993.00 */
    ck_assert_uint_eq(outcome.denied, 0x18);
    ck_assert_uint_eq(large.households, 0);
    fixture_close(&fixture);
}
END_TEST

static void many_facts_and_a_debt(struct block_maker *maker, int count)
{
    many_facts_of_three(maker, count);
    block_facts(maker, 1, "expense.medical_self_paid", 100 * (count + 1), day_of("2021-05-31"));
}

/* Of a household that is large by its facts alone, products are exact. */
START_TEST(products_of_many_facts)
{
    static const char *const conditions[] = {
        "合计(成员 与 本户, 本年 工资 - 本年 自付) × 人口 + 1人 × 2.00元/年/户 ≥ 0",
        "合计(成员 与 本户, 本年 工资 - 本年 自付) × 人口 + 1人 × 2.00元/年/户 > 0", "收入 ≥ 7.00元/年/户"};
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    struct policy_outcome outcome = evaluate_between(&fixture, many_facts_and_a_debt, 100000, &large);
    ck_assert_uint_eq(outcome.fired, 5);
    ck_assert_uint_eq(outcome.denied, 2);
    ck_assert_uint_eq(large.households, 1);
    ck_assert_uint_eq(large.bounded, 0);
    fixture_close(&fixture);
}
END_TEST

static void many_persons(struct block_maker *maker, int count)
{
    for (int i = 0; i < count; i++)
        block_person(maker, day_of("1980-01-01"));
    block_fact(maker, "income.wage", 100 * count, day_of("2021-05-31"), DAY_NONE, SOURCE_REGISTER, 1);
}

/* Up to POLICY_PERSONS_READ_MAX all of them are read, though no more than 1,000 are counted with certainty. */
START_TEST(any_number_of_persons)
{
    static const struct {
        int count;
        uint64_t fired, denied, undecided;
        bool large;
    } cases[] = {
        {999, 0x2a, 0x15, 0, false}, {1000, 0x33, 0x0c, 0, false}, {1001, 0x23, 0x0c, 0, true},
        {5000, 0x23, 0x0c, 0, true}, {10000, 0x23, 0x0c, 0, true}, {10001, 0, 0, 0x3f, true},
        {100000, 0, 0, 0x3f, true},
    };
    static const char *const conditions[] = {"收入 > 999.00元/年/户", "人口 ≥ 900人",
                                             "人口 < 900人",          "人口 ≤ 999人",
                                             "人口 = 1000人",         "贫 且 收入 > 0元/年/户"};
    struct fixture fixture;
    struct policy_large large;
    open_conditions(&fixture, conditions, sizeof conditions / sizeof *conditions);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_outcome outcome = evaluate_between(&fixture, many_persons, cases[i].count, &large);
        ck_assert_msg(outcome.fired == cases[i].fired && outcome.denied == cases[i].denied &&
                          outcome.undecided == cases[i].undecided,
                      "%d persons: fired %llx, denied %llx, undecided %llx", cases[i].count,
                      (unsigned long long)outcome.fired, (unsigned long long)outcome.denied,
                      (unsigned long long)outcome.undecided);
        ck_assert_uint_eq(large.households, cases[i].large);
        ck_assert_uint_eq(large.bounded, cases[i].large);
    }
    fixture_close(&fixture);
}
END_TEST

/* A household of which nobody is read is verified under a county's policy. */
START_TEST(persons_that_are_not_read_are_verified)
{
    struct fixture fixture;
    struct policy_outcome outcome;
    open_shaanxi(&fixture);
    struct policy_run *run = run_on(&fixture, "2021-06-30");
    struct block_maker *maker = block_maker_new(fixture.policy);
    block_household(maker, false);
    many_persons(maker, POLICY_PERSONS_READ_MAX + 1);
    ck_assert_int_eq(policy_run_evaluate(run, block_finish(maker), &outcome, &fixture.err), STATUS_OK);
    ck_assert_int_eq(outcome.level, LEVEL_VERIFY);
    ck_assert_uint_eq(outcome.fired, 0);
    block_maker_free(maker);
    policy_run_free(run);
    fixture_close(&fixture);
}
END_TEST

static struct policy_outcome evaluate_one(struct fixture *fixture, struct block_maker *maker,
                                          const char *date)
{
    struct policy_outcome outcome;
    struct policy_run *run = run_on(fixture, date);
    ck_assert_int_eq(policy_run_evaluate(run, block_finish(maker), &outcome, &fixture->err), STATUS_OK);
    policy_run_free(run);
    return outcome;
}

static bool fires(struct fixture *fixture, struct policy_outcome outcome, const char *clause)
{
    int index = policy_clause_on(fixture->policy, clause, DAY_NONE);
    ck_assert_int_ge(index, 0);
    return (outcome.fired >> index & 1) != 0;
}

/* What no example can say: batches, dates that are not given, codes that the policy does not know. */
START_TEST(facts_at_the_edges)
{
    enum { GRADE_A = 1, GRADE_D = 4 };
    struct fixture fixture;
    open_shaanxi(&fixture);
    day_t from = day_of("2020-01-01");

    struct block_maker *maker = block_maker_new(fixture.policy);
    block_household(maker, false);
    block_fact(maker, "housing.grade", GRADE_D, from, DAY_NONE, SOURCE_REGISTER, 2);
    block_fact(maker, "housing.grade", GRADE_A, from, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(maker, DAY_NONE);
    ck_assert(
        fires(&fixture, evaluate_one(&fixture, maker, "2021-06-30"), "yellow.housing")); /* the newer batch */
    block_maker_free(maker);

    maker = block_maker_new(fixture.policy);
    block_household(maker, false);
    block_fact(maker, "housing.grade", GRADE_D, DAY_NONE, DAY_NONE, SOURCE_REGISTER, 1); /* since ever */
    block_fact(maker, "income.wage", 5, DAY_NONE, DAY_NONE, SOURCE_REGISTER, 1);         /* on no day */
    block_fact(maker, "event.disaster", 1, DAY_NONE, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(maker, DAY_NONE);
    struct policy_outcome outcome = evaluate_one(&fixture, maker, "2021-06-30");
    ck_assert(fires(&fixture, outcome, "yellow.housing"));
    ck_assert(!fires(&fixture, outcome, "red.disaster"));
    ck_assert_uint_eq(outcome.statistics, 1); /* income_unknown */
    ck_assert_int_eq(outcome.level, LEVEL_YELLOW);
    block_maker_free(maker);

    maker = block_maker_new(fixture.policy);
    block_household(maker, true);
    ck_assert_uint_eq(evaluate_one(&fixture, maker, "2021-06-30").statistics,
                      0); /* nobody, so nothing is unknown */
    struct policy_block odd = *block_finish(maker);
    struct policy_fact stray = {.value = 1, .code = UINT16_MAX};
    uint32_t begin[2] = {0, 1};
    odd.household_facts = &stray;
    odd.household_fact_begin = begin;
    struct policy_run *run = run_on(&fixture, "2021-06-30");
    ck_assert_int_eq(policy_run_evaluate(run, &odd, &outcome, &fixture.err), STATUS_OK);
    policy_run_free(run);
    block_maker_free(maker);
    fixture_close(&fixture);
}
END_TEST

static struct policy_fact *facts_of(const struct policy_fact *facts)
{
    return (struct policy_fact *)(uintptr_t)facts;
}

/* Facts of codes that the policy does not read, of few facts and of many, are left. */
START_TEST(codes_that_nobody_reads)
{
    static const char *const conditions[] = {"收入 = 7.00元/年/户", "存在(成员, 至今 有记录 存款)",
                                             "存在(成员, 现有 申报过)"};
    struct fixture fixture;
    open_conditions(&fixture, conditions, 3);
    day_t day = day_of("2021-05-31");
    for (int large = 0; large < 2; large++) {
        struct policy_outcome outcome;
        struct policy_run *run = run_on(&fixture, "2021-06-30");
        struct block_maker *maker = block_maker_new(fixture.policy);
        block_household(maker, false);
        block_facts(maker, large * (POLICY_FACTS_PER_HOUSEHOLD_MAX + 1), "income.wage", 0, day);
        block_facts(maker, 1, "income.wage", 700, day);
        block_facts(maker, 1, "asset.deposit", 700, day);
        block_person(maker, DAY_NONE);
        block_facts(maker, 1, "asset.deposit", 700, day);
        const struct policy_block *block = block_finish(maker);
        ck_assert_int_eq(policy_run_evaluate(run, block, &outcome, &fixture.err), STATUS_OK);
        ck_assert_uint_eq(outcome.fired, 3);
        facts_of(block->household_facts)[block->household_fact_begin[1] - 1].code = UINT16_MAX;
        facts_of(block->person_facts)[0].code = UINT16_MAX;
        ck_assert_int_eq(policy_run_evaluate(run, block, &outcome, &fixture.err), STATUS_OK);
        ck_assert_uint_eq(outcome.fired, 1);
        ck_assert_uint_eq(outcome.denied, 6);
        ck_assert_uint_eq(policy_run_large(run).households, 2 * (size_t)large);
        block_maker_free(maker);
        policy_run_free(run);
    }
    fixture_close(&fixture);
}
END_TEST

/* A choice that the dictionary does not have is there, and none of those that it has, not even of those that are not A. */
START_TEST(values_that_nobody_knows)
{
    static const char *const conditions[] = {"现有 房屋", "现有 房屋 属于 (A, B, C, D)",
                                             "最新 房屋 属于 (A, B, C, D)", "最新 房屋 ≠ A"};
    static const int64_t values[] = {FACT_UNKNOWN, -1, 63, 64, 65, 256, INT64_MAX};
    struct fixture fixture;
    open_conditions(&fixture, conditions, 4);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct block_maker *maker = block_maker_new(fixture.policy);
        block_household(maker, false);
        block_fact(maker, "housing.grade", values[i], day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
        block_person(maker, DAY_NONE);
        struct policy_outcome outcome = evaluate_one(&fixture, maker, "2021-06-30");
        ck_assert_msg(outcome.fired == 1 && outcome.denied == 0xe, "%lld: fired %llx", (long long)values[i],
                      (unsigned long long)outcome.fired);
        block_maker_free(maker);
    }
    fixture_close(&fixture);
}
END_TEST

/* Of two that begin on one day: the newer batch's, the later row's; of one row that says two things the lesser, in any order. */
START_TEST(the_latest_of_one_day)
{
    static const struct {
        uint32_t batches[2], rows[2];
        int64_t values[2];
        bool first;
    } cases[] = {
        {{2, 1}, {1, 2}, {3, 4}, true},  {{1, 2}, {2, 1}, {3, 4}, false}, {{1, 1}, {2, 1}, {4, 3}, true},
        {{1, 1}, {1, 2}, {3, 4}, false}, {{1, 1}, {1, 1}, {3, 4}, true},  {{1, 1}, {1, 1}, {4, 3}, false},
    };
    static const char *const conditions[] = {"最新 房屋 = C", "最新 房屋 = D"};
    struct fixture fixture;
    open_conditions(&fixture, conditions, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct block_maker *maker = block_maker_new(fixture.policy);
        block_household(maker, false);
        for (int f = 0; f < 2; f++)
            block_fact(maker, "housing.grade", cases[i].values[f], day_of("2021-01-01"), DAY_NONE,
                       SOURCE_REGISTER, cases[i].batches[f]);
        block_person(maker, DAY_NONE);
        for (int f = 0; f < 2; f++)
            facts_of(block_finish(maker)->household_facts)[f].row = cases[i].rows[f];
        struct policy_outcome outcome = evaluate_one(&fixture, maker, "2021-06-30");
        ck_assert_msg(outcome.fired == UINT64_C(1) << (cases[i].values[cases[i].first ? 0 : 1] - 3),
                      "case %zu: fired %llx", i, (unsigned long long)outcome.fired);
        block_maker_free(maker);
    }
    fixture_close(&fixture);
}
END_TEST

/* --- many households ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *code;
    int64_t values[4];
} kinds[] = {
    {"income.wage", {300000, 483000, 2000000, FACT_UNKNOWN}},
    {"income.business", {0, 1, 724500, FACT_UNKNOWN}},
    {"income.declared", {1, 1, 1, 0}},
    {"expense.medical_self_paid", {1000001, 500000, 0, FACT_UNKNOWN}},
    {"expense.care", {100, 200000, 300000000000, 1}},
    {"relief.dibao", {1, 35000, 0, 1}},
    {"relief.disability_living", {1, 8000, 0, 1}},
    {"disability.certificate", {41, 53, 73, 44}},
    {"housing.grade", {1, 2, 3, 4}},
    {"water.safe", {0, 1, 1, 1}},
    {"residence.moved_away", {1, 0, 1, 1}},
    {"event.death", {1, 1, 0, 1}},
    {"event.disaster", {1, 1, 0, 1}},
    {"event.dropout", {1, 1, 1, 0}},
    {"student.stage", {1, 2, 3, 5}},
    {"monitor.sudden", {1, 1, 0, 1}},
    {"illness.serious", {1, 1, 0, 1}},
};

static day_t random_day(struct random *random)
{
    if (random_below(random, 20) == 0)
        return DAY_NONE;
    return day_of("2018-06-01") + (day_t)random_below(random, 1300);
}

static void random_facts(struct block_maker *maker, struct random *random)
{
    static const int sources[] = {SOURCE_REGISTER, 1, 2, 3, 9};
    for (uint64_t n = random_below(random, 6); n > 0; n--) {
        uint64_t kind = random_below(random, sizeof kinds / sizeof kinds[0]);
        day_t from = random_day(random), to = random_below(random, 2) == 0 ? DAY_NONE : random_day(random);
        block_fact(maker, kinds[kind].code, kinds[kind].values[random_below(random, 4)], from, to,
                   sources[random_below(random, 5)], (uint32_t)random_below(random, 3));
    }
}

static struct block_maker *random_block(const struct policy *policy, uint64_t seed, int households,
                                        bool padded)
{
    struct random random;
    random_seed(&random, seed);
    struct block_maker *maker = block_maker_new(policy);
    for (int h = 0; h < households; h++) {
        block_household(maker, random_below(&random, 2) == 1);
        random_facts(maker, &random);
        if (padded) /* amounts that lie in no window make it large, and nothing else */
            block_facts(maker, POLICY_FACTS_PER_HOUSEHOLD_MAX + 1, "expense.care", 1, day_of("1950-01-01"));
        if (random_below(&random, 3) > 0)
            block_fact(maker, "income.declared", 1, DAY_NONE, DAY_NONE, SOURCE_REGISTER, 1);
        if (random_below(&random, 3) > 0)
            block_fact(maker, "income.transfer", (int64_t)random_below(&random, 4000000),
                       day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
        for (uint64_t p = random_below(&random, h % 100 == 7 ? 60 : 6); p > 0; p--) {
            block_person(maker, random_below(&random, 8) == 0
                                    ? DAY_NONE
                                    : day_of("1940-01-01") + (day_t)random_below(&random, 29000));
            random_facts(maker, &random);
        }
    }
    return maker;
}

/* A household alone, by the block's own arrays. */
static struct policy_block alone(const struct policy_block *block, size_t index, uint32_t person_begin[2])
{
    uint32_t first = block->person_begin[index];
    person_begin[0] = 0;
    person_begin[1] = block->person_begin[index + 1] - first;
    return (struct policy_block){.household_count = 1,
                                 .urban = block->urban + index,
                                 .person_begin = person_begin,
                                 .birth = block->birth + first,
                                 .household_fact_begin = block->household_fact_begin + index,
                                 .household_facts = block->household_facts,
                                 .person_fact_begin = block->person_fact_begin + first,
                                 .person_facts = block->person_facts};
}

/* More households than a batch holds: each comes out as it does alone, and as it is explained. */
START_TEST(neighbours_do_not_matter)
{
    enum { HOUSEHOLDS = 2600 };
    struct fixture fixture;
    open_shaanxi(&fixture);
    struct policy_run *run = run_on(&fixture, "2021-06-30"), *single = run_on(&fixture, "2021-06-30");
    struct block_maker *maker = random_block(fixture.policy, 20210630, HOUSEHOLDS, false);
    const struct policy_block *block = block_finish(maker);
    struct policy_outcome *outcomes = calloc(HOUSEHOLDS, sizeof *outcomes), one;
    ck_assert_int_eq(policy_run_evaluate(run, block, outcomes, &fixture.err), STATUS_OK);
    size_t levels[LEVEL_RED + 1] = {0};
    uint64_t fired = 0, undecided = 0;
    for (size_t i = 0; i < HOUSEHOLDS; i++) {
        uint32_t person_begin[2];
        struct policy_block own = alone(block, i, person_begin);
        ck_assert_int_eq(policy_run_evaluate(single, &own, &one, &fixture.err), STATUS_OK);
        ck_assert_msg(memcmp(&one, &outcomes[i], sizeof one) == 0, "household %zu differs from itself alone",
                      i);
        ck_assert_uint_eq(one.fired & one.undecided, 0);
        ck_assert_uint_eq((one.fired | one.undecided) & one.denied, 0);
        levels[one.level]++;
        fired |= one.fired;
        undecided |= one.undecided;
    }
    for (size_t i = 0; i < HOUSEHOLDS; i += 7) {
        struct arena *arena = arena_new(0);
        struct policy_explanation explanation;
        ck_assert_int_eq(policy_explain(run, block, i, arena, &explanation, &fixture.err), STATUS_OK);
        ck_assert_msg(memcmp(&explanation.outcome, &outcomes[i], sizeof one) == 0,
                      "household %zu differs when explained", i);
        arena_free(arena);
    }
    for (int level = LEVEL_NONE; level <= LEVEL_RED; level++)
        ck_assert_msg(levels[level] > 20, "only %zu households of level %s: the block tests little",
                      levels[level], policy_level_name((enum policy_level)level));
    ck_assert_msg(fired == (UINT64_C(1) << policy_clause_count(fixture.policy)) - 1,
                  "some clause never fired: %llx", (unsigned long long)fired);
    ck_assert_uint_ne(undecided, 0);
    free(outcomes);
    block_maker_free(maker);
    policy_run_free(run);
    policy_run_free(single);
    fixture_close(&fixture);
}
END_TEST

/* A large household comes out, clause by clause, as it would without what makes it large. */
START_TEST(large_ones_are_judged_alike)
{
    enum { EACH = 50, BLOCKS = 8 };
    struct fixture fixture;
    open_shaanxi(&fixture);
    struct policy_run *run = run_on(&fixture, "2021-06-30");
    uint64_t fired = 0, undecided = 0;
    for (uint64_t seed = 1; seed <= BLOCKS; seed++) {
        struct policy_outcome plain[EACH], large[EACH];
        struct block_maker *small_ones = random_block(fixture.policy, seed, EACH, false),
                           *large_ones = random_block(fixture.policy, seed, EACH, true);
        ck_assert_int_eq(policy_run_evaluate(run, block_finish(small_ones), plain, &fixture.err), STATUS_OK);
        ck_assert_int_eq(policy_run_evaluate(run, block_finish(large_ones), large, &fixture.err), STATUS_OK);
        for (size_t i = 0; i < EACH; i++) {
            ck_assert_msg(memcmp(&plain[i], &large[i], sizeof plain[i]) == 0,
                          "seed %d, household %zu differs", (int)seed, i);
            fired |= plain[i].fired;
            undecided |= plain[i].undecided;
        }
        block_maker_free(small_ones);
        block_maker_free(large_ones);
    }
    ck_assert_uint_eq(policy_run_large(run).households, EACH * BLOCKS);
    ck_assert_uint_eq(policy_run_large(run).bounded, 0);
    ck_assert_int_ge(__builtin_popcountll(fired), 15);
    ck_assert_uint_ne(undecided, 0);
    policy_run_free(run);
    fixture_close(&fixture);
}
END_TEST

START_TEST(codes_and_costs)
{
    struct fixture fixture;
    open_shaanxi(&fixture);
    size_t count;
    const int16_t *codes = policy_codes(fixture.policy, &count);
    ck_assert_uint_eq(count, 31);
    for (size_t i = 1; i < count; i++)
        ck_assert_int_lt(codes[i - 1], codes[i]);
    for (size_t c = 0; c < policy_clause_count(fixture.policy); c++) {
        const struct policy_clause *clause = policy_clause_at(fixture.policy, c);
        bool moved = false;
        for (size_t i = 0; i < clause->code_count; i++)
            moved =
                moved || clause->codes[i] ==
                             dictionary_by_name(fixture.dictionary, slice_of("residence.moved_away"))->number;
        ck_assert_msg(moved == (strcmp(clause->name, "check.deceased") != 0),
                      "%s: who is a member decides it, or not", clause->name);
    }
    int grade = dictionary_by_name(fixture.dictionary, slice_of("housing.grade"))->number;
    int housing = source_by_name(slice_of("housing"))->number;
    ck_assert(policy_names_source(fixture.policy, grade, housing));
    ck_assert(!policy_names_source(fixture.policy, grade, housing + 1));
    ck_assert(!policy_names_source(fixture.policy, grade, SOURCE_REGISTER));
    struct policy_cost cost = policy_cost(fixture.policy);
    ck_assert_uint_gt(cost.household_steps, 20);
    ck_assert_uint_lt(cost.household_steps + cost.person_steps, 300);
    ck_assert_uint_eq(cost.fact_steps, 3);
    ck_assert_uint_eq(cost.worst_household, cost.household_steps + 1000 * cost.person_steps + 4096 * 3);
    fixture_close(&fixture);
}
END_TEST

/* What the register says of a person, as the machine reads it. */
START_TEST(traits_are_read_from_the_register)
{
    static const struct {
        int kinship, digit;
    } kinships[] = {
        {-1, POLICY_TRAITS_UNKNOWN}, {100, POLICY_TRAITS_UNKNOWN}, {1, 0}, {2, 0}, {10, 1}, {29, 2}, {79, 7},
        {80, POLICY_KINSHIP_OTHER},  {99, POLICY_KINSHIP_OTHER}};
    for (size_t i = 0; i < sizeof kinships / sizeof kinships[0]; i++)
        ck_assert_int_eq(policy_traits(kinships[i].kinship, LABOUR_NONE),
                         kinships[i].digit | LABOUR_NONE << POLICY_LABOUR_SHIFT);
    ck_assert_int_eq(policy_labour_of("full"), LABOUR_FULL);
    ck_assert_int_eq(policy_labour_of("weak"), LABOUR_PART);
    ck_assert_int_eq(policy_labour_of("none"), LABOUR_NONE);
    ck_assert_int_eq(policy_labour_of("strong"), LABOUR_NOT_GIVEN);
    ck_assert_int_eq(policy_labour_of(NULL), LABOUR_NOT_GIVEN);
    struct fixture fixture;
    open_shaanxi(&fixture);
    ck_assert(!policy_reads_traits(fixture.policy));
    fixture_close(&fixture);
    static const char *const kinship[] = {"存在(成员, 亲属 = 子)"}, *const labour[] = {
                                                                        "贫", "存在(成员, 劳动力 = 无)"};
    open_conditions(&fixture, kinship, 1);
    ck_assert(policy_reads_traits(fixture.policy));
    fixture_close(&fixture);
    open_conditions(&fixture, labour, 2);
    ck_assert(policy_reads_traits(fixture.policy));
    fixture_close(&fixture);
}
END_TEST

START_TEST(levels_have_names)
{
    enum policy_level level = LEVEL_NONE;
    ck_assert(policy_level_parse(slice_of("orange"), &level) && level == LEVEL_ORANGE);
    ck_assert(!policy_level_parse(slice_of("Orange"), &level));
    ck_assert_str_eq(policy_level_chinese(LEVEL_RED), "红色预警");
    ck_assert_str_eq(policy_level_name(LEVEL_VERIFY), "verify");
}
END_TEST

Suite *policy_run_suite(void)
{
    Suite *suite = suite_create("policy run");
    TCase *tcase = tcase_create("run");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, dates_that_the_policy_knows);
    tcase_add_loop_test(tcase, any_number_of_facts, 0, (int)(2 * sizeof fact_counts / sizeof *fact_counts));
    tcase_add_test(tcase, sums_beyond_the_proven);
    tcase_add_test(tcase, gaps_beyond_the_proven);
    tcase_add_test(tcase, sums_beyond_either_end);
    tcase_add_test(tcase, products_beyond_the_proven);
    tcase_add_test(tcase, products_of_many_facts);
    tcase_add_test(tcase, any_number_of_persons);
    tcase_add_test(tcase, persons_that_are_not_read_are_verified);
    tcase_add_test(tcase, large_ones_are_judged_alike);
    tcase_add_test(tcase, greatest_amounts);
    tcase_add_test(tcase, facts_at_the_edges);
    tcase_add_test(tcase, codes_that_nobody_reads);
    tcase_add_test(tcase, values_that_nobody_knows);
    tcase_add_test(tcase, the_latest_of_one_day);
    tcase_add_test(tcase, neighbours_do_not_matter);
    tcase_add_test(tcase, codes_and_costs);
    tcase_add_test(tcase, traits_are_read_from_the_register);
    tcase_add_test(tcase, levels_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
