/* SPDX-License-Identifier: PostgreSQL */
/* Standards and settings with dated values: that they follow each other without gap or overlap, and their common denominator. */
#include "policy/compile/compiler.h"

struct standard_check {
    const struct definition *definition;
    day_t covered_to; /* the last day of the value before; DAY_NONE while it is open */
    bool first;
};

static void check_dates(struct compiler *compiler, struct standard_check *check,
                        const struct dated_value *dated, day_t before_from)
{
    char from[CIVIL_TEXT_SIZE], other[CIVIL_TEXT_SIZE];
    const char *name = diagnose_slice(compiler->diagnoser, check->definition->name);
    if (dated->to != DAY_NONE && dated->to < dated->from)
        diagnose(compiler->diagnoser, dated->at, MESSAGE_DATED_BACKWARDS, civil_format(dated->from, from),
                 civil_format(dated->to, other), NULL);
    if (check->first) {
        if (dated->from > compiler->policy->ast.valid_from)
            diagnose(compiler->diagnoser, dated->at, MESSAGE_DATED_LATE, name,
                     civil_format(dated->from, from), civil_format(compiler->policy->ast.valid_from, other));
        return;
    }
    if (dated->from <= before_from)
        diagnose(compiler->diagnoser, dated->at, MESSAGE_DATED_ORDER, name, civil_format(dated->from, from),
                 civil_format(before_from, other));
    else if (check->covered_to != DAY_NONE && check->covered_to >= dated->from)
        diagnose(compiler->diagnoser, dated->at, MESSAGE_DATED_OVERLAP, name, civil_format(dated->from, from),
                 civil_format(check->covered_to, other));
    else if (check->covered_to != DAY_NONE && check->covered_to + 1 < dated->from)
        diagnose(compiler->diagnoser, dated->at, MESSAGE_DATED_GAP, name,
                 civil_format(check->covered_to, other), civil_format(dated->from, from));
}

static bool first_of_month(day_t day)
{
    int year, month, day_of_month;
    civil_to_ymd(day, &year, &month, &day_of_month);
    return day_of_month == 1;
}

/* Brings all values to one denominator. */
static bool scale_values(struct program_standard *standard, const struct fraction (*values)[2])
{
    wide_t denominator = 1;
    for (size_t i = 0; i < standard->value_count; i++) {
        for (int area = 0; area < 2; area++) {
            denominator =
                denominator / fraction_gcd((int64_t)denominator, values[i][area].den) * values[i][area].den;
            if (!wide_fits(denominator))
                return false;
        }
    }
    standard->denominator = (int64_t)denominator;
    for (size_t i = 0; i < standard->value_count; i++) {
        wide_t rural = values[i][0].num * (denominator / values[i][0].den),
               urban = values[i][1].num * (denominator / values[i][1].den);
        if (!wide_fits(rural) || !wide_fits(urban))
            return false;
        standard->values[i].rural = (int64_t)rural;
        standard->values[i].urban = (int64_t)urban;
    }
    return true;
}

static bool dated_value(struct compiler *compiler, const struct definition *d,
                        const struct dated_value *dated, struct fraction values[2])
{
    declare_check_citation(compiler, &dated->citation, d->name, dated->at);
    return elaborate_constant(compiler, dated->rural, d->unit, &values[0]) &&
           elaborate_constant(compiler, dated->urban, d->unit, &values[1]);
}

void declare_standard(struct compiler *compiler, struct symbol *symbol)
{
    const struct definition *d = symbol->definition;
    size_t count = 0;
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next)
        count++;
    if (count == 0) {
        diagnose(compiler->diagnoser, d->at, MESSAGE_DATED_EMPTY,
                 diagnose_slice(compiler->diagnoser, d->name), NULL, NULL);
        return;
    }
    struct program_standard *standard = &compiler->program->standards[compiler->program->standard_count];
    *standard = (struct program_standard){.name = compiler_string(compiler, d->name), .by_months = true};
    standard->values = compiler_alloc(compiler, count, sizeof *standard->values);
    struct fraction(*values)[2] = arena_array(compiler->scratch, count, sizeof *values);
    if (standard->values == NULL || values == NULL) {
        compiler->failed = true;
        return;
    }
    struct standard_check check = {.definition = d, .first = true};
    day_t before_from = DAY_NONE;
    bool good = true;
    symbol->busy = true;
    for (const struct dated_value *v = d->dated; v != NULL; v = v->next) {
        check_dates(compiler, &check, v, before_from);
        standard->by_months = standard->by_months && (check.first || first_of_month(v->from));
        struct program_value *value = &standard->values[standard->value_count];
        *value = (struct program_value){.from = v->from, .to = v->to};
        good = dated_value(compiler, d, v, values[standard->value_count++]) && good;
        check.first = false;
        check.covered_to = v->to;
        before_from = v->from;
    }
    symbol->busy = false;
    if (good && !scale_values(standard, (const struct fraction(*)[2])values))
        diagnose(compiler->diagnoser, d->at, MESSAGE_OVERFLOW, NULL, NULL, NULL);
    if (good)
        symbol->index = (int)compiler->program->standard_count++;
}
