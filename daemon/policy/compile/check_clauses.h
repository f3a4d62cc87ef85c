/* SPDX-License-Identifier: PostgreSQL */
/*
 * What can be said against clauses beside each other, by what follows from what (implies.h).
 *
 * Mistakes, when some household is certain to meet both clauses on some day:
 *   two checks, of which one finds fault with an entitlement that is there and the other with the same one that is not
 *   two clauses of one kind and one title with different amounts of one name, or different validity (有效)
 * and a suggestion for a level that no clause gives.
 *
 * Warnings: a clause that another of its kind and level makes superfluous, since whoever meets it meets the other as well;
 * of checks, suggestions and tags only those that ask for the same.
 *
 * Cost: pairs of at most POLICY_CLAUSES_MAX clauses; the mistakes look at few pairs, so that mutants pay next to nothing.
 */
#ifndef SHOUWANG_POLICY_CHECK_CLAUSES_H
#define SHOUWANG_POLICY_CHECK_CLAUSES_H

#include "policy/compile/compiler.h"

void check_clauses(struct compiler *compiler);

#endif
