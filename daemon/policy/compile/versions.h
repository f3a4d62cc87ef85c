/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whether the versions of a clause (policy/machine/version.h) make sense: they never overlap (a mistake), leave no gap
 * (a warning), stay of one kind, though not of one level; every clause is in force on some day on which the policy is,
 * and on which every standard and setting that it reads has a value.
 */
#ifndef SHOUWANG_POLICY_VERSIONS_H
#define SHOUWANG_POLICY_VERSIONS_H

#include "policy/compile/compiler.h"

/* Before anything is said of single clauses. */
void versions_check_names(struct compiler *compiler);
/* When the plan tells who reads what. */
void versions_check_dates(struct compiler *compiler);

#endif
