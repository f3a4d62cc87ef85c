/* SPDX-License-Identifier: PostgreSQL */
/*
 * Some of a simulation's households explained by one of its policies: asked again of the simulation's snapshot, with all that
 * is known of their facts, and told to a visitor one by one. What is explained must be what was decided.
 *
 * Memory: of so many households at a time as are asked for (at most SIMULATE_EXPLAIN_MAX, some kilobytes each) and one
 * explanation.
 */
#ifndef SHOUWANG_ROUND_SIMULATE_EXPLAIN_H
#define SHOUWANG_ROUND_SIMULATE_EXPLAIN_H

#include "base/civil.h"
#include "base/status.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/standing.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMULATE_EXPLAIN_MAX = 8192 };

struct simulate_explainer {
    struct load load; /* as the policy of this side sees it; borrowed */
    struct standing standing;
    const struct judge_side *side;
    struct policy_run *run;
    const atomic_bool *cancel;
};

/* The load's first connection is in its snapshot; `side` is judged over it. Close in any case. */
enum status simulate_explainer_open(struct simulate_explainer *explainer, const struct load *load,
                                    const struct judge_side *side, day_t as_of, const atomic_bool *cancel,
                                    struct error *err) WARN_UNUSED;
void simulate_explainer_close(struct simulate_explainer *explainer);

/* index: in `positions`. The explanation is gone when the visit has returned. */
typedef enum status simulate_explain_visit(void *context, size_t index,
                                           const struct policy_explanation *explanation, struct error *err);
/* positions: of households on the register. STATUS_RETRY when `cancel` became true. */
enum status simulate_explain(struct simulate_explainer *explainer, const uint32_t *positions, size_t count,
                             simulate_explain_visit *visit, void *context, struct error *err) WARN_UNUSED;

#endif
