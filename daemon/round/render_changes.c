/* SPDX-License-Identifier: PostgreSQL */
/* What would change a household's level, in Chinese: what several members share is told in one line. */
#include "round/render_internal.h"

#include "base/money.h"
#include "policy/tell/whatif.h"

#include <string.h>

/* 1,203.45 */
static void add_grouped(int64_t fen, struct text *out)
{
    char amount[MONEY_TEXT_SIZE];
    size_t digits = strcspn(money_format(fen, amount), ".");
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            text_add_char(out, ',');
        text_add_char(out, amount[i]);
    }
    text_printf(out, "%s 元", amount + digits);
}

static bool is_of_one(const struct policy_change *a, const struct policy_change *b)
{
    return a->kind == b->kind && a->code == b->code && a->of_household == b->of_household &&
           a->person == b->person && a->fact == b->fact;
}

/* From `at` on, the next of what items[first] and its neighbours say of one subject that makes it items[first]'s level. */
static size_t next_alike(const struct policy_changes *changes, size_t first, size_t at)
{
    const struct policy_change *items = changes->items;
    while (at < changes->count && is_of_one(&items[first], &items[at]) &&
           items[at].level != items[first].level)
        at++;
    return at < changes->count && is_of_one(&items[first], &items[at]) ? at : SIZE_MAX;
}

/* Of two members the same new values have the same effect; what is said of one subject lies side by side. */
static bool has_same_values(const struct policy_changes *changes, size_t a, size_t b)
{
    const struct policy_change *items = changes->items;
    size_t i = a, j = b;
    while (i > 0 && is_of_one(&items[a], &items[i - 1]))
        i--;
    while (j > 0 && is_of_one(&items[b], &items[j - 1]))
        j--;
    for (;; i++, j++) {
        i = next_alike(changes, a, i);
        j = next_alike(changes, b, j);
        if (i == SIZE_MAX || j == SIZE_MAX)
            return i == j;
        if (items[i].value != items[j].value)
            return false;
    }
}

/* What is told in one line: the same fact, or for several members the same new ones. */
static bool is_alike(const struct policy_changes *changes, size_t first, size_t second)
{
    const struct policy_change *a = &changes->items[first], *b = &changes->items[second];
    if (a->kind != b->kind || a->code != b->code || a->level != b->level ||
        a->of_household != b->of_household)
        return false;
    if (a->kind == CHANGE_NEW)
        return a->person == b->person || has_same_values(changes, first, second);
    return (a->kind == CHANGE_OTHER || a->kind == CHANGE_KNOWN) && a->fact == b->fact &&
           a->person == b->person;
}

/* Whom the changes alike to items[first] are about. */
static void add_subjects(const struct policy_changes *changes, size_t first, struct text *out)
{
    const struct policy_change *items = changes->items;
    size_t last = SIZE_MAX;
    if (items[first].of_household) {
        text_add_str(out, "  本户");
        return;
    }
    text_add_str(out, "  成员 ");
    for (size_t i = first; i < changes->count; i++) {
        if ((i != first && !is_alike(changes, first, i)) || items[i].person == last)
            continue;
        text_printf(out, "%s%zu", last == SIZE_MAX ? "" : "、", items[i].person + 1);
        last = items[i].person;
    }
}

static void add_values(const struct render *r, size_t first, struct text *out)
{
    char value[128];
    const struct policy_change *items = r->changes->items, *head = &items[first];
    const struct fact_code *code = render_changed_code(r, head);
    const char *between = "";
    for (size_t i = first; i < r->changes->count; i++) {
        if ((i != first && !is_alike(r->changes, first, i)) || items[i].person != head->person)
            continue;
        text_add_str(out, between);
        between = "、";
        if (head->kind != CHANGE_KNOWN) {
            text_add_str(out, fact_value_format(code, items[i].value, value, sizeof value));
            continue;
        }
        add_grouped(items[i].value, out);
        text_add_str(out, " 至 ");
        add_grouped(items[i].high, out);
    }
}

static void add_amount_change(const struct policy_change *change, int64_t now, struct text *out)
{
    bool more = change->kind == CHANGE_MORE;
    text_add_str(out, more ? "多 " : "少 ");
    add_grouped(more ? change->value - now : now - change->value, out);
    text_add_str(out, "(");
    add_grouped(change->value, out);
    text_add_str(out, ")");
}

static void add_change(const struct render *r, size_t first, struct text *out)
{
    char value[128];
    const struct policy_change *change = &r->changes->items[first];
    const struct policy_fact *fact = render_changed_fact(r, change);
    const struct fact_code *code = render_changed_code(r, change);
    add_subjects(r->changes, first, out);
    text_printf(out, " %s ", code->title);
    if (fact != NULL) {
        text_add_str(out, fact_value_format(code, fact->value, value, sizeof value));
        render_add_period(fact, out);
        text_add_str(out, ":");
    }
    switch (change->kind) {
    case CHANGE_MORE:
    case CHANGE_LESS:
        add_amount_change(change, fact == NULL ? 0 : fact->value, out);
        break;
    case CHANGE_KNOWN:
        text_add_str(out, "查明为 ");
        add_values(r, first, out);
        break;
    case CHANGE_OTHER:
        text_add_str(out, "改为 ");
        add_values(r, first, out);
        break;
    case CHANGE_GONE:
        text_add_str(out, "没有这一项");
        break;
    case CHANGE_NEW:
        text_add_str(out, "新登记为 ");
        add_values(r, first, out);
        break;
    }
    text_printf(out, ",即%s%s\n", change->level > r->changes->level ? "升为" : "降为",
                policy_level_chinese(change->level));
}

void render_add_changes(const struct render *r, struct text *out)
{
    const struct policy_changes *changes = r->changes;
    if (changes == NULL)
        return;
    text_add_str(out, "\n怎样会变(只改一处,其余照旧)\n");
    for (size_t i = 0; i < changes->count; i++) {
        bool told = false;
        for (size_t before = 0; before < i && !told; before++)
            told = is_alike(changes, before, i);
        if (!told)
            add_change(r, i, out);
    }
    if (changes->count == 0 && changes->complete)
        text_add_str(out, "  任何一处单独改变都不改变等级\n");
    if (!changes->complete)
        text_add_str(out, "  人员或数据太多,没有逐项算完\n");
}
