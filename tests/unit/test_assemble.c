/* SPDX-License-Identifier: PostgreSQL */
/* Matching and assembling against the simplest thing that could be right: nested loops over the same rows. */
#include "round/assemble.h"

#include "base/random.h"
#include "cases.h"

#include <stdlib.h>

/* --- match ---------------------------------------------------------------------------------------------------- */

static void check_match(const int64_t *ids, size_t count, const int64_t *asked, size_t asked_count)
{
    struct error err;
    struct match *match;
    ck_assert_msg(match_new(&match, ids, count, "person", &err) == STATUS_OK, "%s", err.text);
    uint32_t *positions = malloc((asked_count + 1) * sizeof *positions);
    positions[asked_count] = 4711;
    match_find(match, asked, asked_count, positions);
    for (size_t i = 0; i < asked_count; i++) {
        uint32_t expected = MATCH_NONE;
        for (size_t j = 0; j < count; j++)
            if (ids[j] == asked[i])
                expected = (uint32_t)j;
        ck_assert_msg(positions[i] == expected, "id %lld: %u instead of %u", (long long)asked[i],
                      positions[i], expected);
    }
    ck_assert_uint_eq(positions[asked_count], 4711);
    free(positions);
    match_free(match);
}

/* spread 1: ids without gaps, in a random order (the plain array); a large one: the hash table. */
static void check_random_match(struct random *random, size_t count, int64_t spread)
{
    int64_t ids[400], asked[800];
    for (size_t i = 0; i < count; i++)
        ids[i] = (int64_t)i * spread - 50;
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, i);
        int64_t swap = ids[i - 1];
        ids[i - 1] = ids[other];
        ids[other] = swap;
    }
    for (size_t i = 0; i < 800; i++)
        asked[i] = (int64_t)random_below(random, 500) * (i % 3 ? spread : 1) - 60;
    check_match(ids, count, asked, 800);
}

START_TEST(match_finds_what_nested_loops_find)
{
    struct random random;
    random_seed(&random, 20210630);
    static const size_t counts[] = {0, 1, 2, 63, 64, 65, 400};
    static const int64_t spreads[] = {1, 3, 5, 1000003, INT64_C(16) << 32};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t s = 0; s < sizeof spreads / sizeof *spreads; s++)
            check_random_match(&random, counts[c], spreads[s]);
}
END_TEST

START_TEST(match_takes_the_whole_range_of_ids)
{
    int64_t ids[] = {INT64_MIN, INT64_MAX, 0, -1};
    int64_t asked[] = {INT64_MAX, INT64_MIN, -1, 0, 1, INT64_MIN + 1};
    check_match(ids, 4, asked, 6);
    check_match(ids, 1, asked, 6);
}
END_TEST

START_TEST(match_refuses_a_key_twice)
{
    static const int64_t dense[] = {7, 8, 9, 8}, sparse[] = {7, 1 << 20, 1 << 28, 1 << 20};
    const int64_t *const both[] = {dense, sparse};
    for (int i = 0; i < 2; i++) {
        struct error err;
        struct match *match;
        ck_assert_int_eq(match_new(&match, both[i], 4, "person", &err), STATUS_REJECT);
        ck_assert_ptr_null(match);
        ck_assert_str_eq(err.text, "person: rows 1 and 3 have one key; expected each key once");
    }
}
END_TEST

/* --- assemble ------------------------------------------------------------------------------------------------- */

enum { HOUSEHOLDS = 300, MEMBERS = 900, CODES = 5, ROWS = 2000 };

struct rows {
    int64_t household_id[HOUSEHOLDS];
    uint8_t urban[HOUSEHOLDS];
    int64_t person_id[MEMBERS], member_household_id[MEMBERS];
    day_t birth[MEMBERS];
    int64_t subject[2][CODES][ROWS], value[2][CODES][ROWS], batch[2][CODES][ROWS];
    day_t from[2][CODES][ROWS], to[2][CODES][ROWS];
    int32_t row_no[2][CODES][ROWS];
    int16_t code[2][CODES][ROWS];
    uint8_t source[2][CODES][ROWS];
};

/* Some members belong to households that are gone, some facts to nobody; values are unique, so that facts are told
 * apart. */
static void rows_random(struct rows *rows, struct random *random)
{
    for (size_t i = 0; i < HOUSEHOLDS; i++) {
        rows->household_id[i] = (int64_t)(HOUSEHOLDS - i) * 7;
        rows->urban[i] = random_below(random, 2) != 0;
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        rows->person_id[i] = (int64_t)i * 1001 + 5;
        rows->member_household_id[i] = (int64_t)random_below(random, HOUSEHOLDS + 20) * 7;
        rows->birth[i] = (day_t)random_below(random, 20000);
    }
    int64_t value = 0;
    for (int kind = 0; kind < 2; kind++)
        for (int code = 0; code < CODES; code++)
            for (int i = 0; i < ROWS; i++) {
                rows->subject[kind][code][i] = kind == 0
                                                   ? (int64_t)random_below(random, HOUSEHOLDS + 50) * 7
                                                   : (int64_t)random_below(random, MEMBERS + 90) * 1001 + 5;
                rows->value[kind][code][i] = value++;
                rows->batch[kind][code][i] = (int64_t)random_below(random, 9);
                rows->from[kind][code][i] = (day_t)random_below(random, 100);
                rows->to[kind][code][i] = DAY_NONE;
                rows->row_no[kind][code][i] = i + 2;
                rows->code[kind][code][i] = (int16_t)(code * 100);
                rows->source[kind][code][i] = (uint8_t)random_below(random, 256);
            }
}

static struct pull_facts facts_of(struct rows *rows, int kind, int code)
{
    return (struct pull_facts){.count = ROWS,
                               .subject_id = rows->subject[kind][code],
                               .value = rows->value[kind][code],
                               .batch_id = rows->batch[kind][code],
                               .from = rows->from[kind][code],
                               .to = rows->to[kind][code],
                               .row_no = rows->row_no[kind][code],
                               .code = rows->code[kind][code],
                               .source = rows->source[kind][code]};
}

static const int64_t excluded_batches[] = {2, 5};
static const struct assemble_exclusion exclusion = {excluded_batches, 2};

static struct assembly assembly_of(struct rows *rows, const struct assemble_exclusion *without)
{
    struct error err;
    struct pull_households households = {
        .count = HOUSEHOLDS, .household_id = rows->household_id, .urban = rows->urban};
    struct pull_members members = {.count = MEMBERS,
                                   .person_id = rows->person_id,
                                   .household_id = rows->member_household_id,
                                   .birth = rows->birth};
    struct match *match;
    struct assembly assembly;
    assembly_init(&assembly);
    ck_assert_int_eq(match_new(&match, rows->household_id, HOUSEHOLDS, "household", &err), STATUS_OK);
    ck_assert_int_eq(assemble_persons(&assembly, &households, match, &members, &err), STATUS_OK);
    for (int kind = 0; kind < 2; kind++) {
        struct assemble_list lists[CODES] = {0};
        if (kind == 1) {
            match_free(match);
            ck_assert_int_eq(match_new(&match, assembly.person_id, assembly.person_count, "person", &err),
                             STATUS_OK);
        }
        for (int code = 0; code < CODES; code++) {
            struct pull_facts facts = facts_of(rows, kind, code);
            ck_assert_int_eq(assemble_list_add(&lists[code], &facts, match, (size_t)code, without, &err),
                             STATUS_OK);
            ck_assert_uint_eq(lists[code].count + lists[code].strangers + lists[code].excluded, ROWS);
        }
        ck_assert_int_eq(
            assemble_facts(&assembly, kind == 0 ? ASSEMBLE_HOUSEHOLDS : ASSEMBLE_PERSONS, lists, CODES, &err),
            STATUS_OK);
        for (int code = 0; code < CODES; code++)
            ck_assert_ptr_null(lists[code].first);
    }
    match_free(match);
    return assembly;
}

static bool batch_counts(int64_t batch, const struct assemble_exclusion *without)
{
    for (size_t i = 0; without != NULL && i < without->count; i++)
        if (without->batches[i] == batch)
            return false;
    return true;
}

/* The facts of one subject by looking at every row, in the order of codes and of rows. */
static void check_subject(struct rows *rows, int kind, int64_t id, const struct policy_fact *facts,
                          size_t count, const struct assemble_exclusion *without)
{
    size_t at = 0;
    for (int code = 0; code < CODES; code++)
        for (int i = 0; i < ROWS; i++) {
            if (rows->subject[kind][code][i] != id || !batch_counts(rows->batch[kind][code][i], without))
                continue;
            ck_assert_uint_lt(at, count);
            ck_assert_int_eq(facts[at].value, rows->value[kind][code][i]);
            ck_assert_int_eq(facts[at].code, code);
            ck_assert_int_eq(facts[at].batch, rows->batch[kind][code][i]);
            ck_assert_int_eq(facts[at].from, rows->from[kind][code][i]);
            ck_assert_int_eq(facts[at].to, DAY_NONE);
            ck_assert_int_eq(facts[at].row, i + 2);
            ck_assert_int_eq(facts[at].source, rows->source[kind][code][i]);
            for (size_t s = 0; s < sizeof facts[at].spare; s++)
                ck_assert_int_eq(facts[at].spare[s], 0);
            at++;
        }
    ck_assert_uint_eq(at, count);
}

static void check_persons(struct rows *rows, const struct assembly *a, size_t household)
{
    size_t at = a->person_begin[household];
    for (size_t i = 0; i < MEMBERS; i++) {
        if (rows->member_household_id[i] != rows->household_id[household])
            continue;
        ck_assert_int_eq(a->person_id[at], rows->person_id[i]);
        ck_assert_int_eq(a->birth[at], rows->birth[i]);
        at++;
    }
    ck_assert_uint_eq(at, a->person_begin[household + 1]);
}

static void check_assembly(struct rows *rows, const struct assemble_exclusion *without)
{
    struct assembly a = assembly_of(rows, without);
    for (size_t h = 0; h < HOUSEHOLDS; h++) {
        ck_assert_int_eq(a.urban[h], rows->urban[h]);
        check_persons(rows, &a, h);
        check_subject(rows, 0, rows->household_id[h], a.household_facts + a.household_fact_begin[h],
                      a.household_fact_begin[h + 1] - a.household_fact_begin[h], without);
    }
    for (size_t p = 0; p < a.person_count; p++)
        check_subject(rows, 1, a.person_id[p], a.person_facts + a.person_fact_begin[p],
                      a.person_fact_begin[p + 1] - a.person_fact_begin[p], without);
    struct policy_block block = assembly_block(&a, 100, 50);
    ck_assert_uint_eq(block.household_count, 50);
    ck_assert_ptr_eq(block.person_begin, a.person_begin + 100);
    ck_assert_ptr_eq(block.person_facts, a.person_facts);
    assembly_fini(&a);
}

START_TEST(assembles_what_nested_loops_assemble)
{
    struct random random;
    struct rows *rows = malloc(sizeof *rows);
    random_seed(&random, 812);
    rows_random(rows, &random);
    check_assembly(rows, NULL);
    check_assembly(rows, &exclusion);
    free(rows);
}
END_TEST

START_TEST(an_empty_county_is_a_county)
{
    struct error err;
    struct assembly a;
    struct match *match;
    struct pull_households households = {0};
    struct pull_members members = {0};
    assembly_init(&a);
    ck_assert_int_eq(match_new(&match, NULL, 0, "household", &err), STATUS_OK);
    ck_assert_int_eq(assemble_persons(&a, &households, match, &members, &err), STATUS_OK);
    ck_assert_int_eq(assemble_facts(&a, ASSEMBLE_HOUSEHOLDS, NULL, 0, &err), STATUS_OK);
    ck_assert_int_eq(assemble_facts(&a, ASSEMBLE_PERSONS, NULL, 0, &err), STATUS_OK);
    ck_assert_uint_eq(assembly_block(&a, 0, 0).household_count, 0);
    match_free(match);
    assembly_fini(&a);
}
END_TEST

START_TEST(a_batch_number_beyond_the_machine_is_refused)
{
    struct error err;
    int64_t id = 1, value = 0, batch = INT64_C(1) << 32;
    day_t day = 0;
    int32_t row = 2;
    uint8_t source = 1;
    struct pull_facts facts = {.count = 1,
                               .subject_id = &id,
                               .value = &value,
                               .batch_id = &batch,
                               .from = &day,
                               .to = &day,
                               .row_no = &row,
                               .source = &source};
    struct assemble_list list = {0};
    struct match *match;
    ck_assert_int_eq(match_new(&match, &id, 1, "person", &err), STATUS_OK);
    ck_assert_int_eq(assemble_list_add(&list, &facts, match, 0, NULL, &err), STATUS_REJECT);
    assemble_list_free(&list);
    match_free(match);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("assemble");
    TCase *match = tcase_create("match"), *assemble = tcase_create("assemble");
    tcase_add_test(match, match_finds_what_nested_loops_find);
    tcase_add_test(match, match_takes_the_whole_range_of_ids);
    tcase_add_test(match, match_refuses_a_key_twice);
    tcase_add_test(assemble, assembles_what_nested_loops_assemble);
    tcase_add_test(assemble, an_empty_county_is_a_county);
    tcase_add_test(assemble, a_batch_number_beyond_the_machine_is_refused);
    suite_add_tcase(suite, match);
    suite_add_tcase(suite, assemble);
    return unit_run(&suite, 1);
}
