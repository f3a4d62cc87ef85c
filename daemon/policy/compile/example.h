/* SPDX-License-Identifier: PostgreSQL */
/*
 * Examples made into households: names resolved, 同上 followed, defaults filled in.
 *
 * Defaults: an adult of 40 years, neither kinship nor labour given; an amount and an event on the evaluation date; a
 * state since three years before it, open; from the register. A fact that is only ever read about households belongs to
 * the household, any other to person 1.
 */
#ifndef SHOUWANG_POLICY_EXAMPLE_H
#define SHOUWANG_POLICY_EXAMPLE_H

#include "policy/machine/program.h"
#include "policy/syntax/diagnose.h"

struct example_row {
    int subject;  /* 0 the household, n person n */
    int declared; /* index of program.facts */
    struct policy_fact fact;
};

struct example_case {
    const struct example_statement *statement;
    const char *name; /* clause and title */
    bool good;        /* false: something was diagnosed */
    day_t date;
    bool urban;
    int people;
    day_t births[AST_PEOPLE_MAX];
    uint8_t traits[AST_PEOPLE_MAX]; /* policy_traits() */
    size_t row_count;
    struct example_row *rows; /* ordered by subject, then code */
};

struct example_cases {
    size_t count;
    struct example_case *cases;
};

/* False when memory has run out. Mistakes are diagnosed; a compiled policy has none. */
bool example_build_all(const struct policy *policy, struct diagnoser *diagnoser, struct arena *arena,
                       struct example_cases *cases);

/* One block of the cases [first, first + count), which all have one date; allocated from the arena. False: no memory. */
bool example_block(const struct example_cases *cases, const size_t *which, size_t count, struct arena *arena,
                   struct policy_block *block);

/* The cases with the codes' positions of another program whose facts are declared in the same order. False: no memory. */
bool example_rebind(const struct example_cases *cases, const struct program *program, struct arena *arena,
                    struct example_cases *bound);

/* Whether the example is one of this clause (its place in the file), of several versions the one of the example's day. For all
 * examples in the file's order; *date is the day of the one before, DAY_NONE at first. */
bool example_is_of(const struct policy *policy, const struct example_statement *example, day_t *date,
                   int clause);

/* What came of a clause, and whether an expectation (KW_RED … KW_SUGGEST, KW_NONE, KW_TO_VERIFY, KW_UNDECIDED) is met by it. */
enum example_verdict { VERDICT_FIRED, VERDICT_DENIED, VERDICT_TO_VERIFY, VERDICT_OPEN };
enum example_verdict example_verdict(const struct policy_outcome *outcome, int clause);
enum example_verdict example_expected(enum keyword expectation);
enum policy_level example_level(enum keyword level); /* KW_RED … KW_VERIFY, KW_NONE */

#endif
