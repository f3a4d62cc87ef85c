/* SPDX-License-Identifier: PostgreSQL */
/*
 * policy_diff: what two policies say differently, in words.
 *
 * Every statement becomes a subject (what it is, its name) with facets: an aspect and its value in canonical text. Subjects and
 * facets are matched by what they are, never by where they stand; so order, spacing and comments make no difference. Where a
 * value is an expression, its meaning is compared: 70% is 7/10.
 */
#include "policy/compile/readers.h"
#include "policy/machine/program.h"
#include "policy/syntax/unparse.h"

#include <string.h>

struct facet {
    const char *aspect; /* "自 2021-01-01 起农村"; several facets may have one */
    const char *value;
    const struct expr *expr; /* NULL: compared as text */
    bool matched;
};

struct subject {
    const char *statement, *name; /* what it is matched by */
    const char *label;            /* what it is called: 红 for a clause */
    const char *shown;            /* its name in words */
    size_t version;               /* of clauses: which of those of its name */
    uint64_t clauses;             /* of definitions: those that read it */
    size_t facet_count, facet_capacity;
    struct facet *facets;
};

struct outline {
    const struct policy *policy;
    size_t count, capacity;
    struct subject *subjects;
    struct subject *open; /* the one that is being filled */
};

struct differ {
    struct arena *arena;
    struct outline sides[2]; /* before, after */
    struct policy_differences *result;
    size_t capacity;
    struct text text;
    struct subject lost; /* what there was no memory for */
    bool failed;
};

/* --- making outlines ---------------------------------------------------------------------------------------------- */

static void *grow(struct differ *d, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = arena_array(d->arena, wanted, size);
    if (grown == NULL) {
        d->failed = true;
        return NULL;
    }
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = wanted;
    return grown;
}

static const char *copy(struct differ *d, struct slice slice)
{
    const char *kept = arena_copy(d->arena, slice.bytes, slice.length);
    d->failed = d->failed || kept == NULL;
    return kept == NULL ? "" : kept;
}

/* What d->text holds; empties it. */
static const char *taken(struct differ *d)
{
    d->failed = d->failed || d->text.failed;
    const char *kept = copy(d, text_slice(&d->text));
    text_clear(&d->text);
    return kept;
}

/* The title may be empty. */
static const char *titled(struct differ *d, struct slice what, struct slice title)
{
    text_printf(&d->text, "%.*s%s%.*s", (int)what.length, what.bytes, title.length > 0 ? " " : "",
                (int)title.length, title.bytes);
    return taken(d);
}

static void open_subject(struct differ *d, struct outline *o, const char *statement, struct slice name,
                         uint64_t clauses)
{
    struct subject *subjects = grow(d, o->subjects, o->count, &o->capacity, sizeof *subjects);
    o->open = &d->lost;
    if (subjects != NULL) {
        o->subjects = subjects;
        o->open = &subjects[o->count++];
    }
    *o->open = (struct subject){
        .statement = statement, .label = statement, .name = copy(d, name), .clauses = clauses};
    o->open->shown = o->open->name;
}

static void add_facet(struct differ *d, struct outline *o, const char *aspect, const char *value,
                      const struct expr *expr)
{
    struct subject *s = o->open;
    struct facet *facets = grow(d, s->facets, s->facet_count, &s->facet_capacity, sizeof *facets);
    if (facets == NULL)
        return;
    s->facets = facets;
    s->facets[s->facet_count++] = (struct facet){aspect, value, expr, false};
}

static void add_slice(struct differ *d, struct outline *o, const char *aspect, struct slice value)
{
    if (value.length > 0)
        add_facet(d, o, aspect, copy(d, value), NULL);
}

static struct unparser unparser_of(struct differ *d, const struct outline *o)
{
    return (struct unparser){o->policy->text, o->policy->language, &d->text};
}

static void add_expr(struct differ *d, struct outline *o, const char *aspect, const struct expr *expr)
{
    struct unparser unparser = unparser_of(d, o);
    if (expr == NULL)
        return;
    unparse_expr(&unparser, expr);
    add_facet(d, o, aspect, taken(d), expr);
}

static void add_set(struct differ *d, struct outline *o, const char *aspect, const struct set_expr *set)
{
    struct unparser unparser = unparser_of(d, o);
    if (set == NULL)
        return;
    unparse_set(&unparser, set);
    add_facet(d, o, aspect, taken(d), NULL);
}

/* As it is written, whatever its spacing and its comments. */
static void add_words(struct differ *d, struct outline *o, const char *aspect, uint32_t begin, uint32_t end)
{
    struct unparser unparser = unparser_of(d, o);
    unparse_words(&unparser, begin, end);
    add_facet(d, o, aspect, taken(d), NULL);
}

static void add_unit(struct differ *d, struct outline *o, struct unit unit)
{
    char text[UNIT_TEXT_SIZE];
    add_slice(d, o, "单位", slice_of(unit_format(unit, o->policy->language, text)));
}

static void add_day(struct differ *d, struct outline *o, const char *aspect, day_t day)
{
    char text[CIVIL_TEXT_SIZE];
    if (day != DAY_NONE)
        add_slice(d, o, aspect, slice_of(civil_format(day, text)));
}

static void add_citation(struct differ *d, struct outline *o, const char *aspect,
                         const struct citation *citation)
{
    if (!citation->given)
        return;
    text_printf(&d->text, "%.*s %.*s", (int)citation->document.length, citation->document.bytes,
                (int)citation->article.length, citation->article.bytes);
    add_facet(d, o, aspect, taken(d), NULL);
}

static void add_items(struct differ *d, struct outline *o, const char *aspect, const struct item *items,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(&d->text, "%s%.*s", i == 0 ? "" : " ", (int)items[i].text.length, items[i].text.bytes);
    if (count > 0)
        add_facet(d, o, aspect, taken(d), NULL);
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static void outline_header(struct differ *d, struct outline *o)
{
    const struct policy_ast *ast = &o->policy->ast;
    open_subject(d, o, "政策", slice_of(""), 0);
    add_slice(d, o, "名称", ast->name);
    add_slice(d, o, "版本", ast->version);
    add_day(d, o, "生效日期", ast->valid_from);
    for (const struct source_statement *s = ast->sources; s != NULL; s = s->next)
        text_printf(&d->text, "%s%.*s", s == ast->sources ? "" : " ", (int)s->name.length, s->name.bytes);
    add_facet(d, o, "来源的先后", taken(d), NULL);
    for (const struct document *document = ast->documents; document != NULL; document = document->next) {
        open_subject(d, o, "文件", document->name, 0);
        add_slice(d, o, "标题", document->title);
    }
    for (const struct source_statement *s = ast->sources; s != NULL; s = s->next) {
        open_subject(d, o, "来源", s->name, 0);
        add_slice(d, o, "数据", s->feed);
        text_printf(&d->text, "%d天", s->freshness_days);
        add_facet(d, o, "时效", taken(d), NULL);
        if (s->swing > 0)
            text_printf(&d->text, "%d 倍中位差", s->swing);
        else
            text_add_str(&d->text, "不限");
        add_facet(d, o, "波动", taken(d), NULL);
        add_facet(d, o, "发警", s->may_raise ? "可" : "不可", NULL);
        add_facet(d, o, "解警", s->may_clear ? "可" : "不可", NULL);
    }
}

static const char *dated_aspect(struct differ *d, const struct dated_value *value, const char *what)
{
    char from[CIVIL_TEXT_SIZE];
    text_printf(&d->text, "自 %s 起%s", civil_format(value->from, from), what);
    return taken(d);
}

static void outline_dated(struct differ *d, struct outline *o, const struct definition *definition)
{
    for (const struct dated_value *v = definition->dated; v != NULL; v = v->next) {
        bool areas = v->rural != v->urban;
        add_expr(d, o, dated_aspect(d, v, areas ? "农村" : "的数值"), v->rural);
        if (areas)
            add_expr(d, o, dated_aspect(d, v, "城市"), v->urban);
        add_day(d, o, dated_aspect(d, v, "的截止日"), v->to);
        add_citation(d, o, dated_aspect(d, v, "的依据"), &v->citation);
    }
}

static void add_window(struct differ *d, struct outline *o, const struct definition *definition)
{
    const struct window_edge *edges[] = {&definition->from, &definition->to};
    if (!definition->from.present)
        return;
    for (size_t i = 0; i < 2 && edges[i]->present; i++) {
        text_add_str(&d->text, i == 0 ? "" : " 至 ");
        unparse_edge(&d->text, LANGUAGE_CHINESE, edges[i]);
    }
    add_facet(d, o, "时段", taken(d), NULL);
}

static void outline_fact(struct differ *d, struct outline *o, const struct definition *definition)
{
    if (definition->kind != KW_FACT)
        return;
    if (definition->fact_kind != WORD_NONE)
        add_facet(d, o, "种类", word_text(definition->fact_kind, o->policy->language), NULL);
    add_slice(d, o, "代码", definition->code);
    add_facet(d, o, "所取的部分", word_text(definition->code_part, o->policy->language), NULL);
    add_expr(d, o, "范围下限", definition->low);
    add_expr(d, o, "范围上限", definition->high);
    add_items(d, o, "先信的来源", definition->first, definition->first_count);
    add_items(d, o, "应由谁提供", definition->providers, definition->provider_count);
}

static void outline_gradual(struct differ *d, struct outline *o, const struct definition *definition)
{
    struct unparser unparser = unparser_of(d, o);
    if (definition->kind == KW_GRADUAL)
        add_slice(d, o, "自", definition->code);
    for (const struct gradual_row *row = definition->gradual; row != NULL; row = row->next) {
        text_printf(&d->text, "%d月", row->months);
        if (row->condition != NULL) {
            text_add_str(&d->text, " 当 ");
            unparse_expr(&unparser, row->condition);
        }
        text_printf(&d->text, " 依据 %.*s %.*s", (int)row->citation.document.length,
                    row->citation.document.bytes, (int)row->citation.article.length,
                    row->citation.article.bytes);
        add_facet(d, o, "期限", taken(d), NULL);
    }
}

static void outline_definitions(struct differ *d, struct outline *o)
{
    struct readers readers;
    d->failed = !readers_find(o->policy, d->arena, &readers) || d->failed;
    size_t index = 0;
    for (const struct definition *s = o->policy->ast.definitions; s != NULL && !d->failed;
         s = s->next, index++) {
        open_subject(d, o, keyword_text(s->kind, o->policy->language), s->name, readers.clauses[index]);
        add_slice(d, o, "标题", s->title);
        if (s->kind == KW_STANDARD || s->kind == KW_SETTING || s->kind == KW_AMOUNT_DEF)
            add_unit(d, o, s->unit);
        if (s->kind == KW_STANDARD)
            add_facet(d, o, "按城乡", s->by_area ? "是" : "否", NULL);
        add_expr(d, o, s->kind == KW_SETTING ? "数值" : "写法", s->value);
        add_set(d, o, "写法", s->set);
        add_window(d, o, s);
        outline_fact(d, o, s);
        add_citation(d, o, "依据", &s->citation);
        outline_dated(d, o, s);
        outline_gradual(d, o, s);
    }
}

/* --- clauses ------------------------------------------------------------------------------------------------------ */

static void outline_lines(struct differ *d, struct outline *o, const struct clause_line *lines,
                          const char *aspect)
{
    struct unparser unparser = unparser_of(d, o);
    for (const struct clause_line *line = lines; line != NULL; line = line->next) {
        unparse_line(&unparser, line);
        if (line->citation.given)
            text_printf(&d->text, " 依据 %.*s %.*s", (int)line->citation.document.length,
                        line->citation.document.bytes, (int)line->citation.article.length,
                        line->citation.article.bytes);
        add_facet(d, o, aspect, taken(d), NULL);
    }
}

static void outline_causes(struct differ *d, struct outline *o, const struct clause_statement *c)
{
    struct unparser unparser = unparser_of(d, o);
    for (const struct cause_line *line = c->causes; line != NULL; line = line->next) {
        text_printf(&d->text, "%s%s", line == c->causes ? "" : ",", line->cause);
        if (line->condition == NULL)
            continue;
        text_add_str(&d->text, " 当 ");
        unparse_expr(&unparser, line->condition);
    }
    if (c->causes != NULL)
        add_facet(d, o, "事由", taken(d), NULL);
}

static void outline_amounts(struct differ *d, struct outline *o, const struct clause_statement *c)
{
    for (const struct amount_line *line = c->amounts; line != NULL; line = line->next) {
        const char *aspect = titled(d, slice_of("金额"), line->title);
        add_expr(d, o, aspect, line->value);
        text_printf(&d->text, "%s的依据", aspect);
        add_citation(d, o, taken(d), &line->citation);
    }
}

static void outline_ends(struct differ *d, struct outline *o, const struct clause_statement *c)
{
    if (c->clear_batches > 0) {
        text_printf(&d->text, "%.*s 连续%d批", (int)c->clear_source.text.length, c->clear_source.text.bytes,
                    c->clear_batches);
        add_facet(d, o, "解除的批", taken(d), NULL);
    }
    if (c->clear_rounds > 0) {
        text_printf(&d->text, "连续%d轮", c->clear_rounds);
        add_facet(d, o, "解除的轮", taken(d), NULL);
    }
    if (c->valid_months > 0) {
        text_printf(&d->text, "%d月", c->valid_months);
        add_facet(d, o, "有效期", taken(d), NULL);
    }
}

static void outline_clause(struct differ *d, struct outline *o, const struct clause_statement *c)
{
    add_facet(d, o, "种类", keyword_text(c->kind, o->policy->language), NULL);
    add_slice(d, o, "标题", c->title);
    add_citation(d, o, "依据", &c->citation);
    add_day(d, o, "生效日期", c->from);
    add_day(d, o, "截止日期", c->to);
    add_facet(d, o, "无成员亦查", c->even_empty ? "是" : "否", NULL);
    outline_lines(d, o, c->lines, "条件");
    add_set(d, o, "某", c->some);
    outline_lines(d, o, c->some_lines, "对某一人的条件");
    outline_amounts(d, o, c);
    outline_causes(d, o, c);
    add_slice(d, o, "理由",
              (struct slice){o->policy->text + c->reason_begin, c->reason_end - c->reason_begin});
    add_items(d, o, "转介", c->referrals, c->referral_count);
    if (c->due_days > 0) {
        text_printf(&d->text, "%d天", c->due_days);
        add_facet(d, o, "办理", taken(d), NULL);
    }
    outline_ends(d, o, c);
}

static void outline_examples(struct differ *d, struct outline *o)
{
    for (const struct example_statement *e = o->policy->ast.examples; e != NULL; e = e->next) {
        const char *name = titled(d, e->clause, e->title);
        struct slice named = e->title.length > 0 ? e->title : e->clause;
        open_subject(d, o, "例", slice_of(name), 0);
        add_words(d, o, "内容", (uint32_t)(named.bytes + named.length - o->policy->text), e->end);
    }
    for (const struct equivalent_statement *e = o->policy->ast.equivalents; e != NULL; e = e->next) {
        text_printf(&d->text, "%.*s “%.*s”换成“%.*s”", (int)e->owner.length, e->owner.bytes,
                    (int)e->before.length, e->before.bytes, (int)e->after.length, e->after.bytes);
        const char *name = taken(d);
        open_subject(d, o, "等效", slice_of(name), 0);
        add_slice(d, o, "理由", e->reason);
    }
}

/* Versions go by their order; after the first one the name says from when. */
static void name_clause(struct differ *d, struct outline *o, const struct clause_statement *c)
{
    char date[CIVIL_TEXT_SIZE];
    o->open->label = keyword_text(c->kind, o->policy->language);
    for (const struct clause_statement *other = o->policy->ast.clauses; other != c; other = other->next)
        o->open->version += slice_equal(other->name, c->name);
    if (o->open->version == 0)
        return;
    text_printf(&d->text, "%s %s 起", o->open->name, civil_format(c->from, date));
    o->open->shown = taken(d);
}

static void outline_trials(struct differ *d, struct outline *o)
{
    for (const struct trial_statement *t = o->policy->ast.trials; t != NULL; t = t->next) {
        open_subject(d, o, "试算", t->name, 0);
        for (const struct trial_change *change = t->changes; change != NULL; change = change->next)
            add_words(d, o, "改动", change->begin, change->end);
    }
}

static void make_outline(struct differ *d, struct outline *o)
{
    outline_header(d, o);
    outline_definitions(d, o);
    for (const struct clause_statement *c = o->policy->ast.clauses; c != NULL; c = c->next) {
        open_subject(d, o, "条款", c->name, 0);
        name_clause(d, o, c);
        outline_clause(d, o, c);
    }
    outline_trials(d, o);
    outline_examples(d, o);
}

/* --- equal in meaning --------------------------------------------------------------------------------------------- */

static bool is_bare(const struct expr *e)
{
    return e->kind == EXPR_NUMBER && !e->has_unit;
}

/* A bare number, or a ratio of two. */
static bool constant_of(const struct expr *e, struct fraction *value)
{
    *value = e->number;
    if (e->kind != EXPR_DIVIDE)
        return is_bare(e);
    if (!is_bare(e->a) || !is_bare(e->b))
        return false;
    fraction_divide(e->a->number, e->b->number, value); /* as the checker has done */
    return true;
}

static bool same_expr(const struct expr *a, const struct expr *b);

static bool same_set(const struct set_expr *a, const struct set_expr *b)
{
    if (a->part_count != b->part_count)
        return false;
    for (size_t i = 0; i < a->part_count; i++) {
        if (!slice_equal(a->parts[i].text, b->parts[i].text))
            return false;
    }
    return same_expr(a->filter, b->filter);
}

/* Every kind keeps its parts in the same places. */
static bool same_expr(const struct expr *a, const struct expr *b)
{
    struct fraction x, y;
    if (a == NULL || b == NULL)
        return a == b;
    if (constant_of(a, &x) && constant_of(b, &y))
        return fraction_compare(x, y) == 0;
    bool same = a->kind == b->kind && a->symbol == b->symbol && a->verb == b->verb &&
                a->household == b->household && a->ever == b->ever && a->has_unit == b->has_unit &&
                slice_equal(a->name, b->name) && slice_equal(a->window, b->window) &&
                a->item_count == b->item_count && a->lasted.months == b->lasted.months &&
                a->lasted.days == b->lasted.days;
    if (same && a->kind == EXPR_AGGREGATE)
        same = same_set(a->set, b->set);
    if (same && a->kind == EXPR_NUMBER)
        same = fraction_compare(a->number, b->number) == 0 && unit_equal(a->unit, b->unit);
    for (size_t i = 0; same && i < a->item_count; i++)
        same = slice_equal(a->items[i].text, b->items[i].text);
    return same && same_expr(a->a, b->a) && same_expr(a->b, b->b) && same_expr(a->c, b->c);
}

static bool same_facet(const struct facet *a, const struct facet *b)
{
    if (strcmp(a->aspect, b->aspect) != 0)
        return false;
    return strcmp(a->value, b->value) == 0 || (a->expr != NULL && same_expr(a->expr, b->expr));
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static const char *clause_names(struct differ *d, const struct outline *o, uint64_t clauses)
{
    size_t count = 0;
    for (size_t i = 0; i < o->policy->program.clause_count; i++) {
        if ((clauses >> i & 1) != 0)
            text_printf(&d->text, "%s%s", count++ == 0 ? "" : " ", o->policy->program.clauses[i].shown.name);
    }
    return taken(d);
}

static void add_change(struct differ *d, enum policy_difference_kind kind, const struct outline *o,
                       const struct subject *s, const struct facet *before, const struct facet *after)
{
    struct policy_difference *items =
        grow(d, d->result->items, d->result->count, &d->capacity, sizeof *items);
    const struct facet *facet = before != NULL ? before : after;
    if (items == NULL)
        return;
    d->result->items = items;
    struct policy_difference *change = &items[d->result->count];
    *change = (struct policy_difference){.kind = kind,
                                         .statement = s->label,
                                         .name = s->name,
                                         .aspect = facet == NULL ? "" : facet->aspect,
                                         .before = before == NULL ? "" : before->value,
                                         .after = after == NULL ? "" : after->value,
                                         .clauses = clause_names(d, o, s->clauses)};
    const char *space = *s->name == '\0' ? "" : " ";
    static const char *const words[] = {
        [DIFFERENCE_ADDED] = "增加", [DIFFERENCE_REMOVED] = "去掉", [DIFFERENCE_CHANGED] = "改"};
    if (facet == NULL)
        text_printf(&d->text, "%s %s%s%s", words[kind], s->label, space, s->shown);
    else if (kind == DIFFERENCE_CHANGED)
        text_printf(&d->text, "%s%s%s:%s由“%s”改为“%s”", s->label, space, s->shown, facet->aspect,
                    before->value, after->value);
    else
        text_printf(&d->text, "%s%s%s:%s%s“%s”", s->label, space, s->shown, words[kind], facet->aspect,
                    facet->value);
    if (*change->clauses != '\0')
        text_printf(&d->text, "(%s 用到)", change->clauses);
    change->text = taken(d);
    d->result->count++;
}

/* The first facet of the aspect that is still without a partner. */
static struct facet *unmatched(struct subject *s, const char *aspect)
{
    for (size_t i = 0; i < s->facet_count; i++) {
        if (!s->facets[i].matched && strcmp(s->facets[i].aspect, aspect) == 0)
            return &s->facets[i];
    }
    return NULL;
}

static void compare_subjects(struct differ *d, struct subject *a, struct subject *b)
{
    for (size_t i = 0; i < a->facet_count; i++) {
        for (size_t j = 0; j < b->facet_count && !a->facets[i].matched; j++) {
            if (!b->facets[j].matched && same_facet(&a->facets[i], &b->facets[j]))
                a->facets[i].matched = b->facets[j].matched = true;
        }
    }
    for (size_t i = 0; i < a->facet_count; i++) {
        struct facet *before = &a->facets[i], *after = unmatched(b, before->aspect);
        if (before->matched)
            continue;
        if (after != NULL)
            after->matched = true;
        add_change(d, after == NULL ? DIFFERENCE_REMOVED : DIFFERENCE_CHANGED, &d->sides[1], b, before,
                   after);
    }
    for (size_t j = 0; j < b->facet_count; j++) {
        if (!b->facets[j].matched)
            add_change(d, DIFFERENCE_ADDED, &d->sides[1], b, NULL, &b->facets[j]);
    }
}

static struct subject *find_subject(struct outline *o, const struct subject *like)
{
    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->subjects[i].statement, like->statement) == 0 &&
            strcmp(o->subjects[i].name, like->name) == 0 && o->subjects[i].version == like->version)
            return &o->subjects[i];
    }
    return NULL;
}

static void compare_outlines(struct differ *d)
{
    struct outline *a = &d->sides[0], *b = &d->sides[1];
    for (size_t i = 0; i < a->count; i++) {
        struct subject *other = find_subject(b, &a->subjects[i]);
        if (other == NULL)
            add_change(d, DIFFERENCE_REMOVED, a, &a->subjects[i], NULL, NULL);
        else
            compare_subjects(d, &a->subjects[i], other);
    }
    for (size_t i = 0; i < b->count; i++) {
        if (find_subject(a, &b->subjects[i]) == NULL)
            add_change(d, DIFFERENCE_ADDED, b, &b->subjects[i], NULL, NULL);
    }
}

enum status policy_diff(const struct policy *before, const struct policy *after, struct arena *arena,
                        struct policy_differences *changes, struct error *err)
{
    struct differ d = {.arena = arena, .sides = {{.policy = before}, {.policy = after}}, .result = changes};
    *changes = (struct policy_differences){0};
    text_init(&d.text);
    make_outline(&d, &d.sides[0]);
    make_outline(&d, &d.sides[1]);
    if (!d.failed)
        compare_outlines(&d);
    text_fini(&d.text);
    return d.failed ? error_set(err, STATUS_FATAL, "out of memory while comparing two policies") : STATUS_OK;
}
