/* SPDX-License-Identifier: PostgreSQL */
#include "round/record.h"

#include "base/arena.h"
#include "base/kill_point.h"
#include "base/random.h"
#include "round/event.h"
#include "round/evidence.h"
#include "round/gather.h"
#include "round/jtext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One household while it is being recorded. */
struct one {
    struct record *record;
    const struct judge_change *change;
    const struct dossier *dossier;
    const struct policy_explanation *explanation; /* NULL off the register */
    bool had_case, has_case;                      /* before; after (a case just closed included) */
    struct round_warning warning;
    char warning_id[UUID_TEXT_SIZE];
    uint64_t waits; /* what stands and waits to be cleared */
    struct clearing_row waiting[POLICY_CLAUSES_MAX];
};

/* --- findings ------------------------------------------------------------------------------------------------- */

static int64_t here_of(const struct one *one)
{
    return one->dossier->township;
}

static struct round_finding finding_of(const struct one *one, int clause)
{
    const struct record *record = one->record;
    const struct pull_findings *findings = record->standing->findings;
    const struct policy_clause *info = policy_clause_at(record->options->policy, (size_t)clause);
    uint64_t bit = UINT64_C(1) << clause;
    uint32_t before = standing_finding(record->standing, one->change->position, clause);
    bool stands_on = before != MATCH_NONE;
    struct round_finding finding = {
        .household_id = one->dossier->household_id,
        .rule = info->name,
        .kind = info->kind,
        .undecided = (one->change->now.undecided & bit) != 0,
        .level = info->level,
        .since_round = stands_on ? findings->since_round[before] : record->round_id,
        .since_on = stands_on ? findings->since_on[before] : record->options->as_of,
        .stale_since = DAY_NONE,
        .township = info->kind != CLAUSE_CHECK ? 0
                    : stands_on                ? findings->township[before]
                                               : here_of(one),
    };
    if (one->change->moved_checks & bit)
        finding.township = here_of(one);
    if (one->change->now.stale & bit)
        finding.stale_since = stands_on && findings->stale_since[before] != DAY_NONE
                                  ? findings->stale_since[before]
                                  : record->options->as_of;
    return finding;
}

static enum status put_findings(const struct one *one, struct error *err)
{
    const struct compare_result *now = &one->change->now;
    struct round_commit *commit = one->record->commit;
    enum status status = STATUS_OK;
    for (int clause = 0; clause < POLICY_CLAUSES_MAX && status == STATUS_OK; clause++) {
        uint64_t bit = UINT64_C(1) << clause;
        if (((now->inserted | now->updated | now->deleted) & bit) == 0)
            continue;
        struct round_finding finding = finding_of(one, clause);
        bool replaces = standing_has_namesake(one->record->standing, one->change->position, clause);
        if (now->inserted & bit)
            status = replaces ? round_commit_replace_finding(commit, &finding, err)
                              : round_commit_insert_finding(commit, &finding, err);
        else if (now->updated & bit)
            status = round_commit_update_finding(commit, &finding, err);
        else
            status = round_commit_delete_finding(commit, finding.household_id, finding.rule, err);
    }
    return status;
}

static void add_findings_json(const struct one *one, struct text *out)
{
    uint64_t stands = one->change->now.fired | one->change->now.undecided;
    jtext_open(out, '[');
    for (int clause = 0; clause < POLICY_CLAUSES_MAX; clause++) {
        if (!(stands >> clause & 1))
            continue;
        struct round_finding finding = finding_of(one, clause);
        jtext_open(out, '{');
        jtext_put_text(out, "rule", finding.rule);
        jtext_put_text(out, "kind", policy_clause_kind_name(finding.kind));
        jtext_put_text(out, "status", finding.undecided ? "undecided" : "fired");
        jtext_put_text(out, "level", policy_level_name(finding.level));
        jtext_put_int_text(out, "since_round", finding.since_round);
        jtext_put_day(out, "since_on", finding.since_on);
        jtext_put_day(out, "stale_since", finding.stale_since);
        if (one->waits >> clause & 1) {
            jtext_key(out, "waiting");
            jtext_open(out, '{');
            event_add_waiting(&one->waiting[clause], out);
            jtext_close(out, '}');
        }
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

/* How long a finding waits to be cleared: what the comparison has counted, once more. */
static struct clearing_row clearing_of(const struct record *record, const struct judge_change *change,
                                       int clause)
{
    bool waits;
    uint64_t bit = UINT64_C(1) << clause;
    const struct policy_outcome *outcome = &record->judge->outcomes[change->position];
    uint64_t fresh = record->rules->fresh &
                     ~rules_withheld(record->rules, record->load->households.township[change->position]);
    return clearing_next(record->judge->clearing, record->judge->household_ids[change->position], clause,
                         ((outcome->fired | outcome->undecided) & bit) != 0,
                         (outcome->denied & fresh & bit) != 0, &waits);
}

static void settle_waiting(struct one *one)
{
    const struct clearing *clearing = one->record->judge->clearing;
    if (clearing == NULL || !one->dossier->on_register)
        return;
    /* What is new has nothing to wait for; that a former finding of the clause waited is no matter. */
    uint64_t asked = (one->change->now.fired | one->change->now.undecided) & ~one->change->now.inserted &
                     clearing->clauses;
    for (int clause = 0; clause < POLICY_CLAUSES_MAX; clause++) {
        if (!(asked >> clause & 1))
            continue;
        one->waiting[clause] = clearing_of(one->record, one->change, clause);
        one->waits |= one->waiting[clause].since == DAY_NONE ? 0 : UINT64_C(1) << clause;
    }
}

static enum status put_clearing(const struct record *record, const struct judge_change *change,
                                struct error *err)
{
    enum status status = STATUS_OK;
    for (int clause = 0; clause < POLICY_CLAUSES_MAX && status == STATUS_OK; clause++) {
        uint64_t bit = UINT64_C(1) << clause;
        if (!(change->clearing & bit))
            continue;
        struct clearing_row row = clearing_of(record, change, clause);
        status = round_commit_clearing(record->commit, &row, err);
    }
    return status;
}

/* --- the case ------------------------------------------------------------------------------------------------- */

/* What the case is after this round; nothing is written. */
static void settle_case(struct one *one)
{
    const struct record *record = one->record;
    const struct compare_result *now = &one->change->now;
    const struct round_options *options = record->options;
    uint32_t at = record->standing->case_of[one->change->position];
    const struct pull_warnings *cases = record->standing->warnings;
    one->had_case = at != MATCH_NONE;
    one->has_case = one->had_case || now->change == COMPARE_RAISED;
    if (one->had_case) {
        memcpy(one->warning_id, cases->warning_id[at], sizeof one->warning_id);
        one->warning = (struct round_warning){.state = (enum case_state)cases->state[at],
                                              .raised_on = cases->raised_on[at],
                                              .due_on = cases->due_on[at],
                                              .raised_round = cases->raised_round[at]};
    } else if (one->has_case) {
        uuid_v7(record->now_ms, one->warning_id);
        one->warning = (struct round_warning){.state = CASE_OPEN,
                                              .raised_on = options->as_of,
                                              .due_on = DAY_NONE,
                                              .raised_round = record->round_id};
    }
    int days = rules_due_days(record->rules, options->policy, now->level, now->fired, now->undecided);
    bool closes = now->change == COMPARE_CLEARED;
    one->warning.household_id = one->dossier->household_id;
    one->warning.warning_id = one->warning_id;
    one->warning.township = one->dossier->township;
    one->warning.level = closes ? one->change->before : now->level;
    one->warning.due_on = compare_due_on(now->change, options->as_of, days, one->warning.due_on);
    one->warning.closed_on = closes ? options->as_of : DAY_NONE;
    if (closes)
        one->warning.state = CASE_CLOSED;
}

static enum status put_case(const struct one *one, struct error *err)
{
    if (one->change->now.change == COMPARE_SAME && !one->change->moved)
        return STATUS_OK;
    return one->had_case ? round_commit_update_warning(one->record->commit, &one->warning, err)
                         : round_commit_insert_warning(one->record->commit, &one->warning, err);
}

static const char *case_id(const struct one *one)
{
    return one->has_case ? one->warning_id : NULL;
}

/* --- history and audit ---------------------------------------------------------------------------------------- */

static enum status put_history(const struct one *one, struct error *err)
{
    const struct round_options *options = one->record->options;
    struct text findings, evidence;
    text_init(&findings);
    text_init(&evidence);
    add_findings_json(one, &findings);
    evidence_write(one->dossier, options->policy, options->dictionary, options->policy_hash, options->as_of,
                   &evidence);
    enum status status;
    if (findings.failed || evidence.failed)
        status = error_set(err, STATUS_FATAL, "no memory for the evidence of a household");
    else
        status = round_commit_history(one->record->commit, one->dossier->household_id, case_id(one),
                                      one->change->before, one->change->now.level,
                                      (struct slice){findings.bytes, findings.length},
                                      (struct slice){evidence.bytes, evidence.length}, err);
    text_fini(&findings);
    text_fini(&evidence);
    return status;
}

/* `rule` is NULL but for checks. */
static enum status put_audit(const struct one *one, const char *action, const char *rule, struct error *err)
{
    struct text detail;
    text_init(&detail);
    jtext_open(&detail, '{');
    if (rule != NULL)
        jtext_put_text(&detail, "rule", rule);
    jtext_put_text(&detail, "warning_id", case_id(one));
    jtext_put_text(&detail, "previous_level", policy_level_name(one->change->before));
    jtext_put_text(&detail, "level", policy_level_name(one->change->now.level));
    jtext_close(&detail, '}');
    enum status status = detail.failed ? error_set(err, STATUS_FATAL, "no memory for an audit row")
                                       : round_commit_audit(one->record->commit, one->record->options->actor,
                                                            action, one->dossier->household_id,
                                                            (struct slice){detail.bytes, detail.length}, err);
    text_fini(&detail);
    return status;
}

/* --- events --------------------------------------------------------------------------------------------------- */

enum { PRIORITY_REST = 4 };

static int priority_of(enum policy_level level)
{
    return level == LEVEL_NONE ? PRIORITY_REST : (int)LEVEL_RED - (int)level;
}

static int order_townships(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static bool is_named(const struct round_disclosure *disclosure, int64_t township)
{
    return disclosure->count > 0 && bsearch(&township, disclosure->townships, disclosure->count,
                                            sizeof *disclosure->townships, order_townships) != NULL;
}

static struct event_household event_household_of(const struct one *one)
{
    const struct compare_result *now = &one->change->now;
    return (struct event_household){
        .dossier = one->dossier,
        .explanation = one->explanation,
        .fired = now->fired,
        .undecided = now->undecided,
        .stale = now->stale,
        .waits = one->waits,
        .waiting = one->waiting,
        .level = now->level,
        .previous_level = one->change->before,
        .warning_id = case_id(one),
        .state = case_state_name(one->has_case ? one->warning.state : CASE_OPEN),
        .raised_on = one->has_case ? one->warning.raised_on : DAY_NONE,
        .due_on = one->has_case ? one->warning.due_on : DAY_NONE,
        .named = is_named(&one->record->options->disclosure, one->dossier->township),
    };
}

static struct event_round event_round_of(const struct record *record)
{
    return (struct event_round){
        .policy = record->options->policy,
        .dictionary = record->options->dictionary,
        .rules = record->rules,
        .policy_hash = record->options->policy_hash,
        .county_code = record->options->county_code,
        .round_id = record->round_id,
        .unix_ms = record->now_ms,
        .as_of = record->options->as_of,
    };
}

/* Of what, and whom, an event tells. */
struct telling {
    enum compare_change change;
    enum policy_level previous, level;
    int64_t township;
};

static enum status put_event(const struct one *one, int64_t township, const char *event_id, const char *type,
                             int priority, bool supersedes, bool only_if_told, const struct text *body,
                             struct error *err)
{
    struct record *record = one->record;
    if (body->failed)
        return error_set(err, STATUS_FATAL, "no memory for an event");
    int64_t expiry_ms = record->options->delivery_expiry_ms;
    const struct round_event event = {
        .household_id = one->dossier->household_id,
        .event_id = event_id,
        .township = township,
        .type = type,
        .priority = priority,
        .term_ms = expiry_ms > 0 ? expiry_ms : ROUND_DELIVERY_EXPIRY_DEFAULT_MS,
        .supersedes = supersedes,
        .only_if_told = only_if_told,
        .event = {body->bytes, body->length},
    };
    record->events++;
    return round_commit_event(record->commit, &event, err);
}

static enum status put_warning_event(const struct one *one, const struct telling *telling, struct error *err)
{
    char event_id[UUID_TEXT_SIZE], type[32];
    const struct event_round round = event_round_of(one->record);
    struct event_household household = event_household_of(one);
    struct dossier dossier = *one->dossier;
    struct text body;
    dossier.township = telling->township;
    household.dossier = &dossier;
    household.level = telling->level;
    household.previous_level = telling->previous;
    household.named = is_named(&one->record->options->disclosure, telling->township);
    if (telling->change == COMPARE_CLEARED) { /* also when it has only gone to another township */
        household.fired = household.undecided = 0;
        household.state = case_state_name(CASE_CLOSED);
    }
    text_init(&body);
    uuid_v7(one->record->now_ms, event_id);
    snprintf(type, sizeof type, "warning.%s", compare_change_name(telling->change));
    event_add_warning(&round, &household, event_id, telling->change, &body);
    /* A clearing of what nobody was told need not be told; a lowering leaves a warning that somebody must know. */
    enum status status = put_event(one, telling->township, event_id, type, priority_of(telling->level), true,
                                   telling->change == COMPARE_CLEARED, &body, err);
    if (status == STATUS_OK)
        status = put_audit(one, type, NULL, err);
    text_fini(&body);
    return status;
}

/* Who has the case is told what became of it; when the household has moved, one township loses it and another gets it. */
static enum status put_warning_events(const struct one *one, struct error *err)
{
    const struct compare_result *now = &one->change->now;
    const struct standing *standing = one->record->standing;
    int64_t here = one->dossier->township;
    int64_t told =
        one->had_case ? standing->warnings->township[standing->case_of[one->change->position]] : here;
    if (!one->change->moved) {
        const struct telling telling = {now->change, one->change->before, now->level,
                                        now->change == COMPARE_CLEARED ? told : here};
        return now->change == COMPARE_SAME ? STATUS_OK : put_warning_event(one, &telling, err);
    }
    const struct telling lost = {COMPARE_CLEARED, one->change->before, LEVEL_NONE, told};
    const struct telling got = {COMPARE_RAISED, LEVEL_NONE, now->level, here};
    enum status status = put_warning_event(one, &lost, err);
    return status == STATUS_OK ? put_warning_event(one, &got, err) : status;
}

/* clause -1: a check that the policy no longer has. */
static enum status put_check_event(const struct one *one, int64_t township, int clause, const char *rule,
                                   bool raised, struct error *err)
{
    char event_id[UUID_TEXT_SIZE];
    const struct event_round round = event_round_of(one->record);
    struct event_household household = event_household_of(one);
    struct dossier dossier = *one->dossier;
    dossier.township = township;
    household.dossier = &dossier;
    household.named = is_named(&one->record->options->disclosure, township);
    const struct policy *policy = one->record->options->policy;
    int days = clause < 0 ? 0 : policy_clause_at(policy, (size_t)clause)->due_days;
    day_t due_on = raised && days > 0 ? one->record->options->as_of + days : DAY_NONE;
    const char *type = raised ? "check.raised" : "check.cleared";
    struct text body;
    text_init(&body);
    uuid_v7(one->record->now_ms, event_id);
    event_add_check(&round, &household, event_id, clause, rule, raised, due_on, &body);
    enum status status = put_event(one, township, event_id, type, PRIORITY_REST, false, false, &body, err);
    if (status == STATUS_OK)
        status = put_audit(one, type, rule, err);
    text_fini(&body);
    return status;
}

/* As with cases: who was told of a check hears that it ends, or that the household has gone elsewhere, where it is new. */
static enum status put_check_events(const struct one *one, struct error *err)
{
    const struct standing *standing = one->record->standing;
    const struct policy *policy = one->record->options->policy;
    uint64_t cleared = one->change->now.checks_cleared | one->change->moved_checks;
    uint64_t raised = one->change->now.checks_raised | one->change->moved_checks;
    enum status status = STATUS_OK;
    for (int clause = 0; clause < POLICY_CLAUSES_MAX && status == STATUS_OK; clause++) {
        if (!((cleared | raised) >> clause & 1))
            continue;
        const char *rule = policy_clause_at(policy, (size_t)clause)->name;
        uint32_t before = standing_finding(standing, one->change->position, clause);
        int64_t told = before == MATCH_NONE ? 0 : standing->findings->township[before];
        if (cleared >> clause & 1)
            status = put_check_event(one, told != 0 ? told : here_of(one), clause, rule, false, err);
        if (status == STATUS_OK && raised >> clause & 1)
            status = put_check_event(one, here_of(one), clause, rule, true, err);
    }
    return status;
}

/* Findings of rules that the policy no longer has go; checks among them are told. */
static enum status put_vanished(const struct one *one, struct error *err)
{
    const struct standing *standing = one->record->standing;
    const struct pull_findings *findings = standing->findings;
    uint32_t position = one->change->position;
    enum status status = STATUS_OK;
    for (uint32_t i = standing->finding_begin[position];
         i < standing->finding_begin[position + 1] && status == STATUS_OK; i++) {
        uint32_t f = standing->finding_order[i];
        const char *rule = findings->rules[findings->rule[f]];
        int namesake = standing->clause_of_rule[findings->rule[f]];
        int64_t told = findings->township[f] != 0 ? findings->township[f] : here_of(one);
        if (standing_clause(standing, f) >= 0)
            continue;
        if (namesake < 0 || !(one->change->now.inserted >> namesake & 1)) /* else it was replaced */
            status = round_commit_delete_finding(one->record->commit, one->dossier->household_id, rule, err);
        if (status == STATUS_OK && findings->kind[f] == CLAUSE_CHECK)
            status = put_check_event(one, told, -1, rule, false, err);
    }
    return status;
}

/* --- one household -------------------------------------------------------------------------------------------- */

/* What is explained must be what was decided; anything else is a defect, and nothing is committed. */
static enum status explain_one(const struct record *record, const struct judge_change *change,
                               const struct dossier *dossier, struct arena *arena,
                               struct policy_explanation *explanation, struct error *err)
{
    enum status status = policy_explain(record->run, &dossier->block, 0, arena, explanation, err);
    const struct policy_outcome *decided = &record->judge->outcomes[change->position];
    if (status != STATUS_OK)
        return status;
    if (explanation->outcome.fired != decided->fired ||
        explanation->outcome.undecided != decided->undecided ||
        explanation->outcome.denied != decided->denied)
        return error_set(
            err, STATUS_REJECT,
            "household %lld: the explanation (fired %llx, undecided %llx) differs from the decision (%llx, "
            "%llx)",
            (long long)dossier->household_id, (unsigned long long)explanation->outcome.fired,
            (unsigned long long)explanation->outcome.undecided, (unsigned long long)decided->fired,
            (unsigned long long)decided->undecided);
    return STATUS_OK;
}

static enum status put_notable(struct one *one, struct error *err)
{
    enum status status = put_history(one, err);
    if (status == STATUS_OK)
        status = put_warning_events(one, err);
    if (status == STATUS_OK)
        status = put_check_events(one, err);
    return status;
}

/* Something that officials see: a case, history, events. */
static enum status record_notable(struct record *record, const struct gather *gather,
                                  const struct judge_change *change, struct arena *arena, struct error *err)
{
    struct dossier dossier;
    struct policy_explanation explanation;
    struct one one = {.record = record, .change = change, .dossier = &dossier};
    enum status status = gather_dossier(gather, arena, &dossier, err);
    if (status == STATUS_OK && dossier.on_register) {
        status = explain_one(record, change, &dossier, arena, &explanation, err);
        one.explanation = &explanation;
    }
    if (status != STATUS_OK)
        return status;
    settle_case(&one);
    settle_waiting(&one);
    status = put_findings(&one, err);
    if (status == STATUS_OK)
        status = put_case(&one, err);
    if (status == STATUS_OK)
        status = put_notable(&one, err);
    if (status == STATUS_OK && change->vanished)
        status = put_vanished(&one, err);
    return status;
}

/* Stale marks alone, which may be many: no particulars are needed. */
static enum status record_quiet(struct record *record, const struct judge_change *change, struct error *err)
{
    const struct dossier dossier = {
        .household_id = gather_household_id(record->load, record->standing, change->position)};
    const struct one one = {.record = record, .change = change, .dossier = &dossier};
    return put_findings(&one, err);
}

static enum status record_one(struct record *record, struct gather *gather, const struct judge_change *change,
                              const atomic_bool *cancel, struct error *err)
{
    if (cancel != NULL && atomic_load(cancel))
        return error_set(err, STATUS_RETRY, "the round was cancelled");
    if (change->clearing != 0) {
        enum status put = put_clearing(record, change, err);
        if (put != STATUS_OK)
            return put;
    }
    if (!change->now.notable)
        return record_quiet(record, change, err);
    enum status status = gather_household(gather, change->position, err);
    if (status != STATUS_OK)
        return status;
    struct arena *arena = gather_arena(gather);
    if (arena == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household");
    status = record_notable(record, gather, change, arena, err);
    arena_free(arena);
    return status;
}

static enum status record_chunk(struct record *record, const struct judge_change *changes, size_t count,
                                const atomic_bool *cancel, struct arena *arena, struct error *err)
{
    struct gather gather;
    size_t notable = 0;
    uint32_t *positions = arena_array(arena, count, sizeof *positions);
    if (positions == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu changes", count);
    for (size_t i = 0; i < count; i++)
        if (changes[i].now.notable)
            positions[notable++] = changes[i].position;
    enum status status = gather_open(&gather, record->load, record->standing, positions, notable, arena, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = record_one(record, &gather, &changes[i], cancel, err);
    return gather_close(&gather, status, err);
}

enum status record_changes(struct record *record, const atomic_bool *cancel, struct error *err)
{
    const struct judge *judge = record->judge;
    enum status status = STATUS_OK;
    for (size_t at = 0; at < judge->change_count && status == STATUS_OK; at += GATHER_CHUNK) {
        size_t count = judge->change_count - at < GATHER_CHUNK ? judge->change_count - at : GATHER_CHUNK;
        struct arena *arena = arena_new(0);
        if (arena == NULL)
            return error_set(err, STATUS_FATAL, "no memory for %zu changes", count);
        status = record_chunk(record, judge->changes + at, count, cancel, arena, err);
        arena_free(arena);
        KILL_POINT("round.chunk_recorded");
    }
    return status;
}
