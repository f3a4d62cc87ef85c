/* SPDX-License-Identifier: PostgreSQL */
/* Values that are no quantities: choices, yes and no, types and grades, levels. A set of them is a mask of 64 bits. */
#include "policy/compile/operand.h"

static const char *choices_of(struct compiler *compiler, const struct program_fact *fact)
{
    struct text text;
    text_init(&text);
    for (int i = 0; i < fact->code->choice_count; i++)
        text_printf(&text, "%s%s", i == 0 ? "" : " ", fact->code->choices[i]);
    if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE)
        text_printf(&text, "%lld..%lld", (long long)fact->low, (long long)fact->high);
    if (fact->kind == WORD_YESNO)
        text_printf(&text, "%s %s", keyword_text(KW_YES, compiler->language),
                    keyword_text(KW_NO, compiler->language));
    const char *copy = compiler_keep(compiler, text_keep(&text, compiler->scratch));
    text_fini(&text);
    return copy;
}

/* The value that a word or number stands for; -1 and diagnosed when it is none of the fact's. */
static int code_value(struct compiler *compiler, const struct program_fact *fact, struct slice text,
                      enum keyword keyword, struct place at)
{
    if (fact->kind == WORD_YESNO && (keyword == KW_YES || keyword == KW_NO))
        return keyword == KW_YES;
    if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) {
        int value = 0;
        bool digits = text.length <= 2;
        for (size_t i = 0; digits && i < text.length; i++) {
            digits = text.bytes[i] >= '0' && text.bytes[i] <= '9';
            value = value * 10 + (text.bytes[i] - '0');
        }
        if (digits && value >= fact->low && value <= fact->high)
            return value;
    }
    for (int i = 0; fact->kind == WORD_CODE && i < fact->code->choice_count; i++) {
        if (slice_is(text, fact->code->choices[i]) || slice_is(text, fact->code->choice_titles[i]))
            return i + 1;
    }
    diagnose(compiler->diagnoser, at, MESSAGE_CHOICE_UNKNOWN, diagnose_slice(compiler->diagnoser, text),
             fact->name, choices_of(compiler, fact));
    return -1;
}

/* All values of a fact that stand in the relation to `value`. */
static uint64_t related_values(const struct program_fact *fact, int symbol, int value)
{
    int first = 1, last = fact->code->choice_count;
    if (fact->kind == WORD_YESNO) {
        first = 0;
        last = 1;
    } else if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) {
        first = (int)fact->low;
        last = (int)fact->high;
    }
    uint64_t mask = 0;
    struct relation relation = comparison_relation(symbol);
    for (int v = first; v <= last; v++) {
        bool holds = relation.op == OP_LESS         ? v < value
                     : relation.op == OP_LESS_EQUAL ? v <= value
                                                    : v == value;
        if (holds != relation.negated)
            mask |= UINT64_C(1) << v;
    }
    return mask;
}

struct operand code_compare(struct compiler *compiler, const struct expr *expr, struct operand code)
{
    const struct program_fact *fact = &compiler->program->facts[code.fact];
    const struct expr *right = expr->b;
    struct slice text = {compiler->policy->text + right->begin, right->end - right->begin};
    if (right->kind == EXPR_NUMBER && right->name.length > 0)
        text = right->name;
    bool plain = right->kind == EXPR_NUMBER || right->kind == EXPR_YES || right->kind == EXPR_NO ||
                 right->kind == EXPR_NAME;
    if (!plain || (right->kind == EXPR_NUMBER && right->has_unit))
        return compiler_refuse(compiler, right->at, MESSAGE_COMPARE_SIDES, fact->name, NULL, NULL);
    if (fact->kind != WORD_GRADE && comparison_relation(expr->symbol).op != OP_EQUAL)
        return compiler_refuse(compiler, expr->at, MESSAGE_COMPARE_ORDER, fact->name, NULL, NULL);
    enum keyword keyword = right->kind == EXPR_YES  ? KW_YES
                           : right->kind == EXPR_NO ? KW_NO
                                                    : KW_NONE_OF_THESE;
    int value = code_value(compiler, fact, text, keyword, right->at);
    if (value < 0)
        return operand_none();
    return operand_condition(
        emit_mask(compiler, OP_CODE_IN, code.reg, related_values(fact, expr->symbol, value), expr->at),
        code.domain);
}

static struct operand level_in(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    static const enum policy_level levels[] = {[KW_RED - KW_RED] = LEVEL_RED,
                                               [KW_ORANGE - KW_RED] = LEVEL_ORANGE,
                                               [KW_YELLOW - KW_RED] = LEVEL_YELLOW,
                                               [KW_VERIFY - KW_RED] = LEVEL_VERIFY};
    if (!compiler->level_allowed || scope != SCOPE_HOUSEHOLD)
        return compiler_refuse(compiler, expr->a->at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
    uint64_t mask = 0;
    for (size_t i = 0; i < expr->item_count; i++) {
        enum keyword keyword = expr->items[i].keyword;
        if (keyword < KW_RED || keyword > KW_VERIFY)
            return compiler_refuse(compiler, expr->items[i].at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
        mask |= UINT64_C(1) << levels[keyword - KW_RED];
    }
    return operand_condition(emit_mask(compiler, OP_LEVEL_IN, NO_REGISTER, mask, expr->at), DOMAIN_HOUSEHOLD);
}

/* Says what stands left of 属于 instead of a value. */
static void refuse_left(struct compiler *compiler, const struct expr *left)
{
    const struct symbol *symbol = NULL;
    if (left->kind == EXPR_FACT || left->kind == EXPR_NAME)
        symbol = declare_lookup(compiler, left->name);
    const struct definition *d = symbol == NULL ? NULL : symbol->definition;
    bool amount = d != NULL && (d->kind == KW_STANDARD || d->kind == KW_SETTING || d->kind == KW_AMOUNT_DEF ||
                                (d->kind == KW_FACT && d->fact_kind == WORD_NONE));
    bool event = d != NULL && d->kind == KW_FACT && d->fact_kind == WORD_EVENT;
    diagnose(compiler->diagnoser, left->at,
             amount  ? MESSAGE_IN_AMOUNT
             : event ? MESSAGE_IN_EVENT
                     : MESSAGE_IN_LEFT,
             event ? diagnose_slice(compiler->diagnoser, d->name) : operand_text(compiler, left), NULL, NULL);
}

/* Finds the fact of 现有 or 最新 without emitting anything. */
static const struct program_fact *phrase_fact(struct compiler *compiler, const struct expr *phrase)
{
    struct symbol *symbol = declare_find(compiler, phrase->name, phrase->at);
    if (symbol == NULL)
        return NULL;
    const struct definition *d = symbol->definition;
    if (d->kind != KW_FACT || d->fact_kind == WORD_NONE || d->fact_kind == WORD_EVENT) {
        refuse_left(compiler, phrase);
        return NULL;
    }
    return symbol->index < 0 ? NULL : &compiler->program->facts[symbol->index];
}

struct operand code_in_list(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    const struct expr *left = expr->a;
    if (left->kind == EXPR_KINSHIP || left->kind == EXPR_LABOUR)
        return trait_elaborate(compiler, expr, scope);
    if (left->kind == EXPR_LEVEL)
        return level_in(compiler, expr, scope);
    if (left->kind != EXPR_FACT || (left->verb != KW_CURRENT && left->verb != KW_LATEST)) {
        refuse_left(compiler, left);
        return operand_none();
    }
    const struct program_fact *fact = phrase_fact(compiler, left);
    if (fact == NULL)
        return operand_none();
    uint64_t mask = 0;
    for (size_t i = 0; i < expr->item_count; i++) {
        int value =
            code_value(compiler, fact, expr->items[i].text, expr->items[i].keyword, expr->items[i].at);
        if (value < 0)
            return operand_none();
        mask |= UINT64_C(1) << value;
    }
    if (left->verb == KW_CURRENT)
        return phrase_elaborate(compiler, left, scope, mask);
    struct operand code = elaborate(compiler, left, scope);
    if (code.type != OPERAND_CODE)
        return operand_none();
    return operand_condition(emit_mask(compiler, OP_CODE_IN, code.reg, mask, expr->at), code.domain);
}
