/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_standing.h"

#include "io/pg.h"
#include "store/columns.h"
#include "store/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { FINDING_COLUMNS = 9, WARNING_COLUMNS = 8 };

static void finding_columns(struct pull_findings *f, struct column columns[FINDING_COLUMNS])
{
    columns[0] = (struct column){&f->household_id, sizeof *f->household_id, 0};
    columns[1] = (struct column){&f->since_round, sizeof *f->since_round, 0};
    columns[2] = (struct column){&f->since_on, sizeof *f->since_on, 0};
    columns[3] = (struct column){&f->stale_since, sizeof *f->stale_since, 0};
    columns[4] = (struct column){&f->rule, sizeof *f->rule, 0};
    columns[5] = (struct column){&f->kind, sizeof *f->kind, 0};
    columns[6] = (struct column){&f->undecided, sizeof *f->undecided, 0};
    columns[7] = (struct column){&f->level, sizeof *f->level, 0};
    columns[8] = (struct column){&f->township, sizeof *f->township, 0};
}

static bool rule_is(const struct pull_findings *f, size_t rule, struct slice name)
{
    return slice_is(name, f->rules[rule]);
}

/* The position of a rule's name, added if it is new; UINT16_MAX without memory. A policy has at most 64 clauses, so that
 * with those of earlier policies a list is short. */
static size_t rule_position(struct pull_findings *f, struct slice name)
{
    size_t last = f->count ? f->rule[f->count - 1] : 0;
    if (f->rule_count && rule_is(f, last, name))
        return last;
    for (size_t i = 0; i < f->rule_count; i++)
        if (rule_is(f, i, name))
            return i;
    if (f->rule_count == UINT16_MAX)
        return UINT16_MAX;
    char **rules = realloc(f->rules, (f->rule_count + 1) * sizeof *rules);
    if (!rules)
        return UINT16_MAX;
    f->rules = rules;
    rules[f->rule_count] = malloc(name.length + 1);
    if (!rules[f->rule_count])
        return UINT16_MAX;
    memcpy(rules[f->rule_count], name.bytes, name.length);
    rules[f->rule_count][name.length] = '\0';
    return f->rule_count++;
}

static bool read_finding(void *target, struct pg_row *row)
{
    struct pull_findings *f = target;
    struct column columns[FINDING_COLUMNS];
    finding_columns(f, columns);
    if (f->count == f->capacity && !columns_grow(&f->capacity, columns, FINDING_COLUMNS))
        return false;
    size_t i = f->count;
    pg_row_int64(row, &f->household_id[i]);
    pg_row_int64(row, &f->since_round[i]);
    f->since_on[i] = pg_row_day(row);
    f->stale_since[i] = pg_row_day(row);
    size_t rule = rule_position(f, pg_row_text(row));
    f->rule[i] = (uint16_t)rule;
    f->kind[i] = (uint8_t)vocabulary_kind(pg_row_text(row));
    f->undecided[i] = slice_is(pg_row_text(row), "undecided");
    f->level[i] = (uint8_t)vocabulary_level(pg_row_text(row));
    if (!pg_row_int64(row, &f->township[i]))
        f->township[i] = 0;
    f->count++;
    return rule != UINT16_MAX;
}

enum status pull_findings(struct pg *pg, struct pull_findings *findings, struct error *err)
{
    return columns_copy(
        pg,
        "copy finding (household_id, since_round, since_on, stale_since, rule, kind, status, level,"
        " township_code)"
        " to stdout (format binary)",
        read_finding, findings, err);
}

void pull_findings_free(struct pull_findings *findings)
{
    struct column columns[FINDING_COLUMNS];
    finding_columns(findings, columns);
    columns_free(columns, FINDING_COLUMNS);
    for (size_t i = 0; i < findings->rule_count; i++)
        free(findings->rules[i]);
    free(findings->rules);
    *findings = (struct pull_findings){0};
}

static const char *const state_names[] = {
    [CASE_OPEN] = "open",           [CASE_ACCEPTED] = "accepted", [CASE_VISITED] = "visited",
    [CASE_ASSISTING] = "assisting", [CASE_WATCHING] = "watching", [CASE_CLOSED] = "closed",
};

const char *case_state_name(enum case_state state)
{
    return state_names[state];
}

bool case_state_parse(struct slice text, enum case_state *state)
{
    int found = vocabulary_find(state_names, sizeof state_names / sizeof *state_names, text);
    if (found >= 0)
        *state = (enum case_state)found;
    return found >= 0;
}

static void warning_columns(struct pull_warnings *w, struct column columns[WARNING_COLUMNS])
{
    columns[0] = (struct column){&w->household_id, sizeof *w->household_id, 0};
    columns[1] = (struct column){&w->warning_id, sizeof *w->warning_id, 0};
    columns[2] = (struct column){&w->township, sizeof *w->township, 0};
    columns[3] = (struct column){&w->level, sizeof *w->level, 0};
    columns[4] = (struct column){&w->state, sizeof *w->state, 0};
    columns[5] = (struct column){&w->raised_on, sizeof *w->raised_on, 0};
    columns[6] = (struct column){&w->due_on, sizeof *w->due_on, 0};
    columns[7] = (struct column){&w->raised_round, sizeof *w->raised_round, 0};
}

static bool read_warning(void *target, struct pg_row *row)
{
    struct pull_warnings *w = target;
    struct column columns[WARNING_COLUMNS];
    warning_columns(w, columns);
    if (w->count == w->capacity && !columns_grow(&w->capacity, columns, WARNING_COLUMNS))
        return false;
    size_t i = w->count++;
    enum case_state state = CASE_OPEN;
    pg_row_int64(row, &w->household_id[i]);
    pg_row_uuid(row, w->warning_id[i]);
    pg_row_int64(row, &w->township[i]);
    w->level[i] = (uint8_t)vocabulary_level(pg_row_text(row));
    case_state_parse(pg_row_text(row), &state);
    w->state[i] = (uint8_t)state;
    w->raised_on[i] = pg_row_day(row);
    w->due_on[i] = pg_row_day(row);
    pg_row_int64(row, &w->raised_round[i]);
    return true;
}

enum status pull_warnings(struct pg *pg, struct pull_warnings *warnings, struct error *err)
{
    return columns_copy(
        pg,
        "copy (select household_id, warning_id, township_code, level, state, raised_on, due_on,"
        " raised_round from warning where state <> 'closed') to stdout (format binary)",
        read_warning, warnings, err);
}

void pull_warnings_free(struct pull_warnings *warnings)
{
    struct column columns[WARNING_COLUMNS];
    warning_columns(warnings, columns);
    columns_free(columns, WARNING_COLUMNS);
    *warnings = (struct pull_warnings){0};
}
