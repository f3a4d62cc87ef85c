/* SPDX-License-Identifier: PostgreSQL */
/*
 * Amounts of suggestions (金额): from their lines to what is shown of one household.
 *
 * Ownership: everything in the policy's arena, what is shown in the caller's.
 */
#ifndef SHOUWANG_POLICY_AMOUNT_H
#define SHOUWANG_POLICY_AMOUNT_H

#include "policy/compile/compiler.h"
#include "policy/machine/machine.h"

void amount_compile(struct compiler *compiler, struct program_clause *clause);
/* Fills shown->amounts from a frame that keeps every register, household 0. False without memory. */
bool amount_show(const struct frame *frame, const struct program_clause *clause, enum language language,
                 struct arena *arena, struct policy_shown_clause *shown) WARN_UNUSED;
/* Without a title the first one; -1 when there is none of that title. */
int amount_find(const struct program_clause *clause, struct slice title);

/* Whether the amount came out as the example says; else `out` says what was expected and what came, unless it
 * is NULL. */
bool amount_is(const struct program_clause *clause, const struct policy_shown_clause *shown,
               const struct example_amount *expected, enum language language, struct text *out);

#endif
