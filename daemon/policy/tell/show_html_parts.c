/* SPDX-License-Identifier: PostgreSQL */
/* What the pages of show_html*.c are made of: escaped text, names that lead to their definitions, citations, tables. */
#include "policy/syntax/unparse.h"
#include "policy/tell/show_html_internal.h"

#include <string.h>

const char *html_say(const struct html *html, const char *chinese, const char *english)
{
    return html->language == LANGUAGE_CHINESE ? chinese : english;
}

void html_raw(struct html *html, const char *markup)
{
    text_add_str(html->out, markup);
}

void html_add_text(struct html *html, const char *text)
{
    text_add_html(html->out, slice_of(text));
}

void html_add_slice(struct html *html, struct slice slice)
{
    text_add_html(html->out, slice);
}

void html_add_keyword(struct html *html, enum keyword keyword)
{
    html_add_text(html, keyword_text(keyword, html->language));
}

void html_element(struct html *html, const char *name, const char *text)
{
    text_printf(html->out, "<%s>", name);
    html_add_text(html, text);
    text_printf(html->out, "</%.*s>", (int)strcspn(name, " "), name);
}

/* --- expressions, with links to what they name -------------------------------------------------------------------- */

static bool has_part(const struct definition *d)
{
    return d->kind != KW_STATISTIC;
}

/* The number of the definition of that name, from 1; 0 when there is none. */
static int definition_number(const struct html *html, struct slice name)
{
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        if (has_part(d) && slice_equal(d->name, name))
            return number;
    }
    return 0;
}

static void empty_scratch(struct html *html)
{
    html->out->failed = html->out->failed || html->scratch.failed;
    text_clear(&html->scratch);
}

/* What `scratch` holds: canonical text, whose words stand apart. */
void html_add_linked(struct html *html)
{
    const char *text = text_slice(&html->scratch).bytes;
    while (*text != '\0') {
        size_t length = strcspn(text, " (),");
        struct slice word = {text, length == 0 ? 1 : length};
        int number = length == 0 ? 0 : definition_number(html, word);
        if (number > 0)
            text_printf(html->out, "<a href=\"#d%d\">", number);
        html_add_slice(html, word);
        if (number > 0)
            html_raw(html, "</a>");
        text += word.length;
    }
    empty_scratch(html);
}

static struct unparser scratch_unparser(struct html *html)
{
    return (struct unparser){html->policy->text, html->language, &html->scratch};
}

void html_add_expr(struct html *html, const struct expr *expr)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_expr(&unparser, expr);
    html_add_linked(html);
}

void html_add_words(struct html *html, uint32_t begin, uint32_t end)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_words(&unparser, begin, end);
    html_add_slice(html, text_slice(&html->scratch));
    empty_scratch(html);
}

void html_add_linked_words(struct html *html, uint32_t begin, uint32_t end)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_words(&unparser, begin, end);
    html_add_linked(html);
}

void html_add_set(struct html *html, const struct set_expr *set)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_set(&unparser, set);
    html_add_linked(html);
}

/* --- citations ---------------------------------------------------------------------------------------------------- */

void html_add_citation(struct html *html, const struct citation *citation)
{
    for (const struct document *d = html->policy->ast.documents; d != NULL; d = d->next) {
        if (slice_equal(d->name, citation->document))
            html_add_slice(html, d->title);
    }
    html_raw(html, " ");
    html_add_slice(html, citation->article);
}

void html_add_cited(struct html *html, const struct citation *citation)
{
    if (!citation->given)
        return;
    html_raw(html, " <span class=\"cite\">〔");
    html_add_citation(html, citation);
    html_raw(html, "〕</span>");
}

void html_cell_citation(struct html *html, const struct citation *citation)
{
    html_raw(html, "<td class=\"cite\">");
    html_add_citation(html, citation);
    html_raw(html, "</td>");
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

void html_table_head(struct html *html, const char *const *heads, size_t count)
{
    html_raw(html, "<table><thead><tr>");
    for (size_t i = 0; i < count; i++)
        html_element(html, "th scope=\"col\"", heads[i]);
    html_raw(html, "</tr></thead><tbody>\n");
}

void html_table_end(struct html *html)
{
    html_raw(html, "</tbody></table>\n");
}

void html_section(struct html *html, const char *id, const char *title)
{
    text_printf(html->out, "<section id=\"%s\">", id);
    html_element(html, "h2", title);
}
