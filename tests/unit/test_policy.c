/* SPDX-License-Identifier: PostgreSQL */
#include "test_policy.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.dictionary = dictionary_new(), .arena = arena_new(0)};
    ck_assert_ptr_nonnull(fixture->dictionary);
    ck_assert_ptr_nonnull(fixture->arena);
    ck_assert_int_eq(dictionary_add_base(fixture->dictionary, &fixture->err), STATUS_OK);
}

void fixture_close(struct fixture *fixture)
{
    policy_free(fixture->policy);
    arena_free(fixture->arena);
    dictionary_free(fixture->dictionary);
}

enum status fixture_compile(struct fixture *fixture, const char *text, size_t length)
{
    policy_free(fixture->policy);
    return policy_compile("test.policy", text, length, fixture->dictionary, fixture->arena,
                          &fixture->diagnostics, &fixture->policy, &fixture->err);
}

void fixture_compile_good(struct fixture *fixture, const char *text, const char *where)
{
    enum status status = fixture_compile(fixture, text, strlen(text));
    ck_assert_msg(status == STATUS_OK, "%s: %s", where, fixture->err.text);
    ck_assert_uint_eq(fixture->diagnostics.count, 0);
}

char *read_source(const char *name, size_t *length)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", top != NULL ? top : ".", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    char *text = malloc(POLICY_TEXT_MAX_BYTES + 1);
    ck_assert_ptr_nonnull(text);
    *length = fread(text, 1, POLICY_TEXT_MAX_BYTES, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

char *after_prelude(const char *more)
{
    size_t length;
    char *prelude = read_source("tests/cases/policy_prelude.policy", &length);
    char *text = realloc(prelude, length + strlen(more) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text + length, more);
    return text;
}

int prelude_lines(void)
{
    size_t length;
    char *text = read_source("tests/cases/policy_prelude.policy", &length);
    int lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

day_t day_of(const char *text)
{
    day_t day = DAY_NONE;
    ck_assert(civil_parse(slice_of(text), &day));
    return day;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

struct block_maker {
    const struct policy *policy;
    struct dictionary *dictionary;
    size_t households, persons, own, theirs, capacity;
    uint8_t *urban;
    uint32_t *person_begin, *household_fact_begin, *person_fact_begin;
    day_t *birth;
    uint8_t *traits; /* NULL while nobody's are said */
    struct policy_fact *household_facts, *person_facts;
    struct policy_block block;
};

struct block_maker *block_maker_new(const struct policy *policy)
{
    enum { ROWS = 240000 };
    struct block_maker *maker = calloc(1, sizeof *maker);
    ck_assert_ptr_nonnull(maker);
    *maker = (struct block_maker){.policy = policy,
                                  .dictionary = dictionary_new(),
                                  .capacity = ROWS,
                                  .urban = calloc(ROWS, 1),
                                  .person_begin = calloc(ROWS, sizeof(uint32_t)),
                                  .household_fact_begin = calloc(ROWS, sizeof(uint32_t)),
                                  .person_fact_begin = calloc(ROWS, sizeof(uint32_t)),
                                  .birth = calloc(ROWS, sizeof(day_t)),
                                  .household_facts = calloc(ROWS, sizeof(struct policy_fact)),
                                  .person_facts = calloc(ROWS, sizeof(struct policy_fact))};
    struct error err;
    ck_assert_int_eq(dictionary_add_base(maker->dictionary, &err), STATUS_OK);
    return maker;
}

void block_maker_free(struct block_maker *maker)
{
    dictionary_free(maker->dictionary);
    free(maker->urban);
    free(maker->person_begin);
    free(maker->household_fact_begin);
    free(maker->person_fact_begin);
    free(maker->birth);
    free(maker->traits);
    free(maker->household_facts);
    free(maker->person_facts);
    free(maker);
}

void block_household(struct block_maker *maker, bool urban)
{
    ck_assert_uint_lt(maker->households + 2, maker->capacity);
    maker->urban[maker->households++] = urban;
    maker->person_begin[maker->households] = (uint32_t)maker->persons;
    maker->household_fact_begin[maker->households] = (uint32_t)maker->own;
}

void block_person(struct block_maker *maker, day_t birth)
{
    ck_assert_uint_lt(maker->persons + 2, maker->capacity);
    maker->birth[maker->persons++] = birth;
    maker->person_begin[maker->households] = (uint32_t)maker->persons;
    maker->person_fact_begin[maker->persons] = (uint32_t)maker->theirs;
}

void block_traits(struct block_maker *maker, uint8_t traits)
{
    if (maker->traits == NULL) {
        maker->traits = malloc(maker->capacity);
        ck_assert_ptr_nonnull(maker->traits);
        memset(maker->traits, POLICY_TRAITS_UNKNOWN, maker->capacity);
    }
    maker->traits[maker->persons - 1] = traits;
}

static int code_position(const struct block_maker *maker, const char *name)
{
    size_t count;
    const int16_t *codes = policy_codes(maker->policy, &count);
    const struct fact_code *code = dictionary_by_name(maker->dictionary, slice_of(name));
    ck_assert_msg(code != NULL, "there is no code %s", name);
    int position = -1;
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code->number)
            position = (int)i;
    }
    return position;
}

/* Keeps the subject's facts ordered by code; equal codes keep their order. */
static void insert(struct policy_fact *facts, size_t begin, size_t end, struct policy_fact fact)
{
    size_t at = end;
    while (at > begin && facts[at - 1].code > fact.code) {
        facts[at] = facts[at - 1];
        at--;
    }
    facts[at] = fact;
}

static void put_fact(struct block_maker *maker, struct policy_fact fact)
{
    ck_assert_uint_lt(maker->own + maker->theirs + 2, maker->capacity);
    if (maker->person_begin[maker->households] == maker->person_begin[maker->households - 1]) {
        insert(maker->household_facts, maker->household_fact_begin[maker->households - 1], maker->own++,
               fact);
        maker->household_fact_begin[maker->households] = (uint32_t)maker->own;
    } else {
        insert(maker->person_facts, maker->person_fact_begin[maker->persons - 1], maker->theirs++, fact);
        maker->person_fact_begin[maker->persons] = (uint32_t)maker->theirs;
    }
}

void block_fact(struct block_maker *maker, const char *code, int64_t value, day_t from, day_t to, int source,
                uint32_t batch)
{
    int position = code_position(maker, code);
    if (position >= 0)
        put_fact(maker, (struct policy_fact){.value = value,
                                             .from = from,
                                             .to = to,
                                             .batch = batch,
                                             .row = 1,
                                             .code = (uint16_t)position,
                                             .source = (uint8_t)source});
}

void block_facts(struct block_maker *maker, int times, const char *code, int64_t value, day_t to)
{
    int position = code_position(maker, code);
    ck_assert_int_ge(position, 0);
    for (int i = 0; i < times; i++)
        put_fact(maker,
                 (struct policy_fact){
                     .value = value, .from = DAY_NONE, .to = to, .row = 1, .code = (uint16_t)position});
}

const struct policy_block *block_finish(struct block_maker *maker)
{
    maker->block = (struct policy_block){.household_count = maker->households,
                                         .urban = maker->urban,
                                         .person_begin = maker->person_begin,
                                         .birth = maker->birth,
                                         .traits = maker->traits,
                                         .household_fact_begin = maker->household_fact_begin,
                                         .household_facts = maker->household_facts,
                                         .person_fact_begin = maker->person_fact_begin,
                                         .person_facts = maker->person_facts};
    return &maker->block;
}
