/* SPDX-License-Identifier: PostgreSQL */
/*
 * Lines → clauses → level.
 *
 * fired       the guards and lines are all true; with 某: for some person
 * undecided   not fired, nothing false, something undecided, and one of the lines marked 凭 true; with 某: so for some
 *             person, taken together with the household's own lines
 * denied      something is false; with 某: for every person; or the clause does not exist here
 */
#include "policy/machine/machine.h"

#include <string.h>

#include "policy/machine/vectorise.h"

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
    uint8_t *all, *evidence;
};

VECTORISED static void conjoin(const struct frame *frame, const struct program_line *lines, size_t count,
                               size_t rows, struct conjunction *into)
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

/* Rank by rank (machine.h). */
VECTORISED static void flag_persons(const struct rows *rows, const struct conjunction *persons,
                                    uint8_t *restrict flags)
{
    for (size_t rank = 0; rank < *rows->ranks; rank++) {
        const uint8_t *restrict all = persons->all + rows->begin[rank], *restrict evidence =
                                                                            persons->evidence +
                                                                            rows->begin[rank];
        const size_t count = rows->begin[rank + 1] - rows->begin[rank];
        for (size_t h = 0; h < count; h++) {
            uint8_t flag =
                (uint8_t)((all[h] == SETTLED_TRUE) * PERSON_TRUE | (all[h] == UNSETTLED) * PERSON_OPEN);
            flags[h] |= (uint8_t)(flag | (evidence[h] != 0 ? flag << 2 : 0));
        }
    }
}

/* The flags of a large household; persons that are not read may bring anything. */
static uint8_t gather_large(const struct batch *batch, const struct conjunction *persons)
{
    uint8_t gathered = batch->omits ? PERSON_OPEN | PERSON_OPEN_WITH_EVIDENCE : 0;
    for (size_t i = 0; i < batch->persons; i++) {
        uint8_t flag = persons->all[i] == SETTLED_TRUE ? PERSON_TRUE
                       : persons->all[i] == UNSETTLED  ? PERSON_OPEN
                                                       : 0;
        gathered |= (uint8_t)(flag | (persons->evidence[i] ? flag << 2 : 0));
    }
    return gathered;
}

/* For each household the flags of all its persons together. */
static void gather_persons(const struct batch *batch, const struct program_clause *clause,
                           struct conjunction *persons, uint8_t *flags)
{
    memcpy(persons->all, batch->frame->columns[clause->some].byte, batch->persons);
    memset(persons->evidence, 0, batch->persons);
    conjoin(batch->frame, clause->some_lines, clause->some_line_count, batch->persons, persons);
    memset(flags, 0, batch->count);
    if (batch->large)
        flags[0] = gather_large(batch, persons);
    else
        flag_persons(&batch->frame->rows, persons, flags);
}

enum {
    VERDICT_FIRED = 1,
    VERDICT_UNDECIDED = 2,
    VERDICT_DENIED = 4
}; /* none of them: undecided without evidence */

/* The outcomes of a batch as columns: bit i of byte group g stands for clause 8 g + i. */
enum { GROUPS = POLICY_CLAUSES_MAX / 8 };
struct masks {
    uint8_t fired[GROUPS][BATCH_HOUSEHOLDS], undecided[GROUPS][BATCH_HOUSEHOLDS],
        denied[GROUPS][BATCH_HOUSEHOLDS];
    uint8_t inhabited[BATCH_HOUSEHOLDS]; /* there are members */
};

/* `all` becomes the verdict. */
VECTORISED static void give_verdicts(uint8_t *restrict all, const uint8_t *restrict evidence, size_t rows)
{
    for (size_t h = 0; h < rows; h++)
        all[h] =
            (uint8_t)((all[h] == SETTLED_TRUE) * VERDICT_FIRED | (all[h] == SETTLED_FALSE) * VERDICT_DENIED |
                      ((all[h] == UNSETTLED) & evidence[h]) * VERDICT_UNDECIDED);
}

/* The same, together with what some person brings. An open person counts as far as the household's lines allow. */
VECTORISED static void give_verdicts_with_persons(uint8_t *restrict all, const uint8_t *restrict evidence,
                                                  const uint8_t *restrict flags, size_t rows)
{
    for (size_t h = 0; h < rows; h++) { /* bit 0 of each; GCC makes branches of anything but arithmetic */
        uint8_t certain = all[h] & (uint8_t) ~(all[h] >> 1), some = flags[h];
        uint8_t possible = all[h] & (some / PERSON_TRUE | some / PERSON_OPEN);
        uint8_t shown = evidence[h] | some / PERSON_OPEN_WITH_EVIDENCE |
                        (some / PERSON_TRUE_WITH_EVIDENCE & (uint8_t)~certain);
        uint8_t fired = certain & some / PERSON_TRUE & 1, denied = (uint8_t)~possible & 1;
        uint8_t undecided = possible & (uint8_t)~fired & shown & 1;
        all[h] = (uint8_t)(fired * VERDICT_FIRED | undecided * VERDICT_UNDECIDED | denied * VERDICT_DENIED);
    }
}

/* A clause that is not in force exists nowhere; most exist only where there are members; a suggestion is never undecided. */
VECTORISED static void narrow(const struct batch *batch, size_t index, const struct masks *masks,
                              uint8_t *restrict verdict)
{
    const struct program_clause *clause = &batch->frame->program->clauses[index];
    const uint8_t *restrict inhabited = masks->inhabited;
    const size_t rows = batch->count;
    if ((batch->run->in_force >> index & 1) == 0)
        memset(verdict, VERDICT_DENIED, rows);
    if (!clause->even_empty) {
        for (size_t h = 0; h < rows; h++)
            verdict[h] = inhabited[h] != 0 ? verdict[h] : VERDICT_DENIED;
    }
    if (clause->shown.kind == CLAUSE_SUGGESTION) {
        for (size_t h = 0; h < rows; h++)
            verdict[h] &= (uint8_t)~VERDICT_UNDECIDED;
    }
}

VECTORISED static void note_verdicts(const uint8_t *restrict verdict, size_t rows, size_t index,
                                     struct masks *restrict masks)
{
    const size_t group = index / 8, bit = index % 8;
    for (size_t h = 0; h < rows; h++) {
        masks->fired[group][h] |= (uint8_t)((verdict[h] & 1) << bit);
        masks->undecided[group][h] |= (uint8_t)((verdict[h] >> 1 & 1) << bit);
        masks->denied[group][h] |= (uint8_t)((verdict[h] >> 2 & 1) << bit);
    }
}

static void judge_clause(const struct batch *batch, size_t index, struct masks *masks)
{
    const struct program_clause *clause = &batch->frame->program->clauses[index];
    uint8_t all[BATCH_HOUSEHOLDS], evidence[BATCH_HOUSEHOLDS], flags[BATCH_HOUSEHOLDS];
    uint8_t persons_all[BATCH_PERSONS], persons_evidence[BATCH_PERSONS];
    struct conjunction households = {all, evidence}, persons = {persons_all, persons_evidence};
    if (batch->large)
        persons = (struct conjunction){batch->all, batch->evidence};
    memset(households.all, batch->omits ? UNSETTLED : SETTLED_TRUE, batch->count);
    memset(households.evidence, batch->omits, batch->count);
    conjoin(batch->frame, clause->lines, clause->line_count, batch->count, &households);
    if (clause->some >= 0) {
        gather_persons(batch, clause, &persons, flags);
        give_verdicts_with_persons(households.all, households.evidence, flags, batch->count);
    } else {
        give_verdicts(households.all, households.evidence, batch->count);
    }
    narrow(batch, index, masks, households.all);
    note_verdicts(households.all, batch->count, index, masks);
}

static void judge_clauses(const struct batch *batch, bool suggestions, struct masks *masks)
{
    const struct program *program = batch->frame->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        if ((program->clauses[i].shown.kind == CLAUSE_SUGGESTION) == suggestions)
            judge_clause(batch, i, masks);
    }
}

/* What the groups say of a household. */
static inline uint64_t mask_of(const uint8_t groups[][BATCH_HOUSEHOLDS], size_t count, size_t row)
{
    uint64_t mask = 0;
    for (size_t group = 0; group < count; group++)
        mask |= (uint64_t)groups[group][row] << 8 * group;
    return mask;
}

static size_t group_count(const struct program *program)
{
    return (program->clause_count + 7) / 8;
}

/* The highest colour that fired; else verify when a 核 clause fired or a colour or 核 clause is undecided with evidence. */
static inline uint8_t level_of(uint64_t fired, uint64_t undecided, const uint64_t by_level[LEVEL_RED + 1])
{
    uint64_t warning =
        by_level[LEVEL_RED] | by_level[LEVEL_ORANGE] | by_level[LEVEL_YELLOW] | by_level[LEVEL_VERIFY];
    bool verify = ((fired & by_level[LEVEL_VERIFY]) | (undecided & warning)) != 0;
    uint8_t highest = verify ? LEVEL_VERIFY : LEVEL_NONE;
    for (uint8_t level = LEVEL_VERIFY + 1; level <= LEVEL_RED; level++)
        highest = (fired & by_level[level]) != 0 ? level : highest;
    return highest;
}

static void derive_levels(const struct batch *batch, const struct masks *masks)
{
    const struct program *program = batch->frame->program;
    const size_t groups = group_count(program);
    uint64_t by_level[LEVEL_RED + 1] = {0};
    for (size_t i = 0; i < program->clause_count; i++)
        by_level[program->clauses[i].shown.level] |= UINT64_C(1) << i;
    for (size_t h = 0; h < batch->count; h++)
        batch->levels[h] =
            level_of(mask_of(masks->fired, groups, h), mask_of(masks->undecided, groups, h), by_level);
}

VECTORISED static void find_inhabited(const struct batch *batch, struct masks *masks)
{
    const int64_t *restrict members = batch->frame->columns[batch->frame->program->members].high;
    uint8_t *restrict inhabited = masks->inhabited;
    const size_t rows = batch->count;
    for (size_t h = 0; h < rows; h++)
        inhabited[h] = members[h] != 0;
}

/* A household without members says nothing about the data's quality. */
static void hand_over(const struct batch *batch, const struct masks *masks, struct policy_outcome *outcomes)
{
    const struct program *program = batch->frame->program;
    const size_t groups = group_count(program);
    for (size_t i = 0; i < batch->count; i++) {
        size_t h = batch->frame->rows.household[i];
        uint32_t statistics = 0;
        for (size_t s = 0; s < program->statistic_count; s++)
            statistics |= (uint32_t)(batch->frame->columns[program->statistics[s]].byte[h] == SETTLED_TRUE)
                          << s;
        outcomes[i] = (struct policy_outcome){.fired = mask_of(masks->fired, groups, h),
                                              .undecided = mask_of(masks->undecided, groups, h),
                                              .denied = mask_of(masks->denied, groups, h),
                                              .statistics = masks->inhabited[h] ? statistics : 0,
                                              .level = batch->levels[h]};
    }
}

void outcome_batch(struct batch *batch, struct policy_outcome *outcomes)
{
    struct masks masks;
    for (size_t group = 0; group < group_count(batch->frame->program); group++) {
        memset(masks.fired[group], 0, batch->count);
        memset(masks.undecided[group], 0, batch->count);
        memset(masks.denied[group], 0, batch->count);
    }
    rows_arrange(batch);
    extract_batch(batch);
    machine_run(batch, PHASE_CLAUSES);
    find_inhabited(batch, &masks);
    judge_clauses(batch, false, &masks);
    derive_levels(batch, &masks);
    machine_run(batch, PHASE_SUGGESTIONS);
    judge_clauses(batch, true, &masks);
    hand_over(batch, &masks, outcomes);
    if (batch->frame->last == PHASE_EXPLANATION)
        machine_run(batch, PHASE_EXPLANATION);
}
