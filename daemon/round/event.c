/* SPDX-License-Identifier: PostgreSQL */
#include "round/event.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/person_name.h"
#include "domain/resident_id.h"
#include "round/jtext.h"
#include "store/clearing_store.h"

#include <stdio.h>
#include <string.h>

/* --- facts ---------------------------------------------------------------------------------------------------- */

const char *event_fact_value(const struct fact_code *code, int64_t value, char buffer[EVENT_VALUE_SIZE])
{
    if (value == FACT_UNKNOWN)
        return NULL;
    switch (code->kind) {
    case FACT_AMOUNT:
        return money_format(value, buffer);
    case FACT_RELIEF:
        return value == 0 ? "no" : value == FACT_YES ? "yes" : money_format(value, buffer);
    case FACT_CHOICE:
        return value >= 1 && value <= code->choice_count ? code->choices[value - 1] : NULL;
    case FACT_CERTIFICATE: /* the certificate itself begins with the identity number */
        return fact_value_format(code, value, buffer, EVENT_VALUE_SIZE);
    case FACT_YESNO:
    case FACT_TEXT:
    case FACT_EVENT:
        break;
    }
    return value == 0 ? "no" : "yes";
}

const char *event_fact_unit(const struct fact_code *code, int64_t value)
{
    bool is_amount =
        code->kind == FACT_AMOUNT || (code->kind == FACT_RELIEF && value != 0 && value != FACT_YES);
    return is_amount ? "yuan" : "";
}

static void add_fact(const struct event_round *round, const struct event_household *household,
                     const struct policy_shown_fact *shown, struct text *out)
{
    size_t code_count;
    const int16_t *codes = policy_codes(round->policy, &code_count);
    const struct dossier_note *note;
    const struct policy_fact *fact = dossier_fact(household->dossier, shown, &note);
    const struct fact_code *code = dictionary_by_number(round->dictionary, codes[fact->code]);
    char buffer[EVENT_VALUE_SIZE];
    jtext_open(out, '{');
    jtext_put_text(out, "code", code->name);
    jtext_put_text(out, "value", event_fact_value(code, fact->value, buffer));
    jtext_put_text(out, "unit", event_fact_unit(code, fact->value));
    jtext_put_text(out, "source", note->source);
    jtext_put_day(out, "as_of", note->as_of);
    jtext_close(out, '}');
}

/* What there is of a list beyond its bound; told only where there is something. */
static void add_left_out(struct text *out, const char *key, size_t count, size_t most)
{
    if (count > most)
        jtext_put_int(out, key, (int64_t)(count - most));
}

static void add_facts(const struct event_round *round, const struct event_household *household, size_t clause,
                      size_t most, struct text *out)
{
    const struct policy_explanation *explanation = household->explanation;
    size_t count = 0;
    jtext_key(out, "facts");
    jtext_open(out, '[');
    for (size_t i = 0; explanation != NULL && i < explanation->fact_count; i++)
        if (explanation->facts[i].used && explanation->facts[i].clauses >> clause & 1 && count++ < most)
            add_fact(round, household, &explanation->facts[i], out);
    jtext_close(out, ']');
    add_left_out(out, "facts_left_out", count, most);
}

/* --- reasons -------------------------------------------------------------------------------------------------- */

static const struct policy_shown_clause *shown_clause(const struct event_household *household, size_t clause)
{
    const struct policy_explanation *explanation = household->explanation;
    for (size_t i = 0; explanation != NULL && i < explanation->clause_count; i++)
        if (explanation->clauses[i].clause == clause)
            return &explanation->clauses[i];
    return NULL;
}

/* What a clause stands for: its own level when it has fired, verify while it is undecided with evidence. */
static const char *reason_level(const struct event_round *round, const struct event_household *household,
                                size_t clause)
{
    const struct policy_clause *info = policy_clause_at(round->policy, clause);
    return policy_level_name(household->undecided >> clause & 1 ? LEVEL_VERIFY : info->level);
}

/* Only of clauses that say how long, and only where this round has found it so. */
static void add_valid_until(const struct policy_shown_clause *shown, struct text *out)
{
    if (shown != NULL && shown->valid_until != DAY_NONE)
        jtext_put_day(out, "valid_until", shown->valid_until);
}

void event_add_waiting(const struct clearing_row *row, struct text *out)
{
    jtext_put_day(out, "since", row->since);
    jtext_put_int(out, "rounds", row->rounds);
    jtext_put_int(out, "rounds_needed", row->rounds_needed);
    jtext_put_int(out, "batches", row->batches);
    jtext_put_int(out, "batches_needed", row->batches_needed);
}

static void add_stands_by(const struct event_household *household, size_t clause, struct text *out)
{
    if (household->stale >> clause & 1)
        jtext_put_bool(out, "stale", true);
    if (!(household->waits >> clause & 1))
        return;
    jtext_key(out, "waiting");
    jtext_open(out, '{');
    event_add_waiting(&household->waiting[clause], out);
    jtext_close(out, '}');
}

static void add_reason(const struct event_round *round, const struct event_household *household,
                       size_t clause, size_t facts_most, struct text *out)
{
    const struct policy_clause *info = policy_clause_at(round->policy, clause);
    const struct policy_shown_clause *shown = shown_clause(household, clause);
    const char *cause =
        shown == NULL || shown->cause == NULL || shown->cause[0] == '\0' ? "other" : shown->cause;
    jtext_open(out, '{');
    jtext_put_text(out, "rule", info->name);
    jtext_put_text(out, "level", reason_level(round, household, clause));
    jtext_put_text(out, "cause", cause);
    jtext_put_text(out, "title", info->title);
    jtext_put_text(out, "text", shown == NULL || shown->reason == NULL ? info->title : shown->reason);
    jtext_put_text(out, "citation", info->citation);
    add_facts(round, household, clause, facts_most, out);
    if (shown != NULL && shown->has_distance)
        jtext_put_yuan(out, "distance", shown->distance_fen);
    else
        jtext_put_null(out, "distance");
    add_valid_until(shown, out);
    add_stands_by(household, clause, out);
    jtext_close(out, '}');
}

static void add_reasons(const struct event_round *round, const struct event_household *household,
                        uint64_t clauses, struct text *out)
{
    size_t share = clauses == 0 ? 0 : EVENT_FACTS_MAX / (size_t)__builtin_popcountll(clauses);
    jtext_key(out, "reasons");
    jtext_open(out, '[');
    for (size_t i = 0; i < POLICY_CLAUSES_MAX; i++)
        if (clauses >> i & 1)
            add_reason(round, household, i, share, out);
    jtext_close(out, ']');
}

void event_add_amounts(const struct policy_shown_amount *amounts, size_t count, struct text *out)
{
    jtext_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct policy_shown_amount *amount = &amounts[i];
        jtext_open(out, '{');
        jtext_put_text(out, "title", amount->title);
        jtext_put_yuan(out, "low", amount->value.low);
        jtext_put_yuan(out, "high", amount->value.high);
        jtext_put_text(out, "unit", amount->value.unit);
        jtext_put_text(out, "citation", amount->citation);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void add_suggestions(const struct event_round *round, const struct event_household *household,
                            struct text *out)
{
    uint64_t clauses = household->fired & round->rules->suggestions;
    jtext_key(out, "suggestions");
    jtext_open(out, '[');
    for (size_t i = 0; i < POLICY_CLAUSES_MAX; i++) {
        if (!(clauses >> i & 1))
            continue;
        const struct policy_clause *info = policy_clause_at(round->policy, i);
        const struct policy_shown_clause *shown = shown_clause(household, i);
        jtext_open(out, '{');
        jtext_put_text(out, "rule", info->name);
        jtext_put_text(out, "title", info->title);
        jtext_put_text(out, "text", shown == NULL || shown->reason == NULL ? info->title : shown->reason);
        jtext_put_text(out, "citation", info->citation);
        add_valid_until(shown, out);
        jtext_key(out, "amounts");
        event_add_amounts(shown == NULL ? NULL : shown->amounts, shown == NULL ? 0 : shown->amount_count,
                          out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

/* What kind of family it is; with who has to act on it. */
static void add_tag(const struct event_round *round, const struct event_household *household, size_t clause,
                    struct text *out)
{
    const struct policy_clause *info = policy_clause_at(round->policy, clause);
    const struct policy_shown_clause *shown = shown_clause(household, clause);
    jtext_open(out, '{');
    jtext_put_text(out, "rule", info->name);
    jtext_put_text(out, "title", info->title);
    jtext_put_text(out, "text", shown == NULL || shown->reason == NULL ? info->title : shown->reason);
    jtext_put_text(out, "citation", info->citation);
    jtext_key(out, "referrals");
    jtext_open(out, '[');
    for (size_t r = 0; r < info->referral_count; r++)
        jtext_text(out, info->referrals[r]);
    jtext_close(out, ']');
    if (household->undecided >> clause & 1)
        jtext_put_bool(out, "undecided", true);
    add_stands_by(household, clause, out);
    jtext_close(out, '}');
}

static void add_tags(const struct event_round *round, const struct event_household *household,
                     struct text *out)
{
    uint64_t clauses = (household->fired | household->undecided) & round->rules->tags;
    jtext_key(out, "tags");
    jtext_open(out, '[');
    for (size_t i = 0; i < POLICY_CLAUSES_MAX; i++)
        if (clauses >> i & 1)
            add_tag(round, household, i, out);
    jtext_close(out, ']');
}

/* Whether an earlier clause of the set refers to the same body. */
static bool is_referred_before(const struct event_round *round, uint64_t clauses, size_t clause,
                               const char *name)
{
    for (size_t i = 0; i < clause; i++) {
        const struct policy_clause *info = policy_clause_at(round->policy, i);
        for (size_t r = 0; clauses >> i & 1 && r < info->referral_count; r++)
            if (strcmp(info->referrals[r], name) == 0)
                return true;
    }
    return false;
}

static void add_referrals(const struct event_round *round, uint64_t clauses, struct text *out)
{
    jtext_key(out, "referrals");
    jtext_open(out, '[');
    for (size_t i = 0; i < policy_clause_count(round->policy); i++) {
        const struct policy_clause *info = policy_clause_at(round->policy, i);
        for (size_t r = 0; clauses >> i & 1 && r < info->referral_count; r++)
            if (!is_referred_before(round, clauses, i, info->referrals[r]))
                jtext_text(out, info->referrals[r]);
    }
    jtext_close(out, ']');
}

/* --- persons -------------------------------------------------------------------------------------------------- */

static void add_person(const struct dossier_person *person, bool named, struct text *out)
{
    char id[RESIDENT_ID_TEXT_SIZE];
    struct text mask;
    text_init(&mask);
    if (!named && person->name != NULL)
        person_name_mask(slice_of(person->name), &mask);
    jtext_open(out, '{');
    jtext_put_text(out, "name", named ? person->name : mask.bytes);
    jtext_put_text(out, "id_number",
                   person->id_packed == 0 ? NULL
                   : named                ? resident_id_format(person->id_packed, id)
                                          : resident_id_mask(person->id_packed, id));
    jtext_close(out, '}');
    out->failed |= mask.failed;
    text_fini(&mask);
}

static void add_persons(const struct event_household *household, struct text *out)
{
    size_t count = household->dossier->person_count;
    jtext_key(out, "persons");
    jtext_open(out, '[');
    for (size_t i = 0; i < count && i < EVENT_PERSONS_MAX; i++)
        add_person(&household->dossier->persons[i], household->named, out);
    jtext_close(out, ']');
    add_left_out(out, "persons_left_out", count, EVENT_PERSONS_MAX);
    if (household->named)
        jtext_put_text(out, "address", household->dossier->address);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

struct parts {
    const char *event_id;
    const char *type; /* without its prefix */
    uint64_t reasons;
    const char *gone_rule, *gone_title; /* a check that is no longer in the policy */
    day_t due_on;
};

static void add_envelope(const struct event_round *round, const struct event_household *household,
                         const struct parts *parts, struct text *out)
{
    char line[128], time[CLOCK_RFC3339_SIZE];
    struct text subject;
    text_init(&subject);
    text_printf(&subject, "households/%s", household->dossier->household_no);
    jtext_put_text(out, "specversion", "1.0");
    jtext_put_text(out, "id", parts->event_id);
    snprintf(line, sizeof line, "/counties/%06lld/shouwang", (long long)round->county_code);
    jtext_put_text(out, "source", line);
    snprintf(line, sizeof line, "cn.shouwang.%s", parts->type);
    jtext_put_text(out, "type", line);
    jtext_put_text(out, "subject", subject.bytes);
    jtext_put_text(out, "time", clock_rfc3339(round->unix_ms, time));
    jtext_put_text(out, "datacontenttype", "application/json");
    jtext_put_text(out, "dataschema", "urn:shouwang:schema:warning:1");
    jtext_put_text(out, "partitionkey", household->dossier->household_no);
    out->failed |= subject.failed;
    text_fini(&subject);
}

static void add_policy(const struct event_round *round, struct text *out)
{
    jtext_key(out, "policy");
    jtext_open(out, '{');
    jtext_put_text(out, "name", policy_name(round->policy));
    jtext_put_text(out, "version", policy_version(round->policy));
    jtext_put_text(out, "hash", round->policy_hash);
    jtext_close(out, '}');
}

static void add_links(const struct event_household *household, struct text *out)
{
    jtext_key(out, "links");
    jtext_open(out, '{');
    if (household->warning_id != NULL) {
        char path[64];
        snprintf(path, sizeof path, "/v1/warnings/%s", household->warning_id);
        jtext_put_text(out, "warning", path);
    }
    jtext_put_text(out, "feedback", "/v1/feedback");
    jtext_close(out, '}');
}

/* A check that the policy dropped: all that is left of it is its name. */
static void add_gone_check(const struct parts *parts, struct text *out)
{
    jtext_key(out, "reasons");
    jtext_open(out, '[');
    jtext_open(out, '{');
    jtext_put_text(out, "rule", parts->gone_rule);
    jtext_put_text(out, "level", "none");
    jtext_put_text(out, "cause", "other");
    jtext_put_text(out, "title", parts->gone_title);
    jtext_put_text(out, "text", parts->gone_title);
    jtext_put_text(out, "citation", "");
    jtext_key(out, "facts");
    jtext_open(out, '[');
    jtext_close(out, ']');
    jtext_put_null(out, "distance");
    jtext_close(out, '}');
    jtext_close(out, ']');
}

static void add_data(const struct event_round *round, const struct event_household *household,
                     const struct parts *parts, struct text *out)
{
    const struct dossier *dossier = household->dossier;
    jtext_key(out, "data");
    jtext_open(out, '{');
    jtext_put_text(out, "warning_id", household->warning_id);
    jtext_put_text(out, "household_no", dossier->household_no);
    jtext_put_int_text(out, "township_code", dossier->township);
    jtext_put_int_text(out, "village_code", dossier->village);
    jtext_put_text(out, "level", policy_level_name(household->level));
    jtext_put_text(out, "previous_level", policy_level_name(household->previous_level));
    jtext_put_text(out, "state", household->state);
    jtext_put_day(out, "raised_on", household->raised_on);
    jtext_put_day(out, "due_on", parts->due_on);
    jtext_put_int_text(out, "round_id", round->round_id);
    add_policy(round, out);
    if (parts->gone_rule != NULL)
        add_gone_check(parts, out);
    else
        add_reasons(round, household, parts->reasons, out);
    add_suggestions(round, household, out);
    add_tags(round, household, out);
    add_referrals(round, parts->reasons, out);
    add_persons(household, out);
    add_links(household, out);
    jtext_close(out, '}');
}

static void add_event(const struct event_round *round, const struct event_household *household,
                      const struct parts *parts, struct text *out)
{
    jtext_open(out, '{');
    add_envelope(round, household, parts, out);
    add_data(round, household, parts, out);
    jtext_close(out, '}');
}

void event_add_warning(const struct event_round *round, const struct event_household *household,
                       const char *event_id, enum compare_change change, struct text *out)
{
    char type[32];
    snprintf(type, sizeof type, "warning.%s", compare_change_name(change));
    const struct parts parts = {
        .event_id = event_id,
        .type = type,
        .reasons =
            (household->fired | household->undecided) & (round->rules->colours | round->rules->verifies),
        .due_on = household->due_on,
    };
    add_event(round, household, &parts, out);
}

void event_add_check(const struct event_round *round, const struct event_household *household,
                     const char *event_id, int clause, const char *rule, bool raised, day_t due_on,
                     struct text *out)
{
    const struct parts parts = {
        .event_id = event_id,
        .type = raised ? "check.raised" : "check.cleared",
        .reasons = clause < 0 ? 0 : UINT64_C(1) << clause,
        .gone_rule = clause < 0 ? rule : NULL,
        .gone_title = rule,
        .due_on = due_on,
    };
    add_event(round, household, &parts, out);
}
