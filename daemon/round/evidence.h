/* SPDX-License-Identifier: PostgreSQL */
/*
 * Evidence: what decided about a household, as JSON that is stored with the warning and computed again for ever.
 *
 * It holds everything the policy read (urban or rural, births, every fact of its codes with source, batch, row) and
 * nothing that says who the people are: persons appear by our own key alone. docs/json.md describes the document.
 */
#ifndef SHOUWANG_ROUND_EVIDENCE_H
#define SHOUWANG_ROUND_EVIDENCE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "domain/fact.h"
#include "policy/policy.h"
#include "round/dossier.h"

/* PostgreSQL stores a document of 256 MB at the most, and one that is refused stops the round; a fact takes some 170 bytes. Beyond
 * this the facts are left out: the round is computed again from the facts' own history. */
enum { EVIDENCE_FACTS_MAX = 100000 };

/* Adds the document, compact, to out. */
void evidence_write(const struct dossier *dossier, const struct policy *policy,
                    const struct dictionary *dictionary, const char *policy_hash, day_t as_of,
                    struct text *out);

struct evidence {
    day_t as_of;
    const char *policy_hash;
    size_t facts_left_out;  /* too many to be stored: the dossier has none */
    struct dossier dossier; /* without names, numbers, township and household_no */
};
/* The first look: which policy text is needed to read the rest, and whether the facts are there. */
enum status evidence_read_head(struct slice json, struct arena *arena, struct evidence *evidence,
                               struct error *err) WARN_UNUSED;
/* STATUS_REJECT when the document is not one of ours, or names a code that the policy does not read. */
enum status evidence_read(struct slice json, const struct policy *policy, const struct dictionary *dictionary,
                          struct arena *arena, struct evidence *evidence, struct error *err) WARN_UNUSED;

#endif
