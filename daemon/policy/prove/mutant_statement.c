/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/readers.h"
#include "policy/prove/mutant.h"

#include <string.h>

/* --- definitions -------------------------------------------------------------------------------------------------- */

static void move_day(struct mutant_maker *maker, day_t *day, struct place at)
{
    if (*day == DAY_NONE)
        return;
    for (day_t by = -1; by <= 1; by += 2) {
        char text[CIVIL_TEXT_SIZE];
        day_t moved = *day + by;
        struct mutant *mutant = mutant_add(maker, MUTANT_DATE, at);
        mutant_patch(maker, mutant, day, &moved, sizeof moved);
        if (mutant == NULL)
            return;
        text_add_str(&maker->text, civil_format(*day, text));
        mutant->before = mutant_text(maker);
        text_add_str(&maker->text, civil_format(moved, text));
        mutant->after = mutant_text(maker);
    }
}

static void swap_areas(struct mutant_maker *maker, struct dated_value *value)
{
    struct mutant *mutant = mutant_add(maker, MUTANT_SWAP, value->at);
    mutant_patch(maker, mutant, &value->rural, &value->urban, sizeof value->rural);
    mutant_patch(maker, mutant, &value->urban, &value->rural, sizeof value->urban);
    if (mutant == NULL)
        return;
    struct unparser unparser = {maker->policy->text, maker->policy->language, &maker->text};
    const struct expr *first = value->rural, *second = value->urban;
    for (int turn = 0; turn < 2; turn++) {
        text_printf(&maker->text, "%s ", keyword_text(KW_RURAL, maker->policy->language));
        unparse_expr(&unparser, turn == 0 ? first : second);
        text_printf(&maker->text, " %s ", keyword_text(KW_URBAN, maker->policy->language));
        unparse_expr(&unparser, turn == 0 ? second : first);
        *(turn == 0 ? &mutant->before : &mutant->after) = mutant_text(maker);
    }
}

/* The first value only has to reach back to the policy's first day; the others' dates say what holds when. */
static void walk_standard(struct mutant_maker *maker, struct definition *d)
{
    for (struct dated_value *v = d->dated; v != NULL; v = v->next) {
        if (v != d->dated)
            move_day(maker, &v->from, v->at);
        move_day(maker, &v->to, v->at);
        mutant_walk_value(maker, v->rural, d->unit);
        if (v->urban == v->rural)
            continue;
        mutant_walk_value(maker, v->urban, d->unit);
        swap_areas(maker, v);
    }
}

/* An example can only give certificates of the types and grades that there are. */
static void walk_fact(struct mutant_maker *maker, struct definition *d)
{
    if (d->low != NULL && d->fact_kind == WORD_NONE) {
        mutant_walk_value(maker, d->low, d->unit);
        mutant_walk_value(maker, d->high, d->unit);
    }
    if (d->first_count == 0)
        return;
    struct mutant *mutant = mutant_add(maker, MUTANT_FIRST, d->first[0].at);
    size_t none = 0;
    mutant_patch(maker, mutant, &d->first_count, &none, sizeof none);
    if (mutant == NULL)
        return;
    text_printf(&maker->text, "%s %.*s", keyword_text(KW_FIRST, maker->policy->language),
                (int)d->first[0].text.length, d->first[0].text.bytes);
    mutant->before = mutant_text(maker);
    mutant->after = mutant_gone(maker);
}

static void walk_window(struct mutant_maker *maker, const struct definition *d)
{
    const struct program *program = &maker->policy->program;
    for (size_t i = 0; i < program->window_count; i++) {
        if (slice_is(d->name, program->windows[i].name))
            mutant_move_window(maker, (int)i, d->from.at);
    }
}

/* 24月 当 有残疾人, within 24 months when … */
static const char *row_text(struct mutant_maker *maker, int months, const struct expr *condition)
{
    enum language language = maker->policy->language;
    struct unparser unparser = {maker->policy->text, language, &maker->text};
    text_printf(&maker->text, language == LANGUAGE_CHINESE ? "%d%s" : "%d %s", months,
                word_text(WORD_MONTH, language));
    if (condition != NULL) {
        text_printf(&maker->text, " %s ", keyword_text(KW_WHEN, language));
        unparse_expr(&unparser, condition);
    }
    return mutant_text(maker);
}

static void move_term(struct mutant_maker *maker, struct gradual_row *row)
{
    for (int by = -1; by <= 1; by += 2) {
        int moved = row->months + by;
        if (moved == 0)
            continue;
        struct mutant *mutant = mutant_add(maker, MUTANT_TERM, row->at);
        mutant_patch(maker, mutant, &row->months, &moved, sizeof moved);
        if (mutant == NULL)
            return;
        mutant->before = row_text(maker, row->months, NULL);
        mutant->after = row_text(maker, moved, NULL);
    }
}

static void walk_gradual(struct mutant_maker *maker, struct definition *d)
{
    for (struct gradual_row **link = &d->gradual; *link != NULL; link = &(*link)->next) {
        struct gradual_row *row = *link;
        struct expr *none = NULL;
        struct mutant *mutant = mutant_add(maker, MUTANT_LINE, row->at);
        mutant_patch(maker, mutant, link, &row->next, sizeof *link);
        if (mutant == NULL)
            return;
        mutant->before = row_text(maker, row->months, row->condition);
        mutant->after = mutant_gone(maker);
        move_term(maker, row);
        if (row->condition == NULL)
            continue;
        if ((mutant = mutant_add(maker, MUTANT_OPERAND, row->at)) == NULL)
            return;
        mutant_patch(maker, mutant, &row->condition, &none, sizeof none);
        mutant->before = row_text(maker, row->months, row->condition);
        mutant->after = row_text(maker, row->months, NULL);
        mutant_walk_expr(maker, row->condition);
    }
}

static void walk_definition(struct mutant_maker *maker, struct definition *d)
{
    maker->context = NULL;
    maker->step = STEP_RATIO;
    switch (d->kind) {
    case KW_STANDARD:
        walk_standard(maker, d);
        break;
    case KW_SETTING:
        if (d->value != NULL)
            mutant_walk_value(maker, d->value, d->unit);
        walk_standard(maker, d);
        break;
    case KW_WINDOW:
        walk_window(maker, d);
        break;
    case KW_FACT:
        walk_fact(maker, d);
        break;
    case KW_GRADUAL:
        walk_gradual(maker, d);
        break;
    case KW_SET:
        mutant_walk_set(maker, d->set);
        break;
    default: /* 逐人 断 算; a statistic is counted, and no clause reads it */
        mutant_walk_expr(maker, d->value);
        break;
    }
}

static void walk_definitions(struct mutant_maker *maker)
{
    struct readers readers;
    if (!readers_find(maker->policy, maker->arena, &readers)) {
        maker->failed = true;
        return;
    }
    size_t index = 0;
    for (struct definition *d = maker->policy->ast.definitions; d != NULL; d = d->next, index++) {
        maker->owner = d->name;
        maker->clauses = readers.clauses[index];
        maker->amounts = readers.amounts[index];
        if (maker->clauses != 0)
            walk_definition(maker, d);
    }
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

/* Their order says which is believed; all else about them concerns rounds, which examples do not make. */
static void walk_sources(struct mutant_maker *maker)
{
    for (struct source_statement *a = maker->policy->ast.sources; a != NULL && a->next != NULL; a = a->next) {
        struct source_statement *b = a->next, first = *b, second = *a;
        maker->owner = a->name;
        maker->clauses = 0;
        first.next = b;
        second.next = b->next;
        struct mutant *mutant = mutant_add(maker, MUTANT_SOURCE, b->at);
        mutant_patch(maker, mutant, a, &first, sizeof first);
        mutant_patch(maker, mutant, b, &second, sizeof second);
        if (mutant == NULL)
            return;
        text_printf(&maker->text, "%.*s %.*s", (int)a->name.length, a->name.bytes, (int)b->name.length,
                    b->name.bytes);
        mutant->before = mutant_text(maker);
        text_printf(&maker->text, "%.*s %.*s", (int)b->name.length, b->name.bytes, (int)a->name.length,
                    a->name.bytes);
        mutant->after = mutant_text(maker);
    }
}

/* --- clauses ------------------------------------------------------------------------------------------------------ */

static void describe_line(struct mutant_maker *maker, struct mutant *mutant, const struct clause_line *line,
                          bool gone)
{
    if (mutant == NULL)
        return;
    struct unparser unparser = {maker->policy->text, maker->policy->language, &maker->text};
    unparse_line(&unparser, line);
    mutant->before = mutant_text(maker);
    if (gone) {
        mutant->after = mutant_gone(maker);
        return;
    }
    mutant_toggle(mutant);
    unparse_line(&unparser, line);
    mutant->after = mutant_text(maker);
    mutant_toggle(mutant);
}

static void walk_lines(struct mutant_maker *maker, struct clause_line **link)
{
    for (; *link != NULL; link = &(*link)->next) {
        struct clause_line *line = *link;
        bool guard = line->kind == KW_ONLY || line->kind == KW_EXCEPT;
        struct mutant *mutant = mutant_add(maker, guard ? MUTANT_GUARD : MUTANT_LINE, line->at);
        mutant_patch(maker, mutant, link, &line->next, sizeof *link);
        describe_line(maker, mutant, line, true);
        if (line->kind == KW_EVIDENCE) {
            enum keyword plain = KW_WHEN;
            mutant = mutant_add(maker, MUTANT_EVIDENCE, line->at);
            mutant_patch(maker, mutant, &line->kind, &plain, sizeof plain);
            describe_line(maker, mutant, line, false);
        }
        maker->context = NULL;
        mutant_walk_expr(maker, line->value);
    }
}

/* Red becomes orange, orange red and yellow …; checks and suggestions have no level. */
static void change_level(struct mutant_maker *maker, struct clause_statement *clause)
{
    for (int by = -1; by <= 1; by += 2) {
        enum keyword other = (enum keyword)((int)clause->kind + by);
        if (clause->kind > KW_VERIFY || other < KW_RED || other > KW_VERIFY)
            continue;
        struct mutant *mutant = mutant_add(maker, MUTANT_LEVEL, clause->at);
        mutant_patch(maker, mutant, &clause->kind, &other, sizeof other);
        if (mutant == NULL)
            return;
        mutant->before = keyword_text(clause->kind, maker->policy->language);
        mutant->after = keyword_text(other, maker->policy->language);
    }
}

static void walk_clause(struct mutant_maker *maker, struct clause_statement *clause)
{
    change_level(maker, clause);
    move_day(maker, &clause->from, clause->at);
    move_day(maker, &clause->to, clause->at);
    if (clause->even_empty) {
        bool no = false;
        struct mutant *mutant = mutant_add(maker, MUTANT_EMPTY, clause->at);
        mutant_patch(maker, mutant, &clause->even_empty, &no, sizeof no);
        if (mutant != NULL) {
            mutant->before = keyword_text(KW_EVEN_EMPTY, maker->policy->language);
            mutant->after = mutant_gone(maker);
        }
    }
    walk_lines(maker, &clause->lines);
    if (clause->some != NULL)
        mutant_walk_set(maker, clause->some);
    walk_lines(maker, &clause->some_lines);
    maker->amounts = true;
    for (struct amount_line *line = clause->amounts; line != NULL; line = line->next) {
        maker->context = line->value;
        mutant_walk_expr(maker, line->value);
    }
    maker->amounts = false;
}

struct mutant *mutant_list(struct mutant_maker *maker)
{
    struct mutant *first = NULL;
    maker->tail = &first;
    text_init(&maker->text);
    maker->amounts = true; /* any amount may read what a source sends */
    walk_sources(maker);
    walk_definitions(maker);
    maker->amounts = false;
    uint64_t bit = 1;
    for (struct clause_statement *c = maker->policy->ast.clauses; c != NULL; c = c->next, bit <<= 1) {
        maker->owner = c->name;
        maker->clauses = bit;
        walk_clause(maker, c);
    }
    text_fini(&maker->text);
    return maker->failed ? NULL : first;
}
