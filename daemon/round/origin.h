/* SPDX-License-Identifier: PostgreSQL */
/*
 * Where facts come from: all accepted batches, by their number.
 *
 * A county's batches are few (some hundreds a year), its facts many: a fact carries its batch's number alone.
 */
#ifndef SHOUWANG_ROUND_ORIGIN_H
#define SHOUWANG_ROUND_ORIGIN_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "domain/fact.h"
#include "round/dossier.h"
#include "store/batch.h"

#include <stddef.h>
#include <stdint.h>

struct pg;

struct origins {
    size_t count;
    const struct batch_info **batches; /* accepted ones, by batch_id */
    /* By source the newest full batch: whatever is live of the source was stated by it, too. NULL = none. */
    const struct batch_info *whole[SOURCE_NUMBER_MAX + 1];
};

/* Lies in `arena`. Best within the snapshot that the facts were read from. */
enum status origins_load(struct origins *origins, struct pg *pg, struct arena *arena,
                         struct error *err) WARN_UNUSED;
/* For a round of an earlier day: forgets which batches are whole, then takes those that were known, by batch_id. */
void origins_forget_whole(struct origins *origins);
void origins_take_whole(struct origins *origins, const struct batch_info *batch);
/* The batch is the one that stated the fact first; its day is that of the newest batch that did. recorded: as the source says, DAY_NONE if it does not; ref: "" for none. */
struct dossier_note origins_note(const struct origins *origins, int64_t batch_id, day_t recorded,
                                 const char *ref);

#endif
