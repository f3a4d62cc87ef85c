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

/* Enough households for several shards. */
enum { HOUSEHOLDS = 2 * SHARD_HOUSEHOLDS + 500, MEMBERS = 9000, CODES = 5, ROWS = 1500, BAGS = 2 };

/* Positions in the policy's list: two that fit into a small fact's byte at its end, one that does not. */
static const uint16_t code_positions[CODES] = {0, 1, 7, UINT8_MAX, UINT8_MAX + 1};
static const bool code_amounts[CODES] = {false, true, false, true, true};

struct rows {
    int64_t household_id[HOUSEHOLDS];
    uint8_t urban[HOUSEHOLDS];
    int64_t person_id[MEMBERS], member_household_id[MEMBERS];
    day_t birth[MEMBERS];
    uint8_t traits[MEMBERS];
    struct pull_facts facts[2][CODES]; /* of households, of persons */
};

static void facts_random(struct pull_facts *facts, struct random *random, int kind, int64_t *value)
{
    facts->count = ROWS;
    for (int i = 0; i < ROWS; i++) {
        facts->subject_id[i] = kind == 0 ? (int64_t)random_below(random, HOUSEHOLDS + 50) * 7
                                         : (int64_t)random_below(random, MEMBERS + 90) * 1001 + 5;
        facts->value[i] = (*value)++;
        facts->batch_id[i] = (int64_t)random_below(random, 9);
        facts->from[i] = (day_t)random_below(random, 100);
        facts->to[i] = (day_t)random_below(random, 100);
        facts->row_no[i] = i + 2;
        facts->source[i] = (uint8_t)random_below(random, 256);
    }
}

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
        rows->traits[i] = (uint8_t)random_below(random, 64);
    }
    int64_t value = 0;
    for (int kind = 0; kind < 2; kind++)
        for (int code = 0; code < CODES; code++)
            facts_random(&rows->facts[kind][code], random, kind, &value);
}

static const int64_t excluded_batches[] = {2, 5};
static const struct shard_exclusion exclusion = {excluded_batches, 2};

/* The members come in two stretches of different length. */
static void register_of(struct rows *rows, struct match *match, struct assembly *assembly)
{
    enum { FIRST = MEMBERS / 3 };
    struct error err;
    struct pull_households households = {
        .count = HOUSEHOLDS, .household_id = rows->household_id, .urban = rows->urban};
    struct pull_members members[] = {
        {.count = FIRST,
         .person_id = rows->person_id,
         .household_id = rows->member_household_id,
         .birth = rows->birth,
         .traits = rows->traits,
         .with_traits = true},
        {.count = MEMBERS - FIRST,
         .person_id = rows->person_id + FIRST,
         .household_id = rows->member_household_id + FIRST,
         .birth = rows->birth + FIRST,
         .traits = rows->traits + FIRST,
         .with_traits = true},
    };
    ck_assert_int_eq(assemble_register(assembly, &households, match, members, 2, &err), STATUS_OK);
}

/* Codes go into one bag or the other, as connections that share the work would have it. */
static void fill_bags(struct rows *rows, const struct assembly *assembly, const struct match *households,
                      const struct shard_exclusion *without, struct shard_bag bags[BAGS])
{
    struct error err;
    struct match *persons;
    ck_assert_int_eq(match_new(&persons, assembly->person_id, assembly->person_count, "person", &err),
                     STATUS_OK);
    for (int b = 0; b < BAGS; b++)
        ck_assert_int_eq(shard_bag_init(&bags[b], &assembly->shards, &err), STATUS_OK);
    for (int code = CODES - 1; code >= 0; code--)
        for (int kind = 0; kind < 2; kind++) {
            const struct shard_rows what = {.subject = kind == 0 ? PULL_HOUSEHOLD_FACTS : PULL_PERSON_FACTS,
                                            .code = code_positions[code],
                                            .amounts = code_amounts[code]};
            ck_assert_int_eq(shard_bag_add(&bags[(code + kind) % BAGS], &what, &rows->facts[kind][code],
                                           kind == 0 ? households : persons, without, &err),
                             STATUS_OK);
        }
    size_t seen = 0;
    for (int b = 0; b < BAGS; b++)
        seen += bags[b].count + bags[b].strangers + bags[b].excluded;
    ck_assert_uint_eq(seen, 2 * CODES * ROWS);
    match_free(persons);
}

static bool batch_counts(int64_t batch, const struct shard_exclusion *without)
{
    for (size_t i = 0; without != NULL && i < without->count; i++)
        if (without->batches[i] == batch)
            return false;
    return true;
}

static void check_fact(const struct pull_facts *rows, int i, int code, const struct policy_fact *fact)
{
    bool day_alone = code_amounts[code] && code_positions[code] <= UINT8_MAX;
    ck_assert_int_eq(fact->code, code_positions[code]);
    ck_assert_int_eq(fact->to, rows->to[i]);
    ck_assert_int_eq(fact->source, rows->source[i]);
    ck_assert_int_eq(fact->from, day_alone ? DAY_NONE : rows->from[i]);
    ck_assert_int_eq(fact->batch, day_alone ? 0 : rows->batch_id[i]);
    ck_assert_int_eq(fact->row, day_alone ? 0 : rows->row_no[i]);
    for (size_t s = 0; s < sizeof fact->spare; s++)
        ck_assert_int_eq(fact->spare[s], 0);
}

/* The facts of one subject by looking at every row: the same, in the order of codes. */
static void check_subject(struct rows *rows, int kind, int64_t id, const struct policy_fact *facts,
                          size_t count, const struct shard_exclusion *without)
{
    size_t at = 0;
    for (int code = 0; code < CODES; code++) {
        const struct pull_facts *of_code = &rows->facts[kind][code];
        size_t end = at;
        for (int i = 0; i < ROWS; i++)
            end += of_code->subject_id[i] == id && batch_counts(of_code->batch_id[i], without);
        ck_assert_uint_le(end, count);
        for (; at < end; at++) {
            int64_t row = facts[at].value - of_code->value[0];
            ck_assert(row >= 0 && row < ROWS);
            ck_assert_int_eq(of_code->subject_id[row], id);
            check_fact(of_code, (int)row, code, &facts[at]);
            for (size_t before = at; before > 0; before--)
                ck_assert_int_ne(facts[before - 1].value, facts[at].value);
        }
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
        ck_assert_uint_eq(a->traits[at], rows->traits[i]);
        at++;
    }
    ck_assert_uint_eq(at, a->person_begin[household + 1]);
}

static void check_block(struct rows *rows, const struct assembly *a, size_t shard,
                        const struct policy_block *block, const struct shard_exclusion *without)
{
    size_t first = a->shards.household_begin[shard], first_person = a->shards.person_begin[shard];
    ck_assert_uint_eq(block->household_count, a->shards.household_begin[shard + 1] - first);
    for (size_t h = 0; h < block->household_count; h++) {
        uint32_t begin = block->household_fact_begin[h], end = block->household_fact_begin[h + 1];
        ck_assert_int_eq(block->urban[h], rows->urban[first + h]);
        ck_assert_uint_eq(first_person + block->person_begin[h], a->person_begin[first + h]);
        check_subject(rows, 0, rows->household_id[first + h], block->household_facts + begin, end - begin,
                      without);
    }
    for (size_t p = 0; p < block->person_begin[block->household_count]; p++) {
        uint32_t begin = block->person_fact_begin[p], end = block->person_fact_begin[p + 1];
        ck_assert_int_eq(block->birth[p], a->birth[first_person + p]);
        ck_assert_uint_eq(block->traits[p], a->traits[first_person + p]);
        check_subject(rows, 1, a->person_id[first_person + p], block->person_facts + begin, end - begin,
                      without);
    }
}

static void check_assembly(struct rows *rows, const struct shard_exclusion *without)
{
    struct error err;
    struct match *match;
    struct assembly a = {0};
    struct shard_bag bags[BAGS];
    struct shard_table table = {0};
    ck_assert_int_eq(match_new(&match, rows->household_id, HOUSEHOLDS, "household", &err), STATUS_OK);
    register_of(rows, match, &a);
    for (size_t h = 0; h < HOUSEHOLDS; h++)
        check_persons(rows, &a, h);
    fill_bags(rows, &a, match, without, bags);
    const struct shard_register about = {a.urban, a.person_begin, a.birth, a.traits};
    ck_assert_uint_eq(a.shards.count, 3);
    for (size_t shard = a.shards.count; shard-- > 0;) {
        struct policy_block block;
        ck_assert_int_eq(shard_table_fill(&table, &a.shards, shard, bags, BAGS, &about, &block, &err),
                         STATUS_OK);
        check_block(rows, &a, shard, &block, without);
    }
    shard_table_fini(&table);
    for (int b = 0; b < BAGS; b++)
        shard_bag_fini(&bags[b]);
    assembly_fini(&a);
    match_free(match);
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
    struct assembly a = {0};
    struct match *match;
    struct shard_bag bag;
    struct pull_households households = {0};
    struct pull_members members = {0};
    ck_assert_int_eq(match_new(&match, NULL, 0, "household", &err), STATUS_OK);
    ck_assert_int_eq(assemble_register(&a, &households, match, &members, 1, &err), STATUS_OK);
    ck_assert_uint_eq(a.shards.count, 0);
    ck_assert_int_eq(shard_bag_init(&bag, &a.shards, &err), STATUS_OK);
    shard_bag_fini(&bag);
    match_free(match);
    assembly_fini(&a);
}
END_TEST

/* Large households: a shard ends where its subjects can no longer be told apart by 16 bits. */
START_TEST(a_shard_has_no_more_subjects_than_16_bits_can_tell_apart)
{
    enum { LARGE = 300 };
    struct error err;
    struct shard_map map;
    uint32_t person_begin[LARGE + 1];
    for (uint32_t h = 0; h <= LARGE; h++)
        person_begin[h] = h * 1000;
    ck_assert_int_eq(shard_map_init(&map, person_begin, LARGE, &err), STATUS_OK);
    ck_assert_uint_eq(map.count, 5); /* 65 households with their 65,000 persons in each but the last */
    for (size_t s = 0; s < map.count; s++) {
        uint32_t households = map.household_begin[s + 1] - map.household_begin[s];
        ck_assert_uint_gt(households, 0);
        ck_assert_uint_eq(map.person_begin[s], person_begin[map.household_begin[s]]);
        ck_assert_uint_le(households + map.person_begin[s + 1] - map.person_begin[s], UINT16_MAX);
    }
    ck_assert_uint_eq(map.household_begin[map.count], LARGE);
    shard_map_fini(&map);
}
END_TEST

/* One that fits into no shard has one of its own; of its persons those that cannot be told apart are not read. */
START_TEST(a_household_beyond_any_shard_has_one_of_its_own)
{
    enum { HUGE_ONE = 200000 };
    static const uint32_t person_begin[] = {0, 3, 3 + HUGE_ONE, 5 + HUGE_ONE};
    static struct pull_facts facts;
    struct error err;
    struct shard_map map;
    struct shard_bag bag;
    struct shard_table table = {0};
    struct policy_block block;
    struct match *match;
    int64_t *ids = calloc(person_begin[3], sizeof *ids);
    day_t *births = calloc(person_begin[3], sizeof *births);
    for (uint32_t p = 0; p < person_begin[3]; p++)
        ids[p] = p + 1;
    const struct shard_rows what = {.subject = PULL_PERSON_FACTS, .amounts = true};
    const int64_t about[] = {3, 4, HUGE_ONE + 3, HUGE_ONE + 4, HUGE_ONE + 5};
    for (; facts.count < sizeof about / sizeof *about; facts.count++) {
        facts.subject_id[facts.count] = about[facts.count];
        facts.value[facts.count] = about[facts.count];
    }
    ck_assert_int_eq(shard_map_init(&map, person_begin, 3, &err), STATUS_OK);
    ck_assert_uint_eq(map.count, 3);
    ck_assert_int_eq(shard_bag_init(&bag, &map, &err), STATUS_OK);
    ck_assert_int_eq(match_new(&match, ids, person_begin[3], "person", &err), STATUS_OK);
    ck_assert_int_eq(shard_bag_add(&bag, &what, &facts, match, NULL, &err), STATUS_OK);
    ck_assert_uint_eq(bag.count, 4);
    ck_assert_uint_eq(bag.unread, 1);
    const uint8_t urban[3] = {0};
    const struct shard_register register_of_it = {urban, person_begin, births, NULL};
    static const int64_t expected[3][2] = {{3, 0}, {4, 0}, {HUGE_ONE + 4, HUGE_ONE + 5}};
    for (size_t shard = 0; shard < map.count; shard++) {
        ck_assert_int_eq(shard_table_fill(&table, &map, shard, &bag, 1, &register_of_it, &block, &err),
                         STATUS_OK);
        ck_assert_uint_eq(block.household_count, 1);
        size_t persons = block.person_begin[1];
        ck_assert_uint_eq(persons, person_begin[shard + 1] - person_begin[shard]);
        size_t begin = block.person_fact_begin[0], end = block.person_fact_begin[persons];
        ck_assert_uint_eq(end - begin, shard == 2 ? 2 : 1);
        for (size_t f = begin; f < end; f++)
            ck_assert_int_eq(block.person_facts[f].value, expected[shard][f - begin]);
    }
    shard_table_fini(&table);
    shard_bag_fini(&bag);
    shard_map_fini(&map);
    match_free(match);
    free(births);
    free(ids);
}
END_TEST

/* 100,000 facts about one, in no order of codes: they come out by code, and none is lost. */
START_TEST(a_subject_may_have_any_number_of_facts)
{
    enum { MOST = 100000, KINDS = 5 };
    static const uint32_t person_begin[] = {0, 1};
    static const int64_t id = 7;
    static struct pull_facts facts;
    struct error err;
    struct shard_map map;
    struct shard_bag bag;
    struct shard_table table = {0};
    struct policy_block block;
    struct match *match;
    facts.count = sizeof facts.value / sizeof *facts.value;
    for (size_t i = 0; i < facts.count; i++)
        facts.subject_id[i] = id;
    ck_assert_int_eq(shard_map_init(&map, person_begin, 1, &err), STATUS_OK);
    ck_assert_int_eq(shard_bag_init(&bag, &map, &err), STATUS_OK);
    ck_assert_int_eq(match_new(&match, &id, 1, "person", &err), STATUS_OK);
    size_t rounds = 0;
    for (; rounds * facts.count < MOST; rounds++) {
        const struct shard_rows what = {PULL_PERSON_FACTS, (uint16_t)(KINDS - rounds % KINDS),
                                        rounds % 2 == 0};
        ck_assert_int_eq(shard_bag_add(&bag, &what, &facts, match, NULL, &err), STATUS_OK);
    }
    const uint8_t urban = 0;
    const day_t birth = 0;
    const struct shard_register about = {&urban, person_begin, &birth, NULL};
    ck_assert_int_eq(shard_table_fill(&table, &map, 0, &bag, 1, &about, &block, &err), STATUS_OK);
    size_t begin = block.person_fact_begin[0], end = block.person_fact_begin[1];
    ck_assert_uint_eq(end - begin, rounds * facts.count);
    for (size_t f = begin + 1; f < end; f++)
        ck_assert_uint_le(block.person_facts[f - 1].code, block.person_facts[f].code);
    shard_table_fini(&table);
    shard_bag_fini(&bag);
    shard_map_fini(&map);
    match_free(match);
}
END_TEST

START_TEST(a_batch_number_beyond_the_machine_is_refused)
{
    struct error err;
    static const uint32_t person_begin[] = {0, 0};
    static struct pull_facts facts;
    struct shard_map map;
    struct shard_bag bag;
    struct match *match;
    const struct shard_rows what = {.subject = PULL_HOUSEHOLD_FACTS};
    facts.count = 1;
    facts.subject_id[0] = 1;
    facts.batch_id[0] = INT64_C(1) << 32;
    ck_assert_int_eq(shard_map_init(&map, person_begin, 1, &err), STATUS_OK);
    ck_assert_int_eq(shard_bag_init(&bag, &map, &err), STATUS_OK);
    ck_assert_int_eq(match_new(&match, facts.subject_id, 1, "household", &err), STATUS_OK);
    ck_assert_int_eq(shard_bag_add(&bag, &what, &facts, match, NULL, &err), STATUS_REJECT);
    shard_bag_fini(&bag);
    shard_map_fini(&map);
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
    tcase_add_test(assemble, a_shard_has_no_more_subjects_than_16_bits_can_tell_apart);
    tcase_add_test(assemble, a_household_beyond_any_shard_has_one_of_its_own);
    tcase_add_test(assemble, a_subject_may_have_any_number_of_facts);
    tcase_add_test(assemble, a_batch_number_beyond_the_machine_is_refused);
    suite_add_tcase(suite, match);
    suite_add_tcase(suite, assemble);
    return unit_run(&suite, 1);
}
