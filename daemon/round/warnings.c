/* SPDX-License-Identifier: PostgreSQL */
#include "round/warnings.h"

#include "base/arena.h"
#include "round/jtext.h"
#include "store/listing.h"
#include "store/pull.h"
#include "store/round_store.h"
#include "store/session.h"

#include <string.h>

static enum status read_filter(const struct warnings_options *options, struct listing_filter *filter,
                               struct error *err)
{
    *filter = (struct listing_filter){.township = options->township_code, .village = options->village_code};
    if (options->level != NULL) {
        filter->by_level = true;
        if (!policy_level_parse(slice_of(options->level), &filter->level))
            return error_set(err, STATUS_REJECT,
                             "level: found '%.20s', expected red, orange, yellow, verify or none",
                             options->level);
    }
    if (options->state != NULL) {
        filter->by_state = true;
        if (!case_state_parse(slice_of(options->state), &filter->state))
            return error_set(
                err, STATUS_REJECT,
                "state: found '%.20s', expected open, accepted, visited, assisting, watching or closed",
                options->state);
    }
    return STATUS_OK;
}

/* Which findings a list of the document holds. */
typedef bool wanted_fn(const struct listing_finding *finding);

static bool is_reason(const struct listing_finding *f)
{
    return !f->undecided && (f->kind == CLAUSE_COLOUR || f->kind == CLAUSE_VERIFY);
}

static bool is_check(const struct listing_finding *f)
{
    return !f->undecided && f->kind == CLAUSE_CHECK;
}

static bool is_undecided(const struct listing_finding *f)
{
    return f->undecided && f->kind != CLAUSE_SUGGESTION;
}

static bool is_suggestion(const struct listing_finding *f)
{
    return !f->undecided && f->kind == CLAUSE_SUGGESTION;
}

static bool is_tag(const struct listing_finding *f)
{
    return !f->undecided && f->kind == CLAUSE_TAG;
}

static bool is_stale(const struct listing_finding *f)
{
    return f->stale_since != DAY_NONE;
}

/* --- JSON ----------------------------------------------------------------------------------------------------- */

static void add_rules(const struct listing_household *household, const char *key, wanted_fn *wanted,
                      struct text *out)
{
    jtext_key(out, key);
    jtext_open(out, '[');
    for (size_t i = 0; i < household->finding_count; i++)
        if (wanted(&household->findings[i]))
            jtext_slice(out, household->findings[i].rule);
    jtext_close(out, ']');
}

static void add_reasons(const struct listing_household *household, struct text *out)
{
    jtext_key(out, "reasons");
    jtext_open(out, '[');
    for (size_t i = 0; i < household->finding_count; i++) {
        const struct listing_finding *finding = &household->findings[i];
        if (!is_reason(finding))
            continue;
        jtext_open(out, '{');
        jtext_key(out, "rule");
        jtext_slice(out, finding->rule);
        jtext_put_text(out, "level", policy_level_name(finding->level));
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

/* Findings that fresh data deny and that stand since their clause asks for more. */
static void add_waiting(const struct listing_household *household, struct text *out)
{
    jtext_key(out, "waiting");
    jtext_open(out, '[');
    for (size_t i = 0; i < household->finding_count; i++) {
        const struct listing_finding *finding = &household->findings[i];
        if (finding->clearing_since == DAY_NONE)
            continue;
        jtext_open(out, '{');
        jtext_key(out, "rule");
        jtext_slice(out, finding->rule);
        jtext_put_day(out, "since", finding->clearing_since);
        jtext_put_int(out, "rounds", finding->rounds);
        jtext_put_int(out, "rounds_needed", finding->rounds_needed);
        jtext_put_int(out, "batches", finding->batches);
        jtext_put_int(out, "batches_needed", finding->batches_needed);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static enum status add_household(void *context, const struct listing_household *household, struct error *err)
{
    struct text *out = context;
    jtext_open(out, '{');
    jtext_key(out, "household_no");
    jtext_slice(out, household->household_no);
    jtext_put_int_text(out, "township_code", household->township);
    jtext_put_int_text(out, "village_code", household->village);
    jtext_put_text(out, "level", policy_level_name(household->level));
    jtext_put_text(out, "state", case_state_name(household->has_case ? household->state : CASE_OPEN));
    jtext_put_text(out, "warning_id", household->has_case ? household->warning_id : NULL);
    jtext_put_day(out, "raised_on", household->has_case ? household->raised_on : DAY_NONE);
    jtext_put_day(out, "due_on", household->has_case ? household->due_on : DAY_NONE);
    add_reasons(household, out);
    add_rules(household, "checks", is_check, out);
    add_rules(household, "undecided", is_undecided, out);
    add_rules(household, "suggestions", is_suggestion, out);
    add_rules(household, "tags", is_tag, out);
    add_rules(household, "stale", is_stale, out);
    add_waiting(household, out);
    jtext_close(out, '}');
    return out->failed ? error_set(err, STATUS_FATAL, "no memory for the list of warnings") : STATUS_OK;
}

/* --- CSV ------------------------------------------------------------------------------------------------------ */

/* Rules hold no comma and no blank; so they stand in one field. */
static void add_rule_field(const struct listing_household *household, wanted_fn *wanted, struct text *out)
{
    bool first = true;
    text_add_char(out, ',');
    for (size_t i = 0; i < household->finding_count; i++) {
        if (!wanted(&household->findings[i]))
            continue;
        if (!first)
            text_add_char(out, ' ');
        first = false;
        text_add(out, household->findings[i].rule.bytes, household->findings[i].rule.length);
    }
}

static enum status add_line(void *context, const struct listing_household *household, struct error *err)
{
    struct text *out = context;
    char raised[CIVIL_TEXT_SIZE], due[CIVIL_TEXT_SIZE];
    bool has_case = household->has_case;
    text_add_csv(out, household->household_no);
    text_printf(out, ",%lld,%lld,%s,%s,%s,%s,%s", (long long)household->township,
                (long long)household->village, policy_level_name(household->level),
                case_state_name(has_case ? household->state : CASE_OPEN),
                has_case ? household->warning_id : "",
                civil_format(has_case ? household->raised_on : DAY_NONE, raised),
                civil_format(has_case ? household->due_on : DAY_NONE, due));
    add_rule_field(household, is_reason, out);
    add_rule_field(household, is_check, out);
    add_rule_field(household, is_undecided, out);
    add_rule_field(household, is_suggestion, out);
    add_rule_field(household, is_tag, out);
    text_add_str(out, "\r\n");
    return out->failed ? error_set(err, STATUS_FATAL, "no memory for the list of warnings") : STATUS_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* Within one snapshot: the last committed round, then the list. */
static enum status list(const struct warnings_options *options, bool json, struct pg *pg, struct arena *arena,
                        struct text *out, struct error *err)
{
    struct listing_filter filter;
    const struct round_info *last = NULL;
    enum status status = read_filter(options, &filter, err);
    if (status == STATUS_OK)
        status = round_last_committed(pg, arena, &last, err);
    if (status != STATUS_OK)
        return status;
    if (!json) {
        text_add_str(
            out, "household_no,township_code,village_code,level,state,warning_id,raised_on,due_on,reasons,"
                 "checks,undecided,suggestions,tags\r\n");
        return listing_warnings(pg, &filter, add_line, out, err);
    }
    jtext_open(out, '{');
    if (last == NULL)
        jtext_put_null(out, "round");
    else
        jtext_put_int(out, "round", last->round_id);
    jtext_put_day(out, "as_of", last == NULL ? DAY_NONE : last->as_of);
    jtext_key(out, "households");
    jtext_open(out, '[');
    status = listing_warnings(pg, &filter, add_household, out, err);
    jtext_close(out, ']');
    jtext_close(out, '}');
    text_add_char(out, '\n');
    return status;
}

static enum status run(const struct warnings_options *options, bool json, struct text *out, struct error *err)
{
    struct pg *pg = NULL;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return error_set(err, STATUS_FATAL, "no memory for the list of warnings");
    enum status status = session_open(options->conninfo, "shouwang warnings", NULL, &pg, err);
    if (status == STATUS_OK)
        status = pull_snapshot_begin(pg, NULL, err);
    if (status == STATUS_OK)
        status = list(options, json, pg, arena, out, err);
    if (pg != NULL)
        pull_snapshot_end(pg);
    session_close(pg);
    arena_free(arena);
    return status;
}

enum status warnings_json(const struct warnings_options *options, struct text *out, struct error *err)
{
    return run(options, true, out, err);
}

enum status warnings_csv(const struct warnings_options *options, struct text *out, struct error *err)
{
    return run(options, false, out, err);
}
