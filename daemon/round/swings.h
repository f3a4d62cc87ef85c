/* SPDX-License-Identifier: PostgreSQL */
/*
 * 波动: batches whose number of rows lies outside of what their source's own history lets expect.
 *
 * Which batches. Of a source that the policy gives a swing: its newest full batch, since all that it did not state again was
 * ended by it and no later delta brings that back; and its newest batch, if that is a delta.
 *
 * Compared with its predecessors: the accepted batches of the same source and mode before it, the newest SWINGS_HISTORY_MOST of
 * those that were counted, at least SWINGS_HISTORY_LEAST; with fewer it is not judged. A township that a batch does not speak of
 * has no rows in it. Judged are each township and the sum of all; people who are not on the register belong to neither: they
 * are other counties' as a rule, and where our own no longer match, the townships have fewer rows.
 *
 * Usual is what lies within median ± times × MAD, the median of the distances from the median. MAD counts as at least ⅔√median
 * rows, and one: independent cases, √n of which come and go by chance, have that MAD (Poisson: 0.6745 σ, σ = √n), so that a
 * source which happened to send the same number several times is not held to it to the row. All of it is exact.
 *
 * Eight: after four batches of a new size the median lies between old and new, and the new size is usual; of four the same is
 * true. So a lasting change costs four batches, and one or three bad ones change nothing.
 *
 * What swings ends nothing of the clauses whose codes the source provides (freshness.h), for households of that
 * township, in sum: for any. But where an operator has said that this very batch is right (store/trust.h), before the
 * round began, the swing is found and recorded, and withholds nothing.
 */
#ifndef SHOUWANG_ROUND_SWINGS_H
#define SHOUWANG_ROUND_SWINGS_H

#include "base/arena.h"
#include "base/status.h"
#include "policy/policy.h"
#include "round/rules.h"
#include "store/batch.h"
#include "store/pull.h"
#include "store/volume.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

enum { SWINGS_HISTORY_LEAST = 4, SWINGS_HISTORY_MOST = 8 };

struct swings {
    size_t count;
    const struct volume_swing *items; /* by source, batch and township */
};

/* What is usual after this history (at most SWINGS_HISTORY_MOST numbers, which are put in order). False: it is too short. */
bool swings_usual(int64_t *history, size_t count, int times, int64_t *low, int64_t *high);

/* batches: the accepted ones that are known, by batch_id. Nothing is asked of the database unless the policy has a swing. */
enum status swings_find(struct swings *swings, const struct policy *policy,
                        const struct batch_info *const *batches, size_t batch_count, struct pg *pg,
                        struct arena *arena, struct error *err) WARN_UNUSED;

/* Tells the rules what they may not end; pairs as of freshness_judge. The rules' list lies in the arena. */
enum status swings_withhold(const struct swings *swings, const struct policy *policy,
                            const struct pull_source_code *pairs, size_t pair_count, struct arena *arena,
                            struct rules *rules, struct error *err) WARN_UNUSED;

#endif
