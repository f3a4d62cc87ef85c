/* SPDX-License-Identifier: PostgreSQL */
/*
 * The facts of a round: of each code and kind of subject only the columns that the policy's outcomes depend on, and of amounts
 * only those that lie in one of its windows (policy_run_need); codes of which there is nothing are not asked for. Large tables
 * are pulled in stretches, so that both connections are busy to the end. Rows go from the wire into the shards (shard.h)
 * some thousand at a time; they are never all in memory as rows.
 */
#ifndef SHOUWANG_ROUND_LOAD_FACTS_H
#define SHOUWANG_ROUND_LOAD_FACTS_H

#include "base/civil.h"
#include "base/status.h"
#include "round/load.h"
#include "round/match.h"

#include <stdint.h>

/* Fills the load's bags; its register is assembled, persons finds those on it. *rows: how many came. */
enum status load_facts(struct load *load, const struct match *persons, day_t as_of, int64_t *rows,
                       struct error *err) WARN_UNUSED;

#endif
