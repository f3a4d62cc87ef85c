/* SPDX-License-Identifier: PostgreSQL */
/*
 * A round: everything that is known is compared with the policy, once, all or nothing.
 *
 *     load      households, memberships and what the outcomes depend on of the facts, from one exported snapshot (load.h)
 *     match     persons and households by their numbers (match.h)
 *     assemble  shard by shard the columns that the policy machine reads (assemble.h, shard.h)
 *     evaluate  one outcome per household (policy/policy.h)
 *     compare   with what stands, under the rule that only fresh feeds end anything (compare.h)
 *     explain   the households that change: reasons, distances, evidence (event.h, evidence.h)
 *     commit    findings, warnings, history, audit, outbox and deliveries in one transaction (store/round_store.h)
 *
 * A round over unchanged input changes nothing and sends nothing. A round that would raise or clear more warnings
 * than its limit changes nothing either: it is stored as held, with its counts, and waits for an operator.
 *
 * Dates. D, the evaluation date, is `as_of`. A date before the last committed round's is refused, and one that has not
 * come, but for a dry run. A dry run of an earlier date counts only what was known on D: facts of batches whose last day
 * (batch_speaks_to) or day of sending (sent_at, in Asia/Shanghai) lies after D are left out, and freshness is judged by the
 * batches that remain. The register, and facts that were superseded or ended since, are not wound back.
 *
 * Threading: round_execute blocks; call it from a worker. It starts helper threads, never more than one at a
 * time beside the caller's, and joins them before it returns.
 * Everything in the options is borrowed until it returns and must not change meanwhile.
 */
#ifndef SHOUWANG_ROUND_ROUND_H
#define SHOUWANG_ROUND_ROUND_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "domain/fact.h"
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most warnings that one round may raise, and the most that it may clear. */
struct round_limit {
    enum round_limit_kind { ROUND_LIMIT_NONE, ROUND_LIMIT_COUNT, ROUND_LIMIT_PERCENT } kind;
    int64_t value;    /* warnings, or hundredths of a percent of the register's households */
    int64_t at_least; /* of a percentage: what it comes to in a small county */
};
/* "none", "500", "2.5%", or "5% or 1000": the share, but never less than that. */
enum status round_limit_parse(struct slice text, struct round_limit *limit, struct error *err) WARN_UNUSED;
/* What the limit comes to; INT64_MAX for none. A percentage is rounded up. */
int64_t round_limit_count(struct round_limit limit, int64_t households);

/* Townships that are told names, identity numbers and addresses (disclosure = named), ascending. */
struct round_disclosure {
    const int64_t *townships;
    size_t count;
};

enum {
    ROUND_DELIVERY_EXPIRY_DEFAULT_MS = 3 * 24 * 3600 * 1000, /* three days: interfaces, "Answers" */
};

struct round_options {
    const char *conninfo;
    const struct policy *policy;
    const char *policy_hash; /* SHA-256 of policy_text(), lower-case hex */
    const struct dictionary *dictionary;
    int64_t county_code; /* 6 digits */
    day_t as_of;
    const char *cause; /* "schedule", "operator", "once"; "accept" is set by accept_round */
    const char *actor; /* "daemon" or the operator's account; goes into the audit */
    bool dry_run;
    bool full; /* every round is a full one until there are incremental ones */
    struct round_limit limit;
    int64_t accept_round;      /* a held round to run again with its counts as the limit; 0 = none */
    const char *accept_reason; /* why the operator accepts it */
    struct round_disclosure disclosure;
    int64_t delivery_expiry_ms; /* 0 = ROUND_DELIVERY_EXPIRY_DEFAULT_MS */
    int64_t leader;             /* the leadership's token (store/lease.h); 0 = not checked: tests */
};

struct round_stage {
    const char *name; /* "load", "match", … */
    int64_t ms, rows;
};
enum { ROUND_STAGES_MAX = 12, ROUND_STATISTICS_MAX = 32 };

struct round_counts {
    int64_t households, persons;
    int64_t levels[LEVEL_RED + 1]; /* effective levels after the round */
    int64_t raised, escalated, deescalated, changed, cleared;
    int64_t unchanged; /* warnings that stand as they stood */
    int64_t checks_raised, checks_cleared;
    int64_t stale;  /* findings that stand only because no fresh feed says otherwise */
    int64_t events; /* rows for the outbox */
};

/* Of a dry run: what would change about one household. */
struct round_change {
    const char *household_no;
    int64_t township_code;
    enum policy_level from, to;
    const char *kind; /* "raised" …, "" when only checks change */
};

struct round_report {
    struct arena *arena; /* owns the texts and changes below */
    int64_t round_id;    /* 0 for a dry run */
    day_t as_of;
    bool dry_run, held;
    const char *policy_name, *policy_version, *policy_hash;
    struct round_counts counts;
    size_t statistic_count;
    const char *statistic_names[ROUND_STATISTICS_MAX];
    int64_t statistics[ROUND_STATISTICS_MAX];
    size_t stage_count;
    struct round_stage stages[ROUND_STAGES_MAX];
    size_t change_count; /* dry run alone; ordered by the bytes of household_no */
    struct round_change *changes;
};

/* Before the first use; a report may be used again. */
void round_report_init(struct round_report *report);
void round_report_fini(struct round_report *report);

/*
 * Runs a round. STATUS_OK also when it is held (report->held) . STATUS_REJECT: the date or the round to accept is
 * refused. STATUS_CONFIG: the policy says nothing about the date, or the schema is not ours. STATUS_RETRY: the database
 * failed, `cancel` became true, or somebody else committed meanwhile; nothing was changed, run it again.
 */
enum status round_execute(const struct round_options *options, const atomic_bool *cancel,
                          struct round_report *report, struct error *err) WARN_UNUSED;

/* One JSON document with a newline: docs/json.md. */
enum status round_report_json(const struct round_report *report, struct text *out,
                              struct error *err) WARN_UNUSED;

#endif
