/* SPDX-License-Identifier: PostgreSQL */
/*
 * An explanation put into words: plain Chinese for officials, or the JSON of docs/json.md. Pure.
 */
#ifndef SHOUWANG_ROUND_RENDER_H
#define SHOUWANG_ROUND_RENDER_H

#include "base/civil.h"
#include "base/text.h"
#include "domain/fact.h"
#include "policy/policy.h"
#include "round/dossier.h"

#include <stdbool.h>
#include <stdint.h>

struct clearing_row;
struct past_record;
struct policy_changes;
struct unusable;
struct volume_swing;

/* What the dossier was made of: what is known now; the evidence that a round stored; what a round knew, computed again. */
enum render_basis { RENDER_NOW, RENDER_EVIDENCE, RENDER_ROUND };

struct render {
    const struct policy *policy;
    const struct dictionary *dictionary;
    const char *policy_hash;
    const struct dossier *dossier;
    const struct policy_explanation *explanation;
    const struct policy_changes *changes; /* NULL: not asked */
    day_t as_of;
    enum render_basis basis;
    const struct past_record *record; /* of a round; NULL: what is known now */
    size_t waiting_count;
    const struct clearing_row
        *waiting; /* what waits to be cleared (解除): after the round, or after the last one */
    size_t swing_count;
    const struct volume_swing
        *swings; /* of the township, or in sum, as the round found them, or the last one */
    size_t unusable_count;
    const struct unusable *unusable; /* of which much is lost, likewise */
    const char *warning_id;          /* NULL: explained as a household */
    bool named;
    bool all; /* as text: every clause, definition and fact, not what officials act on alone */
};

void render_text(const struct render *render, struct text *out);
void render_json(const struct render *render, struct text *out);

#endif
