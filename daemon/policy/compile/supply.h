/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a policy reads, beside what is configured to be sent.
 *
 *   warning   a source that the policy names and for which nothing is configured: nobody can send it anything
 *             a fact that the policy expects of a source (由, 先) whose configuration does not carry its code
 *   notice    a feed that is configured and brings nothing that the policy reads
 *
 * The register may bring every fact, so a fact of which the policy names no source is never missed here.
 *
 * Pure. Everything returned lies in the arena.
 */
#ifndef SHOUWANG_POLICY_SUPPLY_H
#define SHOUWANG_POLICY_SUPPLY_H

#include "policy/policy.h"

struct policy_feed {
    int source;            /* domain/fact.h; not the register */
    const char *name;      /* medical_insurance */
    const char *where;     /* its configuration file, or its drop folder */
    const uint64_t *codes; /* dictionary numbers that it may bring, a bit each; NULL: any */
};

struct policy_supply {
    size_t count;
    const struct policy_feed *feeds;
    bool whole; /* false: the drop directory cannot be looked at, so that a feed may be missing here */
    const char *folder, *drop; /* where a feed's configuration, its drop folder would stand */
};

/* STATUS_FATAL without memory. */
enum status policy_check_supply(const struct policy *policy, const struct policy_supply *supply,
                                struct arena *arena, struct policy_diagnostics *warnings,
                                struct policy_diagnostics *notices, struct error *err) WARN_UNUSED;

#endif
