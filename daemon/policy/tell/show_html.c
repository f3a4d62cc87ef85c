/* SPDX-License-Identifier: PostgreSQL */
/*
 * The policy as one HTML page: nothing is fetched from anywhere, every text is escaped, and it prints well. Each clause and
 * each value stands beside its citation; names lead to their definitions; examples are folded.
 */
#include "policy/compile/example.h"
#include "policy/syntax/unparse.h"

#include <string.h>

struct html {
    const struct policy *policy;
    enum language language;
    struct text *out;
    struct text scratch;
};

static const char style[] =
    ":root{--ink:#1f2328;--soft:#5b636d;--line:#d8dde3;--paper:#fff;--tint:#f6f7f9;--red:#b3261e;--orange:#b8610b;"
    "--yellow:#8a6d00;--verify:#5b4b9a;--check:#1d5f8a;--suggest:#2c6e49;--tag:#55606c}"
    "*{box-sizing:border-box}html{scroll-behavior:smooth}"
    "body{margin:0 auto;max-width:66rem;padding:2.5rem 1.5rem 4rem;color:var(--ink);background:var(--paper);"
    "font:16px/1.75 \"Noto Serif CJK SC\",\"Source Han Serif SC\",\"Songti SC\",SimSun,serif}"
    "h1,h2,h3,nav,table,summary,.kw,.badge,.chips,.cite,.unit{font-family:\"Noto Sans CJK SC\",\"Source Han Sans SC\","
    "\"PingFang SC\",\"Microsoft YaHei\",sans-serif}"
    "header{border-bottom:3px double var(--ink);padding-bottom:1.2rem;margin-bottom:1.6rem}"
    "h1{font-size:1.9rem;line-height:1.3;margin:0 0 .4rem}header p{margin:.2rem 0;color:var(--soft)}"
    "h2{font-size:1.3rem;margin:2.8rem 0 1rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}"
    "h3{font-size:1.05rem;margin:1.6rem 0 .5rem}a{color:inherit;text-decoration-color:#b9c1ca;text-underline-offset:.2em}"
    "a:hover{text-decoration-color:currentColor}"
    "nav ol{list-style:none;margin:0;padding:0;columns:2;column-gap:2.5rem}nav li{break-inside:avoid;padding:.08rem 0}"
    "nav li li{padding-left:1.2em;font-size:.92rem}nav ol ol{columns:1}nav code{color:var(--soft);font-size:.85em}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.3rem 0 1rem}"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}"
    "th,td{border-bottom:1px solid var(--line);padding:.38rem .7rem .38rem 0;text-align:left;vertical-align:top}"
    "th{color:var(--soft);font-weight:500;border-bottom-color:var(--ink)}td.n{font-variant-numeric:tabular-nums;"
    "white-space:nowrap}.cite{color:var(--soft);font-size:.85rem;line-height:1.55}.unit{color:var(--soft);font-size:.85em;"
    "font-weight:400}code{font-family:ui-monospace,\"DejaVu Sans Mono\",\"Noto Sans Mono CJK SC\",monospace;font-size:.88em}"
    ".def{display:grid;grid-template-columns:12rem 1fr;gap:.1rem 1.2rem;padding:.45rem 0;border-bottom:1px solid "
    "var(--line)}.def:target{background:#fff6d6}.def b{font-weight:600}"
    ".clause{border:1px solid var(--line);border-left:.4rem solid var(--c);border-radius:.3rem;margin:1.1rem 0;"
    "break-inside:avoid}.clause>h3{margin:0;padding:.65rem 1rem;background:var(--tint);display:flex;flex-wrap:wrap;"
    "gap:.3rem .7rem;align-items:baseline}.clause>h3 code{color:var(--soft);font-weight:400}"
    ".badge{background:var(--c);color:#fff;border-radius:.2rem;padding:.02rem .5rem;font-size:.85rem}"
    ".beside{display:grid;grid-template-columns:1fr 15rem}.beside>div{padding:.5rem 1rem}"
    ".beside>.side{padding:.6rem 1rem;border-left:1px dotted var(--line)}"
    ".row{display:grid;grid-template-columns:3.2rem 1fr;gap:.6rem;padding:.16rem 0}.row .row{grid-column:2}"
    ".kw{color:var(--c,var(--soft));font-weight:600;font-size:.9rem;line-height:1.98}.guard .kw{color:var(--soft)}"
    ".in{margin-left:1.9rem;border-left:2px solid var(--line);padding-left:.8rem}"
    ".reason{background:var(--tint);padding:.45rem .8rem;border-radius:.25rem}.reason var{font-style:normal;"
    "border-bottom:1.5px solid var(--c);padding:0 .1em}.chips span{display:inline-block;border:1px solid var(--line);"
    "border-radius:1rem;padding:0 .7rem;margin-right:.4rem;font-size:.85rem}"
    "details{border-top:1px dotted var(--line);padding:.35rem 1rem}summary{cursor:pointer;color:var(--soft);"
    "font-size:.88rem}details ol{margin:.4rem 0;padding-left:1.6rem;font-size:.9rem}details li{padding:.12rem 0}"
    "details code{white-space:pre-wrap}.red{--c:var(--red)}.orange{--c:var(--orange)}.yellow{--c:var(--yellow)}"
    ".verify{--c:var(--verify)}.check{--c:var(--check)}.suggest{--c:var(--suggest)}.tag{--c:var(--tag)}"
    "@media(max-width:44rem){.beside,.def{grid-template-columns:1fr}.beside>.side{border-left:0;border-top:1px dotted "
    "var(--line)}nav ol{columns:1}}"
    "@media print{@page{size:A4;margin:18mm 16mm}body{max-width:none;padding:0;font-size:10.5pt}nav{break-after:page}"
    "h2,h3{break-after:avoid}tr{break-inside:avoid}a{text-decoration:none}details{display:none}"
    ".badge,.clause>h3,.reason{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/* --- text --------------------------------------------------------------------------------------------------------- */

static const char *say(const struct html *html, const char *chinese, const char *english)
{
    return html->language == LANGUAGE_CHINESE ? chinese : english;
}

static void raw(struct html *html, const char *markup)
{
    text_add_str(html->out, markup);
}

static void add_text(struct html *html, const char *text)
{
    text_add_html(html->out, slice_of(text));
}

static void add_slice(struct html *html, struct slice slice)
{
    text_add_html(html->out, slice);
}

static void add_keyword(struct html *html, enum keyword keyword)
{
    add_text(html, keyword_text(keyword, html->language));
}

static void element(struct html *html, const char *name, const char *text)
{
    text_printf(html->out, "<%s>", name);
    add_text(html, text);
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

/* What `scratch` holds: canonical text, whose words stand apart. */
static void add_linked(struct html *html)
{
    const char *text = text_slice(&html->scratch).bytes;
    while (*text != '\0') {
        size_t length = strcspn(text, " (),");
        struct slice word = {text, length == 0 ? 1 : length};
        int number = length == 0 ? 0 : definition_number(html, word);
        if (number > 0)
            text_printf(html->out, "<a href=\"#d%d\">", number);
        add_slice(html, word);
        if (number > 0)
            raw(html, "</a>");
        text += word.length;
    }
    html->out->failed = html->out->failed || html->scratch.failed;
    text_clear(&html->scratch);
}

static struct unparser scratch_unparser(struct html *html)
{
    return (struct unparser){html->policy->text, html->language, &html->scratch};
}

static void add_expr(struct html *html, const struct expr *expr)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_expr(&unparser, expr);
    add_linked(html);
}

static void add_set(struct html *html, const struct set_expr *set)
{
    struct unparser unparser = scratch_unparser(html);
    unparse_set(&unparser, set);
    add_linked(html);
}

/* --- citations ---------------------------------------------------------------------------------------------------- */

static void add_citation(struct html *html, const struct citation *citation)
{
    if (!citation->given)
        return;
    for (const struct document *d = html->policy->ast.documents; d != NULL; d = d->next) {
        if (slice_equal(d->name, citation->document))
            add_slice(html, d->title);
    }
    raw(html, " ");
    add_slice(html, citation->article);
}

static void cell_citation(struct html *html, const struct citation *citation)
{
    raw(html, "<td class=\"cite\">");
    add_citation(html, citation);
    raw(html, "</td>");
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void table_head(struct html *html, const char *const *heads, size_t count)
{
    raw(html, "<table><thead><tr>");
    for (size_t i = 0; i < count; i++)
        element(html, "th scope=\"col\"", heads[i]);
    raw(html, "</tr></thead><tbody>\n");
}

static void table_end(struct html *html)
{
    raw(html, "</tbody></table>\n");
}

static void section(struct html *html, const char *id, const char *title)
{
    text_printf(html->out, "<section id=\"%s\">", id);
    element(html, "h2", title);
}

static void show_sources(struct html *html)
{
    const char *heads[] = {say(html, "来源(先者为准)", "Source, the first believed first"),
                           say(html, "数据", "Feed"),
                           keyword_text(KW_FRESHNESS, html->language),
                           say(html, "按乡镇的数目波动", "Swing by township"),
                           say(html, "发警", "Raises"),
                           say(html, "解警", "Clears")};
    section(html, "sources", say(html, "来源", "Sources"));
    table_head(html, heads, sizeof heads / sizeof heads[0]);
    for (const struct source_statement *s = html->policy->ast.sources; s != NULL; s = s->next) {
        raw(html, "<tr><td>");
        add_slice(html, s->name);
        raw(html, "</td><td><code>");
        add_slice(html, s->feed);
        text_printf(html->out, "</code></td><td class=\"n\">%d%s</td><td>", s->freshness_days,
                    word_text(WORD_DAY, html->language));
        if (s->swing > 0)
            text_printf(html->out, "≤ %d %s", s->swing, word_text(WORD_DEVIATIONS, html->language));
        raw(html, "</td><td>");
        add_keyword(html, s->may_raise ? KW_MAY_RAISE : KW_MAY_NOT_RAISE);
        raw(html, "</td><td>");
        add_keyword(html, s->may_clear ? KW_MAY_CLEAR : KW_MAY_NOT_CLEAR);
        raw(html, "</td></tr>\n");
    }
    table_end(html);
    raw(html, "</section>\n");
}

/* --- standards and settings --------------------------------------------------------------------------------------- */

static void show_standard(struct html *html, const struct definition *d, int number)
{
    char unit[UNIT_TEXT_SIZE], date[CIVIL_TEXT_SIZE];
    const char *heads[5] = {say(html, "起", "From"), say(html, "止", "To")};
    size_t count = 2;
    if (d->by_area)
        heads[count++] = keyword_text(KW_RURAL, html->language);
    heads[count++] = d->by_area ? keyword_text(KW_URBAN, html->language) : say(html, "数值", "Value");
    heads[count++] = keyword_text(KW_CITE, html->language);
    text_printf(html->out, "<h3 id=\"d%d\">", number);
    add_slice(html, d->name);
    raw(html, " <span class=\"unit\">");
    add_text(html, unit_format(d->unit, html->language, unit));
    raw(html, "</span></h3>");
    table_head(html, heads, count);
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next) {
        text_printf(html->out, "<tr><td class=\"n\">%s</td><td class=\"n\">", civil_format(v->from, date));
        raw(html, v->to == DAY_NONE ? "" : civil_format(v->to, date));
        raw(html, "</td><td class=\"n\">");
        add_expr(html, v->rural);
        if (d->by_area) {
            raw(html, "</td><td class=\"n\">");
            add_expr(html, v->urban);
        }
        raw(html, "</td>");
        cell_citation(html, &v->citation);
        raw(html, "</tr>\n");
    }
    table_end(html);
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
    const char *heads[] = {keyword_text(KW_SETTING, html->language), say(html, "数值", "Value"),
                           say(html, "单位", "Unit"), keyword_text(KW_CITE, html->language)};
    if (!has_settings(html))
        return;
    element(html, "h3", keyword_text(KW_SETTING, html->language));
    table_head(html, heads, sizeof heads / sizeof heads[0]);
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        char unit[UNIT_TEXT_SIZE];
        if (d->kind != KW_SETTING || definition_is_dated(d))
            continue;
        text_printf(html->out, "<tr id=\"d%d\"><td>", number);
        add_slice(html, d->name);
        raw(html, "</td><td class=\"n\">");
        add_expr(html, d->value);
        raw(html, "</td><td class=\"unit\">");
        add_text(html, unit_format(d->unit, html->language, unit));
        raw(html, "</td>");
        cell_citation(html, &d->citation);
        raw(html, "</tr>\n");
    }
    table_end(html);
}

static void show_values(struct html *html)
{
    section(html, "values", say(html, "标准与设定", "Standards and settings"));
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        if (definition_is_dated(d))
            show_standard(html, d, number);
    }
    show_settings(html);
    raw(html, "</section>\n");
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static void add_sources(struct html *html, enum keyword keyword, const struct item *items, size_t count)
{
    if (count == 0)
        return;
    add_keyword(html, keyword);
    for (size_t i = 0; i < count; i++) {
        raw(html, " ");
        add_slice(html, items[i].text);
    }
    raw(html, " ");
}

static void show_fact(struct html *html, const struct definition *d, int number)
{
    char unit[UNIT_TEXT_SIZE];
    text_printf(html->out, "<tr id=\"d%d\"><td>", number);
    add_slice(html, d->name);
    raw(html, "</td><td>");
    add_text(html, d->fact_kind == WORD_NONE ? unit_format(d->unit, html->language, unit)
                                             : word_text(d->fact_kind, html->language));
    raw(html, "</td><td class=\"n\">");
    if (d->low != NULL) {
        add_expr(html, d->low);
        raw(html, "..");
        add_expr(html, d->high);
    }
    raw(html, "</td><td><code>");
    add_slice(html, d->code);
    raw(html, "</code>");
    if (d->code_part != WORD_NONE) {
        raw(html, " ");
        add_keyword(html, KW_OF);
        raw(html, " ");
        add_text(html, word_text(d->code_part, html->language));
    }
    raw(html, "</td><td>");
    add_sources(html, KW_FIRST, d->first, d->first_count);
    add_sources(html, KW_BY_SOURCE, d->providers, d->provider_count);
    raw(html, "</td></tr>\n");
}

static void show_facts(struct html *html)
{
    const char *heads[] = {keyword_text(KW_FACT, html->language), say(html, "种类", "Kind"),
                           keyword_text(KW_RANGE, html->language), say(html, "代码", "Code"),
                           keyword_text(KW_SOURCE, html->language)};
    section(html, "facts", say(html, "事实", "Facts"));
    table_head(html, heads, sizeof heads / sizeof heads[0]);
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        if (d->kind == KW_FACT)
            show_fact(html, d, number);
    }
    table_end(html);
    raw(html, "</section>\n");
}

/* --- definitions -------------------------------------------------------------------------------------------------- */

static void add_window_edge(struct html *html, const struct window_edge *edge)
{
    bool days = edge->days > 0;
    int count = days ? edge->days : edge->months;
    if (html->language == LANGUAGE_CHINESE)
        text_printf(html->out, "近%d%s", count, days ? "日" : "月");
    else
        text_printf(html->out, "last_%d_%s", count, days ? "days" : "months");
}

/* The right side of a definition; false for those that have a table of their own. */
static bool show_body(struct html *html, const struct definition *d)
{
    switch (d->kind) {
    case KW_WINDOW:
        add_window_edge(html, &d->from);
        if (d->to.present) {
            raw(html, " ");
            add_keyword(html, KW_TO);
            raw(html, " ");
            add_window_edge(html, &d->to);
        }
        return true;
    case KW_SET:
        add_set(html, d->set);
        return true;
    default:
        if (d->value == NULL)
            return false;
        add_expr(html, d->value);
        return true;
    }
}

static void show_gradual(struct html *html, const struct definition *d)
{
    const char *heads[] = {say(html, "几个月以内", "Within"), keyword_text(KW_WHEN, html->language),
                           keyword_text(KW_CITE, html->language)};
    raw(html, say(html, "失去 ", "After "));
    text_add(&html->scratch, d->code.bytes, d->code.length);
    add_linked(html);
    raw(html, say(html, " 以后,又没有再得到:", " ended and was not given again:"));
    table_head(html, heads, sizeof heads / sizeof heads[0]);
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next) {
        text_printf(html->out, "<tr><td class=\"n\">%d%s</td><td>", row->months,
                    say(html, "个月", " months"));
        if (row->condition != NULL)
            add_expr(html, row->condition);
        raw(html, "</td>");
        cell_citation(html, &row->citation);
        raw(html, "</tr>\n");
    }
    table_end(html);
}

static void show_definitions(struct html *html)
{
    section(html, "definitions", say(html, "定义", "Definitions"));
    int number = 1;
    for (const struct definition *d = html->policy->ast.definitions; d != NULL; d = d->next, number++) {
        char unit[UNIT_TEXT_SIZE];
        if (d->kind == KW_STANDARD || d->kind == KW_SETTING || d->kind == KW_FACT)
            continue;
        text_printf(html->out, "<div class=\"def\" id=\"d%d\"><div><span class=\"kw\">", number);
        add_keyword(html, d->kind);
        raw(html, "</span> <b>");
        add_slice(html, d->title.length > 0 ? d->title : d->name);
        raw(html, "</b> <span class=\"unit\">");
        if (d->kind == KW_AMOUNT_DEF)
            add_text(html, unit_format(d->unit, html->language, unit));
        raw(html, "</span></div><div>");
        if (d->kind == KW_GRADUAL)
            show_gradual(html, d);
        else
            show_body(html, d);
        raw(html, "</div></div>\n");
    }
    raw(html, "</section>\n");
}

/* --- clauses ------------------------------------------------------------------------------------------------------ */

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

static void open_row(struct html *html, enum keyword keyword, const char *css)
{
    text_printf(html->out, "<div class=\"row%s\"><span class=\"kw\">", css);
    add_keyword(html, keyword);
    raw(html, "</span><div>");
}

static void close_row(struct html *html)
{
    raw(html, "</div></div>\n");
}

static void show_line(struct html *html, const struct clause_line *line)
{
    open_row(html, line->kind, line->kind == KW_ONLY || line->kind == KW_EXCEPT ? " guard" : "");
    add_expr(html, line->value);
    if (line->citation.given) {
        raw(html, " <span class=\"cite\">〔");
        add_citation(html, &line->citation);
        raw(html, "〕</span>");
    }
    close_row(html);
}

static void show_conditions(struct html *html, const struct clause_statement *clause)
{
    for (const struct clause_line *line = clause->lines; line != NULL; line = line->next)
        show_line(html, line);
    if (clause->some == NULL)
        return;
    open_row(html, KW_SOME, "");
    add_set(html, clause->some);
    close_row(html);
    raw(html, "<div class=\"in\">");
    for (const struct clause_line *line = clause->some_lines; line != NULL; line = line->next)
        show_line(html, line);
    raw(html, "</div>");
}

/* {…} stands out. */
static void show_reason(struct html *html, const struct clause_statement *clause)
{
    bool open = false;
    raw(html, "<p class=\"reason\">");
    for (uint32_t i = clause->reason_begin; i < clause->reason_end; i++) {
        char c = html->policy->text[i];
        if (c == '{' || (c == '}' && open)) {
            open = c == '{';
            raw(html, open ? "<var>" : "</var>");
        } else {
            add_slice(html, (struct slice){&c, 1});
        }
    }
    raw(html, "</p>\n");
}

static void show_amounts(struct html *html, const struct clause_statement *clause)
{
    for (const struct amount_line *line = clause->amounts; line != NULL; line = line->next) {
        open_row(html, KW_AMOUNT, "");
        if (line->title.length > 0) {
            raw(html, "<b>");
            add_slice(html, line->title);
            raw(html, "</b> = ");
        }
        add_expr(html, line->value);
        if (line->citation.given) {
            raw(html, " <span class=\"cite\">〔");
            add_citation(html, &line->citation);
            raw(html, "〕</span>");
        }
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
        add_text(html, cause_title(html, line->cause));
        if (line->condition != NULL) {
            raw(html, " ");
            add_keyword(html, KW_WHEN);
            raw(html, " ");
            add_expr(html, line->condition);
        }
        close_row(html);
    }
}

/* Keyword, what stands before the count, the count, what stands behind. */
static void chip(struct html *html, enum keyword keyword, const char *before, int count, const char *after)
{
    raw(html, "<span>");
    add_keyword(html, keyword);
    raw(html, " ");
    add_text(html, before);
    text_printf(html->out, "%d", count);
    add_text(html, after);
    raw(html, "</span>");
}

/* What it takes to end, and how long it holds. */
static void show_term(struct html *html, const struct clause_statement *clause)
{
    if (clause->clear_batches > 0) {
        text_add_str(&html->scratch, say(html, "判定不成立以后,", "once it is denied and "));
        text_add(&html->scratch, clause->clear_source.text.bytes, clause->clear_source.text.length);
        text_add_str(&html->scratch, say(html, "又来了连续", " has sent "));
        chip(html, KW_CLEAR, text_slice(&html->scratch).bytes, clause->clear_batches,
             say(html, "批数据,才解除", " more batches"));
        html->out->failed = html->out->failed || html->scratch.failed;
        text_clear(&html->scratch);
    }
    if (clause->clear_rounds > 0)
        chip(html, KW_CLEAR, say(html, "连续", "when "), clause->clear_rounds,
             say(html, "轮比对都判定不成立,才解除", " consecutive rounds have denied it"));
    if (clause->valid_months > 0)
        chip(html, KW_VALID, say(html, "认定之后", "for "), clause->valid_months,
             say(html, "个月", " months"));
}

static void show_dispatch(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    raw(html, "<p class=\"chips\">");
    for (size_t i = 0; i < clause->referral_count; i++) {
        raw(html, "<span>");
        add_keyword(html, KW_REFER);
        raw(html, " ");
        add_slice(html, clause->referrals[i].text);
        raw(html, "</span>");
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
    raw(html, clause->from != DAY_NONE ? "</span></p>\n" : "</p>\n");
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

/* The statement's text from its clause name on: to the end of its last indented line. */
static void add_example(struct html *html, const struct example_statement *example)
{
    const char *at = example->title.length > 0 ? example->title.bytes : example->clause.bytes;
    const char *end = html->policy->text + html->policy->text_length;
    const char *stop = at;
    do {
        stop += strcspn(stop, "\r\n");
        while (stop < end && (*stop == '\r' || *stop == '\n'))
            stop++;
    } while (stop < end && (*stop == ' ' || *stop == '\t'));
    add_slice(html, slice_trim((struct slice){at, (size_t)(stop - at)}));
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
        raw(html, "<li><code>");
        add_example(html, e);
        raw(html, "</code></li>\n");
    }
    raw(html, "</ol></details>\n");
}

/* A clause's anchor: its name, with a dash (which no name has) for a dot, and the day from which on it is in force when it says
 * one. So it stays when clauses are added. */
static void add_anchor(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    raw(html, "clause-");
    for (size_t i = 0; i < clause->name.length; i++)
        text_add_char(html->out, clause->name.bytes[i] == '.' ? '-' : clause->name.bytes[i]);
    if (clause->from != DAY_NONE)
        text_printf(html->out, "-%s", civil_format(clause->from, date));
}

static void show_clause(struct html *html, const struct clause_statement *clause, const char *css, int number)
{
    text_printf(html->out, "<article class=\"clause %s\" id=\"", css);
    add_anchor(html, clause);
    raw(html, "\"><h3><span class=\"badge\">");
    add_keyword(html, clause->kind);
    raw(html, "</span> ");
    add_slice(html, clause->title.length > 0 ? clause->title : clause->name);
    raw(html, " <code>");
    add_slice(html, clause->name);
    raw(html, "</code></h3>\n<div class=\"beside\"><div>");
    show_conditions(html, clause);
    show_amounts(html, clause);
    show_causes(html, clause);
    show_reason(html, clause);
    show_dispatch(html, clause);
    raw(html, "</div><div class=\"side cite\">");
    add_keyword(html, KW_CITE);
    raw(html, "<br>");
    add_citation(html, &clause->citation);
    raw(html, "</div></div>\n");
    show_examples(html, number);
    raw(html, "</article>\n");
}

static void show_groups(struct html *html)
{
    for (size_t g = 0; g < GROUPS; g++) {
        if (group_is_empty(html, groups[g].kind))
            continue;
        section(html, groups[g].css, groups[g].title[html->language]);
        int number = 1;
        for (const struct clause_statement *c = html->policy->ast.clauses; c != NULL; c = c->next, number++) {
            if (c->kind == groups[g].kind)
                show_clause(html, c, groups[g].css, number);
        }
        raw(html, "</section>\n");
    }
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

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
    add_keyword(html, KW_SINCE);
    raw(html, " ");
    if (by_area) {
        add_keyword(html, KW_RURAL);
        raw(html, " ");
    }
    add_expr(html, value->rural);
    if (by_area) {
        raw(html, " ");
        add_keyword(html, KW_URBAN);
        raw(html, " ");
        add_expr(html, value->urban);
    }
    raw(html, " <span class=\"cite\">〔");
    add_citation(html, &value->citation);
    raw(html, "〕</span></div>");
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
        add_expr(html, d->value);
    if (d == NULL && c != NULL)
        add_slice(html, c->title);
    if (citation != NULL && citation->given) {
        raw(html, " <span class=\"cite\">〔");
        add_citation(html, citation);
        raw(html, "〕</span>");
    }
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
    add_linked(html);
}

static void show_trials(struct html *html)
{
    const char *heads[] = {say(html, "改为", "Change"), say(html, "现为", "In force")};
    if (html->policy->ast.trials == NULL)
        return;
    section(html, "trials", keyword_text(KW_TRIAL, html->language));
    element(html, "p", say(html, "只供推演,不起作用。", "For simulations alone; they are not in force."));
    for (const struct trial_statement *t = html->policy->ast.trials; t != NULL; t = t->next) {
        raw(html, "<h3>");
        add_slice(html, t->name);
        raw(html, "</h3>");
        table_head(html, heads, sizeof heads / sizeof heads[0]);
        for (const struct trial_change *change = t->changes; change != NULL; change = change->next) {
            raw(html, "<tr><td>");
            add_change(html, change);
            raw(html, "</td><td>");
            add_unchanged(html, change);
            raw(html, "</td></tr>\n");
        }
        table_end(html);
    }
    raw(html, "</section>\n");
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void contents_entry(struct html *html, const char *id, const char *title)
{
    text_printf(html->out, "<li><a href=\"#%s\">", id);
    add_text(html, title);
    raw(html, "</a></li>\n");
}

static void contents_clause(struct html *html, const struct clause_statement *clause)
{
    char date[CIVIL_TEXT_SIZE];
    raw(html, "<li><a href=\"#");
    add_anchor(html, clause);
    raw(html, "\">");
    add_slice(html, clause->title.length > 0 ? clause->title : clause->name);
    raw(html, "</a>");
    if (clause->from != DAY_NONE)
        text_printf(html->out, " <code>%s", civil_format(clause->from, date));
    if (clause->from != DAY_NONE && clause->to != DAY_NONE)
        text_printf(html->out, " %s %s", keyword_text(KW_TO, html->language), civil_format(clause->to, date));
    raw(html, clause->from != DAY_NONE ? "</code></li>\n" : "</li>\n");
}

static void show_contents(struct html *html)
{
    text_printf(html->out, "<nav aria-label=\"%s\"><h2>%s</h2><ol>\n", say(html, "目录", "Contents"),
                say(html, "目录", "Contents"));
    contents_entry(html, "sources", say(html, "来源", "Sources"));
    contents_entry(html, "values", say(html, "标准与设定", "Standards and settings"));
    for (size_t g = 0; g < GROUPS; g++) {
        if (group_is_empty(html, groups[g].kind))
            continue;
        text_printf(html->out, "<li><a href=\"#%s\">%s</a><ol>\n", groups[g].css,
                    groups[g].title[html->language]);
        for (const struct clause_statement *c = html->policy->ast.clauses; c != NULL; c = c->next)
            if (c->kind == groups[g].kind)
                contents_clause(html, c);
        raw(html, "</ol></li>\n");
    }
    contents_entry(html, "definitions", say(html, "定义", "Definitions"));
    contents_entry(html, "facts", say(html, "事实", "Facts"));
    if (html->policy->ast.trials != NULL)
        contents_entry(html, "trials", keyword_text(KW_TRIAL, html->language));
    raw(html, "</ol></nav>\n<main>\n");
}

static void show_header(struct html *html)
{
    const struct policy *policy = html->policy;
    char date[CIVIL_TEXT_SIZE];
    raw(html, "<!DOCTYPE html>\n<html lang=\"");
    raw(html, say(html, "zh-CN", "en"));
    raw(html,
        "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    element(html, "title", policy->name);
    raw(html, "<style>");
    raw(html, style);
    raw(html, "</style></head>\n<body>\n<header>");
    element(html, "h1", policy->name);
    raw(html, "<p>");
    add_keyword(html, KW_VERSION);
    raw(html, " ");
    add_text(html, policy->version);
    text_printf(html->out, " · %s %s</p>\n", keyword_text(KW_EFFECTIVE, html->language),
                civil_format(policy->ast.valid_from, date));
    for (const struct document *d = policy->ast.documents; d != NULL; d = d->next) {
        raw(html, "<p>");
        add_slice(html, d->name);
        raw(html, say(html, ":", ": "));
        add_slice(html, d->title);
        raw(html, "</p>\n");
    }
    raw(html, "</header>\n");
}

enum status policy_show_html(const struct policy *policy, struct text *out, struct error *err)
{
    struct html html = {.policy = policy, .language = policy->language, .out = out};
    text_init(&html.scratch);
    show_header(&html);
    show_contents(&html);
    show_sources(&html);
    show_values(&html);
    show_groups(&html);
    show_definitions(&html);
    show_facts(&html);
    show_trials(&html);
    raw(&html, "</main>\n</body></html>\n");
    text_fini(&html.scratch);
    return out->failed ? error_set(err, STATUS_FATAL, "out of memory while rendering a policy") : STATUS_OK;
}
