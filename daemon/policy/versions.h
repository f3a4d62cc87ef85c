/* SPDX-License-Identifier: PostgreSQL */
/*
 * Versions of a clause: several clauses of one name, each in force in its own time (生效 … 至 …). On every day one of them
 * speaks for the name: the one in force; else the one that was in force last; else the first to come.
 *
 * Checked: versions never overlap (a mistake), leave no gap (a warning), stay of one kind, though not of one level; every clause
 * is in force on some day on which the policy is, and on which every standard and setting that it reads has a value.
 */
#ifndef SHOUWANG_POLICY_VERSIONS_H
#define SHOUWANG_POLICY_VERSIONS_H

#include "policy/compiler.h"

/* Before anything is said of single clauses. */
void versions_check_names(struct compiler *compiler);
/* When the plan tells who reads what. */
void versions_check_dates(struct compiler *compiler);

bool versions_in_force(const struct program_clause *clause, day_t day);
/* The clause that speaks for the name; -1 when there is none. */
int versions_on(const struct program *program, struct slice name, day_t day);

#endif
