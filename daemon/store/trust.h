/* SPDX-License-Identifier: PostgreSQL */
/*
 * An operator's word that a batch is right (`feed trust`), though it swings (volume.h) or much of it cannot be used (unusable.h): a
 * township was merged, an agency cleaned its lists, the rows that were lost concern nobody here.
 *
 * Given once and for this batch alone, with a reason; word and audit are one statement, and neither is ever changed. Rounds
 * that begin afterwards find what they find as before and record it as trusted, so that it can be told and counted, but it
 * withholds nothing. Whether a round knew of the word stands in the round's own rows: what it decided can be told for ever,
 * whatever is said later. The batches after it are judged as ever.
 */
#ifndef SHOUWANG_STORE_TRUST_H
#define SHOUWANG_STORE_TRUST_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct pg;

struct trust_word {
    const char *by, *reason; /* "" = nobody has said so */
    int64_t at_ms;
};
/* Gives it for an accepted batch. *given: false when it was given before; then it stands as it was, and there is no second
 * entry in the audit. *word: the one that stands. */
enum status trust_give(struct pg *pg, int64_t batch_id, const char *by, const char *reason,
                       struct arena *arena, struct trust_word *word, bool *given,
                       struct error *err) WARN_UNUSED;
/* Those of the batches that are trusted, in no order. */
enum status trust_given(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const int64_t **trusted, size_t *trusted_count, struct error *err) WARN_UNUSED;
/* From three columns of the current row: actor, reason and at of batch_trust, null where nobody has said so. */
struct trust_word trust_fetch(struct fetch *fetch, int column);

#endif
