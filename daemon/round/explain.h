/* SPDX-License-Identifier: PostgreSQL */
/*
 * Why: an explanation for officials, in Chinese or as JSON (docs/json.md).
 *
 *   a household          from what is known now, with today's policy
 *   … at a round         from what that round knew, with its policy: the evidence it stored where it changed something about
 *                        the household, else the register and the facts as it saw them (past.h). So it shows what was
 *                        decided then, whatever has come since, and says so when something needed is gone
 *   a warning            as the last round that changed it
 *
 * All run the policy machine again: nothing is explained from memory.
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
#include <stdint.h>

struct explain_options {
    const char *conninfo;
    const struct policy
        *policy; /* for what is known now; a round brings its own. NULL: there is none, and … */
    const struct error *no_policy; /* … this says why, with its status: what is known now is refused so */
    const char *policy_hash;
    const struct dictionary *dictionary;
    const char *subject; /* a warning's id or a household_no */
    int64_t round_id;    /* a committed round; 0 = none */
    /* DAY_NONE: now, as of the last committed round's date (of today where there was none). Before that date: the newest
     * round of that day or before. Else: what is known now, on that day. Of a warning only together with a past day. */
    day_t as_of;
    bool recompute; /* do not read stored evidence: tests compare the two ways */
    bool named;
    bool json;
    bool all; /* as text: everything; JSON always is complete */
};

/* *found is false (STATUS_OK, nothing written) when there is no such warning or household. STATUS_REJECT when there is no
 * such round, or it cannot be computed again. */
enum status explain_execute(const struct explain_options *options, struct text *out, bool *found,
                            struct error *err) WARN_UNUSED;

#endif
