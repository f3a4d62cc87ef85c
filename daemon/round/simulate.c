/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate.h"

#include "base/clock.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/report.h"
#include "round/simulate_amounts.h"
#include "round/simulate_reasons.h"
#include "round/simulation.h"
#include "store/pull_detail.h"
#include "store/round_store.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

/* So many households are asked for at once. */
enum { SIMULATE_CHUNK = 16384 };

struct simulating {
    const struct simulate_options *options;
    const atomic_bool *cancel;
    struct round_report report;
    struct pg *first, *second;
    day_t known_on;
    struct load load;
    struct judge_side sides[LOAD_POLICIES_MAX];
    struct simulation simulation;
    size_t told; /* stages that progress was told of */
};

static enum status no_memory(size_t count, struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory to simulate %zu households", count);
}

static void tell(struct simulating *s)
{
    for (; s->told < s->report.stage_count; s->told++)
        if (s->options->progress != NULL)
            s->options->progress(s->options->context, &s->report.stages[s->told]);
}

/* Both connections in one snapshot, and the date. */
static enum status begin(struct simulating *s, struct error *err)
{
    char snapshot[PULL_SNAPSHOT_ID_SIZE];
    const struct round_info *last = NULL;
    enum status status = session_open(s->options->conninfo, "shouwang simulate", s->cancel, &s->first, err);
    if (status == STATUS_OK)
        status = session_open(s->options->conninfo, "shouwang simulate", s->cancel, &s->second, err);
    if (status == STATUS_OK)
        status = pull_snapshot_begin(s->first, snapshot, err);
    if (status == STATUS_OK)
        status = pull_snapshot_join(s->second, snapshot, err);
    if (status == STATUS_OK)
        status = round_last_committed(s->first, s->report.arena, &last, err);
    s->report.as_of = s->options->as_of != DAY_NONE ? s->options->as_of
                      : last != NULL                ? last->as_of
                                                    : clock_today();
    s->known_on = last != NULL && s->report.as_of < last->as_of ? s->report.as_of : DAY_NONE;
    return status;
}

static enum status evaluate(struct simulating *s, struct error *err)
{
    const struct simulate_policy *const policies[] = {&s->options->in_force, &s->options->other};
    size_t count = s->load.households.count;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < LOAD_POLICIES_MAX; i++) {
        s->sides[i] = (struct judge_side){.policy = policies[i]->policy,
                                          .positions = s->load.positions[i],
                                          .outcomes = calloc(count + 1, sizeof(struct policy_outcome))};
        if (s->sides[i].outcomes == NULL)
            status = no_memory(count, err);
    }
    if (status == STATUS_OK)
        status =
            judge_sides(s->sides, LOAD_POLICIES_MAX, &s->load, s->report.as_of, s->cancel, &s->report, err);
    load_forget_facts(&s->load);
    tell(s);
    return status;
}

/* --- townships ---------------------------------------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static int compare_township(const void *key, const void *element)
{
    const int64_t *township = key;
    const struct simulation_matrix *matrix = element;
    return *township < matrix->township ? -1 : *township > matrix->township;
}

/* An empty matrix for each township that has households. */
static enum status list_townships(struct simulating *s, struct simulation_matrix **townships,
                                  struct error *err)
{
    size_t count = s->load.households.count, distinct = 0;
    int64_t *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return no_memory(count, err);
    if (count > 0)
        memcpy(sorted, s->load.households.township, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_numbers);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            sorted[distinct++] = sorted[i];
    *townships = arena_array(s->report.arena, distinct, sizeof **townships);
    for (size_t i = 0; i < distinct && *townships != NULL; i++)
        (*townships)[i].township = sorted[i];
    free(sorted);
    s->simulation.townships = *townships;
    s->simulation.township_count = distinct;
    return *townships == NULL ? no_memory(count, err) : STATUS_OK;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* Adds one household to a matrix; whether anything about it differs. */
static bool count_household(struct simulation_matrix *matrix, const struct policy_outcome *before,
                            const struct policy_outcome *after, int raised, int cleared)
{
    matrix->households[before->level][after->level]++;
    matrix->moved += before->level != after->level;
    matrix->checks_raised += raised;
    matrix->checks_cleared += cleared;
    return before->level != after->level || raised > 0 || cleared > 0;
}

static enum status compare(struct simulating *s, struct simulation_move **moves, struct error *err)
{
    const struct pull_households *households = &s->load.households;
    struct simulation *found = &s->simulation;
    struct simulation_matrix *townships = NULL;
    size_t capacity = 0;
    enum status status = list_townships(s, &townships, err);
    *moves = NULL;
    for (size_t h = 0; h < households->count && status == STATUS_OK; h++) {
        const struct policy_outcome *before = &s->sides[0].outcomes[h], *after = &s->sides[1].outcomes[h];
        int64_t township = households->township[h];
        if (s->options->township != 0 && township != s->options->township)
            continue;
        int raised =
            simulation_new_checks(s->sides[0].policy, before->fired, s->sides[1].policy, after->fired);
        int cleared =
            simulation_new_checks(s->sides[1].policy, after->fired, s->sides[0].policy, before->fired);
        struct simulation_matrix *own =
            bsearch(&township, townships, found->township_count, sizeof *townships, compare_township);
        count_household(own, before, after, raised, cleared);
        if (!count_household(&found->total, before, after, raised, cleared))
            continue;
        if (found->move_count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            struct simulation_move *grown = realloc(*moves, capacity * sizeof *grown);
            if (grown == NULL)
                return no_memory(capacity, err);
            *moves = grown;
        }
        (*moves)[found->move_count++] = (struct simulation_move){
            .position = (uint32_t)h, .township = township, .before = *before, .after = *after};
    }
    return status;
}

/* --- who they are ------------------------------------------------------------------------------------------------- */

static int compare_place(const void *key, const void *element)
{
    const int64_t *id = key;
    const struct pull_place *place = element;
    return *id < place->household_id ? -1 : *id > place->household_id;
}

static enum status name_chunk(struct simulating *s, struct simulation_move *moves, size_t count,
                              struct error *err)
{
    const int64_t *household_id = s->load.households.household_id;
    const struct pull_place *places;
    size_t found;
    int64_t *ids = arena_array(s->report.arena, count, sizeof *ids);
    if (ids == NULL)
        return no_memory(count, err);
    for (size_t i = 0; i < count; i++)
        ids[i] = household_id[moves[i].position];
    enum status status = pull_places(s->first, ids, count, s->report.arena, &places, &found, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct pull_place *place = bsearch(&ids[i], places, found, sizeof *places, compare_place);
        moves[i].household_no = place == NULL ? "" : place->household_no;
        moves[i].village = place == NULL ? 0 : place->village;
    }
    return status;
}

static int compare_moves(const void *left, const void *right)
{
    const struct simulation_move *a = left, *b = right;
    if (a->township != b->township)
        return a->township < b->township ? -1 : 1;
    return strcmp(a->household_no, b->household_no);
}

static enum status name_moves(struct simulating *s, struct simulation_move *moves, struct error *err)
{
    size_t count = s->simulation.move_count;
    enum status status = STATUS_OK;
    for (size_t at = 0; at < count && status == STATUS_OK; at += SIMULATE_CHUNK)
        status = name_chunk(s, moves + at, count - at < SIMULATE_CHUNK ? count - at : SIMULATE_CHUNK, err);
    if (status == STATUS_OK && count > 1)
        qsort(moves, count, sizeof *moves, compare_moves);
    s->simulation.moves = moves;
    return status;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static enum status simulate(struct simulating *s, struct simulation_move **moves, struct error *err)
{
    enum status status = begin(s, err);
    if (status == STATUS_OK)
        status = load_run_beside(&s->load, s->first, s->second, s->options->in_force.policy,
                                 s->options->other.policy, s->report.as_of, s->known_on, &s->report, err);
    tell(s);
    if (status == STATUS_OK)
        status = evaluate(s, err);
    s->report.counts.households = (int64_t)s->load.households.count;
    s->report.counts.persons = (int64_t)s->load.assembly.person_count;
    int64_t since = clock_monotonic_us();
    if (status == STATUS_OK)
        status = compare(s, moves, err);
    if (status == STATUS_OK)
        status = name_moves(s, *moves, err);
    since = report_stage(&s->report, "compare", since, (int64_t)s->simulation.move_count);
    tell(s);
    if (status == STATUS_OK)
        status = simulate_amounts(&s->load, s->sides, s->report.as_of, s->options->township, s->cancel,
                                  s->report.arena, &s->simulation, err);
    report_stage(&s->report, "amounts", since, (int64_t)s->simulation.amount_count);
    tell(s);
    return status;
}

enum status simulate_execute(const struct simulate_options *options, const atomic_bool *cancel,
                             const struct simulate_sink *sink, struct error *err)
{
    struct simulating s = {.options = options, .cancel = cancel};
    struct simulation_move *moves = NULL;
    round_report_init(&s.report);
    s.report.arena = arena_new(0);
    s.simulation.options = options;
    s.simulation.report = &s.report;
    s.simulation.sink = sink;
    enum status status = s.report.arena == NULL ? no_memory(0, err) : simulate(&s, &moves, err);
    struct simulate_reasons reasons = {
        .load = &s.load, .sides = s.sides, .as_of = s.report.as_of, .cancel = cancel};
    s.simulation.tell = simulate_reasons_tell;
    s.simulation.teller = &reasons;
    if (status == STATUS_OK)
        status = simulation_write(&s.simulation, err);
    simulate_reasons_fini(&reasons);
    if (s.first != NULL)
        pull_snapshot_end(s.first);
    for (size_t i = 0; i < LOAD_POLICIES_MAX; i++)
        free(s.sides[i].outcomes);
    free(moves);
    load_fini(&s.load);
    session_close(s.first);
    session_close(s.second);
    round_report_fini(&s.report);
    return status;
}
