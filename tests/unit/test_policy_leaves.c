/* SPDX-License-Identifier: PostgreSQL */
/*
 * Everything that a condition can say (each row of policy_conditions.tsv), asked of random households: a block comes out as its
 * households do one by one, as they are explained, as they do when something makes them large, and as they do when they bring no
 * more of their facts than policy_run_need asks for.
 */
#include "config.h"

#include "base/random.h"
#include "policy/tell/whatif.h"
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLAUSES = 60, HOUSEHOLDS = 1500, EXPLAINED_EVERY = 50, CHANGED = 3, LARGE_ONES = 24 };

static const struct {
    const char *code;
    int64_t values[5];
} kinds[] = {
    {"income.wage", {0, 1, 600000, 999999, FACT_UNKNOWN}},
    {"income.wage", {100, 101, 599999, 600001, 100000001}},
    {"expense.medical_self_paid", {0, 1, 100, 500000, FACT_UNKNOWN}},
    {"expense.education", {0, 1, 100, 500000, FACT_UNKNOWN}},
    {"asset.deposit", {0, 100, 200, 3000000, FACT_UNKNOWN}},
    {"relief.dibao", {0, 1, 35000, 61000, 1}},
    {"income.declared", {1, 1, 1, 0, 1}},
    {"residence.moved_away", {1, 0, 0, 0, 1}},
    {"event.death", {1, 0, 0, 0, 1}},
    {"event.disaster", {1, 1, 0, 1, 1}},
    {"housing.grade", {1, 2, 3, 4, 4}},
    {"water.safe", {0, 1, 1, 1, 0}},
    {"student.stage", {1, 2, 3, 5, 6}},
    {"disability.certificate", {41, 53, 73, 44, 12}},
};

static day_t random_day(struct random *random)
{
    if (random_below(random, 20) == 0)
        return DAY_NONE;
    if (random_below(random, 10) == 0) /* the edges of windows */
        return day_of("2020-06-30") + (day_t)random_below(random, 2) * 365 + (day_t)random_below(random, 3);
    return day_of("2018-06-01") + (day_t)random_below(random, 1300);
}

static void random_facts(struct block_maker *maker, struct random *random)
{
    static const int sources[] = {SOURCE_REGISTER, 1, 2, 3, 9};
    for (uint64_t n = random_below(random, 6); n > 0; n--) {
        uint64_t kind = random_below(random, sizeof kinds / sizeof kinds[0]);
        day_t from = random_day(random), to = random_below(random, 2) == 0 ? DAY_NONE : random_day(random);
        block_fact(maker, kinds[kind].code, kinds[kind].values[random_below(random, 5)], from, to,
                   sources[random_below(random, 5)], (uint32_t)random_below(random, 3));
    }
}

static struct block_maker *random_block(const struct policy *policy, uint64_t seed, int households)
{
    struct random random;
    random_seed(&random, seed);
    struct block_maker *maker = block_maker_new(policy);
    for (int h = 0; h < households; h++) {
        block_household(maker, random_below(&random, 2) == 1);
        random_facts(maker, &random);
        for (uint64_t p = random_below(&random, 5); p > 0; p--) {
            block_person(maker, random_below(&random, 8) == 0
                                    ? DAY_NONE
                                    : day_of("1860-01-01") + (day_t)random_below(&random, 59000));
            block_traits(maker, policy_traits((int)random_below(&random, 102) - 1,
                                              (enum policy_labour)random_below(&random, LABOUR_NONE + 1)));
            random_facts(maker, &random);
        }
    }
    return maker;
}

struct asked {
    struct fixture fixture;
    struct policy_run *run, *single;
    struct block_maker *maker;
    const struct policy_block *block;
    struct policy_outcome outcomes[HOUSEHOLDS], again[HOUSEHOLDS];
    size_t changes;
    uint64_t fired, denied, undecided; /* by any household */
};

static void check_alone(struct asked *asked, size_t i)
{
    const struct policy_block *block = asked->block;
    uint32_t first = block->person_begin[i], person_begin[2] = {0, block->person_begin[i + 1] - first};
    struct policy_block own = {.household_count = 1,
                               .urban = block->urban + i,
                               .person_begin = person_begin,
                               .birth = block->birth + first,
                               .traits = block->traits + first,
                               .household_fact_begin = block->household_fact_begin + i,
                               .household_facts = block->household_facts,
                               .person_fact_begin = block->person_fact_begin + first,
                               .person_facts = block->person_facts};
    struct policy_outcome one;
    ck_assert_int_eq(policy_run_evaluate(asked->single, &own, &one, &asked->fixture.err), STATUS_OK);
    ck_assert_msg(memcmp(&one, &asked->outcomes[i], sizeof one) == 0,
                  "household %zu differs from itself alone: fired %llx, %llx", i,
                  (unsigned long long)asked->outcomes[i].fired, (unsigned long long)one.fired);
    asked->fired |= one.fired;
    asked->denied |= one.denied;
    asked->undecided |= ~(one.fired | one.denied);
}

static void check_explained(struct asked *asked, size_t i)
{
    struct arena *arena = arena_new(0);
    struct policy_explanation explanation;
    ck_assert_int_eq(policy_explain(asked->run, asked->block, i, arena, &explanation, &asked->fixture.err),
                     STATUS_OK);
    ck_assert_msg(memcmp(&explanation.outcome, &asked->outcomes[i], sizeof explanation.outcome) == 0,
                  "household %zu differs when explained", i);
    arena_free(arena);
}

static enum policy_level level_of(struct asked *asked, size_t i)
{
    ck_assert_int_eq(policy_run_evaluate(asked->single, asked->block, asked->again, &asked->fixture.err),
                     STATUS_OK);
    return (enum policy_level)asked->again[i].level;
}

/* What is said to change the level does. */
static void check_changes(struct asked *asked, size_t i)
{
    struct arena *arena = arena_new(0);
    struct policy_changes changes;
    ck_assert_int_eq(
        policy_what_would_change(asked->run, asked->block, i, arena, &changes, &asked->fixture.err),
        STATUS_OK);
    ck_assert_int_eq(changes.level, asked->outcomes[i].level);
    for (size_t c = 0; c < changes.count; c++) {
        const struct policy_change *change = &changes.items[c];
        if (change->kind == CHANGE_GONE || change->kind == CHANGE_NEW)
            continue;
        struct policy_fact *facts =
            (struct policy_fact *)(uintptr_t)(change->of_household ? asked->block->household_facts
                                                                   : asked->block->person_facts);
        int64_t now = facts[change->fact].value;
        facts[change->fact].value = change->value;
        ck_assert_int_eq(level_of(asked, i), change->level);
        if (change->kind == CHANGE_KNOWN) {
            facts[change->fact].value = change->high;
            ck_assert_int_eq(level_of(asked, i), change->level);
        }
        facts[change->fact].value = now;
        asked->changes++;
    }
    arena_free(arena);
}

/* What a puller makes of facts by what the run says that it needs. */
static void reduce(struct asked *asked, struct policy_fact *facts, uint32_t *begin, size_t subjects,
                   bool of_persons)
{
    uint32_t kept = 0;
    for (size_t s = 0; s < subjects; s++) {
        uint32_t from = begin[s], until = begin[s + 1];
        begin[s] = kept;
        for (uint32_t f = from; f < until; f++) {
            struct policy_fact fact = facts[f];
            struct policy_need need = policy_run_need(asked->run, fact.code, of_persons);
            day_t day = fact.to != DAY_NONE ? fact.to : fact.from;
            if (!need.read || (!need.periods && need.after != DAY_NONE && day <= need.after))
                continue;
            if (!need.periods) {
                fact.from = DAY_NONE;
                fact.to = day;
            }
            if (!need.order)
                fact.batch = fact.row = 0;
            facts[kept++] = fact;
        }
    }
    begin[subjects] = kept;
}

static void check_reduced(struct asked *asked, uint64_t seed)
{
    struct policy_outcome outcomes[HOUSEHOLDS];
    struct block_maker *maker = random_block(asked->fixture.policy, seed, HOUSEHOLDS);
    const struct policy_block *block = block_finish(maker);
    reduce(asked, (struct policy_fact *)(uintptr_t)block->household_facts,
           (uint32_t *)(uintptr_t)block->household_fact_begin, HOUSEHOLDS, false);
    reduce(asked, (struct policy_fact *)(uintptr_t)block->person_facts,
           (uint32_t *)(uintptr_t)block->person_fact_begin, block->person_begin[HOUSEHOLDS], true);
    ck_assert_int_eq(policy_run_evaluate(asked->single, block, outcomes, &asked->fixture.err), STATUS_OK);
    for (size_t i = 0; i < HOUSEHOLDS; i++)
        ck_assert_msg(memcmp(&outcomes[i], &asked->outcomes[i], sizeof outcomes[i]) == 0,
                      "household %zu differs with no more facts than needed: fired %llx, %llx", i,
                      (unsigned long long)asked->outcomes[i].fired, (unsigned long long)outcomes[i].fired);
    block_maker_free(maker);
}

/* So many persons that nothing was proven of the sums: each comes out in one way, and as it is explained. */
static void check_large(struct asked *asked, uint64_t seed)
{
    struct random random;
    random_seed(&random, seed);
    struct policy_outcome outcomes[LARGE_ONES];
    struct block_maker *maker = block_maker_new(asked->fixture.policy);
    for (int i = 0; i < LARGE_ONES; i++) {
        block_household(maker, i % 2 == 0);
        random_facts(maker, &random);
        int persons = i % 8 == 7 ? POLICY_PERSONS_READ_MAX + 1 : POLICY_PERSONS_PER_HOUSEHOLD_MAX + 1 + i;
        for (int p = 0; p < persons; p++) {
            block_person(maker, p % 5 == 0 ? DAY_NONE : day_of("1950-01-01") + 13 * p);
            block_traits(maker, policy_traits(p % 100, (enum policy_labour)(p % 4)));
            if (p % 50 == 0)
                random_facts(maker, &random);
        }
    }
    const struct policy_block *block = block_finish(maker);
    ck_assert_int_eq(policy_run_evaluate(asked->single, block, outcomes, &asked->fixture.err), STATUS_OK);
    for (size_t i = 0; i < LARGE_ONES; i++) {
        ck_assert_uint_eq(outcomes[i].fired & outcomes[i].denied, 0);
        ck_assert_uint_eq((outcomes[i].fired | outcomes[i].denied) & outcomes[i].undecided, 0);
        struct arena *arena = arena_new(0);
        struct policy_explanation explanation;
        ck_assert_int_eq(policy_explain(asked->single, block, i, arena, &explanation, &asked->fixture.err),
                         STATUS_OK);
        ck_assert_int_eq(memcmp(&explanation.outcome, &outcomes[i], sizeof outcomes[i]), 0);
        struct policy_changes changes; /* nothing is asked of it */
        ck_assert_int_eq(
            policy_what_would_change(asked->single, block, i, arena, &changes, &asked->fixture.err),
            STATUS_OK);
        ck_assert_uint_eq(changes.count, 0);
        arena_free(arena);
    }
    block_maker_free(maker);
}

/* Returns how many of its clauses came out in more than one way. */
static int ask(const char *clauses, size_t count, uint64_t seed)
{
    struct asked *asked = calloc(1, sizeof *asked);
    ck_assert_ptr_nonnull(asked);
    fixture_open(&asked->fixture);
    char *text = after_prelude(clauses);
    fixture_compile_good(&asked->fixture, text, "conditions");
    free(text);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(policy_run_new(asked->fixture.policy, day_of("2021-06-30"),
                                        i == 0 ? &asked->run : &asked->single, &asked->fixture.err),
                         STATUS_OK);
    asked->maker = random_block(asked->fixture.policy, seed, HOUSEHOLDS);
    asked->block = block_finish(asked->maker);
    ck_assert_int_eq(policy_run_evaluate(asked->run, asked->block, asked->outcomes, &asked->fixture.err),
                     STATUS_OK);
    for (size_t i = 0; i < HOUSEHOLDS; i++)
        check_alone(asked, i);
    for (size_t i = 0; i < HOUSEHOLDS; i += EXPLAINED_EVERY)
        check_explained(asked, i);
    for (size_t i = 0; i < CHANGED; i++)
        check_changes(asked, i);
    check_reduced(asked, seed);
    check_large(asked, seed);
    int both = 0;
    for (size_t i = 0; i < count; i++)
        both += (asked->fired >> i & 1) + (asked->denied >> i & 1) + (asked->undecided >> i & 1) > 1;
    block_maker_free(asked->maker);
    policy_run_free(asked->run);
    policy_run_free(asked->single);
    fixture_close(&asked->fixture);
    free(asked);
    return both;
}

START_TEST(every_condition_of_random_households)
{
    struct text clauses;
    size_t count = 0, all = 0;
    uint64_t seed = 20210630;
    int both = 0;
    char last[4096] = "";
    text_init(&clauses);
    struct cases *cases = cases_open("policy_conditions.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;) {
        if (strcmp(row->cell[0].bytes, last) == 0)
            continue; /* the same condition of another household */
        snprintf(last, sizeof last, "%s", row->cell[0].bytes);
        /* some raise the level */
        static const char *const levels[] = {"红", "橙", "黄", "核"};
        bool raises = count % 20 < 4;
        text_printf(&clauses, "\n%s x%zu 试\n  依据 甲 一\n  当 %s\n  理由 \"理\"\n%s",
                    raises ? levels[count % 20] : "查", count, last, raises ? "  事由 收入\n" : "");
        if (++count < CLAUSES)
            continue;
        both += ask(clauses.bytes, count, ++seed);
        all += count;
        count = 0;
        text_clear(&clauses);
    }
    cases_close(cases);
    if (count > 0)
        both += ask(clauses.bytes, count, ++seed);
    text_fini(&clauses);
    ck_assert_msg((size_t)both > (all + count) * 3 / 4,
                  "only %d of %zu conditions came out in more than one way", both, all + count);
}
END_TEST

Suite *policy_leaves_suite(void)
{
    Suite *suite = suite_create("policy leaves");
    TCase *tcase = tcase_create("leaves");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, every_condition_of_random_households);
    suite_add_tcase(suite, tcase);
    return suite;
}
