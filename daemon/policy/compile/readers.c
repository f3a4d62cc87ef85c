/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/readers.h"

struct reader {
    const struct policy *policy;
    size_t count;
    const struct definition **definitions;
    uint64_t *clauses; /* by definition */
    bool *amounts;
    uint64_t bit;
    bool of_amounts; /* what is read now, is read by amounts */
};

static void read_set(struct reader *reader, const struct set_expr *set);
static void read_expr(struct reader *reader, const struct expr *expr);
static void read_gradual(struct reader *reader, const struct definition *d);

static void read_name(struct reader *reader, struct slice name)
{
    for (size_t i = 0; i < reader->count && name.length > 0; i++) {
        const struct definition *d = reader->definitions[i];
        bool known = (reader->clauses[i] & reader->bit) != 0 && (reader->amounts[i] || !reader->of_amounts);
        if (!slice_equal(d->name, name) || known)
            continue;
        reader->clauses[i] |= reader->bit;
        reader->amounts[i] = reader->amounts[i] || reader->of_amounts;
        read_expr(reader, d->value);
        read_expr(reader, d->low);
        read_expr(reader, d->high);
        read_set(reader, d->set);
        for (const struct dated_value *v = d->dated; v != NULL; v = v->next) {
            read_expr(reader, v->rural);
            read_expr(reader, v->urban);
        }
        read_gradual(reader, d);
    }
}

static void read_set(struct reader *reader, const struct set_expr *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->part_count; i++)
        read_name(reader, set->parts[i].text);
    read_expr(reader, set->filter);
}

/* Every kind of expression keeps its parts in the same places. */
static void read_expr(struct reader *reader, const struct expr *expr)
{
    if (expr == NULL)
        return;
    read_name(reader, expr->name);
    read_name(reader, expr->window);
    read_set(reader, expr->set);
    read_expr(reader, expr->a);
    read_expr(reader, expr->b);
    read_expr(reader, expr->c);
}

/* The state that was lost, who may have lost it, and what else each row asks. */
static void read_gradual(struct reader *reader, const struct definition *d)
{
    if (d->gradual == NULL)
        return;
    read_name(reader, d->code);
    read_name(reader, slice_of(word_text(WORD_MEMBERS, reader->policy->language)));
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next)
        read_expr(reader, row->condition);
}

/* Members decide for every clause whether a household is looked at. */
static void read_clauses(struct reader *reader)
{
    const struct policy *policy = reader->policy;
    size_t index = 0;
    for (const struct clause_statement *c = policy->ast.clauses; c != NULL; c = c->next, index++) {
        reader->bit = UINT64_C(1) << index;
        for (const struct clause_line *line = c->lines; line != NULL; line = line->next)
            read_expr(reader, line->value);
        read_set(reader, c->some);
        for (const struct clause_line *line = c->some_lines; line != NULL; line = line->next)
            read_expr(reader, line->value);
        reader->of_amounts = true;
        for (const struct amount_line *line = c->amounts; line != NULL; line = line->next)
            read_expr(reader, line->value);
        reader->of_amounts = false;
        if (!c->even_empty)
            read_name(reader, slice_of(word_text(WORD_MEMBERS, policy->language)));
    }
}

bool readers_find(const struct policy *policy, struct arena *arena, struct readers *readers)
{
    size_t count = 0;
    for (const struct definition *d = policy->ast.definitions; d != NULL; d = d->next)
        count++;
    struct reader reader = {.policy = policy,
                            .definitions = arena_array(arena, count + 1, sizeof *reader.definitions),
                            .clauses = arena_array(arena, count + 1, sizeof *reader.clauses),
                            .amounts = arena_array(arena, count + 1, sizeof *reader.amounts)};
    if (reader.definitions == NULL || reader.clauses == NULL || reader.amounts == NULL)
        return false;
    for (const struct definition *d = policy->ast.definitions; d != NULL; d = d->next)
        reader.definitions[reader.count++] = d;
    read_clauses(&reader);
    *readers = (struct readers){reader.clauses, reader.amounts};
    return true;
}
