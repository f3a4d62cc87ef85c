/* SPDX-License-Identifier: PostgreSQL */
/*
 * From our own keys (person_id, household_id) to positions in the round's columns.
 *
 * A linear-probing table of at most 50 % load; keys that lie close together (a register numbered without gaps) get
 * a plain array instead. Probes go in groups of MATCH_GROUP, each prefetched before the first is read: the tables
 * are larger than any cache, and one miss hides the next.
 *
 * Ownership: the table keeps no pointer to the ids it was built from. Immutable once built; any thread may look up.
 */
#ifndef SHOUWANG_ROUND_MATCH_H
#define SHOUWANG_ROUND_MATCH_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct match;

/* Sixty-four probes in flight cover memory's latency on the machines we measured; more gains nothing. */
enum { MATCH_GROUP = 64 };
#define MATCH_NONE UINT32_MAX

/* ids[i] is found as i. STATUS_REJECT names the positions when two ids are equal; `what` says of what ("person"). */
enum status match_new(struct match **match, const int64_t *ids, size_t count, const char *what,
                      struct error *err) WARN_UNUSED;
void match_free(struct match *match);

/* positions[i] becomes the position of ids[i], or MATCH_NONE. Any count. */
void match_find(const struct match *match, const int64_t *ids, size_t count, uint32_t *positions);

#endif
