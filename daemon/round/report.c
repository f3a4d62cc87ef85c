/* SPDX-License-Identifier: PostgreSQL */
#include "round/report.h"

#include "base/clock.h"
#include "round/jtext.h"

#include <string.h>

void round_report_init(struct round_report *report)
{
    *report = (struct round_report){.as_of = DAY_NONE};
}

void round_report_fini(struct round_report *report)
{
    arena_free(report->arena);
    round_report_init(report);
}

void report_span(struct round_report *report, const char *name, int64_t since_us, int64_t until_us,
                 int64_t rows)
{
    if (report->stage_count < ROUND_STAGES_MAX)
        report->stages[report->stage_count++] =
            (struct round_stage){name, (until_us - since_us) / 1000, rows};
}

int64_t report_stage(struct round_report *report, const char *name, int64_t since_us, int64_t rows)
{
    int64_t now = clock_monotonic_us();
    report_span(report, name, since_us, now, rows);
    return now;
}

/* --- JSON ----------------------------------------------------------------------------------------------------- */

static void add_levels(const struct round_counts *counts, struct text *out)
{
    jtext_key(out, "levels");
    jtext_open(out, '{');
    for (int level = LEVEL_RED; level >= LEVEL_NONE; level--)
        jtext_put_int(out, policy_level_name((enum policy_level)level), counts->levels[level]);
    jtext_close(out, '}');
}

static int64_t statistic(const struct round_report *report, const char *name)
{
    for (size_t i = 0; i < report->statistic_count; i++)
        if (strcmp(report->statistic_names[i], name) == 0)
            return report->statistics[i];
    return 0;
}

static void add_count_members(const struct round_report *report, struct text *out)
{
    const struct round_counts *counts = &report->counts;
    jtext_put_int(out, "households", counts->households);
    jtext_put_int(out, "persons", counts->persons);
    add_levels(counts, out);
    jtext_put_int(out, "raised", counts->raised);
    jtext_put_int(out, "escalated", counts->escalated);
    jtext_put_int(out, "deescalated", counts->deescalated);
    jtext_put_int(out, "changed", counts->changed);
    jtext_put_int(out, "cleared", counts->cleared);
    jtext_put_int(out, "unchanged", counts->unchanged);
    jtext_put_int(out, "checks_raised", counts->checks_raised);
    jtext_put_int(out, "checks_cleared", counts->checks_cleared);
    jtext_put_int(out, "stale", counts->stale);
    jtext_put_int(out, "events", counts->events);
    jtext_put_int(out, "income_unknown", statistic(report, "income_unknown"));
    jtext_key(out, "statistics");
    jtext_open(out, '{');
    for (size_t i = 0; i < report->statistic_count; i++)
        jtext_put_int(out, report->statistic_names[i], report->statistics[i]);
    jtext_close(out, '}');
}

void report_add_counts(const struct round_report *report, struct text *out)
{
    jtext_open(out, '{');
    add_count_members(report, out);
    jtext_close(out, '}');
}

void report_add_stages(const struct round_report *report, struct text *out)
{
    jtext_open(out, '[');
    for (size_t i = 0; i < report->stage_count; i++) {
        jtext_open(out, '{');
        jtext_put_text(out, "name", report->stages[i].name);
        jtext_put_int(out, "ms", report->stages[i].ms);
        jtext_put_int(out, "rows", report->stages[i].rows);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void add_policy(const struct round_report *report, struct text *out)
{
    jtext_key(out, "policy");
    jtext_open(out, '{');
    jtext_put_text(out, "name", report->policy_name);
    jtext_put_text(out, "version", report->policy_version);
    jtext_put_text(out, "hash", report->policy_hash);
    jtext_close(out, '}');
}

static void add_changes(const struct round_report *report, struct text *out)
{
    jtext_key(out, "changes");
    jtext_open(out, '[');
    for (size_t i = 0; i < report->change_count; i++) {
        const struct round_change *change = &report->changes[i];
        jtext_open(out, '{');
        jtext_put_text(out, "household_no", change->household_no);
        jtext_put_int_text(out, "township_code", change->township_code);
        jtext_put_text(out, "from", policy_level_name(change->from));
        jtext_put_text(out, "to", policy_level_name(change->to));
        jtext_put_text(out, "change", change->kind);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

enum status round_report_json(const struct round_report *report, struct text *out, struct error *err)
{
    jtext_open(out, '{');
    if (report->dry_run)
        jtext_put_null(out, "round");
    else
        jtext_put_int(out, "round", report->round_id);
    jtext_put_day(out, "as_of", report->as_of);
    add_policy(report, out);
    add_count_members(report, out);
    jtext_put_bool(out, "held", report->held);
    jtext_key(out, "stages");
    report_add_stages(report, out);
    if (report->dry_run)
        add_changes(report, out);
    jtext_close(out, '}');
    text_add_char(out, '\n');
    return out->failed ? error_set(err, STATUS_FATAL, "no memory for a report") : STATUS_OK;
}
