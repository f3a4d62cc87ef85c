/* SPDX-License-Identifier: PostgreSQL */
/*
 * Why the households that move have the level they have, by either policy: their reasons with the figures filled in, as explain
 * words them. Some thousand moves at a time, so that memory does not grow with their number.
 */
#ifndef SHOUWANG_ROUND_SIMULATE_REASONS_H
#define SHOUWANG_ROUND_SIMULATE_REASONS_H

#include "base/arena.h"
#include "base/status.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/simulation.h"

#include <stdatomic.h>

struct simulate_reasons {
    const struct load *load; /* its first connection is in its snapshot */
    const struct judge_side *sides;
    day_t as_of;
    const atomic_bool *cancel;
    struct arena *arena; /* the block's that was told last */
};

/* A simulation_tell; the teller is a struct simulate_reasons. */
enum status simulate_reasons_tell(void *teller, const struct simulation_move *moves, size_t count,
                                  const struct simulation_told **told, struct error *err);
void simulate_reasons_fini(struct simulate_reasons *reasons);

#endif
