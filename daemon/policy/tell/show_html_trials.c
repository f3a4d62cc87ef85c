/* SPDX-License-Identifier: PostgreSQL */
/* What the trials of the policy change, beside what is in force. */
#include "policy/tell/show_html_internal.h"

#include <string.h>

static const struct definition *definition_of(const struct html *html, struct slice name)
{
    const struct definition *d = html->policy->ast.definitions;
    while (d != NULL && !slice_equal(d->name, name))
        d = d->next;
    return d;
}

static void add_dated(struct html *html, const struct dated_value *value, bool by_area)
{
    char date[CIVIL_TEXT_SIZE];
    text_printf(html->out, "<div>%s ", civil_format(value->from, date));
    html_add_keyword(html, KW_SINCE);
    html_raw(html, " ");
    if (by_area) {
        html_add_keyword(html, KW_RURAL);
        html_raw(html, " ");
    }
    html_add_expr(html, value->rural);
    if (by_area) {
        html_raw(html, " ");
        html_add_keyword(html, KW_URBAN);
        html_raw(html, " ");
        html_add_expr(html, value->urban);
    }
    html_add_cited(html, &value->citation);
    html_raw(html, "</div>");
}

/* What stands where a trial changes something, with its citation. */
static void add_unchanged(struct html *html, const struct trial_change *change)
{
    const struct definition *d = definition_of(html, change->name);
    const struct clause_statement *c = html->policy->ast.clauses;
    while (c != NULL && !slice_equal(c->name, change->name))
        c = c->next;
    const struct citation *citation = d != NULL ? &d->citation : c != NULL ? &c->citation : NULL;
    if (d != NULL && d->value != NULL)
        html_add_expr(html, d->value);
    if (d == NULL && c != NULL)
        html_add_slice(html, c->title);
    if (citation != NULL)
        html_add_cited(html, citation);
    for (const struct dated_value *v = d == NULL ? NULL : d->dated; v != NULL; v = v->next)
        add_dated(html, v, d->by_area);
}

/* The words of a change with one blank between them, names linked. */
static void add_change(struct html *html, const struct trial_change *change)
{
    for (uint32_t i = change->begin; i < change->end; i++) {
        char c = html->policy->text[i];
        bool blank = strchr(" \t\r\n", c) != NULL;
        if (!blank)
            text_add_char(&html->scratch, c);
        else if (i + 1 < change->end && strchr(" \t\r\n", html->policy->text[i + 1]) == NULL)
            text_add_char(&html->scratch, ' ');
    }
    html_add_linked(html);
}

void html_show_trials(struct html *html)
{
    const char *heads[] = {html_say(html, "改为", "Change"), html_say(html, "现为", "In force")};
    if (html->policy->ast.trials == NULL)
        return;
    html_section(html, "trials", keyword_text(KW_TRIAL, html->language));
    html_element(html, "p",
                 html_say(html, "只供推演,不起作用。", "For simulations alone; they are not in force."));
    for (const struct trial_statement *t = html->policy->ast.trials; t != NULL; t = t->next) {
        html_raw(html, "<h3>");
        html_add_slice(html, t->name);
        html_raw(html, "</h3>");
        html_table_head(html, heads, sizeof heads / sizeof heads[0]);
        for (const struct trial_change *change = t->changes; change != NULL; change = change->next) {
            html_raw(html, "<tr><td>");
            add_change(html, change);
            html_raw(html, "</td><td>");
            add_unchanged(html, change);
            html_raw(html, "</td></tr>\n");
        }
        html_table_end(html);
    }
    html_raw(html, "</section>\n");
}
