/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulation.h"

#include "base/money.h"
#include "round/event.h"
#include "round/jtext.h"
#include "round/report.h"

#include <string.h>

/* --- what differs ------------------------------------------------------------------------------------------------- */

/* Whether the clause `index` of a policy that has found `fired` fires by the other, too. */
static bool fires_too(const struct policy *policy, size_t index, const struct policy *other, uint64_t fired)
{
    const char *name = policy_clause_at(policy, index)->name;
    for (uint64_t left = fired; left != 0; left &= left - 1) {
        if (strcmp(policy_clause_at(other, (size_t)__builtin_ctzll(left))->name, name) == 0)
            return true;
    }
    return false;
}

int simulation_new_checks(const struct policy *from, uint64_t fired_from, const struct policy *to,
                          uint64_t fired_to)
{
    int count = 0;
    for (uint64_t left = fired_to; left != 0; left &= left - 1) {
        size_t index = (size_t)__builtin_ctzll(left);
        count += policy_clause_at(to, index)->kind == CLAUSE_CHECK && !fires_too(to, index, from, fired_from);
    }
    return count;
}

/* One of the two sides of a move, and the other. */
struct view {
    const struct policy *policy, *other;
    const struct policy_outcome *outcome, *other_outcome;
    size_t reason_count;
    const struct simulation_reason *reasons;
};

static struct view view_before(const struct simulation *s, const struct simulation_move *move,
                               const struct simulation_told *told)
{
    return (struct view){s->options->in_force.policy, s->options->other.policy, &move->before, &move->after,
                         told->sides[0].count,        told->sides[0].reasons};
}

static struct view view_after(const struct simulation *s, const struct simulation_move *move,
                              const struct simulation_told *told)
{
    return (struct view){s->options->other.policy, s->options->in_force.policy, &move->after, &move->before,
                         told->sides[1].count,     told->sides[1].reasons};
}

/* Colour and verify clauses: they make the level. A check is told where only one of the policies finds it. */
enum listed { LIST_REASONS, LIST_UNDECIDED, LIST_CHECKS };

static bool is_listed(const struct view *view, size_t index, enum listed what)
{
    const struct policy_clause *clause = policy_clause_at(view->policy, index);
    bool reason = clause->kind == CLAUSE_COLOUR || clause->kind == CLAUSE_VERIFY;
    switch (what) {
    case LIST_REASONS:
        return reason && (view->outcome->fired >> index & 1) != 0;
    case LIST_UNDECIDED:
        return reason && (view->outcome->undecided >> index & 1) != 0;
    case LIST_CHECKS:
        return clause->kind == CLAUSE_CHECK && (view->outcome->fired >> index & 1) != 0 &&
               !fires_too(view->policy, index, view->other, view->other_outcome->fired);
    }
    return false;
}

/* Whether the names of the clause stand among those of the side. */
static bool is_reason(const struct view *view, const struct simulation_reason *reason)
{
    for (int what = LIST_REASONS; what <= LIST_CHECKS; what++)
        if (is_listed(view, reason->clause, (enum listed)what))
            return true;
    return false;
}

static bool is_suggestion(const struct view *view, const struct simulation_reason *reason)
{
    return policy_clause_at(view->policy, reason->clause)->kind == CLAUSE_SUGGESTION;
}

/* Writes the moves up to `most`, block by block with their reasons. */
typedef void write_move(const struct simulation *s, const struct simulation_move *move,
                        const struct simulation_told *told, struct text *out);

/* Hands over what is written so far, but for `kept` bytes, 0 or 1: by the last one jtext.h knows whether a comma is wanted. */
static enum status hand_over(const struct simulation *s, size_t kept, struct text *out, struct error *err)
{
    if (out->failed)
        return error_set(err, STATUS_FATAL, "out of memory for the report of a simulation");
    if (out->length <= kept)
        return STATUS_OK;
    char last = out->bytes[out->length - 1];
    if (!s->sink->take(s->sink->context, (struct slice){out->bytes, out->length - kept}))
        return error_set(err, STATUS_FATAL, "the report of a simulation cannot be written");
    text_clear(out);
    if (kept > 0)
        text_add_char(out, last);
    return STATUS_OK;
}

static enum status write_moves(const struct simulation *s, size_t most, write_move *write, struct text *out,
                               struct error *err)
{
    size_t count = s->move_count < most ? s->move_count : most;
    for (size_t at = 0; at < count; at += SIMULATION_BLOCK) {
        const struct simulation_told *told;
        size_t block = count - at < SIMULATION_BLOCK ? count - at : SIMULATION_BLOCK;
        enum status status = s->tell(s->teller, s->moves + at, block, &told, err);
        if (status != STATUS_OK)
            return status;
        for (size_t i = 0; i < block && status == STATUS_OK; i++) {
            write(s, &s->moves[at + i], &told[i], out);
            if (out->length >= SIMULATE_PART_BYTES || out->failed)
                status = hand_over(s, 1, out, err);
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* --- Chinese ------------------------------------------------------------------------------------------------------ */

enum { TEXT_MOVES_MAX = 100 }; /* more is for --csv */

static void add_policy(const char *role, const struct simulate_policy *policy, struct text *out)
{
    text_printf(out, "%s %s 版本 %s", role, policy_name(policy->policy), policy_version(policy->policy));
    if (policy->trial != NULL)
        text_printf(out, " 试算 %s", policy->trial);
    text_add_char(out, '\n');
}

static void add_matrix(const struct simulation_matrix *matrix, struct text *out)
{
    text_add_str(out, "  原等级 → 新等级  户数\n");
    for (int before = LEVEL_RED; before >= LEVEL_NONE; before--)
        for (int after = LEVEL_RED; after >= LEVEL_NONE; after--)
            if (matrix->households[before][after] > 0)
                text_printf(out, "  %s → %s%s  %lld\n", policy_level_chinese((enum policy_level)before),
                            policy_level_chinese((enum policy_level)after), before == after ? "(不变)" : "",
                            (long long)matrix->households[before][after]);
    text_printf(out, "  等级有变 %lld 户;落实核查 新增 %lld 项,不再有 %lld 项\n", (long long)matrix->moved,
                (long long)matrix->checks_raised, (long long)matrix->checks_cleared);
}

static void add_sum(const struct simulation_sum *sum, const char *unit, struct text *out)
{
    char low[MONEY_TEXT_SIZE], high[MONEY_TEXT_SIZE];
    text_printf(out, "%lld 户 %s", (long long)sum->households, money_format(sum->low, low));
    if (sum->low != sum->high)
        text_printf(out, " 至 %s", money_format(sum->high, high));
    text_printf(out, " %s", unit);
}

static void add_amounts(const struct simulation *s, struct text *out)
{
    if (s->amount_count > 0)
        text_add_str(out, "\n建议金额(各户相加)\n");
    for (size_t i = 0; i < s->amount_count; i++) {
        const struct simulation_amount *amount = &s->amounts[i];
        text_printf(out, "  %s %s:原 ", amount->rule, amount->title);
        add_sum(&amount->parts[0], amount->unit, out);
        text_add_str(out, ";新 ");
        add_sum(&amount->parts[1], amount->unit, out);
        text_add_char(out, '\n');
    }
}

static void add_list(const struct view *view, enum listed what, const char *head, struct text *out)
{
    for (size_t i = 0; i < policy_clause_count(view->policy); i++) {
        if (!is_listed(view, i, what))
            continue;
        const struct policy_clause *clause = policy_clause_at(view->policy, i);
        text_printf(out, "%s%s %s%s", head, clause->name, clause->title,
                    what == LIST_UNDECIDED ? "(未定)" : "");
        head = "、";
    }
}

static void add_side(const char *role, const struct view *view, struct text *out)
{
    text_printf(out, "    %s %s", role, policy_level_chinese((enum policy_level)view->outcome->level));
    add_list(view, LIST_REASONS, ":", out);
    add_list(view, LIST_UNDECIDED, ";", out);
    add_list(view, LIST_CHECKS, ";核查 ", out);
    text_add_char(out, '\n');
    for (size_t i = 0; i < view->reason_count; i++)
        if (is_reason(view, &view->reasons[i]))
            text_printf(out, "      理由 %s\n", view->reasons[i].text);
}

static void add_move(const struct simulation *s, const struct simulation_move *move,
                     const struct simulation_told *told, struct text *out)
{
    const struct view before = view_before(s, move, told), after = view_after(s, move, told);
    text_add_str(out, "  ");
    text_add_visible(out, slice_of(move->household_no));
    text_printf(out, "  乡镇 %lld  村 %lld\n", (long long)move->township, (long long)move->village);
    add_side("原", &before, out);
    add_side("新", &after, out);
}

static enum status add_moves(const struct simulation *s, struct text *out, struct error *err)
{
    text_printf(out, "\n有变化的户 %zu\n", s->move_count);
    enum status status = write_moves(s, TEXT_MOVES_MAX, add_move, out, err);
    if (s->move_count > TEXT_MOVES_MAX)
        text_printf(out, "  其余 %zu 户见 --csv 或 --json\n", s->move_count - TEXT_MOVES_MAX);
    return status;
}

static enum status write_text(const struct simulation *s, struct text *out, struct error *err)
{
    char day[CIVIL_TEXT_SIZE];
    add_policy("现行政策", &s->options->in_force, out);
    add_policy("试算政策", &s->options->other, out);
    text_printf(out, "比对日期 %s,在册 %lld 户 %lld 人;只作比较,不改动、不推送\n\n全县\n",
                civil_format(s->report->as_of, day), (long long)s->report->counts.households,
                (long long)s->report->counts.persons);
    add_matrix(&s->total, out);
    for (size_t i = 0; i < s->township_count; i++) {
        const struct simulation_matrix *matrix = &s->townships[i];
        if (matrix->moved == 0 && matrix->checks_raised == 0 && matrix->checks_cleared == 0)
            continue;
        text_printf(out, "\n乡镇 %lld\n", (long long)matrix->township);
        add_matrix(matrix, out);
    }
    add_amounts(s, out);
    return add_moves(s, out, err);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void json_policy(const char *key, const struct simulate_policy *policy, struct text *out)
{
    jtext_key(out, key);
    jtext_open(out, '{');
    jtext_put_text(out, "name", policy_name(policy->policy));
    jtext_put_text(out, "version", policy_version(policy->policy));
    jtext_put_text(out, "hash", policy->hash);
    jtext_put_text(out, "trial", policy->trial);
    jtext_close(out, '}');
}

static void json_matrix(const struct simulation_matrix *matrix, struct text *out)
{
    jtext_put_int(out, "moved", matrix->moved);
    jtext_put_int(out, "checks_raised", matrix->checks_raised);
    jtext_put_int(out, "checks_cleared", matrix->checks_cleared);
    jtext_key(out, "levels");
    jtext_open(out, '[');
    for (int before = LEVEL_RED; before >= LEVEL_NONE; before--)
        for (int after = LEVEL_RED; after >= LEVEL_NONE; after--) {
            if (matrix->households[before][after] == 0)
                continue;
            jtext_open(out, '{');
            jtext_put_text(out, "before", policy_level_name((enum policy_level)before));
            jtext_put_text(out, "after", policy_level_name((enum policy_level)after));
            jtext_put_int(out, "households", matrix->households[before][after]);
            jtext_close(out, '}');
        }
    jtext_close(out, ']');
}

static void json_list(const struct view *view, enum listed what, const char *key, struct text *out)
{
    jtext_key(out, key);
    jtext_open(out, '[');
    for (size_t i = 0; i < policy_clause_count(view->policy); i++)
        if (is_listed(view, i, what))
            jtext_text(out, policy_clause_at(view->policy, i)->name);
    jtext_close(out, ']');
}

static void json_reasons(const struct view *view, struct text *out)
{
    jtext_key(out, "reasons");
    jtext_open(out, '[');
    for (size_t i = 0; i < view->reason_count; i++) {
        if (!is_reason(view, &view->reasons[i]))
            continue;
        jtext_open(out, '{');
        jtext_put_text(out, "rule", policy_clause_at(view->policy, view->reasons[i].clause)->name);
        jtext_put_text(out, "text", view->reasons[i].text);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_suggestions(const struct view *view, struct text *out)
{
    jtext_key(out, "suggestions");
    jtext_open(out, '[');
    for (size_t i = 0; i < view->reason_count; i++) {
        const struct simulation_reason *reason = &view->reasons[i];
        if (!is_suggestion(view, reason))
            continue;
        jtext_open(out, '{');
        jtext_put_text(out, "rule", policy_clause_at(view->policy, reason->clause)->name);
        jtext_put_text(out, "text", reason->text);
        jtext_key(out, "amounts");
        event_add_amounts(reason->amounts, reason->amount_count, out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void json_side(const char *key, const struct view *view, struct text *out)
{
    jtext_key(out, key);
    jtext_open(out, '{');
    jtext_put_text(out, "level", policy_level_name((enum policy_level)view->outcome->level));
    json_list(view, LIST_REASONS, "rules", out);
    json_list(view, LIST_UNDECIDED, "undecided", out);
    json_list(view, LIST_CHECKS, "checks", out);
    json_reasons(view, out);
    json_suggestions(view, out);
    jtext_close(out, '}');
}

static void json_move(const struct simulation *s, const struct simulation_move *move,
                      const struct simulation_told *told, struct text *out)
{
    const struct view before = view_before(s, move, told), after = view_after(s, move, told);
    jtext_open(out, '{');
    jtext_put_text(out, "household_no", move->household_no);
    jtext_put_int_text(out, "township_code", move->township);
    jtext_put_int_text(out, "village_code", move->village);
    json_side("before", &before, out);
    json_side("after", &after, out);
    jtext_close(out, '}');
}

static void json_sum(const char *key, const struct simulation_sum *sum, struct text *out)
{
    jtext_key(out, key);
    jtext_open(out, '{');
    jtext_put_int(out, "households", sum->households);
    jtext_put_yuan(out, "low", sum->low);
    jtext_put_yuan(out, "high", sum->high);
    jtext_close(out, '}');
}

static void json_amounts(const struct simulation *s, struct text *out)
{
    jtext_key(out, "amounts");
    jtext_open(out, '[');
    for (size_t i = 0; i < s->amount_count; i++) {
        jtext_open(out, '{');
        jtext_put_text(out, "rule", s->amounts[i].rule);
        jtext_put_text(out, "title", s->amounts[i].title);
        jtext_put_text(out, "unit", s->amounts[i].unit);
        json_sum("before", &s->amounts[i].parts[0], out);
        json_sum("after", &s->amounts[i].parts[1], out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static enum status write_json(const struct simulation *s, struct text *out, struct error *err)
{
    jtext_open(out, '{');
    jtext_put_day(out, "as_of", s->report->as_of);
    json_policy("policy", &s->options->in_force, out);
    json_policy("other", &s->options->other, out);
    jtext_put_int(out, "households", s->report->counts.households);
    jtext_put_int(out, "persons", s->report->counts.persons);
    json_matrix(&s->total, out);
    jtext_key(out, "townships");
    jtext_open(out, '[');
    for (size_t i = 0; i < s->township_count; i++) {
        if (s->options->township != 0 && s->townships[i].township != s->options->township)
            continue;
        jtext_open(out, '{');
        jtext_put_int_text(out, "township_code", s->townships[i].township);
        json_matrix(&s->townships[i], out);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
    json_amounts(s, out);
    jtext_key(out, "moves");
    jtext_open(out, '[');
    enum status status = write_moves(s, s->move_count, json_move, out, err);
    jtext_close(out, ']');
    jtext_key(out, "stages");
    report_add_stages(s->report, out);
    jtext_close(out, '}');
    text_add_char(out, '\n');
    return status;
}

/* --- CSV ---------------------------------------------------------------------------------------------------------- */

/* Names of clauses hold no blanks, commas or quotes. */
static void csv_list(const struct view *view, enum listed what, struct text *out)
{
    const char *between = ",";
    for (size_t i = 0; i < policy_clause_count(view->policy); i++) {
        if (!is_listed(view, i, what))
            continue;
        text_printf(out, "%s%s", between, policy_clause_at(view->policy, i)->name);
        between = " ";
    }
    if (between[0] == ',')
        text_add_char(out, ',');
}

/* One cell: "red.apply …;yellow.water …". */
static void csv_reasons(const struct view *view, struct text *out)
{
    struct text cell;
    text_init(&cell);
    for (size_t i = 0; i < view->reason_count; i++)
        if (is_reason(view, &view->reasons[i]))
            text_printf(&cell, "%s%s %s", cell.length > 0 ? ";" : "",
                        policy_clause_at(view->policy, view->reasons[i].clause)->name, view->reasons[i].text);
    text_add_char(out, ',');
    text_add_csv(out, text_slice(&cell));
    out->failed |= cell.failed;
    text_fini(&cell);
}

static void csv_move(const struct simulation *s, const struct simulation_move *move,
                     const struct simulation_told *told, struct text *out)
{
    const struct view before = view_before(s, move, told), after = view_after(s, move, told);
    text_add_csv(out, slice_of(move->household_no));
    text_printf(out, ",%lld,%lld,%s,%s", (long long)move->township, (long long)move->village,
                policy_level_name((enum policy_level)move->before.level),
                policy_level_name((enum policy_level)move->after.level));
    for (int what = LIST_REASONS; what <= LIST_CHECKS; what++) {
        csv_list(&before, (enum listed)what, out);
        csv_list(&after, (enum listed)what, out);
    }
    csv_reasons(&before, out);
    csv_reasons(&after, out);
    text_add_str(out, "\r\n");
}

static enum status write_csv(const struct simulation *s, struct text *out, struct error *err)
{
    text_add_str(out, "household_no,township_code,village_code,before,after,rules_before,rules_after,"
                      "undecided_before,undecided_after,checks_cleared,checks_raised,reasons_before,"
                      "reasons_after\r\n");
    return write_moves(s, s->move_count, csv_move, out, err);
}

enum status simulation_write(const struct simulation *simulation, struct error *err)
{
    static enum status (*const forms[])(const struct simulation *, struct text *, struct error *) = {
        [SIMULATE_TEXT] = write_text, [SIMULATE_JSON] = write_json, [SIMULATE_CSV] = write_csv};
    struct text out;
    text_init(&out);
    enum status status = forms[simulation->options->form](simulation, &out, err);
    if (status == STATUS_OK)
        status = hand_over(simulation, 0, &out, err);
    text_fini(&out);
    return status;
}
