/* SPDX-License-Identifier: PostgreSQL */
#include "round/standing.h"

#include <stdlib.h>
#include <string.h>

static int order_ids(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The households, off the register, that findings or cases still speak of: each once, ascending. */
static size_t collect_off(struct standing *s, const uint32_t *of_finding, const uint32_t *of_case)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < s->findings->count; i++)
        if (of_finding[i] == MATCH_NONE)
            s->off_id[count++] = s->findings->household_id[i];
    for (size_t i = 0; i < s->warnings->count; i++)
        if (of_case[i] == MATCH_NONE)
            s->off_id[count++] = s->warnings->household_id[i];
    if (count > 1)
        qsort(s->off_id, count, sizeof *s->off_id, order_ids);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || s->off_id[i] != s->off_id[kept - 1])
            s->off_id[kept++] = s->off_id[i];
    return kept;
}

static void place_off(const struct standing *s, const int64_t *ids, size_t count, uint32_t *positions)
{
    size_t off_count = s->count - s->register_count;
    for (size_t i = 0; i < count; i++) {
        if (positions[i] != MATCH_NONE)
            continue;
        const int64_t *at = bsearch(&ids[i], s->off_id, off_count, sizeof *s->off_id, order_ids);
        positions[i] = (uint32_t)(s->register_count + (size_t)(at - s->off_id));
    }
}

static void place_findings(struct standing *s, const uint32_t *of_finding)
{
    size_t count = s->findings->count;
    for (size_t i = 0; i < count; i++)
        s->finding_begin[of_finding[i] + 1]++;
    for (size_t h = 0; h < s->count; h++)
        s->finding_begin[h + 1] += s->finding_begin[h];
    for (size_t i = 0; i < count; i++)
        s->finding_order[s->finding_begin[of_finding[i]]++] = (uint32_t)i;
    memmove(s->finding_begin + 1, s->finding_begin, s->count * sizeof *s->finding_begin);
    s->finding_begin[0] = 0;
}

static enum status build(struct standing *s, const struct match *households, uint32_t *of_finding,
                         uint32_t *of_case, struct error *err)
{
    match_find(households, s->findings->household_id, s->findings->count, of_finding);
    match_find(households, s->warnings->household_id, s->warnings->count, of_case);
    s->count = s->register_count + collect_off(s, of_finding, of_case);
    place_off(s, s->findings->household_id, s->findings->count, of_finding);
    place_off(s, s->warnings->household_id, s->warnings->count, of_case);
    s->finding_begin = calloc(s->count + 1, sizeof *s->finding_begin);
    s->case_of = malloc((s->count + 1) * sizeof *s->case_of);
    if (s->finding_begin == NULL || s->case_of == NULL)
        return error_set(err, STATUS_FATAL, "no memory for what stands about %zu households", s->count);
    place_findings(s, of_finding);
    memset(s->case_of, 0xFF, (s->count + 1) * sizeof *s->case_of);
    for (size_t i = 0; i < s->warnings->count; i++)
        s->case_of[of_case[i]] = (uint32_t)i;
    for (size_t r = 0; r < s->findings->rule_count; r++)
        s->clause_of_rule[r] = policy_clause_on(s->policy, s->findings->rules[r], s->as_of);
    return STATUS_OK;
}

enum status standing_init(struct standing *standing, const struct policy *policy, day_t as_of,
                          const struct pull_findings *findings, const struct pull_warnings *warnings,
                          const struct match *households, size_t register_count, struct error *err)
{
    *standing = (struct standing){.findings = findings,
                                  .warnings = warnings,
                                  .policy = policy,
                                  .as_of = as_of,
                                  .register_count = register_count};
    standing->off_id = malloc((findings->count + warnings->count + 1) * sizeof *standing->off_id);
    standing->finding_order = malloc((findings->count + 1) * sizeof *standing->finding_order);
    standing->clause_of_rule = malloc((findings->rule_count + 1) * sizeof *standing->clause_of_rule);
    uint32_t *of_finding = malloc((findings->count + 1) * sizeof *of_finding);
    uint32_t *of_case = malloc((warnings->count + 1) * sizeof *of_case);
    enum status status;
    if (standing->off_id == NULL || standing->finding_order == NULL || standing->clause_of_rule == NULL ||
        of_finding == NULL || of_case == NULL)
        status = error_set(err, STATUS_FATAL, "no memory for %zu findings", findings->count);
    else
        status = build(standing, households, of_finding, of_case, err);
    free(of_finding);
    free(of_case);
    return status;
}

void standing_fini(struct standing *standing)
{
    free(standing->off_id);
    free(standing->finding_begin);
    free(standing->finding_order);
    free(standing->case_of);
    free(standing->clause_of_rule);
    *standing = (struct standing){0};
}

bool standing_is_empty(const struct standing *standing, size_t position)
{
    return standing->finding_begin[position] == standing->finding_begin[position + 1] &&
           standing->case_of[position] == MATCH_NONE;
}

int standing_clause(const struct standing *standing, uint32_t finding)
{
    const struct pull_findings *findings = standing->findings;
    int clause = standing->clause_of_rule[findings->rule[finding]];
    if (clause < 0)
        return -1;
    enum policy_clause_kind kind = policy_clause_at(standing->policy, (size_t)clause)->kind;
    return compare_same_family((enum policy_clause_kind)findings->kind[finding], kind) ? clause : -1;
}

struct compare_standing standing_get(const struct standing *standing, size_t position)
{
    const struct pull_findings *findings = standing->findings;
    struct compare_standing what = {0};
    if (standing->case_of[position] != MATCH_NONE)
        what.level = (enum policy_level)standing->warnings->level[standing->case_of[position]];
    for (uint32_t i = standing->finding_begin[position]; i < standing->finding_begin[position + 1]; i++) {
        uint32_t f = standing->finding_order[i];
        int clause = standing_clause(standing, f);
        if (clause < 0) {
            what.reasons_vanished |= findings->kind[f] == CLAUSE_COLOUR || findings->kind[f] == CLAUSE_VERIFY;
            continue;
        }
        const struct policy_clause *info = policy_clause_at(standing->policy, (size_t)clause);
        uint64_t bit = UINT64_C(1) << clause;
        *(findings->undecided[f] ? &what.undecided : &what.fired) |= bit;
        if (findings->stale_since[f] != DAY_NONE)
            what.stale |= bit;
        if (findings->kind[f] != info->kind || findings->level[f] != info->level)
            what.rewritten |= bit;
    }
    return what;
}

bool standing_has_namesake(const struct standing *standing, size_t position, int clause)
{
    for (uint32_t i = standing->finding_begin[position]; i < standing->finding_begin[position + 1]; i++) {
        uint32_t f = standing->finding_order[i];
        if (standing->clause_of_rule[standing->findings->rule[f]] == clause)
            return standing_clause(standing, f) < 0;
    }
    return false;
}

uint32_t standing_finding(const struct standing *standing, size_t position, int clause)
{
    for (uint32_t i = standing->finding_begin[position]; i < standing->finding_begin[position + 1]; i++) {
        uint32_t f = standing->finding_order[i];
        if (standing_clause(standing, f) == clause)
            return f;
    }
    return MATCH_NONE;
}
