/* SPDX-License-Identifier: PostgreSQL */
/* The clauses by kind, each beside its citation: its conditions, what it leads to, its examples. */
#include "policy/compile/example.h"
#include "policy/tell/show_html_internal.h"

#include <string.h>

/* --- conditions --------------------------------------------------------------------------------------------------- */

static void open_row(struct html *html, enum keyword keyword, const char *css)
{
    text_printf(html->out, "<div class=\"row%s\"><span class=\"kw\">", css);
    html_add_keyword(html, keyword);
    html_raw(html, "</span><div>");
}

static void close_row(struct html *html)
{
    html_raw(html, "</div></div>\n");
}

static void show_line(struct html *html, const struct clause_line *line)
{
    open_row(html, line->kind, line->kind == KW_ONLY || line->kind == KW_EXCEPT ? " guard" : "");
    html_add_expr(html, line->value);
    html_add_cited(html, &line->citation);
    close_row(html);
}

static void show_conditions(struct html *html, const struct clause_statement *clause)
{
    for (const struct clause_line *line = clause->lines; line != NULL; line = line->next)
        show_line(html, line);
    if (clause->some == NULL)
        return;
    open_row(html, KW_SOME, "");
    html_add_set(html, clause->some);
    close_row(html);
    html_raw(html, "<div class=\"in\">");
    for (const struct clause_line *line = clause->some_lines; line != NULL; line = line->next)
        show_line(html, line);
    html_raw(html, "</div>");
}

/* {…} stands out. */
static void show_reason(struct html *html, const struct clause_statement *clause)
{
    bool open = false;
    html_raw(html, "<p class=\"reason\">");
    for (uint32_t i = clause->reason_begin; i < clause->reason_end; i++) {
        char c = html->policy->text[i];
        if (c == '{' || (c == '}' && open)) {
            open = c == '{';
            html_raw(html, open ? "<var>" : "</var>");
        } else {
            html_add_slice(html, (struct slice){&c, 1});
        }
    }
    html_raw(html, "</p>\n");
}

static void show_amounts(struct html *html, const struct clause_statement *clause)
{
    for (const struct amount_line *line = clause->amounts; line != NULL; line = line->next) {
        open_row(html, KW_AMOUNT, "");
        if (line->title.length > 0) {
            html_raw(html, "<b>");
            html_add_slice(html, line->title);
            html_raw(html, "</b> = ");
        }
        html_add_expr(html, line->value);
        html_add_cited(html, &line->citation);
        close_row(html);
    }
}

static const char *cause_title(const struct html *html, const char *cause)
{
    static const char *const titles[][2] = {
#define CAUSE(name, chinese) {name, chinese},
#include "policy/syntax/causes.def"
#undef CAUSE
    };
    size_t i = 0;
    while (strcmp(titles[i][0], cause) != 0) /* the parser knows no other */
        i++;
    return titles[i][html->language == LANGUAGE_CHINESE];
}

static void show_causes(struct html *html, const struct clause_statement *clause)
{
    for (const struct cause_line *line = clause->causes; line != NULL; line = line->next) {
        open_row(html, KW_CAUSE, " guard");
        html_add_text(html, cause_title(html, line->cause));
        if (line->condition != NULL) {
            html_raw(html, " ");
            html_add_keyword(html, KW_WHEN);
            html_raw(html, " ");
            html_add_expr(html, line->condition);
        }
        close_row(html);
    }
}

/* --- what follows from it ----------------------------------------------------------------------------------------- */

static void end_chip(struct html *html, int count, const char *after)
{
    text_printf(html->out, "%d", count);
    html_add_text(html, after);
    html_raw(html, "</span>");
}

/* Keyword, what stands before the count, the count, what stands behind. */
static void chip(struct html *html, enum keyword keyword, const char *before, int count, const char *after)
{
    html_raw(html, "<span>");
    html_add_keyword(html, keyword);
    html_raw(html, " ");
    html_add_text(html, before);
    end_chip(html, count, after);
}
/* What it takes to end, and how long it holds. */
static void show_term(struct html *html, const struct clause_statement *clause)
{
    if (clause->clear_batches > 0) {
        html_raw(html, "<span>");
        html_add_keyword(html, KW_CLEAR);
        html_raw(html, html_say(html, " 判定不成立以后,", " once it is denied and "));
        html_add_slice(html, clause->clear_source.text);
        html_raw(html, html_say(html, "又来了连续", " has sent "));
        end_chip(html, clause->clear_batches, html_say(html, "批数据,才解除", " more batches"));
    }
    if (clause->clear_rounds > 0)
        chip(html, KW_CLEAR, html_say(html, "连续", "when "), clause->clear_rounds,
             html_say(html, "轮比对都判定不成立,才解除", " consecutive rounds have denied it"));
    if (clause->valid_months > 0)
        chip(html, KW_VALID, html_say(html, "认定之后", "for "), clause->valid_months,
             html_say(html, "个月", " months"));
}

static void show_dispatch(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    html_raw(html, "<p class=\"chips\">");
    for (size_t i = 0; i < clause->referral_count; i++) {
        html_raw(html, "<span>");
        html_add_keyword(html, KW_REFER);
        html_raw(html, " ");
        html_add_slice(html, clause->referrals[i].text);
        html_raw(html, "</span>");
    }
    if (clause->due_days > 0)
        text_printf(html->out, "<span>%s %d%s</span>", keyword_text(KW_DUE, html->language), clause->due_days,
                    word_text(WORD_DAY, html->language));
    if (clause->even_empty)
        text_printf(html->out, "<span>%s</span>", keyword_text(KW_EVEN_EMPTY, html->language));
    show_term(html, clause);
    if (clause->from != DAY_NONE)
        text_printf(html->out, "<span>%s %s", keyword_text(KW_EFFECTIVE, html->language),
                    civil_format(clause->from, date));
    if (clause->from != DAY_NONE && clause->to != DAY_NONE)
        text_printf(html->out, " %s %s", keyword_text(KW_TO, html->language), civil_format(clause->to, date));
    html_raw(html, clause->from != DAY_NONE ? "</span></p>\n" : "</p>\n");
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

/* The statement from its title on, or from its clause. */
static void add_example(struct html *html, const struct example_statement *example)
{
    struct slice name = example->title.length > 0 ? example->title : example->clause;
    html_add_slice(html, name);
    html_raw(html, " ");
    html_add_words(html, (uint32_t)(name.bytes + name.length - html->policy->text), example->end);
}

/* Of several versions of a clause each has the examples of its own days. */
static void show_examples(struct html *html, int number)
{
    size_t count = 0;
    day_t date = DAY_NONE;
    for (const struct example_statement *e = html->policy->ast.examples; e != NULL; e = e->next)
        count += example_is_of(html->policy, e, &date, number - 1);
    if (count == 0)
        return;
    text_printf(html->out, "<details><summary>%s %zu</summary><ol>\n",
                keyword_text(KW_EXAMPLE, html->language), count);
    date = DAY_NONE;
    for (const struct example_statement *e = html->policy->ast.examples; e != NULL; e = e->next) {
        if (!example_is_of(html->policy, e, &date, number - 1))
            continue;
        html_raw(html, "<li><code>");
        add_example(html, e);
        html_raw(html, "</code></li>\n");
    }
    html_raw(html, "</ol></details>\n");
}

/* A clause's anchor: its name, with a dash (which no name has) for a dot, and the day from which on it is in force when it says
 * one. So it stays when clauses are added. */
static void add_anchor(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    html_raw(html, "clause-");
    for (size_t i = 0; i < clause->name.length; i++)
        text_add_char(html->out, clause->name.bytes[i] == '.' ? '-' : clause->name.bytes[i]);
    if (clause->from != DAY_NONE)
        text_printf(html->out, "-%s", civil_format(clause->from, date));
}

static void show_clause(struct html *html, const struct clause_statement *clause, const char *css, int number)
{
    text_printf(html->out, "<article class=\"clause %s\" id=\"", css);
    add_anchor(html, clause);
    html_raw(html, "\"><h3><span class=\"badge\">");
    html_add_keyword(html, clause->kind);
    html_raw(html, "</span> ");
    html_add_slice(html, clause->title.length > 0 ? clause->title : clause->name);
    html_raw(html, " <code>");
    html_add_slice(html, clause->name);
    html_raw(html, "</code></h3>\n<div class=\"beside\"><div>");
    show_conditions(html, clause);
    show_amounts(html, clause);
    show_causes(html, clause);
    show_reason(html, clause);
    show_dispatch(html, clause);
    html_raw(html, "</div><div class=\"side cite\">");
    html_add_keyword(html, KW_CITE);
    html_raw(html, "<br>");
    html_add_citation(html, &clause->citation);
    html_raw(html, "</div></div>\n");
    show_examples(html, number);
    html_raw(html, "</article>\n");
}

/* --- the groups and their contents -------------------------------------------------------------------------------- */

static const struct {
    enum keyword kind;
    const char *css, *title[2];
} groups[] = {
    {KW_RED, "red", {"红色预警", "Red"}},
    {KW_ORANGE, "orange", {"橙色预警", "Orange"}},
    {KW_YELLOW, "yellow", {"黄色预警", "Yellow"}},
    {KW_VERIFY, "verify", {"待核", "To be verified"}},
    {KW_CHECK, "check", {"待遇落实检查", "Policy checks"}},
    {KW_SUGGEST, "suggest", {"建议", "Suggestions"}},
    {KW_TAG, "tag", {"家庭类型标签", "Tags"}},
};
enum { GROUPS = sizeof groups / sizeof groups[0] };

static bool group_is_empty(const struct html *html, enum keyword kind)
{
    for (const struct clause_statement *c = html->policy->ast.clauses; c != NULL; c = c->next) {
        if (c->kind == kind)
            return false;
    }
    return true;
}

static void list_clause(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    html_raw(html, "<li><a href=\"#");
    add_anchor(html, clause);
    html_raw(html, "\">");
    html_add_slice(html, clause->title.length > 0 ? clause->title : clause->name);
    html_raw(html, "</a>");
    if (clause->from != DAY_NONE)
        text_printf(html->out, " <code>%s", civil_format(clause->from, date));
    if (clause->from != DAY_NONE && clause->to != DAY_NONE)
        text_printf(html->out, " %s %s", keyword_text(KW_TO, html->language), civil_format(clause->to, date));
    html_raw(html, clause->from != DAY_NONE ? "</code></li>\n" : "</li>\n");
}

void html_list_clauses(struct html *html)
{
    for (size_t g = 0; g < GROUPS; g++) {
        if (group_is_empty(html, groups[g].kind))
            continue;
        text_printf(html->out, "<li><a href=\"#%s\">%s</a><ol>\n", groups[g].css,
                    groups[g].title[html->language]);
        for (const struct clause_statement *c = html->policy->ast.clauses; c != NULL; c = c->next)
            if (c->kind == groups[g].kind)
                list_clause(html, c);
        html_raw(html, "</ol></li>\n");
    }
}

void html_show_clauses(struct html *html)
{
    for (size_t g = 0; g < GROUPS; g++) {
        if (group_is_empty(html, groups[g].kind))
            continue;
        html_section(html, groups[g].css, groups[g].title[html->language]);
        int number = 1;
        for (const struct clause_statement *c = html->policy->ast.clauses; c != NULL; c = c->next, number++) {
            if (c->kind == groups[g].kind)
                show_clause(html, c, groups[g].css, number);
        }
        html_raw(html, "</section>\n");
    }
}
