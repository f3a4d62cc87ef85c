/* SPDX-License-Identifier: PostgreSQL */
/*
 * How many facts a feed's batch stated, township by township; and where a round found that it swings (波动 in the policy).
 *
 * Tallied while the facts are written: of a small batch by the townships of its subjects, which are known before; of a large one
 * a number for each subject, and where they live is asked of the whole register at the end, within the batch's transaction.
 * Never changed later, whatever becomes of the register.
 *
 * A batch may be right though it swings: an operator can say so (trust.h). It is one of the predecessors of those after it like any
 * other, so a new size wants a word for each batch until it is the usual one.
 */
#ifndef SHOUWANG_STORE_VOLUME_H
#define SHOUWANG_STORE_VOLUME_H

#include "base/arena.h"
#include "base/status.h"
#include "store/trust.h"

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

struct volume_swing {
    int source;
    int64_t batch_id;
    int64_t township; /* VOLUME_NO_TOWNSHIP: in sum */
    int64_t rows;
    int64_t low, high;                              /* what would have been usual */
    bool trusted;                                   /* the round knew of an operator's word */
    const char *batch, *source_name, *source_title; /* filled by volume_swings */
    struct trust_word word;                         /* as it is now; likewise */
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
