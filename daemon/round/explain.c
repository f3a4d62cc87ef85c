/* SPDX-License-Identifier: PostgreSQL */
#include "round/explain.h"

#include "base/arena.h"
#include "base/clock.h"
#include "policy/tell/whatif.h"
#include "round/compare.h"
#include "round/dossier.h"
#include "round/evidence.h"
#include "round/origin.h"
#include "round/past.h"
#include "round/render.h"
#include "store/clearing_store.h"
#include "store/pull.h"
#include "store/pull_detail.h"
#include "store/pull_one.h"
#include "store/pull_past.h"
#include "store/round_store.h"
#include "store/session.h"
#include "store/unusable.h"
#include "store/volume.h"

#include <string.h>

enum {
    EXPLAIN_ARENA_BYTES = 1 << 30, /* a bound: what a broken feed says of one household is more than 256 MB */
};

/* One explanation from begin to end. */
struct explaining {
    const struct explain_options *options;
    struct pg *pg;
    struct arena *arena;
    const struct round_info *round; /* that is explained; NULL = what is known now */
    const struct pull_one *one;
    struct origins origins;
    struct past past;
    struct past_record record; /* of a round */
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

/* --- from facts ----------------------------------------------------------------------------------------------- */

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
        int code = position_of_code(e->render.policy, fact->code);
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

/* Of a batch that came later nothing was known: of each source the newest full one that the round saw counts. */
static void forget_later(struct origins *origins, const struct pull_seen *seen)
{
    origins_forget_whole(origins);
    for (size_t i = 0; i < origins->count; i++)
        if (origins->batches[i]->batch_id <= seen->batch[origins->batches[i]->source])
            origins_take_whole(origins, origins->batches[i]);
}

static enum status dossier_from_facts(struct explaining *e, struct error *err)
{
    struct dossier_person *persons = arena_array(e->arena, e->one->member_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(e->arena, e->one->fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return no_memory(err);
    for (size_t i = 0; i < e->one->member_count; i++) {
        const struct pull_one_member *member = &e->one->members[i];
        persons[i] =
            (struct dossier_person){member->person_id, member->birth, member->id_packed, member->name,
                                    policy_traits(member->kinship, policy_labour_of(member->labour))};
    }
    e->dossier.urban = e->one->urban;
    e->dossier.on_register = e->one->on_register;
    enum status status = origins_load(&e->origins, e->pg, e->arena, err);
    if (status != STATUS_OK)
        return status;
    if (e->round != NULL)
        forget_later(&e->origins, &e->past.seen);
    return dossier_build(&e->dossier, persons, e->one->member_count, facts, take_facts(e, facts), e->arena,
                         err);
}

/* --- from stored evidence ------------------------------------------------------------------------------------- */

/* Evidence names nobody; who the persons are is asked of the register as the round had it. */
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
    struct evidence evidence;
    enum status status = evidence_read(slice_of(e->record.written), e->past.policy, e->options->dictionary,
                                       e->arena, &evidence, err);
    if (status != STATUS_OK)
        return status;
    e->dossier = evidence.dossier;
    e->render.basis = RENDER_EVIDENCE;
    name_persons(e);
    return STATUS_OK;
}

/* --- what is asked for ---------------------------------------------------------------------------------------- */

/* The round by its number, or by the day when that lies before the last one's. */
static enum status choose_round(struct explaining *e, int64_t round_id, struct error *err)
{
    const struct round_info *last = NULL;
    char day[CIVIL_TEXT_SIZE];
    enum status status = round_last_committed(e->pg, e->arena, &last, err);
    if (status != STATUS_OK)
        return status;
    if (round_id != 0) {
        status = round_get(e->pg, round_id, e->arena, &e->round, err);
        return status != STATUS_OK || e->round != NULL
                   ? status
                   : error_set(err, STATUS_REJECT, "there is no round %lld; shouwangctl rounds lists them",
                               (long long)round_id);
    }
    e->render.as_of = e->options->as_of != DAY_NONE ? e->options->as_of
                      : last != NULL                ? last->as_of
                                                    : clock_today();
    if (last == NULL || e->render.as_of >= last->as_of)
        return STATUS_OK;
    status = pull_round_on(e->pg, e->render.as_of, e->arena, &e->round, err);
    return status != STATUS_OK || e->round != NULL
               ? status
               : error_set(err, STATUS_REJECT, "no round was committed for %s or a day before",
                           civil_format(e->render.as_of, day));
}

/* Of a warning: its household, and the last round that changed it. *household_no stays NULL when there is none such. */
static enum status find_warning(struct explaining *e, const char **household_no, int64_t *round_id,
                                struct error *err)
{
    const struct pull_history *history = NULL;
    const struct pull_one *now = NULL;
    enum status status = pull_household_of_warning(e->pg, e->options->subject, e->arena, household_no, err);
    if (status != STATUS_OK || *household_no == NULL)
        return status;
    e->render.warning_id = e->options->subject;
    if (*round_id != 0 || e->options->as_of != DAY_NONE)
        return STATUS_OK;
    status = pull_one(e->pg, *household_no, e->arena, &now, err);
    if (status == STATUS_OK && now != NULL)
        status =
            pull_history_of_warning(e->pg, now->household_id, e->options->subject, e->arena, &history, err);
    *round_id = history == NULL ? 0 : history->round_id;
    return status;
}

static enum status look_up(struct explaining *e, bool *found, struct error *err)
{
    const char *household_no = e->options->subject;
    int64_t round_id = e->options->round_id;
    enum status status = STATUS_OK;
    *found = false;
    if (is_warning_id(household_no)) {
        household_no = NULL;
        status = find_warning(e, &household_no, &round_id, err);
    }
    if (status != STATUS_OK || household_no == NULL)
        return status;
    status = choose_round(e, round_id, err);
    if (status == STATUS_OK && e->round != NULL)
        status = past_open(e->pg, e->round, e->options->dictionary, e->arena, &e->past, err);
    if (status == STATUS_OK)
        status = e->round != NULL ? pull_one_past(e->pg, household_no, &e->past.seen, e->arena, &e->one, err)
                                  : pull_one(e->pg, household_no, e->arena, &e->one, err);
    *found = status == STATUS_OK && e->one != NULL;
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static enum status take_dossier(struct explaining *e, struct error *err)
{
    enum status status;
    e->render.policy = e->options->policy;
    e->render.policy_hash = e->options->policy_hash;
    e->render.basis = RENDER_NOW;
    if (e->round == NULL && e->options->policy == NULL) {
        *err = *e->options->no_policy;
        return err->status;
    }
    if (e->round == NULL) {
        status = dossier_from_facts(e, err);
    } else {
        e->render.policy = e->past.policy;
        e->render.policy_hash = e->round->policy_hash;
        e->render.as_of = e->round->as_of;
        e->render.basis = RENDER_ROUND;
        e->render.record = &e->record;
        status = past_recall(e->pg, &e->past, e->one->household_id, e->arena, &e->record, err);
        if (status == STATUS_OK)
            status = e->record.written != NULL && !e->options->recompute ? dossier_from_evidence(e, err)
                                                                         : dossier_from_facts(e, err);
    }
    e->dossier.household_id = e->one->household_id;
    e->dossier.household_no = e->one->household_no;
    e->dossier.address = e->one->address;
    e->dossier.township = e->one->township;
    e->dossier.village = e->one->village;
    return status;
}

/* What waits to be cleared: of a round as it counted, else as the last one did. */
static enum status take_waiting(struct explaining *e, struct error *err)
{
    if (e->round == NULL)
        return clearing_told(e->pg, e->one->household_id, 0, e->arena, &e->render.waiting,
                             &e->render.waiting_count, err);
    e->render.waiting = e->record.waiting;
    e->render.waiting_count = e->record.waiting_count;
    return STATUS_OK;
}

/* Of the round, or of the last one: what it found of the sources in the household's township, or in sum. */
static enum status take_swings(struct explaining *e, struct error *err)
{
    const struct volume_swing *all = e->past.swings.items;
    size_t count = e->past.swings.count;
    enum status status = e->round != NULL ? STATUS_OK : volume_swings(e->pg, 0, e->arena, &all, &count, err);
    struct volume_swing *here = arena_array(e->arena, count, sizeof *here);
    if (status != STATUS_OK)
        return status;
    if (here == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (all[i].township == VOLUME_NO_TOWNSHIP ||
            (e->dossier.on_register && all[i].township == e->dossier.township))
            here[e->render.swing_count++] = all[i];
    e->render.swings = here;
    return STATUS_OK;
}

/* Likewise: batches of which much is lost, wherever the household is. */
static enum status take_unusable(struct explaining *e, struct error *err)
{
    e->render.unusable = e->past.unusable;
    e->render.unusable_count = e->past.unusable_count;
    return e->round != NULL
               ? STATUS_OK
               : unusable_of_round(e->pg, 0, e->arena, &e->render.unusable, &e->render.unusable_count, err);
}

static enum status explain_found(struct explaining *e, struct text *out, struct error *err)
{
    struct policy_explanation explanation;
    struct policy_changes changes;
    struct policy_run *run = NULL;
    enum status status = take_dossier(e, err);
    if (status == STATUS_OK)
        status = policy_run_new(e->render.policy, e->render.as_of, &run, err);
    if (status == STATUS_OK)
        status = policy_explain(run, &e->dossier.block, 0, e->arena, &explanation, err);
    if (status == STATUS_OK && e->dossier.on_register) {
        status = policy_what_would_change(run, &e->dossier.block, 0, e->arena, &changes, err);
        e->render.changes = &changes;
    }
    if (status == STATUS_OK && e->round != NULL)
        status =
            past_compare(&e->past, e->dossier.on_register ? e->dossier.township : 0,
                         e->dossier.on_register ? &explanation.outcome : NULL, e->arena, &e->record, err);
    if (status == STATUS_OK)
        status = take_waiting(e, err);
    if (status == STATUS_OK)
        status = take_swings(e, err);
    if (status == STATUS_OK)
        status = take_unusable(e, err);
    if (status == STATUS_OK) {
        e->render.dictionary = e->options->dictionary;
        e->render.dossier = &e->dossier;
        e->render.explanation = &explanation;
        e->render.named = e->options->named;
        e->render.all = e->options->all;
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
    past_close(&e.past);
    arena_free(e.arena);
    return status;
}
