/* SPDX-License-Identifier: PostgreSQL */
/* The one transaction that writes what a round changed. */
#include "store/round_store.h"

#include "base/kill_point.h"
#include "io/pg.h"
#include "store/lease.h"
#include "store/sender.h"
#include "store/vocabulary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum sink {
    SINK_FINDING_INSERT,
    SINK_FINDING_CHANGE,
    SINK_CLEARING,
    SINK_WARNING,
    SINK_HISTORY,
    SINK_AUDIT,
    SINK_OUTBOX,
    SINK_DELIVERY,
    SINK_BATCH,
    SINKS,
};

/* Where rows go: what is only added goes into its table, the rest into a stage that is applied by set statements. */
static const struct {
    const char *stage_sql; /* NULL = straight into the table */
    const char *copy_sql;
    int columns;
} sinks[SINKS] = {
    [SINK_FINDING_INSERT] =
        {NULL,
         "copy finding (household_id, rule, kind, status, level, since_round, since_on, stale_since,"
         " township_code) from stdin (format binary)",
         9},
    [SINK_FINDING_CHANGE] =
        {"create temporary table change_finding (household_id bigint, rule text, gone boolean, anew boolean,"
         " kind text, status text, level text, since_on date, stale_since date, township_code bigint)"
         " on commit drop",
         "copy change_finding from stdin (format binary)", 10},
    [SINK_CLEARING] =
        {"create temporary table change_clearing (household_id bigint, rule text, since date, counted date,"
         " rounds smallint, rounds_needed smallint, base bigint, batches smallint, batches_needed smallint)"
         " on commit drop",
         "copy change_clearing from stdin (format binary)", 9},
    [SINK_WARNING] =
        {"create temporary table change_warning (is_new boolean, household_id bigint, warning_id uuid,"
         " township_code bigint, level text, state text, raised_on date, due_on date, raised_round bigint,"
         " closed_on date) on commit drop",
         "copy change_warning from stdin (format binary)", 10},
    [SINK_HISTORY] =
        {NULL,
         "copy warning_history (household_id, round_id, warning_id, previous_level, level, findings,"
         " evidence) from stdin (format binary)",
         7},
    [SINK_AUDIT] = {NULL,
                    "copy audit (actor, action, household_id, round_id, detail) from stdin (format binary)",
                    5},
    [SINK_OUTBOX] = {NULL,
                     "copy outbox (household_id, event_id, township_code, type, round_id, event)"
                     " from stdin (format binary)",
                     6},
    [SINK_DELIVERY] =
        {"create temporary table change_delivery (household_id bigint, event_id uuid, township_code bigint,"
         " family text, priority smallint, term_ms bigint, supersedes boolean,"
         " only_if_told boolean) on commit drop",
         "copy change_delivery from stdin (format binary)", 8},
    [SINK_BATCH] =
        {NULL, "copy round_batch (round_id, source, batch_id, period_to, fresh) from stdin (format binary)",
         5},
};

struct round_commit {
    struct pg *pg;
    struct sender *sender; /* has the connection while rows are put */
    int64_t round_id;
    struct pg_rows rows[SINKS];
    bool staged[SINKS]; /* its stage was made */
    int64_t deleted, replaced, updated, changed_warnings, clearings;
};

/* --- sending -------------------------------------------------------------------------------------------------- */

/* A key that is there already was put there by somebody else: what stands is not what the snapshot showed. */
static enum status or_changed(struct round_commit *commit, enum status status, struct error *err)
{
    if (status && strcmp(pg_sqlstate(commit->pg), "23505") == 0)
        return error_set(err, STATUS_RETRY, "what stands has changed since the snapshot of round %lld",
                         (long long)commit->round_id);
    return status;
}

static enum status make_stage(struct round_commit *commit, enum sink sink, struct error *err)
{
    if (sinks[sink].stage_sql == NULL || commit->staged[sink])
        return STATUS_OK;
    commit->staged[sink] = true;
    enum status status = sender_wait(commit->sender, err);
    return status ? status : pg_exec(commit->pg, sinks[sink].stage_sql, err);
}

static enum status send_rows(struct round_commit *commit, enum sink sink, struct error *err)
{
    if (commit->rows[sink].count == 0)
        return STATUS_OK;
    enum status status = make_stage(commit, sink, err);
    if (!status)
        status = sender_send(commit->sender, sinks[sink].copy_sql, &commit->rows[sink], err);
    KILL_POINT("round.rows_copied");
    return or_changed(commit, status, err);
}

/* --- beginning ------------------------------------------------------------------------------------------------ */

static enum status check_newest(struct round_commit *commit, int64_t last_round, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(commit->pg, "select coalesce(max(round_id), 0) from round where state = 'committed'",
                 pg_params(), &result, err);
    if (status)
        return status;
    int64_t newest = pg_get_int64(result, 0, 0);
    pg_result_free(result);
    if (newest != last_round)
        return error_set(err, STATUS_RETRY,
                         "round %lld was committed since the snapshot of round %lld was taken (it saw %lld)",
                         (long long)newest, (long long)commit->round_id, (long long)last_round);
    return STATUS_OK;
}

enum status round_commit_begin(struct pg *pg, int64_t round_id, int64_t last_round, int64_t leader,
                               struct round_commit **commit, struct error *err)
{
    *commit = NULL;
    struct round_commit *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "no memory for a round's changes");
    new->pg = pg;
    new->round_id = round_id;
    for (size_t i = 0; i < SINKS; i++)
        pg_rows_init(&new->rows[i]);
    enum status status = sender_new(pg, &new->sender, err);
    if (!status)
        status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (!status)
        status = lease_lock(pg, LEASE_ROUND, leader, err);
    if (!status)
        status = check_newest(new, last_round, err);
    KILL_POINT("round.transaction_open");
    if (status) {
        round_commit_free(new);
        return status;
    }
    *commit = new;
    return STATUS_OK;
}

void round_commit_free(struct round_commit *commit)
{
    if (!commit)
        return;
    sender_free(commit->sender);
    pg_rollback(commit->pg);
    for (size_t i = 0; i < SINKS; i++)
        pg_rows_fini(&commit->rows[i]);
    free(commit);
}

/* --- putting -------------------------------------------------------------------------------------------------- */

static struct pg_rows *begin_row(struct round_commit *commit, enum sink sink)
{
    pg_rows_begin(&commit->rows[sink], sinks[sink].columns);
    return &commit->rows[sink];
}

static enum status end_row(struct round_commit *commit, enum sink sink, struct error *err)
{
    return pg_rows_full(&commit->rows[sink]) ? send_rows(commit, sink, err) : STATUS_OK;
}

static const char *status_word(const struct round_finding *finding)
{
    return finding->undecided ? "undecided" : "fired";
}

static void put_township(struct pg_rows *rows, int64_t township)
{
    if (township == 0)
        pg_put_null(rows);
    else
        pg_put_int64(rows, township);
}

enum status round_commit_insert_finding(struct round_commit *commit, const struct round_finding *finding,
                                        struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_FINDING_INSERT);
    pg_put_int64(rows, finding->household_id);
    pg_put_str(rows, finding->rule);
    pg_put_str(rows, vocabulary_kinds[finding->kind]);
    pg_put_str(rows, status_word(finding));
    pg_put_str(rows, vocabulary_levels[finding->level]);
    pg_put_int64(rows, finding->since_round);
    pg_put_day(rows, finding->since_on);
    pg_put_day(rows, finding->stale_since);
    put_township(rows, finding->township);
    return end_row(commit, SINK_FINDING_INSERT, err);
}

static enum status change_finding(struct round_commit *commit, const struct round_finding *finding, bool anew,
                                  struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_FINDING_CHANGE);
    pg_put_int64(rows, finding->household_id);
    pg_put_str(rows, finding->rule);
    pg_put_bool(rows, anew);
    pg_put_bool(rows, anew);
    pg_put_str(rows, vocabulary_kinds[finding->kind]);
    pg_put_str(rows, status_word(finding));
    pg_put_str(rows, vocabulary_levels[finding->level]);
    pg_put_day(rows, finding->since_on);
    pg_put_day(rows, finding->stale_since);
    put_township(rows, finding->township);
    return end_row(commit, SINK_FINDING_CHANGE, err);
}

enum status round_commit_update_finding(struct round_commit *commit, const struct round_finding *finding,
                                        struct error *err)
{
    commit->updated++;
    return change_finding(commit, finding, false, err);
}

enum status round_commit_replace_finding(struct round_commit *commit, const struct round_finding *finding,
                                         struct error *err)
{
    commit->deleted++;
    commit->replaced++;
    return change_finding(commit, finding, true, err);
}

enum status round_commit_clearing(struct round_commit *commit, const struct clearing_row *row,
                                  struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_CLEARING);
    pg_put_int64(rows, row->household_id);
    pg_put_str(rows, row->rule);
    pg_put_day(rows, row->since);
    pg_put_day(rows, row->counted_on);
    pg_put_int16(rows, row->rounds);
    pg_put_int16(rows, row->rounds_needed);
    pg_put_int64(rows, row->base_batch);
    pg_put_int16(rows, row->batches);
    pg_put_int16(rows, row->batches_needed);
    commit->clearings++;
    return end_row(commit, SINK_CLEARING, err);
}

enum status round_commit_delete_finding(struct round_commit *commit, int64_t household_id, const char *rule,
                                        struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_FINDING_CHANGE);
    pg_put_int64(rows, household_id);
    pg_put_str(rows, rule);
    pg_put_bool(rows, true);
    pg_put_bool(rows, false);
    for (int i = 0; i < 6; i++)
        pg_put_null(rows);
    commit->deleted++;
    return end_row(commit, SINK_FINDING_CHANGE, err);
}

static enum status put_warning(struct round_commit *commit, bool is_new, const struct round_warning *warning,
                               struct error *err)
{
    assert(warning->level != LEVEL_NONE);
    struct pg_rows *rows = begin_row(commit, SINK_WARNING);
    pg_put_bool(rows, is_new);
    pg_put_int64(rows, warning->household_id);
    pg_put_uuid(rows, warning->warning_id);
    pg_put_int64(rows, warning->township);
    pg_put_str(rows, vocabulary_levels[warning->level]);
    pg_put_str(rows, case_state_name(warning->state));
    pg_put_day(rows, warning->raised_on);
    pg_put_day(rows, warning->due_on);
    pg_put_int64(rows, warning->raised_round);
    pg_put_day(rows, warning->closed_on);
    return end_row(commit, SINK_WARNING, err);
}

enum status round_commit_insert_warning(struct round_commit *commit, const struct round_warning *warning,
                                        struct error *err)
{
    return put_warning(commit, true, warning, err);
}

enum status round_commit_update_warning(struct round_commit *commit, const struct round_warning *warning,
                                        struct error *err)
{
    commit->changed_warnings++;
    return put_warning(commit, false, warning, err);
}

enum status round_commit_history(struct round_commit *commit, int64_t household_id, const char *warning_id,
                                 enum policy_level previous_level, enum policy_level level,
                                 struct slice findings_json, struct slice evidence_json, struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_HISTORY);
    pg_put_int64(rows, household_id);
    pg_put_int64(rows, commit->round_id);
    pg_put_uuid(rows, warning_id);
    pg_put_str(rows, vocabulary_levels[previous_level]);
    pg_put_str(rows, vocabulary_levels[level]);
    pg_put_jsonb(rows, findings_json);
    pg_put_jsonb(rows, evidence_json);
    return end_row(commit, SINK_HISTORY, err);
}

enum status round_commit_audit(struct round_commit *commit, const char *actor, const char *action,
                               int64_t household_id, struct slice detail_json, struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_AUDIT);
    pg_put_str(rows, actor);
    pg_put_str(rows, action);
    if (household_id)
        pg_put_int64(rows, household_id);
    else
        pg_put_null(rows);
    pg_put_int64(rows, commit->round_id);
    pg_put_jsonb(rows, detail_json.length ? detail_json : slice_of("{}"));
    return end_row(commit, SINK_AUDIT, err);
}

enum status round_commit_event(struct round_commit *commit, const struct round_event *event,
                               struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_OUTBOX);
    pg_put_int64(rows, event->household_id);
    pg_put_uuid(rows, event->event_id);
    pg_put_int64(rows, event->township);
    pg_put_str(rows, event->type);
    pg_put_int64(rows, commit->round_id);
    pg_put_text(rows, event->event);
    enum status status = end_row(commit, SINK_OUTBOX, err);
    if (status)
        return status;
    rows = begin_row(commit, SINK_DELIVERY);
    pg_put_int64(rows, event->household_id);
    pg_put_uuid(rows, event->event_id);
    pg_put_int64(rows, event->township);
    pg_put_text(rows, (struct slice){event->type, strcspn(event->type, ".")});
    pg_put_int16(rows, event->priority);
    pg_put_int64(rows, event->term_ms);
    pg_put_bool(rows, event->supersedes);
    pg_put_bool(rows, event->only_if_told);
    return end_row(commit, SINK_DELIVERY, err);
}

enum status round_commit_batch(struct round_commit *commit, const struct round_batch *batch,
                               struct error *err)
{
    struct pg_rows *rows = begin_row(commit, SINK_BATCH);
    pg_put_int64(rows, commit->round_id);
    pg_put_int16(rows, batch->source);
    pg_put_int64(rows, batch->batch_id);
    pg_put_day(rows, batch->period_to);
    pg_put_bool(rows, batch->fresh);
    return end_row(commit, SINK_BATCH, err);
}

/* --- finishing ------------------------------------------------------------------------------------------------ */

/* A set statement over a stage; it must touch exactly as many rows as were put, or what stands is not what the
 * snapshot showed. expected −1: any number. */
static enum status apply(struct round_commit *commit, const char *sql, int64_t expected, struct error *err)
{
    int64_t affected;
    enum status status = pg_update(commit->pg, sql, pg_params(pg_of_int64(commit->round_id)), &affected, err);
    if (!status && expected >= 0 && affected != expected)
        return error_set(
            err, STATUS_RETRY,
            "what stands has changed since the snapshot of round %lld: %lld of %lld rows were there",
            (long long)commit->round_id, (long long)affected, (long long)expected);
    return or_changed(commit, status, err);
}

static enum status apply_findings(struct round_commit *commit, struct error *err)
{
    if (!commit->staged[SINK_FINDING_CHANGE])
        return STATUS_OK;
    enum status status = pg_exec(commit->pg, "analyze change_finding", err);
    if (!status)
        status = apply(commit,
                       "delete from finding f using change_finding c"
                       " where c.gone and f.household_id = c.household_id and f.rule = c.rule",
                       commit->deleted, err);
    if (!status)
        status = apply(commit,
                       "update finding f set kind = c.kind, status = c.status, level = c.level,"
                       " stale_since = c.stale_since, township_code = c.township_code from change_finding c"
                       " where not c.gone and f.household_id = c.household_id and f.rule = c.rule",
                       commit->updated, err);
    if (!status)
        status = apply(commit,
                       "insert into finding (household_id, rule, kind, status, level, since_round, since_on,"
                       "  stale_since, township_code)"
                       " select household_id, rule, kind, status, level, $1, since_on, stale_since,"
                       "  township_code from change_finding where anew",
                       commit->replaced, err);
    return status;
}

static enum status apply_clearing(struct round_commit *commit, struct error *err)
{
    if (!commit->staged[SINK_CLEARING])
        return STATUS_OK;
    enum status status = pg_exec(commit->pg, "analyze change_clearing", err);
    if (!status)
        status =
            apply(commit,
                  "update finding f set clearing_since = c.since,"
                  " clearing_on = case when c.since is null then null else c.counted end,"
                  " clearing_rounds = case when c.since is null then null else c.rounds end,"
                  " clearing_rounds_needed = case when c.since is null then null else c.rounds_needed end,"
                  " clearing_base = case when c.since is null then null else c.base end,"
                  " clearing_batches = case when c.since is null then null else c.batches end,"
                  " clearing_batches_needed = case when c.since is null then null else c.batches_needed end"
                  " from change_clearing c where f.household_id = c.household_id and f.rule = c.rule",
                  commit->clearings, err);
    if (!status)
        status = apply(
            commit,
            "insert into finding_waiting (household_id, rule, round_id, since, rounds, rounds_needed,"
            " batches, batches_needed) select c.household_id, c.rule, $1, f.clearing_since,"
            " f.clearing_rounds, f.clearing_rounds_needed, f.clearing_batches, f.clearing_batches_needed"
            " from change_clearing c join finding f using (household_id, rule)",
            commit->clearings, err);
    return status;
}

/* Changes before additions: a household may have one case closed and another opened. */
static enum status apply_warnings(struct round_commit *commit, struct error *err)
{
    if (!commit->staged[SINK_WARNING])
        return STATUS_OK;
    enum status status = pg_exec(commit->pg, "analyze change_warning", err);
    if (!status)
        status =
            apply(commit,
                  "update warning w set township_code = c.township_code, level = c.level, state = c.state,"
                  " due_on = c.due_on, closed_on = c.closed_on, changed_round = $1 from change_warning c"
                  " where not c.is_new and w.household_id = c.household_id and w.warning_id = c.warning_id"
                  "   and w.state <> 'closed'",
                  commit->changed_warnings, err);
    if (!status)
        status = apply(
            commit,
            "insert into warning (household_id, warning_id, township_code, level, state, raised_on, due_on,"
            "  raised_round, changed_round, closed_on)"
            " select household_id, warning_id, township_code, level, state, raised_on, due_on, raised_round,"
            "  $1, closed_on from change_warning where is_new",
            -1, err);
    return status;
}

/* Whether the township of `row` has been told, or is about to be, of something that stands: of the newest event of the family
 * before `row` that was not superseded, and which ended nothing. A sequence number means that an attempt was begun. */
#define KNOWS(row)                                                                                              \
    "coalesce((select e.type not like '%.cleared' from delivery k join outbox e using (household_id, event_id)" \
    " where k.household_id = " row ".household_id and k.township_code = " row ".township_code"                  \
    "   and k.outbox_no < " row ".outbox_no and (k.sequence is not null or k.state in ('queued', 'held'))"      \
    "   and split_part(e.type, '.', 1) = c.family order by k.outbox_no desc limit 1), false)"

/*
 * What nobody was told yet is superseded, if a newer event of its family (warning.*, check.* …) to the same township
 * says so; but not what ends or lowers something that the township knows of.
 */
static const char supersede_sql[] =
    "update delivery d set state = 'superseded', finished_at = clock_timestamp() from change_delivery c, outbox o"
    " where c.supersedes and d.household_id = c.household_id and d.township_code = c.township_code"
    "   and d.state in ('queued', 'held') and d.sequence is null"
    "   and o.household_id = d.household_id and o.event_id = d.event_id and split_part(o.type, '.', 1) = c.family"
    "   and o.type not like '%.cleared' and not (o.type like '%.deescalated' and " KNOWS("d") ")";

static const char deliver_sql[] =
    "insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at,"
    " finished_at)"
    " select o.household_id, o.event_id, o.outbox_no, o.township_code, c.priority,"
    "        case when untold then 'superseded' else 'queued' end,"
    "        clock_timestamp() + c.term_ms * interval '1 millisecond',"
    "        case when untold then clock_timestamp() end"
    " from change_delivery c join outbox o using (household_id, event_id),"
    "      lateral (select c.only_if_told and not " KNOWS("o") " as untold) as told"
                                                               " order by o.outbox_no";

static enum status apply_deliveries(struct round_commit *commit, struct error *err)
{
    if (!commit->staged[SINK_DELIVERY])
        return STATUS_OK;
    enum status status = pg_exec(commit->pg, "analyze change_delivery", err);
    if (!status)
        status = apply(commit, supersede_sql, -1, err);
    if (!status)
        status = apply(commit, deliver_sql, -1, err);
    return status;
}

static enum status close_round(struct round_commit *commit, const char *counts_json, const char *stages_json,
                               struct error *err)
{
    int64_t affected;
    enum status status =
        pg_update(commit->pg,
                  "update round set state = 'committed', finished_at = clock_timestamp(), counts = $2::jsonb,"
                  " stages = $3::jsonb where round_id = $1 and state = 'running'",
                  pg_params(pg_of_int64(commit->round_id), pg_of_text(counts_json), pg_of_text(stages_json)),
                  &affected, err);
    if (!status && affected != 1)
        return error_set(err, STATUS_RETRY, "round %lld is no longer running: somebody has ended it",
                         (long long)commit->round_id);
    return status;
}

enum status round_commit_settle(struct round_commit *commit, struct error *err)
{
    return or_changed(commit, sender_wait(commit->sender, err), err);
}

enum status round_commit_finish(struct round_commit *commit, const char *counts_json, const char *stages_json,
                                bool *unknown, struct error *err)
{
    *unknown = false;
    enum status status = STATUS_OK;
    for (enum sink sink = 0; sink < SINKS && !status; sink++)
        status = send_rows(commit, sink, err);
    if (!status)
        status = round_commit_settle(commit, err);
    if (!status)
        status = apply_findings(commit, err);
    if (!status)
        status = apply_clearing(commit, err);
    KILL_POINT("round.findings_applied");
    if (!status)
        status = apply_warnings(commit, err);
    KILL_POINT("round.warnings_applied");
    if (!status)
        status = apply_deliveries(commit, err);
    KILL_POINT("round.deliveries_applied");
    if (!status)
        status = close_round(commit, counts_json, stages_json, err);
    if (status)
        return status;
    KILL_POINT("round.before_commit");
    status = pg_commit(commit->pg, err);
    *unknown = pg_commit_unknown(commit->pg);
    return status;
}
