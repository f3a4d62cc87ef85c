/* SPDX-License-Identifier: PostgreSQL */
#include "round/clearing.h"

#include "base/arena.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HERE = 7, ROUNDS = 1 << 0, BATCHES = 1 << 1, BOTH = 1 << 2, NOTHING = 1 << 3 };

static struct error err;
static struct dictionary *dictionary;
static struct arena *arena;
static struct policy *policy;
static struct clearing clearing;

#define CLAUSE(name, asks)                                                                                   \
    "黄 " name " 住房\n  依据 甲 一\n  当 最新 房屋 属于 (C, D)\n  事由 住房\n  理由 \"住房\"\n" asks
static const char text[] =
    "政策 试 版本 1 生效 1970-01-01\n"
    "文件 甲 \"试\"\n"
    "来源 住建局 housing\n"
    "来源 水利局 water\n"
    "事实 房屋 : 代码 取 housing.grade\n"
    "事实 死亡 : 事件 取 event.death\n"
    "人群 成员 = 登记人员 中 非 至今 发生 死亡\n" CLAUSE("rounds", "  解除 连续3轮\n")
        CLAUSE("batches", "  解除 住建局 连续2批\n") CLAUSE("both", "  解除 住建局 连续2批\n  解除 连续3轮\n")
            CLAUSE("nothing", "");

static void set_up(void)
{
    struct policy_diagnostics diagnostics;
    arena = arena_new(0);
    dictionary = dictionary_new();
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    ck_assert_msg(policy_compile("t", text, sizeof text - 1, dictionary, arena, &diagnostics, &policy,
                                 &err) == STATUS_OK,
                  "%s", err.text);
    clearing = (struct clearing){.policy = policy, .clauses = ROUNDS | BATCHES | BOTH | NOTHING};
}

static void tear_down(void)
{
    policy_free(policy);
    dictionary_free(dictionary);
    arena_free(arena);
}

static int feed(char letter)
{
    return policy_source_at(policy, letter == 'h' ? 0 : 1)->number;
}

static bool read_row(const char *cell, struct clearing_row *row)
{
    if (strcmp(cell, "(none)") == 0)
        return false;
    ck_assert_int_eq(
        sscanf(cell, "%d %d %d %ld", &row->since, &row->counted_on, &row->rounds, &row->base_batch), 4);
    return true;
}

static size_t read_batches(const char *cell, struct clearing_batch *batches)
{
    size_t count = 0;
    char letter;
    for (int read; sscanf(cell, " %c:%ld%n", &letter, &batches[count].batch_id, &read) == 2; cell += read)
        batches[count++].source = feed(letter);
    return count;
}

START_TEST(counts_as_the_table_says)
{
    struct cases *cases = cases_open("clearing.tsv", 10);
    for (const struct case_row *row; (row = cases_next(cases));) {
        char after[64], of_rounds[32], of_batches[32];
        struct clearing_batch batches[4];
        int clause = policy_clause_on(policy, row->cell[0].bytes, DAY_NONE);
        ck_assert_int_ge(clause, 0);
        struct clearing_row before = {.household_id = HERE,
                                      .rule = policy_clause_at(policy, (size_t)clause)->name};
        clearing.as_of = (day_t)case_number(row, 2);
        clearing.seen[feed('h')] = 10;
        clearing.stored = (struct clearing_rows){.rows = &before,
                                                 .count = read_row(row->cell[1].bytes, &before),
                                                 .since = batches,
                                                 .since_count = read_batches(row->cell[4].bytes, batches)};
        bool waits;
        struct clearing_row now = clearing_next(&clearing, HERE, clause, case_is(row, 3, "found"),
                                                case_is(row, 3, "denied"), &waits);
        snprintf(after, sizeof after, now.since == DAY_NONE ? "-" : "%d %d %d %ld", now.since, now.counted_on,
                 now.rounds, now.base_batch);
        snprintf(of_rounds, sizeof of_rounds, "%d/%d", now.rounds, now.rounds_needed);
        snprintf(of_batches, sizeof of_batches, "%d/%d", now.batches, now.batches_needed);
        ck_assert_msg(waits == case_is(row, 5, "yes"), "%s: %s", cases_where(cases), waits ? "yes" : "no");
        ck_assert_msg(case_is(row, 6, after), "%s: %s", cases_where(cases), after);
        ck_assert_msg(case_is(row, 7, of_rounds), "%s: %s", cases_where(cases), of_rounds);
        ck_assert_msg(case_is(row, 8, of_batches), "%s: %s", cases_where(cases), of_batches);
    }
    cases_close(cases);
}
END_TEST

/* By household and clause, whoever else waits; what does not change is not written. */
START_TEST(each_household_waits_for_itself)
{
    const struct clearing_row rows[] = {
        {.household_id = HERE - 1, .rule = "rounds", .since = 40, .counted_on = 41, .rounds = 2},
        {.household_id = HERE,
         .rule = "batches",
         .since = 40,
         .counted_on = 50,
         .rounds = 1,
         .base_batch = 10,
         .batches_needed = 2},
        {.household_id = HERE,
         .rule = "rounds",
         .since = 40,
         .counted_on = 41,
         .rounds = 1,
         .rounds_needed = 3},
        {.household_id = HERE + 1, .rule = "rounds", .since = 40, .counted_on = 41, .rounds = 2},
    };
    const struct compare_standing standing = {.fired = ROUNDS | NOTHING, .undecided = BATCHES};
    struct policy_outcome denied = {.denied = UINT64_MAX};
    uint64_t changed;
    clearing.as_of = 50;
    clearing.stored = (struct clearing_rows){.rows = rows, .count = 4};
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &denied, UINT64_MAX, &changed),
                      ROUNDS | BATCHES);
    ck_assert_uint_eq(changed, ROUNDS); /* of this day the other has been counted */
    ck_assert_uint_eq(clearing_waits(&clearing, HERE - 1, &standing, &denied, UINT64_MAX, &changed), BATCHES);
    ck_assert_uint_eq(changed, BATCHES); /* rounds ends, and its row with it */
    ck_assert_uint_eq(clearing_waits(&clearing, HERE + 1, &standing, &denied, UINT64_MAX, &changed), BATCHES);
    ck_assert_uint_eq(clearing_waits(&clearing, HERE + 2, &standing, &denied, UINT64_MAX, &changed),
                      ROUNDS | BATCHES);
    ck_assert_uint_eq(changed, ROUNDS | BATCHES);
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &denied, BATCHES, &changed), BATCHES);
    denied.denied = ROUNDS;
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &denied, UINT64_MAX, &changed), ROUNDS);
    clearing.clauses = BOTH; /* nobody asks for anything of what stands */
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &denied, UINT64_MAX, &changed), 0);
    ck_assert_uint_eq(changed, 0);
}
END_TEST

/* Found again, fired or undecided: the row says that it waits no more. */
START_TEST(what_is_found_again_waits_no_more)
{
    const struct clearing_row rows[] = {
        {.household_id = HERE,
         .rule = "both",
         .since = 40,
         .counted_on = 41,
         .rounds = 2,
         .rounds_needed = 3},
        {.household_id = HERE,
         .rule = "rounds",
         .since = 40,
         .counted_on = 41,
         .rounds = 2,
         .rounds_needed = 3},
    };
    const struct compare_standing standing = {.fired = ROUNDS | BATCHES | BOTH};
    struct policy_outcome found = {.fired = ROUNDS, .undecided = BOTH, .denied = BATCHES};
    uint64_t changed;
    clearing.as_of = 50;
    clearing.stored = (struct clearing_rows){.rows = rows, .count = 2};
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &found, UINT64_MAX, &changed), BATCHES);
    ck_assert_uint_eq(changed, ROUNDS | BATCHES | BOTH);
    found.denied = 0; /* not found, not denied: nothing changes */
    found.fired = found.undecided = 0;
    ck_assert_uint_eq(clearing_waits(&clearing, HERE, &standing, &found, UINT64_MAX, &changed), 0);
    ck_assert_uint_eq(changed & BATCHES, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clearing");
    TCase *tests = tcase_create("clearing");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, counts_as_the_table_says);
    tcase_add_test(tests, each_household_waits_for_itself);
    tcase_add_test(tests, what_is_found_again_waits_no_more);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
