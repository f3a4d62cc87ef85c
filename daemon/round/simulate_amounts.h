/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the suggestions of two policies would cost: the amounts (金额) of the suggestions that fire, summed by clause and title.
 * An amount that is not known exactly adds to both ends of its sum.
 *
 * Amounts are made by the explanation, from all facts of a household; so only those households are gathered for which a
 * suggestion with an amount fires, some thousand at a time.
 */
#ifndef SHOUWANG_ROUND_SIMULATE_AMOUNTS_H
#define SHOUWANG_ROUND_SIMULATE_AMOUNTS_H

#include "base/arena.h"
#include "base/status.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/simulation.h"

#include <stdatomic.h>
#include <stdint.h>

/* sides: both judged over `load`, whose first connection is in its snapshot. township: 0 = all. The sums lie in `arena`. */
enum status simulate_amounts(const struct load *load, const struct judge_side sides[LOAD_POLICIES_MAX],
                             day_t as_of, int64_t township, const atomic_bool *cancel, struct arena *arena,
                             struct simulation *simulation, struct error *err) WARN_UNUSED;

#endif
