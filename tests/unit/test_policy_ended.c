/* SPDX-License-Identifier: PostgreSQL */
/* Standards that have ended: only what is in force and reads them needs a value; without one the date is refused, never guessed. */
#include "config.h"

#include "test_policy.h"

#include <stdlib.h>
#include <string.h>

#define OLD "标准 旧 : 元/年/人\n  2018-01-01 起 至 2020-12-31 5000.00 依据 甲 一\n"
/* The old version reads the standard that has ended, the new one does not. */
#define VERSIONS                                                                                                                              \
    OLD "算 离旧 : 元/年/人 = 旧 - 人均\n"                                                                                           \
        "算 择 : 元/年/人 = 若 人均 < 旧 取 人均 否则 低保\n" /* by its condition alone */                                                    \
        "红 r.a 一\n  依据 甲 一\n  生效 2019-01-01 至 2020-12-31\n  当 人均 < 旧\n  事由 收入\n  理由 \"离 {离旧}\"\n" \
        "红 r.a 一\n  依据 甲 二\n  生效 2021-01-01\n  当 人均 < 低保\n  事由 收入\n  理由 \"理\"\n"

struct refusal_case {
    const char *text, *date, *expected; /* NULL: the date is accepted */
};

static void check_date(const struct refusal_case *c)
{
    struct fixture fixture;
    struct policy_run *run = NULL;
    char *text = after_prelude(c->text);
    fixture_open(&fixture);
    fixture_compile_good(&fixture, text, c->text);
    enum status status = policy_run_new(fixture.policy, day_of(c->date), &run, &fixture.err);
    if (c->expected == NULL) {
        ck_assert_msg(status == STATUS_OK, "%s on %s: %s", c->text, c->date, fixture.err.text);
    } else {
        ck_assert_msg(status == STATUS_CONFIG && run == NULL, "%s is accepted on %s", c->text, c->date);
        ck_assert_msg(strstr(fixture.err.text, c->expected) != NULL &&
                          strstr(fixture.err.text, c->date) != NULL,
                      "%s on %s: %s", c->text, c->date, fixture.err.text);
    }
    policy_run_free(run);
    free(text);
    fixture_close(&fixture);
}

#define CLAUSE(lines) OLD "红 r.a 一\n  依据 甲 一\n" lines
/* It begins within a month. */
#define MONTH(lines)                                                                                         \
    "标准 新 : 元/年/人\n  2018-07-15 起 5000.00 依据 甲 一\n时段 去年此月 = 近13月 至 近12月\n红 r.a 一\n  依据 甲 一\n" lines
static const struct refusal_case refusals[] = {
    /* what is in force and reads it needs it */
    {CLAUSE("  当 人均 < 旧\n  事由 收入\n  理由 \"理\"\n"), "2020-12-31", NULL},
    {CLAUSE("  当 人均 < 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "r.a"},
    {CLAUSE("  除外 人均 < 旧\n  当 贫\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "r.a"},
    {CLAUSE("  某 成员\n    当 本年 工资 < 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "旧"},
    {CLAUSE("  当 贫\n  事由 收入\n  理由 \"线是 {旧}\"\n"), "2021-01-01", "r.a"},
    {CLAUSE("  当 贫\n  事由 疾病 当 人均 < 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "r.a"},
    {OLD "议 s.a 一\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n  金额 旧 - 人均\n", "2021-01-01", "s.a"},
    {OLD
     "统计 lacking 缺 = 含未知(人均) 且 旧 > 人均\n红 r.a 一\n  依据 甲 一\n  当 贫\n  事由 收入\n  理由 \"理\"\n",
     "2021-01-01", "lacking"},
    {OLD "算 离旧 : 元/年/人 = 旧 - 人均\n断 低于 = 离旧 > 0\n" /* through definitions */
         "红 r.a 一\n  依据 甲 一\n  当 低于\n  事由 收入\n  理由 \"理\"\n",
     "2021-01-01", "r.a"},
    /* what is not in force does not */
    {VERSIONS, "2020-12-31", NULL},
    {VERSIONS, "2021-01-01", NULL},
    {VERSIONS, "2030-01-01", NULL},
    /* nor does a definition that nothing in force reads */
    {OLD "算 离旧 : 元/年/人 = 旧 - 人均\n红 r.a 一\n  依据 甲 一\n  当 贫\n  事由 收入\n  理由 \"理\"\n",
     "2021-01-01", NULL},
    /* over a window the value on the date is not asked, but every day of the window is */
    {CLAUSE("  当 人均 < 上年 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-12-31", NULL},
    {CLAUSE("  当 人均 < 上年 旧\n  事由 收入\n  理由 \"理\"\n"), "2022-01-01", "r.a"},
    {CLAUSE("  当 人均 < 近30日 旧\n  事由 收入\n  理由 \"理\"\n"), "2020-12-31", NULL},
    {CLAUSE("  当 人均 < 近30日 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "r.a"},
    {CLAUSE("  当 人均 < 近3年 旧\n  事由 收入\n  理由 \"理\"\n"), "2020-11-30", "近3年"},
    {CLAUSE("  当 人均 < 近3年 旧\n  事由 收入\n  理由 \"理\"\n"), "2020-12-01", NULL},
    {CLAUSE("  当 人均 < 近1月 旧\n  事由 收入\n  理由 \"理\"\n"), "2020-12-31", NULL},
    {CLAUSE("  当 人均 < 近1月 旧\n  事由 收入\n  理由 \"理\"\n"), "2021-01-01", "本月"},
    {MONTH("  当 人均 < 去年此月 新\n  事由 收入\n  理由 \"理\"\n"), "2019-07-14", "去年此月"},
    {MONTH("  当 人均 < 去年此月 新\n  事由 收入\n  理由 \"理\"\n"), "2019-07-15", NULL},
};

START_TEST(who_needs_a_standard)
{
    check_date(&refusals[_i]);
}
END_TEST

static void explain_one(struct fixture *fixture, const char *date, struct policy_explanation *into)
{
    struct policy_run *run;
    struct block_maker *maker = block_maker_new(fixture->policy);
    block_household(maker, false);
    block_person(maker, day_of("1980-01-01"));
    ck_assert_int_eq(policy_run_new(fixture->policy, day_of(date), &run, &fixture->err), STATUS_OK);
    ck_assert_int_eq(policy_explain(run, block_finish(maker), 0, fixture->arena, into, &fixture->err),
                     STATUS_OK);
    block_maker_free(maker);
    policy_run_free(run);
}

static bool shows(const struct policy_explanation *explanation, const char *definition)
{
    for (size_t i = 0; i < explanation->definition_count; i++)
        if (strcmp(explanation->definitions[i].name, definition) == 0)
            return true;
    return false;
}

/* What would need the value is left out; nothing is told as if it were known. */
START_TEST(explanations_leave_out_what_has_no_value)
{
    struct fixture fixture;
    struct policy_explanation before, after;
    char *text = after_prelude(VERSIONS);
    fixture_open(&fixture);
    fixture_compile_good(&fixture, text, "versions");
    free(text);
    explain_one(&fixture, "2020-12-31", &before);
    explain_one(&fixture, "2021-01-01", &after);
    ck_assert(shows(&before, "离旧") && shows(&before, "择") && shows(&before, "收入"));
    ck_assert(!shows(&after, "离旧") && !shows(&after, "择") && shows(&after, "收入"));
    ck_assert_uint_eq(before.definition_count, after.definition_count + 2);

    ck_assert_uint_eq(before.clause_count, 2);
    ck_assert(before.clauses[0].exists && before.clauses[0].truth == TRI_TRUE &&
              before.clauses[1].superseded);
    ck_assert_uint_eq(before.clauses[0].conjunct_count, 1);
    ck_assert_str_eq(before.clauses[0].reason, "离 5000.00元");
    ck_assert_int_eq(before.outcome.level, LEVEL_RED);

    ck_assert_uint_eq(after.clause_count, 2);
    ck_assert(after.clauses[0].superseded && !after.clauses[0].exists);
    ck_assert(after.clauses[0].truth == TRI_FALSE && !after.clauses[0].has_distance);
    ck_assert_uint_eq(after.clauses[0].conjunct_count, 0);
    ck_assert_str_eq(after.clauses[0].reason, "");
    ck_assert(after.clauses[1].exists && after.clauses[1].truth == TRI_TRUE);
    ck_assert_uint_eq(after.clauses[1].conjunct_count, 1);
    fixture_close(&fixture);
}
END_TEST

Suite *policy_ended_suite(void)
{
    Suite *suite = suite_create("policy ended standards");
    TCase *tcase = tcase_create("ended");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, who_needs_a_standard, 0, (int)(sizeof refusals / sizeof refusals[0]));
    tcase_add_test(tcase, explanations_leave_out_what_has_no_value);
    suite_add_tcase(suite, tcase);
    return suite;
}
