/* SPDX-License-Identifier: PostgreSQL */
/*
 * What would change it: for one household, the smallest change of each single fact that alters its level, everything else
 * being as it is.
 *
 *   an amount       the nearest greater and the nearest lesser value with another level, to the fen
 *   an unknown one  the ranges of values with another level than now, should it become known
 *   a state, an event, a code, a certificate   without it; every other value that it may have, “no” among them: what a source denies
 *                                              hides what others say, what it does not mention does not
 *   a state that nobody speaks of              with it, from the evaluation date on, as the source says that is believed first
 *
 * Only the policy machine is asked, so the answer is true of every policy that it runs. It is exact, not sampled: between two
 * values of an amount the level cannot change unseen. A stretch [x, y] is taken for quiet when every condition of the program
 * has at y the truth that it has at x and x + 1, and every quantity lies at y where a straight line through x and x + 1 leads.
 * By induction over the steps (each is a sum, a multiple, a maximum, a minimum, a choice by a condition or a comparison of such
 * lines) all quantities are straight on the whole stretch then: a maximum of lines that touches its chord inside is straight,
 * and so is a minimum; so each comparison keeps its truth, but for an equality that holds at one point alone, which is
 * looked for by its sides. The longest quiet stretch is found by bisection, and the next begins behind it.
 *
 * Cost: an evaluation of the household counts for 1, and for 1 more for every 32 of its persons and facts (some
 * microseconds each); at most WHATIF_COST_MAX, well under a second. What was not reached by then is left out, and `complete` is
 * false. Of large households (policy.h) nothing is asked at all.
 *
 * Pure. Everything returned lies in the arena.
 */
#ifndef SHOUWANG_POLICY_WHATIF_H
#define SHOUWANG_POLICY_WHATIF_H

#include "policy/policy.h"

enum { WHATIF_COST_MAX = 50000, WHATIF_RANGES_MAX = 8 };

enum policy_change_kind {
    CHANGE_MORE,  /* the amount is `value` or, up to the next line, more */
    CHANGE_LESS,  /* the amount is `value` or, down to the next line, less */
    CHANGE_KNOWN, /* the amount, unknown today, is one of value … high */
    CHANGE_OTHER, /* the state has this value instead */
    CHANGE_GONE,  /* the fact is not there */
    CHANGE_NEW,   /* a state with this value is there */
};

struct policy_change {
    enum policy_change_kind kind;
    bool of_household;
    size_t person; /* index in the block, unless of_household */
    size_t fact;   /* index in household_facts or person_facts; SIZE_MAX of CHANGE_NEW */
    uint16_t code; /* position in policy_codes() */
    int64_t value, high;
    enum policy_level level; /* what the level becomes */
};

struct policy_changes {
    enum policy_level level; /* as it is */
    size_t count;
    struct policy_change *items; /* existing facts in their order, then states that are not there */
    size_t cost;
    bool complete;
};

/* Of household `index`. */
enum status policy_what_would_change(const struct policy_run *run, const struct policy_block *block,
                                     size_t index, struct arena *arena, struct policy_changes *changes,
                                     struct error *err) WARN_UNUSED;

#endif
