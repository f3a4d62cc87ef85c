/* SPDX-License-Identifier: PostgreSQL */
/* What the text for officials and the JSON share. */
#include "round/render_internal.h"

#include "domain/person_name.h"
#include "policy/tell/whatif.h"

#include <string.h>

const struct fact_code *render_code(const struct render *r, const struct policy_fact *fact)
{
    size_t count;
    const int16_t *codes = policy_codes(r->policy, &count);
    return dictionary_by_number(r->dictionary, codes[fact->code]);
}

bool render_is_money(const struct policy_value *value)
{
    return value->unit != NULL && (strncmp(value->unit, "元", strlen("元")) == 0 ||
                                   strncmp(value->unit, "yuan", strlen("yuan")) == 0);
}

void render_add_name(const struct render *r, const struct dossier_person *person, struct text *out)
{
    if (person->name == NULL)
        text_add_str(out, "(姓名未存)");
    else if (r->named)
        text_add_str(out, person->name);
    else
        person_name_mask(slice_of(person->name), out);
}

const char *render_id(const struct render *r, const struct dossier_person *person,
                      char buffer[RESIDENT_ID_TEXT_SIZE])
{
    if (person->id_packed == 0)
        return NULL;
    return r->named ? resident_id_format(person->id_packed, buffer)
                    : resident_id_mask(person->id_packed, buffer);
}

const struct render_status_words *render_status(const struct policy_shown_clause *clause)
{
    static const struct render_status_words fired = {"fired", "触发"}, denied = {"not_fired", "未触发"},
                                            absent = {"not_applicable", "未触发(不适用)"},
                                            verify = {"undecided_with_evidence", "未定(待核)"},
                                            undecided = {"undecided", "未定"};
    if (!clause->exists)
        return &absent;
    if (clause->truth == TRI_TRUE)
        return &fired;
    if (clause->truth == TRI_FALSE)
        return &denied;
    return clause->undecided_with_evidence ? &verify : &undecided;
}

const struct policy_clause *render_clause(const struct render *r, const char *rule)
{
    for (size_t i = 0; i < r->explanation->clause_count; i++) {
        const struct policy_clause *clause = policy_clause_at(r->policy, r->explanation->clauses[i].clause);
        if (!r->explanation->clauses[i].superseded && strcmp(clause->name, rule) == 0)
            return clause;
    }
    return NULL;
}

const char *render_batches_of(const struct policy_clause *clause)
{
    return clause == NULL || clause->clear_batches == 0 ? NULL : clause->clear_source_title;
}

const struct dossier_note *render_source(const struct render *r, int source)
{
    const struct policy_block *block = &r->dossier->block;
    size_t own = block->household_fact_begin[1];
    for (size_t i = 0; i < r->dossier->fact_count; i++) {
        if (i < own && block->household_facts[i].source == source)
            return &r->dossier->household_notes[i];
        if (i >= own && block->person_facts[i - own].source == source)
            return &r->dossier->person_notes[i - own];
    }
    return NULL;
}

const struct policy_fact *render_changed_fact(const struct render *r, const struct policy_change *change)
{
    const struct policy_block *block = &r->dossier->block;
    if (change->fact == SIZE_MAX)
        return NULL;
    return (change->of_household ? block->household_facts : block->person_facts) + change->fact;
}

const struct fact_code *render_changed_code(const struct render *r, const struct policy_change *change)
{
    size_t count;
    return dictionary_by_number(r->dictionary, policy_codes(r->policy, &count)[change->code]);
}

void render_add_period(const struct policy_fact *fact, struct text *out)
{
    char day[CIVIL_TEXT_SIZE];
    if (fact->from != DAY_NONE)
        text_printf(out, "  %s 起", civil_format(fact->from, day));
    if (fact->to != DAY_NONE)
        text_printf(out, "  %s 止", civil_format(fact->to, day));
}
