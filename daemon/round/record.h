/* SPDX-License-Identifier: PostgreSQL */
/*
 * Recording: everything that a round changes, into its one transaction: findings, cases, history with evidence, audit,
 * events. The caller begins and finishes the commit.
 */
#ifndef SHOUWANG_ROUND_RECORD_H
#define SHOUWANG_ROUND_RECORD_H

#include "base/status.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/round.h"
#include "round/rules.h"
#include "round/standing.h"
#include "store/round_store.h"

#include <stdint.h>

struct record {
    const struct round_options *options;
    const struct load *load;
    const struct standing *standing;
    const struct rules *rules;
    const struct judge *judge;
    struct round_commit *commit;
    struct policy_run *run; /* for explanations */
    int64_t round_id, now_ms;
    int64_t events; /* counted here */
};

/* Puts all changes. STATUS_RETRY when the database failed or the round was cancelled: roll back. */
enum status record_changes(struct record *record, const atomic_bool *cancel, struct error *err) WARN_UNUSED;

#endif
