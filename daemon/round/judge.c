/* SPDX-License-Identifier: PostgreSQL */
#include "round/judge.h"

#include "base/clock.h"
#include "round/report.h"
#include "round/twin.h"

#include <stdlib.h>

/* --- evaluate ------------------------------------------------------------------------------------------------- */

struct evaluation {
    const struct load *load;
    const atomic_bool *cancel;
    struct judge_side *sides;
    size_t side_count;
    day_t as_of;
    atomic_size_t next; /* shard */
    atomic_bool failed;
};

/* A shard's facts as one of two policies numbers their codes. */
struct renumbered {
    size_t subject_capacity, fact_capacity;
    uint32_t *begin;
    struct policy_fact *facts;
};

/* One of the threads that take shards until none is left. */
struct evaluator {
    struct evaluation *work;
    struct policy_run *runs[LOAD_POLICIES_MAX];
    struct shard_table table;
    struct renumbered renumbered;
    int64_t assemble_us, evaluate_us;
    struct policy_large large[LOAD_POLICIES_MAX];
};

static bool reserve(struct renumbered *r, size_t subjects, size_t facts)
{
    if (subjects + 1 > r->subject_capacity) {
        free(r->begin);
        r->begin = malloc((subjects + 1) * sizeof *r->begin);
        r->subject_capacity = r->begin == NULL ? 0 : subjects + 1;
    }
    if (facts + 1 > r->fact_capacity) {
        free(r->facts);
        r->facts = malloc((facts + 1) * sizeof *r->facts);
        r->fact_capacity = r->facts == NULL ? 0 : facts + 1;
    }
    return r->begin != NULL && r->facts != NULL;
}

/* The block without the facts that the policy does not read. Households' and persons' facts lie in one array (shard.h). */
static enum status renumber(struct renumbered *r, const int16_t *positions, struct policy_block *block,
                            struct error *err)
{
    size_t subjects = block->household_count + block->person_begin[block->household_count], at = 0;
    const uint32_t *begin = block->household_fact_begin;
    if (!reserve(r, subjects, begin[subjects]))
        return error_set(err, STATUS_FATAL, "no memory for %u facts", begin[subjects]);
    for (size_t s = 0; s < subjects; s++) {
        r->begin[s] = (uint32_t)at;
        for (uint32_t f = begin[s]; f < begin[s + 1]; f++) {
            int16_t position = positions[block->household_facts[f].code];
            if (position < 0)
                continue;
            r->facts[at] = block->household_facts[f];
            r->facts[at++].code = (uint16_t)position;
        }
    }
    r->begin[subjects] = (uint32_t)at;
    block->household_fact_begin = r->begin;
    block->person_fact_begin = r->begin + block->household_count;
    block->household_facts = block->person_facts = r->facts;
    return STATUS_OK;
}

static enum status evaluate_shard(struct evaluator *self, size_t shard, struct error *err)
{
    const struct load *load = self->work->load;
    const struct assembly *assembly = &load->assembly;
    const struct shard_register about = {assembly->urban, assembly->person_begin, assembly->birth,
                                         assembly->traits};
    size_t first = assembly->shards.household_begin[shard];
    struct policy_block block;
    int64_t begun = clock_monotonic_us();
    enum status status =
        shard_table_fill(&self->table, &assembly->shards, shard, load->bags, LOAD_BAGS, &about, &block, err);
    int64_t filled = clock_monotonic_us();
    for (size_t i = 0; i < self->work->side_count && status == STATUS_OK; i++) {
        struct judge_side *side = &self->work->sides[i];
        struct policy_block own = block;
        if (side->positions != NULL)
            status = renumber(&self->renumbered, side->positions, &own, err);
        if (status == STATUS_OK)
            status = policy_run_evaluate(self->runs[i], &own, side->outcomes + first, err);
    }
    self->assemble_us += filled - begun;
    self->evaluate_us += clock_monotonic_us() - filled;
    return status == STATUS_OK ? STATUS_OK : error_wrap(err, "households from position %zu", first);
}

static enum status evaluate_shards(void *context, struct error *err)
{
    struct evaluator *self = context;
    struct evaluation *work = self->work;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < work->side_count && status == STATUS_OK; i++)
        status = policy_run_new(work->sides[i].policy, work->as_of, &self->runs[i], err);
    while (status == STATUS_OK && !atomic_load(&work->failed)) {
        size_t shard = atomic_fetch_add(&work->next, 1);
        if (shard >= work->load->assembly.shards.count)
            break;
        if (work->cancel != NULL && atomic_load(work->cancel))
            status = error_set(err, STATUS_RETRY, "the round was cancelled");
        else
            status = evaluate_shard(self, shard, err);
    }
    if (status != STATUS_OK)
        atomic_store(&work->failed, true);
    for (size_t i = 0; i < work->side_count; i++) {
        if (self->runs[i] != NULL)
            self->large[i] = policy_run_large(self->runs[i]);
        policy_run_free(self->runs[i]);
    }
    free(self->renumbered.begin);
    free(self->renumbered.facts);
    shard_table_fini(&self->table);
    return status;
}

/* The wall time is told as it was spent by both together. */
static void report_evaluation(const struct evaluator *one, const struct evaluator *other, int64_t since,
                              const struct load *load, struct round_report *report)
{
    int64_t assemble = one->assemble_us + other->assemble_us;
    int64_t all = assemble + one->evaluate_us + other->evaluate_us;
    int64_t wall = clock_monotonic_us() - since;
    int64_t split = since + (all == 0 ? 0 : wall * assemble / all);
    report_span(report, "assemble", since, split, (int64_t)(load->bags[0].count + load->bags[1].count));
    report_span(report, "evaluate", split, since + wall, (int64_t)load->households.count);
}

enum status judge_sides(struct judge_side *sides, size_t count, const struct load *load, day_t as_of,
                        const atomic_bool *cancel, struct round_report *report, struct error *err)
{
    int64_t since = clock_monotonic_us();
    struct evaluation work = {
        .load = load, .cancel = cancel, .sides = sides, .side_count = count, .as_of = as_of};
    struct evaluator first = {.work = &work}, second = {.work = &work};
    enum status status = load->households.count < JUDGE_TWO_THREADS_FROM
                             ? evaluate_shards(&first, err)
                             : twin_run(evaluate_shards, &first, &second, err);
    report_evaluation(&first, &second, since, load, report);
    for (size_t i = 0; i < count; i++) {
        sides[i].large.households = first.large[i].households + second.large[i].households;
        sides[i].large.bounded = first.large[i].bounded + second.large[i].bounded;
    }
    return status;
}

enum status judge_evaluate(struct judge *judge, const struct load *load, day_t as_of,
                           const atomic_bool *cancel, struct round_report *report, struct error *err)
{
    size_t count = load->households.count;
    judge->outcomes = calloc(count + 1, sizeof *judge->outcomes);
    if (judge->outcomes == NULL)
        return error_set(err, STATUS_FATAL, "no memory for the outcomes of %zu households", count);
    struct judge_side side = {
        .policy = load->policy, .positions = load->positions[0], .outcomes = judge->outcomes};
    enum status status = judge_sides(&side, 1, load, as_of, cancel, report, err);
    judge->large = side.large;
    return status;
}

/* --- compare -------------------------------------------------------------------------------------------------- */

static enum status note_change(struct judge *judge, const struct judge_change *change, struct error *err)
{
    if (judge->change_count == judge->change_capacity) {
        size_t capacity = judge->change_capacity == 0 ? 1024 : judge->change_capacity * 2;
        struct judge_change *grown = realloc(judge->changes, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set(err, STATUS_FATAL, "no memory for %zu changes", capacity);
        judge->changes = grown;
        judge->change_capacity = capacity;
    }
    judge->changes[judge->change_count++] = *change;
    return STATUS_OK;
}

static void count_household(struct round_counts *counts, const struct judge_change *change, bool on_register)
{
    int64_t *const changes[] = {
        [COMPARE_SAME] = &counts->unchanged,      [COMPARE_RAISED] = &counts->raised,
        [COMPARE_ESCALATED] = &counts->escalated, [COMPARE_DEESCALATED] = &counts->deescalated,
        [COMPARE_CHANGED] = &counts->changed,     [COMPARE_CLEARED] = &counts->cleared,
    };
    const struct compare_result *now = &change->now;
    if (on_register || now->level != LEVEL_NONE)
        counts->levels[now->level]++;
    if (now->change != COMPARE_SAME || now->level != LEVEL_NONE)
        (*changes[now->change])++;
    counts->checks_raised += __builtin_popcountll(now->checks_raised);
    counts->checks_cleared += __builtin_popcountll(now->checks_cleared);
    counts->stale += __builtin_popcountll(now->stale);
}

/* Rules that the policy no longer has: their findings must go; checks among them are told as cleared. */
static void find_vanished(const struct standing *standing, struct judge_change *change,
                          struct round_counts *counts)
{
    for (uint32_t i = standing->finding_begin[change->position];
         i < standing->finding_begin[change->position + 1]; i++) {
        uint32_t f = standing->finding_order[i];
        if (standing_clause(standing, f) >= 0)
            continue;
        change->vanished = true;
        change->now.notable = true;
        counts->checks_cleared += standing->findings->kind[f] == CLAUSE_CHECK;
    }
}

static void find_moved_checks(const struct standing *standing, uint64_t checks, int64_t township,
                              struct judge_change *change)
{
    const struct pull_findings *findings = standing->findings;
    uint64_t stands = (change->now.fired | change->now.undecided) & checks;
    for (uint32_t i = standing->finding_begin[change->position];
         i < standing->finding_begin[change->position + 1]; i++) {
        uint32_t f = standing->finding_order[i];
        int clause = standing_clause(standing, f);
        if (clause >= 0 && (stands >> clause & 1) && findings->township[f] != 0 &&
            findings->township[f] != township)
            change->moved_checks |= UINT64_C(1) << clause;
    }
    change->now.updated |= change->moved_checks;
    change->now.notable |= change->moved_checks != 0;
}

/* A case goes where the household goes, and so do its checks: who had them is told, and who gets them. */
static void find_moved(const struct standing *standing, uint64_t checks, const int64_t *townships,
                       struct judge_change *change)
{
    uint32_t at = standing->case_of[change->position];
    if (change->position >= standing->register_count)
        return;
    int64_t township = townships[change->position];
    find_moved_checks(standing, checks, township, change);
    if (at == MATCH_NONE || change->now.level == LEVEL_NONE)
        return;
    change->moved = standing->warnings->township[at] != township;
    change->now.notable |= change->moved;
}

static enum status compare_position(struct judge *judge, const struct rules *rules,
                                    const struct standing *standing, const int64_t *townships,
                                    size_t position, struct round_counts *counts, struct error *err)
{
    bool on_register = position < standing->register_count;
    struct compare_standing before = standing_get(standing, position);
    struct judge_change change = {.position = (uint32_t)position, .before = before.level};
    before.withheld = rules_withheld(rules, on_register ? townships[position] : 0);
    if (on_register && judge->clearing != NULL)
        before.waits =
            clearing_waits(judge->clearing, judge->household_ids[position], &before,
                           &judge->outcomes[position], rules->fresh & ~before.withheld, &change.clearing);
    change.now = on_register ? compare_household(rules, &before, &judge->outcomes[position])
                             : compare_gone(rules, &before);
    find_vanished(standing, &change, counts);
    find_moved(standing, rules->checks, townships, &change);
    count_household(counts, &change, on_register);
    bool writes = (change.now.inserted | change.now.deleted | change.now.updated | change.clearing) != 0 ||
                  change.now.notable;
    return writes ? note_change(judge, &change, err) : STATUS_OK;
}

static void count_statistics(const struct judge *judge, size_t count, struct round_report *report)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t left = judge->outcomes[i].statistics; left != 0; left &= left - 1)
            report->statistics[__builtin_ctz(left)]++;
}

enum status judge_compare(struct judge *judge, const struct rules *rules, const struct standing *standing,
                          const int64_t *townships, struct round_report *report, struct error *err)
{
    uint64_t seen = rules->colours | rules->verifies | rules->checks | rules->suggestions | rules->tags;
    enum status status = STATUS_OK;
    for (size_t h = 0; h < standing->count && status == STATUS_OK; h++) {
        bool quiet = h < standing->register_count &&
                     ((judge->outcomes[h].fired | judge->outcomes[h].undecided) & seen) == 0;
        if (quiet && standing_is_empty(standing, h))
            report->counts.levels[LEVEL_NONE]++;
        else
            status = compare_position(judge, rules, standing, townships, h, &report->counts, err);
    }
    count_statistics(judge, standing->register_count, report);
    return status;
}

void judge_fini(struct judge *judge)
{
    free(judge->outcomes);
    free(judge->changes);
    *judge = (struct judge){0};
}
