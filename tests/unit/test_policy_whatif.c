/* SPDX-License-Identifier: PostgreSQL */
/* What would change it: against every single value of a small range, one by one. */
#include "config.h"

#include "policy/tell/whatif.h"
#include "test_policy.h"

#include <stdlib.h>
#include <string.h>

enum { GREATEST = 1500 }; /* fen that an amount of the small policy may have */

/* Lines of all kinds that amounts may be compared with: sums, shares, greatest and least, equalities, thresholds on which other
 * thresholds depend, and levels that rise and fall again. */
static const char small_policy[] =
    "政策 小试  版本 1  生效 2019-01-01\n"
    "文件 甲 \"试验文件\"\n"
    "来源 医保局 medical_insurance  时效 35天\n"
    "标准 线 : 元/年/人\n  2018-01-01 起  3.00  依据 甲 一条\n"
    "设定 上限 : 元 = 15.00  依据 甲 一条\n"
    "设定 份额 : 比 = 3/7  依据 甲 一条\n"
    "时段 本年 = 近12月\n"
    "事实 工资 : 元 范围 0..上限 取 income.wage\n"
    "事实 自付 : 元 范围 0..上限 取 expense.medical_self_paid 先 医保局\n"
    "事实 学费 : 元 范围 0..上限 取 expense.education\n"
    "事实 低保待遇 : 是否 取 relief.dibao\n"
    "事实 低保金 : 元 范围 0..上限 取 relief.dibao\n"
    "事实 房屋 : 代码 取 housing.grade\n"
    "事实 用水 : 是否 取 water.safe\n"
    "事实 残类 : 类 范围 1..7 取 disability.certificate 的 类别\n"
    "事实 残级 : 级 范围 1..4 取 disability.certificate 的 等级\n"
    "事实 受灾 : 事件 取 event.disaster\n"
    "人群 成员 = 登记人员\n"
    "算 人口 : 人 = 计数(成员)\n"
    "算 收入 : 元/年/户 = 合计(成员 与 本户, 本年 工资)\n"
    "算 支出 : 元/年/户 = 合计(成员 与 本户, 本年 自付 + 本年 学费)\n"
    "算 人均 : 元/年/人 = 收入 ÷ 人口\n"
    "红 red.share 支出占收入\n  依据 甲 一条\n  当 支出 > 份额 × 收入\n  且 人均 < 2 × 线\n  事由 疾病\n  理由 \"一\"\n  转介 乡镇\n"
    "橙 orange.even 收支相等\n  依据 甲 一条\n  当 收入 = 支出\n  且 收入 > 1.00元/年/户\n  事由 收入\n  理由 \"二\"\n  转介 乡镇\n"
    "橙 orange.least 有人收入在中间\n  依据 甲 一条\n  当 最大(成员, 本年 工资) > 4.00元/年/人\n  且 最小(成员, 本年 工资) ≤ 4.44元/年/人\n"
    "  事由 收入\n  理由 \"三\"\n  转介 乡镇\n"
    "黄 yellow.some 有人自付高\n  依据 甲 一条\n  某 成员\n    当 本年 自付 > 2.50元/年/人\n    且 本年 自付 ≤ 7.77元/年/人\n  事由 疾病\n  理由 \"四\"\n  转介 乡镇\n"
    "黄 yellow.house 住房\n  依据 甲 一条\n  当 最新 房屋 属于 (C, D)\n  且 非 存在(成员, 现有 低保待遇)\n  事由 住房\n  理由 \"五\"\n  转介 乡镇\n"
    "黄 yellow.disabled 重残\n  依据 甲 一条\n  某 成员\n    当 最新 残级 ≤ 2\n    且 最新 残类 属于 (5, 6)\n  事由 残疾\n  理由 \"六\"\n  转介 乡镇\n"
    "橙 orange.disaster 受灾\n  依据 甲 一条\n  凭 存在(成员 与 本户, 本年 发生 受灾)\n  且 人均 < 线\n  事由 灾害\n  理由 \"七\"\n  转介 乡镇\n"
    "黄 yellow.relief 低保金少\n  依据 甲 一条\n  凭 存在(成员, 现有 低保待遇)\n"
    "  且 合计(成员, 现有 低保金) < 3.33元/月/户\n  事由 收入\n  理由 \"九\"\n  转介 乡镇\n"
    "核 verify.unknown 不明\n  依据 甲 一条\n  凭 含未知(支出)\n  且 人均 < 2 × 线\n  事由 数据\n  理由 \"八\"\n  转介 乡镇\n";

struct tried {
    struct fixture fixture;
    struct policy_run *run;
    struct block_maker *maker;
    const struct policy_block *block;
    struct policy_changes changes;
};

static void tried_open(struct tried *t, const char *text)
{
    fixture_open(&t->fixture);
    fixture_compile_good(&t->fixture, text, "whatif");
    ck_assert_int_eq(policy_run_new(t->fixture.policy, day_of("2021-06-30"), &t->run, &t->fixture.err),
                     STATUS_OK);
}

static void tried_begin(struct tried *t)
{
    t->maker = block_maker_new(t->fixture.policy);
    block_household(t->maker, true); /* a neighbour, so that indexes are not all zero */
    block_fact(t->maker, "housing.grade", 4, day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t->maker, DAY_NONE);
    block_fact(t->maker, "income.wage", 77, day_of("2021-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_household(t->maker, false);
}

static void tried_run(struct tried *t)
{
    t->block = block_finish(t->maker);
    ck_assert_int_eq(
        policy_what_would_change(t->run, t->block, 1, t->fixture.arena, &t->changes, &t->fixture.err),
        STATUS_OK);
}

static void tried_end(struct tried *t)
{
    block_maker_free(t->maker);
}

static void tried_close(struct tried *t)
{
    policy_run_free(t->run);
    fixture_close(&t->fixture);
}

static enum policy_level level_now(struct tried *t)
{
    struct policy_outcome outcomes[2];
    ck_assert_int_eq(policy_run_evaluate(t->run, t->block, outcomes, &t->fixture.err), STATUS_OK);
    return (enum policy_level)outcomes[1].level;
}

static const struct policy_change *find_change(const struct tried *t, enum policy_change_kind kind,
                                               bool of_household, size_t fact, int64_t value)
{
    for (size_t i = 0; i < t->changes.count; i++) {
        const struct policy_change *c = &t->changes.items[i];
        if (c->kind == kind && c->of_household == of_household && c->fact == fact &&
            (kind == CHANGE_MORE || kind == CHANGE_LESS || kind == CHANGE_GONE || c->value == value))
            return c;
    }
    return NULL;
}

/* --- every value, one by one ------------------------------------------------------------------------------------- */

static struct policy_fact *fact_of(struct tried *t, bool of_household, size_t fact)
{
    const struct policy_fact *facts = of_household ? t->block->household_facts : t->block->person_facts;
    return (struct policy_fact *)(uintptr_t)&facts[fact]; /* the block maker's own */
}

static int turns_met, ranges_met;

static void check_known(struct tried *t, bool of_household, size_t index, int64_t least)
{
    struct policy_fact *fact = fact_of(t, of_household, index);
    int64_t now = fact->value;
    for (int step = -1; step <= 1; step += 2) {
        const struct policy_change *told =
            find_change(t, step < 0 ? CHANGE_LESS : CHANGE_MORE, of_household, index, 0);
        int64_t value = now;
        enum policy_level level = t->changes.level;
        while (level == t->changes.level && value + step >= least && value + step <= GREATEST) {
            fact->value = value += step;
            level = level_now(t);
        }
        fact->value = now;
        if (level == t->changes.level) {
            ck_assert_msg(told == NULL, "value %lld, step %d: told %lld", (long long)now, step,
                          told == NULL ? 0LL : (long long)told->value);
            continue;
        }
        turns_met++;
        ck_assert_msg(told != NULL, "value %lld, step %d: turns at %lld", (long long)now, step,
                      (long long)value);
        ck_assert_int_eq(told->value, value);
        ck_assert_int_eq(told->level, level);
    }
}

static void check_unknown(struct tried *t, bool of_household, size_t index, int64_t least)
{
    struct policy_fact *fact = fact_of(t, of_household, index);
    int64_t now = fact->value;
    for (int64_t value = least; value <= GREATEST; value++) {
        enum policy_level told = t->changes.level;
        for (size_t i = 0; i < t->changes.count; i++) {
            const struct policy_change *c = &t->changes.items[i];
            if (c->kind == CHANGE_KNOWN && c->of_household == of_household && c->fact == index &&
                c->value <= value && value <= c->high)
                told = c->level;
        }
        fact->value = value;
        enum policy_level level = level_now(t);
        ranges_met += level != t->changes.level;
        ck_assert_msg(level == told, "known to be %lld: level %d, told %d", (long long)value, level, told);
    }
    fact->value = now;
}

static void check_amount(struct tried *t, bool of_household, size_t index)
{
    const struct policy_fact *fact = fact_of(t, of_household, index);
    int16_t number = policy_codes(t->fixture.policy, &(size_t){0})[fact->code];
    const struct fact_code *code = dictionary_by_number(t->fixture.dictionary, number);
    int64_t least = code->kind == FACT_RELIEF ? FACT_YES + 1 : 0; /* what is less means yes and no */
    if (code->kind != FACT_AMOUNT && code->kind != FACT_RELIEF)
        return;
    if (fact->value < least)
        check_unknown(t, of_household, index, least);
    else
        check_known(t, of_household, index, least);
}

static void check_amounts(struct tried *t)
{
    const struct policy_block *block = t->block;
    ck_assert(t->changes.complete);
    ck_assert_int_eq(level_now(t), t->changes.level);
    for (size_t f = block->household_fact_begin[1]; f < block->household_fact_begin[2]; f++)
        check_amount(t, true, f);
    size_t first = block->person_begin[1], end = block->person_begin[2];
    for (size_t f = block->person_fact_begin[first]; f < block->person_fact_begin[end]; f++)
        check_amount(t, false, f);
}

static uint64_t seed = 7;

static int chance(int below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((seed >> 33) % (unsigned)below);
}

static void some_facts(struct tried *t, bool of_person)
{
    static const char *const amounts[] = {"income.wage", "expense.medical_self_paid", "expense.education"};
    day_t day = day_of("2021-03-01");
    for (int i = 0; i < 3; i++)
        for (int n = chance(3); n > 0; n--)
            block_fact(t->maker, amounts[i], chance(9) == 0 ? FACT_UNKNOWN : chance(GREATEST / 2),
                       chance(9) == 0 ? day_of("2019-01-01") : day, DAY_NONE, chance(4) == 0 ? 1 : 0, 1);
    if (of_person && chance(3) == 0)
        block_fact(t->maker, "disability.certificate", 51 + chance(4), day, DAY_NONE, 0, 1);
    if (chance(4) == 0)
        block_fact(t->maker, of_person ? "relief.dibao" : "housing.grade", 1 + chance(4), day, DAY_NONE, 0,
                   1);
    if (chance(6) == 0)
        block_fact(t->maker, "event.disaster", 1, day, DAY_NONE, 0, 1);
}

START_TEST(amounts_are_exact_to_the_fen)
{
    struct tried t;
    tried_open(&t, small_policy);
    for (int household = 0; household < 50 / EVERY; household++) {
        tried_begin(&t);
        some_facts(&t, false);
        for (int persons = 1 + chance(3); persons > 0; persons--) {
            block_person(t.maker, day_of("1980-01-01"));
            some_facts(&t, true);
        }
        tried_run(&t);
        check_amounts(&t);
        tried_end(&t);
    }
    ck_assert_int_gt(turns_met, 100 / EVERY);
    ck_assert_int_gt(ranges_met, 1000 / EVERY);
    tried_close(&t);
}
END_TEST

/* True, undecided, false, undecided and true again, as one of several sources says less and then more than the others. */
START_TEST(sources_that_disagree)
{
    static const char text[] =
        "政策 小试  版本 1  生效 2019-01-01\n"
        "文件 甲 \"试验文件\"\n"
        "来源 医保局 medical_insurance  时效 35天\n"
        "设定 上限 : 元 = 15.00  依据 甲 一条\n"
        "时段 本年 = 近12月\n"
        "事实 工资 : 元 范围 0..上限 取 income.wage\n"
        "事实 自付 : 元 范围 0..上限 取 expense.medical_self_paid 先 医保局\n"
        "事实 学费 : 元 范围 0..上限 取 expense.education\n"
        "人群 成员 = 登记人员\n"
        "红 red.wage 工资\n  依据 甲 一条\n  某 成员\n    当 本年 不一致 工资 超过 2.00元\n    且 本年 学费 < 9.00元/年/人\n"
        "  事由 数据\n  理由 \"一\"\n  转介 乡镇\n"
        "黄 yellow.fees 学费\n  依据 甲 一条\n  凭 存在(成员, 本年 不一致 学费)\n  且 存在(成员, 本年 不一致 自付 超过 4.44元)\n"
        "  事由 数据\n  理由 \"二\"\n  转介 乡镇\n"
        "核 verify.own 户名下\n  依据 甲 一条\n  当 非 本年 不一致 工资\n  事由 数据\n  理由 \"三\"\n  转介 乡镇\n";
    struct tried t;
    tried_open(&t, text);
    turns_met = ranges_met = 0;
    for (int household = 0; household < 20; household++) {
        tried_begin(&t);
        for (int subject = -1; subject < 2; subject++) {
            static const char *const amounts[] = {"income.wage", "expense.medical_self_paid",
                                                  "expense.education"};
            if (subject >= 0)
                block_person(t.maker, day_of("1980-01-01"));
            for (int i = 0; i < 9; i++) {
                int64_t value = chance(9) == 0 ? FACT_UNKNOWN : chance(2) == 0 ? 500 : chance(GREATEST);
                if (chance(3) > 0)
                    block_fact(t.maker, amounts[i / 3], value, day_of("2021-03-01"), DAY_NONE,
                               (uint8_t)(i % 3), 1);
            }
        }
        tried_run(&t);
        check_amounts(&t);
        tried_end(&t);
    }
    ck_assert_int_gt(turns_met, 50);
    ck_assert_int_gt(ranges_met, 500);
    tried_close(&t);
}
END_TEST

/* --- states ------------------------------------------------------------------------------------------------------- */

START_TEST(states_codes_certificates_and_events)
{
    struct tried t;
    day_t day = day_of("2021-03-01");
    tried_open(&t, small_policy);
    tried_begin(&t);
    block_fact(t.maker, "housing.grade", 1, day, DAY_NONE, SOURCE_REGISTER, 1); /* A */
    block_person(t.maker, day);
    block_fact(t.maker, "disability.certificate", 53, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "event.disaster", 1, day, DAY_NONE, SOURCE_REGISTER, 1);
    tried_run(&t);
    size_t own = t.block->household_fact_begin[1], theirs = t.block->person_fact_begin[1];
    ck_assert_int_eq(t.changes.level, LEVEL_ORANGE); /* the disaster */
    ck_assert(t.changes.complete);
    /* The grade of the house changes nothing while the disaster does; without the disaster it is calm. */
    const struct policy_change *gone = find_change(&t, CHANGE_GONE, false, theirs + 1, 0);
    if (gone == NULL)
        gone = find_change(&t, CHANGE_GONE, false, theirs, 0);
    ck_assert_ptr_nonnull(gone);
    ck_assert_int_eq(gone->level, LEVEL_NONE);
    ck_assert_uint_eq(gone->person, 1);
    ck_assert_ptr_null(find_change(&t, CHANGE_OTHER, true, own, 3));
    tried_end(&t);

    tried_begin(&t);
    block_fact(t.maker, "housing.grade", 1, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    block_fact(t.maker, "disability.certificate", 53, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    tried_run(&t);
    own = t.block->household_fact_begin[1];
    theirs = t.block->person_fact_begin[1];
    ck_assert_int_eq(t.changes.level, LEVEL_NONE);
    ck_assert_ptr_null(find_change(&t, CHANGE_OTHER, true, own, 2));
    ck_assert_int_eq(find_change(&t, CHANGE_OTHER, true, own, 3)->level, LEVEL_YELLOW);
    ck_assert_int_eq(find_change(&t, CHANGE_OTHER, true, own, 4)->level, LEVEL_YELLOW);
    ck_assert_int_eq(find_change(&t, CHANGE_OTHER, false, theirs, 52)->level, LEVEL_YELLOW);
    ck_assert_int_eq(find_change(&t, CHANGE_OTHER, false, theirs, 61)->level, LEVEL_YELLOW);
    ck_assert_ptr_null(find_change(&t, CHANGE_OTHER, false, theirs, 72));
    ck_assert_ptr_null(find_change(&t, CHANGE_GONE, false, theirs, 0));
    /* The second person might have a certificate, too. */
    const struct policy_change *new = find_change(&t, CHANGE_NEW, false, SIZE_MAX, 51);
    ck_assert_ptr_nonnull(new);
    ck_assert_uint_eq(new->person, 2);
    ck_assert_int_eq(new->level, LEVEL_YELLOW);
    ck_assert_ptr_null(find_change(&t, CHANGE_NEW, false, SIZE_MAX, 54));
    tried_end(&t);

    tried_begin(&t);
    block_fact(t.maker, "housing.grade", 4, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    tried_run(&t);
    ck_assert_int_eq(t.changes.level, LEVEL_YELLOW);
    ck_assert_int_eq(find_change(&t, CHANGE_GONE, true, t.block->household_fact_begin[1], 0)->level,
                     LEVEL_NONE);
    /* Dibao of an amount that nobody knows. */
    ck_assert_int_eq(find_change(&t, CHANGE_NEW, false, SIZE_MAX, FACT_YES)->level, LEVEL_VERIFY);
    tried_end(&t);
    tried_close(&t);
}
END_TEST

/* Of two sources that say the same the one that is believed hides the other: without what it says nothing changes, were it to deny it
 * something does. What is denied might be so. No event is thought up. */
START_TEST(what_is_denied)
{
    struct tried t;
    day_t day = day_of("2021-03-01");
    tried_open(&t, small_policy);
    tried_begin(&t);
    block_person(t.maker, day);
    block_fact(t.maker, "event.disaster", 1, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "event.disaster", 1, day, DAY_NONE, 1, 1); /* the medical insurance's */
    tried_run(&t);
    size_t first = t.block->person_fact_begin[1];
    ck_assert_int_eq(t.changes.level, LEVEL_ORANGE);
    size_t denied = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct policy_change *other = find_change(&t, CHANGE_OTHER, false, first + i, 0);
        ck_assert_ptr_null(find_change(&t, CHANGE_GONE, false, first + i, 0));
        denied += other != NULL;
        ck_assert(other == NULL || other->level == LEVEL_NONE);
    }
    ck_assert_uint_eq(denied, 1);
    tried_end(&t);

    tried_begin(&t);
    block_fact(t.maker, "housing.grade", 4, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    block_fact(t.maker, "event.disaster", 0, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "relief.dibao", 0, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    tried_run(&t);
    first = t.block->person_fact_begin[1];
    ck_assert_int_eq(t.changes.level, LEVEL_YELLOW);
    size_t disasters = 0;
    for (size_t i = 0; i < t.changes.count; i++)
        disasters += t.changes.items[i].level == LEVEL_ORANGE && t.changes.items[i].kind == CHANGE_OTHER;
    ck_assert_uint_eq(disasters, 1);
    for (size_t i = 0; i < t.changes.count;
         i++) /* a new house may be worse or better; a disaster is not new */
        ck_assert(t.changes.items[i].kind != CHANGE_NEW || t.changes.items[i].level != LEVEL_ORANGE);
    tried_end(&t);

    tried_begin(&t);
    block_fact(t.maker, "housing.grade", 4, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day);
    block_fact(t.maker, "relief.dibao", 900, day, DAY_NONE, SOURCE_REGISTER, 1);
    tried_run(&t);
    ck_assert_int_eq(t.changes.level, LEVEL_NONE);
    const struct policy_change *other =
        find_change(&t, CHANGE_OTHER, false, t.block->person_fact_begin[1], 0);
    ck_assert_ptr_nonnull(other);
    ck_assert_int_eq(other->level, LEVEL_YELLOW);
    ck_assert_ptr_null(find_change(&t, CHANGE_OTHER, false, t.block->person_fact_begin[1], FACT_YES));
    tried_end(&t);
    tried_close(&t);
}
END_TEST

START_TEST(the_county_scheme_is_asked_at_a_bounded_cost)
{
    struct tried t;
    size_t length;
    day_t day = day_of("2021-03-01");
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    tried_open(&t, text);
    free(text);
    tried_begin(&t);
    block_fact(t.maker, "income.declared", 1, day_of("2016-01-01"), DAY_NONE, SOURCE_REGISTER, 1);
    block_person(t.maker, day_of("1980-01-01"));
    block_fact(t.maker, "income.wage", 600000, day, DAY_NONE, 4, 1);
    block_fact(t.maker, "expense.medical_self_paid", 500001, day, DAY_NONE, 1, 1);
    tried_run(&t);
    ck_assert_int_eq(t.changes.level, LEVEL_RED);
    ck_assert(t.changes.complete);
    size_t first = t.block->person_fact_begin[1];
    /* Up to half of the income it is no rigid expense any more: what stays is the low income. */
    const struct policy_change *less = NULL;
    for (size_t i = 0; i < t.changes.count; i++)
        if (t.changes.items[i].kind == CHANGE_LESS && t.changes.items[i].value == 300000)
            less = &t.changes.items[i];
    ck_assert_ptr_nonnull(less);
    ck_assert_int_eq(less->level, LEVEL_ORANGE);
    ck_assert(less->fact == first || less->fact == first + 1);
    ck_assert_uint_lt(t.changes.cost, WHATIF_COST_MAX / 10);
    tried_end(&t);

    /* More than can be asked: it ends, and says that it is not complete. */
    tried_begin(&t);
    for (int p = 0; p < 400; p++) {
        block_person(t.maker, day_of("1980-01-01"));
        for (int n = 0; n < 9; n++)
            block_fact(t.maker, "income.wage", 1000 + p, day, DAY_NONE, 4, 1);
    }
    tried_run(&t);
    ck_assert(!t.changes.complete);
    ck_assert_uint_le(t.changes.cost, WHATIF_COST_MAX + WHATIF_COST_MAX / 10);
    tried_end(&t);
    tried_close(&t);
}
END_TEST

/* It ends as soon as the bound is reached: with that evaluation, or those that find the end of a stretch. */
static void check_spent(struct tried *t, uint64_t subjects, uint64_t evaluations)
{
    tried_run(t);
    ck_assert(!t->changes.complete);
    ck_assert_uint_ge(t->changes.cost, WHATIF_COST_MAX);
    ck_assert_uint_le(t->changes.cost, WHATIF_COST_MAX + evaluations * (1 + subjects / 32));
    tried_end(t);
}

/* Wherever it is: among the values of a state, of a state that is not there, in an unknown amount. */
START_TEST(the_end_of_what_can_be_asked)
{
    enum { MANY = 400 };
    struct tried t;
    day_t day = day_of("2021-03-01");
    tried_open(&t, small_policy);
    tried_begin(&t);
    for (int p = 0; p < MANY; p++) {
        block_person(t.maker, day);
        block_fact(t.maker, "disability.certificate", 53, day, DAY_NONE, SOURCE_REGISTER, 1);
    }
    check_spent(&t, 2 * MANY, 1);
    tried_begin(&t);
    for (int p = 0; p < MANY; p++)
        block_person(t.maker, day);
    check_spent(&t, MANY, 1);
    tried_begin(&t);
    for (int p = 0; p < MANY; p++) {
        block_person(t.maker, day);
        block_fact(t.maker, "income.wage", FACT_UNKNOWN, day, DAY_NONE, SOURCE_REGISTER, 1);
    }
    check_spent(&t, 2 * MANY, 20);
    for (size_t i = 0; i < t.changes.count; i++) /* none of the amount that was not asked to its end */
        ck_assert_int_eq(t.changes.items[i].kind, CHANGE_KNOWN);
    tried_close(&t);
}
END_TEST

/* Of twenty persons each might have one of four certificates, and dibao. */
START_TEST(many_changes_are_all_told)
{
    enum { MANY = 20 };
    static const int64_t certificates[] = {51, 52, 61, 62};
    struct tried t;
    tried_open(&t, small_policy);
    tried_begin(&t);
    for (int p = 0; p < MANY; p++)
        block_person(t.maker, day_of("1980-01-01"));
    tried_run(&t);
    ck_assert_int_eq(t.changes.level, LEVEL_NONE);
    ck_assert(t.changes.complete);
    size_t told[MANY + 1] = {0}, own = 0;
    for (size_t i = 0; i < t.changes.count; i++) {
        const struct policy_change *c = &t.changes.items[i];
        ck_assert(c->kind == CHANGE_NEW && c->fact == SIZE_MAX);
        own += c->of_household;
        if (c->of_household || c->level != LEVEL_YELLOW)
            continue;
        ck_assert_uint_le(c->person, MANY);
        ck_assert_int_eq(c->value, certificates[told[c->person]++]);
    }
    for (size_t p = 1; p <= MANY; p++) /* the neighbour is 0 */
        ck_assert_uint_eq(told[p], 4);
    ck_assert_uint_eq(own, 2); /* a house of grade C or D */
    ck_assert_uint_eq(t.changes.count, MANY * 5 + 2);
    tried_end(&t);
    tried_close(&t);
}
END_TEST

/* Two readers of one code with ranges of their own: what only one of them takes for known is not asked, nor is an amount that has
 * one value alone, nor that of a relief below what means yes. */
static const char ranges_policy[] =
    "政策 小试  版本 1  生效 2019-01-01\n文件 甲 \"试验文件\"\n来源 医保局 medical_insurance  时效 35天\n"
    "时段 本年 = 近12月\n"
    "事实 工资 : 元 范围 0..15.00 取 income.wage\n事实 薪金 : 元 范围 2.00..9.00 取 income.wage\n"
    "事实 自付 : 元 范围 2.00..9.00 取 expense.medical_self_paid\n事实 药费 : 元 范围 0..15.00 取 expense.medical_self_paid\n"
    "事实 学费 : 元 范围 5.00..5.00 取 expense.education\n"
    "事实 低保金 : 元 范围 2.00..15.00 取 relief.dibao\n事实 特困金 : 元 范围 0..0.01 取 relief.tekun\n"
    "人群 成员 = 登记人员\n"
    "红 red.much 多\n  依据 甲 一条\n  当 存在(成员, 本年 薪金 ≥ 8.00元/年/人 或 本年 自付 ≥ 8.00元/年/人 或 现有 低保金 ≥ 8.00元/月/人)\n"
    "  事由 收入\n  理由 \"一\"\n"
    "橙 orange.little 少\n  依据 甲 一条\n  当 存在(成员, 本年 工资 < 1.00元/年/人 或 本年 药费 < 1.00元/年/人)\n"
    "  且 存在(成员, 本年 有记录 工资)\n  事由 收入\n  理由 \"二\"\n"
    "黄 yellow.none 无\n  依据 甲 一条\n  当 存在(成员, 本年 学费 > 5.00元/年/人 或 现有 特困金 ≥ 0.01元/月/人)\n"
    "  事由 收入\n  理由 \"三\"\n";

START_TEST(amounts_that_every_reader_knows)
{
    struct tried t;
    day_t day = day_of("2021-03-01");
    tried_open(&t, ranges_policy);
    tried_begin(&t);
    block_person(t.maker, day);
    block_fact(t.maker, "income.wage", 500, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "expense.medical_self_paid", 500, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "expense.education", 500, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "relief.dibao", 500, day, DAY_NONE, SOURCE_REGISTER, 1);
    block_fact(t.maker, "relief.tekun", 1, day, DAY_NONE, SOURCE_REGISTER, 1);
    tried_run(&t);
    ck_assert_int_eq(t.changes.level, LEVEL_NONE);
    ck_assert(t.changes.complete);
    size_t more = 0;
    for (size_t i = 0; i < t.changes.count; i++) {
        const struct policy_change *c = &t.changes.items[i];
        if (c->kind == CHANGE_GONE || c->kind == CHANGE_OTHER || c->kind == CHANGE_NEW)
            continue;
        ck_assert_int_eq(c->kind, CHANGE_MORE);
        ck_assert_int_eq(c->value, 800);
        ck_assert_int_eq(c->level, LEVEL_RED);
        more++;
    }
    ck_assert_uint_eq(more, 3);
    tried_end(&t);
    tried_close(&t);
}
END_TEST

/* Of an unknown amount the first eight ranges are told, and one that ends with the greatest value. */
START_TEST(ranges_of_an_unknown_amount)
{
    static const char text[] =
        "政策 小试  版本 1  生效 2019-01-01\n文件 甲 \"试验文件\"\n来源 医保局 medical_insurance  时效 35天\n"
        "时段 本年 = 近12月\n"
        "事实 工资 : 元 范围 0..15.00 取 income.wage\n事实 学费 : 元 范围 0..15.00 取 expense.education\n"
        "人群 成员 = 登记人员\n"
        "红 red.even 整元\n  依据 甲 一条\n  某 成员\n    当 本年 工资 = 1.00元/年/人 或 本年 工资 = 2.00元/年/人 或 本年 工资 = 3.00元/年/人 或 本年 工资 = 4.00元/年/人 或 本年 工资 = 5.00元/年/人\n"
        "  事由 收入\n  理由 \"一\"\n"
        "黄 yellow.most 最多\n  依据 甲 一条\n  当 存在(成员, 本年 学费 = 15.00元/年/人)\n  事由 收入\n  理由 \"二\"\n";
    struct tried t;
    day_t day = day_of("2021-03-01");
    tried_open(&t, text);
    tried_begin(&t);
    block_person(t.maker, day);
    block_fact(t.maker, "expense.education", FACT_UNKNOWN, day, DAY_NONE, SOURCE_REGISTER, 1);
    tried_run(&t);
    ck_assert(t.changes.complete);
    ck_assert_uint_eq(t.changes.count, 1);
    ck_assert_int_eq(t.changes.items[0].value, 1500);
    ck_assert_int_eq(t.changes.items[0].high, 1500);
    ck_assert_int_eq(t.changes.items[0].level, LEVEL_YELLOW);
    tried_end(&t);
    tried_begin(&t);
    block_person(t.maker, day);
    block_fact(t.maker, "income.wage", FACT_UNKNOWN, day, DAY_NONE, SOURCE_REGISTER, 1);
    tried_run(&t);
    ck_assert(!t.changes.complete);
    ck_assert_uint_eq(t.changes.count, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(t.changes.items[i].kind, CHANGE_KNOWN);
        ck_assert_int_eq(t.changes.items[i].value, 100 * (i + 1));
        ck_assert_int_eq(t.changes.items[i].high, 100 * (i + 1));
        ck_assert_int_eq(t.changes.items[i].level, LEVEL_RED);
    }
    tried_end(&t);
    tried_close(&t);
}
END_TEST

Suite *policy_whatif_suite(void)
{
    Suite *suite = suite_create("policy_whatif");
    TCase *tests = tcase_create("what would change it");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, amounts_are_exact_to_the_fen);
    tcase_add_test(tests, sources_that_disagree);
    tcase_add_test(tests, states_codes_certificates_and_events);
    tcase_add_test(tests, what_is_denied);
    tcase_add_test(tests, the_county_scheme_is_asked_at_a_bounded_cost);
    tcase_add_test(tests, the_end_of_what_can_be_asked);
    tcase_add_test(tests, many_changes_are_all_told);
    tcase_add_test(tests, amounts_that_every_reader_knows);
    tcase_add_test(tests, ranges_of_an_unknown_amount);
    suite_add_tcase(suite, tests);
    return suite;
}
