/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of the HTML page share.
 *
 *     show_html.c          the page: style, head, contents, and its parts in their order
 *     show_html_clauses.c  the clauses by kind, each beside its citation, with its examples
 *     show_html_values.c   what the clauses stand on: sources, standards and settings, definitions, facts
 *     show_html_trials.c   what the trials change
 *     show_html_parts.c    what all of them are made of: escaped text, links, citations, tables
 *
 * Everything is added to `out`; without memory it says so (`failed`), and the page is not shown.
 */
#ifndef SHOUWANG_POLICY_SHOW_HTML_INTERNAL_H
#define SHOUWANG_POLICY_SHOW_HTML_INTERNAL_H

#include "policy/machine/program.h"

struct html {
    const struct policy *policy;
    enum language language;
    struct text *out;
    struct text scratch; /* empty between two elements */
};

/* --- show_html_parts.c */
/* One of two texts, by the file's language. */
const char *html_say(const struct html *html, const char *chinese, const char *english);
void html_raw(struct html *html, const char *markup);
/* Escaped. */
void html_add_text(struct html *html, const char *text);
void html_add_slice(struct html *html, struct slice slice);
void html_add_keyword(struct html *html, enum keyword keyword);
/* name: with its attributes. */
void html_element(struct html *html, const char *name, const char *text);
/* Empties `scratch`, which holds canonical text: each name in it leads to its definition. */
void html_add_linked(struct html *html);
void html_add_expr(struct html *html, const struct expr *expr);
void html_add_set(struct html *html, const struct set_expr *set);
/* As it is written (unparse_words). */
void html_add_words(struct html *html, uint32_t begin, uint32_t end);
void html_add_linked_words(struct html *html, uint32_t begin, uint32_t end);
/* The document's title and the article, of a citation that is given. */
void html_add_citation(struct html *html, const struct citation *citation);
/* In brackets behind what it is the citation of; nothing when none is given. */
void html_add_cited(struct html *html, const struct citation *citation);
/* As a cell of a table. */
void html_cell_citation(struct html *html, const struct citation *citation);
void html_table_head(struct html *html, const char *const *heads, size_t count);
void html_table_end(struct html *html);
/* Begins one. */
void html_section(struct html *html, const char *id, const char *title);

/* --- show_html_clauses.c */
/* The entries of the contents. */
void html_list_clauses(struct html *html);
void html_show_clauses(struct html *html);

/* --- show_html_values.c */
void html_show_sources(struct html *html);
void html_show_values(struct html *html);
void html_show_definitions(struct html *html);
void html_show_facts(struct html *html);

/* --- show_html_trials.c */
void html_show_trials(struct html *html);

#endif
