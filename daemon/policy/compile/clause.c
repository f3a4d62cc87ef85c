/* SPDX-License-Identifier: PostgreSQL */
/* Clauses: their lines, reasons and causes, and what can be said against them before any household is looked at. */
#include "policy/compile/amount.h"
#include "policy/compile/compiler.h"
#include "policy/compile/versions.h"
#include "policy/syntax/parser.h"

#include <string.h>

static const struct {
    enum policy_clause_kind kind;
    enum policy_level level;
} kinds[] = {
    [KW_RED - KW_RED] = {CLAUSE_COLOUR, LEVEL_RED},
    [KW_ORANGE - KW_RED] = {CLAUSE_COLOUR, LEVEL_ORANGE},
    [KW_YELLOW - KW_RED] = {CLAUSE_COLOUR, LEVEL_YELLOW},
    [KW_VERIFY - KW_RED] = {CLAUSE_VERIFY, LEVEL_VERIFY},
    [KW_CHECK - KW_RED] = {CLAUSE_CHECK, LEVEL_NONE},
    [KW_SUGGEST - KW_RED] = {CLAUSE_SUGGESTION, LEVEL_NONE},
    [KW_TAG - KW_RED] = {CLAUSE_TAG, LEVEL_NONE},
};

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* The comparison of amounts that a line is, also through a definition (收入低) and 非; -1 when it is more than that. The line is a
 * condition: every name in it is one that stands above it. Of a definition over persons the first comparison is a person's. */
static int line_comparison(struct compiler *compiler, const struct expr *expr)
{
    while (expr->kind == EXPR_NOT || expr->kind == EXPR_NAME) {
        if (expr->kind == EXPR_NOT) {
            expr = expr->a;
            continue;
        }
        const struct definition *d = declare_lookup(compiler, expr->name)->definition;
        if (d->kind != KW_CONDITION_DEF && d->kind != KW_PERSON_DEF)
            return -1;
        expr = d->value;
    }
    for (size_t i = 0; i < compiler->program->comparison_count; i++) {
        if (compiler->program->comparisons[i].expr == expr)
            return (int)i;
    }
    return -1;
}

/* 除外 and 限于 are part of what a guard says. */
static const char *guard_text(struct compiler *compiler, const struct clause_line *line)
{
    return compiler_keep(compiler,
                         arena_printf(compiler->arena, "%s %s", keyword_text(line->kind, compiler->language),
                                      compiler_text(compiler, line->value)));
}

static size_t count_lines(const struct clause_line *line)
{
    size_t count = 0;
    for (; line != NULL; line = line->next)
        count++;
    return count;
}

static size_t compile_lines(struct compiler *compiler, const struct clause_line *from, enum scope scope,
                            bool suggestion, struct program_line **lines)
{
    size_t count = 0;
    *lines = compiler_alloc(compiler, count_lines(from) + 1, sizeof **lines);
    for (const struct clause_line *line = from; line != NULL && *lines != NULL; line = line->next) {
        bool guard = line->kind == KW_ONLY || line->kind == KW_EXCEPT;
        compiler->level_allowed = suggestion && line->kind == KW_ONLY;
        int reg = elaborate_condition(compiler, line->value, scope);
        compiler->level_allowed = false;
        if (line->kind == KW_EXCEPT)
            reg = emit_unary(compiler, OP_NOT, reg, line->at);
        (*lines)[count++] = (struct program_line){
            .reg = reg,
            .guard = guard,
            .except = line->kind == KW_EXCEPT,
            .evidence = line->kind == KW_EVIDENCE,
            .comparison = reg < 0 ? -1 : line_comparison(compiler, line->value),
            .text = guard ? guard_text(compiler, line) : compiler_text(compiler, line->value),
            .at = line->at};
        if (line->citation.given)
            declare_check_citation(compiler, &line->citation, line->citation.article, line->at);
    }
    return count;
}

/* --- reasons ------------------------------------------------------------------------------------------------------ */

static struct place advance(struct place at, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        i += utf8_char_length(bytes + i, length - i);
        at.column++;
    }
    return at;
}

static size_t count_pieces(const char *bytes, size_t length)
{
    size_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] == '{' ? 2 : 0;
    return count;
}

static void add_text(struct compiler *compiler, struct program_clause *clause, const char *bytes,
                     size_t length)
{
    if (length > 0)
        clause->pieces[clause->piece_count++] = (struct reason_piece){
            .text = compiler_string(compiler, (struct slice){bytes, length}), .reg = NO_REGISTER};
}

static void add_value(struct compiler *compiler, struct program_clause *clause, size_t begin, size_t end,
                      struct place at)
{
    struct expr *expr = parser_run_expression(compiler->policy->text, begin, end, at, compiler->diagnoser,
                                              compiler->arena, compiler->scratch);
    struct operand operand = elaborate(compiler, expr, SCOPE_HOUSEHOLD);
    if (operand.type == OPERAND_CONDITION)
        compiler_refuse(compiler, at, MESSAGE_TEMPLATE_KIND, NULL, NULL, NULL);
    if (operand.type == OPERAND_QUANTITY || operand.type == OPERAND_CODE)
        clause->pieces[clause->piece_count++] = (struct reason_piece){.is_code = operand.type == OPERAND_CODE,
                                                                      .reg = operand.reg,
                                                                      .fact = operand.fact,
                                                                      .quantity = operand.quantity};
}

static void compile_reason(struct compiler *compiler, struct program_clause *clause)
{
    const struct clause_statement *statement = clause->statement;
    const char *text = compiler->policy->text;
    size_t from = statement->reason_begin;
    struct place at = statement->reason_at;
    clause->pieces = compiler_alloc(compiler, count_pieces(text + from, statement->reason_end - from),
                                    sizeof *clause->pieces);
    while (clause->pieces != NULL && from < statement->reason_end) {
        const char *open = memchr(text + from, '{', statement->reason_end - from);
        size_t stop = open == NULL ? statement->reason_end : (size_t)(open - text);
        add_text(compiler, clause, text + from, stop - from);
        at = advance(at, text + from, stop - from);
        if (open == NULL)
            break;
        const char *close = memchr(open, '}', statement->reason_end - stop);
        if (close == NULL || memchr(open + 1, '{', (size_t)(close - open)) != NULL) {
            diagnose(compiler->diagnoser, at, MESSAGE_TEMPLATE_OPEN, NULL, NULL, NULL);
            break;
        }
        at.column++;
        add_value(compiler, clause, stop + 1, (size_t)(close - text), at);
        at = advance(at, open + 1, (size_t)(close - open));
        from = (size_t)(close - text) + 1;
    }
}

static void compile_causes(struct compiler *compiler, struct program_clause *clause)
{
    size_t count = 0;
    for (const struct cause_line *line = clause->statement->causes; line != NULL; line = line->next)
        count++;
    clause->causes = compiler_alloc(compiler, count + 1, sizeof *clause->causes);
    for (const struct cause_line *line = clause->statement->causes; line != NULL && clause->causes != NULL;
         line = line->next) {
        if (line->condition == NULL && line->next != NULL)
            diagnose(compiler->diagnoser, line->next->at, MESSAGE_CLAUSE_CAUSE_NEVER, NULL, NULL, NULL);
        if (line->condition != NULL && line->next == NULL)
            diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_CAUSE_LAST, NULL, NULL, NULL);
        int reg = line->condition == NULL ? NO_REGISTER
                                          : elaborate_condition(compiler, line->condition, SCOPE_HOUSEHOLD);
        clause->causes[clause->cause_count++] = (struct program_cause){line->cause, reg};
    }
}

/* --- one clause --------------------------------------------------------------------------------------------------- */

static void refuse_part(struct compiler *compiler, const struct clause_statement *statement,
                        enum keyword part, struct place at, const char *chinese, const char *english)
{
    diagnose(compiler->diagnoser, at, MESSAGE_CLAUSE_PART, keyword_text(part, compiler->language),
             keyword_text(statement->kind, compiler->language),
             compiler->language == LANGUAGE_CHINESE ? chinese : english);
}

static void check_parts(struct compiler *compiler, const struct clause_statement *statement,
                        enum policy_clause_kind kind)
{
    const char *name = diagnose_slice(compiler->diagnoser, statement->name);
    bool condition = statement->some_lines != NULL;
    for (const struct clause_line *line = statement->lines; line != NULL; line = line->next)
        condition = condition || line->kind == KW_WHEN || line->kind == KW_EVIDENCE;
    declare_check_citation(compiler, &statement->citation, statement->name, statement->at);
    if (kind != CLAUSE_SUGGESTION && statement->amounts != NULL)
        refuse_part(compiler, statement, KW_AMOUNT, statement->amounts->at, "议", "suggest");
    if (kind != CLAUSE_COLOUR && kind != CLAUSE_SUGGESTION && statement->valid_months > 0)
        refuse_part(compiler, statement, KW_VALID, statement->valid_at, "红 橙 黄 议",
                    "red, orange, yellow, suggest");
    if (kind == CLAUSE_SUGGESTION && statement->clear_rounds + statement->clear_batches > 0)
        refuse_part(compiler, statement, KW_CLEAR, statement->clear_at, "红 橙 黄 核 查 签",
                    "red, orange, yellow, verify, check, tag");
    if (kind == CLAUSE_TAG && statement->due_days > 0)
        refuse_part(compiler, statement, KW_DUE, statement->due_at, "红 橙 黄 核 查 议",
                    "red, orange, yellow, verify, check, suggest");
    if (!condition)
        diagnose(compiler->diagnoser, statement->at, MESSAGE_CLAUSE_EMPTY, name, NULL, NULL);
    if (!statement->has_reason)
        diagnose(compiler->diagnoser, statement->at, MESSAGE_CLAUSE_NO_REASON, name, NULL, NULL);
    if (statement->causes == NULL && (kind == CLAUSE_COLOUR || kind == CLAUSE_VERIFY))
        diagnose(compiler->diagnoser, statement->at, MESSAGE_CLAUSE_NO_CAUSE, name,
                 cause_list(compiler->language), NULL);
}

/* The number of the source whose batches are counted. */
static int clear_source(struct compiler *compiler, const struct clause_statement *statement)
{
    if (statement->clear_batches == 0)
        return -1;
    int number = declare_source_number(compiler, statement->clear_source.text);
    if (number < 0)
        diagnose(compiler->diagnoser, statement->clear_source.at, MESSAGE_SOURCE_UNKNOWN,
                 diagnose_slice(compiler->diagnoser, statement->clear_source.text), "", NULL);
    return number;
}

static void compile_shown(struct compiler *compiler, struct program_clause *clause)
{
    const struct clause_statement *statement = clause->statement;
    const char **referrals = compiler_alloc(compiler, statement->referral_count + 1, sizeof *referrals);
    for (size_t i = 0; i < statement->referral_count && referrals != NULL; i++)
        referrals[i] = compiler_string(compiler, statement->referrals[i].text);
    clause->shown =
        (struct policy_clause){.name = compiler_string(compiler, statement->name),
                               .title = compiler_string(compiler, statement->title),
                               .kind = kinds[statement->kind - KW_RED].kind,
                               .level = kinds[statement->kind - KW_RED].level,
                               .citation = declare_citation_text(compiler, &statement->citation),
                               .due_days = statement->due_days,
                               .referral_count = referrals == NULL ? 0 : statement->referral_count,
                               .referrals = referrals,
                               .valid_months = statement->valid_months,
                               .clear_rounds = statement->clear_rounds,
                               .clear_batches = statement->clear_batches,
                               .clear_source = clear_source(compiler, statement),
                               .clear_source_title = compiler_string(compiler, statement->clear_source.text)};
}

static void compile_clause(struct compiler *compiler, const struct clause_statement *statement)
{
    struct program_clause *clause = &compiler->program->clauses[compiler->program->clause_count++];
    *clause = (struct program_clause){.statement = statement,
                                      .from = statement->from,
                                      .to = statement->to,
                                      .even_empty = statement->even_empty,
                                      .some = NO_REGISTER};
    compile_shown(compiler, clause);
    check_parts(compiler, statement, clause->shown.kind);
    bool suggestion = clause->shown.kind == CLAUSE_SUGGESTION;
    clause->line_count =
        compile_lines(compiler, statement->lines, SCOPE_HOUSEHOLD, suggestion, &clause->lines);
    if (statement->some != NULL) {
        struct people people = aggregate_people(compiler, statement->some);
        if (people.good && people.household)
            compiler_refuse(compiler, statement->some->at, MESSAGE_SET_HOUSEHOLD,
                            keyword_text(KW_SOME, compiler->language), NULL, NULL);
        clause->some = people.mask;
    }
    clause->some_line_count =
        compile_lines(compiler, statement->some_lines, SCOPE_PERSON, false, &clause->some_lines);
    amount_compile(compiler, clause);
    if (compiler->outcomes_only)
        return;
    if (statement->has_reason)
        compile_reason(compiler, clause);
    compile_causes(compiler, clause);
}

void clause_compile_all(struct compiler *compiler)
{
    const struct clause_statement *statements = compiler->policy->ast.clauses;
    size_t count = 0;
    for (const struct clause_statement *s = statements; s != NULL; s = s->next)
        count++;
    if (count > POLICY_CLAUSES_MAX) {
        diagnose(compiler->diagnoser, statements->at, MESSAGE_CLAUSE_MASK,
                 diagnose_number(compiler->diagnoser, POLICY_CLAUSES_MAX), NULL, NULL);
        return;
    }
    if (count == 0 && diagnoser_clean(compiler->diagnoser))
        diagnose(compiler->diagnoser, (struct place){1, 1}, MESSAGE_NO_CLAUSES, NULL, NULL, NULL);
    versions_check_names(compiler);
    compiler->program->clauses = compiler_alloc(compiler, count + 1, sizeof *compiler->program->clauses);
    for (const struct clause_statement *s = statements; s != NULL && !compiler->failed; s = s->next)
        compile_clause(compiler, s);
}

/* --- what can be said without a household ------------------------------------------------------------------------- */

/* All lines of a clause, households' first. */
static const struct program_line *line_at(const struct program_clause *clause, size_t index)
{
    return index < clause->line_count ? &clause->lines[index]
                                      : &clause->some_lines[index - clause->line_count];
}

/* Evidence matters when some other line can stay undecided while it is true. */
static void check_evidence(struct compiler *compiler, const struct program_clause *clause)
{
    const struct program *program = compiler->program;
    size_t count = clause->line_count + clause->some_line_count;
    for (size_t i = 0; i < count; i++) {
        if (!line_at(clause, i)->evidence)
            continue;
        enum message why =
            clause->shown.kind == CLAUSE_SUGGESTION ? MESSAGE_EVIDENCE_SUGGEST : MESSAGE_EVIDENCE_DECIDED;
        bool useful = false;
        for (size_t j = 0; j < count && why != MESSAGE_EVIDENCE_SUGGEST; j++)
            useful = useful || (j != i && program->steps[line_at(clause, j)->reg].may_be_undecided);
        if (clause->some >= 0 && why != MESSAGE_EVIDENCE_SUGGEST)
            useful = useful || program->steps[clause->some].may_be_undecided;
        if (useful)
            continue;
        struct text text;
        text_init(&text);
        message_fill(&text, compiler->language, why, (const char *const[3]){NULL, NULL, NULL});
        diagnose(compiler->diagnoser, line_at(clause, i)->at, MESSAGE_EVIDENCE_UNUSED,
                 compiler_keep(compiler, text_keep(&text, compiler->scratch)), NULL, NULL);
        text_fini(&text);
    }
}

/* A standard and the days of a window are positive whoever lives there. */
static bool counts_members(const struct program *program, const struct comparison *comparison)
{
    for (int i = 0; i < comparison->divisor_count; i++) {
        const struct step *step = &program->steps[comparison->divisors[i]];
        if (step->op == OP_SPREAD)
            step = &program->steps[step->a];
        if (step->op != OP_DAYS && step->op != OP_STANDARD)
            return true;
    }
    return false;
}

/* 无成员亦查: the number of members may be zero, so nothing may be divided by it. */
static void check_divisors(struct compiler *compiler, size_t index)
{
    const struct program *program = compiler->program;
    const struct program_clause *clause = &program->clauses[index];
    for (size_t i = 0; i < program->comparison_count && clause->even_empty; i++) {
        const struct comparison *comparison = &program->comparisons[i];
        bool used = (program->steps[comparison->reg].clauses >> index & 1) != 0;
        if (used && counts_members(program, comparison))
            diagnose(compiler->diagnoser, clause->statement->at, MESSAGE_DIVISOR_EMPTY,
                     compiler_text(compiler, comparison->expr), NULL, NULL);
    }
}

/* The dictionary numbers of the facts that the clause's condition reads. */
static void collect_codes(struct compiler *compiler, size_t index)
{
    const struct program *program = compiler->program;
    struct policy_clause *shown = &compiler->program->clauses[index].shown;
    int16_t *codes = compiler_alloc(compiler, program->code_count + 1, sizeof *codes);
    if (codes == NULL)
        return;
    for (size_t c = 0; c < program->code_count; c++) {
        bool read = false;
        for (size_t i = 0; i < program->step_count && !read; i++) {
            const struct step *step = &program->steps[i];
            read = step->fact >= 0 && (step->clauses >> index & 1) != 0 &&
                   program->facts[step->fact].position == c;
        }
        if (read)
            codes[shown->code_count++] = program->codes[c];
    }
    shown->codes = codes;
}

void clause_check_all(struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->program->clause_count; i++) {
        contradict_check(compiler, &compiler->program->clauses[i]);
        check_evidence(compiler, &compiler->program->clauses[i]);
        check_divisors(compiler, i);
        collect_codes(compiler, i);
    }
    versions_check_dates(compiler);
}
