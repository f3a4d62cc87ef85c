/* SPDX-License-Identifier: PostgreSQL */
/*
 * 试算 (trial): an overlay over a policy that was just parsed. It changes the tree before anything is checked, so that there is
 * one way from text to program; examples are left out, since they speak of the policy without it.
 *
 * Every trial of a policy is compiled when the policy is, and thrown away: a policy whose trial does not hold is refused.
 */
#ifndef SHOUWANG_POLICY_TRIAL_H
#define SHOUWANG_POLICY_TRIAL_H

#include "policy/syntax/ast.h"

enum { TRIALS_MAX = 8 }; /* each costs one more compilation */

/* NULL when there is none of that name. */
const struct trial_statement *trial_find(const struct policy_ast *ast, struct slice name);
/* Changes the tree; what cannot be changed is diagnosed. */
void trial_apply(struct policy_ast *ast, const struct trial_statement *trial, struct diagnoser *diagnoser,
                 struct arena *arena);
/* Names given twice, too many trials. */
void trial_check_names(const struct policy_ast *ast, struct diagnoser *diagnoser);
/* The names of all trials, separated by blanks, for diagnostics. */
const char *trial_list(const struct policy_ast *ast, struct diagnoser *diagnoser);

#endif
