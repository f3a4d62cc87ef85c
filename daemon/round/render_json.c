/* SPDX-License-Identifier: PostgreSQL */
/* An explanation as the JSON of docs/json.md. */
#include "round/render_internal.h"

#include "base/clock.h"
#include "policy/tell/whatif.h"
#include "round/event.h"
#include "round/jtext.h"
#include "round/past.h"
#include "store/clearing_store.h"
#include "store/unusable.h"
#include "store/volume.h"

static const char *truth_word(enum tri truth)
{
    return truth == TRI_TRUE ? "true" : truth == TRI_FALSE ? "false" : "undecided";
}

/* {"truth":…}, or {"low":…,"high":…,"unit":…}: yuan as decimal strings, counts as numbers. */
static void json_value(const struct policy_value *value, struct text *out)
{
    jtext_open(out, '{');
    if (value->is_condition) {
        jtext_put_text(out, "truth", truth_word(value->truth));
    } else if (render_is_money(value)) {
        jtext_put_yuan(out, "low", value->low);
        jtext_put_yuan(out, "high", value->high);
        jtext_put_text(out, "unit", value->unit);
    } else {
        jtext_put_int(out, "low", value->low);
        jtext_put_int(out, "high", value->high);
        jtext_put_text(out, "unit", value->unit == NULL ? "" : value->unit);
    }
    jtext_close(out, '}');
}

static void json_head(const struct render *r, struct text *out)
{
    const struct dossier *d = r->dossier;
    jtext_put_text(out, "household_no", d->household_no);
    jtext_put_int_text(out, "township_code", d->township);
    jtext_put_int_text(out, "village_code", d->village);
    jtext_put_text(out, "area", d->urban ? "urban" : "rural");
    jtext_put_bool(out, "on_register", d->on_register);
    jtext_put_text(out, "warning_id", r->warning_id);
    static const char *const bases[] = {
        [RENDER_NOW] = "now", [RENDER_EVIDENCE] = "evidence", [RENDER_ROUND] = "round"};
    jtext_put_text(out, "basis", bases[r->basis]);
    if (r->record != NULL)
        jtext_put_int(out, "round", r->record->round_id);
    else
        jtext_put_null(out, "round");
    jtext_put_day(out, "as_of", r->as_of);
    jtext_key(out, "policy");
    jtext_open(out, '{');
    jtext_put_text(out, "name", policy_name(r->policy));
    jtext_put_text(out, "version", policy_version(r->policy));
    jtext_put_text(out, "hash", r->policy_hash);
    jtext_close(out, '}');
    jtext_put_text(out, "level", policy_level_name((enum policy_level)r->explanation->outcome.level));
}

static void json_finding(const struct past_finding *finding, struct text *out)
{
    jtext_open(out, '{');
    jtext_put_text(out, "rule", finding->rule);
    jtext_put_text(out, "kind", policy_clause_kind_name(finding->kind));
    jtext_put_text(out, "status", finding->undecided ? "undecided" : "fired");
    jtext_put_text(out, "level", policy_level_name(finding->level));
    jtext_put_int(out, "since_round", finding->since_round);
    jtext_put_day(out, "since_on", finding->since_on);
    jtext_put_bool(out, "stale", finding->stale);
    jtext_put_bool(out, "swings", finding->swings);
    jtext_put_bool(out, "unusable", finding->unusable);
    jtext_close(out, '}');
}

static void json_record(const struct past_record *record, struct text *out)
{
    if (record == NULL) {
        jtext_put_null(out, "recorded");
        return;
    }
    jtext_key(out, "recorded");
    jtext_open(out, '{');
    jtext_put_text(out, "level", policy_level_name(record->level));
    if (record->changed_round == 0)
        jtext_put_null(out, "changed_round");
    else
        jtext_put_int(out, "changed_round", record->changed_round);
    jtext_put_bool(out, "agrees", record->agrees);
    jtext_put_bool(out, "whole", record->whole);
    jtext_key(out, "findings");
    jtext_open(out, '[');
    for (size_t i = 0; i < record->count; i++)
        json_finding(&record->findings[i], out);
    jtext_close(out, ']');
    jtext_close(out, '}');
}

static void json_waiting(const struct render *r, struct text *out)
{
    jtext_key(out, "waiting");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->waiting_count; i++) {
        const struct clearing_row *row = &r->waiting[i];
        jtext_open(out, '{');
        jtext_put_text(out, "rule", row->rule);
        event_add_waiting(row, out);
        jtext_put_text(out, "batches_of", render_batches_of(render_clause(r, row->rule)));
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_word(const struct trust_word *word, struct text *out)
{
    char at[CLOCK_RFC3339_SIZE];
    if (word->by[0] == '\0') {
        jtext_put_null(out, "trusted");
        return;
    }
    jtext_key(out, "trusted");
    jtext_open(out, '{');
    jtext_put_text(out, "by", word->by);
    jtext_put_text(out, "at", clock_rfc3339(word->at_ms, at));
    jtext_put_text(out, "reason", word->reason);
    jtext_close(out, '}');
}

static void json_swings(const struct render *r, struct text *out)
{
    jtext_key(out, "swings");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->swing_count; i++) {
        const struct volume_swing *swing = &r->swings[i];
        jtext_open(out, '{');
        jtext_put_text(out, "feed", swing->source_name);
        jtext_put_text(out, "title", swing->source_title);
        jtext_put_text(out, "batch", swing->batch);
        if (swing->township == VOLUME_NO_TOWNSHIP)
            jtext_put_null(out, "township_code");
        else
            jtext_put_int_text(out, "township_code", swing->township);
        jtext_put_int(out, "rows", swing->rows);
        jtext_put_int(out, "low", swing->low);
        jtext_put_int(out, "high", swing->high);
        jtext_put_bool(out, "withholds", !swing->trusted);
        json_word(&swing->word, out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_unusable(const struct render *r, struct text *out)
{
    jtext_key(out, "unusable");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->unusable_count; i++) {
        const struct unusable *item = &r->unusable[i];
        jtext_open(out, '{');
        jtext_put_text(out, "feed", item->source_name);
        jtext_put_text(out, "title", item->source_title);
        jtext_put_text(out, "batch", item->batch);
        jtext_put_int(out, "rows", item->rows);
        jtext_put_int(out, "quarantined", item->quarantined);
        jtext_put_bool(out, "withholds", !item->trusted);
        json_word(&item->word, out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_persons(const struct render *r, struct text *out)
{
    jtext_key(out, "persons");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->dossier->person_count; i++) {
        char id[RESIDENT_ID_TEXT_SIZE];
        const struct dossier_person *person = &r->dossier->persons[i];
        struct text name;
        text_init(&name);
        render_add_name(r, person, &name);
        jtext_open(out, '{');
        jtext_put_text(out, "name", person->name == NULL ? NULL : name.bytes);
        jtext_put_text(out, "id_number", render_id(r, person, id));
        jtext_put_day(out, "birth", person->birth);
        jtext_close(out, '}');
        out->failed |= name.failed;
        text_fini(&name);
    }
    jtext_close(out, ']');
    if (r->named)
        jtext_put_text(out, "address", r->dossier->address);
}

static void json_rules(const struct render *r, uint64_t clauses, struct text *out)
{
    jtext_key(out, "rules");
    jtext_open(out, '[');
    for (size_t i = 0; i < policy_clause_count(r->policy); i++)
        if (clauses >> i & 1)
            jtext_text(out, policy_clause_at(r->policy, i)->name);
    jtext_close(out, ']');
}

static void json_fact(const struct render *r, const struct policy_shown_fact *shown, struct text *out)
{
    char value[EVENT_VALUE_SIZE];
    const struct dossier_note *note;
    const struct policy_fact *fact = dossier_fact(r->dossier, shown, &note);
    const struct fact_code *code = render_code(r, fact);
    jtext_open(out, '{');
    if (shown->of_household)
        jtext_put_null(out, "person");
    else
        jtext_put_int(out, "person", (int64_t)shown->person);
    jtext_put_text(out, "code", code->name);
    jtext_put_text(out, "title", code->title);
    jtext_put_text(out, "value", event_fact_value(code, fact->value, value));
    jtext_put_text(out, "unit", event_fact_unit(code, fact->value));
    jtext_put_day(out, "from", fact->from);
    jtext_put_day(out, "to", fact->to);
    jtext_put_text(out, "source", note->source);
    jtext_put_text(out, "batch", note->batch);
    jtext_put_int(out, "row", fact->row);
    jtext_put_text(out, "ref", note->ref);
    jtext_put_day(out, "as_of", note->as_of);
    jtext_put_bool(out, "used", shown->used);
    json_rules(r, shown->clauses, out);
    jtext_close(out, '}');
}

static void json_conjuncts(const struct policy_shown_conjunct *conjuncts, size_t count, struct text *out)
{
    jtext_key(out, "conjuncts");
    jtext_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct policy_shown_conjunct *c = &conjuncts[i];
        jtext_open(out, '{');
        jtext_put_text(out, "text", c->text);
        jtext_put_text(out, "role", c->guard ? "guard" : c->evidence ? "evidence" : "condition");
        jtext_put_text(out, "truth", truth_word(c->truth));
        if (c->has_distance) {
            const struct policy_value distance = {
                .low = c->distance_low, .high = c->distance_high, .unit = c->left.unit};
            jtext_key(out, "left");
            json_value(&c->left, out);
            jtext_key(out, "right");
            json_value(&c->right, out);
            jtext_key(out, "distance");
            json_value(&distance, out);
        }
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_clause(const struct render *r, const struct policy_shown_clause *clause, struct text *out)
{
    const struct policy_clause *info = policy_clause_at(r->policy, clause->clause);
    jtext_open(out, '{');
    jtext_put_text(out, "rule", info->name);
    jtext_put_text(out, "title", info->title);
    jtext_put_text(out, "kind", policy_clause_kind_name(info->kind));
    jtext_put_text(out, "level", policy_level_name(info->level));
    jtext_put_text(out, "citation", info->citation);
    jtext_put_text(out, "status", render_status(clause)->json);
    jtext_put_text(out, "cause", clause->cause);
    jtext_put_text(out, "text", clause->reason);
    if (clause->has_distance)
        jtext_put_yuan(out, "distance", clause->distance_fen);
    else
        jtext_put_null(out, "distance");
    jtext_put_day(out, "valid_until", clause->valid_until);
    jtext_key(out, "amounts");
    event_add_amounts(clause->amounts, clause->amount_count, out);
    json_conjuncts(clause->conjuncts, clause->conjunct_count, out);
    jtext_key(out, "members");
    jtext_open(out, '[');
    for (size_t i = 0; i < clause->member_count; i++) {
        jtext_open(out, '{');
        jtext_put_int(out, "person", (int64_t)clause->members[i].person);
        jtext_put_text(out, "truth", truth_word(clause->members[i].truth));
        json_conjuncts(clause->members[i].conjuncts, clause->members[i].conjunct_count, out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
    jtext_close(out, '}');
}

static void json_saying(const struct render *r, const struct policy_shown_saying *saying, struct text *out)
{
    const struct dossier_note *note = render_source(r, saying->source);
    jtext_open(out, '{');
    jtext_put_text(out, "source", note == NULL ? "" : note->source);
    jtext_key(out, "value");
    if (saying->text != NULL) {
        jtext_open(out, '{');
        jtext_put_text(out, "text", saying->text);
        jtext_close(out, '}');
    } else {
        json_value(&saying->value, out);
    }
    jtext_close(out, '}');
}

static void json_disagreement(const struct render *r, const struct policy_shown_disagreement *shown,
                              struct text *out)
{
    size_t count;
    const int16_t *codes = policy_codes(r->policy, &count);
    jtext_open(out, '{');
    if (shown->of_household)
        jtext_put_null(out, "person");
    else
        jtext_put_int(out, "person", (int64_t)shown->person);
    jtext_put_text(out, "fact", shown->name);
    jtext_put_text(out, "code", dictionary_by_number(r->dictionary, codes[shown->code])->name);
    jtext_put_text(out, "window", shown->window);
    jtext_key(out, "differ");
    json_value(&shown->gap, out);
    jtext_key(out, "sources");
    jtext_open(out, '[');
    for (size_t i = 0; i < shown->count; i++)
        json_saying(r, &shown->sayings[i], out);
    jtext_close(out, ']');
    json_rules(r, shown->clauses, out);
    jtext_close(out, '}');
}

static void json_disagreements(const struct render *r, struct text *out)
{
    jtext_key(out, "disagreements");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->explanation->disagreement_count; i++)
        json_disagreement(r, &r->explanation->disagreements[i], out);
    jtext_close(out, ']');
}

static void json_definitions(const struct render *r, struct text *out)
{
    jtext_key(out, "definitions");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->explanation->definition_count; i++) {
        jtext_open(out, '{');
        jtext_put_text(out, "name", r->explanation->definitions[i].name);
        jtext_key(out, "value");
        json_value(&r->explanation->definitions[i].value, out);
        if (r->explanation->definitions[i].gradual)
            jtext_put_day(out, "until", r->explanation->definitions[i].until);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_change(const struct render *r, const struct policy_change *change, struct text *out)
{
    static const char *const kinds[] = {
        [CHANGE_MORE] = "more",   [CHANGE_LESS] = "less", [CHANGE_KNOWN] = "known",
        [CHANGE_OTHER] = "other", [CHANGE_GONE] = "gone", [CHANGE_NEW] = "new"};
    char value[EVENT_VALUE_SIZE];
    const struct fact_code *code = render_changed_code(r, change);
    const struct policy_fact *fact = render_changed_fact(r, change);
    bool has_value = change->kind != CHANGE_GONE;
    jtext_open(out, '{');
    if (change->of_household)
        jtext_put_null(out, "person");
    else
        jtext_put_int(out, "person", (int64_t)change->person);
    jtext_put_text(out, "code", code->name);
    jtext_put_text(out, "now", fact == NULL ? NULL : event_fact_value(code, fact->value, value));
    jtext_put_day(out, "from", fact == NULL ? DAY_NONE : fact->from);
    jtext_put_day(out, "to", fact == NULL ? DAY_NONE : fact->to);
    jtext_put_text(out, "change", kinds[change->kind]);
    jtext_put_text(out, "value", has_value ? event_fact_value(code, change->value, value) : NULL);
    jtext_put_text(out, "high",
                   change->kind == CHANGE_KNOWN ? event_fact_value(code, change->high, value) : NULL);
    jtext_put_text(out, "level", policy_level_name(change->level));
    jtext_close(out, '}');
}

static void json_changes(const struct render *r, struct text *out)
{
    if (r->changes == NULL) {
        jtext_put_null(out, "what_would_change");
        return;
    }
    jtext_key(out, "what_would_change");
    jtext_open(out, '{');
    jtext_put_bool(out, "complete", r->changes->complete);
    jtext_key(out, "changes");
    jtext_open(out, '[');
    for (size_t i = 0; i < r->changes->count; i++)
        json_change(r, &r->changes->items[i], out);
    jtext_close(out, ']');
    jtext_close(out, '}');
}

void render_json(const struct render *render, struct text *out)
{
    const struct policy_explanation *explanation = render->explanation;
    jtext_open(out, '{');
    json_head(render, out);
    json_record(render->record, out);
    json_waiting(render, out);
    json_swings(render, out);
    json_unusable(render, out);
    json_changes(render, out);
    json_persons(render, out);
    jtext_key(out, "facts");
    jtext_open(out, '[');
    for (size_t i = 0; i < explanation->fact_count; i++)
        json_fact(render, &explanation->facts[i], out);
    jtext_close(out, ']');
    json_disagreements(render, out);
    json_definitions(render, out);
    jtext_key(out, "clauses");
    jtext_open(out, '[');
    for (size_t i = 0; i < explanation->clause_count; i++)
        if (!explanation->clauses[i].superseded)
            json_clause(render, &explanation->clauses[i], out);
    jtext_close(out, ']');
    jtext_close(out, '}');
    text_add_char(out, '\n');
}
