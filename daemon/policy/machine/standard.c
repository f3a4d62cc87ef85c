/* SPDX-License-Identifier: PostgreSQL */
/*
 * Standards and dated settings on an evaluation date. A standard may have ended, or a window reach back before its first value.
 * Then the date is refused if anything reads it that is in force on it: a clause, its reason, its cause or its amounts, or a
 * statistic. What is not in force needs no value: its registers are marked absent, hold some number within their bounds that
 * decides nothing, and are told to nobody (tell/explain.c).
 */
#include "policy/machine/machine.h"

struct bound_window standard_window(const struct program_window *window, day_t as_of)
{
    if (window->ever)
        return (struct bound_window){DAY_NONE, as_of};
    return (struct bound_window){civil_add_months(as_of, -window->from_months) - window->from_days,
                                 civil_add_months(as_of, -window->to_months) - window->to_days};
}

/* The value in force on a day; NULL when there is none. An open value ends where the next begins. */
static const struct program_value *value_on(const struct program_standard *standard, day_t day)
{
    const struct program_value *found = NULL;
    for (size_t i = 0; i < standard->value_count; i++) {
        if (standard->values[i].from <= day)
            found = &standard->values[i];
    }
    return found == NULL || (found->to != DAY_NONE && found->to < day) ? NULL : found;
}

/* The days of which the values are asked, first and last: the date, or those of the window; of each month its last. */
static struct bound_window days_asked(const struct program *program, const struct step *step, day_t as_of)
{
    if (step->window < 0)
        return (struct bound_window){as_of, as_of};
    struct bound_window window = standard_window(&program->windows[step->window], as_of);
    if (step->mask == 0)
        return (struct bound_window){window.after + 1, window.until};
    if (step->mask == 1)
        return (struct bound_window){window.until, window.until};
    int year, month, day_of_month;
    day_t in_first = civil_add_months(window.until, 1 - (int)step->mask),
          next = civil_add_months(in_first, 1);
    civil_to_ymd(next, &year, &month, &day_of_month);
    return (struct bound_window){next - day_of_month, window.until}; /* the last day of the first month */
}

bool standard_begun(const struct program *program, const struct step *step, day_t as_of)
{
    return program->standards[step->k].values[0].from <= days_asked(program, step, as_of).after;
}

bool standard_lasts(const struct program *program, const struct step *step, day_t as_of)
{
    const struct program_standard *standard = &program->standards[step->k];
    day_t to = standard->values[standard->value_count - 1].to;
    return to == DAY_NONE || to >= days_asked(program, step, as_of).until;
}

static int months_of(day_t day)
{
    int year, month, day_of_month;
    civil_to_ymd(day, &year, &month, &day_of_month);
    return year * 12 + month;
}

/*
 * The sum of the standard over the window (after, until]: by its calendar months (those after the month of `after`, up to that
 * of `until`) or by its days.
 */
static bool sum_over_window(const struct program_standard *standard, struct bound_window window,
                            bool by_months, struct standard_value *out)
{
    *out = (struct standard_value){0};
    int64_t left =
        by_months ? months_of(window.until) - months_of(window.after) : window.until - window.after;
    day_t day = by_months ? window.until : window.after + 1;
    for (; left > 0; left--) {
        const struct program_value *value = value_on(standard, day);
        if (value == NULL)
            return false;
        out->rural += value->rural;
        out->urban += value->urban;
        if (!by_months) {
            day++;
            continue;
        }
        int year, month, day_of_month;
        civil_to_ymd(day, &year, &month, &day_of_month);
        day -= day_of_month; /* the last day of the month before: any day of a month tells its value */
    }
    return true;
}

static bool bind_value(struct policy_run *run, const struct step *step, struct standard_value *out)
{
    const struct program *program = &run->policy->program;
    const struct program_standard *standard = &program->standards[step->k];
    if (step->window >= 0)
        return sum_over_window(standard, run->windows[step->window], step->mask != 0, out);
    const struct program_value *value = value_on(standard, run->as_of);
    if (value != NULL)
        *out = (struct standard_value){value->rural, value->urban};
    return value != NULL;
}

/* Names who needs the value. */
static enum status refuse(const struct policy_run *run, const struct step *step, struct error *err)
{
    const struct policy *policy = run->policy;
    const struct program *program = &policy->program;
    char date[CIVIL_TEXT_SIZE];
    const char *over = step->window < 0 ? "" : " over all of ",
               *window = step->window < 0 ? "" : program->windows[step->window].name,
               *standard = program->standards[step->k].name;
    civil_format(run->as_of, date);
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct clause_statement *statement = program->clauses[i].statement;
        if ((step->readers & run->in_force) >> i & 1)
            return error_set(
                err, STATUS_CONFIG,
                "%s:%d: %.*s is in force on the evaluation date %s and reads %s, which has no value%s%s on "
                "it; add the values to %s, or change when the clause is in force",
                policy->file_name, statement->at.line, (int)statement->name.length, statement->name.bytes,
                date, standard, over, window, standard);
    }
    int statistic = __builtin_ctz(step->statistics); /* no clause reads it, so one of these does */
    return error_set(
        err, STATUS_CONFIG,
        "%s: the statistic %s reads %s, which has no value%s%s on the evaluation date %s; add the values to %s",
        policy->file_name, program->statistic_names[statistic], standard, over, window, date, standard);
}

static bool is_absent(const struct policy_run *run, int reg)
{
    return reg >= 0 && run->absent[reg];
}

enum status standard_bind(struct policy_run *run, struct error *err)
{
    const struct program *program = &run->policy->program;
    for (size_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];
        if (step->op == OP_DAYS) {
            int64_t days = run->windows[step->window].until - run->windows[step->window].after;
            run->standards[i] = (struct standard_value){days, days};
        }
        run->absent[i] = is_absent(run, step->a) || is_absent(run, step->b) || is_absent(run, step->c);
        if (step->op != OP_STANDARD || bind_value(run, step, &run->standards[i]))
            continue;
        if ((step->readers & run->in_force) != 0 || step->statistics != 0)
            return refuse(run, step, err);
        run->standards[i] = (struct standard_value){step->low, step->low};
        run->absent[i] = true;
    }
    return STATUS_OK;
}
