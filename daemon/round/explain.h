/* SPDX-License-Identifier: PostgreSQL */
/*
 * Why: an explanation for officials, in Chinese or as JSON (docs/json.md).
 *
 * Of a household_no, from what is known now, with today's policy; of a warning's id, from the evidence and the policy
 * text that its last round stored, so that it stays the same for ever. Both run the policy machine again: nothing is
 * explained from memory.
 *
 * Names and identity numbers are masked unless `named`; the caller has to make sure that the reader may see them, and
 * writes the audit.
 *
 * Threading: blocks; call it from a worker or from shouwangctl.
 */
#ifndef SHOUWANG_ROUND_EXPLAIN_H
#define SHOUWANG_ROUND_EXPLAIN_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "domain/fact.h"
#include "policy/policy.h"

#include <stdbool.h>

struct explain_options {
    const char *conninfo;
    const struct policy *policy; /* for a household; a warning brings its own */
    const char *policy_hash;
    const struct dictionary *dictionary;
    const char *subject; /* a warning's id or a household_no */
    day_t as_of;         /* for a household */
    bool named;
    bool json;
};

/* *found is false (STATUS_OK, nothing written) when there is no such warning or household. */
enum status explain_execute(const struct explain_options *options, struct text *out, bool *found,
                            struct error *err) WARN_UNUSED;

#endif
