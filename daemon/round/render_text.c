/* SPDX-License-Identifier: PostgreSQL */
/* An explanation in Chinese: the short form, or everything. */
#include "round/render_internal.h"

#include "base/money.h"
#include "policy/tell/near_miss.h"
#include "round/past.h"
#include "store/clearing_store.h"
#include "store/unusable.h"
#include "store/volume.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = MONEY_TEXT_SIZE };
static const char *number(const struct policy_value *value, int64_t n, char buffer[NUMBER_SIZE])
{
    if (render_is_money(value))
        return money_format(n, buffer);
    snprintf(buffer, NUMBER_SIZE, "%lld", (long long)n);
    return buffer;
}

static const char *yes_no(enum tri truth)
{
    return truth == TRI_TRUE ? "是" : truth == TRI_FALSE ? "否" : "未定";
}

/* A scope or an exception is satisfied or not: "除外 在保:是" would read as its opposite. */
static const char *satisfied(enum tri truth)
{
    return truth == TRI_TRUE ? "满足" : truth == TRI_FALSE ? "不满足" : "未定";
}

static void add_value(const struct policy_value *value, struct text *out)
{
    char low[NUMBER_SIZE], high[NUMBER_SIZE];
    if (value->is_condition) {
        text_add_str(out, yes_no(value->truth));
        return;
    }
    text_add_str(out, number(value, value->low, low));
    if (value->low != value->high)
        text_printf(out, " 至 %s 之间", number(value, value->high, high));
    if (value->unit != NULL && value->unit[0] != '\0')
        text_printf(out, " %s", value->unit);
}

static void add_head(const struct render *r, struct text *out)
{
    char day[CIVIL_TEXT_SIZE];
    const struct dossier *d = r->dossier;
    text_add_str(out, "户号 ");
    text_add_visible(out, slice_of(d->household_no));
    text_printf(out, "  乡镇 %lld  村 %lld  %s%s\n", (long long)d->township, (long long)d->village,
                d->urban ? "城市" : "农村", d->on_register ? "" : "  已不在册");
    if (r->warning_id != NULL)
        text_printf(out, "预警 %s\n", r->warning_id);
    text_printf(out, "政策 %s 版本 %s\n", policy_name(r->policy), policy_version(r->policy));
    text_printf(out, "比对日期 %s,", civil_format(r->as_of, day));
    if (r->record == NULL)
        text_add_str(out, "依据当前数据\n");
    else
        text_printf(out, "依据第 %lld 轮比对%s\n", (long long)r->record->round_id,
                    r->basis == RENDER_EVIDENCE ? "所存证据" : "当时所知数据重算");
    text_printf(out, "结论 %s\n", policy_level_chinese((enum policy_level)r->explanation->outcome.level));
    if (r->named && d->address[0] != '\0') {
        text_add_str(out, "住址 ");
        text_add_visible(out, slice_of(d->address));
        text_add_char(out, '\n');
    }
}

static const char *kind_chinese(enum policy_clause_kind kind, enum policy_level level)
{
    static const char *const kinds[POLICY_CLAUSE_KINDS] = {
        [CLAUSE_CHECK] = "落实核查", [CLAUSE_SUGGESTION] = "建议", [CLAUSE_TAG] = "家庭类型"};
    return kinds[kind] != NULL ? kinds[kind] : policy_level_chinese(level);
}

/* What the round recorded, beside what comes out. */
static void add_record(const struct past_record *record, struct text *out)
{
    char day[CIVIL_TEXT_SIZE];
    if (record == NULL)
        return;
    text_printf(out, "\n第 %lld 轮比对所记\n  等级 %s", (long long)record->round_id,
                policy_level_chinese(record->level));
    if (record->changed_round == 0)
        text_add_str(out, "  (至该轮从未有变动记录)");
    else if (record->changed_round != record->round_id)
        text_printf(out, "  (第 %lld 轮起未变)", (long long)record->changed_round);
    text_add_char(out, '\n');
    for (size_t i = 0; i < record->count; i++) {
        const struct past_finding *f = &record->findings[i];
        text_printf(out, "  %s %s %s:%s%s,自第 %lld 轮(%s)\n", kind_chinese(f->kind, f->level), f->rule,
                    f->title, f->undecided ? "未定(待核)" : "触发",
                    f->swings     ? ",该轮未再查实,因来源数目异常而保留"
                    : f->unusable ? ",该轮未再查实,因来源大量行不能使用而保留"
                    : f->stale    ? ",该轮未再查实,因数据不够新而保留"
                                  : "",
                    (long long)f->since_round, civil_format(f->since_on, day));
    }
    if (record->agrees)
        text_add_str(out, "  重算结果与所记一致\n");
    else
        text_add_str(out, "  注意:重算结果与所记不一致,以所记为准;该轮所用数据已有一部分不再保存\n");
    if (!record->whole)
        text_add_str(out, "  注意:该轮之后的部分变动未留历史(数据库当时尚未保存,或已按规定清除)\n");
}

static void add_waiting(const struct render *r, struct text *out)
{
    char day[CIVIL_TEXT_SIZE];
    if (r->waiting_count == 0)
        return;
    text_printf(out, "\n等待解除(%s)\n", r->record == NULL ? "截至最近一轮比对" : "截至该轮比对");
    for (size_t i = 0; i < r->waiting_count; i++) {
        const struct clearing_row *row = &r->waiting[i];
        const struct policy_clause *clause = render_clause(r, row->rule);
        const char *source = render_batches_of(clause);
        text_add_str(out, "  ");
        if (clause != NULL)
            text_printf(out, "%s %s %s", kind_chinese(clause->kind, clause->level), row->rule, clause->title);
        else
            text_add_str(out, row->rule);
        text_printf(out, ":自 %s 起新数据判定不成立,条件未满,仍保留;", civil_format(row->since, day));
        if (row->rounds_needed > 0)
            text_printf(out, "要连续 %d 轮,已有 %d 轮%s", row->rounds_needed, row->rounds,
                        row->batches_needed > 0 ? ";" : "");
        if (row->batches_needed > 0)
            text_printf(out, "要%s连续 %d 批,已有 %d 批", source == NULL ? "来源" : source,
                        row->batches_needed, row->batches);
        text_add_char(out, '\n');
    }
}

/* The operator's word on a batch, if there is one: the round may have known of it, or not. */
static void add_word(const struct trust_word *word, bool trusted, struct text *out)
{
    if (word->by[0] != '\0')
        text_printf(out, ";%s 确认属实(%s),%s", word->by, word->reason,
                    trusted ? "照常解除" : "再比对时照常解除");
    text_add_char(out, '\n');
}

static void add_swings(const struct render *r, struct text *out)
{
    if (r->swing_count == 0)
        return;
    text_printf(out, "\n来源数目异常(%s):用到这些来源的条款,判定不成立也不解除,已确认属实的除外\n",
                r->record == NULL ? "截至最近一轮比对" : "截至该轮比对");
    for (size_t i = 0; i < r->swing_count; i++) {
        const struct volume_swing *swing = &r->swings[i];
        text_printf(out, "  %s %s:%s %lld 笔,按往常应在 %lld 至 %lld 笔之间", swing->source_title,
                    swing->batch, swing->township == VOLUME_NO_TOWNSHIP ? "全县共" : "本乡镇",
                    (long long)swing->rows, (long long)swing->low, (long long)swing->high);
        add_word(&swing->word, swing->trusted, out);
    }
}

static void add_unusable(const struct render *r, struct text *out)
{
    if (r->unusable_count == 0)
        return;
    text_printf(
        out,
        "\n来源大量行不能使用(%s):缺的行会说什么不知道,用到这些来源的条款,判定不成立也不解除,已确认属实的除外\n",
        r->record == NULL ? "截至最近一轮比对" : "截至该轮比对");
    for (size_t i = 0; i < r->unusable_count; i++) {
        const struct unusable *item = &r->unusable[i];
        text_printf(out, "  %s %s:%lld 行中有 %lld 行不能使用", item->source_title, item->batch,
                    (long long)item->rows, (long long)item->quarantined);
        add_word(&item->word, item->trusted, out);
    }
}

static void add_name(const struct render *r, const struct dossier_person *person, struct text *out)
{
    struct text name;
    text_init(&name);
    render_add_name(r, person, &name);
    text_add_visible(out, text_slice(&name));
    out->failed |= name.failed;
    text_fini(&name);
}

static void add_persons(const struct render *r, struct text *out)
{
    text_add_str(out, "\n登记人员\n");
    for (size_t i = 0; i < r->dossier->person_count; i++) {
        char id[RESIDENT_ID_TEXT_SIZE], day[CIVIL_TEXT_SIZE];
        const struct dossier_person *person = &r->dossier->persons[i];
        const char *shown = render_id(r, person, id);
        text_printf(out, "  %zu. ", i + 1);
        add_name(r, person, out);
        text_printf(out, "  %s  %s\n", shown == NULL ? "(无可用证件号码)" : shown,
                    person->birth == DAY_NONE ? "出生日期不详" : civil_format(person->birth, day));
    }
}

static const char *title_of_source(const struct dossier_note *note)
{
    return note->source_title[0] != '\0' ? note->source_title : note->source;
}

static void add_fact(const struct render *r, const struct policy_shown_fact *shown, struct text *out)
{
    char value[128], day[CIVIL_TEXT_SIZE];
    const struct dossier_note *note;
    const struct policy_fact *fact = dossier_fact(r->dossier, shown, &note);
    const struct fact_code *code = render_code(r, fact);
    if (shown->of_household)
        text_add_str(out, "  本户");
    else
        text_printf(out, "  成员 %zu", shown->person + 1);
    text_printf(out, "  %s %s %s", code->title, code->name,
                fact_value_format(code, fact->value, value, sizeof value));
    render_add_period(fact, out);
    text_printf(out, "  来源 %s", title_of_source(note));
    if (note->batch[0] != '\0')
        text_printf(out, " 批次 %s 第 %u 行", note->batch, fact->row);
    if (note->ref[0] != '\0') {
        text_add_str(out, " 文号 ");
        text_add_visible(out, slice_of(note->ref));
    }
    if (note->as_of != DAY_NONE)
        text_printf(out, " 记于 %s", civil_format(note->as_of, day));
    text_add_str(out, shown->used ? "\n" : "  (未采用)\n");
}

static void add_disagreement(const struct render *r, const struct policy_shown_disagreement *shown,
                             struct text *out)
{
    bool amount = !shown->gap.is_condition,
         differ = amount ? shown->gap.low > 0 : shown->gap.truth == TRI_TRUE;
    if (shown->of_household)
        text_add_str(out, "  本户");
    else
        text_printf(out, "  成员 %zu", shown->person + 1);
    text_printf(out, "  %s%s%s", shown->window, shown->window[0] != '\0' ? " " : "", shown->name);
    for (size_t i = 0; i < shown->count; i++) {
        const struct dossier_note *note = render_source(r, shown->sayings[i].source);
        text_printf(out, "%s%s ", i == 0 ? ":" : ";", note == NULL ? "" : title_of_source(note));
        if (shown->sayings[i].text != NULL)
            text_add_str(out, shown->sayings[i].text);
        else
            add_value(&shown->sayings[i].value, out);
    }
    if (amount && shown->gap.high > 0) {
        text_add_str(out, "。相差 ");
        add_value(&shown->gap, out);
        text_add_char(out, '\n');
    } else {
        text_add_str(out, differ ? "。不一致\n" : "。一致\n");
    }
}

/* Where one of these clauses asks whether sources disagree. */
static void add_disagreements(const struct render *r, uint64_t clauses, struct text *out)
{
    bool any = false;
    for (size_t i = 0; i < r->explanation->disagreement_count; i++) {
        const struct policy_shown_disagreement *shown = &r->explanation->disagreements[i];
        if ((shown->clauses & clauses) == 0)
            continue;
        text_add_str(out, any ? "" : "\n各来源所说\n");
        add_disagreement(r, shown, out);
        any = true;
    }
}

static void add_definitions(const struct render *r, struct text *out)
{
    char until[CIVIL_TEXT_SIZE];
    text_add_str(out, "\n推算\n");
    for (size_t i = 0; i < r->explanation->definition_count; i++) {
        const struct policy_shown_definition *definition = &r->explanation->definitions[i];
        text_printf(out, "  %s  ", definition->name);
        add_value(&definition->value, out);
        if (definition->until != DAY_NONE)
            text_printf(out, ",至 %s", civil_format(definition->until, until));
        text_add_char(out, '\n');
    }
}

static void add_distance(const struct policy_value *unit, int64_t low, int64_t high, struct text *out)
{
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    text_printf(out, "距线 %s%s", low > 0 ? "+" : "", number(unit, low, a));
    if (low != high)
        text_printf(out, " 至 %s%s", high > 0 ? "+" : "", number(unit, high, b));
}

static void add_sides(const struct policy_shown_conjunct *c, struct text *out)
{
    text_add_str(out, "(");
    add_value(&c->left, out);
    text_add_str(out, " 对 ");
    add_value(&c->right, out);
    text_add_str(out, ",");
    add_distance(&c->left, c->distance_low, c->distance_high, out);
    text_add_str(out, ")");
}

static void add_conjuncts(const struct policy_shown_conjunct *conjuncts, size_t count, const char *indent,
                          struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct policy_shown_conjunct *c = &conjuncts[i];
        text_printf(out, "%s%s %s:%s", indent,
                    c->guard      ? "前提"
                    : c->evidence ? "凭"
                                  : "当",
                    c->text, c->guard ? satisfied(c->truth) : yes_no(c->truth));
        if (c->has_distance)
            add_sides(c, out);
        text_add_char(out, '\n');
    }
}

static void add_clause(const struct render *r, const struct policy_shown_clause *clause, struct text *out)
{
    char day[CIVIL_TEXT_SIZE];
    const struct policy_clause *info = policy_clause_at(r->policy, clause->clause);
    text_printf(out, "\n  %s %s %s:%s\n", kind_chinese(info->kind, info->level), info->name, info->title,
                render_status(clause)->chinese);
    text_printf(out, "    依据 %s\n", info->citation);
    if (clause->exists && clause->truth != TRI_FALSE && clause->reason != NULL)
        text_printf(out, "    理由 %s\n", clause->reason);
    add_conjuncts(clause->conjuncts, clause->conjunct_count, "    ", out);
    for (size_t i = 0; i < clause->member_count; i++) {
        text_printf(out, "    成员 %zu:%s\n", clause->members[i].person + 1,
                    yes_no(clause->members[i].truth));
        add_conjuncts(clause->members[i].conjuncts, clause->members[i].conjunct_count, "      ", out);
    }
    if (clause->valid_until != DAY_NONE)
        text_printf(out, "    有效至 %s\n", civil_format(clause->valid_until, day));
    for (size_t i = 0; i < clause->amount_count; i++) {
        text_printf(out, "    金额 %s ", clause->amounts[i].title);
        add_value(&clause->amounts[i].value, out);
        text_printf(out, "(依据 %s)\n", clause->amounts[i].citation);
    }
    if (clause->has_distance) {
        char amount[MONEY_TEXT_SIZE];
        text_printf(out, "    距线 %s%s 元\n", clause->distance_fen > 0 ? "+" : "",
                    money_format(clause->distance_fen, amount));
    }
}

/* --- the short form ------------------------------------------------------------------------------------------- */

/* What an official acts on: it fired, or there is evidence and somebody has to look. */
static bool is_told(const struct policy_shown_clause *clause)
{
    return clause->exists &&
           (clause->truth == TRI_TRUE || (clause->truth != TRI_FALSE && clause->undecided_with_evidence));
}

static uint64_t add_told(const struct render *r, struct text *out)
{
    uint64_t told = 0;
    text_add_str(out, "\n触发和待核的条款\n");
    for (size_t i = 0; i < r->explanation->clause_count; i++) {
        const struct policy_shown_clause *clause = &r->explanation->clauses[i];
        if (!is_told(clause))
            continue;
        add_clause(r, clause, out);
        told |= UINT64_C(1) << clause->clause;
    }
    if (told == 0)
        text_add_str(out, "  没有\n");
    return told;
}

static void add_near_misses(const struct render *r, struct text *out)
{
    struct near_miss misses[NEAR_MISSES_MAX];
    size_t count = near_misses(r->policy, r->explanation, misses);
    if (count == 0)
        return;
    text_add_str(out, "\n只差一处而未触发(最接近的在前)\n");
    for (size_t i = 0; i < count; i++) {
        const struct policy_clause *info = policy_clause_at(r->policy, misses[i].clause->clause);
        text_printf(out, "  %s %s %s:", kind_chinese(info->kind, info->level), info->name, info->title);
        if (misses[i].of_member)
            text_printf(out, "成员 %zu ", misses[i].person + 1);
        text_add_str(out, misses[i].conjunct->text);
        add_sides(misses[i].conjunct, out);
        text_add_char(out, '\n');
    }
}

/* The facts that decided what is told. */
static void add_told_facts(const struct render *r, uint64_t told, struct text *out)
{
    bool first = true;
    for (size_t i = 0; i < r->explanation->fact_count; i++) {
        const struct policy_shown_fact *fact = &r->explanation->facts[i];
        if (!fact->used || (fact->clauses & told) == 0)
            continue;
        if (first)
            text_add_str(out, "\n这些条款所依据的事实\n");
        first = false;
        add_fact(r, fact, out);
    }
}

static void add_rest(const struct render *r, struct text *out)
{
    size_t denied = 0, absent = 0, undecided = 0;
    for (size_t i = 0; i < r->explanation->clause_count; i++) {
        const struct policy_shown_clause *clause = &r->explanation->clauses[i];
        if (is_told(clause))
            continue;
        absent += !clause->exists ? 1 : 0;
        denied += clause->exists && clause->truth == TRI_FALSE ? 1 : 0;
        undecided += clause->exists && clause->truth != TRI_FALSE ? 1 : 0;
    }
    text_printf(out,
                "\n其余条款:%zu 条未触发,%zu 条不适用,%zu 条因数据不足未定;全部条款、推算和事实见 --all\n",
                denied, absent, undecided);
}

static void render_short(const struct render *r, struct text *out)
{
    add_head(r, out);
    add_record(r->record, out);
    add_waiting(r, out);
    add_swings(r, out);
    add_unusable(r, out);
    uint64_t told = add_told(r, out);
    add_near_misses(r, out);
    render_add_changes(r, out);
    add_persons(r, out);
    add_told_facts(r, told, out);
    add_disagreements(r, told, out);
    add_rest(r, out);
}

static void render_all(const struct render *render, struct text *out)
{
    const struct policy_explanation *explanation = render->explanation;
    add_head(render, out);
    add_record(render->record, out);
    add_waiting(render, out);
    add_swings(render, out);
    add_unusable(render, out);
    render_add_changes(render, out);
    add_persons(render, out);
    text_add_str(out, "\n事实\n");
    for (size_t i = 0; i < explanation->fact_count; i++)
        add_fact(render, &explanation->facts[i], out);
    add_disagreements(render, UINT64_MAX, out);
    add_definitions(render, out);
    text_add_str(out, "\n条款\n");
    for (size_t i = 0; i < explanation->clause_count; i++)
        if (!explanation->clauses[i].superseded)
            add_clause(render, &explanation->clauses[i], out);
}

void render_text(const struct render *render, struct text *out)
{
    (render->all ? render_all : render_short)(render, out);
}
