/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the sources say where a policy asks whether they disagree (不一致): for the explanation alone.
 *
 * Ownership: everything in the explanation's arena.
 */
#ifndef SHOUWANG_POLICY_DISAGREEMENT_H
#define SHOUWANG_POLICY_DISAGREEMENT_H

#include "policy/machine/machine.h"

/* Whether the step asks whether sources disagree. */
static inline bool disagreement_asked(const struct step *step)
{
    return step->op == OP_GAP || step->op == OP_DISAGREE;
}

/*
 * Adds what each source says to `into`, for facts that are all of one subject and code, unless fewer than two speak or there
 * are too many to show. False without memory.
 */
bool disagreement_note(const struct batch *batch, int reg, const struct policy_fact *facts, size_t count,
                       struct policy_shown_fact subject, struct arena *arena,
                       struct policy_explanation *into) WARN_UNUSED;

#endif
