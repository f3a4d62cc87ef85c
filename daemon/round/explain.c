/* SPDX-License-Identifier: PostgreSQL */
#include "round/explain.h"

#include "base/arena.h"
#include "round/dossier.h"
#include "round/evidence.h"
#include "round/origin.h"
#include "round/render.h"
#include "store/pull.h"
#include "store/pull_detail.h"
#include "store/round_store.h"
#include "store/session.h"

#include <string.h>

enum {
    EXPLAIN_ARENA_BYTES = 256 << 20, /* one household and one policy: far more than either may be */
};

/* One explanation from begin to end. */
struct explaining {
    const struct explain_options *options;
    struct pg *pg;
    struct arena *arena;
    const struct pull_one *one;
    struct origins origins;
    const struct pull_history *history; /* of a warning */
    struct policy *stored_policy;       /* of a warning: the text it was raised by */
    struct evidence evidence;
    struct dossier dossier;
    struct render render;
};

/* 36 characters of hexadecimal digits and hyphens: a household_no of that form is not looked for. */
static bool is_warning_id(const char *text)
{
    if (strlen(text) != UUID_TEXT_SIZE - 1)
        return false;
    for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL)
            return false;
    }
    return true;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for an explanation");
}

/* --- from what is known now ----------------------------------------------------------------------------------- */

static int position_of_code(const struct policy *policy, int number)
{
    size_t count;
    const int16_t *codes = policy_codes(policy, &count);
    for (size_t i = 0; i < count; i++)
        if (codes[i] == number)
            return (int)i;
    return -1;
}

static size_t take_facts(const struct explaining *e, struct dossier_fact *facts)
{
    size_t count = 0;
    for (size_t i = 0; i < e->one->fact_count; i++) {
        const struct pull_one_fact *fact = &e->one->facts[i];
        int code = position_of_code(e->options->policy, fact->code);
        if (code < 0)
            continue;
        facts[count++] = (struct dossier_fact){
            .person_id = fact->subject_id,
            .of_household = fact->of_household,
            .fact = {.value = fact->value,
                     .from = fact->from,
                     .to = fact->to,
                     .batch = (uint32_t)fact->batch_id,
                     .row = (uint32_t)fact->row_no,
                     .code = (uint16_t)code,
                     .source = (uint8_t)fact->source},
            .note =
                origins_note(&e->origins, fact->batch_id, fact->as_of, fact->ref == NULL ? "" : fact->ref),
        };
    }
    return count;
}

static enum status dossier_from_now(struct explaining *e, struct error *err)
{
    struct dossier_person *persons = arena_array(e->arena, e->one->member_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(e->arena, e->one->fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return no_memory(err);
    for (size_t i = 0; i < e->one->member_count; i++) {
        const struct pull_one_member *member = &e->one->members[i];
        persons[i] =
            (struct dossier_person){member->person_id, member->birth, member->id_packed, member->name};
    }
    e->dossier.urban = e->one->urban;
    e->dossier.on_register = e->one->on_register;
    e->render.policy = e->options->policy;
    e->render.policy_hash = e->options->policy_hash;
    e->render.as_of = e->options->as_of;
    enum status status = origins_load(&e->origins, e->pg, e->arena, err);
    if (status != STATUS_OK)
        return status;
    return dossier_build(&e->dossier, persons, e->one->member_count, facts, take_facts(e, facts), e->arena,
                         err);
}

/* --- from stored evidence ------------------------------------------------------------------------------------- */

static enum status compile_stored(struct explaining *e, struct error *err)
{
    const char *name = NULL, *version = NULL, *body = NULL;
    struct policy_diagnostics diagnostics;
    enum status status =
        round_policy_get(e->pg, e->evidence.policy_hash, e->arena, &name, &version, &body, err);
    if (status != STATUS_OK)
        return status;
    if (body == NULL)
        return error_set(err, STATUS_REJECT, "policy %s is not stored", e->evidence.policy_hash);
    return policy_compile(e->evidence.policy_hash, body, strlen(body), e->options->dictionary, e->arena,
                          &diagnostics, &e->stored_policy, err);
}

/* Evidence names nobody; who the persons are is asked of the register as it is now. */
static void name_persons(struct explaining *e)
{
    for (size_t p = 0; p < e->dossier.person_count; p++) {
        struct dossier_person *person = &e->dossier.persons[p];
        for (size_t m = 0; m < e->one->member_count; m++) {
            if (e->one->members[m].person_id != person->person_id)
                continue;
            person->name = e->one->members[m].name;
            person->id_packed = e->one->members[m].id_packed;
        }
    }
}

static enum status dossier_from_evidence(struct explaining *e, struct error *err)
{
    struct slice json = slice_of(e->history->evidence_json);
    enum status status = evidence_read_head(json, e->arena, &e->evidence, err);
    if (status == STATUS_OK)
        status = compile_stored(e, err);
    if (status == STATUS_OK)
        status = evidence_read(json, e->stored_policy, e->options->dictionary, e->arena, &e->evidence, err);
    if (status != STATUS_OK)
        return status;
    e->dossier = e->evidence.dossier;
    name_persons(e);
    e->render.policy = e->stored_policy;
    e->render.policy_hash = e->evidence.policy_hash;
    e->render.as_of = e->evidence.as_of;
    e->render.round_id = e->history->round_id;
    return STATUS_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* Finds the household, and of a warning what its last round wrote. */
static enum status look_up(struct explaining *e, bool *found, struct error *err)
{
    const char *household_no = e->options->subject;
    bool by_warning = is_warning_id(household_no);
    enum status status = STATUS_OK;
    *found = false;
    if (by_warning)
        status = pull_household_of_warning(e->pg, e->options->subject, e->arena, &household_no, err);
    if (status == STATUS_OK && household_no != NULL)
        status = pull_one(e->pg, household_no, e->arena, &e->one, err);
    if (status != STATUS_OK || e->one == NULL)
        return status;
    if (by_warning) {
        e->render.warning_id = e->options->subject;
        status = pull_history_of_warning(e->pg, e->one->household_id, e->options->subject, e->arena,
                                         &e->history, err);
    }
    *found = !by_warning || e->history != NULL;
    return status;
}

static enum status explain_found(struct explaining *e, struct text *out, struct error *err)
{
    struct policy_explanation explanation;
    struct policy_run *run = NULL;
    enum status status = e->history != NULL ? dossier_from_evidence(e, err) : dossier_from_now(e, err);
    if (status != STATUS_OK)
        return status;
    e->dossier.household_id = e->one->household_id;
    e->dossier.household_no = e->one->household_no;
    e->dossier.address = e->one->address;
    e->dossier.township = e->one->township;
    e->dossier.village = e->one->village;
    status = policy_run_new(e->render.policy, e->render.as_of, &run, err);
    if (status == STATUS_OK)
        status = policy_explain(run, &e->dossier.block, 0, e->arena, &explanation, err);
    if (status == STATUS_OK) {
        e->render.dictionary = e->options->dictionary;
        e->render.dossier = &e->dossier;
        e->render.explanation = &explanation;
        e->render.named = e->options->named;
        (e->options->json ? render_json : render_text)(&e->render, out);
        if (out->failed)
            status = no_memory(err);
    }
    policy_run_free(run);
    return status;
}

enum status explain_execute(const struct explain_options *options, struct text *out, bool *found,
                            struct error *err)
{
    struct explaining e = {.options = options, .arena = arena_new(EXPLAIN_ARENA_BYTES)};
    *found = false;
    if (e.arena == NULL)
        return no_memory(err);
    enum status status = session_open(options->conninfo, "shouwang explain", NULL, &e.pg, err);
    if (status == STATUS_OK)
        status = pull_snapshot_begin(e.pg, NULL, err);
    if (status == STATUS_OK)
        status = look_up(&e, found, err);
    if (status == STATUS_OK && *found)
        status = explain_found(&e, out, err);
    if (e.pg != NULL)
        pull_snapshot_end(e.pg);
    session_close(e.pg);
    policy_free(e.stored_policy);
    arena_free(e.arena);
    return status;
}
