/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "households.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    D = HOUSEHOLDS_AS_OF,
    YEAR_AFTER = D - 365,         /* 2020-06-30 */
    BEFORE_AFTER = D - 365 - 366, /* 2019-06-30 */
    LONG_AGO = D - 1100,
    LINE_RURAL = 483000,
    LINE_URBAN = 732000,
    PERSONS_MAX = 9,
};
#define RANGE INT64_C(500000000)

/* Dictionary numbers (conf/facts.conf) and sources (docs/feeds.md). */
enum {
    WAGE = 1,
    BUSINESS,
    PROPERTY,
    TRANSFER,
    MEDICAL = 30,
    EDUCATION,
    CARE = 33,
    REHABILITATION,
    DISASTER_LOSS = 36,
    CERTIFICATE = 100,
    ILLNESS,
    STAGE = 111,
    GRADE = 120,
    WATER = 122,
    MOVED_AWAY = 130,
    DECLARED,
    DIBAO = 200,
    TEKUN,
    RELIEF_MEDICAL = 205,
    RELIEF_EDUCATION,
    RELIEF_HOUSING,
    LIVING = 210,
    NURSING,
    UNSTABLE = 230,
    DEATH = 300,
    DISASTER,
    DROPOUT = 305,
};
enum { REGISTER, HEALTH_INSURANCE, DISABLED, SCHOOLS, LABOUR, HOUSING, EMERGENCY, REVITALISATION, CIVIL = 9 };

struct facts {
    struct policy_fact *items;
    size_t count, capacity;
};

struct maker {
    struct random random;
    const int16_t *codes;
    size_t code_count;
    struct facts persons, households, *into; /* of the block that is made */
    uint32_t row;
};

static void *sure(void *memory)
{
    if (memory)
        return memory;
    fputs("evaluate: out of memory\n", stderr);
    exit(71);
}

static bool in(struct maker *maker, uint64_t permille)
{
    return random_below(&maker->random, 1000) < permille;
}

static uint64_t below(struct maker *maker, uint64_t bound)
{
    return random_below(&maker->random, bound);
}

static void state(struct maker *maker, int number, int source, int64_t value, day_t from, day_t to)
{
    struct facts *facts = maker->into;
    size_t code = 0;
    while (code < maker->code_count && maker->codes[code] != number)
        code++;
    if (code == maker->code_count)
        return;
    if (facts->count == facts->capacity) {
        facts->capacity = facts->capacity ? 2 * facts->capacity : 65536;
        facts->items = sure(realloc(facts->items, facts->capacity * sizeof *facts->items));
    }
    facts->items[facts->count++] = (struct policy_fact){.value = value,
                                                        .from = from,
                                                        .to = to,
                                                        .batch = (uint32_t)(1 + source * 10 + from % 3),
                                                        .row = ++maker->row,
                                                        .code = (uint16_t)code,
                                                        .source = (uint8_t)source};
}

/* A subject's facts, from `first` on, in the order of their codes. */
static void in_order(struct facts *facts, size_t first)
{
    for (size_t i = first + 1; i < facts->count; i++) {
        struct policy_fact fact = facts->items[i];
        size_t at = i;
        for (; at > first && facts->items[at - 1].code > fact.code; at--)
            facts->items[at] = facts->items[at - 1];
        facts->items[at] = fact;
    }
}

/* A day of the last `span`; sometimes one at the edge of a window. */
static day_t some_day(struct maker *maker, unsigned span)
{
    static const day_t edges[] = {
        D + 1, D, D - 1, YEAR_AFTER, YEAR_AFTER + 1, BEFORE_AFTER, BEFORE_AFTER + 1, BEFORE_AFTER - 1};
    if (in(maker, 25))
        return edges[below(maker, sizeof edges / sizeof *edges)];
    return D - (day_t)below(maker, span);
}

static int64_t some_amount(struct maker *maker, int64_t least, uint64_t span)
{
    uint64_t rare = below(maker, 3000);
    if (rare < 12)
        return FACT_UNKNOWN;
    return rare == 12 ? RANGE + 1 : rare == 13 ? RANGE : least + (int64_t)below(maker, span);
}

/* A month's or a stay's: the period, or one of its ends alone. */
static void amount(struct maker *maker, int number, int source, int64_t value, unsigned span)
{
    day_t to = some_day(maker, span), from = to - (day_t)below(maker, 31);
    uint64_t form = below(maker, 20);
    state(maker, number, source, value,
          form == 0   ? DAY_NONE
          : form == 1 ? to
                      : from,
          form == 1 ? DAY_NONE : to);
}

/* From some time on; for most of them still so. */
static void since(struct maker *maker, int number, int source, int64_t value)
{
    day_t from = in(maker, 100) ? some_day(maker, 800) : LONG_AGO - (day_t)below(maker, 900);
    day_t to = in(maker, 120) ? some_day(maker, 800) : DAY_NONE;
    state(maker, number, source, value, from, to != DAY_NONE && to < from ? from : to);
}

/* --- persons ------------------------------------------------------------------------------------------------------------ */

static void incomes(struct maker *maker, bool adult)
{
    if (adult && in(maker, 620))
        for (uint64_t left = 1 + below(maker, 3); left > 0; left--)
            amount(maker, WAGE, LABOUR, some_amount(maker, 50000, 4500000), 731);
    if (adult && in(maker, 60)) /* the register says something else */
        amount(maker, WAGE, REGISTER, some_amount(maker, 50000, 4500000), 731);
    if (adult && in(maker, 200))
        amount(maker, BUSINESS, in(maker, 100) ? CIVIL : REGISTER, some_amount(maker, 10000, 2000000), 731);
    if (in(maker, 50))
        amount(maker, PROPERTY, REGISTER, some_amount(maker, 1000, 300000), 731);
    if (in(maker, 250))
        amount(maker, TRANSFER, REGISTER, some_amount(maker, 1000, 400000), 731);
}

static void expenses(struct maker *maker, int age)
{
    if (in(maker, 220))
        for (uint64_t left = 1 + below(maker, 2); left > 0; left--)
            amount(maker, MEDICAL, HEALTH_INSURANCE,
                   some_amount(maker, 1000, in(maker, 60) ? 4000000 : 300000), 500);
    if (in(maker, 10))
        amount(maker, MEDICAL, REGISTER, some_amount(maker, 1000, 2000000), 500);
    if (in(maker, 3)) /* on the line of what is large */
        amount(maker, MEDICAL, HEALTH_INSURANCE, 999999 + (int64_t)below(maker, 3), 300);
    if (age >= 4 && age <= 22 && in(maker, 150))
        amount(maker, EDUCATION, SCHOOLS, some_amount(maker, 10000, 1500000), 400);
    if (in(maker, 10))
        amount(maker, in(maker, 500) ? CARE : REHABILITATION, DISABLED, some_amount(maker, 10000, 900000),
               400);
}

static void certificates(struct maker *maker)
{
    int64_t type = 1 + (int64_t)below(maker, 7), grade = 1 + (int64_t)below(maker, 4);
    if (in(maker, 120))
        type = 7, grade = 3;
    since(maker, CERTIFICATE, DISABLED, type * 10 + grade);
    if (in(maker, 200))
        since(maker, CERTIFICATE, in(maker, 500) ? DISABLED : REGISTER,
              type * 10 + 1 + (int64_t)below(maker, 4));
    if (in(maker, 600))
        since(maker, LIVING, DISABLED, in(maker, 20) ? 0 : 10000);
    if (in(maker, 500))
        since(maker, NURSING, DISABLED, 12000);
}

static void states(struct maker *maker, int age, bool assisted)
{
    if (assisted && in(maker, 600))
        since(maker, in(maker, 900) ? DIBAO : TEKUN, CIVIL, 40000);
    if (in(maker, 65))
        certificates(maker);
    if (in(maker, 20))
        since(maker, ILLNESS, HEALTH_INSURANCE, in(maker, 50) ? 0 : FACT_YES);
    if (age >= 3 && age <= 24 && in(maker, 700))
        state(maker, STAGE, SCHOOLS, 1 + age / 4, D - 300, in(maker, 900) ? D + 15 : some_day(maker, 100));
    if (in(maker, assisted ? 200 : 8))
        since(maker, RELIEF_MEDICAL, HEALTH_INSURANCE, 30000);
    if (in(maker, assisted ? 60 : 4))
        since(maker, RELIEF_EDUCATION, SCHOOLS, 50000);
    if (in(maker, 4))
        since(maker, UNSTABLE + (int)below(maker, 3), REVITALISATION, FACT_YES);
    if (age >= 5 && age <= 17 && in(maker, 15))
        state(maker, DROPOUT, SCHOOLS, in(maker, 900), some_day(maker, 600), DAY_NONE);
    if (in(maker, 3))
        state(maker, DISASTER + (int)below(maker, 3), EMERGENCY, FACT_YES, some_day(maker, 600), DAY_NONE);
    if (in(maker, 18))
        since(maker, MOVED_AWAY, REGISTER, FACT_YES);
    if (in(maker, age > 70 ? 40 : 4))
        state(maker, DEATH, REGISTER, in(maker, 970), some_day(maker, 700), DAY_NONE);
}

static day_t person(struct maker *maker, bool assisted, bool planted)
{
    bool unknown = in(maker, 8); /* without an identity number: nothing is known */
    int age = (int)below(maker, 95);
    day_t birth = D - (day_t)(age * 36525 / 100) - (day_t)below(maker, 365);
    if (in(maker, 20)) /* a birthday today or tomorrow, at an age that counts */
        birth = civil_add_months(D, -12 * (in(maker, 500) ? 6 : 16)) + (day_t)below(maker, 2);
    size_t first = maker->persons.count;
    maker->into = &maker->persons;
    if (unknown)
        return DAY_NONE;
    if (!planted) {
        incomes(maker, age >= 16);
        expenses(maker, age);
        states(maker, age, assisted);
    }
    in_order(&maker->persons, first);
    return birth;
}

/* --- households --------------------------------------------------------------------------------------------------------- */

static void own_facts(struct maker *maker, bool urban, bool assisted)
{
    if (in(maker, 870))
        state(maker, DECLARED, CIVIL, in(maker, 5) ? 0 : FACT_YES,
              in(maker, 30) ? some_day(maker, 400) : LONG_AGO,
              in(maker, 30) ? some_day(maker, 400) : DAY_NONE);
    if (in(maker, 250))
        amount(maker, TRANSFER, REGISTER, some_amount(maker, 10000, 500000), 731);
    if (assisted && in(maker, 700))
        since(maker, DIBAO, CIVIL, 90000);
    if (!assisted && in(maker, 15))
        state(maker, DIBAO, CIVIL, 90000, LONG_AGO, some_day(maker, 900));
    if (!urban && in(maker, 500))
        since(maker, GRADE, HOUSING,
              in(maker, 985) ? 1 + (int64_t)below(maker, 2) : 3 + (int64_t)below(maker, 2));
    if (!urban && in(maker, 30))
        since(maker, GRADE, in(maker, 500) ? HOUSING : REGISTER, 1 + (int64_t)below(maker, 4));
    if (!urban && in(maker, 250))
        since(maker, WATER, REGISTER, in(maker, 980));
    if (in(maker, 20))
        since(maker, RELIEF_HOUSING, HOUSING, 300000);
    if (in(maker, 8))
        amount(maker, DISASTER_LOSS, EMERGENCY, some_amount(maker, 10000, 3000000), 500);
    if (in(maker, 6))
        state(maker, DISASTER + (int)below(maker, 3), EMERGENCY, FACT_YES, some_day(maker, 600), DAY_NONE);
    if (in(maker, 8))
        since(maker, UNSTABLE + (int)below(maker, 3), REVITALISATION, FACT_YES);
}

/* Sums on the lines, and one fen to either side: the income is a line's or the share of what was earned before, the expense
 * half of it, or what is large, or what is above the low-income line. */
static void planted_facts(struct maker *maker, bool urban, size_t persons)
{
    int64_t line = (urban ? LINE_URBAN : LINE_RURAL) * (int64_t)persons, fen = (int64_t)below(maker, 3) - 1;
    int64_t income = in(maker, 500) ? line : line * 3 / 2, expense = 0;
    switch (below(maker, 4)) {
    case 0:
        expense = income / 2 + (int64_t)below(maker, 3) - 1;
        break;
    case 1:
        expense = 999999 + (int64_t)below(maker, 3);
        break;
    case 2:
        income = line * 3 / 2 + 1000001;
        expense = 1000001 + (int64_t)below(maker, 3) - 1;
        break;
    default:
        break;
    }
    state(maker, DECLARED, CIVIL, FACT_YES, in(maker, 700) ? LONG_AGO : D, DAY_NONE);
    state(maker, TRANSFER, REGISTER, income + fen, D - 40, in(maker, 500) ? D : YEAR_AFTER + 1);
    if (in(maker, 400))
        state(maker, BUSINESS, REGISTER, (income + fen) * 10 / 7 + (int64_t)below(maker, 3) - 1,
              BEFORE_AFTER + 1, in(maker, 500) ? YEAR_AFTER : BEFORE_AFTER + 1);
    if (expense > 0)
        state(maker, DISASTER_LOSS, EMERGENCY, expense, D - 10, D);
    if (in(maker, 100))
        state(maker, MEDICAL, HEALTH_INSURANCE, FACT_UNKNOWN, D - 10, D);
}

/* Whether it is an urban one. */
static bool household(struct maker *maker, size_t persons, day_t *births, uint32_t *fact_begin)
{
    bool urban = in(maker, 250), assisted = in(maker, 70), planted = in(maker, 60);
    size_t first = maker->households.count;
    maker->into = &maker->households;
    if (planted)
        planted_facts(maker, urban, persons);
    else
        own_facts(maker, urban, assisted);
    in_order(&maker->households, first);
    for (size_t i = 0; i < persons; i++) {
        fact_begin[i] = (uint32_t)maker->persons.count;
        births[i] = person(maker, assisted, planted);
    }
    return urban;
}

static struct policy_block make_block(struct maker *maker, struct households *made, size_t count)
{
    uint8_t *urban = sure(malloc(count));
    uint32_t *person_begin = sure(malloc((count + 1) * sizeof *person_begin));
    uint32_t *household_fact_begin = sure(malloc((count + 1) * sizeof *household_fact_begin));
    day_t *birth = sure(malloc(count * PERSONS_MAX * sizeof *birth));
    uint32_t *person_fact_begin = sure(malloc((count * PERSONS_MAX + 1) * sizeof *person_fact_begin));
    maker->persons = maker->households = (struct facts){0};
    uint32_t persons = 0;
    for (size_t i = 0; i < count; i++) {
        static const uint8_t sizes[] = {1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6, 8};
        size_t size = sizes[below(maker, sizeof sizes)] + (in(maker, 50) ? 1u : 0u);
        person_begin[i] = persons;
        household_fact_begin[i] = (uint32_t)maker->households.count;
        urban[i] = household(maker, size, birth + persons, person_fact_begin + persons);
        persons += (uint32_t)size;
    }
    person_begin[count] = persons;
    person_fact_begin[persons] = (uint32_t)maker->persons.count;
    household_fact_begin[count] = (uint32_t)maker->households.count;
    made->persons += persons;
    made->facts += maker->persons.count + maker->households.count;
    return (struct policy_block){.household_count = count,
                                 .urban = urban,
                                 .person_begin = person_begin,
                                 .birth = birth,
                                 .household_fact_begin = household_fact_begin,
                                 .household_facts = maker->households.items,
                                 .person_fact_begin = person_fact_begin,
                                 .person_facts = maker->persons.items};
}

void households_make(struct households *made, size_t count, uint64_t seed, const int16_t *codes,
                     size_t code_count)
{
    struct maker maker = {.codes = codes, .code_count = code_count};
    random_seed(&maker.random, seed);
    *made =
        (struct households){.block_count = (count + HOUSEHOLDS_BLOCK - 1) / HOUSEHOLDS_BLOCK, .count = count};
    made->blocks = sure(calloc(made->block_count + 1, sizeof *made->blocks));
    for (size_t i = 0; i < made->block_count; i++) {
        size_t left = count - i * HOUSEHOLDS_BLOCK;
        made->blocks[i] = make_block(&maker, made, left < HOUSEHOLDS_BLOCK ? left : HOUSEHOLDS_BLOCK);
    }
}

/* The blocks lend what they hold as constant. */
static void free_lent(const void *memory)
{
    free((void *)(uintptr_t)memory);
}

void households_free(struct households *made)
{
    for (size_t i = 0; i < made->block_count; i++) {
        const struct policy_block *block = &made->blocks[i];
        const void *const lent[] = {block->urban,
                                    block->person_begin,
                                    block->birth,
                                    block->household_facts,
                                    block->person_facts,
                                    block->household_fact_begin,
                                    block->person_fact_begin};
        for (size_t j = 0; j < sizeof lent / sizeof *lent; j++)
            free_lent(lent[j]);
    }
    free(made->blocks);
}
