/* SPDX-License-Identifier: PostgreSQL */
#include "round/freshness.h"

#include "base/arena.h"
#include "cases.h"
#include "round/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error err;

static struct policy *shaanxi(const struct dictionary *dictionary, struct arena *arena)
{
    char path[512];
    struct policy *policy;
    struct policy_diagnostics diagnostics;
    char *text = arena_alloc(arena, POLICY_TEXT_MAX_BYTES);
    snprintf(path, sizeof path, "%s/conf/policies/shaanxi-county.policy", getenv("abs_top_srcdir"));
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(text, 1, POLICY_TEXT_MAX_BYTES, file);
    fclose(file);
    ck_assert_msg(policy_compile("shaanxi", text, length, dictionary, arena, &diagnostics, &policy, &err) ==
                      STATUS_OK,
                  "%s", err.text);
    return policy;
}

static int source_number(struct slice name)
{
    const struct source_name *source = source_by_name(name);
    if (slice_is(name, "register"))
        return SOURCE_REGISTER;
    ck_assert_msg(source != NULL, "no source %.*s", (int)name.length, name.bytes);
    return source->number;
}

/* The next word, and the two halves of it. */
static bool next_pair(struct slice *cell, char between, struct slice *left, struct slice *right)
{
    *cell = slice_trim(*cell);
    if (cell->length == 0)
        return false;
    const char *end = memchr(cell->bytes, ' ', cell->length);
    size_t length = end == NULL ? cell->length : (size_t)(end - cell->bytes);
    const char *middle = memchr(cell->bytes, between, length);
    ck_assert_msg(middle != NULL, "%.*s has no %c", (int)length, cell->bytes, between);
    *left = (struct slice){cell->bytes, (size_t)(middle - cell->bytes)};
    *right = (struct slice){middle + 1, length - left->length - 1};
    cell->bytes += length;
    cell->length -= length;
    return true;
}

START_TEST(clauses_may_end_as_the_table_says)
{
    struct dictionary *dictionary = dictionary_new();
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    struct arena *arena = arena_new(0);
    struct policy *policy = shaanxi(dictionary, arena);
    struct cases *cases = cases_open("freshness.tsv", 6);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct pull_batch batches[8];
        struct pull_source_code pairs[8];
        size_t batch_count = 0, pair_count = 0;
        struct slice cell = row->cell[0], left, right;
        for (; next_pair(&cell, '=', &left, &right); batch_count++) {
            batches[batch_count] = (struct pull_batch){
                .source = source_number(left), .batch_id = (int64_t)batch_count + 1, .period_to = DAY_NONE};
            ck_assert(slice_is(right, "never") || civil_parse(right, &batches[batch_count].period_to));
        }
        for (cell = row->cell[1]; next_pair(&cell, ':', &left, &right); pair_count++) {
            const struct fact_code *code = dictionary_by_name(dictionary, right);
            ck_assert_msg(code != NULL, "%s: no such code", cases_where(cases));
            pairs[pair_count] =
                (struct pull_source_code){.source = source_number(left), .code = code->number};
        }
        day_t as_of = DAY_NONE;
        ck_assert(civil_parse(row->cell[2], &as_of));
        int clause = policy_clause_on(policy, row->cell[3].bytes, as_of);
        ck_assert_int_ge(clause, 0);
        struct freshness freshness;
        freshness_judge(&freshness, policy, batches, batch_count, pairs, pair_count, as_of);
        bool may_end = freshness.clauses >> clause & 1;
        ck_assert_msg(may_end == case_is(row, 4, "yes"), "%s: %s", cases_where(cases),
                      may_end ? "yes" : "no");
    }
    cases_close(cases);
    policy_free(policy);
    arena_free(arena);
    dictionary_free(dictionary);
}
END_TEST

/* --- a policy of the test's own ----------------------------------------------------------------------------------- */

enum { AS_OF = 18808, HOUSING_DAYS = 10 };

static const char own_text[] =
    "政策 试 版本 1 生效 2019-01-01\n"
    "文件 甲 \"试\"\n"
    "来源 水利局 water 不可解警\n"
    "来源 住建局 housing 时效 10天\n"
    "事实 房屋 : 代码 取 housing.grade 由 住建局\n"
    "事实 饮水 : 是否 取 water.safe 由 水利局\n"
    "事实 死亡 : 事件 取 event.death\n"
    "人群 成员 = 登记人员 中 非 至今 发生 死亡\n"
    "黄 housing 房\n  依据 甲 一\n  当 最新 房屋 属于 (C, D)\n  事由 住房\n  理由 \"房\"\n  转介 乡镇  办理 9天\n"
    "黄 water 水\n  依据 甲 一\n  当 最新 饮水 = 否\n  事由 饮水\n  理由 \"水\"\n  转介 乡镇  办理 5天\n"
    "黄 either 都\n  依据 甲 一\n  当 最新 饮水 = 否\n  事由 饮水\n  理由 \"都\"\n"
    "橙 orange 橙\n  依据 甲 一\n  当 最新 房屋 属于 (D)\n  事由 住房\n  理由 \"橙\"\n  转介 乡镇  办理 2天\n"
    "核 verify 核\n  依据 甲 一\n  当 最新 饮水 = 否\n  事由 饮水\n  理由 \"核\"\n  转介 乡镇  办理 4天\n";
enum { HOUSING = 1 << 0, WATER = 1 << 1, EITHER = 1 << 2, ORANGE = 1 << 3, VERIFY = 1 << 4 };

static struct dictionary *own_dictionary;
static struct arena *own_arena;
static struct policy *own;

static void set_up_own(void)
{
    struct policy_diagnostics diagnostics;
    own_dictionary = dictionary_new();
    own_arena = arena_new(0);
    ck_assert_int_eq(dictionary_add_base(own_dictionary, &err), STATUS_OK);
    ck_assert_msg(policy_compile("own", own_text, sizeof own_text - 1, own_dictionary, own_arena,
                                 &diagnostics, &own, &err) == STATUS_OK,
                  "%s", err.text);
}

static void tear_down_own(void)
{
    policy_free(own);
    arena_free(own_arena);
    dictionary_free(own_dictionary);
}

/* What may end when the housing bureau's newest batch speaks to a day, and the water bureau's to today. */
static struct freshness judged(day_t housing_until)
{
    const struct pull_batch batches[] = {
        {.source = source_number(slice_of("housing")), .batch_id = 1, .period_to = housing_until},
        {.source = source_number(slice_of("water")), .batch_id = 2, .period_to = AS_OF}};
    struct freshness freshness;
    freshness_judge(&freshness, own, batches, 2, NULL, 0, AS_OF);
    return freshness;
}

START_TEST(a_source_is_trusted_as_the_policy_says)
{
    struct freshness freshness = judged(AS_OF - HOUSING_DAYS);
    const struct freshness_source *housing = &freshness.sources[source_number(slice_of("housing"))];
    const struct freshness_source *water = &freshness.sources[source_number(slice_of("water"))];
    ck_assert_uint_eq(freshness.clauses,
                      HOUSING | ORANGE); /* the water bureau, however fresh, ends nothing */
    ck_assert(housing->fresh && housing->may_clear && water->fresh && !water->may_clear);
    ck_assert_int_eq(housing->days, HOUSING_DAYS);
    ck_assert_int_eq(housing->period_to, AS_OF - HOUSING_DAYS);
    ck_assert_int_eq(water->days, FRESHNESS_DAYS_DEFAULT);
    ck_assert_int_eq(water->batch_id, 2);
    freshness = judged(AS_OF - HOUSING_DAYS - 1);
    ck_assert_uint_eq(freshness.clauses, 0);
}
END_TEST

/* The fewest that a fired clause of the level gives; of verify, one that is undecided, too. */
START_TEST(days_to_act_are_the_fewest_of_the_level)
{
    struct rules rules;
    rules_init(&rules, own, UINT64_MAX);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, HOUSING, 0), 9);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, HOUSING | WATER, 0), 5);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, HOUSING | EITHER, 0), 9);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, HOUSING | ORANGE, 0), 9);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, HOUSING, WATER | VERIFY), 9);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_YELLOW, EITHER, 0), 15);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_ORANGE, HOUSING | ORANGE, 0), 2);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_ORANGE, 0, 0), 7);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_RED, HOUSING, 0), 3);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_VERIFY, VERIFY, 0), 4);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_VERIFY, 0, VERIFY | ORANGE), 4);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_VERIFY, 0, ORANGE), 7);
    ck_assert_int_eq(rules_due_days(&rules, own, LEVEL_NONE, 0, 0), 15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("freshness");
    TCase *tests = tcase_create("freshness");
    tcase_add_test(tests, clauses_may_end_as_the_table_says);
    TCase *with_own = tcase_create("own policy");
    tcase_add_checked_fixture(with_own, set_up_own, tear_down_own);
    tcase_add_test(with_own, a_source_is_trusted_as_the_policy_says);
    tcase_add_test(with_own, days_to_act_are_the_fewest_of_the_level);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, with_own);
    return unit_run(&suite, 1);
}
