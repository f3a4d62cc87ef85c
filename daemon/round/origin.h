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
#include "round/dossier.h"
#include "store/batch.h"

#include <stddef.h>
#include <stdint.h>

struct pg;

struct origins {
    size_t count;
    const struct batch_info **batches; /* accepted ones, by batch_id */
};

/* Lies in `arena`. Best within the snapshot that the facts were read from. */
enum status origins_load(struct origins *origins, struct pg *pg, struct arena *arena,
                         struct error *err) WARN_UNUSED;
/* NULL when there is none of that number. */
const struct batch_info *origins_find(const struct origins *origins, int64_t batch_id);
/* recorded: as the source says, DAY_NONE if it does not; ref: "" for none. */
struct dossier_note origins_note(const struct origins *origins, int64_t batch_id, day_t recorded,
                                 const char *ref);

#endif
