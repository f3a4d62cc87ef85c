/* SPDX-License-Identifier: PostgreSQL */
#include "round/freshness.h"

#include "base/arena.h"
#include "cases.h"

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

int main(void)
{
    Suite *suite = suite_create("freshness");
    TCase *tests = tcase_create("freshness");
    tcase_add_test(tests, clauses_may_end_as_the_table_says);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
