/* SPDX-License-Identifier: PostgreSQL */
/*
 * The policy as one HTML page: nothing is fetched from anywhere, every text is escaped, and it prints well. Each clause and
 * each value stands beside its citation; names lead to their definitions; examples are folded.
 */
#include "policy/tell/show_html_internal.h"

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
static void contents_entry(struct html *html, const char *id, const char *title)
{
    text_printf(html->out, "<li><a href=\"#%s\">", id);
    html_add_text(html, title);
    html_raw(html, "</a></li>\n");
}

static void show_contents(struct html *html)
{
    text_printf(html->out, "<nav aria-label=\"%s\"><h2>%s</h2><ol>\n", html_say(html, "目录", "Contents"),
                html_say(html, "目录", "Contents"));
    contents_entry(html, "sources", html_say(html, "来源", "Sources"));
    contents_entry(html, "values", html_say(html, "标准与设定", "Standards and settings"));
    html_list_clauses(html);
    contents_entry(html, "definitions", html_say(html, "定义", "Definitions"));
    contents_entry(html, "facts", html_say(html, "事实", "Facts"));
    if (html->policy->ast.trials != NULL)
        contents_entry(html, "trials", keyword_text(KW_TRIAL, html->language));
    html_raw(html, "</ol></nav>\n<main>\n");
}

static void show_header(struct html *html)
{
    const struct policy *policy = html->policy;
    char date[CIVIL_TEXT_SIZE];
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"");
    html_raw(html, html_say(html, "zh-CN", "en"));
    html_raw(
        html,
        "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    html_element(html, "title", policy->name);
    html_raw(html, "<style>");
    html_raw(html, style);
    html_raw(html, "</style></head>\n<body>\n<header>");
    html_element(html, "h1", policy->name);
    html_raw(html, "<p>");
    html_add_keyword(html, KW_VERSION);
    html_raw(html, " ");
    html_add_text(html, policy->version);
    text_printf(html->out, " · %s %s</p>\n", keyword_text(KW_EFFECTIVE, html->language),
                civil_format(policy->ast.valid_from, date));
    for (const struct document *d = policy->ast.documents; d != NULL; d = d->next) {
        html_raw(html, "<p>");
        html_add_slice(html, d->name);
        html_raw(html, html_say(html, ":", ": "));
        html_add_slice(html, d->title);
        html_raw(html, "</p>\n");
    }
    html_raw(html, "</header>\n");
}

enum status policy_show_html(const struct policy *policy, struct text *out, struct error *err)
{
    struct html html = {.policy = policy, .language = policy->language, .out = out};
    text_init(&html.scratch);
    show_header(&html);
    show_contents(&html);
    html_show_sources(&html);
    html_show_values(&html);
    html_show_clauses(&html);
    html_show_definitions(&html);
    html_show_facts(&html);
    html_show_trials(&html);
    html_raw(&html, "</main>\n</body></html>\n");
    text_fini(&html.scratch);
    return out->failed ? error_set(err, STATUS_FATAL, "out of memory while rendering a policy") : STATUS_OK;
}
