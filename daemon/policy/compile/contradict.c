/* SPDX-License-Identifier: PostgreSQL */
/*
 * Clauses that can never fire, as far as intervals tell: a line that its bounds decide, lines that leave each other no room
 * (人均 ≥ 1.5 × 低保 beside 人均 < 低保), an exception that is true of whatever the clause asks for.
 */
#include "policy/compile/implies.h"

/* What a clause asks for, its exceptions last: it is they who are too wide. */
struct lines {
    const struct program *program;
    int some, some_line; /* who the lines below 某 speak of, and where that stands */
    size_t count;
    const struct program_line **items;
};

static void check_always(struct compiler *compiler, const struct program_line *line)
{
    uint8_t always = emit_always(compiler->program, line->reg);
    if (always == SETTLED_FALSE)
        diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_NEVER, line->text, NULL, NULL);
    if (always == SETTLED_TRUE)
        diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_ALWAYS, line->text, NULL, NULL);
}

/* All of them but `target`, of those before it and not left out. */
static void know_before(const struct lines *lines, size_t target, const bool *left_out, struct known *known)
{
    known_init(known, lines->program);
    known_add(known, lines->some, false);
    for (size_t i = 0; i < target; i++) {
        if (!left_out[i])
            known_add(known, lines->items[i]->reg, false);
    }
}

/* The numbers of the lines that rule out `target`, no more of them than it takes; "" without memory. */
static const char *those_against(struct compiler *compiler, const struct lines *lines, size_t target,
                                 bool *left_out)
{
    struct known known;
    const char *numbers = "";
    for (size_t i = 0; i < target; i++) {
        left_out[i] = true;
        know_before(lines, target, left_out, &known);
        left_out[i] = implies(&known, lines->items[target]->reg, true);
    }
    for (size_t i = 0; i < target; i++) {
        if (!left_out[i])
            numbers = compiler_keep(compiler,
                                    arena_printf(compiler->scratch, "%s%s%d", numbers,
                                                 numbers[0] == '\0' ? "" : ", ", lines->items[i]->at.line));
    }
    if (numbers[0] == '\0') /* the person alone */
        numbers = diagnose_number(compiler->diagnoser, lines->some_line);
    return numbers;
}

/* False when the clause can never fire, for a reason that was told. */
static bool check_line(struct compiler *compiler, const struct lines *lines, size_t target)
{
    const struct program_line *line = lines->items[target];
    bool *left_out = arena_array(compiler->scratch, target + 1, sizeof *left_out);
    struct known known;
    if (left_out == NULL) {
        compiler->failed = true;
        return true;
    }
    known_init(&known, lines->program);
    known_add(&known, line->reg, false);
    if (implies_nothing(&known)) {
        diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_NEVER, line->text, NULL, NULL);
        return false;
    }
    know_before(lines, target, left_out, &known);
    if (!implies(&known, line->reg, true))
        return true;
    diagnose(compiler->diagnoser, line->at,
             line->except ? MESSAGE_EXCEPTION_SWALLOWS : MESSAGE_CLAUSE_CONTRADICTION,
             those_against(compiler, lines, target, left_out), NULL, NULL);
    return false;
}

static void add_lines(struct compiler *compiler, struct lines *lines, const struct program_line *from,
                      size_t count, bool except, bool members)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i].except != except)
            continue;
        lines->items[lines->count++] = &from[i];
        if (members)
            check_always(compiler, &from[i]);
    }
}

void contradict_check(struct compiler *compiler, const struct program_clause *clause)
{
    struct lines lines = {.program = compiler->program,
                          .some = clause->some,
                          .some_line = clause->some < 0 ? 0 : clause->statement->some->at.line};
    bool members = !clause->even_empty; /* bounds of counts presume that there is a member */
    lines.items =
        arena_array(compiler->scratch, clause->line_count + clause->some_line_count + 1, sizeof *lines.items);
    if (lines.items == NULL) {
        compiler->failed = true;
        return;
    }
    add_lines(compiler, &lines, clause->lines, clause->line_count, false, members);
    add_lines(compiler, &lines, clause->some_lines, clause->some_line_count, false, members);
    add_lines(compiler, &lines, clause->lines, clause->line_count, true, members);
    for (size_t i = 0; i < lines.count; i++) {
        if (!check_line(compiler, &lines, i))
            return; /* one is enough to mend */
    }
}
