/* SPDX-License-Identifier: PostgreSQL */
/*
 * Some of a simulation's households explained by its two policies: asked once more of the simulation's snapshot, with all that
 * is known of their facts, and told to a visitor one by one. What is explained must be what was decided. Meanwhile the load's
 * first connection is in use.
 *
 * Time: PostgreSQL scans the facts once per call when it asks for more than some hundred households, so the fewer calls the better.
 * Memory: places and persons of the households of one call (round/gather.h), the facts of one household, and one explanation.
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

enum { SIMULATE_EXPLAIN_MAX = 16384 }; /* households of one call */

struct simulate_explainer {
    struct load loads[LOAD_POLICIES_MAX]; /* as each policy sees it; borrowed */
    struct standing standing;
    const struct judge_side *sides;
    struct policy_run *runs[LOAD_POLICIES_MAX];
    const atomic_bool *cancel;
};

/* The load's first connection is in its snapshot; the sides are judged over it. Close in any case. */
enum status simulate_explainer_open(struct simulate_explainer *explainer, const struct load *load,
                                    const struct judge_side sides[LOAD_POLICIES_MAX], day_t as_of,
                                    const atomic_bool *cancel, struct error *err) WARN_UNUSED;
void simulate_explainer_close(struct simulate_explainer *explainer);

/* index: in `positions`; side: whose policy. The explanation is gone when the visit has returned. */
typedef enum status simulate_explain_visit(void *context, size_t index, size_t side,
                                           const struct policy_explanation *explanation, struct error *err);
/* positions: of households on the register. A side is asked about those that have fired one of its clauses in `only`, of all when
 * that is NULL. STATUS_RETRY when `cancel` became true. */
enum status simulate_explain(struct simulate_explainer *explainer, const uint32_t *positions, size_t count,
                             const uint64_t only[LOAD_POLICIES_MAX], simulate_explain_visit *visit,
                             void *context, struct error *err) WARN_UNUSED;

#endif
