/* SPDX-License-Identifier: PostgreSQL */
/* What the clauses stand on: sources, standards and settings, definitions, facts. */
#include "policy/tell/show_html_internal.h"

#include "policy/syntax/unparse.h"

/* --- sources ------------------------------------------------------------------------------------------------------ */

void html_show_sources(struct html *html)
{
    const char *heads[] = {html_say(html, "来源(先者为准)", "Source, the first believed first"),
                           html_say(html, "数据", "Feed"),
                           keyword_text(KW_FRESHNESS, html->language),
                           html_say(html, "按乡镇的数目波动", "Swing by township"),
                           html_say(html, "发警", "Raises"),
                           html_say(html, "解警", "Clears")};
    html_section(html, "sources", html_say(html, "来源", "Sources"));
    html_table_head(html, heads, sizeof heads / sizeof heads[0]);
    for (const struct source_statement *s = html->policy->ast.sources; s != NULL; s = s->next) {
        html_raw(html, "<tr><td>");
        html_add_slice(html, s->name);
        html_raw(html, "</td><td><code>");
        html_add_slice(html, s->feed);
        text_printf(html->out, "</code></td><td class=\"n\">%d%s</td><td>", s->freshness_days,
                    word_text(WORD_DAY, html->language));
        if (s->swing > 0)
            text_printf(html->out, "≤ %d %s", s->swing, word_text(WORD_DEVIATIONS, html->language));
        html_raw(html, "</td><td>");
        html_add_keyword(html, s->may_raise ? KW_MAY_RAISE : KW_MAY_NOT_RAISE);
        html_raw(html, "</td><td>");
        html_add_keyword(html, s->may_clear ? KW_MAY_CLEAR : KW_MAY_NOT_CLEAR);
        html_raw(html, "</td></tr>\n");
    }
    html_table_end(html);
    html_raw(html, "</section>\n");
}

/* --- standards and settings --------------------------------------------------------------------------------------- */

static void show_standard(struct html *html, const struct definition *d, int number)
{
    char unit[UNIT_TEXT_SIZE], date[CIVIL_TEXT_SIZE];
    const char *heads[5] = {html_say(html, "起", "From"), html_say(html, "止", "To")};
    size_t count = 2;
    if (d->by_area)
        heads[count++] = keyword_text(KW_RURAL, html->language);
    heads[count++] = d->by_area ? keyword_text(KW_URBAN, html->language) : html_say(html, "数值", "Value");
    heads[count++] = keyword_text(KW_CITE, html->language);
    text_printf(html->out, "<h3 id=\"d%d\">", number);
    html_add_slice(html, d->name);
    html_raw(html, " <span class=\"unit\">");
    html_add_text(html, unit_format(d->unit, html->language, unit));
    html_raw(html, "</span></h3>");
    html_table_head(html, heads, count);
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next) {
        text_printf(html->out, "<tr><td class=\"n\">%s</td><td class=\"n\">", civil_format(v->from, date));
        html_raw(html, v->to == DAY_NONE ? "" : civil_format(v->to, date));
        html_raw(html, "</td><td class=\"n\">");
        html_add_expr(html, v->rural);
        if (d->by_area) {
            html_raw(html, "</td><td class=\"n\">");
            html_add_expr(html, v->urban);
        }
        html_raw(html, "</td>");
        html_cell_citation(html, &v->citation);
        html_raw(html, "</tr>\n");
    }
    html_table_end(html);
}

static bool has_settings(const struct html *html)
{
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next) {
        if (d->kind == KW_SETTING && !definition_is_dated(d))
            return true;
    }
    return false;
}

static void show_settings(struct html *html)
{
    const char *heads[] = {keyword_text(KW_SETTING, html->language), html_say(html, "数值", "Value"),
                           html_say(html, "单位", "Unit"), keyword_text(KW_CITE, html->language)};
    if (!has_settings(html))
        return;
    html_element(html, "h3", keyword_text(KW_SETTING, html->language));
    html_table_head(html, heads, sizeof heads / sizeof heads[0]);
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        char unit[UNIT_TEXT_SIZE];
        if (d->kind != KW_SETTING || definition_is_dated(d))
            continue;
        text_printf(html->out, "<tr id=\"d%d\"><td>", number);
        html_add_slice(html, d->name);
        html_raw(html, "</td><td class=\"n\">");
        html_add_expr(html, d->value);
        html_raw(html, "</td><td class=\"unit\">");
        html_add_text(html, unit_format(d->unit, html->language, unit));
        html_raw(html, "</td>");
        html_cell_citation(html, &d->citation);
        html_raw(html, "</tr>\n");
    }
    html_table_end(html);
}

void html_show_values(struct html *html)
{
    html_section(html, "values", html_say(html, "标准与设定", "Standards and settings"));
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        if (definition_is_dated(d))
            show_standard(html, d, number);
    }
    show_settings(html);
    html_raw(html, "</section>\n");
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static void add_sources(struct html *html, enum keyword keyword, const struct item *items, size_t count)
{
    if (count == 0)
        return;
    html_add_keyword(html, keyword);
    for (size_t i = 0; i < count; i++) {
        html_raw(html, " ");
        html_add_slice(html, items[i].text);
    }
    html_raw(html, " ");
}

static void show_fact(struct html *html, const struct definition *d, int number)
{
    char unit[UNIT_TEXT_SIZE];
    text_printf(html->out, "<tr id=\"d%d\"><td>", number);
    html_add_slice(html, d->name);
    html_raw(html, "</td><td>");
    html_add_text(html, d->fact_kind == WORD_NONE ? unit_format(d->unit, html->language, unit)
                                                  : word_text(d->fact_kind, html->language));
    html_raw(html, "</td><td class=\"n\">");
    if (d->low != NULL) {
        html_add_expr(html, d->low);
        html_raw(html, "..");
        html_add_expr(html, d->high);
    }
    html_raw(html, "</td><td><code>");
    html_add_slice(html, d->code);
    html_raw(html, "</code>");
    if (d->code_part != WORD_NONE) {
        html_raw(html, " ");
        html_add_keyword(html, KW_OF);
        html_raw(html, " ");
        html_add_text(html, word_text(d->code_part, html->language));
    }
    html_raw(html, "</td><td>");
    add_sources(html, KW_FIRST, d->first, d->first_count);
    add_sources(html, KW_BY_SOURCE, d->providers, d->provider_count);
    html_raw(html, "</td></tr>\n");
}

void html_show_facts(struct html *html)
{
    const char *heads[] = {keyword_text(KW_FACT, html->language), html_say(html, "种类", "Kind"),
                           keyword_text(KW_RANGE, html->language), html_say(html, "代码", "Code"),
                           keyword_text(KW_SOURCE, html->language)};
    html_section(html, "facts", html_say(html, "事实", "Facts"));
    html_table_head(html, heads, sizeof heads / sizeof heads[0]);
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        if (d->kind == KW_FACT)
            show_fact(html, d, number);
    }
    html_table_end(html);
    html_raw(html, "</section>\n");
}

/* --- definitions -------------------------------------------------------------------------------------------------- */

/* The right side of a definition that has no table. */
static void show_body(struct html *html, const struct definition *d)
{
    switch (d->kind) {
    case KW_WINDOW:
        unparse_edge(html->out, html->language, &d->from);
        if (d->to.present) {
            html_raw(html, " ");
            html_add_keyword(html, KW_TO);
            html_raw(html, " ");
            unparse_edge(html->out, html->language, &d->to);
        }
        break;
    case KW_SET:
        html_add_set(html, d->set);
        break;
    default:
        html_add_expr(html, d->value);
    }
}

static void show_gradual(struct html *html, const struct definition *d)
{
    const char *heads[] = {html_say(html, "几个月以内", "Within"), keyword_text(KW_WHEN, html->language),
                           keyword_text(KW_CITE, html->language)};
    html_raw(html, html_say(html, "失去 ", "After "));
    text_add(&html->scratch, d->code.bytes, d->code.length);
    html_add_linked(html);
    html_raw(html, html_say(html, " 以后,又没有再得到:", " ended and was not given again:"));
    html_table_head(html, heads, sizeof heads / sizeof heads[0]);
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next) {
        text_printf(html->out, "<tr><td class=\"n\">%d%s</td><td>", row->months,
                    html_say(html, "个月", " months"));
        if (row->condition != NULL)
            html_add_expr(html, row->condition);
        html_raw(html, "</td>");
        html_cell_citation(html, &row->citation);
        html_raw(html, "</tr>\n");
    }
    html_table_end(html);
}

void html_show_definitions(struct html *html)
{
    html_section(html, "definitions", html_say(html, "定义", "Definitions"));
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        char unit[UNIT_TEXT_SIZE];
        if (d->kind == KW_STANDARD || d->kind == KW_SETTING || d->kind == KW_FACT)
            continue;
        text_printf(html->out, "<div class=\"def\" id=\"d%d\"><div><span class=\"kw\">", number);
        html_add_keyword(html, d->kind);
        html_raw(html, "</span> <b>");
        html_add_slice(html, d->title.length > 0 ? d->title : d->name);
        html_raw(html, "</b> <span class=\"unit\">");
        if (d->kind == KW_AMOUNT_DEF)
            html_add_text(html, unit_format(d->unit, html->language, unit));
        html_raw(html, "</span></div><div>");
        if (d->kind == KW_GRADUAL)
            show_gradual(html, d);
        else
            show_body(html, d);
        html_raw(html, "</div></div>\n");
    }
    html_raw(html, "</section>\n");
}
