/* SPDX-License-Identifier: PostgreSQL */
/* The larger, the smaller, and one or the other of two columns of intervals. */
#include "policy/machine/kernel.h"
#include "policy/machine/vectorise.h"

VECTORISED static void larger(const int64_t *restrict a, const int64_t *restrict b, size_t rows,
                              int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = a[i] > b[i] ? a[i] : b[i];
}

VECTORISED static void smaller(const int64_t *restrict a, const int64_t *restrict b, size_t rows,
                               int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = a[i] < b[i] ? a[i] : b[i];
}

/* Where the condition is undecided out is already what the hull has at this end. */
VECTORISED static void take(const uint8_t *restrict which, const int64_t *restrict a,
                            const int64_t *restrict b, size_t rows, int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = which[i] == SETTLED_TRUE ? a[i] : which[i] == SETTLED_FALSE ? b[i] : out[i];
}

void kernel_larger(const struct work *work)
{
    larger(work->a.low, work->b.low, work->rows, work->out.low);
    larger(work->a.high, work->b.high, work->rows, work->out.high);
}

void kernel_smaller(const struct work *work)
{
    smaller(work->a.low, work->b.low, work->rows, work->out.low);
    smaller(work->a.high, work->b.high, work->rows, work->out.high);
}

void kernel_choose(const struct work *work)
{
    smaller(work->a.low, work->b.low, work->rows, work->out.low);
    take(work->c.byte, work->a.low, work->b.low, work->rows, work->out.low);
    larger(work->a.high, work->b.high, work->rows, work->out.high);
    take(work->c.byte, work->a.high, work->b.high, work->rows, work->out.high);
}
