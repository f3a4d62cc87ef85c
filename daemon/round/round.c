/* SPDX-License-Identifier: PostgreSQL */
#include "round/round.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "round/compare.h"
#include "round/freshness.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/preview.h"
#include "round/record.h"
#include "round/report.h"
#include "round/rules.h"
#include "round/standing.h"
#include "round/swings.h"
#include "store/pull_detail.h"
#include "store/round_store.h"
#include "store/session.h"
#include "store/unusable.h"
#include "store/volume.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

enum {
    RECONCILE_MS = 60000, /* a restarting PostgreSQL is back by then; the next round finds out otherwise */
    RECONCILE_PAUSE_MS = 500,
};

/* One round from begin to end. */
struct running {
    struct round_options options; /* a copy: accepting a held round takes its date */
    const atomic_bool *cancel;
    struct round_report *report;
    struct pg *first, *second;
    int64_t round_id;   /* 0 for a dry run */
    int64_t last_round; /* the newest committed one in the snapshot; 0 = none */
    day_t known_on;
    int64_t held_raised, held_cleared; /* what the operator accepted; 0 otherwise */
    struct load load;
    struct freshness freshness;
    struct swings swings;
    size_t unusable_count;
    const struct unusable *unusable;     /* batches of which much is lost */
    int64_t seen[SOURCE_NUMBER_MAX + 1]; /* by source: the newest batch that the last committed round saw */
    struct rules rules;
    struct standing standing;
    struct judge judge;
    struct clearing clearing;
};

/* --- before anything is loaded -------------------------------------------------------------------------------- */

/* The counts that an operator saw when he accepted. */
static enum status read_held_counts(struct running *r, const struct round_info *held, struct error *err)
{
    json_t *counts = json_loads(held->counts_json, 0, NULL);
    const json_t *raised = json_object_get(counts, "raised"), *cleared = json_object_get(counts, "cleared");
    bool good = json_is_integer(raised) && json_is_integer(cleared);
    if (good) {
        r->held_raised = json_integer_value(raised);
        r->held_cleared = json_integer_value(cleared);
    }
    json_decref(counts);
    return good ? STATUS_OK
                : error_set(err, STATUS_REJECT, "round %lld has no counts to accept",
                            (long long)held->round_id);
}

static enum status take_held_round(struct running *r, struct error *err)
{
    const struct round_info *held = NULL;
    long long id = (long long)r->options.accept_round;
    if (id == 0)
        return STATUS_OK;
    enum status status = round_get(r->first, r->options.accept_round, r->report->arena, &held, err);
    if (status != STATUS_OK)
        return status;
    if (held == NULL)
        return error_set(err, STATUS_REJECT, "there is no round %lld; shouwangctl rounds lists them", id);
    if (held->state != ROUND_HELD || held->accepted_by[0] != '\0')
        return error_set(err, STATUS_REJECT, "round %lld is %s%s; only a held round can be accepted", id,
                         round_state_name(held->state),
                         held->accepted_by[0] != '\0' ? " and was accepted before" : "");
    r->options.as_of = held->as_of;
    r->options.cause = "accept";
    return read_held_counts(r, held, err);
}

/* A date before the last committed round's would judge what stands by what was known before it; so one that has not come would
 * keep every round from being run until it has. */
static enum status check_date(struct running *r, struct error *err)
{
    const struct round_info *last = NULL;
    char asked[CIVIL_TEXT_SIZE], known[CIVIL_TEXT_SIZE];
    day_t today = clock_today();
    if (r->options.as_of > today && !r->options.dry_run)
        return error_set(
            err, STATUS_REJECT,
            "as-of %s has not come: no round could be run before it; expected %s or earlier, or a dry run",
            civil_format(r->options.as_of, asked), civil_format(today, known));
    enum status status = round_last_committed(r->first, r->report->arena, &last, err);
    r->known_on = DAY_NONE;
    if (status != STATUS_OK || last == NULL)
        return status;
    r->last_round = last->round_id;
    if (r->options.as_of >= last->as_of)
        return STATUS_OK;
    if (r->options.dry_run) {
        r->known_on = r->options.as_of;
        return STATUS_OK;
    }
    return error_set(
        err, STATUS_REJECT,
        "as-of %s is before %s, the date of round %lld, the last committed one; expected %s or later, or a "
        "dry run",
        civil_format(r->options.as_of, asked), civil_format(last->as_of, known), (long long)last->round_id,
        known);
}

/* The leader runs one round at a time: what still says that it runs was cut off, and could not say so. */
static enum status fail_leftovers(struct running *r, struct error *err)
{
    int64_t count = 0;
    if (r->options.leader == 0)
        return STATUS_OK;
    enum status status = round_fail_leftovers(r->second, &count, err);
    if (status == STATUS_OK && count > 0)
        log_event(LOG_ROUND_LEFTOVERS, log_int("rounds", count));
    return status;
}

static enum status begin_row(struct running *r, struct error *err)
{
    size_t length;
    const struct policy *policy = r->options.policy;
    const char *text = policy_text(policy, &length);
    enum status status = session_begin(r->second, r->options.leader, err);
    if (status == STATUS_OK)
        status = fail_leftovers(r, err);
    if (status == STATUS_OK)
        status = round_policy_put(r->second, r->options.policy_hash, policy_name(policy),
                                  policy_version(policy), (struct slice){text, length}, err);
    if (status == STATUS_OK)
        status = round_begin(r->second, r->options.cause, r->options.as_of, r->options.policy_hash,
                             &r->round_id, err);
    if (status == STATUS_OK)
        status = session_commit(r->second, err);
    if (status != STATUS_OK)
        r->round_id = 0;
    r->report->round_id = r->round_id;
    return status;
}

/* Both connections in one snapshot, the round's row written (unless it is a dry run). */
static enum status begin(struct running *r, struct error *err)
{
    char snapshot[PULL_SNAPSHOT_ID_SIZE];
    enum status status = session_open(r->options.conninfo, "shouwangd round", r->cancel, &r->first, err);
    if (status == STATUS_OK)
        status = session_open(r->options.conninfo, "shouwangd round", r->cancel, &r->second, err);
    if (status == STATUS_OK)
        status = pull_snapshot_begin(r->first, snapshot, err);
    KILL_POINT("round.snapshot");
    if (status == STATUS_OK)
        status = take_held_round(r, err);
    if (status == STATUS_OK)
        status = check_date(r, err);
    r->report->as_of = r->options.as_of;
    if (status == STATUS_OK && !r->options.dry_run)
        status = begin_row(r, err);
    KILL_POINT("round.begun");
    if (status == STATUS_OK)
        status = pull_snapshot_join(r->second, snapshot, err);
    return status;
}

/* --- what the round may end ------------------------------------------------------------------------------------- */

/* So that a swing is logged once, by the first round that sees the batch. */
static enum status take_seen(struct running *r, struct error *err)
{
    const struct round_batch *seen;
    size_t count;
    if (r->last_round == 0 || r->swings.count == 0)
        return STATUS_OK;
    enum status status = round_batches(r->first, r->last_round, r->load.arena, &seen, &count, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        r->seen[seen[i].source] = seen[i].batch_id;
    return status;
}

static enum status judge_sources(struct running *r, struct error *err)
{
    const struct policy *policy = r->options.policy;
    const struct load *load = &r->load;
    freshness_judge(&r->freshness, policy, load->newest, load->newest_count, load->pairs, load->pair_count,
                    r->options.as_of);
    rules_init(&r->rules, policy, r->freshness.clauses);
    enum status status = unusable_find(r->first, load->exclusion.batches, load->exclusion.count, load->arena,
                                       &r->unusable, &r->unusable_count, err);
    if (status != STATUS_OK)
        return status;
    r->rules.unusable =
        freshness_unusable(policy, load->pairs, load->pair_count, r->unusable, r->unusable_count);
    status = swings_find(&r->swings, policy, load->known, load->known_count, r->first, load->arena, err);
    if (status == STATUS_OK)
        status = take_seen(r, err);
    return status == STATUS_OK ? swings_withhold(&r->swings, policy, load->pairs, load->pair_count,
                                                 load->arena, &r->rules, err)
                               : status;
}

/* One line of each batch: townships, and whether their sum swings too. Of a trusted one by every round that lets it pass. */
static void log_swings(const struct running *r)
{
    for (size_t begin = 0, end; begin < r->swings.count; begin = end) {
        const struct volume_swing *first = &r->swings.items[begin];
        for (end = begin; end < r->swings.count && r->swings.items[end].batch_id == first->batch_id;)
            end++;
        bool in_sum = first->township == VOLUME_NO_TOWNSHIP;
        if (first->trusted || first->batch_id > r->seen[first->source])
            log_event(first->trusted ? LOG_FEED_TRUSTED : LOG_FEED_SWINGS,
                      log_text("feed", first->source_name), log_text("batch", first->batch),
                      log_int("batch_id", first->batch_id),
                      log_int("townships", (int64_t)(end - begin) - in_sum),
                      log_text("in_sum", in_sum ? "yes" : "no"));
    }
}

/* Which are lost is told when they come in; of a trusted batch by every round that lets it pass. */
static void log_trusted(const struct running *r)
{
    for (size_t i = 0; i < r->unusable_count; i++)
        if (r->unusable[i].trusted)
            log_event(LOG_FEED_TRUSTED, log_text("feed", r->unusable[i].source_name),
                      log_text("batch", r->unusable[i].batch), log_int("batch_id", r->unusable[i].batch_id),
                      log_int("rows", r->unusable[i].rows),
                      log_int("quarantined", r->unusable[i].quarantined));
}

/* What the round found of its sources, and let pass or not. */
static enum status put_found(const struct running *r, struct error *err)
{
    enum status status = volume_put_swings(r->second, r->round_id, r->swings.items, r->swings.count, err);
    return status == STATUS_OK ? unusable_put(r->second, r->round_id, r->unusable, r->unusable_count, err)
                               : status;
}

static void log_found(const struct running *r)
{
    log_swings(r);
    log_trusted(r);
}

/* --- computing ------------------------------------------------------------------------------------------------ */

static enum status compute(struct running *r, struct error *err)
{
    struct round_report *report = r->report;
    const struct policy *policy = r->options.policy;
    enum status status =
        load_run(&r->load, r->first, r->second, policy, r->options.as_of, r->known_on, report, err);
    if (status != STATUS_OK)
        return status;
    KILL_POINT("round.loaded");
    report->counts.households = (int64_t)r->load.households.count;
    report->counts.persons = (int64_t)r->load.assembly.person_count;
    status = judge_sources(r, err);
    if (status != STATUS_OK)
        return status;
    status = judge_evaluate(&r->judge, &r->load, r->options.as_of, r->cancel, report, err);
    if (status == STATUS_OK && r->judge.large.households > 0)
        log_event(LOG_ROUND_HOUSEHOLD_LIMIT, log_int("round", r->round_id),
                  log_int("households", (int64_t)r->judge.large.households),
                  log_int("bounded", (int64_t)r->judge.large.bounded));
    load_forget_facts(&r->load);
    int64_t since = clock_monotonic_us();
    if (status == STATUS_OK)
        status = clearing_load(&r->clearing, policy, r->options.as_of, r->first, r->load.arena, err);
    if (r->clearing.clauses != 0)
        r->judge.clearing = &r->clearing;
    r->judge.household_ids = r->load.households.household_id;
    KILL_POINT("round.evaluated");
    if (status == STATUS_OK)
        status = standing_init(&r->standing, policy, r->options.as_of, &r->load.findings, &r->load.warnings,
                               r->load.household_match, r->load.households.count, err);
    if (status == STATUS_OK)
        status = judge_compare(&r->judge, &r->rules, &r->standing, r->load.households.township, report, err);
    report_stage(report, "compare", since, (int64_t)r->load.findings.count);
    KILL_POINT("round.compared");
    return status;
}

/* --- holding -------------------------------------------------------------------------------------------------- */

/* How much the round may raise and clear: the limit, or what an operator has seen and accepted, if that is more. */
static bool is_over_limit(const struct running *r, char *reason, size_t size)
{
    const struct round_counts *counts = &r->report->counts;
    int64_t limit = round_limit_count(r->options.limit, counts->households);
    int64_t raise = r->held_raised > limit ? r->held_raised : limit;
    int64_t clear = r->held_cleared > limit ? r->held_cleared : limit;
    snprintf(reason, size, "would raise %lld (limit %lld) and clear %lld (limit %lld)",
             (long long)counts->raised, (long long)raise, (long long)counts->cleared, (long long)clear);
    return counts->raised > raise || counts->cleared > clear;
}

/* The accepted round is settled either way: what was seen then is replaced by what is seen now. */
static enum status settle_accepted(struct running *r, struct error *err)
{
    if (r->options.accept_round == 0)
        return STATUS_OK;
    const char *reason = r->options.accept_reason == NULL ? "" : r->options.accept_reason;
    enum status status = round_accept(r->second, r->options.accept_round, r->options.actor, reason, err);
    KILL_POINT("round.accepted");
    return status;
}

static enum status hold(struct running *r, const char *reason, struct error *err)
{
    KILL_POINT("round.before_hold");
    struct text counts, stages;
    text_init(&counts);
    text_init(&stages);
    report_add_counts(r->report, &counts);
    report_add_stages(r->report, &stages);
    enum status status;
    if (counts.failed || stages.failed)
        status = error_set(err, STATUS_FATAL, "no memory for a report");
    else
        status = session_begin(r->second, r->options.leader, err);
    if (status == STATUS_OK)
        status = round_hold(r->second, r->round_id, counts.bytes, stages.bytes, reason, err);
    if (status == STATUS_OK)
        status = put_found(r, err);
    KILL_POINT("round.held");
    text_fini(&counts);
    text_fini(&stages);
    if (status == STATUS_OK)
        status = settle_accepted(r, err);
    if (status == STATUS_OK)
        status = session_commit(r->second, err);
    session_rollback(r->second);
    r->report->held = status == STATUS_OK;
    if (status == STATUS_OK)
        log_found(r);
    if (status == STATUS_OK)
        log_event(LOG_ROUND_HELD, log_int("round", r->round_id), log_int("raised", r->report->counts.raised),
                  log_int("cleared", r->report->counts.cleared), log_text("reason", reason));
    return status;
}

/* --- committing ----------------------------------------------------------------------------------------------- */

static enum status put_batches(struct running *r, struct round_commit *commit, struct error *err)
{
    enum status status = STATUS_OK;
    for (int source = 0; source <= SOURCE_NUMBER_MAX && status == STATUS_OK; source++) {
        const struct freshness_source *seen = &r->freshness.sources[source];
        const struct round_batch batch = {source, seen->batch_id, seen->period_to, seen->fresh};
        if (seen->batch_id != 0)
            status = round_commit_batch(commit, &batch, err);
    }
    return status;
}

static enum status put_changes(struct running *r, struct round_commit *commit, struct error *err)
{
    struct record record = {
        .options = &r->options,
        .load = &r->load,
        .standing = &r->standing,
        .rules = &r->rules,
        .judge = &r->judge,
        .commit = commit,
        .round_id = r->round_id,
        .now_ms = clock_unix_ms(),
    };
    enum status status = policy_run_new(r->options.policy, r->options.as_of, &record.run, err);
    if (status == STATUS_OK)
        status = record_changes(&record, r->cancel, err);
    policy_run_free(record.run);
    r->report->counts.events = record.events;
    return status;
}

/* The connection is ours again; the first failure counts. */
static enum status settle(struct round_commit *commit, enum status status, struct error *err)
{
    struct error settled;
    if (round_commit_settle(commit, &settled) == STATUS_OK || status != STATUS_OK)
        return status;
    *err = settled;
    return settled.status;
}

/* Puts everything and commits. *unknown: nobody knows whether it was committed. */
static enum status put_round(struct running *r, struct round_commit *commit, bool *unknown, struct error *err)
{
    struct text counts, stages;
    int64_t since = clock_monotonic_us();
    enum status status = put_changes(r, commit, err);
    KILL_POINT("round.changes_put");
    if (status == STATUS_OK)
        status = put_batches(r, commit, err);
    status = settle(commit, status, err);
    pull_snapshot_end(r->first);
    since = report_stage(r->report, "record", since, (int64_t)r->judge.change_count);
    text_init(&counts);
    text_init(&stages);
    report_add_counts(r->report, &counts);
    report_add_stages(r->report, &stages);
    if (status == STATUS_OK && (counts.failed || stages.failed))
        status = error_set(err, STATUS_FATAL, "no memory for a report");
    if (status == STATUS_OK)
        status = round_commit_audit(commit, r->options.actor, "round.committed", 0,
                                    (struct slice){counts.bytes, counts.length}, err);
    status = settle(commit, status, err);
    session_shield(r->second); /* a commit that is cut off is a commit that has to be looked up */
    if (status == STATUS_OK)
        status = round_commit_finish(commit, counts.bytes, stages.bytes, unknown, err);
    report_stage(r->report, "commit", since, r->report->counts.events);
    text_fini(&counts);
    text_fini(&stages);
    return status;
}

/* The commit's answer was lost. The row of the lease is locked by the old session until it has ended, one way or the
 * other; once we hold it, the state of the round says which. */
static enum status look_once(struct running *r, enum round_state *state, struct error *err)
{
    struct pg *pg = NULL;
    const struct round_info *info = NULL;
    enum status status = session_open(r->options.conninfo, "shouwangd round", NULL, &pg, err);
    if (status == STATUS_OK)
        status = pull_round_settled(pg, r->round_id, r->report->arena, &info, err);
    session_close(pg);
    if (status == STATUS_OK)
        *state = info == NULL ? ROUND_FAILED : info->state;
    return status;
}

static enum status reconcile(struct running *r, struct error *err)
{
    static const struct timespec pause = {0, RECONCILE_PAUSE_MS * 1000000L};
    int64_t until = clock_monotonic_ms() + RECONCILE_MS;
    enum round_state state = ROUND_RUNNING;
    enum status status;
    while ((status = look_once(r, &state, err)) != STATUS_OK && clock_monotonic_ms() < until &&
           (r->cancel == NULL || !atomic_load(r->cancel)))
        nanosleep(&pause, NULL);
    log_event(LOG_ROUND_RECONCILED, log_int("round", r->round_id),
              log_text("state", status == STATUS_OK ? round_state_name(state) : "unknown"));
    if (status != STATUS_OK)
        return error_wrap(err, "whether round %lld was committed is not known; the next round will see",
                          (long long)r->round_id);
    return state == ROUND_COMMITTED
               ? STATUS_OK
               : error_set(err, STATUS_RETRY, "round %lld was not committed: the connection was lost",
                           (long long)r->round_id);
}

static enum status commit(struct running *r, struct error *err)
{
    struct round_commit *commit = NULL;
    bool unknown = false;
    enum status status =
        round_commit_begin(r->second, r->round_id, r->last_round, r->options.leader, &commit, err);
    if (status == STATUS_OK)
        status = settle_accepted(r, err);
    if (status == STATUS_OK)
        status = put_found(r, err);
    if (status == STATUS_OK)
        status = put_round(r, commit, &unknown, err);
    KILL_POINT("round.committed");
    round_commit_free(commit);
    if (status == STATUS_RETRY && unknown)
        status = reconcile(r, err);
    if (status != STATUS_OK)
        return status;
    log_found(r);
    const struct round_counts *counts = &r->report->counts;
    log_event(LOG_ROUND_COMMITTED, log_int("round", r->round_id), log_day("as_of", r->options.as_of),
              log_int("households", counts->households), log_int("raised", counts->raised),
              log_int("escalated", counts->escalated), log_int("deescalated", counts->deescalated),
              log_int("changed", counts->changed), log_int("cleared", counts->cleared),
              log_int("events", counts->events));
    return STATUS_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static enum status conclude(struct running *r, struct error *err)
{
    char reason[200];
    if (r->options.dry_run)
        return preview_changes(&r->load, &r->standing, &r->judge, r->report, err);
    return is_over_limit(r, reason, sizeof reason) ? hold(r, reason, err) : commit(r, err);
}

/* Says in the round's row why it failed; where even that fails, the next round does. */
static void note_failure(struct running *r, const struct error *why)
{
    struct error ignored;
    struct pg *pg = NULL;
    if (r->round_id == 0)
        return; /* refused before it began: whoever asked is told */
    log_event(LOG_ROUND_FAILED, log_int("round", r->round_id), log_text("class", status_name(why->status)),
              log_error(why));
    enum status status = session_open(r->options.conninfo, "shouwangd round", NULL, &pg, &ignored);
    if (status == STATUS_OK)
        status = session_begin(pg, r->options.leader, &ignored);
    if (status == STATUS_OK)
        status = round_fail(pg, r->round_id, why->text, &ignored);
    if (status == STATUS_OK)
        status = session_commit(pg, &ignored);
    if (status != STATUS_OK && pg != NULL)
        log_event(LOG_ROUND_FAILED, log_int("round", r->round_id), log_error(&ignored));
    session_close(pg);
}

static enum status init_report(struct running *r, struct error *err)
{
    struct round_report *report = r->report;
    const struct policy *policy = r->options.policy;
    round_report_fini(report);
    report->arena = arena_new(0);
    report->as_of = r->options.as_of;
    report->dry_run = r->options.dry_run;
    report->policy_name = report->arena == NULL ? NULL : arena_strdup(report->arena, policy_name(policy));
    report->policy_version =
        report->arena == NULL ? NULL : arena_strdup(report->arena, policy_version(policy));
    report->policy_hash = report->arena == NULL ? NULL : arena_strdup(report->arena, r->options.policy_hash);
    report->statistic_count = policy_statistic_count(policy);
    for (size_t i = 0; i < report->statistic_count && report->policy_hash != NULL; i++)
        report->statistic_names[i] = arena_strdup(report->arena, policy_statistic_name(policy, i));
    return report->policy_hash == NULL ? error_set(err, STATUS_FATAL, "no memory for a report") : STATUS_OK;
}

static void running_fini(struct running *r)
{
    judge_fini(&r->judge);
    standing_fini(&r->standing);
    load_fini(&r->load);
    session_close(r->first);
    session_close(r->second);
}

enum status round_execute(const struct round_options *options, const atomic_bool *cancel,
                          struct round_report *report, struct error *err)
{
    struct running r = {.options = *options, .cancel = cancel, .report = report};
    enum status status = init_report(&r, err);
    if (status == STATUS_OK)
        status = begin(&r, err);
    if (status == STATUS_OK)
        status = compute(&r, err);
    if (status == STATUS_OK)
        status = conclude(&r, err);
    running_fini(&r);
    if (status != STATUS_OK)
        note_failure(&r, err);
    KILL_POINT("round.over");
    return status;
}
