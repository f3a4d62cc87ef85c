/* SPDX-License-Identifier: PostgreSQL */
/* One household explained: lines, distances, reasons, members, facts. */
#include "config.h"

#include "test_policy.h"

#include "policy/tell/near_miss.h"

#include <stdlib.h>
#include <string.h>

struct explained {
    struct fixture fixture;
    struct block_maker *maker;
    struct policy_explanation explanation;
};

static void explained_open(struct explained *e, bool urban)
{
    size_t length;
    fixture_open(&e->fixture);
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    fixture_compile_good(&e->fixture, text, "shaanxi");
    free(text);
    e->maker = block_maker_new(e->fixture.policy);
    block_household(e->maker, !urban); /* a neighbour, so that indexes are not all zero */
    block_person(e->maker, DAY_NONE);
    block_household(e->maker, urban);
}

static void explained_run_on(struct explained *e, const char *day)
{
    struct policy_run *run = NULL;
    ck_assert_int_eq(policy_run_new(e->fixture.policy, day_of(day), &run, &e->fixture.err), STATUS_OK);
    ck_assert_int_eq(
        policy_explain(run, block_finish(e->maker), 1, e->fixture.arena, &e->explanation, &e->fixture.err),
        STATUS_OK);
    policy_run_free(run);
}

static void explained_run(struct explained *e)
{
    explained_run_on(e, "2021-06-30");
}

/* The household of a policy that consists of the prelude and these lines. */
static void explained_open_behind(struct explained *e, const char *lines)
{
    fixture_open(&e->fixture);
    char *text = after_prelude(lines);
    fixture_compile_good(&e->fixture, text, "behind the prelude");
    free(text);
    e->maker = block_maker_new(e->fixture.policy);
    block_household(e->maker, true);
    block_person(e->maker, DAY_NONE);
    block_household(e->maker, false);
}

static void explained_close(struct explained *e)
{
    block_maker_free(e->maker);
    fixture_close(&e->fixture);
}

static const struct policy_shown_clause *clause_of(const struct explained *e, const char *name)
{
    int index = policy_clause_on(e->fixture.policy, name, DAY_NONE);
    ck_assert_int_ge(index, 0);
    ck_assert_uint_eq(e->explanation.clauses[index].clause, (size_t)index);
    return &e->explanation.clauses[index];
}

/* NULL when it is not told. */
static const struct policy_value *find_definition(const struct explained *e, const char *name)
{
    for (size_t i = 0; i < e->explanation.definition_count; i++) {
        if (strcmp(e->explanation.definitions[i].name, name) == 0)
            return &e->explanation.definitions[i].value;
    }
    return NULL;
}

static const struct policy_value *definition_of(const struct explained *e, const char *name)
{
    const struct policy_value *value = find_definition(e, name);
    ck_assert_msg(value != NULL, "no definition %s", name);
    return value;
}

static const day_t since = 17000; /* 2016: before every window */

static size_t misses_of(struct explained *e, struct near_miss misses[NEAR_MISSES_MAX])
{
    explained_run(e);
    return near_misses(e->fixture.policy, &e->explanation, misses);
}

static const char *missed(const struct explained *e, const struct near_miss *miss)
{
    return policy_clause_at(e->fixture.policy, miss->clause->clause)->name;
}

/* 55 yuan above one line and 2,470 above another; the rest fails in more than one place, or is no matter of amounts. */
START_TEST(what_nearly_fired)
{
    struct explained e;
    struct near_miss misses[NEAR_MISSES_MAX];
    explained_open(&e, false);
    block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 730000, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    ck_assert_uint_eq(misses_of(&e, misses), 2);
    ck_assert_str_eq(missed(&e, &misses[0]), "orange.margin");
    ck_assert_str_eq(misses[0].conjunct->text, "人均收入 < 低收入线");
    ck_assert_str_eq(missed(&e, &misses[1]), "red.apply");
    ck_assert_int_eq(misses[1].conjunct->distance_low, 730000 - 483000);
    explained_close(&e);
}
END_TEST

/* Of a clause over members the nearest one; what an exception keeps away is far, however small the amounts. */
START_TEST(the_member_who_nearly_fired)
{
    struct explained e;
    struct near_miss misses[NEAR_MISSES_MAX];
    explained_open(&e, false);
    day_t day = day_of("2021-03-01");
    block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "relief.dibao", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 482999, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "expense.medical_self_paid", 900000, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1981-01-01"));
    block_fact(e.maker, "expense.medical_self_paid", 999999, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1982-01-01"));
    block_fact(e.maker, "expense.medical_self_paid", 100, day, DAY_NONE, SOURCE_REGISTER, 1);
    ck_assert_uint_eq(misses_of(&e, misses), 2);
    ck_assert_str_eq(missed(&e, &misses[0]), "check.medical");
    ck_assert(misses[0].of_member);
    ck_assert_uint_eq(misses[0].person, 2); /* the neighbour is 0 */
    ck_assert_int_eq(misses[0].conjunct->distance_low, -1);
    ck_assert_str_eq(missed(&e, &misses[1]), "check.income");
    explained_close(&e);
}
END_TEST

/* Who has nothing of what a line asks for is as far from it as can be: it would stand in every household's explanation. */
START_TEST(nothing_is_not_nearly_something)
{
    struct explained e;
    struct near_miss misses[NEAR_MISSES_MAX];
    explained_open(&e, false);
    day_t day = day_of("2021-03-01");
    block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "relief.dibao", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 482999, day, DAY_NONE, SOURCE_REGISTER, 1);
    ck_assert_uint_eq(misses_of(&e, misses), 1);
    ck_assert_str_eq(missed(&e, &misses[0]), "check.income");
    explained_close(&e);
}
END_TEST

/* Of more than are told the nearest, wherever they stand: 0 of 0, a sixth, a third; not a half, two thirds. What fires, or is not
 * known, is no near miss. */
START_TEST(the_nearest_of_many)
{
    static const char *const conditions[] = {"人均 < 3000.00元/年/人", "人均 < 4000.00元/年/人",
                                             "人均 < 5000.00元/年/人", "人均 < 2000.00元/年/人",
                                             "本年 自付 > 0",          "人均 < 6001.00元/年/人",
                                             "人均 < 5999.00元/年/人"};
    enum { COUNT = sizeof conditions / sizeof *conditions };
    struct text lines;
    struct explained e;
    struct near_miss misses[NEAR_MISSES_MAX];
    text_init(&lines);
    for (int i = 0; i < COUNT; i++)
        text_printf(&lines, "查 c%d 试%d\n  依据 甲 一\n%s  当 %s\n  理由 \"理\"\n", i, i,
                    i == COUNT - 1 ? "  当 本年 学费 > 1.00元/年/户\n" : "", conditions[i]);
    explained_open_behind(&e, lines.bytes);
    text_fini(&lines);
    block_fact(e.maker, "expense.education", FACT_UNKNOWN, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER,
               1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 600000, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    ck_assert_uint_eq(misses_of(&e, misses), 3);
    ck_assert_int_eq(clause_of(&e, "c5")->truth, TRI_TRUE);
    ck_assert_int_eq(clause_of(&e, "c6")->truth, TRI_FALSE);
    ck_assert_int_eq(clause_of(&e, "c6")->conjuncts[0].truth, TRI_UNDECIDED);
    ck_assert_str_eq(missed(&e, &misses[0]), "c4");
    ck_assert_str_eq(missed(&e, &misses[1]), "c2");
    ck_assert_str_eq(missed(&e, &misses[2]), "c1");
    explained_close(&e);
}
END_TEST

START_TEST(a_fen_below_the_line)
{
    struct explained e;
    explained_open(&e, false);
    day_t day = day_of("2021-03-01");
    block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 482999, day, DAY_NONE, 4, 1); /* hr_social_security, believed */
    block_fact(e.maker, "income.wage", 999900, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.wage", 5, day_of("2019-01-01"), DAY_NONE, 4, 1);
    explained_run(&e);
    const struct policy_shown_clause *apply = clause_of(&e, "red.apply");
    ck_assert_int_eq(e.explanation.outcome.level, LEVEL_RED);
    ck_assert_int_eq(apply->truth, TRI_TRUE);
    ck_assert(apply->exists && !apply->undecided_with_evidence);
    ck_assert_str_eq(apply->cause, "income");
    ck_assert_str_eq(apply->reason,
                     "近12个月家庭收入4829.99元,人均4829.99元,低于低保标准4830.00元,未享受低保或特困供养");
    ck_assert_uint_eq(apply->conjunct_count, 2);
    ck_assert_str_eq(apply->conjuncts[0].text, "除外 在保");
    ck_assert(apply->conjuncts[0].guard && !apply->conjuncts[0].evidence &&
              apply->conjuncts[0].truth == TRI_TRUE);
    ck_assert_str_eq(apply->conjuncts[1].text, "人均收入 < 低保");
    ck_assert(apply->conjuncts[1].has_distance && !apply->conjuncts[1].guard);
    ck_assert_int_eq(apply->conjuncts[1].left.low, 482999);
    ck_assert_int_eq(apply->conjuncts[1].left.high, 482999);
    ck_assert_int_eq(apply->conjuncts[1].right.low, 483000);
    ck_assert_str_eq(apply->conjuncts[1].left.unit, "元/年/人");
    ck_assert(apply->has_distance);
    ck_assert_int_eq(apply->distance_fen, -1);

    ck_assert_uint_eq(e.explanation.fact_count, 4);
    const struct policy_shown_fact *facts = e.explanation.facts;
    ck_assert(facts[0].of_household && facts[0].used);
    ck_assert(!facts[1].of_household && facts[1].person == 1 && facts[1].used);
    ck_assert((facts[1].clauses >> apply->clause & 1) != 0);
    ck_assert((facts[1].clauses >> clause_of(&e, "yellow.water")->clause & 1) == 0);
    ck_assert(!facts[2].used && facts[2].clauses == 0); /* the register is not believed */
    ck_assert(!facts[3].used);                          /* before every window */
    ck_assert_int_eq(definition_of(&e, "人口")->low, 1);
    ck_assert_str_eq(definition_of(&e, "人口")->unit, "人");
    ck_assert(definition_of(&e, "在保")->is_condition && definition_of(&e, "在保")->truth == TRI_FALSE);
    explained_close(&e);
}
END_TEST

/* Of what is asked for its latest, what came before counts for nothing. */
START_TEST(what_is_not_the_latest_is_of_no_use)
{
    struct explained e;
    explained_open_behind(&e, "查 x 试\n  依据 甲 一\n  当 最新 房屋 属于 (C, D)\n  理由 \"理\"\n");
    block_fact(e.maker, "housing.grade", 3, day_of("2020-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "housing.grade", 4, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    explained_run(&e);
    ck_assert_int_eq(clause_of(&e, "x")->truth, TRI_TRUE);
    ck_assert_uint_eq(e.explanation.fact_count, 2);
    ck_assert(!e.explanation.facts[0].used && e.explanation.facts[0].clauses == 0);
    ck_assert(e.explanation.facts[1].used && e.explanation.facts[1].clauses != 0);
    explained_close(&e);
}
END_TEST

START_TEST(a_third_of_a_fen_is_not_zero)
{
    struct explained e;
    explained_open(&e, false);
    block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.transfer", 1448999, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    for (int i = 0; i < 3; i++)
        block_person(e.maker, DAY_NONE);
    explained_run(&e);
    const struct policy_shown_clause *apply = clause_of(&e, "red.apply");
    ck_assert_int_eq(apply->truth, TRI_TRUE);
    ck_assert_int_eq(apply->conjuncts[1].left.low, 482999); /* toward zero */
    ck_assert_int_eq(apply->distance_fen, -1);              /* away from it */
    ck_assert_int_eq(definition_of(&e, "低收入线")->low, 724500);
    explained_close(&e);
}
END_TEST

START_TEST(unknown_shows_as_unknown)
{
    struct explained e;
    explained_open(&e, true);
    block_person(e.maker, DAY_NONE);
    block_fact(e.maker, "expense.medical_self_paid", 1200000, day_of("2021-03-01"), DAY_NONE, 1, 1);
    block_fact(e.maker, "income.wage", 100000, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    explained_run(&e);
    ck_assert_int_eq(e.explanation.outcome.level, LEVEL_VERIFY);
    const struct policy_shown_clause *rigid = clause_of(&e, "red.rigid");
    ck_assert_int_eq(rigid->truth, TRI_UNDECIDED);
    ck_assert(rigid->undecided_with_evidence && rigid->exists && !rigid->has_distance);
    ck_assert(rigid->conjuncts[1].evidence && rigid->conjuncts[1].truth == TRI_TRUE &&
              !rigid->conjuncts[1].has_distance);
    ck_assert_int_eq(rigid->conjuncts[2].truth, TRI_UNDECIDED);
    ck_assert_int_eq(rigid->conjuncts[2].distance_low, 100000 - 732000);
    ck_assert_int_eq(rigid->conjuncts[2].distance_high, 100000 + 500000000 - 732000);
    ck_assert_str_eq(
        rigid->reason,
        "待核实:近12个月刚性支出12000.00元,家庭收入1000.00元以上,扣减后人均不明,低于低收入线10980.00元");
    ck_assert_int_eq(clause_of(&e, "yellow.housing")->truth,
                     TRI_FALSE); /* … nor that the house is anything */
    ck_assert_str_eq(clause_of(&e, "yellow.housing")->reason, "按现有数据不成立:住房安全鉴定为无");
    explained_close(&e);
}
END_TEST

/* A clause that several kinds of expense can fire says which of them it was. */
START_TEST(the_cause_is_the_kind_of_expense_that_is_more_than_half)
{
    static const struct {
        const char *code;
        int64_t fen;
        const char *more;
        int64_t more_fen;
        const char *cause;
    } kinds[] = {
        {"expense.medical_self_paid", 600000, "expense.education", 0, "illness"},
        {"expense.education", 600000, "expense.medical_self_paid", 100000, "schooling"},
        {"expense.education", 300000, "expense.medical_self_paid", 300000,
         "illness"}, /* not more than half */
        {"expense.education", 300001, "expense.medical_self_paid", 300000, "schooling"},
        {"expense.rehabilitation", 300000, "expense.care", 300000, "disability"},
        {"expense.disaster_loss", 600000, "expense.care", 100000, "disaster"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct explained e;
        explained_open(&e, false);
        day_t day = day_of("2021-03-01");
        block_fact(e.maker, "income.declared", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
        block_person(e.maker, day_of("1980-01-01"));
        block_fact(e.maker, "income.wage", 700000, day, DAY_NONE, SOURCE_REGISTER, 1);
        block_fact(e.maker, kinds[i].code, kinds[i].fen, day, DAY_NONE, SOURCE_REGISTER, 1);
        block_fact(e.maker, kinds[i].more, kinds[i].more_fen, day, DAY_NONE, SOURCE_REGISTER, 1);
        explained_run(&e);
        ck_assert_int_eq(clause_of(&e, "red.rigid")->truth, TRI_TRUE);
        ck_assert_msg(strcmp(clause_of(&e, "red.rigid")->cause, kinds[i].cause) == 0, "%s %lld: %s",
                      kinds[i].code, (long long)kinds[i].fen, clause_of(&e, "red.rigid")->cause);
        explained_close(&e);
    }
}
END_TEST

START_TEST(guards_and_members)
{
    struct explained e;
    explained_open(&e, false);
    block_fact(e.maker, "housing.grade", 4, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "event.accident", 1, day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("2010-01-01"));
    block_fact(e.maker, "event.dropout", 1, day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "residence.moved_away", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(e.maker, DAY_NONE);
    explained_run(&e);
    const struct policy_shown_clause *dropout = clause_of(&e, "yellow.dropout");
    ck_assert_int_eq(dropout->truth, TRI_TRUE);
    ck_assert_uint_eq(dropout->member_count, 2); /* who moved away is no member */
    ck_assert_uint_eq(dropout->members[0].person, 1);
    ck_assert_uint_eq(dropout->members[1].person, 3);
    ck_assert_int_eq(dropout->members[0].truth, TRI_TRUE);
    ck_assert_int_eq(dropout->members[1].truth, TRI_FALSE);
    ck_assert_uint_eq(dropout->members[0].conjunct_count, 2);
    ck_assert_str_eq(dropout->members[0].conjuncts[0].text, "年龄 ≥ 6岁 且 年龄 ≤ 15岁");
    ck_assert_int_eq(dropout->members[1].conjuncts[0].truth, TRI_UNDECIDED);
    ck_assert_str_eq(clause_of(&e, "yellow.housing")->reason, "住房安全鉴定为D级");
    ck_assert_str_eq(clause_of(&e, "red.disaster")->cause, "accident");
    const struct policy_shown_clause *housing = clause_of(&e, "check.housing");
    ck_assert(!housing->exists);
    ck_assert_int_eq(housing->truth, TRI_FALSE);
    ck_assert_str_eq(housing->conjuncts[0].text, "限于 在保 且 农村");
    ck_assert_str_eq(clause_of(&e, "check.medical")->cause, "");
    explained_close(&e);
}
END_TEST

START_TEST(a_household_without_members)
{
    struct explained e;
    explained_open(&e, false);
    explained_run(&e);
    ck_assert_uint_eq(e.explanation.outcome.fired | e.explanation.outcome.undecided, 0);
    ck_assert(!clause_of(&e, "red.apply")->exists);
    ck_assert(clause_of(&e, "check.deceased")->exists);
    ck_assert_int_eq(clause_of(&e, "check.deceased")->truth, TRI_FALSE);
    ck_assert_int_eq(definition_of(&e, "人均收入")->low, 0);
    explained_close(&e);
}
END_TEST

static day_t valid_until(int64_t wage)
{
    struct explained e;
    fixture_open(&e.fixture);
    char *text = after_prelude("红 x 试\n  依据 甲 一\n  当 贫\n  事由 收入\n  理由 \"理\"\n  有效 8月\n");
    fixture_compile_good(&e.fixture, text, "validity");
    free(text);
    e.maker = block_maker_new(e.fixture.policy);
    block_household(e.maker, false);
    block_household(e.maker, false);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", wage, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    explained_run(&e);
    day_t until = e.explanation.clauses[0].valid_until;
    ck_assert_int_eq(policy_clause_at(e.fixture.policy, 0)->valid_months, 8);
    explained_close(&e);
    return until;
}

START_TEST(a_recognition_is_valid_for_a_time)
{
    ck_assert_int_eq(valid_until(1), day_of("2022-02-28"));
    ck_assert_int_eq(valid_until(99999900), DAY_NONE);
    ck_assert_int_eq(valid_until(FACT_UNKNOWN), DAY_NONE);
}
END_TEST

/* Three versions, a gap between the second and the third; on each day one of them speaks for the name. */
START_TEST(one_version_speaks)
{
    static const struct {
        const char *day;
        int version;
        bool fires;
    } cases[] = {{"2019-06-01", 0, true}, {"2019-12-31", 0, true},  {"2020-01-01", 1, true},
                 {"2020-06-30", 1, true}, {"2020-07-01", 1, false}, {"2020-12-31", 1, false},
                 {"2021-01-01", 2, true}, {"2030-01-01", 2, true}};
    struct explained e;
    fixture_open(&e.fixture);
    char *text = after_prelude(
        "红 x 试\n  依据 甲 一\n  生效 2019-06-01 至 2019-12-31\n  当 农村\n  事由 收入\n  理由 \"理\"\n"
        "橙 x 试\n  依据 甲 一\n  生效 2020-01-01 至 2020-06-30\n  当 农村\n  事由 收入\n  理由 \"理\"\n"
        "黄 x 试\n  依据 甲 一\n  生效 2021-01-01\n  当 农村\n  事由 收入\n  理由 \"理\"\n");
    fixture_compile_good(&e.fixture, text, "versions");
    free(text);
    ck_assert_uint_eq(policy_warnings(e.fixture.policy)->count, 1);
    ck_assert_int_eq(policy_clause_on(e.fixture.policy, "x", day_of("2019-01-01")),
                     0); /* the first to come */
    ck_assert_int_eq(policy_clause_on(e.fixture.policy, "y", day_of("2019-01-01")), -1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy_run *run = NULL;
        int version = cases[i].version;
        e.maker = block_maker_new(e.fixture.policy);
        block_household(e.maker, false);
        block_person(e.maker, day_of("1980-01-01"));
        ck_assert_int_eq(policy_run_new(e.fixture.policy, day_of(cases[i].day), &run, &e.fixture.err),
                         STATUS_OK);
        ck_assert_int_eq(
            policy_explain(run, block_finish(e.maker), 0, e.fixture.arena, &e.explanation, &e.fixture.err),
            STATUS_OK);
        ck_assert_int_eq(policy_clause_on(e.fixture.policy, "x", day_of(cases[i].day)), version);
        ck_assert_uint_eq(e.explanation.outcome.fired, cases[i].fires ? UINT64_C(1) << version : 0);
        ck_assert_int_eq(e.explanation.outcome.level, cases[i].fires ? LEVEL_RED - version : LEVEL_NONE);
        for (int v = 0; v < 3; v++)
            ck_assert_int_eq(e.explanation.clauses[v].superseded, v != version);
        policy_run_free(run);
        block_maker_free(e.maker);
    }
    fixture_close(&e.fixture);
}
END_TEST

/* For a household that has nobody yet. */
static void open_exit(struct explained *e)
{
    fixture_open(&e->fixture);
    char *text =
        after_prelude("渐退 渐退期 自 低保待遇\n  6月 依据 甲 一\n  18月 当 人均 < 2 × 低保 依据 甲 二\n"
                      "查 x 试\n  依据 甲 一\n  当 渐退期\n  理由 \"理\"\n");
    fixture_compile_good(&e->fixture, text, "gradual exit");
    free(text);
    e->maker = block_maker_new(e->fixture.policy);
    block_household(e->maker, false);
    block_person(e->maker, day_of("1980-01-01"));
    block_household(e->maker, false);
}

/* Explains a household of one person who had dibao until `to`; whoever that was. */
static void explain_exit(struct explained *e, day_t to, bool of_household, int64_t wage)
{
    open_exit(e);
    if (of_household)
        block_fact(e->maker, "relief.dibao", 1, since, to, SOURCE_REGISTER, 1);
    block_person(e->maker, day_of("1980-01-01"));
    block_fact(e->maker, "income.wage", wage, day_of("2021-03-01"), DAY_NONE, SOURCE_REGISTER, 1);
    if (!of_household)
        block_fact(e->maker, "relief.dibao", 1, since, to, SOURCE_REGISTER, 1);
    explained_run(e);
}

static const struct policy_shown_definition *exit_of(const struct explained *e)
{
    const struct policy_explanation *explanation = &e->explanation;
    const struct policy_shown_definition *shown =
        &explanation->definitions[explanation->definition_count - 1];
    ck_assert_str_eq(shown->name, "渐退期");
    ck_assert(shown->gradual && shown->value.is_condition);
    return shown;
}

static day_t exit_until(const char *to, bool of_household, int64_t wage)
{
    struct explained e;
    explain_exit(&e, day_of(to), of_household, wage);
    day_t until = exit_of(&e)->until;
    explained_close(&e);
    return until;
}

START_TEST(gradual_exit_says_until_when)
{
    enum { POOR = 100000, RICH = 99999900 };
    ck_assert_int_eq(exit_until("2021-03-31", false, POOR), day_of("2022-09-30"));
    ck_assert_int_eq(exit_until("2021-03-31", true, RICH), day_of("2021-09-30"));
    ck_assert_int_eq(exit_until("2021-03-15", true, RICH), day_of("2021-09-14"));
    ck_assert_int_eq(exit_until("2020-06-30", false, POOR), day_of("2021-12-29"));
    ck_assert_int_eq(exit_until("2020-06-30", false, RICH), DAY_NONE);
    ck_assert_int_eq(exit_until("2020-06-30", false, FACT_UNKNOWN), day_of("2021-12-29"));
    ck_assert_int_eq(exit_until("2021-06-30", false, POOR), DAY_NONE); /* still has it */
}
END_TEST

/* Of who is not read nothing is known, and no day is told. */
START_TEST(gradual_exit_of_more_than_are_read)
{
    struct explained e;
    open_exit(&e);
    for (int i = 0; i <= POLICY_PERSONS_READ_MAX; i++)
        block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "relief.dibao", 1, since, day_of("2021-03-31"), SOURCE_REGISTER, 1);
    explained_run(&e);
    const struct policy_shown_definition *shown = exit_of(&e);
    ck_assert_int_eq(shown->value.truth, TRI_UNDECIDED);
    ck_assert_int_eq(shown->until, DAY_NONE);
    explained_close(&e);
}
END_TEST

/* --- values in reasons -------------------------------------------------------------------------------------------- */

START_TEST(values_are_shown_in_words)
{
    static const struct {
        int64_t water, grade;
        const char *reason;
    } cases[] = {{1, 3, "水是,房C级"}, {0, 4, "水否,房D级"},          {2, 0, "水是,房0"},
                 {-1, 5, "水是,房5"},  {1, 63, "水是,房63"},          {1, 64, "水是,房无"},
                 {1, -1, "水是,房无"}, {1, FACT_UNKNOWN, "水是,房无"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct explained e;
        fixture_open(&e.fixture);
        char *text =
            after_prelude("查 x 试\n  依据 甲 一\n  当 农村\n  理由 \"水{最新 用水},房{最新 房屋}\"\n");
        fixture_compile_good(&e.fixture, text, "values");
        free(text);
        e.maker = block_maker_new(e.fixture.policy);
        block_household(e.maker, false);
        block_household(e.maker, false);
        block_fact(e.maker, "water.safe", cases[i].water, since, DAY_NONE, SOURCE_REGISTER, 1);
        block_fact(e.maker, "housing.grade", cases[i].grade, since, DAY_NONE, SOURCE_REGISTER, 1);
        block_person(e.maker, DAY_NONE);
        explained_run(&e);
        ck_assert_str_eq(clause_of(&e, "x")->reason, cases[i].reason);
        explained_close(&e);
    }
}
END_TEST

/* A standard that ended with 2020, and what reads it: clauses that ended with it, and what is computed. */
START_TEST(what_has_no_value_is_not_told)
{
    static const char lines[] =
        "标准 旧线 : 元/年/人\n  2018-01-01 起 至 2020-12-31 9000.00 依据 甲 一\n"
        "逐人 少 = 本年 工资 < 旧线\n人群 低者 = 成员 中 少\n"
        "断 旧贫 = 人均 < 旧线\n算 差 : 元/年/人 = 旧线 - 人均\n算 倍 : 比 = 人均 ÷ 旧线\n"
        "红 a 甲条\n  依据 甲 一\n  生效 2019-01-01 至 2020-12-31\n  当 旧贫\n  且 农村\n  事由 收入 当 旧贫\n  事由 其他\n  理由 \"差{差}\"\n"
        "查 b 乙条\n  依据 甲 一\n  生效 2019-01-01 至 2020-12-31\n  某 低者\n    当 年龄 ≥ 18岁\n  理由 \"理\"\n"
        "查 c 丙条\n  依据 甲 一\n  生效 2019-01-01 至 2020-12-31\n  某 成员\n    当 少\n    且 年龄 ≥ 18岁\n  理由 \"理\"\n"
        "查 d 丁条\n  依据 甲 一\n  当 人均 < 1.00元/年/人\n  理由 \"理\"\n";
    static const char *const clauses[] = {"a", "b", "c"}, *const definitions[] = {"旧贫", "差", "倍"};
    struct explained e;
    explained_open_behind(&e, lines);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 600000, day_of("2020-06-30"), DAY_NONE, SOURCE_REGISTER, 1);
    explained_run_on(&e, "2021-01-01");
    for (int i = 0; i < 3; i++) {
        const struct policy_shown_clause *clause = clause_of(&e, clauses[i]);
        ck_assert(!clause->exists && clause->truth == TRI_FALSE);
        ck_assert_uint_eq(clause->conjunct_count, 0);
        ck_assert_uint_eq(clause->member_count, 0);
        ck_assert_ptr_null(find_definition(&e, definitions[i]));
    }
    ck_assert_str_eq(clause_of(&e, "a")->reason, "");
    ck_assert_str_eq(clause_of(&e, "a")->cause, "");
    ck_assert_uint_eq(clause_of(&e, "d")->conjunct_count, 1);
    ck_assert_int_eq(definition_of(&e, "人均")->low, 600000);
    explained_run_on(&e, "2020-12-31");
    for (int i = 0; i < 3; i++) {
        const struct policy_shown_clause *clause = clause_of(&e, clauses[i]);
        ck_assert(clause->exists && clause->truth == TRI_TRUE);
        ck_assert_uint_eq(clause->conjunct_count + clause->member_count, i == 0 ? 2 : 1);
        ck_assert_ptr_nonnull(find_definition(&e, definitions[i]));
    }
    ck_assert_str_eq(clause_of(&e, "a")->reason, "差3000.00元");
    ck_assert_str_eq(clause_of(&e, "a")->cause, "income");
    explained_close(&e);
}
END_TEST

/* Lines without their comments; a fact of a code that the policy does not have is read by nothing. */
START_TEST(words_and_facts_of_no_use)
{
    struct explained e;
    explained_open_behind(
        &e, "查 x 试\n  依据 甲 一\n  当 贫  # 注\n  或 (农村\t# 注\n 且 城市)\n  理由 \"理\"\n");
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 600000, day_of("2021-06-30"), DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.wage", 100, day_of("2021-06-30"), DAY_NONE, SOURCE_REGISTER, 1);
    struct policy_fact *facts =
        (struct policy_fact *)(uintptr_t)block_finish(e.maker)->person_facts; /* the block maker's own */
    size_t codes;
    policy_codes(e.fixture.policy, &codes);
    facts[1].code = (uint16_t)codes;
    explained_run(&e);
    ck_assert_str_eq(clause_of(&e, "x")->conjuncts[0].text, "贫 或 (农村 且 城市)");
    ck_assert_int_eq(definition_of(&e, "人均")->low, 600000);
    ck_assert_uint_eq(e.explanation.fact_count, 2);
    ck_assert(e.explanation.facts[0].used && !e.explanation.facts[1].used);
    ck_assert_uint_eq(e.explanation.facts[1].clauses, 0);
    explained_close(&e);
}
END_TEST

/* --- what each source says ---------------------------------------------------------------------------------------- */

static const struct policy_shown_disagreement *disagreement_of(const struct explained *e, const char *name,
                                                               size_t person)
{
    for (size_t i = 0; i < e->explanation.disagreement_count; i++) {
        const struct policy_shown_disagreement *shown = &e->explanation.disagreements[i];
        if (strcmp(shown->name, name) == 0 && shown->of_household == (person == SIZE_MAX) &&
            (shown->of_household || shown->person == person))
            return shown;
    }
    return NULL;
}

/* What a source says of the amount: low and high; fails when it says nothing. */
static void check_saying(const struct policy_shown_disagreement *shown, int source, int64_t low, int64_t high)
{
    for (size_t i = 0; i < shown->count; i++) {
        if (shown->sayings[i].source != source)
            continue;
        ck_assert_int_eq(shown->sayings[i].value.low, low);
        ck_assert_int_eq(shown->sayings[i].value.high, high);
        return;
    }
    ck_abort_msg("source %d says nothing", source);
}

static void open_disagreeing(struct explained *e)
{
    fixture_open(&e->fixture);
    char *text = after_prelude(
        "查 x 试\n  依据 甲 一\n  某 成员\n    当 本年 不一致 工资 超过 1.00元\n  理由 \"理\"\n"
        "查 y 试\n  依据 甲 一\n  当 不一致 房屋\n  且 存在(成员, 不一致 低保待遇)\n  理由 \"理\"\n");
    fixture_compile_good(&e->fixture, text, "disagreement");
    free(text);
    e->maker = block_maker_new(e->fixture.policy);
    block_household(e->maker, false);
    block_person(e->maker, day_of("1980-01-01"));
    block_household(e->maker, false);
}

START_TEST(sources_that_disagree_are_shown)
{
    struct explained e;
    day_t day = day_of("2021-03-01");
    open_disagreeing(&e);
    block_fact(e.maker, "housing.grade", 3, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "housing.grade", 4, day, DAY_NONE, 5, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 1000, day, DAY_NONE, SOURCE_REGISTER, 1); /* one source alone */
    block_person(e.maker, day_of("1980-01-01"));
    block_fact(e.maker, "income.wage", 1000, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.wage", 500, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.wage", 9, day_of("2019-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "income.wage", 1300, day, DAY_NONE, 4, 1);
    block_fact(e.maker, "income.wage", FACT_UNKNOWN, day, DAY_NONE, 7, 1);
    block_fact(e.maker, "relief.dibao", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(e.maker, "relief.dibao", 1, since, day, 4, 1);
    explained_run(&e);
    enum { MOST = 100000000 };
    const struct policy_shown_clause *x = clause_of(&e, "x"), *y = clause_of(&e, "y");
    ck_assert_int_eq(x->truth, TRI_TRUE);
    ck_assert_int_eq(y->truth, TRI_TRUE);
    /* The line's distance is the gap less what may be: 200 fen at least. */
    ck_assert_uint_eq(x->member_count, 2);
    ck_assert(x->members[1].conjuncts[0].has_distance);
    ck_assert_int_eq(x->members[1].conjuncts[0].left.low, 200);
    ck_assert_int_eq(x->members[1].conjuncts[0].distance_low, 100);
    ck_assert_ptr_null(disagreement_of(&e, "工资", 1));
    const struct policy_shown_disagreement *wage = disagreement_of(&e, "工资", 2);
    ck_assert_ptr_nonnull(wage);
    ck_assert_str_eq(wage->window, "本年");
    ck_assert_str_eq(wage->gap.unit, "元/年/人");
    ck_assert_int_eq(wage->gap.low, 200);
    ck_assert_int_eq(wage->gap.high, MOST - 1300);
    ck_assert_uint_eq(wage->count, 3);
    ck_assert_uint_eq(wage->clauses, UINT64_C(1) << x->clause);
    check_saying(wage, SOURCE_REGISTER, 1500, 1500);
    check_saying(wage, 4, 1300, 1300);
    check_saying(wage, 7, 0, MOST);
    const struct policy_shown_disagreement *dwelling = disagreement_of(&e, "房屋", SIZE_MAX);
    ck_assert_ptr_nonnull(dwelling);
    ck_assert(dwelling->gap.is_condition && dwelling->gap.truth == TRI_TRUE);
    ck_assert_str_eq(dwelling->window, "");
    ck_assert_str_ne(dwelling->sayings[0].text, dwelling->sayings[1].text);
    const struct policy_shown_disagreement *relief = disagreement_of(&e, "低保待遇", 2);
    ck_assert_ptr_nonnull(relief);
    ck_assert_int_ne(relief->sayings[0].value.truth, relief->sayings[1].value.truth);
    /* All that any source says in the window counts, and is shown as used. */
    size_t used = 0;
    for (size_t i = 0; i < e.explanation.fact_count; i++)
        used += e.explanation.facts[i].used;
    ck_assert_uint_eq(used, e.explanation.fact_count - 1);
    explained_close(&e);
}
END_TEST

/* Of a large household so much is told as of the largest that is proven for, of a clause first the person for whom it fired. */
START_TEST(as_much_is_told_of_a_large_household)
{
    enum { MANY = POLICY_FACTS_PER_HOUSEHOLD_MAX + 100, FIRST = 1500 };
    struct explained e;
    explained_open_behind(&e, "查 x 试\n  依据 甲 一\n  某 成员\n    当 不一致 低保待遇\n  理由 \"理\"\n");
    for (int i = 0; i < MANY; i++) {
        block_person(e.maker, day_of("1980-01-01"));
        block_fact(e.maker, "relief.dibao", 1, since, DAY_NONE, SOURCE_REGISTER, 1);
        block_fact(e.maker, "relief.dibao", 1, since, i == FIRST || i == FIRST + 9 ? since + 1 : DAY_NONE, 4,
                   1);
    }
    explained_run(&e);
    const struct policy_shown_clause *x = clause_of(&e, "x");
    ck_assert_int_eq(x->truth, TRI_TRUE);
    ck_assert_uint_eq(x->member_count, POLICY_PERSONS_PER_HOUSEHOLD_MAX);
    ck_assert_uint_eq(x->members[0].person, 1); /* the neighbour is 0 */
    ck_assert_uint_eq(x->members[x->member_count - 2].person, POLICY_PERSONS_PER_HOUSEHOLD_MAX - 1);
    ck_assert_int_eq(x->members[x->member_count - 2].truth, TRI_FALSE);
    ck_assert_uint_eq(x->members[x->member_count - 1].person, 1 + FIRST);
    ck_assert_int_eq(x->members[x->member_count - 1].truth, TRI_TRUE);
    ck_assert_uint_eq(e.explanation.disagreement_count, POLICY_FACTS_PER_HOUSEHOLD_MAX);
    ck_assert_uint_eq(e.explanation.disagreements[FIRST].person, 1 + FIRST);
    ck_assert_int_eq(e.explanation.disagreements[FIRST].gap.truth, TRI_TRUE);
    ck_assert_int_eq(e.explanation.disagreements[FIRST + 1].gap.truth, TRI_FALSE);
    ck_assert_uint_eq(e.explanation.fact_count, POLICY_FACTS_PER_HOUSEHOLD_MAX);
    explained_close(&e);
}
END_TEST

/* What a source's facts come to is told as great as can be, when it is greater. */
START_TEST(a_saying_beyond_all_bounds)
{
    enum { MANY = POLICY_FACTS_PER_HOUSEHOLD_MAX + 1000 };
    static const int64_t most = INT64_C(2000000000000000);
    struct explained e;
    day_t day = day_of("2021-03-01");
    explained_open_behind(
        &e, "设定 最多 : 元 = 20000000000000.00  依据 甲 一\n事实 转移 : 元 范围 0..最多 取 income.transfer\n"
            "查 x 试\n  依据 甲 一\n  某 成员\n    当 本年 不一致 转移 超过 1.00元\n  理由 \"理\"\n");
    block_person(e.maker, day_of("1980-01-01"));
    block_facts(e.maker, MANY, "income.transfer", FACT_UNKNOWN, day);
    block_fact(e.maker, "income.transfer", 700, day, DAY_NONE, 4, 1);
    block_person(e.maker, day_of("1980-01-01"));
    block_facts(e.maker, MANY, "income.transfer", most, day);
    block_fact(e.maker, "income.transfer", 700, day, DAY_NONE, 4, 1);
    explained_run(&e);
    ck_assert_uint_eq(e.explanation.disagreement_count, 2);
    check_saying(disagreement_of(&e, "转移", 1), SOURCE_REGISTER, 0, INT64_MAX);
    check_saying(disagreement_of(&e, "转移", 1), 4, 700, 700);
    check_saying(disagreement_of(&e, "转移", 2), SOURCE_REGISTER, INT64_MAX, INT64_MAX);
    ck_assert_int_eq(disagreement_of(&e, "转移", 2)->gap.high, INT64_MAX);
    ck_assert_int_ge(disagreement_of(&e, "转移", 2)->gap.low, 4096 * most - 700);
    explained_close(&e);
}
END_TEST

Suite *policy_explain_suite(void)
{
    Suite *suite = suite_create("policy explain");
    TCase *tcase = tcase_create("explain");
    tcase_add_test(tcase, a_fen_below_the_line);
    tcase_add_test(tcase, what_is_not_the_latest_is_of_no_use);
    tcase_add_test(tcase, what_nearly_fired);
    tcase_add_test(tcase, the_member_who_nearly_fired);
    tcase_add_test(tcase, nothing_is_not_nearly_something);
    tcase_add_test(tcase, the_nearest_of_many);
    tcase_add_test(tcase, what_has_no_value_is_not_told);
    tcase_add_test(tcase, words_and_facts_of_no_use);
    tcase_add_test(tcase, as_much_is_told_of_a_large_household);
    tcase_add_test(tcase, a_saying_beyond_all_bounds);
    tcase_add_test(tcase, a_third_of_a_fen_is_not_zero);
    tcase_add_test(tcase, unknown_shows_as_unknown);
    tcase_add_test(tcase, the_cause_is_the_kind_of_expense_that_is_more_than_half);
    tcase_add_test(tcase, guards_and_members);
    tcase_add_test(tcase, a_household_without_members);
    tcase_add_test(tcase, a_recognition_is_valid_for_a_time);
    tcase_add_test(tcase, one_version_speaks);
    tcase_add_test(tcase, gradual_exit_says_until_when);
    tcase_add_test(tcase, gradual_exit_of_more_than_are_read);
    tcase_add_test(tcase, values_are_shown_in_words);
    tcase_add_test(tcase, sources_that_disagree_are_shown);
    suite_add_tcase(suite, tcase);
    return suite;
}
