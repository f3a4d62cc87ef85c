/* SPDX-License-Identifier: PostgreSQL */
/*
 * How many facts a feed's batch stated, township by township; and where a round found that it swings (波动 in the policy).
 *
 * Tallied while the facts are written: of a small batch by the townships of its subjects, which are known before; of a large one
 * a number for each subject, and where they live is asked of the whole register at the end, within the batch's transaction.
 * Never changed later, whatever becomes of the register.
 *
 * A batch may be right though it swings: a township was merged, an agency cleaned its lists. An operator who knows that gives
 * his word for it (`feed trust`), once and for this batch alone, with his reason; word and audit are one statement, and neither
 * is ever changed. Rounds that begin afterwards find the swing as before and record it as trusted, so that it can be told
 * and counted, but it withholds nothing (round/swings.h). Whether a round knew of the word stands in the round's own row: what
 * it decided can be told for ever, whatever is said later. The batches after it are judged as ever: it is one of their
 * predecessors like any other, so a new size wants a word for each batch until it is the usual one.
 */
#ifndef SHOUWANG_STORE_VOLUME_H
#define SHOUWANG_STORE_VOLUME_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct identity_map;
struct pg;

/* Stands for no township: people who are not on the register. Of a swing: all townships in sum. */
#define VOLUME_NO_TOWNSHIP 0

enum volume_subject { VOLUME_PERSON, VOLUME_HOUSEHOLD };
enum { VOLUME_SUBJECTS = 2 };

/* Where those live of whom a batch speaks: townships by id, 0 or not there = nowhere on the register. */
struct volume_places {
    const struct identity_map *townships[VOLUME_SUBJECTS];
};

/* Zero-initialise. Without places memory is four bytes for each subject up to the greatest: ids are small numbers (register.h). */
struct volume_tally {
    const struct volume_places *places; /* borrowed; NULL = to be asked at the end */
    int64_t facts[VOLUME_SUBJECTS], strangers;
    /* private */
    struct volume_townships {
        size_t count, capacity;
        int64_t *codes, *facts;
    } townships;
    /* without places: how many facts of the subject with that id */
    size_t size[VOLUME_SUBJECTS];
    uint32_t *stated[VOLUME_SUBJECTS];
};
/* False: no memory. */
bool volume_add(struct volume_tally *tally, enum volume_subject subject, int64_t id);
enum status volume_store(struct pg *pg, int64_t batch_id, struct volume_tally *tally,
                         struct error *err) WARN_UNUSED;
void volume_tally_free(struct volume_tally *tally);

struct volume {
    int64_t township, batch_id, rows;
};
/* By township, then batch. A batch that was never counted has none, one that was has one of VOLUME_NO_TOWNSHIP. */
enum status volume_read(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const struct volume **volumes, size_t *volume_count, struct error *err) WARN_UNUSED;

/* An operator's word that a batch is right. */
struct volume_word {
    const char *by, *reason; /* "" = nobody has said so */
    int64_t at_ms;
};
/* Gives it for an accepted batch. *given: false when it was given before; then it stands as it was, and there is no second
 * entry in the audit. *word: the one that stands. */
enum status volume_trust(struct pg *pg, int64_t batch_id, const char *by, const char *reason,
                         struct arena *arena, struct volume_word *word, bool *given,
                         struct error *err) WARN_UNUSED;
/* Those of the batches that are trusted, in no order. */
enum status volume_trusted(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                           const int64_t **trusted, size_t *trusted_count, struct error *err) WARN_UNUSED;

struct volume_swing {
    int source;
    int64_t batch_id;
    int64_t township; /* VOLUME_NO_TOWNSHIP: in sum */
    int64_t rows;
    int64_t low, high;                              /* what would have been usual */
    bool trusted;                                   /* the round knew of an operator's word */
    const char *batch, *source_name, *source_title; /* filled by volume_swings */
    struct volume_word word;                        /* as it is now; likewise */
};
enum status volume_put_swings(struct pg *pg, int64_t round_id, const struct volume_swing *swings,
                              size_t count, struct error *err) WARN_UNUSED;
/* What the round found, by source, batch and township. 0: the newest that was committed or held. */
enum status volume_swings(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct volume_swing **swings, size_t *count, struct error *err) WARN_UNUSED;

/* The same in short, of the newest round: sources that swing somewhere and are not trusted, by number. */
struct volume_swinging {
    int source;
    int64_t townships;
    bool in_sum;
};
enum status volume_swinging(struct pg *pg, struct arena *arena, const struct volume_swinging **sources,
                            size_t *count, struct error *err) WARN_UNUSED;

#endif
