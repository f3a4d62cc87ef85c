/* SPDX-License-Identifier: PostgreSQL */
/* Every allocation of a policy's life fails once: compiling, testing, running, explaining, showing end with a clean error. */
#include "config.h"

#include "allocation.h"
#include "cases.h"
#include "policy/policy.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[1 << 16];
static size_t text_length;
static struct dictionary *dictionary;

static void open_text(const char *name)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];
    struct error err;
    snprintf(path, sizeof path, "%s/%s", top != NULL ? top : ".", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    text_length = fread(text, 1, sizeof text, file);
    fclose(file);
    dictionary = dictionary_new();
    ck_assert(dictionary != NULL && dictionary_add_base(dictionary, &err) == STATUS_OK);
}

/* One household with one person and one fact of code 0. */
static const uint8_t urban[1] = {0};
static const uint32_t person_begin[2] = {0, 1}, household_fact_begin[2] = {0, 0},
                      person_fact_begin[2] = {0, 1};
static const day_t birth[1] = {0};
static const struct policy_fact person_facts[1] = {{.value = 100, .from = 18700, .to = DAY_NONE}};
static const struct policy_block block = {.household_count = 1,
                                          .urban = urban,
                                          .person_begin = person_begin,
                                          .birth = birth,
                                          .household_fact_begin = household_fact_begin,
                                          .household_facts = person_facts,
                                          .person_fact_begin = person_fact_begin,
                                          .person_facts = person_facts};

static enum status use(const struct policy *policy, struct arena *arena, struct error *err)
{
    struct policy_run *run = NULL;
    struct policy_outcome outcome;
    struct policy_explanation explanation;
    struct policy_test_result result;
    struct text page;
    enum { DATE = 18800 };
    enum status status = policy_run_new(policy, DATE, &run, err);
    if (status == STATUS_OK)
        status = policy_run_evaluate(run, &block, &outcome, err);
    if (status == STATUS_OK)
        status = policy_explain(run, &block, 0, arena, &explanation, err);
    policy_run_free(run);
    if (status == STATUS_OK)
        status = policy_test(policy, arena, &result, err);
    text_init(&page);
    if (status == STATUS_OK)
        status = policy_show(policy, &page, err);
    if (status == STATUS_OK)
        status = policy_show_html(policy, &page, err);
    text_clear(&page);
    struct policy_differences differences;
    if (status == STATUS_OK)
        status = policy_diff(policy, policy, arena, &differences, err);
    if (status == STATUS_OK)
        status = policy_format(policy, &page, err);
    text_fini(&page);
    return status;
}

static enum status live(const char *bytes, size_t length, struct error *err)
{
    struct policy_diagnostics diagnostics;
    struct policy *policy = NULL;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = policy_compile("p", bytes, length, dictionary, arena, &diagnostics, &policy, err);
    if (status == STATUS_OK)
        status = use(policy, arena, err);
    policy_free(policy);
    arena_free(arena);
    return status;
}

static void fail_each(size_t length, enum status whole)
{
    struct error err = {.status = STATUS_OK};
    int n = 0;
    bool again;
    do {
        allocation_fail_at(++n);
        enum status status = live(text, length, &err);
        again = allocation_failed();
        ck_assert_msg(status == (again ? STATUS_FATAL : whole), "allocation %d: status %s: %s", n,
                      status_name(status), err.text);
    } while (again);
    ck_assert_int_gt(n, 10);
}

START_TEST(a_good_policy)
{
    open_text("tests/cases/policy_english.policy");
    fail_each(text_length, STATUS_OK);
    dictionary_free(dictionary);
}
END_TEST

/* Every mutant allocates alike, so steps of a prime number reach each of their allocations in some of them. */
START_TEST(mutants)
{
    enum { STEP = 13 };
    open_text("tests/cases/policy_english.policy");
    struct policy_diagnostics diagnostics;
    struct policy *policy = NULL;
    struct error err = {.status = STATUS_OK};
    struct arena *arena = arena_new(0);
    ck_assert_int_eq(policy_compile("p", text, text_length, dictionary, arena, &diagnostics, &policy, &err),
                     STATUS_OK);
    bool again;
    int n = 1;
    do {
        struct policy_mutation mutation;
        struct arena *results = arena_new(0);
        allocation_fail_at(n);
        enum status status = policy_mutate(policy, results, NULL, &mutation, &err);
        again = allocation_failed();
        ck_assert_msg(status == (again ? STATUS_FATAL : STATUS_OK), "allocation %d: status %s: %s", n,
                      status_name(status), err.text);
        arena_free(results);
        n += n < STEP ? 1 : STEP;
    } while (again);
    ck_assert_int_gt(n, 500);
    policy_free(policy);
    arena_free(arena);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(a_policy_that_is_refused)
{
    open_text("tests/cases/policy_english.policy");
    char *at = strstr(text, "income / heads");
    ck_assert_ptr_nonnull(at);
    memcpy(at, "incime / heads", 14);
    fail_each(text_length, STATUS_CONFIG);
    dictionary_free(dictionary);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy allocation");
    TCase *tcase = tcase_create("allocation");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_good_policy);
    tcase_add_test(tcase, mutants);
    tcase_add_test(tcase, a_policy_that_is_refused);
    suite_add_tcase(suite, tcase);
    return unit_run(&suite, 1);
}
