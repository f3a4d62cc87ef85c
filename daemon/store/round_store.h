/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rounds: their rows, and the one transaction that writes what a round changed.
 *
 *     round_begin                         a row in state running, in a transaction of its own
 *       pulls, evaluation, comparison     no transaction is open
 *     round_commit_begin … put … finish   one transaction: findings, warnings, history, audit, outbox, counts
 *     or round_hold, or round_fail
 *
 * round_commit_begin locks the lease row `round`, checks the leadership, and looks whether another round has committed
 * since the snapshot (last_round): then STATUS_RETRY, and the round has to be computed anew. So two daemons cannot
 * write over each other.
 *
 * Rows are buffered and sent by COPY in chunks of a few megabytes, by a thread of their own (sender.h) while the next
 * ones are put: memory stays bounded however much changes. So the connection is not the caller's between the first put
 * and round_commit_settle. Puts may come in any order, each row at most once.
 */
#ifndef SHOUWANG_STORE_ROUND_STORE_H
#define SHOUWANG_STORE_ROUND_STORE_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "policy/policy.h"
#include "store/clearing_store.h"
#include "store/pull_standing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

enum round_state { ROUND_RUNNING, ROUND_COMMITTED, ROUND_HELD, ROUND_FAILED };
const char *round_state_name(enum round_state state);

/* The policy's text, once per hash; safe to call again. */
enum status round_policy_put(struct pg *pg, const char *policy_hash, const char *name, const char *version,
                             struct slice body, struct error *err) WARN_UNUSED;
/* *body stays NULL when there is none of that hash. */
enum status round_policy_get(struct pg *pg, const char *policy_hash, struct arena *arena, const char **name,
                             const char **version, const char **body, struct error *err) WARN_UNUSED;

enum status round_begin(struct pg *pg, const char *cause, day_t as_of, const char *policy_hash,
                        int64_t *round_id, struct error *err) WARN_UNUSED;
enum status round_fail(struct pg *pg, int64_t round_id, const char *reason, struct error *err) WARN_UNUSED;
/* Under the leadership, before a round begins: rounds left running by a daemon that is no more. */
enum status round_fail_leftovers(struct pg *pg, int64_t *count, struct error *err) WARN_UNUSED;
/* Held: nothing of it is written but its counts, stages and the reason. JSON texts: an object and an array.
 */
enum status round_hold(struct pg *pg, int64_t round_id, const char *counts_json, const char *stages_json,
                       const char *reason, struct error *err) WARN_UNUSED;
/* Notes who accepted a held round and why. STATUS_REJECT when it is not held or was accepted before. The
 * daemon then computes a new round with the limit lifted (cause accept). */
enum status round_accept(struct pg *pg, int64_t round_id, const char *who, const char *reason,
                         struct error *err) WARN_UNUSED;

struct round_info {
    int64_t round_id;
    enum round_state state;
    const char *cause;
    day_t as_of;
    const char *policy_hash, *policy_name, *policy_version; /* "" when there is none */
    int64_t started_at_ms, finished_at_ms;                  /* INT64_MIN = not yet */
    const char *error, *accepted_by, *accepted_reason;      /* "" when there is none */
    const char *counts_json, *stages_json;
};
/* *round stays NULL when there is none. */
enum status round_get(struct pg *pg, int64_t round_id, struct arena *arena, const struct round_info **round,
                      struct error *err) WARN_UNUSED;
enum status round_last_committed(struct pg *pg, struct arena *arena, const struct round_info **round,
                                 struct error *err) WARN_UNUSED;
/* When the newest round of cause schedule began that was committed or held, Unix ms; 0 = none was. While none was: a minute
 * before the first one that was tried, for it began within seconds of its time. */
enum status round_last_scheduled(struct pg *pg, int64_t *unix_ms, struct error *err) WARN_UNUSED;
enum status round_list(struct pg *pg, int limit, struct arena *arena, const struct round_info **rounds,
                       size_t *count, struct error *err) WARN_UNUSED; /* newest first */

/* The batches that a round saw, by source. */
struct round_batch {
    int source;
    int64_t batch_id;
    day_t period_to;
    bool fresh;
};
enum status round_batches(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct round_batch **batches, size_t *count, struct error *err) WARN_UNUSED;

/* What the newest round up to `round_id` that wrote anything about a household wrote. NULL when none did. */
struct round_household {
    int64_t round_id;
    char warning_id[UUID_TEXT_SIZE]; /* "" = none */
    enum policy_level previous_level, level;
    const char *findings_json, *evidence_json;
};
enum status round_household_get(struct pg *pg, int64_t household_id, int64_t round_id, struct arena *arena,
                                const struct round_household **household, struct error *err) WARN_UNUSED;

/* --- the commit ----------------------------------------------------------------------------------------- */

struct round_commit;

/* Begins the transaction. last_round: the newest committed round in the snapshot that the round was computed
 * from, 0 if there was none. leader: the leadership's token, 0 = not checked (store/lease.h). */
enum status round_commit_begin(struct pg *pg, int64_t round_id, int64_t last_round, int64_t leader,
                               struct round_commit **commit, struct error *err) WARN_UNUSED;

struct round_finding {
    int64_t household_id;
    const char *rule;
    enum policy_clause_kind kind;
    bool undecided;
    enum policy_level level;
    int64_t since_round;
    day_t since_on;
    day_t stale_since; /* DAY_NONE = confirmed */
    int64_t township;  /* that is told of a check; 0 of other kinds */
};
enum status round_commit_insert_finding(struct round_commit *commit, const struct round_finding *finding,
                                        struct error *err) WARN_UNUSED;
/* In the place of one of the same rule that ends: as if that had been deleted, and this inserted. */
enum status round_commit_replace_finding(struct round_commit *commit, const struct round_finding *finding,
                                         struct error *err) WARN_UNUSED;
/* Everything but since_round and since_on takes the new value. */
enum status round_commit_update_finding(struct round_commit *commit, const struct round_finding *finding,
                                        struct error *err) WARN_UNUSED;
enum status round_commit_delete_finding(struct round_commit *commit, int64_t household_id, const char *rule,
                                        struct error *err) WARN_UNUSED;

/* Of a finding that stands: since when and how far it waits to be cleared. */
enum status round_commit_clearing(struct round_commit *commit, const struct clearing_row *row,
                                  struct error *err) WARN_UNUSED;

struct round_warning {
    int64_t household_id;
    const char *warning_id; /* UUIDv7 */
    int64_t township;
    enum policy_level level; /* not none */
    enum case_state state;
    day_t raised_on, due_on, closed_on; /* closed_on: DAY_NONE unless closed */
    int64_t raised_round;
};
/* changed_round becomes this round. A household has at most one open case; one that is closed and one that is
 * opened in the same round is possible. */
enum status round_commit_insert_warning(struct round_commit *commit, const struct round_warning *warning,
                                        struct error *err) WARN_UNUSED;
/* township, level, state, due_on and closed_on take the new value. */
enum status round_commit_update_warning(struct round_commit *commit, const struct round_warning *warning,
                                        struct error *err) WARN_UNUSED;

/* warning_history; JSON as docs/json.md says. warning_id NULL = none. */
enum status round_commit_history(struct round_commit *commit, int64_t household_id, const char *warning_id,
                                 enum policy_level previous_level, enum policy_level level,
                                 struct slice findings_json, struct slice evidence_json,
                                 struct error *err) WARN_UNUSED;

/* household_id 0 = none. actor: "daemon" or the operator's account. */
enum status round_commit_audit(struct round_commit *commit, const char *actor, const char *action,
                               int64_t household_id, struct slice detail_json, struct error *err) WARN_UNUSED;

struct round_event {
    int64_t household_id;
    const char *event_id; /* UUIDv7 */
    int64_t township;     /* to whom: township, or the county's 6 digits */
    const char *type;     /* "warning.raised" */
    int priority;         /* 0 red, 1 orange, 2 yellow, 3 verify, 4 the rest */
    int64_t term_ms;      /* from the commit, by the database's clock */
    /* Earlier events of this household and family (the type up to its dot: warning, check …) to this township that
     * were never attempted become superseded. One that was attempted has a sequence number and is always told, or the
     * receiver would see a gap; so is what ends or lowers something that the township was told of. */
    bool supersedes;
    /* Not sent (superseded at once) if of this household and family the township knows of nothing that stands: a clearing
     * of what nobody was told. */
    bool only_if_told;
    struct slice event; /* the CloudEvent, all but its sequence */
};
/* In the order in which a household's events are to be told. */
enum status round_commit_event(struct round_commit *commit, const struct round_event *event,
                               struct error *err) WARN_UNUSED;

enum status round_commit_batch(struct round_commit *commit, const struct round_batch *batch,
                               struct error *err) WARN_UNUSED;

/* Waits until nothing is being sent any more; tells the first failure. After a failed put, too, before anything else is done
 * with the connection; round_commit_finish and round_commit_free do it by themselves. */
enum status round_commit_settle(struct round_commit *commit, struct error *err) WARN_UNUSED;
/* Writes what is buffered and commits. STATUS_RETRY with *unknown true: nobody knows whether it was
 * committed; look with round_get on a new connection (state committed: it was; running: it was not, once the
 * old session is gone). */
enum status round_commit_finish(struct round_commit *commit, const char *counts_json, const char *stages_json,
                                bool *unknown, struct error *err) WARN_UNUSED;
/* Rolls back what is not committed, and frees. NULL is allowed. */
void round_commit_free(struct round_commit *commit);

#endif
