/* SPDX-License-Identifier: PostgreSQL */
/* The order of the work: parse, declare, define, clauses, plan, checks. */
#include "policy/compile/check_clauses.h"
#include "policy/compile/compiler.h"
#include "policy/compile/example.h"
#include "policy/compile/trial.h"
#include "policy/syntax/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text of the greatest size makes at most some tens of megabytes of tree; hostile text stops here. */
#define POLICY_ARENA_BYTES  ((size_t)256 << 20)
#define SCRATCH_ARENA_BYTES ((size_t)256 << 20)

void *compiler_alloc(struct compiler *compiler, size_t count, size_t size)
{
    void *memory = arena_array(compiler->arena, count, size);
    if (memory == NULL)
        compiler->failed = true;
    return memory;
}

const char *compiler_string(struct compiler *compiler, struct slice slice)
{
    return compiler_keep(compiler, arena_copy(compiler->arena, slice.bytes, slice.length));
}

const char *compiler_keep(struct compiler *compiler, const char *made)
{
    compiler->failed = compiler->failed || made == NULL;
    return made == NULL ? "" : made;
}

struct operand compiler_refuse(struct compiler *compiler, struct place at, enum message message,
                               const char *a, const char *b, const char *c)
{
    diagnose(compiler->diagnoser, at, message, a, b, c);
    return (struct operand){.type = OPERAND_ERROR, .reg = NO_REGISTER};
}

const char *compiler_unit(struct compiler *compiler, struct unit unit)
{
    char text[UNIT_TEXT_SIZE];
    return compiler_keep(compiler,
                         arena_strdup(compiler->scratch, unit_format(unit, compiler->language, text)));
}

const char *compiler_kind(struct compiler *compiler, enum keyword kind)
{
    return keyword_text(kind, compiler->language);
}

const char *compiler_text(struct compiler *compiler, const struct expr *expr)
{
    size_t length = expr->end - expr->begin, used = 0;
    const char *from = compiler->policy->text + expr->begin;
    char *copy = compiler_alloc(compiler, length + 1, 1);
    if (copy == NULL)
        return "";
    for (size_t i = 0; i < length; i++) {
        if (from[i] == '#') /* a comment: the last word stands behind it */
            i += strcspn(from + i, "\n");
        bool blank = from[i] == ' ' || from[i] == '\t' || from[i] == '\n' || from[i] == '\r';
        if (!blank)
            copy[used++] = from[i];
        else if (copy[used - 1] != ' ') /* an expression does not begin with one */
            copy[used++] = ' ';
    }
    copy[used] = '\0';
    return copy;
}

/* Sets and definitions in the file's order, so that each finds what it names done. */
static void define_all(struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->symbol_count && !compiler->failed; i++) {
        struct symbol *symbol = &compiler->symbols[i];
        const struct definition *d = symbol->definition;
        if (d->kind == KW_SET) {
            struct set_expr whole = {
                .at = d->at, .part_count = 1, .parts = {{d->name, d->at, KW_NONE_OF_THESE}}};
            aggregate_people(compiler, &whole);
        } else if (d->kind == KW_PERSON_DEF) {
            elaborate_definition(compiler, symbol, SCOPE_PERSON, d->at);
        } else if (d->kind == KW_CONDITION_DEF || d->kind == KW_AMOUNT_DEF || d->kind == KW_GRADUAL ||
                   d->kind == KW_STATISTIC) {
            elaborate_definition(compiler, symbol, SCOPE_HOUSEHOLD, d->at);
        }
    }
}

/* 成员 decides which households have anybody to look at: it must exist and always be decided. */
static void define_members(struct compiler *compiler)
{
    const char *name = word_text(WORD_MEMBERS, compiler->language);
    struct symbol *symbol = declare_lookup(compiler, slice_of(name));
    struct place begin = {1, 1};
    compiler->program->members = NO_REGISTER;
    if (symbol == NULL || symbol->definition->kind != KW_SET) {
        if (diagnoser_clean(
                compiler->diagnoser)) /* else its statement may be one of those that were refused */
            diagnose(compiler->diagnoser, begin, MESSAGE_MEMBERS_MISSING, name, NULL, NULL);
        return;
    }
    const struct people people = symbol->people;
    if (!people.good)
        return;
    if (people.household)
        diagnose(compiler->diagnoser, symbol->definition->at, MESSAGE_MEMBERS_HOUSEHOLD, name, NULL, NULL);
    if (compiler->program->steps[people.mask].may_be_undecided)
        diagnose(compiler->diagnoser, symbol->definition->at, MESSAGE_MEMBERS_UNDECIDED, name, NULL, NULL);
    compiler->program->members =
        emit_segment(compiler, OP_COUNT, people.mask, NO_REGISTER, true, symbol->definition->at);
}

static const struct program_gradual *find_gradual(const struct program *program, const struct definition *d)
{
    const struct program_gradual *gradual = program->graduals;
    while (gradual != NULL && gradual->definition != d)
        gradual = gradual->next;
    return gradual;
}

/* Definitions and statistics as the explanation shows them. */
static void list_definitions(struct compiler *compiler)
{
    struct program *program = compiler->program;
    program->definitions = compiler_alloc(compiler, compiler->symbol_count + 1, sizeof *program->definitions);
    for (size_t i = 0; i < compiler->symbol_count && program->definitions != NULL; i++) {
        const struct symbol *symbol = &compiler->symbols[i];
        const struct operand *operand = &symbol->operands[SCOPE_HOUSEHOLD];
        const struct definition *d = symbol->definition;
        if (d->kind == KW_STATISTIC && operand->type == OPERAND_CONDITION) {
            if (program->statistic_count == PROGRAM_STATISTICS_MAX) {
                diagnose(compiler->diagnoser, d->at, MESSAGE_TOO_BIG, compiler_kind(compiler, KW_STATISTIC),
                         diagnose_number(compiler->diagnoser, PROGRAM_STATISTICS_MAX), NULL);
                return;
            }
            program->statistic_names[program->statistic_count] = compiler_string(compiler, d->name);
            program->statistics[program->statistic_count++] = operand->reg;
        }
        bool shown = d->kind == KW_AMOUNT_DEF || d->kind == KW_CONDITION_DEF || d->kind == KW_GRADUAL;
        if (!shown || operand->type == OPERAND_ERROR)
            continue;
        program->definitions[program->definition_count++] =
            (struct program_definition){.name = compiler_string(compiler, d->name),
                                        .is_condition = operand->type == OPERAND_CONDITION,
                                        .reg = operand->reg,
                                        .quantity = operand->quantity,
                                        .gradual = find_gradual(program, d)};
    }
}

static int by_number(const void *left, const void *right)
{
    const int16_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The codes that some step reads, ascending; each fact gets its place among them. */
static void list_codes(struct compiler *compiler)
{
    struct program *program = compiler->program;
    int16_t *codes = compiler_alloc(compiler, program->fact_count + 1, sizeof *codes);
    if (codes == NULL)
        return;
    size_t count = 0;
    for (size_t i = 0; i < program->fact_count; i++) {
        if (program->facts[i].needed)
            codes[count++] = (int16_t)program->facts[i].code->number;
    }
    qsort(codes, count, sizeof *codes, by_number);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || codes[i] != codes[i - 1])
            codes[program->code_count++] = codes[i];
    }
    program->codes = codes;
    for (size_t i = 0; i < program->fact_count; i++) {
        for (size_t c = 0; c < program->code_count; c++) {
            if (codes[c] == program->facts[i].code->number)
                program->facts[i].position = (uint16_t)c;
        }
    }
}

/* Examples are built as they will be run, so that their mistakes show here. */
static void check_examples(struct compiler *compiler)
{
    struct example_cases cases;
    if (!example_build_all(compiler->policy, compiler->diagnoser, compiler->scratch, &cases))
        compiler->failed = true;
}

static void list_trials(struct compiler *compiler)
{
    struct policy *policy = compiler->policy;
    size_t count = 0;
    for (const struct trial_statement *t = policy->ast.trials; t != NULL; t = t->next)
        count++;
    policy->trials = compiler_alloc(compiler, count + 1, sizeof *policy->trials);
    for (const struct trial_statement *t = policy->ast.trials; t != NULL && policy->trials != NULL;
         t = t->next)
        policy->trials[policy->trial_count++] = compiler_string(compiler, t->name);
}

static void compile_tree(struct compiler *compiler)
{
    struct policy *policy = compiler->policy;
    policy->name = compiler_string(compiler, policy->ast.name);
    policy->version = compiler_string(compiler, policy->ast.version);
    list_trials(compiler);
    if (!emit_begin(compiler) || !declare_all(compiler) || compiler->failed)
        return;
    define_all(compiler);
    define_members(compiler);
    list_definitions(compiler);
    clause_compile_all(compiler);
    if (compiler->failed || !diagnoser_clean(compiler->diagnoser))
        return; /* what follows looks at registers and needs all of them */
    list_codes(compiler);
    if (emit_plan(compiler))
        clause_check_all(compiler);
    if (diagnoser_clean(compiler->diagnoser) && !compiler->failed)
        check_clauses(compiler);
    if (diagnoser_clean(compiler->diagnoser) && !compiler->failed && !compiler->outcomes_only)
        check_examples(compiler);
}

bool compiler_run_again(const struct policy *policy, struct diagnoser *diagnoser, struct arena *arena,
                        struct arena *scratch, struct policy *again)
{
    *again = (struct policy){.arena = arena,
                             .dictionary = policy->dictionary,
                             .language = policy->language,
                             .file_name = policy->file_name,
                             .text = policy->text,
                             .text_length = policy->text_length,
                             .ast = policy->ast};
    struct compiler compiler = {.policy = again,
                                .program = &again->program,
                                .diagnoser = diagnoser,
                                .arena = arena,
                                .scratch = scratch,
                                .language = policy->language,
                                .outcomes_only = true};
    compile_tree(&compiler);
    diagnoser->failed = diagnoser->failed || compiler.failed;
    return diagnoser_clean(diagnoser);
}

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory while compiling a policy");
}

/* The overlay of that name; false and diagnosed when there is none. */
static bool overlay(struct policy *policy, const char *name, struct diagnoser *diagnoser)
{
    const struct trial_statement *trial = trial_find(&policy->ast, slice_of(name));
    if (trial == NULL) {
        diagnose(diagnoser, (struct place){1, 1},
                 policy->ast.trials == NULL ? MESSAGE_TRIAL_NONE : MESSAGE_TRIAL_UNKNOWN,
                 diagnose_slice(diagnoser, slice_of(name)), trial_list(&policy->ast, diagnoser), NULL);
        return false;
    }
    policy->trial = diagnose_keep(diagnoser, arena_strdup(policy->arena, name));
    trial_apply(&policy->ast, trial, diagnoser, policy->arena);
    return diagnoser_clean(diagnoser);
}

/* Parses and compiles into `policy`, with an overlay unless `trial` is NULL; diagnostics tell whether it went well. */
static bool build(struct policy *policy, const char *trial, struct diagnoser *diagnoser,
                  struct arena *scratch)
{
    if (!parser_run(policy->text, policy->text_length, diagnoser, policy->arena, scratch, &policy->ast))
        return !diagnoser->failed;
    policy->language = diagnoser->language;
    trial_check_names(&policy->ast, diagnoser);
    if (trial != NULL && !overlay(policy, trial, diagnoser))
        return !diagnoser->failed;
    struct diagnoser warnings;
    diagnoser_init(&warnings, policy->arena);
    warnings.language = diagnoser->language;
    struct compiler compiler = {.policy = policy,
                                .program = &policy->program,
                                .diagnoser = diagnoser,
                                .warnings = trial == NULL ? &warnings : NULL,
                                .arena = policy->arena,
                                .scratch = scratch,
                                .language = diagnoser->language};
    compile_tree(&compiler);
    diagnoser_finish(&warnings);
    policy->warnings = warnings.found;
    return !compiler.failed && !diagnoser->failed && !warnings.failed;
}

static struct policy *policy_new(const char *file_name, const char *text, size_t length,
                                 const struct dictionary *dictionary)
{
    struct arena *arena = arena_new(POLICY_ARENA_BYTES);
    struct policy *policy = arena == NULL ? NULL : arena_alloc(arena, sizeof *policy);
    if (policy == NULL) {
        arena_free(arena);
        return NULL;
    }
    policy->arena = arena;
    policy->dictionary = dictionary;
    policy->file_name = arena_strdup(arena, file_name);
    policy->text = arena_copy(arena, text, length);
    policy->text_length = length;
    if (policy->file_name == NULL || policy->text == NULL) {
        arena_free(arena);
        return NULL;
    }
    return policy;
}

static enum status refuse(const char *file_name, const struct diagnoser *diagnoser, struct error *err)
{
    const struct policy_diagnostic *first = &diagnoser->found.items[0];
    return error_set(err, STATUS_CONFIG, "%s:%d:%d: %s", file_name, first->line, first->column, first->text);
}

/* A trial is compiled and thrown away; of what is wrong with it the first is told where it stands. */
static bool try_trial(const struct policy *policy, const struct trial_statement *trial,
                      struct diagnoser *diagnoser, struct arena *scratch)
{
    struct diagnoser found;
    const char *name = diagnose_slice(diagnoser, trial->name);
    struct policy *made =
        policy_new(policy->file_name, policy->text, policy->text_length, policy->dictionary);
    diagnoser_init(&found, diagnoser->arena);
    bool good = made != NULL && !found.failed && build(made, name, &found, scratch);
    diagnoser_finish(&found);
    policy_free(made);
    if (!good || found.failed)
        return false;
    if (diagnoser_clean(&found))
        return true;
    const struct policy_diagnostic *first = &found.found.items[0];
    diagnose(diagnoser, trial->at, MESSAGE_TRIAL_BROKEN, name, diagnose_number(diagnoser, first->line),
             first->text);
    return true;
}

/* False when memory has run out. */
static bool try_trials(const struct policy *policy, struct diagnoser *diagnoser)
{
    bool good = true;
    for (const struct trial_statement *t = policy->ast.trials; t != NULL && good; t = t->next) {
        struct arena *scratch = arena_new(SCRATCH_ARENA_BYTES);
        good = scratch != NULL && try_trial(policy, t, diagnoser, scratch);
        arena_free(scratch);
    }
    return good;
}

enum status policy_compile(const char *file_name, const char *text, size_t length,
                           const struct dictionary *dictionary, struct arena *arena,
                           struct policy_diagnostics *diagnostics, struct policy **policy, struct error *err)
{
    return policy_compile_trial(file_name, text, length, dictionary, NULL, arena, diagnostics, policy, err);
}

enum status policy_compile_trial(const char *file_name, const char *text, size_t length,
                                 const struct dictionary *dictionary, const char *trial, struct arena *arena,
                                 struct policy_diagnostics *diagnostics, struct policy **policy,
                                 struct error *err)
{
    struct diagnoser diagnoser;
    trial = trial == NULL || trial[0] == '\0' ? NULL : trial;
    *policy = NULL;
    diagnoser_init(&diagnoser, arena);
    *diagnostics = (struct policy_diagnostics){0};
    if (diagnoser.failed)
        return out_of_memory(err);
    if (length > POLICY_TEXT_MAX_BYTES) {
        diagnose(&diagnoser, (struct place){1, 1}, MESSAGE_TOO_LARGE, NULL, NULL, NULL);
        *diagnostics = diagnoser.found;
        return diagnoser.failed ? out_of_memory(err) : refuse(file_name, &diagnoser, err);
    }
    struct policy *made = policy_new(file_name, text, length, dictionary);
    struct arena *scratch = arena_new(SCRATCH_ARENA_BYTES);
    bool good = made != NULL && scratch != NULL && build(made, trial, &diagnoser, scratch);
    arena_free(scratch);
    if (good && trial == NULL && diagnoser_clean(&diagnoser))
        good = try_trials(made, &diagnoser);
    diagnoser_finish(&diagnoser);
    *diagnostics = diagnoser.found;
    if (good && diagnoser_clean(&diagnoser)) {
        *policy = made;
        return STATUS_OK;
    }
    policy_free(made);
    return good && !diagnoser.failed ? refuse(file_name, &diagnoser, err) : out_of_memory(err);
}

void policy_free(struct policy *policy)
{
    if (policy != NULL)
        arena_free(policy->arena);
}
