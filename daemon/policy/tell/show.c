/* SPDX-License-Identifier: PostgreSQL */
/*
 * The policy as a page to read beside the documents: one part a clause, with its citation, its lines, and what its examples
 * show. Plain text that is also Markdown.
 */
#include "policy/compile/example.h"
#include "policy/machine/program.h"
#include "policy/syntax/unparse.h"

#include <string.h>

struct page {
    const struct policy *policy;
    enum language language;
    struct text *out;
};

/* One of two texts, by the file's language. */
static const char *say(const struct page *page, const char *chinese, const char *english)
{
    return page->language == LANGUAGE_CHINESE ? chinese : english;
}

static void add_slice(const struct page *page, struct slice slice)
{
    text_add(page->out, slice.bytes, slice.length);
}

/* The policy's own words. */
static void add_source(const struct page *page, uint32_t begin, uint32_t end)
{
    struct unparser unparser = {page->policy->text, page->language, page->out};
    unparse_words(&unparser, begin, end);
}

static void show_header(const struct page *page)
{
    const struct policy *policy = page->policy;
    char date[CIVIL_TEXT_SIZE];
    text_printf(page->out, "# %s\n\n%s %s  %s %s\n\n", policy->name, keyword_text(KW_VERSION, page->language),
                policy->version, keyword_text(KW_EFFECTIVE, page->language),
                civil_format(policy->ast.valid_from, date));
    for (const struct document *d = policy->ast.documents; d != NULL; d = d->next) {
        text_add_str(page->out, "- ");
        add_slice(page, d->name);
        text_add_str(page->out, ": ");
        add_slice(page, d->title);
        text_add_char(page->out, '\n');
    }
}

static void show_citation(const struct page *page, const struct citation *citation)
{
    if (!citation->given)
        return;
    text_printf(page->out, "%s", say(page, "  〔依据 ", "  [cite "));
    for (const struct document *d = page->policy->ast.documents; d != NULL; d = d->next) {
        if (slice_equal(d->name, citation->document))
            add_slice(page, d->title);
    }
    text_add_char(page->out, ' ');
    add_slice(page, citation->article);
    text_add_str(page->out, say(page, "〕", "]"));
}

static void show_sources(const struct page *page)
{
    text_printf(page->out, "\n## %s\n\n", keyword_text(KW_SOURCE, page->language));
    for (size_t i = 0; i < page->policy->source_count; i++) {
        const struct policy_source *source = &page->policy->sources[i];
        text_printf(page->out, "- %s: %s %d%s, ", source->title, keyword_text(KW_FRESHNESS, page->language),
                    source->freshness_days, word_text(WORD_DAY, page->language));
        if (source->swing > 0)
            text_printf(page->out, "%s ≤ %d %s %s, ", keyword_text(KW_SWING, page->language), source->swing,
                        word_text(WORD_DEVIATIONS, page->language),
                        word_text(WORD_BY_TOWNSHIP, page->language));
        text_printf(page->out, "%s, %s\n",
                    keyword_text(source->may_raise ? KW_MAY_RAISE : KW_MAY_NOT_RAISE, page->language),
                    keyword_text(source->may_clear ? KW_MAY_CLEAR : KW_MAY_NOT_CLEAR, page->language));
    }
}

static void show_dated(const struct page *page, const struct definition *d)
{
    char date[CIVIL_TEXT_SIZE];
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next) {
        text_printf(page->out, "  - %s %s", civil_format(v->from, date),
                    keyword_text(KW_SINCE, page->language));
        if (v->to != DAY_NONE)
            text_printf(page->out, " %s %s", keyword_text(KW_TO, page->language), civil_format(v->to, date));
        if (d->by_area)
            text_printf(page->out, " %s", keyword_text(KW_RURAL, page->language));
        text_add_char(page->out, ' ');
        add_source(page, v->rural->begin, v->rural->end);
        if (d->by_area) {
            text_printf(page->out, " %s ", keyword_text(KW_URBAN, page->language));
            add_source(page, v->urban->begin, v->urban->end);
        }
        show_citation(page, &v->citation);
        text_add_char(page->out, '\n');
    }
}

static void show_set(const struct page *page, const struct set_expr *set)
{
    for (size_t i = 0; i < set->part_count; i++) {
        if (i > 0)
            text_printf(page->out, " %s", keyword_text(KW_WITH, page->language));
        text_add_char(page->out, ' ');
        add_slice(page, set->parts[i].text);
    }
    if (set->filter != NULL) {
        text_printf(page->out, " %s ", keyword_text(KW_AMONG, page->language));
        add_source(page, set->filter->begin, set->filter->end);
    }
}

static void show_window(const struct page *page, const struct definition *d)
{
    text_add_str(page->out, " = ");
    unparse_edge(page->out, page->language, &d->from);
    if (!d->to.present)
        return;
    text_printf(page->out, " %s ", keyword_text(KW_TO, page->language));
    unparse_edge(page->out, page->language, &d->to);
}

static void show_gradual(const struct page *page, const struct definition *d)
{
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next) {
        text_printf(page->out, "  - %s%d%s", say(page, "", "within "), row->months,
                    say(page, "个月以内", " months"));
        if (row->condition != NULL) {
            text_printf(page->out, "%s%s ", say(page, ",", ", "), keyword_text(KW_WHEN, page->language));
            add_source(page, row->condition->begin, row->condition->end);
        }
        show_citation(page, &row->citation);
        text_add_char(page->out, '\n');
    }
}

/* The definition as written, from its name to the end of its expression. */
static void show_definition(const struct page *page, const struct definition *d)
{
    char unit[UNIT_TEXT_SIZE];
    text_printf(page->out, "- %s ", keyword_text(d->kind, page->language));
    add_slice(page, d->name);
    if (d->kind == KW_STANDARD || d->kind == KW_SETTING || d->kind == KW_AMOUNT_DEF)
        text_printf(page->out, " : %s", unit_format(d->unit, page->language, unit));
    if (d->value != NULL) {
        text_add_str(page->out, " = ");
        add_source(page, d->value->begin, d->value->end);
    }
    if (d->kind == KW_WINDOW)
        show_window(page, d);
    if (d->set != NULL) {
        text_add_str(page->out, " =");
        show_set(page, d->set);
    }
    if (d->kind == KW_GRADUAL) {
        text_add_str(page->out, say(page, ":失去", ": after "));
        add_slice(page, d->code);
        text_add_str(page->out, say(page, "以后,又没有再得到", " ended and was not given again"));
    }
    show_citation(page, &d->citation);
    text_add_char(page->out, '\n');
    show_dated(page, d);
    show_gradual(page, d);
}

static void show_definitions(const struct page *page)
{
    static const enum keyword kinds[] = {KW_STANDARD,   KW_SETTING,    KW_WINDOW,
                                         KW_SET,        KW_PERSON_DEF, KW_CONDITION_DEF,
                                         KW_AMOUNT_DEF, KW_GRADUAL,    KW_STATISTIC};
    text_printf(page->out, "\n## %s\n\n", say(page, "标准与定义", "Standards and definitions"));
    for (const struct definition *d = page->policy->ast.definitions; d != NULL; d = d->next) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            if (kinds[i] == d->kind)
                show_definition(page, d);
        }
    }
}

static void show_lines(const struct page *page, const struct clause_line *lines, const char *indent)
{
    for (const struct clause_line *line = lines; line != NULL; line = line->next) {
        text_printf(page->out, "%s- %s ", indent, keyword_text(line->kind, page->language));
        add_source(page, line->value->begin, line->value->end);
        show_citation(page, &line->citation);
        text_add_char(page->out, '\n');
    }
}

static void show_examples(const struct page *page, const struct program_clause *clause)
{
    int index = (int)(clause - page->policy->program.clauses);
    day_t date = DAY_NONE;
    for (const struct example_statement *e = page->policy->ast.examples; e != NULL; e = e->next) {
        if (!example_is_of(page->policy, e, &date, index) || e->title.length == 0)
            continue;
        text_printf(page->out, "- %s ", keyword_text(KW_EXAMPLE, page->language));
        add_slice(page, e->title);
        text_printf(page->out, "%s", say(page, "(第 ", " (line "));
        text_printf(page->out, "%d%s)\n", e->at.line, say(page, " 行", ""));
    }
}

/* What it takes to end, and how long it holds. */
static void show_term(const struct page *page, const struct policy_clause *shown)
{
    struct text *out = page->out;
    if (shown->clear_batches > 0)
        text_printf(out, "- %s %s%s%s%d%s\n", keyword_text(KW_CLEAR, page->language),
                    say(page, "判定不成立以后,", "once it is denied and "), shown->clear_source_title,
                    say(page, "又来了连续", " has sent "), shown->clear_batches,
                    say(page, "批数据,才解除", " more batches"));
    if (shown->clear_rounds > 0)
        text_printf(out, "- %s %s%d%s\n", keyword_text(KW_CLEAR, page->language), say(page, "连续", "when "),
                    shown->clear_rounds,
                    say(page, "轮比对都判定不成立,才解除", " consecutive rounds have denied it"));
    if (shown->valid_months > 0)
        text_printf(out, "- %s %s%d%s\n", keyword_text(KW_VALID, page->language),
                    say(page, "认定之后", "for "), shown->valid_months, say(page, "个月", " months"));
}

static void show_referrals(const struct page *page, const struct policy_clause *shown)
{
    if (shown->referral_count == 0 && shown->due_days == 0)
        return;
    text_add_char(page->out, '-');
    for (size_t i = 0; i < shown->referral_count; i++)
        text_printf(page->out, " %s%s%s", i == 0 ? keyword_text(KW_REFER, page->language) : "",
                    i == 0 ? " " : "", shown->referrals[i]);
    if (shown->due_days > 0)
        text_printf(page->out, " %s %d%s", keyword_text(KW_DUE, page->language), shown->due_days,
                    word_text(WORD_DAY, page->language));
    text_add_char(page->out, '\n');
}

static void show_amounts(const struct page *page, const struct amount_line *amounts)
{
    for (const struct amount_line *line = amounts; line != NULL; line = line->next) {
        text_printf(page->out, "- %s ", keyword_text(KW_AMOUNT, page->language));
        if (line->title.length > 0) {
            add_slice(page, line->title);
            text_add_str(page->out, " = ");
        }
        add_source(page, line->value->begin, line->value->end);
        show_citation(page, &line->citation);
        text_add_char(page->out, '\n');
    }
}

static const char *cause_word(const struct page *page, const char *cause)
{
    static const char *const words[][2] = {
#define CAUSE(name, chinese) {name, chinese},
#include "policy/syntax/causes.def"
#undef CAUSE
    };
    size_t i = 0;
    while (strcmp(words[i][0], cause) != 0) /* the parser knows no other */
        i++;
    return words[i][page->language == LANGUAGE_CHINESE];
}

static void show_causes(const struct page *page, const struct cause_line *causes)
{
    for (const struct cause_line *line = causes; line != NULL; line = line->next) {
        text_printf(page->out, "- %s %s", keyword_text(KW_CAUSE, page->language),
                    cause_word(page, line->cause));
        if (line->condition != NULL) {
            text_printf(page->out, " %s ", keyword_text(KW_WHEN, page->language));
            add_source(page, line->condition->begin, line->condition->end);
        }
        text_add_char(page->out, '\n');
    }
}

static void show_validity(const struct page *page, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    if (clause->from == DAY_NONE)
        return;
    text_printf(page->out, "- %s %s", keyword_text(KW_EFFECTIVE, page->language),
                civil_format(clause->from, date));
    if (clause->to != DAY_NONE)
        text_printf(page->out, " %s %s", keyword_text(KW_TO, page->language), civil_format(clause->to, date));
    text_add_char(page->out, '\n');
}

static void show_clause(const struct page *page, const struct program_clause *clause)
{
    const struct clause_statement *s = clause->statement;
    const struct policy_clause *shown = &clause->shown;
    text_printf(page->out, "\n### %s %s %s\n\n%s %s\n\n", keyword_text(s->kind, page->language), shown->name,
                shown->title, keyword_text(KW_CITE, page->language), shown->citation);
    show_validity(page, s);
    if (clause->even_empty)
        text_printf(page->out, "- %s\n", keyword_text(KW_EVEN_EMPTY, page->language));
    show_lines(page, s->lines, "");
    if (s->some != NULL) {
        text_printf(page->out, "- %s", keyword_text(KW_SOME, page->language));
        show_set(page, s->some);
        text_add_char(page->out, '\n');
        show_lines(page, s->some_lines, "  ");
    }
    show_causes(page, s->causes);
    text_printf(page->out, "- %s ", keyword_text(KW_REASON, page->language));
    add_slice(page, (struct slice){page->policy->text + s->reason_begin, s->reason_end - s->reason_begin});
    text_add_char(page->out, '\n');
    show_amounts(page, s->amounts);
    show_term(page, shown);
    show_referrals(page, shown);
    show_examples(page, clause);
}

/* What stands where a trial changes something: the dated values, or the one value, with their citations. */
static void show_unchanged(const struct page *page, const struct trial_change *change)
{
    for (const struct definition *d = page->policy->ast.definitions; d != NULL; d = d->next) {
        if (!slice_equal(d->name, change->name))
            continue;
        text_add_str(page->out, say(page, "  现为", "  it is"));
        if (d->value != NULL) {
            text_add_char(page->out, ' ');
            add_source(page, d->value->begin, d->value->end);
        }
        show_citation(page, &d->citation);
        text_add_char(page->out, '\n');
        show_dated(page, d);
        return;
    }
    for (const struct clause_statement *c = page->policy->ast.clauses; c != NULL; c = c->next) {
        if (!slice_equal(c->name, change->name))
            continue;
        text_add_char(page->out, ' ');
        add_slice(page, c->title);
        show_citation(page, &c->citation);
    }
    text_add_char(page->out, '\n');
}

static void show_trials(const struct page *page)
{
    const struct trial_statement *trials = page->policy->ast.trials;
    if (trials != NULL)
        text_printf(page->out, "\n## %s\n\n%s\n", keyword_text(KW_TRIAL, page->language),
                    say(page, "只供推演,不起作用。", "For simulations alone; they are not in force."));
    for (const struct trial_statement *trial = trials; trial != NULL; trial = trial->next) {
        text_add_str(page->out, "\n### ");
        add_slice(page, trial->name);
        text_add_str(page->out, "\n\n");
        for (const struct trial_change *change = trial->changes; change != NULL; change = change->next) {
            text_add_str(page->out, "- ");
            add_source(page, change->begin, change->end);
            show_unchanged(page, change);
        }
    }
}

enum status policy_show(const struct policy *policy, struct text *out, struct error *err)
{
    struct page page = {policy, policy->language, out};
    show_header(&page);
    show_sources(&page);
    show_definitions(&page);
    text_printf(out, "\n## %s\n", say(&page, "条款", "Clauses"));
    for (size_t i = 0; i < policy->program.clause_count; i++)
        show_clause(&page, &policy->program.clauses[i]);
    show_trials(&page);
    return out->failed ? error_set(err, STATUS_FATAL, "out of memory while rendering a policy") : STATUS_OK;
}
