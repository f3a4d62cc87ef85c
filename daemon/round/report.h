/* SPDX-License-Identifier: PostgreSQL */
/*
 * A round's report while it is being made (round.h has the report itself).
 */
#ifndef SHOUWANG_ROUND_REPORT_H
#define SHOUWANG_ROUND_REPORT_H

#include "base/text.h"
#include "round/round.h"

#include <stdint.h>

/* Notes a stage that began at `since_us` (clock_monotonic_us) and ends now; returns now. More than ROUND_STAGES_MAX are
 * left out. */
int64_t report_stage(struct round_report *report, const char *name, int64_t since_us, int64_t rows);
/* The same of a stage that is over. */
void report_span(struct round_report *report, const char *name, int64_t since_us, int64_t until_us,
                 int64_t rows);

/* The members that are stored with the round: counts as an object, stages as an array. */
void report_add_counts(const struct round_report *report, struct text *out);
void report_add_stages(const struct round_report *report, struct text *out);

#endif
