/* SPDX-License-Identifier: PostgreSQL */
/* policy_format: what comes out, that it stays so, and that it means the same, over every policy that there is. */
#include "policy/machine/program.h"
#include "policy/syntax/format.h"
#include "test_policy.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *format(struct fixture *fixture, const char *where)
{
    struct text out;
    text_init(&out);
    ck_assert_msg(policy_format(fixture->policy, &out, &fixture->err) == STATUS_OK, "%s: %s", where,
                  fixture->err.text);
    char *text = text_take(&out);
    ck_assert_ptr_nonnull(text);
    return text;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const char before[] = "政策 试  版本 1  生效 2021-01-01\n";
/* What each text lacks; its own lines never change. */
static const char after[] = "\n文件 甲 \"文\"\n\n事实 死亡 : 事件  取 event.death\n\n"
                            "人群 成员 = 登记人员 中 非 至今 发生 死亡\n\n"
                            "查 c.y 试\n  依据 甲 一\n  某   成员\n    当 年龄 ≥ 60岁\n  理由 \"理\"\n";

/* Definitions come before their use: the rest stands first where the text speaks of members or documents. */
static char *whole(const char *text)
{
    size_t length = sizeof before + sizeof after + strlen(text) + 2;
    char *made = malloc(length);
    ck_assert_ptr_nonnull(made);
    snprintf(made, length, "%s%s\n%s\n", before, after, text);
    return made;
}

START_TEST(what_comes_out)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct cases *cases = cases_open("policy_format.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;) {
        char *text = whole(row->cell[0].bytes), *expected = whole(row->cell[1].bytes);
        fixture_compile_good(&fixture, text, cases_where(cases));
        char *formatted = format(&fixture, cases_where(cases));
        ck_assert_msg(strcmp(formatted, expected) == 0, "%s:\n%s\nexpected:\n%s", cases_where(cases),
                      formatted, expected);
        free(formatted);
        free(expected);
        free(text);
    }
    cases_close(cases);
    fixture_close(&fixture);
}
END_TEST

static const struct {
    const char *before, *after;
    bool same;
    const char *why;
} meanings[] = {
    {"断 X = 农村", "断   X  =  农村\n", true, "blanks"},
    {"断 X = 农村 # 注", "断 X = 农村", true, "a comment"},
    {"断 X = 〔农村", "断 X = (农村", false, "another sign"},
    {"断 X = (农村)", "断 X = (农村)", true, "full-width signs"},
    {"断 X = 农村", "断 X = 城市", false, "another keyword"},
    {"断 X = 甲甲", "断 X = 乙乙", false, "another name"},
    {"断 X = 甲甲", "断 X = 农村", false, "a keyword for a name"},
    {"断 X = 1", "断 X = \"1\"", false, "a string for a number"},
    {"断 X = 农村", "断 X = 农村 且 城市", false, "more"},
    {"断 X = 农村", "断 X =\n  农村", false, "another line"},
    {"断 X =\n  农村", "断 X =\n农村", false, "a statement of its own"},
    {"断 X = 1 < 2", "断 X = 1 > 2", false, "another comparison"},
    {"断 X = 60岁", "断 X = 60 岁", false, "a unit that is glued no more"},
    {"断 X = 1 + 2", "断 X = 1+2", true, "signs that are"},
    {"查 x\n  某 成员\n    当 甲", "查 x\n  某 成员\n      当 甲", true, "below 某, deeper"},
    {"查 x\n  某 成员\n    当 甲", "查 x\n  某 成员\n  当 甲", false, "below 某 no more"},
    {"查 x\n  某 成员\n  当 甲", "查 x\n  某 成员\n    当 甲", false, "below 某 all at once"},
    {"查 x 某 题\n  当 甲", "查 x 某 题\n        当 甲", true, "某 within a title has no lines below it"},
    {"断 X = \"甲", "断 X = \"甲", false, "no policy at all"},
};

START_TEST(what_means_the_same)
{
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        ck_assert_msg(format_keeps_meaning(slice_of(meanings[i].before), slice_of(meanings[i].after),
                                           LANGUAGE_CHINESE, arena) == meanings[i].same,
                      "%s", meanings[i].why);
    arena_free(arena);
}
END_TEST

/* --- every policy ------------------------------------------------------------------------------------------------- */

static bool same_program(const struct program *a, const struct program *b)
{
    if (a->step_count != b->step_count || a->clause_count != b->clause_count ||
        a->code_count != b->code_count || memcmp(a->plan_end, b->plan_end, sizeof a->plan_end) != 0)
        return false;
    for (size_t i = 0; i < a->step_count; i++) {
        const struct step *x = &a->steps[i], *y = &b->steps[i];
        if (x->op != y->op || x->domain != y->domain || x->mode != y->mode || x->a != y->a || x->b != y->b ||
            x->fact != y->fact || x->window != y->window || x->k != y->k || x->mask != y->mask ||
            x->clauses != y->clauses || x->low != y->low || x->high != y->high)
            return false;
    }
    for (size_t i = 0; i < a->clause_count; i++) {
        const struct program_clause *x = &a->clauses[i], *y = &b->clauses[i];
        if (x->line_count != y->line_count || x->some != y->some ||
            x->some_line_count != y->some_line_count || x->cause_count != y->cause_count ||
            x->piece_count != y->piece_count || x->from != y->from || x->to != y->to ||
            x->shown.due_days != y->shown.due_days || strcmp(x->shown.title, y->shown.title) != 0 ||
            strcmp(x->shown.citation, y->shown.citation) != 0)
            return false;
        for (size_t l = 0; l < x->line_count; l++) {
            if (x->lines[l].reg != y->lines[l].reg || x->lines[l].evidence != y->lines[l].evidence ||
                x->lines[l].guard != y->lines[l].guard)
                return false;
        }
    }
    return true;
}

static struct policy_test_result examples(struct fixture *fixture)
{
    struct policy_test_result result;
    ck_assert_int_eq(policy_test(fixture->policy, fixture->arena, &result, &fixture->err), STATUS_OK);
    return result;
}

/* 1 when the file is a policy. */
static int check_file(const char *path)
{
    struct fixture fixture;
    struct fixture again;
    size_t length;
    const char *top = getenv("abs_top_srcdir");
    char *text = read_source(path + (top != NULL ? strlen(top) + 1 : 2), &length);
    fixture_open(&fixture);
    fixture_open(&again);
    bool good = fixture_compile(&fixture, text, length) == STATUS_OK;
    if (good) {
        char *once = format(&fixture, path);
        fixture_compile_good(&again, once, path);
        ck_assert_msg(same_program(&fixture.policy->program, &again.policy->program),
                      "%s means something else", path);
        struct policy_test_result a = examples(&fixture), b = examples(&again);
        ck_assert_uint_eq(a.examples, b.examples);
        ck_assert_uint_eq(a.failed, b.failed);
        ck_assert_uint_eq(a.missing.count, b.missing.count);
        char *twice = format(&again, path);
        ck_assert_msg(strcmp(once, twice) == 0, "%s: formatted again it changes:\n%s\n---\n%s", path, once,
                      twice);
        free(twice);
        free(once);
    }
    fixture_close(&again);
    fixture_close(&fixture);
    free(text);
    return good;
}

START_TEST(it_stays_so_and_means_the_same)
{
    static const char *const where[] = {"conf/policies/*.policy", "tests/cases/*.policy",
                                        "tests/fuzz/corpus/policy/*"};
    const char *top = getenv("abs_top_srcdir");
    int policies = 0;
    for (size_t w = 0; w < sizeof where / sizeof where[0]; w++) {
        glob_t found;
        char pattern[PATH_MAX];
        snprintf(pattern, sizeof pattern, "%s/%s", top != NULL ? top : ".", where[w]);
        ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++)
            policies += check_file(found.gl_pathv[i]);
        globfree(&found);
    }
    ck_assert_int_ge(policies, 5);
}
END_TEST

Suite *policy_format_suite(void)
{
    Suite *suite = suite_create("policy format");
    TCase *tcase = tcase_create("format");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, what_comes_out);
    tcase_add_test(tcase, what_means_the_same);
    tcase_add_test(tcase, it_stays_so_and_means_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}
