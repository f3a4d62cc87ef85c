/* SPDX-License-Identifier: PostgreSQL */
/*
 * What follows from what: conditions of one household (and of one of its persons) as lists of what must hold, and
 * whether another condition follows from them. By intervals, sets of values, windows and Kleene's rules alone; no
 * solver.
 *
 *   comparisons      of one quantity with multiples of another that is never negative, or with constants: by intervals. A
 *                    difference is no more than what it was taken from, a sum no less than each part (of parts that are not
 *                    negative), the larger of two no less than either, and no more than what is no less than both
 *   values           最新 F 属于 (…), 等级 属于 (…): by sets, of alternatives together; having no value is one more
 *   states, events   现有 F 满 12月 → 现有 F → 近12月 曾有 F, 近12月 末日有 F as 现有 F; a window within another; one list of
 *                    values within another, or within none, which any value is but “no”
 *   somebody         存在(set, c) follows when c and the belonging follow for a person of whom more is known
 *   且 或 非         as they are; an alternative that is known is taken case by case, a few deep
 *
 * Everything that is said to follow does so in the order false < undecided < true: whenever all of what is known is true the
 * conclusion is true, and whenever none of it is false the conclusion is not false. So what an unknown amount makes undecided
 * is covered as well. "Does not follow" only means that nothing was found.
 *
 * Cost: at most IMPLIES_BUDGET questions for each conclusion asked for; then it does not follow.
 *
 * Ownership: borrows the program. Threading: none shared.
 */
#ifndef SHOUWANG_POLICY_IMPLIES_H
#define SHOUWANG_POLICY_IMPLIES_H

#include "policy/compile/compiler.h"

enum { KNOWN_MAX = 96, IMPLIES_BUDGET = 2000, IMPLIES_CASES_DEPTH = 3 };

struct literal {
    int reg; /* tri, neither 且 nor 非 */
    bool negated;
};

/* What holds, of a household and of some one person in it. Beyond KNOWN_MAX more is not known: less follows. */
struct known {
    const struct program *program;
    size_t count;
    struct literal items[KNOWN_MAX];
};

void known_init(struct known *known, const struct program *program);
void known_add(struct known *known, int reg, bool negated);
/* All lines of the clause, its guards among them; with 某 the person of whom they speak. */
void known_add_clause(struct known *known, const struct program_clause *clause);

bool implies(const struct known *known, int reg, bool negated);
/* Nothing can be all of this. */
bool implies_nothing(const struct known *known);

/*
 * There is, by what the intervals say, a household that is all of both: one follows from the other, or all that `b` asks for
 * speaks of quantities and values of which `a` knows something too and leaves some in common.
 * Where another quantity is compared beside one of these nothing is said: they may hang together.
 */
bool known_overlap(const struct known *a, const struct known *b);

#endif
