/* SPDX-License-Identifier: PostgreSQL */
/*
 * How many facts a feed's batch stated, township by township; and where a round found that it swings (波动 in the policy).
 *
 * Tallied while the facts are written, a number for each subject; where the subjects live is asked once at the end, within the
 * batch's transaction: of a small batch for its subjects only, of a large one for the whole register. Never changed later,
 * whatever becomes of the register.
 */
#ifndef SHOUWANG_STORE_VOLUME_H
#define SHOUWANG_STORE_VOLUME_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

/* Stands for no township: people who are not on the register. Of a swing: all townships in sum. */
#define VOLUME_NO_TOWNSHIP 0

enum volume_subject { VOLUME_PERSON, VOLUME_HOUSEHOLD };
enum { VOLUME_SUBJECTS = 2 };

/* Zero-initialise. Subjects' ids are small numbers (register.h): memory is four bytes for each up to the greatest. */
struct volume_tally {
    int64_t facts[VOLUME_SUBJECTS], strangers;
    /* private: how many facts of the subject with that id */
    size_t size[VOLUME_SUBJECTS];
    uint32_t *stated[VOLUME_SUBJECTS];
};
/* False: no memory. */
bool volume_add(struct volume_tally *tally, enum volume_subject subject, int64_t id);
enum status volume_store(struct pg *pg, int64_t batch_id, const struct volume_tally *tally,
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
    const char *batch, *source_name, *source_title; /* filled by volume_swings */
};
enum status volume_put_swings(struct pg *pg, int64_t round_id, const struct volume_swing *swings,
                              size_t count, struct error *err) WARN_UNUSED;
/* What the round found, by source, batch and township. 0: the newest that was committed or held. */
enum status volume_swings(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct volume_swing **swings, size_t *count, struct error *err) WARN_UNUSED;

/* The same in short, of the newest round: sources that swing somewhere, by number. */
struct volume_swinging {
    int source;
    int64_t townships;
    bool in_sum;
};
enum status volume_swinging(struct pg *pg, struct arena *arena, const struct volume_swinging **sources,
                            size_t *count, struct error *err) WARN_UNUSED;

#endif
