/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/trial.h"

const struct trial_statement *trial_find(const struct policy_ast *ast, struct slice name)
{
    const struct trial_statement *trial = ast->trials;
    while (trial != NULL && !slice_equal(trial->name, name))
        trial = trial->next;
    return trial;
}

void trial_check_names(const struct policy_ast *ast, struct diagnoser *diagnoser)
{
    size_t count = 0;
    for (const struct trial_statement *trial = ast->trials; trial != NULL; trial = trial->next) {
        const struct trial_statement *first = trial_find(ast, trial->name);
        if (first != trial)
            diagnose(diagnoser, trial->at, MESSAGE_NAME_TWICE, diagnose_slice(diagnoser, trial->name),
                     diagnose_number(diagnoser, first->at.line), NULL);
        if (++count == TRIALS_MAX + 1)
            diagnose(diagnoser, trial->at, MESSAGE_TOO_MANY, keyword_text(KW_TRIAL, diagnoser->language),
                     diagnose_number(diagnoser, TRIALS_MAX), NULL);
    }
}

const char *trial_list(const struct policy_ast *ast, struct diagnoser *diagnoser)
{
    const char *list = "";
    for (const struct trial_statement *trial = ast->trials; trial != NULL; trial = trial->next)
        list = diagnose_keep(diagnoser,
                             arena_printf(diagnoser->arena, "%s%s%.*s", list, list[0] == '\0' ? "" : " ",
                                          (int)trial->name.length, trial->name.bytes));
    return list;
}

/* What a change is being made to. */
struct change {
    const struct trial_change *line;
    struct diagnoser *diagnoser;
    struct arena *arena;
};

static struct expr *multiply(const struct change *change, struct expr *old)
{
    struct expr *product = arena_alloc(change->arena, sizeof *product);
    if (product == NULL) {
        change->diagnoser->failed = true;
        return old;
    }
    *product = (struct expr){.kind = EXPR_MULTIPLY,
                             .at = change->line->at,
                             .first_at = change->line->at,
                             .begin = change->line->begin,
                             .end = change->line->end,
                             .a = change->line->rural,
                             .b = old};
    return product;
}

static void change_value(const struct change *change, struct expr **value, struct expr *set)
{
    if (*value != NULL)
        *value = change->line->kind == TRIAL_SCALE ? multiply(change, *value) : set;
}

static void change_definition(const struct change *change, struct definition *d)
{
    const struct trial_change *line = change->line;
    const char *name = diagnose_slice(change->diagnoser, d->name);
    if (d->kind != KW_STANDARD && d->kind != KW_SETTING) {
        diagnose(change->diagnoser, line->at, MESSAGE_TRIAL_TARGET, name,
                 keyword_text(d->kind, change->diagnoser->language), NULL);
        return;
    }
    if (line->kind == TRIAL_SET && line->by_area != d->by_area) {
        diagnose(change->diagnoser, line->at, d->by_area ? MESSAGE_AREA_NEEDED : MESSAGE_TRIAL_AREA, name,
                 NULL, NULL);
        return;
    }
    change_value(change, &d->value, line->rural);
    for (struct dated_value *v = d->dated; v != NULL; v = v->next) {
        bool one = v->rural == v->urban;
        change_value(change, &v->rural, line->rural);
        if (one)
            v->urban = v->rural;
        else
            change_value(change, &v->urban, line->urban);
    }
}

static void disable(const struct change *change, struct policy_ast *ast)
{
    bool found = false;
    for (struct clause_statement **at = &ast->clauses; *at != NULL;) {
        bool named = slice_equal((*at)->name, change->line->name);
        found = found || named;
        if (named)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    if (!found)
        diagnose(change->diagnoser, change->line->at, MESSAGE_EXAMPLE_CLAUSE,
                 diagnose_slice(change->diagnoser, change->line->name), "", NULL);
}

static void make_change(const struct change *change, struct policy_ast *ast)
{
    if (change->line->kind == TRIAL_DISABLE) {
        disable(change, ast);
        return;
    }
    for (struct definition *d = ast->definitions; d != NULL; d = d->next) {
        if (slice_equal(d->name, change->line->name)) {
            change_definition(change, d);
            return;
        }
    }
    diagnose(change->diagnoser, change->line->at, MESSAGE_UNKNOWN_NAME,
             diagnose_slice(change->diagnoser, change->line->name), "", NULL);
}

void trial_apply(struct policy_ast *ast, const struct trial_statement *trial, struct diagnoser *diagnoser,
                 struct arena *arena)
{
    ast->examples = NULL;
    for (const struct trial_change *line = trial->changes; line != NULL; line = line->next) {
        const struct change change = {line, diagnoser, arena};
        make_change(&change, ast);
    }
}
