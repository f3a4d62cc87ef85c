/* SPDX-License-Identifier: PostgreSQL */
/*
 * Lines → clauses → level.
 *
 * fired       the guards and lines are all true; with 某: for some person
 * undecided   not fired, nothing false, something undecided, and one of the lines marked 凭 true; with 某: so for some
 *             person, taken together with the household's own lines
 * denied      something is false; with 某: for every person; or the clause does not exist here
 */
#include "policy/machine.h"

#include <string.h>

/* What some person of a household brings to a clause with 某. */
enum {
    PERSON_TRUE = 1,               /* all lines true */
    PERSON_OPEN = 2,               /* no line false, some undecided */
    PERSON_TRUE_WITH_EVIDENCE = 4, /* a line marked 凭 is true */
    PERSON_OPEN_WITH_EVIDENCE = 8,
    PERSON_POSSIBLE = PERSON_TRUE | PERSON_OPEN,
    PERSON_WITH_EVIDENCE = PERSON_TRUE_WITH_EVIDENCE | PERSON_OPEN_WITH_EVIDENCE
};

/* The conjunction of lines and whether one marked 凭 is true, for each row. */
struct conjunction {
    uint8_t all[BATCH_PERSONS + 1];
    uint8_t evidence[BATCH_PERSONS + 1];
};

static void conjoin(const struct frame *frame, const struct program_line *lines, size_t count, size_t rows,
                    struct conjunction *into)
{
    for (size_t l = 0; l < count; l++) {
        const uint8_t *restrict line = frame->columns[lines[l].reg].byte;
        uint8_t *restrict all = into->all, *restrict evidence = into->evidence;
        uint8_t marked = lines[l].evidence;
        for (size_t i = 0; i < rows; i++) {
            all[i] = (uint8_t)((all[i] & line[i] & 1) | ((all[i] | line[i]) & 2));
            evidence[i] = (uint8_t)(evidence[i] | (marked & (line[i] == SETTLED_TRUE)));
        }
    }
}

static uint8_t person_flags(uint8_t all, uint8_t evidence)
{
    if (all == SETTLED_FALSE)
        return 0;
    uint8_t flag = all == SETTLED_TRUE ? PERSON_TRUE : PERSON_OPEN;
    return (uint8_t)(evidence != 0 ? flag | flag << 2 : flag);
}

/* For each household the flags of all its persons together. */
static void gather_persons(const struct batch *batch, const struct program_clause *clause,
                           struct conjunction *persons, uint8_t *flags)
{
    memcpy(persons->all, batch->frame->columns[clause->some].byte, batch->persons);
    memset(persons->evidence, 0, batch->persons);
    conjoin(batch->frame, clause->some_lines, clause->some_line_count, batch->persons, persons);
    const uint32_t *begin = batch->block->person_begin + batch->first;
    for (size_t h = 0; h < batch->count; h++) {
        uint8_t gathered = 0;
        for (size_t i = begin[h] - batch->first_person; i < begin[h + 1] - batch->first_person; i++)
            gathered |= person_flags(persons->all[i], persons->evidence[i]);
        flags[h] = gathered;
    }
}

enum verdict { VERDICT_DENIED, VERDICT_FIRED, VERDICT_UNDECIDED, VERDICT_UNKNOWN };

static enum verdict judge(uint8_t all, uint8_t evidence)
{
    if (all == SETTLED_FALSE)
        return VERDICT_DENIED;
    if (all == SETTLED_TRUE)
        return VERDICT_FIRED;
    return evidence != 0 ? VERDICT_UNDECIDED : VERDICT_UNKNOWN;
}

static enum verdict judge_with_persons(uint8_t all, uint8_t evidence, uint8_t flags)
{
    if (all == SETTLED_FALSE || (flags & PERSON_POSSIBLE) == 0)
        return VERDICT_DENIED;
    if (all == SETTLED_TRUE) {
        if ((flags & PERSON_TRUE) != 0)
            return VERDICT_FIRED;
        return evidence != 0 || (flags & PERSON_OPEN_WITH_EVIDENCE) != 0 ? VERDICT_UNDECIDED
                                                                         : VERDICT_UNKNOWN;
    }
    return evidence != 0 || (flags & PERSON_WITH_EVIDENCE) != 0 ? VERDICT_UNDECIDED : VERDICT_UNKNOWN;
}

static void record(struct policy_outcome *outcome, enum verdict verdict, uint64_t bit)
{
    if (verdict == VERDICT_FIRED)
        outcome->fired |= bit;
    else if (verdict == VERDICT_UNDECIDED)
        outcome->undecided |= bit;
    else if (verdict == VERDICT_DENIED)
        outcome->denied |= bit;
}

static void judge_clause(const struct batch *batch, size_t index, struct policy_outcome *outcomes)
{
    const struct program_clause *clause = &batch->frame->program->clauses[index];
    uint64_t bit = UINT64_C(1) << index;
    bool in_force = (batch->run->in_force & bit) != 0, suggestion = clause->shown.kind == CLAUSE_SUGGESTION;
    const int64_t *members = batch->frame->columns[batch->frame->program->members].high;
    struct conjunction households, persons;
    uint8_t flags[BATCH_HOUSEHOLDS];
    memset(households.all, SETTLED_TRUE, batch->count);
    memset(households.evidence, 0, batch->count);
    conjoin(batch->frame, clause->lines, clause->line_count, batch->count, &households);
    if (clause->some >= 0)
        gather_persons(batch, clause, &persons, flags);
    for (size_t h = 0; h < batch->count; h++) {
        enum verdict verdict = clause->some >= 0
                                   ? judge_with_persons(households.all[h], households.evidence[h], flags[h])
                                   : judge(households.all[h], households.evidence[h]);
        if (!in_force || (members[h] == 0 && !clause->even_empty))
            verdict = VERDICT_DENIED;
        if (suggestion && verdict == VERDICT_UNDECIDED)
            verdict = VERDICT_UNKNOWN;
        record(&outcomes[h], verdict, bit);
    }
}

static void judge_clauses(const struct batch *batch, bool suggestions, struct policy_outcome *outcomes)
{
    const struct program *program = batch->frame->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        if ((program->clauses[i].shown.kind == CLAUSE_SUGGESTION) == suggestions)
            judge_clause(batch, i, outcomes);
    }
}

/* The highest colour that fired; else verify when a 核 clause fired or a colour or 核 clause is undecided with evidence. */
static uint8_t level_of(const struct policy_outcome *outcome, const uint64_t by_level[LEVEL_RED + 1])
{
    for (int level = LEVEL_RED; level > LEVEL_VERIFY; level--) {
        if ((outcome->fired & by_level[level]) != 0)
            return (uint8_t)level;
    }
    uint64_t warning =
        by_level[LEVEL_RED] | by_level[LEVEL_ORANGE] | by_level[LEVEL_YELLOW] | by_level[LEVEL_VERIFY];
    bool verify = (outcome->fired & by_level[LEVEL_VERIFY]) != 0 || (outcome->undecided & warning) != 0;
    return verify ? LEVEL_VERIFY : LEVEL_NONE;
}

static void derive_levels(const struct batch *batch, struct policy_outcome *outcomes)
{
    const struct program *program = batch->frame->program;
    uint64_t by_level[LEVEL_RED + 1] = {0};
    for (size_t i = 0; i < program->clause_count; i++)
        by_level[program->clauses[i].shown.level] |= UINT64_C(1) << i;
    for (size_t h = 0; h < batch->count; h++)
        outcomes[h].level = batch->levels[h] = level_of(&outcomes[h], by_level);
}

/* A household without members says nothing about the data's quality. */
static void count_statistics(const struct batch *batch, struct policy_outcome *outcomes)
{
    const struct program *program = batch->frame->program;
    const int64_t *members = batch->frame->columns[program->members].high;
    for (size_t s = 0; s < program->statistic_count; s++) {
        const uint8_t *holds = batch->frame->columns[program->statistics[s]].byte;
        for (size_t h = 0; h < batch->count; h++) {
            if (holds[h] == SETTLED_TRUE && members[h] > 0)
                outcomes[h].statistics |= UINT32_C(1) << s;
        }
    }
}

void outcome_batch(struct batch *batch, struct policy_outcome *outcomes)
{
    memset(outcomes, 0, batch->count * sizeof *outcomes);
    extract_batch(batch);
    machine_run(batch, PHASE_CLAUSES);
    judge_clauses(batch, false, outcomes);
    derive_levels(batch, outcomes);
    count_statistics(batch, outcomes);
    machine_run(batch, PHASE_SUGGESTIONS);
    judge_clauses(batch, true, outcomes);
    if (batch->frame->last == PHASE_EXPLANATION)
        machine_run(batch, PHASE_EXPLANATION);
}
