/* SPDX-License-Identifier: PostgreSQL */
#include "round/swings.h"

#include "base/arena.h"
#include "cases.h"
#include "round/freshness.h"

#include <stdio.h>
#include <stdlib.h>
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
                                          "来源 教育局 education\n"
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

enum { HERE = 610922103, THERE = 610922104, HOUSING = 1 << 0, WATER = 1 << 1 };

static struct dictionary *dictionary;
static struct arena *arena;
static struct policy *policy;

static void set_up(void)
{
    struct policy_diagnostics diagnostics;
    dictionary = dictionary_new();
    arena = arena_new(0);
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    ck_assert_msg(policy_compile("t", policy_text_of_test, sizeof policy_text_of_test - 1, dictionary, arena,
                                 &diagnostics, &policy, &err) == STATUS_OK,
                  "%s", err.text);
}

static void tear_down(void)
{
    policy_free(policy);
    arena_free(arena);
    dictionary_free(dictionary);
}

/* --- which batches swing: the store's volumes are the table's ------------------------------------------------------ */

enum { BATCHES_MOST = 16 };

static struct sent {
    struct batch_info info;
    bool counted;
    int64_t rows[2]; /* of HERE and THERE */
} sent[BATCHES_MOST];
static size_t sent_count, right_count;
static int64_t said_right[BATCHES_MOST];

static void add_volume(struct volume *volumes, size_t *count, int64_t township, const struct sent *one,
                       int64_t rows)
{
    if (one->counted && rows > 0)
        volumes[(*count)++] =
            (struct volume){.batch_id = one->info.batch_id, .township = township, .rows = rows};
}

enum status volume_read(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *in,
                        const struct volume **volumes, size_t *volume_count, struct error *why)
{
    struct volume *list = arena_array(in, 3 * count + 1, sizeof *list);
    (void)pg, (void)why;
    *volume_count = 0;
    *volumes = list;
    for (int part = 0; part < 3; part++)
        for (size_t b = 0; b < sent_count; b++)
            for (size_t i = 0; i < count; i++)
                if (batch_ids[i] == sent[b].info.batch_id)
                    add_volume(list, volume_count,
                               part == 0   ? VOLUME_NO_TOWNSHIP
                               : part == 1 ? HERE
                                           : THERE,
                               &sent[b], part == 0 ? 7 : sent[b].rows[part - 1]);
    return STATUS_OK;
}

enum status trust_given(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *in,
                        const int64_t **list, size_t *list_count, struct error *why)
{
    (void)pg, (void)batch_ids, (void)count, (void)in, (void)why;
    *list = said_right;
    *list_count = right_count;
    return STATUS_OK;
}

static void read_sent(const char *cell)
{
    char source, mode;
    sent_count = 0;
    for (int length = 0; sscanf(cell, " %c%c%n", &source, &mode, &length) == 2; sent_count++) {
        struct sent *one = &sent[sent_count];
        size_t place = source == 'h' ? 0 : source == 'w' ? 1 : 2;
        ck_assert_uint_lt(sent_count, BATCHES_MOST);
        *one = (struct sent){.info = {.batch_id = (int64_t)sent_count + 1,
                                      .source = policy_source_at(policy, place)->number,
                                      .mode = mode == 'F' ? BATCH_FULL : BATCH_DELTA}};
        cell += length;
        one->counted = sscanf(cell, "%ld/%ld%n", &one->rows[0], &one->rows[1], &length) == 2;
        cell += one->counted ? length : 1;
    }
}

static void tell(const struct swings *swings, struct text *out)
{
    text_clear(out);
    text_add_str(out, "");
    for (size_t i = 0; i < swings->count; i++) {
        const struct volume_swing *swing = &swings->items[i];
        text_printf(out, "%ld %s %ld of %ld..%ld%s;", swing->batch_id,
                    swing->township == HERE    ? "here"
                    : swing->township == THERE ? "there"
                                               : "sum",
                    swing->rows, swing->low, swing->high, swing->trusted ? "*" : "");
        ck_assert_int_eq(swing->source, sent[swing->batch_id - 1].info.source);
    }
}

START_TEST(batches_swing_as_the_table_says)
{
    struct cases *cases = cases_open("swings_found.tsv", 4);
    struct text out;
    text_init(&out);
    for (const struct case_row *row; (row = cases_next(cases));) {
        const struct batch_info *batches[BATCHES_MOST];
        struct swings swings;
        read_sent(row->cell[0].bytes);
        for (size_t i = 0; i < sent_count; i++)
            batches[i] = &sent[i].info;
        right_count = read_history(row->cell[1], said_right);
        ck_assert_int_eq(swings_find(&swings, policy, batches, sent_count, NULL, arena, &err), STATUS_OK);
        tell(&swings, &out);
        ck_assert_msg(case_is(row, 2, out.bytes), "%s: %s", cases_where(cases), out.bytes);
    }
    text_fini(&out);
    cases_close(cases);
}
END_TEST

START_TEST(what_is_unusable_or_swings_is_withheld)
{
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
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("swings");
    TCase *tests = tcase_create("swings");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, usual_is_what_the_table_says);
    tcase_add_test(tests, batches_swing_as_the_table_says);
    tcase_add_test(tests, what_is_unusable_or_swings_is_withheld);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
