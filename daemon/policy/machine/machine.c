/* SPDX-License-Identifier: PostgreSQL */
/*
 * The steps over the columns of a batch. Every loop is over whole columns without branches, so that the compiler vectorises
 * it; nothing can overflow (emit.c), so there is no check.
 *
 * Tri bytes: bit 0 may be true, bit 1 may be false.
 */
#include "policy/machine/kernel.h"
#include "policy/machine/vectorise.h"

#include <string.h>

static uint8_t tri_not(uint8_t a)
{
    return (uint8_t)((a >> 1 & 1) | (a << 1 & 2));
}

static uint8_t tri_and(uint8_t a, uint8_t b)
{
    return (uint8_t)((a & b & 1) | ((a | b) & 2));
}

static uint8_t tri_or(uint8_t a, uint8_t b)
{
    return (uint8_t)(((a | b) & 1) | (a & b & 2));
}

/* --- constants ---------------------------------------------------------------------------------------------------- */

VECTORISED static void run_constant(const struct work *w)
{
    const size_t rows = w->rows;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    int64_t k = w->step->k;
    for (size_t i = 0; i < rows; i++)
        low[i] = high[i] = k;
}

VECTORISED static void run_standard(const struct work *w)
{
    const size_t rows = w->rows;
    const struct policy_run *run = w->batch->run;
    struct standard_value value = run->standards[w->step - run->policy->program.steps];
    const uint8_t *restrict urban = w->batch->block->urban + w->batch->first;
    const uint16_t *restrict row = w->batch->frame->rows.household;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t i = 0; i < rows; i++)
        low[row[i]] = high[row[i]] = urban[i] != 0 ? value.urban : value.rural;
}

static void run_truth(const struct work *w)
{
    memset(w->out.byte, (int)w->step->k, w->rows);
}

/* --- quantities --------------------------------------------------------------------------------------------------- */

VECTORISED static void run_scale(const struct work *w)
{
    const size_t rows = w->rows;
    int64_t k = w->step->k;
    const int64_t *restrict from_low = k >= 0 ? w->a.low : w->a.high, *restrict from_high =
                                                                          k >= 0 ? w->a.high : w->a.low;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t i = 0; i < rows; i++)
        low[i] = from_low[i] * k;
    for (size_t i = 0; i < rows; i++)
        high[i] = from_high[i] * k;
}

VECTORISED static void run_add(const struct work *w)
{
    const size_t rows = w->rows;
    const int64_t *restrict al = w->a.low, *restrict ah = w->a.high, *restrict bl = w->b.low,
                            *restrict bh = w->b.high;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t i = 0; i < rows; i++) {
        low[i] = al[i] + bl[i];
        high[i] = ah[i] + bh[i];
    }
}

VECTORISED static void run_subtract(const struct work *w)
{
    const size_t rows = w->rows;
    const int64_t *restrict al = w->a.low, *restrict ah = w->a.high, *restrict bl = w->b.low,
                            *restrict bh = w->b.high;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t i = 0; i < rows; i++) {
        low[i] = al[i] - bh[i];
        high[i] = ah[i] - bl[i];
    }
}

/* b ≥ 0: the least is a's low times b's low or high, by its sign. */
VECTORISED static void run_multiply(const struct work *w)
{
    const size_t rows = w->rows;
    const int64_t *restrict al = w->a.low, *restrict ah = w->a.high, *restrict bl = w->b.low,
                            *restrict bh = w->b.high;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t i = 0; i < rows; i++) {
        low[i] = al[i] * (al[i] < 0 ? bh[i] : bl[i]);
        high[i] = ah[i] * (ah[i] < 0 ? bl[i] : bh[i]);
    }
}

VECTORISED static void run_widen(const struct work *w)
{
    const size_t rows = w->rows;
    const int64_t *restrict al = w->a.low, *restrict ah = w->a.high;
    const uint8_t *restrict known = w->b.byte;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    int64_t k = w->step->k;
    for (size_t i = 0; i < rows; i++) {
        low[i] = al[i];
        high[i] = ah[i] + (known[i] == SETTLED_TRUE ? 0 : k);
    }
}

/* --- comparisons -------------------------------------------------------------------------------------------------- */

/* `may` and `may_not` are conditions over al, ah, bl, bh: the comparison may be true, may be false. */
#define COMPARISON(name, may, may_not)                                                                       \
    VECTORISED static void run_##name(const struct work *w)                                                  \
    {                                                                                                        \
        const size_t rows = w->rows;                                                                         \
        const int64_t *restrict a_low = w->a.low, *restrict a_high = w->a.high;                              \
        uint8_t *restrict out = w->out.byte;                                                                 \
        if (w->step->b < 0) {                                                                                \
            const int64_t bl = w->step->k, bh = w->step->k;                                                  \
            for (size_t i = 0; i < rows; i++) {                                                              \
                const int64_t al = a_low[i], ah = a_high[i];                                                 \
                out[i] = (uint8_t)((may) | (may_not) << 1);                                                  \
            }                                                                                                \
            return;                                                                                          \
        }                                                                                                    \
        const int64_t *restrict b_low = w->b.low, *restrict b_high = w->b.high;                              \
        for (size_t i = 0; i < rows; i++) {                                                                  \
            const int64_t al = a_low[i], ah = a_high[i], bl = b_low[i], bh = b_high[i];                      \
            out[i] = (uint8_t)((may) | (may_not) << 1);                                                      \
        }                                                                                                    \
    }

COMPARISON(less, al < bh, ah >= bl)
COMPARISON(less_equal, al <= bh, ah > bl)
COMPARISON(equal, (al <= bh) & (ah >= bl), (al != ah) | (bl != bh) | (al != bl))

VECTORISED static void run_unknown(const struct work *w)
{
    const size_t rows = w->rows;
    const int64_t *restrict low = w->a.low, *restrict high = w->a.high;
    uint8_t *restrict out = w->out.byte;
    for (size_t i = 0; i < rows; i++)
        out[i] = high[i] > low[i] ? SETTLED_TRUE : SETTLED_FALSE;
}

static void run_code_in(const struct work *w)
{
    const size_t rows = w->rows;
    const uint8_t *restrict code = w->a.byte;
    uint8_t *restrict out = w->out.byte;
    uint8_t answer[UINT8_MAX + 1];
    memset(answer, SETTLED_FALSE, sizeof answer);
    answer[CODE_UNKNOWN] = UNSETTLED;
    for (uint64_t left = w->step->mask; left != 0; left &= left - 1)
        answer[__builtin_ctzll(left)] = SETTLED_TRUE;
    for (size_t i = 0; i < rows; i++)
        out[i] = answer[code[i]];
}

static void run_level_in(const struct work *w)
{
    const size_t rows = w->rows;
    for (size_t i = 0; i < rows; i++)
        w->out.byte[i] = (w->step->mask >> w->batch->levels[i] & 1) != 0 ? SETTLED_TRUE : SETTLED_FALSE;
}

/* --- logic -------------------------------------------------------------------------------------------------------- */

VECTORISED static void run_not(const struct work *w)
{
    const size_t rows = w->rows;
    const uint8_t *restrict a = w->a.byte;
    uint8_t *restrict out = w->out.byte;
    for (size_t i = 0; i < rows; i++)
        out[i] = tri_not(a[i]);
}

VECTORISED static void run_and(const struct work *w)
{
    const size_t rows = w->rows;
    const uint8_t *restrict a = w->a.byte, *restrict b = w->b.byte;
    uint8_t *restrict out = w->out.byte;
    for (size_t i = 0; i < rows; i++)
        out[i] = tri_and(a[i], b[i]);
}

VECTORISED static void run_or(const struct work *w)
{
    const size_t rows = w->rows;
    const uint8_t *restrict a = w->a.byte, *restrict b = w->b.byte;
    uint8_t *restrict out = w->out.byte;
    for (size_t i = 0; i < rows; i++)
        out[i] = tri_or(a[i], b[i]);
}

/* --- between households and persons ------------------------------------------------------------------------------- */

/*
 * Rank by rank (machine.h): `person` counts the rows of the persons of one rank, `h` those of their households.
 */
#define FOR_EACH_RANK(w)                                                                                     \
    for (const uint32_t *rank = (w)->batch->frame->rows.begin, *end = rank + *(w)->batch->frame->rows.ranks; \
         rank < end; rank++)

static void run_spread(const struct work *w)
{
    FOR_EACH_RANK(w)
    {
        size_t first = rank[0], count = rank[1] - rank[0];
        if (w->step->kind == REGISTER_QUANTITY) {
            memcpy(w->out.low + first, w->a.low, count * sizeof *w->a.low);
            memcpy(w->out.high + first, w->a.high, count * sizeof *w->a.high);
        } else {
            memcpy(w->out.byte + first, w->a.byte, count);
        }
    }
}

/* Who belongs counts in full, who may belong counts as far as it lowers the low or raises the high. */
VECTORISED static void run_sum(const struct work *w)
{
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    memset(low, 0, w->rows * sizeof *low);
    memset(high, 0, w->rows * sizeof *high);
    FOR_EACH_RANK(w)
    {
        const uint8_t *restrict who = w->a.byte + rank[0];
        const int64_t *restrict person_low = w->b.low + rank[0], *restrict person_high = w->b.high + rank[0];
        const size_t count = rank[1] - rank[0];
        for (size_t h = 0; h < count; h++)
            low[h] +=
                (who[h] == SETTLED_TRUE) | ((who[h] == UNSETTLED) & (person_low[h] < 0)) ? person_low[h] : 0;
        for (size_t h = 0; h < count; h++)
            high[h] += (who[h] == SETTLED_TRUE) | ((who[h] == UNSETTLED) & (person_high[h] > 0))
                           ? person_high[h]
                           : 0;
    }
}

VECTORISED static void run_count(const struct work *w)
{
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    memset(low, 0, w->rows * sizeof *low);
    memset(high, 0, w->rows * sizeof *high);
    FOR_EACH_RANK(w)
    {
        const uint8_t *restrict who = w->a.byte + rank[0];
        const size_t count = rank[1] - rank[0];
        for (size_t h = 0; h < count; h++) {
            low[h] += who[h] == SETTLED_TRUE;
            high[h] += who[h] & 1;
        }
    }
}

/* Of nobody nothing is true. */
VECTORISED static void run_any(const struct work *w)
{
    uint8_t *restrict out = w->out.byte;
    memset(out, SETTLED_FALSE, w->rows);
    FOR_EACH_RANK(w)
    {
        const uint8_t *restrict who = w->a.byte + rank[0];
        const size_t count = rank[1] - rank[0];
        for (size_t h = 0; h < count; h++)
            out[h] = tri_or(out[h], who[h]);
    }
}

/* The greatest over those who belong; nobody's is 0 (and no quantity here is negative). */
VECTORISED static void run_maximum(const struct work *w)
{
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    memset(low, 0, w->rows * sizeof *low);
    memset(high, 0, w->rows * sizeof *high);
    FOR_EACH_RANK(w)
    {
        const uint8_t *restrict who = w->a.byte + rank[0];
        const int64_t *restrict person_low = w->b.low + rank[0], *restrict person_high = w->b.high + rank[0];
        const size_t count = rank[1] - rank[0];
        for (size_t h = 0; h < count; h++)
            low[h] = (who[h] == SETTLED_TRUE) & (person_low[h] > low[h]) ? person_low[h] : low[h];
        for (size_t h = 0; h < count; h++)
            high[h] = ((who[h] & 1) != 0) & (person_high[h] > high[h]) ? person_high[h] : high[h];
    }
}

/* The least over those who belong; where nobody does the household has no clauses, and 0 stands for nothing. */
VECTORISED static void run_minimum(const struct work *w)
{
    const size_t rows = w->rows;
    int64_t *restrict low = w->out.low, *restrict high = w->out.high;
    for (size_t h = 0; h < rows; h++)
        low[h] = high[h] = INT64_MAX;
    FOR_EACH_RANK(w)
    {
        const uint8_t *restrict who = w->a.byte + rank[0];
        const int64_t *restrict person_low = w->b.low + rank[0], *restrict person_high = w->b.high + rank[0];
        const size_t count = rank[1] - rank[0];
        for (size_t h = 0; h < count; h++)
            low[h] = ((who[h] & 1) != 0) & (person_low[h] < low[h]) ? person_low[h] : low[h];
        for (size_t h = 0; h < count; h++)
            high[h] = (who[h] == SETTLED_TRUE) & (person_high[h] < high[h]) ? person_high[h] : high[h];
    }
    for (size_t h = 0; h < rows; h++) {
        low[h] = low[h] == INT64_MAX ? 0 : low[h];
        high[h] = high[h] == INT64_MAX ? 0 : high[h];
    }
}

/* Leaves are filled before and have none. */
static void (*const kernels[OP_COUNT_OF_OPS])(const struct work *w) = {
    [OP_CONSTANT] = run_constant,
    [OP_STANDARD] = run_standard,
    [OP_DAYS] = run_standard,
    [OP_TRUTH] = run_truth,
    [OP_SCALE] = run_scale,
    [OP_ADD] = run_add,
    [OP_SUBTRACT] = run_subtract,
    [OP_MULTIPLY] = run_multiply,
    [OP_WIDEN] = run_widen,
    [OP_LARGER] = kernel_larger,
    [OP_SMALLER] = kernel_smaller,
    [OP_CHOOSE] = kernel_choose,
    [OP_LESS] = run_less,
    [OP_LESS_EQUAL] = run_less_equal,
    [OP_EQUAL] = run_equal,
    [OP_UNKNOWN] = run_unknown,
    [OP_CODE_IN] = run_code_in,
    [OP_LEVEL_IN] = run_level_in,
    [OP_NOT] = run_not,
    [OP_AND] = run_and,
    [OP_OR] = run_or,
    [OP_SPREAD] = run_spread,
    [OP_SUM] = run_sum,
    [OP_COUNT] = run_count,
    [OP_ANY] = run_any,
    [OP_MAXIMUM] = run_maximum,
    [OP_MINIMUM] = run_minimum,
};

void machine_run(const struct batch *batch, enum phase phase)
{
    const struct frame *frame = batch->frame;
    size_t begin = phase == PHASE_CLAUSES ? 0 : frame->plan_end[phase - 1];
    for (size_t p = begin; p < frame->plan_end[phase]; p++) {
        int reg = frame->plan[p];
        const struct step *step = &frame->program->steps[reg];
        struct work work = {.batch = batch,
                            .step = step,
                            .rows = step->domain == DOMAIN_HOUSEHOLD ? batch->count : batch->persons,
                            .out = frame->columns[reg]};
        if (step->a >= 0)
            work.a = frame->columns[step->a];
        if (step->b >= 0)
            work.b = frame->columns[step->b];
        if (step->c >= 0)
            work.c = frame->columns[step->c];
        if (!batch->large || !large_between(batch, reg))
            kernels[step->op](&work);
        if (batch->large)
            large_bound(batch, reg);
    }
}
