/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the leaves are filled by: which facts count, which source is believed, which fact is the latest. Internal to
 * extract.c and extract_rare.c.
 *
 * Which source: the first in the fact's ranking that has any fact there, an unknown one included, and only that one: for
 * amounts within the window, for states and events among the facts that exist on the evaluation date D (from ≤ D).
 */
#ifndef SHOUWANG_POLICY_LEAF_H
#define SHOUWANG_POLICY_LEAF_H

#include "policy/machine/machine.h"

/* The facts of one subject and one code. */
struct run_of_facts {
    const struct policy_run *run;
    const struct policy_fact *facts;
    size_t count;
    bool disagree; /* several sources speak of it; set for the leaves of extract.c alone */
};

/* An amount belongs, whole, to the day on which its period ends. */
static inline day_t amount_day(const struct policy_fact *fact)
{
    return fact->to != DAY_NONE ? fact->to : fact->from;
}

static inline bool in_window(day_t day, struct bound_window window)
{
    return day > window.after && day <= window.until;
}

static inline bool active_on(const struct policy_fact *fact, day_t day)
{
    return fact->from <= day && (fact->to == DAY_NONE || fact->to >= day);
}

static inline bool amount_counts(const struct policy_fact *fact, struct bound_window window)
{
    day_t day = amount_day(fact);
    return day != DAY_NONE && in_window(day, window);
}

static inline void add_amount(const struct program_fact *declared, int64_t value, int64_t *low, int64_t *high)
{
    bool unknown = value < declared->low || value > declared->high; /* FACT_UNKNOWN is below every range */
    *low += unknown ? declared->low : value;
    *high += unknown ? declared->high : value;
}

/* The rank of the source that is believed: the first that has any fact existing on D. */
static inline int believed_rank(const struct run_of_facts *facts, const struct program_fact *declared)
{
    int best = SOURCE_NUMBER_MAX + 1;
    for (size_t i = 0; i < facts->count; i++) {
        int rank = declared->rank[facts->facts[i].source];
        if (facts->facts[i].from <= facts->run->as_of && rank < best)
            best = rank;
    }
    return best;
}

/* The small number that a code column holds. */
static inline uint8_t code_of(const struct program_fact *declared, int64_t value)
{
    enum { TYPE_STEP = 10 }; /* a certificate is type × 10 + grade */
    if (declared->kind == WORD_TYPE)
        value /= TYPE_STEP;
    else if (declared->kind == WORD_GRADE)
        value %= TYPE_STEP;
    else if (declared->kind == WORD_YESNO)
        value = value != 0;
    return value >= 0 && value < CODE_VALUES_MAX ? (uint8_t)value : CODE_VALUES_MAX;
}

static inline bool value_holds(const struct program_fact *declared, const struct policy_fact *fact,
                               uint64_t mask)
{
    if (mask == 0)
        return fact->value != 0;
    uint8_t code = code_of(declared, fact->value);
    return code < CODE_VALUES_MAX && (mask >> code & 1) != 0;
}

/* Later than: greater `from`, then newer batch, then later row. Of facts that differ in nothing but their value it is the least,
 * whatever order they come in. */
static inline bool later(const struct policy_fact *a, const struct policy_fact *b)
{
    if (a->from != b->from)
        return a->from > b->from;
    if (a->batch != b->batch)
        return a->batch > b->batch;
    return a->row != b->row ? a->row > b->row : a->value < b->value; /* one row that says two things */
}

/* --- extract.c ---------------------------------------------------------------------------------------------------- */

/* What one source says where a disagreement is looked for. */
struct saying {
    uint8_t source;
    bool active;                      /* of a state: it has it */
    wide_t low, high;                 /* of an amount: what its facts come to */
    const struct policy_fact *latest; /* of a code */
};
enum { RARE_SAYINGS_MAX = SOURCE_NUMBER_MAX + 1 };

/* --- extract_rare.c ----------------------------------------------------------------------------------------------- */

/* Fills the rare leaves of every subject of the batch. */
void rare_extract(const struct batch *batch);
/* As extract_uses, of a rare leaf. */
void rare_uses(const struct run_of_facts *facts, const struct step *step, uint8_t *used);
/* The sources that have a fact there, in the facts' order, for a step of OP_GAP or OP_DISAGREE; returns how many. */
size_t rare_sayings(const struct run_of_facts *facts, const struct step *step,
                    struct saying sayings[RARE_SAYINGS_MAX]);
/* Fills a column with what the register says of the persons. */
void rare_traits(const struct batch *batch, const struct step *step, uint8_t *out);
/* Adds to `need` what the rare leaves need. */
void rare_need(const struct policy_run *run, size_t code, bool of_persons, struct policy_need *need);

#endif
