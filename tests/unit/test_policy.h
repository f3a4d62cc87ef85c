/* SPDX-License-Identifier: PostgreSQL */
/* What the tests of the policy language share: the dictionary, the prelude, compiling and complaining. */
#ifndef SHOUWANG_TESTS_UNIT_TEST_POLICY_H
#define SHOUWANG_TESTS_UNIT_TEST_POLICY_H

#include "cases.h"
#include "policy/policy.h"

/* Under sanitizers a try takes eight times as long: there, of what is tried hundreds of times only every third is. */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 3 };
#else
enum { EVERY = 1 };
#endif

struct fixture {
    struct dictionary *dictionary;
    struct arena *arena;
    struct policy_diagnostics diagnostics;
    struct policy *policy;
    struct error err;
};

void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* Compiles; the test goes on whatever comes of it. */
enum status fixture_compile(struct fixture *fixture, const char *text, size_t length);
/* Compiles and fails the test with the first diagnostic when that is refused. */
void fixture_compile_good(struct fixture *fixture, const char *text, const char *where);

/* A file below the source tree; free() it. */
char *read_source(const char *name, size_t *length);
/* `more` after tests/cases/policy_prelude.policy; free() it. */
char *after_prelude(const char *more);
int prelude_lines(void);

/* Blocks built row by row, for tests that need facts which no example can say. */
struct block_maker;
struct block_maker *block_maker_new(const struct policy *policy);
void block_maker_free(struct block_maker *maker);
void block_household(struct block_maker *maker, bool urban);
void block_person(struct block_maker *maker, day_t birth);    /* of the last household */
void block_traits(struct block_maker *maker, uint8_t traits); /* of the last person; policy_traits() */
/* A fact of the last person, or of the household when it has none yet. Codes that the policy does not read are left out. */
void block_fact(struct block_maker *maker, const char *code, int64_t value, day_t from, day_t to, int source,
                uint32_t batch);
/* So many of them, all alike. */
void block_facts(struct block_maker *maker, int times, const char *code, int64_t value, day_t to);
const struct policy_block *block_finish(struct block_maker *maker);

day_t day_of(const char *text);

Suite *policy_text_suite(void);
Suite *policy_examples_suite(void);
Suite *policy_run_suite(void);
Suite *policy_leaves_suite(void);
Suite *policy_explain_suite(void);
Suite *policy_hostile_suite(void);
Suite *policy_whatif_suite(void);
Suite *policy_mutants_suite(void);
Suite *policy_format_suite(void);
Suite *policy_diff_suite(void);
Suite *policy_supply_suite(void);
Suite *policy_ended_suite(void);

#endif
