/* SPDX-License-Identifier: PostgreSQL */
/* policy_mutate: every shipped policy's examples notice every change; what is changed; 等效; examples that are missed. */
#include "test_policy.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy_mutation mutate(struct fixture *fixture, const struct policy_progress *progress)
{
    struct policy_mutation mutation;
    ck_assert_int_eq(policy_mutate(fixture->policy, fixture->arena, progress, &mutation, &fixture->err),
                     STATUS_OK);
    return mutation;
}

static struct policy_mutation mutate_text(struct fixture *fixture, const char *text, const char *where)
{
    fixture_compile_good(fixture, text, where);
    return mutate(fixture, NULL);
}

/* --- shipped policies --------------------------------------------------------------------------------------------- */

static void check_shipped(struct fixture *fixture, const char *path)
{
    const char *name = strstr(path, "conf/policies/");
    size_t length;
    char *text = read_source(name, &length);
    struct policy_mutation mutation = mutate_text(fixture, text, name);
    struct text survivors;
    text_init(&survivors);
    for (size_t i = 0; i < mutation.mutant_count; i++) {
        const struct policy_mutant *m = &mutation.mutants[i];
        if (m->fate == MUTANT_SURVIVED)
            text_printf(&survivors, "\n%s:%d:%d: %s %s: “%s” → “%s”: %s", name, m->line, m->column, m->owner,
                        m->title, m->before, m->after, m->note);
    }
    ck_assert_msg(survivors.length == 0, "no example notices (shouwangctl policy test):%s", survivors.bytes);
    ck_assert_msg(mutation.mistakes.count == 0, "%s:%d: %s", name, mutation.mistakes.items[0].line,
                  mutation.mistakes.items[0].text);
    ck_assert_uint_gt(mutation.counts[MUTANT_KILLED], 10);
    text_fini(&survivors);
    free(text);
}

START_TEST(shipped_policies_have_no_survivors)
{
    struct fixture fixture;
    glob_t found;
    char pattern[PATH_MAX];
    const char *top = getenv("abs_top_srcdir");
    fixture_open(&fixture);
    snprintf(pattern, sizeof pattern, "%s/conf/policies/*.policy", top != NULL ? top : ".");
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i += EVERY)
        check_shipped(&fixture, found.gl_pathv[i]);
    globfree(&found);
    fixture_close(&fixture);
}
END_TEST

/* --- what is changed ---------------------------------------------------------------------------------------------- */

static const char *const fates[MUTANT_FATE_COUNT] = {[MUTANT_SURVIVED] = "survived",
                                                     [MUTANT_KILLED] = "killed",
                                                     [MUTANT_REFUSED] = "refused",
                                                     [MUTANT_EQUIVALENT] = "equivalent"};
static const char *const operations[] = {
#define MUTATION(id, name, chinese, english, chinese_advice, english_advice) name,
#include "policy/prove/mutants.def"
#undef MUTATION
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static const struct policy_mutant *find(const struct policy_mutation *mutation, const char *owner,
                                        const char *operation, const char *before, const char *after)
{
    for (size_t i = 0; i < mutation->mutant_count; i++) {
        const struct policy_mutant *m = &mutation->mutants[i];
        if (strcmp(m->owner, owner) == 0 && strcmp(m->operation, operation) == 0 &&
            strcmp(m->before, before) == 0 && strcmp(m->after, after) == 0)
            return m;
    }
    return NULL;
}

START_TEST(what_is_changed)
{
    struct fixture fixture;
    bool seen[OPERATIONS] = {false};
    char open[PATH_MAX] = "";
    struct policy_mutation mutation = {0};
    fixture_open(&fixture);
    struct cases *cases = cases_open("policy_mutants.tsv", 7);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;) {
        if (strcmp(open, row->cell[0].bytes) != 0) {
            size_t length;
            char *text = read_source(row->cell[0].bytes, &length);
            mutation = mutate_text(&fixture, text, row->cell[0].bytes);
            snprintf(open, sizeof open, "%s", row->cell[0].bytes);
            free(text);
        }
        const struct policy_mutant *mutant =
            find(&mutation, row->cell[1].bytes, row->cell[2].bytes, row->cell[3].bytes, row->cell[4].bytes);
        ck_assert_msg(mutant != NULL, "%s: no such mutant", cases_where(cases));
        ck_assert_msg(case_is(row, 5, fates[mutant->fate]), "%s: %s: %s", cases_where(cases),
                      fates[mutant->fate], mutant->note);
        ck_assert_msg(mutant->line > 0 && mutant->column > 0 && *mutant->note != '\0' &&
                          strchr(mutant->note, '{') == NULL,
                      "%s: %d:%d %s", cases_where(cases), mutant->line, mutant->column, mutant->note);
        for (size_t i = 0; i < OPERATIONS; i++)
            seen[i] = seen[i] || case_is(row, 2, operations[i]);
    }
    cases_close(cases);
    for (size_t i = 0; i < OPERATIONS; i++)
        ck_assert_msg(seen[i], "no case has the operation %s", operations[i]);
    fixture_close(&fixture);
}
END_TEST

/* What cannot be moved, or has been moved already, is left alone. */
START_TEST(how_often_it_is_changed)
{
    static const struct {
        const char *owner, *operation;
        size_t count;
        const char *why;
    } counts[] = {
        {"最高", "window", 6, "both edges by a day, the first by a month"},
        {"r.gap", "window", 0, "the same window as above"},
        {"r.lasted", "step", 1, "a state cannot have lasted for no day"},
        {"退出不久", "term", 1, "a gradual exit cannot last for no month"},
        {"r.long", "step", 4, "a ratio that is too long to add a hundredth to; the two amounts"},
        {"人社局", "source", 0, "the last of the sources"},
    };
    struct fixture fixture;
    size_t length;
    fixture_open(&fixture);
    char *text = read_source("tests/cases/policy_mutants.policy", &length);
    struct policy_mutation mutation = mutate_text(&fixture, text, "counts");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t found = 0;
        for (size_t m = 0; m < mutation.mutant_count; m++)
            found += strcmp(mutation.mutants[m].owner, counts[i].owner) == 0 &&
                     strcmp(mutation.mutants[m].operation, counts[i].operation) == 0;
        ck_assert_msg(found == counts[i].count, "%s %s: %zu: %s", counts[i].owner, counts[i].operation, found,
                      counts[i].why);
    }
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* Nor any order of sources, where there are none. */
START_TEST(a_policy_without_sources)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct policy_mutation mutation =
        mutate_text(&fixture,
                    "政策 试  版本 1  生效 2021-01-01\n文件 甲 \"试\"\n事实 死亡 : 事件 取 event.death\n"
                    "人群 成员 = 登记人员 中 非 至今 发生 死亡\n"
                    "查 c 试\n  依据 甲 一\n  当 计数(成员) ≥ 2人\n  理由 \"理\"\n"
                    "例 c 一个 日期 2021-06-30 农村 人口 1 得 无 c\n例 c 两个 同上 人口 2 得 查 c\n",
                    "no sources");
    const struct policy_mutant *mutant =
        find(&mutation, "c", "comparator", "计数(成员) ≥ 2人", "计数(成员) > 2人");
    ck_assert_msg(mutant != NULL && mutant->fate == MUTANT_KILLED, "no such mutant, or no example notices");
    for (size_t i = 0; i < mutation.mutant_count; i++)
        ck_assert_str_ne(mutation.mutants[i].operation, "source");
    fixture_close(&fixture);
}
END_TEST

/* --- examples that are missed ------------------------------------------------------------------------------------- */

/* Takes the example of that name out of the text. */
static void drop_example(char *text, const char *name)
{
    char line[256];
    snprintf(line, sizeof line, "\n例 %s", name);
    char *at = strstr(text, line);
    ck_assert_msg(at != NULL, "no example %s", name);
    size_t bytes = strcspn(at + 1, "\n") + 1;
    memmove(at, at + bytes, strlen(at + bytes) + 1);
}

START_TEST(an_example_less_is_missed)
{
    static const struct {
        const char *example, *owner, *operation, *before, *after;
    } missed[] = {
        {"red.rigid 在保 ", "red.rigid", "guard", "除外 在保", "去掉"},
        {"yellow.dropout 差一天十六岁", "yellow.dropout", "comparator", "年龄 ≤ 15岁", "年龄 < 15岁"},
        {"yellow.monitored 突发严重困难", "yellow.monitored", "operand",
         "现有 脱贫不稳定 或 现有 边缘易致贫 或 现有 突发困难", "现有 脱贫不稳定 或 现有 边缘易致贫"},
        {"red.rigid 教育支出不明", "教育支出", "step", "0", "0.01"},
        {"red.apply 次日的收入不算", "本年", "window", "本年", "本年结束晚一天"},
        {"red.apply 残联先于教育局", "残联", "source", "残联 教育局", "教育局 残联"},
        {"check.disability_nursing 精神三级", "重度残疾", "member", "最新 残疾类别 属于 (5, 6)",
         "最新 残疾类别 属于 (5)"},
    };
    struct fixture fixture;
    size_t length;
    fixture_open(&fixture);
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    for (size_t i = 0; i < sizeof missed / sizeof missed[0]; i++)
        drop_example(text, missed[i].example);
    struct policy_mutation mutation = mutate_text(&fixture, text, "shaanxi, some examples less");
    for (size_t i = 0; i < sizeof missed / sizeof missed[0]; i++) {
        const struct policy_mutant *mutant =
            find(&mutation, missed[i].owner, missed[i].operation, missed[i].before, missed[i].after);
        ck_assert_msg(mutant != NULL && mutant->fate == MUTANT_SURVIVED, "%s: %s", missed[i].example,
                      mutant == NULL ? "no such mutant" : mutant->note);
    }
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* --- 等效 --------------------------------------------------------------------------------------------------------- */

START_TEST(equivalents_must_be_true)
{
    static const struct {
        const char *statement, *told;
    } cases[] = {
        {"等效 red.apply \"人均收入 < 低保\" \"人均收入 << 低保\" 理由 \"无\"\n", "等效说的变异不存在"},
        {"等效 red.apply \"人均收入 < 低保线\" \"人均收入 ≤ 低保\" 理由 \"无\"\n", "等效说的变异不存在"},
        {"等效 没有 \"人均收入 < 低保\" \"人均收入 ≤ 低保\" 理由 \"无\"\n", "等效说的变异不存在"},
        {"等效 red.apply \"人均收入 < 低保\" \"人均收入 ≤ 低保\" 理由 \"无\"\n",
         "并不等效:例“red.apply 恰在线”"},
        {"等效 工资收入 \"0\" \"-0.01\" 理由 \"无\"\n", "通不过检查"},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct fixture fixture;
    size_t length;
    fixture_open(&fixture);
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    text = realloc(text, length + 4096);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < CASES; i++)
        strcat(text, cases[i].statement);
    struct policy_mutation mutation = mutate_text(&fixture, text, "equivalents");
    ck_assert_uint_eq(mutation.counts[MUTANT_SURVIVED], 0);
    ck_assert_uint_eq(mutation.mistakes.count, CASES);
    for (size_t i = 0; i < CASES; i++)
        ck_assert_msg(strstr(mutation.mistakes.items[i].text, cases[i].told) != NULL, "%s: %s",
                      cases[i].statement, mutation.mistakes.items[i].text);
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* Blanks within what is named and around it make no difference, and the last of several reasons stands; the policy that is mutated
 * stays as it was. */
START_TEST(blanks_and_the_policy_itself)
{
    struct fixture fixture;
    size_t length;
    fixture_open(&fixture);
    char *text = read_source("tests/cases/policy_mutants.policy", &length);
    text = realloc(text, length + 256);
    ck_assert_ptr_nonnull(text);
    strcpy(text + length, "等效 o.top \"最高<低保\" \"最高  ≠ 低保\" 理由 \"先\"\n"
                          "等效 o.top \"最高\t<低保 \" \"最高 ≠低保\t \" 理由 \"试\"\n");
    struct policy_mutation mutation = mutate_text(&fixture, text, "blanks");
    ck_assert_uint_eq(mutation.mistakes.count, 0);
    const struct policy_mutant *mutant = find(&mutation, "o.top", "comparator", "最高 < 低保", "最高 ≠ 低保");
    ck_assert_ptr_nonnull(mutant);
    ck_assert_int_eq(mutant->fate, MUTANT_EQUIVALENT);
    ck_assert_str_eq(mutant->note, "试");
    struct policy_test_result result;
    ck_assert_int_eq(policy_test(fixture.policy, fixture.arena, &result, &fixture.err), STATUS_OK);
    ck_assert_uint_eq(result.failed, 0);
    ck_assert_uint_eq(mutate(&fixture, NULL).mutant_count, mutation.mutant_count);
    free(text);
    fixture_close(&fixture);
}
END_TEST

static void count_calls(void *context, size_t done, size_t total)
{
    size_t *calls = context;
    ck_assert_uint_eq(done, ++*calls);
    ck_assert_uint_le(done, total);
}

START_TEST(progress_is_told)
{
    struct fixture fixture;
    size_t length, calls = 0;
    struct policy_progress progress = {count_calls, &calls};
    fixture_open(&fixture);
    char *text = read_source("tests/cases/policy_english.policy", &length);
    fixture_compile_good(&fixture, text, "english");
    struct policy_mutation mutation = mutate(&fixture, &progress);
    ck_assert_uint_ge(calls, mutation.mutant_count);
    ck_assert_str_eq(mutation.equivalent_word, "equivalent");
    free(text);
    fixture_close(&fixture);
}
END_TEST

Suite *policy_mutants_suite(void)
{
    Suite *suite = suite_create("policy mutants");
    TCase *all = tcase_create("mutants");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, shipped_policies_have_no_survivors);
    tcase_add_test(all, what_is_changed);
    tcase_add_test(all, how_often_it_is_changed);
    tcase_add_test(all, a_policy_without_sources);
    tcase_add_test(all, an_example_less_is_missed);
    tcase_add_test(all, equivalents_must_be_true);
    tcase_add_test(all, blanks_and_the_policy_itself);
    tcase_add_test(all, progress_is_told);
    suite_add_tcase(suite, all);
    return suite;
}
