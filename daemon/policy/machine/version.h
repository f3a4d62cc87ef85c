/* SPDX-License-Identifier: PostgreSQL */
/*
 * Versions of a clause: several clauses of one name, each in force in its own time (生效 … 至 …). On every day one of them
 * speaks for the name: the one in force; else the one that was in force last; else the first to come. That they never overlap
 * is checked when the policy is compiled (policy/compile/versions.h).
 */
#ifndef SHOUWANG_POLICY_VERSION_H
#define SHOUWANG_POLICY_VERSION_H

#include "policy/machine/program.h"

bool version_in_force(const struct program_clause *clause, day_t day);
/* The clause that speaks for the name; -1 when there is none. */
int version_on(const struct program *program, struct slice name, day_t day);

#endif
