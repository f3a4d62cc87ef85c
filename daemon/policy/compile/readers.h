/* SPDX-License-Identifier: PostgreSQL */
/* Which clauses read which definitions, directly or through others: what a change of a definition can alter. */
#ifndef SHOUWANG_POLICY_READERS_H
#define SHOUWANG_POLICY_READERS_H

#include "base/arena.h"
#include "policy/machine/program.h"

/* By definition, in the file's order. */
struct readers {
    uint64_t *clauses; /* as bits, in the file's order */
    bool *amounts;     /* an amount reads it */
};

/* False without memory. */
bool readers_find(const struct policy *policy, struct arena *arena, struct readers *readers);

#endif
