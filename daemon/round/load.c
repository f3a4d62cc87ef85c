/* SPDX-License-Identifier: PostgreSQL */
#include "round/load.h"

#include "base/clock.h"
#include "round/report.h"
#include "round/twin.h"

#include <stdlib.h>

/* --- what came before ----------------------------------------------------------------------------------------- */

/* Whether a feed's batch was not known yet on that date. */
static bool is_from_later(const struct batch_info *batch, day_t known_on)
{
    if (known_on == DAY_NONE || batch->source == SOURCE_REGISTER)
        return false;
    return batch->period_to > known_on ||
           (batch->sent_at_ms != INT64_MIN && civil_shanghai_day(batch->sent_at_ms / 1000) > known_on);
}

static void note_newest(struct load *load, const struct batch_info *batch)
{
    size_t i = 0;
    while (i < load->newest_count && load->newest[i].source != batch->source)
        i++;
    if (i == load->newest_count)
        load->newest_count++;
    load->newest[i] = (struct pull_batch){.source = batch->source,
                                          .batch_id = batch->batch_id,
                                          .period_to = batch->period_to,
                                          .name = batch->name};
}

/* Sorts out which batches count. */
static enum status take_batches(struct load *load, day_t known_on, struct error *err)
{
    size_t count = load->origins.count;
    int64_t *excluded = arena_array(load->arena, count, sizeof *excluded);
    load->newest = arena_array(load->arena, SOURCE_NUMBER_MAX + 1, sizeof *load->newest);
    if (excluded == NULL || load->newest == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu batches", count);
    for (size_t i = 0; i < count; i++) {
        const struct batch_info *batch = load->origins.batches[i];
        if (is_from_later(batch, known_on))
            excluded[load->exclusion.count++] = batch->batch_id;
        else
            note_newest(load, batch);
    }
    load->exclusion.batches = excluded;
    return STATUS_OK;
}

/* --- the register and what stands ----------------------------------------------------------------------------- */

struct register_half {
    struct load *load;
    bool is_first;
    day_t known_on;
    struct pull_members *members;
};

static enum status load_register_half(void *context, struct error *err)
{
    struct register_half *half = context;
    struct load *load = half->load;
    if (!half->is_first)
        return pull_members(load->second, half->members, err);
    enum status status = pull_households(load->first, &load->households, err);
    if (status == STATUS_OK)
        status = origins_load(&load->origins, load->first, load->arena, err);
    if (status == STATUS_OK)
        status = take_batches(load, half->known_on, err);
    if (status == STATUS_OK)
        status = pull_source_codes(load->first, load->arena, &load->pairs, &load->pair_count, err);
    if (status == STATUS_OK)
        status = pull_findings(load->first, &load->findings, err);
    if (status == STATUS_OK)
        status = pull_warnings(load->first, &load->warnings, err);
    return status;
}

/* Loads the register, and places its persons. *persons finds them. */
static enum status load_register(struct load *load, day_t known_on, struct match **persons,
                                 struct round_report *report, struct error *err)
{
    struct pull_members members = {0};
    struct register_half first = {load, true, known_on, NULL}, second = {load, false, known_on, &members};
    int64_t since = clock_monotonic_us();
    enum status status = twin_run(load_register_half, &first, &second, err);
    since = report_stage(report, "register", since, (int64_t)(load->households.count + members.count));
    if (status == STATUS_OK)
        status = match_new(&load->household_match, load->households.household_id, load->households.count,
                           "household", err);
    if (status == STATUS_OK)
        status = assemble_persons(&load->assembly, &load->households, load->household_match, &members, err);
    pull_members_free(&members);
    if (status == STATUS_OK)
        status = match_new(persons, load->assembly.person_id, load->assembly.person_count, "person", err);
    report_stage(report, "match", since, (int64_t)load->assembly.person_count);
    return status;
}

/* --- facts ---------------------------------------------------------------------------------------------------- */

/* One pull per code and kind of subject; both halves take the next one that nobody has. */
struct fact_work {
    struct load *load;
    const struct match *persons;
    const int16_t *codes;
    size_t code_count;
    struct assemble_list *lists; /* of persons' facts by code, then of households' facts by code */
    atomic_size_t next;
    atomic_bool failed;
};

struct fact_half {
    struct fact_work *work;
    struct pg *pg;
    int64_t rows;
};

static enum status load_code(struct fact_half *half, size_t item, struct pull_facts *rows, struct error *err)
{
    struct fact_work *work = half->work;
    bool of_persons = item < work->code_count;
    size_t code = item % work->code_count;
    const struct pull_code pull = {.code = work->codes[code], .period = PULL_EVERYTHING, .columns = PULL_ALL};
    rows->count = 0;
    enum status status =
        pull_facts(half->pg, of_persons ? PULL_PERSON_FACTS : PULL_HOUSEHOLD_FACTS, &pull, 1, rows, err);
    if (status != STATUS_OK)
        return status;
    half->rows += (int64_t)rows->count;
    return assemble_list_add(&work->lists[item], rows,
                             of_persons ? work->persons : work->load->household_match, code,
                             &work->load->exclusion, err);
}

static enum status load_facts_half(void *context, struct error *err)
{
    struct fact_half *half = context;
    struct fact_work *work = half->work;
    struct pull_facts rows = {0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !atomic_load(&work->failed)) {
        size_t item = atomic_fetch_add(&work->next, 1);
        if (item >= 2 * work->code_count)
            break;
        status = load_code(half, item, &rows, err);
    }
    if (status != STATUS_OK)
        atomic_store(&work->failed, true);
    pull_facts_free(&rows);
    return status;
}

static enum status place_facts(struct fact_work *work, struct error *err)
{
    struct assembly *assembly = &work->load->assembly;
    enum status status = assemble_facts(assembly, ASSEMBLE_PERSONS, work->lists, work->code_count, err);
    if (status == STATUS_OK)
        status = assemble_facts(assembly, ASSEMBLE_HOUSEHOLDS, work->lists + work->code_count,
                                work->code_count, err);
    return status;
}

static enum status load_facts(struct load *load, const struct match *persons, struct round_report *report,
                              struct error *err)
{
    struct fact_work work = {.load = load, .persons = persons};
    work.codes = policy_codes(load->policy, &work.code_count);
    work.lists = calloc(2 * work.code_count + 1, sizeof *work.lists);
    if (work.lists == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu codes", work.code_count);
    struct fact_half first = {&work, load->first, 0}, second = {&work, load->second, 0};
    int64_t since = clock_monotonic_us();
    enum status status = twin_run(load_facts_half, &first, &second, err);
    since = report_stage(report, "facts", since, first.rows + second.rows);
    if (status == STATUS_OK)
        status = place_facts(&work, err);
    report_stage(report, "assemble", since,
                 (int64_t)(load->assembly.person_fact_count + load->assembly.household_fact_count));
    for (size_t i = 0; i < 2 * work.code_count; i++)
        assemble_list_free(&work.lists[i]);
    free(work.lists);
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

enum status load_run(struct load *load, struct pg *first, struct pg *second, const struct policy *policy,
                     const atomic_bool *cancel, day_t known_on, struct round_report *report,
                     struct error *err)
{
    struct match *persons = NULL;
    *load = (struct load){
        .first = first, .second = second, .policy = policy, .cancel = cancel, .arena = arena_new(0)};
    if (load->arena == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a round");
    enum status status = load_register(load, known_on, &persons, report, err);
    if (status == STATUS_OK)
        status = load_facts(load, persons, report, err);
    match_free(persons);
    pull_snapshot_end(second);
    return status == STATUS_OK ? STATUS_OK : error_wrap(err, "load");
}

void load_fini(struct load *load)
{
    pull_households_free(&load->households);
    match_free(load->household_match);
    assembly_fini(&load->assembly);
    pull_findings_free(&load->findings);
    pull_warnings_free(&load->warnings);
    arena_free(load->arena);
    *load = (struct load){0};
}
