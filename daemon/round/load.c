/* SPDX-License-Identifier: PostgreSQL */
#include "round/load.h"

#include "base/clock.h"
#include "round/load_facts.h"
#include "round/report.h"
#include "round/twin.h"

#include <stdatomic.h>
#include <stdbool.h>

/* --- what came before ----------------------------------------------------------------------------------------- */

/* Whether a feed's batch was not known yet on that date. */
static bool is_from_later(const struct batch_info *batch, day_t known_on)
{
    if (known_on == DAY_NONE || batch->source == SOURCE_REGISTER)
        return false;
    return batch_speaks_to(batch) > known_on ||
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
                                          .period_to = batch_speaks_to(batch),
                                          .name = batch->name};
}

/* Sorts out which batches count. */
static enum status take_batches(struct load *load, day_t known_on, struct error *err)
{
    size_t count = load->origins.count;
    int64_t *excluded = arena_array(load->arena, count, sizeof *excluded);
    load->newest = arena_array(load->arena, SOURCE_NUMBER_MAX + 1, sizeof *load->newest);
    load->known = arena_array(load->arena, count, sizeof(struct batch_info *));
    if (excluded == NULL || load->newest == NULL || load->known == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu batches", count);
    origins_forget_whole(&load->origins);
    for (size_t i = 0; i < count; i++) {
        const struct batch_info *batch = load->origins.batches[i];
        if (is_from_later(batch, known_on)) {
            excluded[load->exclusion.count++] = batch->batch_id;
        } else {
            load->known[load->known_count++] = batch;
            note_newest(load, batch);
            origins_take_whole(&load->origins, batch);
        }
    }
    load->exclusion.batches = excluded;
    return STATUS_OK;
}

/* --- the register and what stands ----------------------------------------------------------------------------- */

struct register_work {
    struct load *load;
    day_t known_on;
    uint32_t member_pages;
    atomic_uint next; /* page of the memberships */
};

struct register_half {
    struct register_work *work;
    struct pg *pg;
    bool is_first;
    struct pull_members *members;
};

static enum status load_first_tables(struct load *load, day_t known_on, struct error *err)
{
    enum status status = pull_households(load->first, &load->households, err);
    if (status == STATUS_OK)
        status = origins_load(&load->origins, load->first, load->arena, err);
    if (status == STATUS_OK)
        status = take_batches(load, known_on, err);
    if (status == STATUS_OK)
        status = pull_source_codes(load->first, load->arena, &load->pairs, &load->pair_count, err);
    if (status == STATUS_OK)
        status = pull_findings(load->first, &load->findings, err);
    if (status == STATUS_OK)
        status = pull_warnings(load->first, &load->warnings, err);
    return status;
}

static enum status load_register_half(void *context, struct error *err)
{
    struct register_half *half = context;
    struct register_work *work = half->work;
    enum status status = STATUS_OK;
    if (half->is_first)
        status = load_first_tables(work->load, work->known_on, err);
    while (status == STATUS_OK) {
        struct pull_pages pages = {.first = atomic_fetch_add(&work->next, LOAD_STRETCH_PAGES)};
        if (pages.first > work->member_pages)
            break;
        pages.end = pages.first + LOAD_STRETCH_PAGES;
        if (pages.end > work->member_pages) /* the last one */
            pages.end = PULL_PAGES_END;
        status = pull_members(half->pg, pages, half->members, err);
    }
    return status;
}

static enum status load_members(struct load *load, day_t known_on, struct pull_members members[LOAD_BAGS],
                                struct error *err)
{
    struct register_work work = {.load = load, .known_on = known_on};
    struct register_half first = {&work, load->first, true, &members[0]},
                         second = {&work, load->second, false, &members[1]};
    enum status status = pull_member_pages(load->first, &work.member_pages, err);
    return status == STATUS_OK ? twin_run(load_register_half, &first, &second, err) : status;
}

/* Loads the register, and places its persons. *persons finds them. */
static enum status load_register(struct load *load, day_t known_on, struct match **persons,
                                 struct round_report *report, struct error *err)
{
    struct pull_members members[LOAD_BAGS] = {{0}};
    bool traits =
        policy_reads_traits(load->policy) || (load->beside != NULL && policy_reads_traits(load->beside));
    for (size_t half = 0; half < LOAD_BAGS; half++)
        members[half].with_traits = traits;
    int64_t since = clock_monotonic_us();
    enum status status = load_members(load, known_on, members, err);
    since = report_stage(report, "register", since,
                         (int64_t)(load->households.count + members[0].count + members[1].count));
    if (status == STATUS_OK)
        status = match_new(&load->household_match, load->households.household_id, load->households.count,
                           "household", err);
    if (status == STATUS_OK)
        status = assemble_register(&load->assembly, &load->households, load->household_match, members,
                                   LOAD_BAGS, err);
    for (size_t half = 0; half < LOAD_BAGS; half++)
        pull_members_free(&members[half]);
    if (status == STATUS_OK)
        status = match_new(persons, load->assembly.person_id, load->assembly.person_count, "person", err);
    report_stage(report, "match", since, (int64_t)load->assembly.person_count);
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* Both lists are ascending; so is the one that has all of them. */
static enum status join_codes(struct load *load, struct error *err)
{
    size_t count, other_count, a = 0, b = 0, at = 0;
    const int16_t *codes = policy_codes(load->policy, &count);
    load->codes = codes;
    load->code_count = count;
    if (load->beside == NULL)
        return STATUS_OK;
    const int16_t *others = policy_codes(load->beside, &other_count);
    int16_t *all = arena_array(load->arena, count + other_count, sizeof *all);
    int16_t *first = arena_array(load->arena, count + other_count, sizeof *first);
    int16_t *second = arena_array(load->arena, count + other_count, sizeof *second);
    if (all == NULL || first == NULL || second == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu codes", count + other_count);
    for (; a < count || b < other_count; at++) {
        bool take_a = b == other_count || (a < count && codes[a] <= others[b]);
        bool take_b = a == count || (b < other_count && others[b] <= codes[a]);
        all[at] = take_a ? codes[a] : others[b];
        first[at] = take_a ? (int16_t)a++ : -1;
        second[at] = take_b ? (int16_t)b++ : -1;
    }
    load->codes = all;
    load->code_count = at;
    load->positions[0] = first;
    load->positions[1] = second;
    return STATUS_OK;
}

enum status load_run(struct load *load, struct pg *first, struct pg *second, const struct policy *policy,
                     day_t as_of, day_t known_on, struct round_report *report, struct error *err)
{
    return load_run_beside(load, first, second, policy, NULL, as_of, known_on, report, err);
}

enum status load_run_beside(struct load *load, struct pg *first, struct pg *second,
                            const struct policy *policy, const struct policy *beside, day_t as_of,
                            day_t known_on, struct round_report *report, struct error *err)
{
    struct match *persons = NULL;
    *load = (struct load){
        .first = first, .second = second, .policy = policy, .beside = beside, .arena = arena_new(0)};
    if (load->arena == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a round");
    enum status status = join_codes(load, err);
    if (status == STATUS_OK)
        status = load_register(load, known_on, &persons, report, err);
    int64_t since = clock_monotonic_us(), rows = 0;
    if (status == STATUS_OK)
        status = load_facts(load, persons, as_of, &rows, err);
    report_stage(report, "facts", since, rows);
    match_free(persons);
    pull_snapshot_end(second);
    return status == STATUS_OK ? STATUS_OK : error_wrap(err, "load");
}

void load_forget_facts(struct load *load)
{
    for (size_t half = 0; half < LOAD_BAGS; half++)
        shard_bag_fini(&load->bags[half]);
}

void load_fini(struct load *load)
{
    load_forget_facts(load);
    pull_households_free(&load->households);
    match_free(load->household_match);
    assembly_fini(&load->assembly);
    pull_findings_free(&load->findings);
    pull_warnings_free(&load->warnings);
    arena_free(load->arena);
    *load = (struct load){0};
}
