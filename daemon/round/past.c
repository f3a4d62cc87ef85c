/* SPDX-License-Identifier: PostgreSQL */
#include "round/past.h"

#include "round/compare.h"
#include "round/evidence.h"
#include "round/freshness.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- the round -------------------------------------------------------------------------------------------------- */

static enum status compile(struct pg *pg, const struct dictionary *dictionary, struct arena *arena,
                           struct past *past, struct error *err)
{
    const char *name = NULL, *version = NULL, *body = NULL;
    struct policy_diagnostics diagnostics;
    const char *hash = past->info->policy_hash;
    enum status status = round_policy_get(pg, hash, arena, &name, &version, &body, err);
    if (status != STATUS_OK)
        return status;
    if (body == NULL)
        return error_set(err, STATUS_REJECT,
                         "the policy of round %lld (hash %s) is no longer stored; without its text the round "
                         "cannot be computed again",
                         (long long)past->info->round_id, hash);
    return policy_compile(hash, body, strlen(body), dictionary, arena, &diagnostics, &past->policy, err);
}

/* Which sources had spoken about which codes by then. */
static enum status judge(struct pg *pg, const struct round_batch *batches, size_t count, struct arena *arena,
                         struct past *past, struct error *err)
{
    struct freshness freshness;
    const struct pull_source_code *all;
    size_t all_count, known = 0;
    enum status status = pull_source_codes(pg, arena, &all, &all_count, err);
    if (status != STATUS_OK)
        return status;
    struct pull_batch *newest = arena_array(arena, count, sizeof *newest);
    struct pull_source_code *pairs = arena_array(arena, all_count, sizeof *pairs);
    if (newest == NULL || pairs == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu batches", count);
    for (size_t i = 0; i < count; i++)
        newest[i] = (struct pull_batch){.source = batches[i].source,
                                        .batch_id = batches[i].batch_id,
                                        .period_to = batches[i].period_to,
                                        .name = ""};
    for (size_t i = 0; i < all_count; i++)
        if (all[i].first_batch <= past->seen.batch[all[i].source])
            pairs[known++] = all[i];
    freshness_judge(&freshness, past->policy, newest, count, pairs, known, past->info->as_of);
    rules_init(&past->rules, past->policy, freshness.clauses);
    status = volume_swings(pg, past->info->round_id, arena, &past->swings.items, &past->swings.count, err);
    if (status == STATUS_OK)
        status =
            unusable_of_round(pg, past->info->round_id, arena, &past->unusable, &past->unusable_count, err);
    if (status == STATUS_OK)
        past->rules.unusable =
            freshness_unusable(past->policy, pairs, known, past->unusable, past->unusable_count);
    return status == STATUS_OK
               ? swings_withhold(&past->swings, past->policy, pairs, known, arena, &past->rules, err)
               : status;
}

enum status past_open(struct pg *pg, const struct round_info *info, const struct dictionary *dictionary,
                      struct arena *arena, struct past *past, struct error *err)
{
    const struct round_batch *batches;
    size_t count;
    *past = (struct past){.info = info};
    if (info->state != ROUND_COMMITTED)
        return error_set(err, STATUS_REJECT, "round %lld is %s; only a committed round has decided anything",
                         (long long)info->round_id, round_state_name(info->state));
    enum status status = round_batches(pg, info->round_id, arena, &batches, &count, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        past->seen.batch[batches[i].source] = batches[i].batch_id;
    status = pull_past_is_whole(pg, &past->seen, &past->whole, err);
    if (status == STATUS_OK)
        status = compile(pg, dictionary, arena, past, err);
    return status == STATUS_OK ? judge(pg, batches, count, arena, past, err) : status;
}

void past_close(struct past *past)
{
    policy_free(past->policy);
    past->policy = NULL;
}

/* --- what it recorded ------------------------------------------------------------------------------------------- */

static enum status damaged(struct error *err)
{
    return error_set(err, STATUS_REJECT, "stored findings: not what they should be");
}

/* The finding's clause in the policy, -1 when it has none of that name. */
static bool read_finding(const struct past *past, const json_t *object, struct arena *arena,
                         struct past_finding *finding, int *clause)
{
    const char *rule = json_string_value(json_object_get(object, "rule"));
    const char *status = json_string_value(json_object_get(object, "status"));
    const char *level = json_string_value(json_object_get(object, "level"));
    const char *since = json_string_value(json_object_get(object, "since_round"));
    const char *on = json_string_value(json_object_get(object, "since_on"));
    const char *kind = json_string_value(json_object_get(object, "kind"));
    if (rule == NULL || status == NULL || level == NULL || since == NULL || on == NULL || kind == NULL)
        return false;
    *clause = policy_clause_on(past->policy, rule, past->info->as_of);
    *finding = (struct past_finding){
        .rule = arena_strdup(arena, rule),
        .title = *clause < 0 ? "" : policy_clause_at(past->policy, (size_t)*clause)->title,
        .undecided = strcmp(status, "undecided") == 0,
        .since_round = strtoll(since, NULL, 10),
    };
    for (int i = 0; i < POLICY_CLAUSE_KINDS; i++)
        if (strcmp(kind, policy_clause_kind_name((enum policy_clause_kind)i)) == 0)
            finding->kind = (enum policy_clause_kind)i;
    if (*clause >= 0 &&
        !compare_same_family(finding->kind, policy_clause_at(past->policy, (size_t)*clause)->kind))
        *clause = -1; /* it is another kind of clause by now, as in standing_clause */
    return finding->rule != NULL && policy_level_parse(slice_of(level), &finding->level) &&
           civil_parse(slice_of(on), &finding->since_on);
}

/* The findings of one row as masks over this policy's clauses, and as a list unless `findings` is NULL. */
static enum status read_findings(const struct past *past, const char *json, struct arena *arena,
                                 struct compare_standing *standing, struct past_finding **findings,
                                 size_t *count, struct error *err)
{
    json_t *list = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    size_t size = json_array_size(list);
    struct past_finding *made = arena_array(arena, size, sizeof *made);
    enum status status = made == NULL ? error_set(err, STATUS_FATAL, "no memory for %zu findings", size)
                         : json_is_array(list) ? STATUS_OK
                                               : damaged(err);
    for (size_t i = 0; i < size && status == STATUS_OK; i++) {
        int clause = -1;
        if (!read_finding(past, json_array_get(list, i), arena, &made[i], &clause))
            status = damaged(err);
        else if (clause >= 0)
            *(made[i].undecided ? &standing->undecided : &standing->fired) |= UINT64_C(1) << clause;
        else
            standing->reasons_vanished |= made[i].kind == CLAUSE_COLOUR || made[i].kind == CLAUSE_VERIFY;
    }
    json_decref(list);
    *findings = made;
    *count = size;
    return status;
}

enum status past_recall(struct pg *pg, const struct past *past, int64_t household_id, struct arena *arena,
                        struct past_record *record, struct error *err)
{
    int64_t round_id = past->info->round_id;
    *record = (struct past_record){.round_id = round_id, .level = LEVEL_NONE, .whole = past->whole};
    enum status status = round_household_get(pg, household_id, round_id, arena, &record->now, err);
    if (status != STATUS_OK || record->now == NULL)
        return status;
    record->changed_round = record->now->round_id;
    record->level = record->now->level;
    record->before = record->now;
    status = clearing_told(pg, household_id, round_id, arena, &record->told, &record->told_count, err);
    if (status != STATUS_OK || record->now->round_id != round_id)
        return status;
    struct evidence stored;
    status = evidence_read_head(slice_of(record->now->evidence_json), arena, &stored, err);
    if (status != STATUS_OK)
        return status;
    record->written = stored.facts_left_out == 0 ? record->now->evidence_json : NULL;
    return round_household_get(pg, household_id, round_id - 1, arena, &record->before, err);
}

/* Whether what was counted is less than what the clause asks for. */
static bool is_waiting(const struct policy_clause *clause, const struct clearing_row *row)
{
    return row->rounds_needed == clause->clear_rounds && row->batches_needed == clause->clear_batches &&
           (row->rounds < row->rounds_needed || row->batches < row->batches_needed);
}

/* What was told of the findings that stand, not of ones before them: bits as of clauses that ask for more than has come. */
static uint64_t read_waiting(const struct past *past, const struct past_finding *findings, size_t count,
                             struct clearing_row *waiting, struct past_record *record)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < record->told_count; i++) {
        const struct clearing_row *row = &record->told[i];
        size_t f = 0;
        while (f < count && strcmp(findings[f].rule, row->rule) != 0)
            f++;
        if (f == count || row->told_by < findings[f].since_round)
            continue;
        int clause = policy_clause_on(past->policy, row->rule, past->info->as_of);
        if (clause >= 0 && is_waiting(policy_clause_at(past->policy, (size_t)clause), row))
            bits |= UINT64_C(1) << clause;
        waiting[record->waiting_count++] = *row;
    }
    record->waiting = waiting;
    return bits;
}

enum status past_compare(const struct past *past, int64_t township, const struct policy_outcome *outcome,
                         struct arena *arena, struct past_record *record, struct error *err)
{
    struct compare_standing before = {.withheld = rules_withheld(&past->rules, township)}, after = {0};
    struct past_finding *findings = NULL, *ignored;
    size_t ignored_count;
    enum status status = STATUS_OK;
    if (record->now != NULL)
        status =
            read_findings(past, record->now->findings_json, arena, &after, &findings, &record->count, err);
    if (status == STATUS_OK && record->before != NULL) {
        before.level = record->before->level;
        status =
            read_findings(past, record->before->findings_json, arena, &before, &ignored, &ignored_count, err);
    }
    if (status != STATUS_OK)
        return status;
    struct clearing_row *waiting = arena_array(arena, record->told_count, sizeof *waiting);
    if (waiting == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu findings", record->told_count);
    before.waits = read_waiting(past, findings, record->count, waiting, record);
    const struct compare_result now = outcome == NULL ? compare_gone(&past->rules, &before)
                                                      : compare_household(&past->rules, &before, outcome);
    record->agrees = now.fired == after.fired && now.undecided == after.undecided &&
                     now.level == record->level && !after.reasons_vanished;
    const uint64_t denied = outcome == NULL ? 0 : outcome->denied;
    const uint64_t good = past->rules.fresh & denied;
    const uint64_t swinging = good & rules_swinging(&past->rules, township);
    const uint64_t unusable = good & past->rules.unusable;
    for (size_t i = 0; i < record->count; i++) {
        int clause = policy_clause_on(past->policy, findings[i].rule, past->info->as_of);
        findings[i].stale = clause >= 0 && (now.stale >> clause & 1) != 0;
        findings[i].swings = findings[i].stale && (swinging >> clause & 1) != 0;
        findings[i].unusable = findings[i].stale && (unusable >> clause & 1) != 0;
    }
    record->findings = findings;
    return STATUS_OK;
}
