/* SPDX-License-Identifier: PostgreSQL */
/* What the trials of the policy change, beside what is in force. */
#include "policy/tell/show_html_internal.h"

static const struct definition *definition_of(const struct html *html, struct slice name)
{
    const struct definition *d = html->policy->ast.definitions;
    while (!slice_equal(d->name, name)) /* the checker knows it */
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

static void add_clause(struct html *html, struct slice name)
{
    const struct clause_statement *c = html->policy->ast.clauses;
    while (!slice_equal(c->name, name)) /* the checker knows it */
        c = c->next;
    html_add_slice(html, c->title);
    html_add_cited(html, &c->citation);
}

/* What stands where a trial changes something, with its citation. */
static void add_unchanged(struct html *html, const struct trial_change *change)
{
    if (change->kind == TRIAL_DISABLE) {
        add_clause(html, change->name);
        return;
    }
    const struct definition *d = definition_of(html, change->name);
    if (d->value != NULL)
        html_add_expr(html, d->value);
    html_add_cited(html, &d->citation);
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next)
        add_dated(html, v, d->by_area);
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
            html_add_linked_words(html, change->begin, change->end);
            html_raw(html, "</td><td>");
            add_unchanged(html, change);
            html_raw(html, "</td></tr>\n");
        }
        html_table_end(html);
    }
    html_raw(html, "</section>\n");
}
