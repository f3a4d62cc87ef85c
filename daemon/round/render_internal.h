/* SPDX-License-Identifier: PostgreSQL */
/* What the text for officials (render_text.c, render_changes.c) and the JSON (render_json.c) share. Pure. */
#ifndef SHOUWANG_ROUND_RENDER_INTERNAL_H
#define SHOUWANG_ROUND_RENDER_INTERNAL_H

#include "domain/resident_id.h"
#include "round/render.h"

struct policy_change;

struct render_status_words {
    const char *json, *chinese;
};
const struct render_status_words *render_status(const struct policy_shown_clause *clause);

bool render_is_money(const struct policy_value *value);

/* Adds the person's name as the reader may see it. */
void render_add_name(const struct render *r, const struct dossier_person *person, struct text *out);
/* The person's number as the reader may see it; NULL when there is no usable one. */
const char *render_id(const struct render *r, const struct dossier_person *person,
                      char buffer[RESIDENT_ID_TEXT_SIZE]);

const struct fact_code *render_code(const struct render *r, const struct policy_fact *fact);
/* A note of the source on one of its facts, for its names; NULL when it has told none. */
const struct dossier_note *render_source(const struct render *r, int source);

/* NULL when this policy has none of that name: what waits now may have been found by another. */
const struct policy_clause *render_clause(const struct render *r, const char *rule);
/* Who has to send the batches that a finding of the clause waits for; NULL when it waits for none. */
const char *render_batches_of(const struct policy_clause *clause);

/* What a change is about; NULL when the fact is not there yet. */
const struct policy_fact *render_changed_fact(const struct render *r, const struct policy_change *change);
const struct fact_code *render_changed_code(const struct render *r, const struct policy_change *change);

/* From when and until when a fact holds, as the reader of the text sees it. */
void render_add_period(const struct policy_fact *fact, struct text *out);

/* --- render_changes.c --- */

/* What would change the level, in Chinese; nothing when that was not asked. */
void render_add_changes(const struct render *r, struct text *out);

#endif
