/* SPDX-License-Identifier: PostgreSQL */
/* Statements → symbols: names, documents, sources, windows, facts and settings. */
#include "policy/compile/compiler.h"

#include <string.h>

/* --- names -------------------------------------------------------------------------------------------------------- */

struct symbol *declare_lookup(struct compiler *compiler, struct slice name)
{
    for (size_t i = 0; i < compiler->symbol_count; i++) {
        if (slice_equal(compiler->symbols[i].definition->name, name))
            return &compiler->symbols[i];
    }
    return NULL;
}

static struct slice symbol_name(const void *from, size_t index)
{
    return ((const struct symbol *)from)[index].definition->name;
}

static void refuse_unknown(struct compiler *compiler, struct slice name, struct place at)
{
    const char *shown = diagnose_slice(compiler->diagnoser, name);
    enum keyword prefix = keyword_prefix(name, compiler->language);
    size_t length = strlen(keyword_text(prefix, compiler->language));
    struct slice rest = {name.bytes + length, name.length - length};
    bool glued = prefix != KW_NONE_OF_THESE && (declare_lookup(compiler, rest) != NULL ||
                                                keyword_find(rest, compiler->language) != KW_NONE_OF_THESE);
    if (glued) {
        diagnose(compiler->diagnoser, at, MESSAGE_BLANK_MISSING, shown,
                 keyword_text(prefix, compiler->language), NULL);
        return;
    }
    diagnose(compiler->diagnoser, at, MESSAGE_UNKNOWN_NAME, shown,
             compiler_nearest(compiler, name, symbol_name, compiler->symbols, compiler->symbol_count), NULL);
}

struct symbol *declare_find(struct compiler *compiler, struct slice name, struct place at)
{
    struct symbol *symbol = declare_lookup(compiler, name);
    if (symbol == NULL) {
        refuse_unknown(compiler, name, at);
        return NULL;
    }
    if (symbol->busy) {
        diagnose(compiler->diagnoser, at, MESSAGE_SELF_NAME, diagnose_slice(compiler->diagnoser, name), NULL,
                 NULL);
        return NULL;
    }
    struct place defined = symbol->definition->at;
    if (defined.line > at.line) {
        diagnose(compiler->diagnoser, at, MESSAGE_LATER_NAME, diagnose_slice(compiler->diagnoser, name),
                 diagnose_number(compiler->diagnoser, defined.line), NULL);
        return NULL;
    }
    return symbol;
}

/* More documents or sources than any policy cites; keeps the search for duplicates short. */
enum { DECLARED_MAX = 256 };

static bool too_many(struct compiler *compiler, enum keyword what, size_t count, struct place at)
{
    if (count <= DECLARED_MAX)
        return false;
    diagnose(compiler->diagnoser, at, MESSAGE_TOO_BIG, keyword_text(what, compiler->language),
             diagnose_number(compiler->diagnoser, DECLARED_MAX), NULL);
    return true;
}

static void refuse_duplicates(struct compiler *compiler)
{
    const struct policy_ast *ast = &compiler->policy->ast;
    size_t documents = 0, sources = 0;
    for (const struct document *d = ast->documents; d != NULL; d = d->next) {
        if (too_many(compiler, KW_DOCUMENT, ++documents, d->at))
            return;
    }
    for (const struct source_statement *s = ast->sources; s != NULL; s = s->next) {
        if (too_many(compiler, KW_SOURCE, ++sources, s->at))
            return;
    }
    for (const struct document *a = ast->documents; a != NULL; a = a->next) {
        for (const struct document *b = ast->documents; b != a; b = b->next) {
            if (slice_equal(a->name, b->name))
                diagnose(compiler->diagnoser, a->at, MESSAGE_NAME_TWICE,
                         diagnose_slice(compiler->diagnoser, a->name),
                         diagnose_number(compiler->diagnoser, b->at.line), NULL);
        }
    }
    for (const struct source_statement *a = ast->sources; a != NULL; a = a->next) {
        for (const struct source_statement *b = ast->sources; b != a; b = b->next) {
            if (slice_equal(a->name, b->name))
                diagnose(compiler->diagnoser, a->at, MESSAGE_NAME_TWICE,
                         diagnose_slice(compiler->diagnoser, a->name),
                         diagnose_number(compiler->diagnoser, b->at.line), NULL);
            else if (slice_equal(a->feed, b->feed))
                diagnose(compiler->diagnoser, a->feed_at, MESSAGE_SOURCE_TWICE,
                         diagnose_slice(compiler->diagnoser, a->feed),
                         diagnose_number(compiler->diagnoser, b->at.line), NULL);
        }
    }
}

static bool add_symbols(struct compiler *compiler)
{
    size_t count = 0;
    for (const struct definition *d = compiler->policy->ast.definitions; d != NULL; d = d->next)
        count++;
    if (count > SYMBOLS_MAX) {
        diagnose(compiler->diagnoser, compiler->policy->ast.definitions->at, MESSAGE_TOO_BIG,
                 compiler->language == LANGUAGE_CHINESE ? "名称" : "names",
                 diagnose_number(compiler->diagnoser, SYMBOLS_MAX), NULL);
        return false;
    }
    compiler->symbols = arena_array(compiler->scratch, count + 1, sizeof *compiler->symbols);
    if (compiler->symbols == NULL) {
        compiler->failed = true;
        return false;
    }
    for (struct definition *d = compiler->policy->ast.definitions; d != NULL; d = d->next) {
        const struct symbol *earlier = declare_lookup(compiler, d->name);
        if (earlier != NULL) {
            diagnose(compiler->diagnoser, d->at, MESSAGE_NAME_TWICE,
                     diagnose_slice(compiler->diagnoser, d->name),
                     diagnose_number(compiler->diagnoser, earlier->definition->at.line), NULL);
            continue;
        }
        compiler->symbols[compiler->symbol_count++] = (struct symbol){.definition = d, .index = -1};
    }
    return true;
}

/* --- citations ---------------------------------------------------------------------------------------------------- */

static const struct document *find_document(const struct compiler *compiler, struct slice name)
{
    for (const struct document *d = compiler->policy->ast.documents; d != NULL; d = d->next) {
        if (slice_equal(d->name, name))
            return d;
    }
    return NULL;
}

void declare_check_citation(struct compiler *compiler, const struct citation *citation, struct slice what,
                            struct place at)
{
    if (!citation->given) {
        diagnose(compiler->diagnoser, at, MESSAGE_CITATION_MISSING, diagnose_slice(compiler->diagnoser, what),
                 NULL, NULL);
    } else if (find_document(compiler, citation->document) == NULL) {
        diagnose(compiler->diagnoser, citation->at, MESSAGE_DOCUMENT_UNKNOWN,
                 diagnose_slice(compiler->diagnoser, citation->document), "", NULL);
    }
}

const char *declare_citation_text(struct compiler *compiler, const struct citation *citation)
{
    const struct document *document = find_document(compiler, citation->document);
    if (document == NULL)
        return "";
    const char *text =
        arena_printf(compiler->arena, "%.*s %.*s", (int)document->title.length, document->title.bytes,
                     (int)citation->article.length, citation->article.bytes);
    if (text == NULL)
        compiler->failed = true;
    return text;
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

static struct slice feed_name(const void *from, size_t index)
{
    return slice_of(((const struct source_name *)from)[index].name);
}

/* All of them, separated by blanks. */
static const char *feed_list(struct compiler *compiler)
{
    const char *list = "";
    for (const struct source_name *source = source_names; source->name != NULL; source++)
        list = compiler_keep(compiler, arena_printf(compiler->scratch, "%s%s%s", list,
                                                    list[0] == '\0' ? "" : " ", source->name));
    return list;
}

static int feed_number(struct slice feed)
{
    if (slice_is(feed, "register"))
        return SOURCE_REGISTER;
    const struct source_name *source = source_by_name(feed);
    return source == NULL ? -1 : source->number;
}

static void declare_sources(struct compiler *compiler)
{
    struct policy *policy = compiler->policy;
    size_t count = 0, feeds = 0;
    for (const struct source_statement *s = policy->ast.sources; s != NULL; s = s->next)
        count++;
    while (source_names[feeds].name != NULL)
        feeds++;
    policy->sources = compiler_alloc(compiler, count + 1, sizeof *policy->sources);
    if (policy->sources == NULL)
        return;
    for (const struct source_statement *s = policy->ast.sources; s != NULL; s = s->next) {
        int number = feed_number(s->feed);
        if (number < 0) {
            diagnose(compiler->diagnoser, s->feed_at, MESSAGE_SOURCE_FEED_UNKNOWN,
                     diagnose_slice(compiler->diagnoser, s->feed),
                     compiler_nearest(compiler, s->feed, feed_name, source_names, feeds),
                     feed_list(compiler));
            continue;
        }
        if (s->swing > 0 && number == SOURCE_REGISTER)
            diagnose(compiler->diagnoser, s->swing_at, MESSAGE_SWING_REGISTER, NULL, NULL, NULL);
        policy->sources[policy->source_count++] =
            (struct policy_source){.number = number,
                                   .title = compiler_string(compiler, s->name),
                                   .freshness_days = s->freshness_days,
                                   .swing = s->swing,
                                   .may_raise = s->may_raise,
                                   .may_clear = s->may_clear};
    }
}

int declare_source_number(struct compiler *compiler, struct slice name)
{
    for (const struct source_statement *s = compiler->policy->ast.sources; s != NULL; s = s->next) {
        if (slice_equal(s->name, name))
            return feed_number(s->feed);
    }
    return -1;
}

static struct slice source_title(const void *from, size_t index)
{
    return slice_of(((const struct policy_source *)from)[index].title);
}

struct ranking {
    uint8_t *rank;
    bool ranked[SOURCE_NUMBER_MAX + 1];
    int next;
};

static void rank_source(struct ranking *ranking, int number)
{
    if (number < 0 || ranking->ranked[number])
        return;
    ranking->ranked[number] = true;
    ranking->rank[number] = (uint8_t)ranking->next++;
}

/* The number of a source that a fact names; -1 and diagnosed when it is not declared. */
static int named_source(struct compiler *compiler, const struct item *item, struct program_fact *fact)
{
    int number = declare_source_number(compiler, item->text);
    if (number >= 0)
        fact->named[number] = true;
    else
        diagnose(compiler->diagnoser, item->at, MESSAGE_SOURCE_UNKNOWN,
                 diagnose_slice(compiler->diagnoser, item->text),
                 compiler_nearest(compiler, item->text, source_title, compiler->policy->sources,
                                  compiler->policy->source_count),
                 NULL);
    return number;
}

/* Those named by 先, the other declared ones, undeclared feeds by their number, the register. */
static void rank_sources(struct compiler *compiler, const struct definition *definition,
                         struct program_fact *fact)
{
    struct ranking ranking = {.rank = fact->rank};
    for (size_t i = 0; i < definition->first_count; i++)
        rank_source(&ranking, named_source(compiler, &definition->first[i], fact));
    for (size_t i = 0; i < definition->provider_count; i++)
        named_source(compiler, &definition->providers[i], fact);
    for (size_t i = 0; i < compiler->policy->source_count; i++) {
        if (compiler->policy->sources[i].number != SOURCE_REGISTER)
            rank_source(&ranking, compiler->policy->sources[i].number);
    }
    for (int number = 1; number <= SOURCE_NUMBER_MAX; number++)
        rank_source(&ranking, number);
    rank_source(&ranking, SOURCE_REGISTER);
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static struct slice code_name(const void *from, size_t index)
{
    return slice_of(dictionary_at(from, index)->name);
}

static bool kind_fits(enum word declared, enum fact_kind kind)
{
    switch (kind) {
    case FACT_AMOUNT:
        return declared == WORD_NONE;
    case FACT_RELIEF:
        return declared == WORD_YESNO ||
               declared == WORD_NONE; /* whether there is one, or how much a month */
    case FACT_YESNO:
    case FACT_TEXT:
        return declared == WORD_YESNO;
    case FACT_CHOICE:
        return declared == WORD_YESNO || declared == WORD_CODE;
    case FACT_CERTIFICATE:
        return declared == WORD_YESNO || declared == WORD_TYPE || declared == WORD_GRADE;
    default: /* FACT_EVENT */
        return declared == WORD_EVENT;
    }
}

static const char *dictionary_kind(const struct compiler *compiler, enum fact_kind kind)
{
    static const char *const names[][2] = {
        [FACT_AMOUNT] = {"金额", "an amount"},
        [FACT_YESNO] = {"是否", "yesno"},
        [FACT_RELIEF] = {"救助待遇", "a relief"},
        [FACT_CHOICE] = {"代码", "a choice"},
        [FACT_CERTIFICATE] = {"残疾证", "a disability certificate"},
        [FACT_TEXT] = {"状态", "a state"},
        [FACT_EVENT] = {"事件", "an event"},
    };
    return names[kind][compiler->language];
}

static void check_code(struct compiler *compiler, const struct definition *d, const struct fact_code *code)
{
    const char *name = diagnose_slice(compiler->diagnoser, d->code);
    bool part = d->fact_kind == WORD_TYPE || d->fact_kind == WORD_GRADE;
    const char *declared = d->fact_kind == WORD_NONE ? compiler_unit(compiler, d->unit)
                                                     : word_text(d->fact_kind, compiler->language);
    if (!kind_fits(d->fact_kind, code->kind)) {
        diagnose(compiler->diagnoser, d->code_at, MESSAGE_CODE_KIND, name,
                 dictionary_kind(compiler, code->kind), declared);
    } else if (d->code_part != WORD_NONE && !part) {
        diagnose(compiler->diagnoser, d->code_at, MESSAGE_CODE_PART_OTHER, name, declared, NULL);
    } else if (part &&
               d->code_part != (d->fact_kind == WORD_TYPE ? WORD_CERTIFICATE_TYPE : WORD_CERTIFICATE_GRADE)) {
        diagnose(compiler->diagnoser, d->code_at, MESSAGE_CODE_PART, name, NULL, NULL);
    } else if (d->fact_kind == WORD_NONE && !unit_equal(d->unit, unit_of(UNIT_YUAN))) {
        diagnose(compiler->diagnoser, d->at, MESSAGE_FACT_UNIT, compiler_unit(compiler, d->unit), NULL, NULL);
    }
}

static void declare_range(struct compiler *compiler, const struct definition *d, struct program_fact *fact)
{
    const char *name = diagnose_slice(compiler->diagnoser, d->name);
    bool has_range = d->low != NULL;
    bool wants = d->fact_kind == WORD_NONE || d->fact_kind == WORD_TYPE || d->fact_kind == WORD_GRADE;
    if (wants != has_range) {
        diagnose(compiler->diagnoser, d->at, wants ? MESSAGE_RANGE_MISSING : MESSAGE_RANGE_USELESS, name,
                 NULL, NULL);
        return;
    }
    if (!has_range)
        return;
    struct fraction low, high;
    if (!elaborate_constant(compiler, d->low, d->unit, &low) ||
        !elaborate_constant(compiler, d->high, d->unit, &high))
        return;
    bool coded = d->fact_kind != WORD_NONE;
    if (low.num < 0 || fraction_compare(low, high) > 0 || low.den != 1 || high.den != 1 ||
        (coded && high.num >= CODE_VALUES_MAX)) {
        diagnose(compiler->diagnoser, d->at, MESSAGE_RANGE_ORDER, name, NULL, NULL);
        return;
    }
    fact->low = low.num;
    fact->high = high.num;
}

static void declare_fact(struct compiler *compiler, struct symbol *symbol)
{
    const struct definition *d = symbol->definition;
    const struct dictionary *dictionary = compiler->policy->dictionary;
    const struct fact_code *code = dictionary_by_name(dictionary, d->code);
    if (code == NULL) {
        diagnose(compiler->diagnoser, d->code_at, MESSAGE_CODE_UNKNOWN,
                 diagnose_slice(compiler->diagnoser, d->code),
                 compiler_nearest(compiler, d->code, code_name, dictionary, dictionary_count(dictionary)),
                 NULL);
        return;
    }
    check_code(compiler, d, code);
    symbol->index = (int)compiler->program->fact_count++;
    struct program_fact *fact = &compiler->program->facts[symbol->index];
    *fact = (struct program_fact){.name = compiler_string(compiler, d->name),
                                  .definition = d,
                                  .code = code,
                                  .kind = d->fact_kind,
                                  .position = UINT16_MAX};
    declare_range(compiler, d, fact);
    rank_sources(compiler, d, fact);
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

static int add_window(struct compiler *compiler, struct program_window window, struct place at)
{
    struct program *program = compiler->program;
    if (program->window_count == PROGRAM_WINDOWS_MAX) {
        diagnose(compiler->diagnoser, at, MESSAGE_TOO_BIG, keyword_text(KW_WINDOW, compiler->language),
                 diagnose_number(compiler->diagnoser, PROGRAM_WINDOWS_MAX), NULL);
        return -1;
    }
    program->windows[program->window_count] = window;
    return (int)program->window_count++;
}

int declare_ever_window(struct compiler *compiler)
{
    struct program *program = compiler->program;
    for (size_t i = 0; i < program->window_count; i++) {
        if (program->windows[i].ever)
            return (int)i;
    }
    return add_window(
        compiler, (struct program_window){.name = keyword_text(KW_EVER, compiler->language), .ever = true},
        (struct place){1, 1});
}

int declare_find_window(const struct program *program, int months, int days)
{
    for (size_t i = 0; i < program->window_count; i++) {
        const struct program_window *w = &program->windows[i];
        if (!w->ever && w->from_months == months && w->from_days == days && w->to_months == 0 &&
            w->to_days == 0)
            return (int)i;
    }
    return -1;
}

int declare_inline_window(struct compiler *compiler, struct slice name, struct window_edge edge,
                          struct place at)
{
    int index = declare_find_window(compiler->program, edge.months, edge.days);
    if (index >= 0)
        return index;
    struct program_window window = {
        .name = compiler_string(compiler, name), .from_months = edge.months, .from_days = edge.days};
    index = add_window(compiler, window, at);
    return index < 0 ? -2 : index;
}

static void declare_window(struct compiler *compiler, struct symbol *symbol)
{
    const struct definition *d = symbol->definition;
    struct program_window window = {.name = compiler_string(compiler, d->name),
                                    .from_months = d->from.months,
                                    .from_days = d->from.days,
                                    .to_months = d->to.months,
                                    .to_days = d->to.days};
    /* Months have 28 days at least and 31 at most; what is not surely forward is refused. */
    int64_t from_least = (int64_t)d->from.months * 28 + d->from.days,
            to_most = (int64_t)d->to.months * 31 + d->to.days;
    bool forward =
        d->from.days == 0 && d->to.days == 0 ? d->from.months > d->to.months : from_least > to_most;
    if (!forward) {
        diagnose(compiler->diagnoser, d->from.at, MESSAGE_WINDOW_EMPTY,
                 diagnose_slice(compiler->diagnoser, d->name), NULL, NULL);
        return;
    }
    symbol->index = add_window(compiler, window, d->at);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static void declare_setting(struct compiler *compiler, struct symbol *symbol)
{
    const struct definition *d = symbol->definition;
    if (d->dated != NULL) {
        declare_standard(compiler, symbol);
        return;
    }
    declare_check_citation(compiler, &d->citation, d->name, d->at);
    struct fraction value;
    symbol->busy = true;
    bool good = elaborate_constant(compiler, d->value, d->unit, &value);
    symbol->busy = false;
    struct operand operand = {.type = OPERAND_ERROR};
    if (good)
        operand =
            (struct operand){.type = OPERAND_QUANTITY,
                             .quantity = {.constant = true, .reg = -1, .factor = value, .unit = d->unit}};
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        symbol->operands[scope] = operand;
        symbol->done[scope] = true;
    }
}

static void declare_symbol(struct compiler *compiler, struct symbol *symbol)
{
    switch (symbol->definition->kind) {
    case KW_STANDARD:
        declare_standard(compiler, symbol);
        break;
    case KW_SETTING:
        declare_setting(compiler, symbol);
        break;
    case KW_WINDOW:
        declare_window(compiler, symbol);
        break;
    case KW_FACT:
        declare_fact(compiler, symbol);
        break;
    default:
        break; /* sets and definitions are elaborated after all of these */
    }
}

static bool make_tables(struct compiler *compiler)
{
    struct program *program = compiler->program;
    size_t facts = 0, standards = 0;
    for (size_t i = 0; i < compiler->symbol_count; i++) {
        facts += compiler->symbols[i].definition->kind == KW_FACT;
        standards += definition_is_dated(compiler->symbols[i].definition);
    }
    if (facts > PROGRAM_FACTS_MAX) {
        diagnose(compiler->diagnoser, (struct place){1, 1}, MESSAGE_TOO_BIG,
                 keyword_text(KW_FACT, compiler->language),
                 diagnose_number(compiler->diagnoser, PROGRAM_FACTS_MAX), NULL);
        return false;
    }
    program->facts = compiler_alloc(compiler, facts + 1, sizeof *program->facts);
    program->standards = compiler_alloc(compiler, standards + 1, sizeof *program->standards);
    program->windows = compiler_alloc(compiler, PROGRAM_WINDOWS_MAX, sizeof *program->windows);
    return program->facts != NULL && program->standards != NULL && program->windows != NULL;
}

bool declare_all(struct compiler *compiler)
{
    refuse_duplicates(compiler);
    declare_sources(compiler);
    if (!add_symbols(compiler) || !make_tables(compiler))
        return false;
    for (size_t i = 0; i < compiler->symbol_count && !compiler->failed; i++)
        declare_symbol(compiler, &compiler->symbols[i]);
    return true;
}
