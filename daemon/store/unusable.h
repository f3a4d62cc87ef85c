/* SPDX-License-Identifier: PostgreSQL */
/*
 * Feed batches of which a tenth of the rows, or half of a few, cannot be used (BATCH_UNUSABLE), and what they lost has not come since.
 *
 * Such a batch is in use: what it says can raise. But what its lost rows would have said is not known, so that it proves
 * nothing about anybody; and of a full one what the lost rows would have stated again was ended. Whatever the policy says of
 * sizes, rounds end nothing of the clauses for which its source provides a code (freshness_unusable), of any household,
 *
 *     until                                      of a full batch    of a delta
 *     a later full batch was accepted            stands no more     stands no more
 *     a later delta of its whole period that     stands             stands no more
 *       can be used, or is trusted
 *     any other batch                            stands             stands: what was lost is still lost
 *     an operator has said that it is right      withholds nothing  withholds nothing
 *
 * "Later" is accepted later and sent no earlier (a sender's clock that is wrong by years does not count). The later full batch may
 * be damaged itself: then it stands in the first one's place.
 *
 * A trusted one is told of as long as it is its source's newest. The register's imports are not among them: an operator makes
 * them and reads what they came to.
 */
#ifndef SHOUWANG_STORE_UNUSABLE_H
#define SHOUWANG_STORE_UNUSABLE_H

#include "base/arena.h"
#include "base/status.h"
#include "store/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

struct unusable {
    int source;
    int64_t batch_id;
    int64_t rows, quarantined;
    bool trusted; /* there was a word when it was looked for: it withholds nothing */
    const char *batch, *source_name, *source_title;
    struct trust_word word; /* as it is now */
};

/* Those that stand now, by source and batch. excluded: batches that are to be taken for not being there. */
enum status unusable_find(struct pg *pg, const int64_t *excluded, size_t excluded_count, struct arena *arena,
                          const struct unusable **items, size_t *count, struct error *err) WARN_UNUSED;
enum status unusable_put(struct pg *pg, int64_t round_id, const struct unusable *items, size_t count,
                         struct error *err) WARN_UNUSED;
/* What the round found, likewise. 0: the newest that was committed or held. */
enum status unusable_of_round(struct pg *pg, int64_t round_id, struct arena *arena,
                              const struct unusable **items, size_t *count, struct error *err) WARN_UNUSED;

#endif
