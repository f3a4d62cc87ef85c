/* SPDX-License-Identifier: PostgreSQL */
/* What a kernel, one step over the columns of a batch, is given. Internal to the machine's files. */
#ifndef SHOUWANG_POLICY_KERNEL_H
#define SHOUWANG_POLICY_KERNEL_H

#include "policy/machine/machine.h"

struct work {
    const struct batch *batch;
    const struct step *step;
    size_t rows;
    struct column out, a, b, c;
};

/* --- machine_choice.c --------------------------------------------------------------------------------------------- */

void kernel_larger(const struct work *work);
void kernel_smaller(const struct work *work);
void kernel_choose(const struct work *work);

#endif
