/* SPDX-License-Identifier: PostgreSQL */
#include "policy/machine/version.h"

bool version_in_force(const struct program_clause *clause, day_t day)
{
    return clause->from <= day && (clause->to == DAY_NONE || clause->to >= day);
}

/* Of two that are not in force: the later one that lies behind, else the earlier one that lies ahead. */
static bool speaks_rather(const struct program_clause *a, const struct program_clause *b, day_t day)
{
    bool a_behind = a->from <= day, b_behind = b->from <= day;
    if (a_behind != b_behind)
        return a_behind;
    return a_behind ? a->from > b->from : a->from < b->from;
}

int version_on(const struct program *program, struct slice name, day_t day)
{
    int found = -1;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        if (!slice_equal(clause->statement->name, name))
            continue;
        if (version_in_force(clause, day))
            return (int)i;
        if (found < 0 || speaks_rather(clause, &program->clauses[found], day))
            found = (int)i;
    }
    return found;
}
